// A service that repeats the credential in every way of the corpus, through the whole broker: not eight bytes of it come through.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { lookFor, places, reflectingOrigin } from '@holdfast/testkit/reflecting';
import { reflections } from '@holdfast/testkit/reflections';
import { share } from '@holdfast/testkit/shares';
import { secretText, world, type World } from './world.ts';

const forms = Object.keys(reflections);

async function reflecting(it: World): Promise<(form: string, place: string) => ReturnType<typeof lookFor>> {
  const origin = await reflectingOrigin(secretText);
  it.defer(() => origin.close());
  it.grant({ port: origin.port, ca: origin.caPem, seen: [], connections: () => 0, answer: () => {}, started: () => {} });
  const through = { host: '127.0.0.1', port: it.port, ca: it.broker.caPem, headers: {} };
  return (form, place) => lookFor(through, origin, secretText, form, place);
}

// [BROKER-21] [BROKER-24]
test('every reflection at every place of a reply shows nothing', async () => {
  await using it = await world();
  const look = await reflecting(it);
  const verdicts = new Map<string, number>();
  for (const form of forms)
    for (const place of places) {
      const verdict = await look(form, place);
      if (verdict === undefined) continue;
      assert.equal(verdict, 'clean', `${form}, ${place}`);
      verdicts.set(place, (verdicts.get(place) ?? 0) + 1);
    }
  assert.equal(verdicts.get('body'), forms.length);
  assert.ok((verdicts.get('header') ?? 0) > 30);
});

// [BROKER-40]
test('a long stream with reflections across its pieces shows nothing', async () => {
  await using it = await world();
  const look = await reflecting(it);
  for (const form of share({ ci: 0, soak: 1 }) === 1 ? forms : ['exact', 'base64, one byte in', 'every escape at once'])
    assert.equal(await look(form, String(share({ ci: 1 << 20, soak: 100 << 20 }))), 'clean', form);
});
