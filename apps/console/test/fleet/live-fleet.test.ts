// The fleet that a page follows, against a real relay: what others write shows by itself, a relay that goes away and comes back loses nothing, and one
// that is none of this fleet's ends it with what was verified still there.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { addBedrock } from '@holdfast/protocol/journal/compose';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { composeFleet, foundFleet } from '@holdfast/protocol/operator/found';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { cutShort, doubled, flipped, reversed, withoutFirst } from '@holdfast/testkit/attacks';
import { listenHostile, type ListeningRelay, type Script } from '@holdfast/testkit/hostile-relay';
import { LiveFleet, type Connection } from '../../src/fleet/live-fleet.ts';
import { browserPorts, pageClock } from '../../src/fleet/ports.ts';
import { memoryStore, PlayedRelay } from './played-relay.ts';

interface Followed {
  readonly relay: PlayedRelay;
  /** Between the page and the relay; honest until a script says otherwise. */
  readonly between: ListeningRelay;
  readonly live: LiveFleet;
  readonly holder: SoftwareKeyHolder;
  readonly facts: OperatorFacts;
  readonly seen: { state: FleetState | undefined; connection: Connection; refused: number };
  /** Resolves once what was told fulfils it. */
  until(told: (seen: Followed['seen']) => boolean): Promise<void>;
}

async function followed(t: TestContext): Promise<Followed> {
  const relay = new PlayedRelay();
  const between = await listenHostile(() => relay.url);
  t.after(async () => {
    await between.close();
    await relay.remove();
  });
  await relay.start();
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const recovery = (await SoftwareKeyHolder.generate(webPrimitives)).publicKeys;
  const ports = browserPorts(memoryStore());
  const composed = await composeFleet(ports, { relayUrl: between.url, name: 'home', deviceName: 'page', holder, recovery });
  await foundFleet(ports, composed);
  const seen: Followed['seen'] = { state: undefined, connection: { kind: 'connecting' }, refused: 0 };
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const live = new LiveFleet(ports, { facts: composed.facts, holder }, pageClock, {
    connection(now) {
      seen.connection = now;
      tell();
    },
    state(now) {
      seen.state = now;
      tell();
    },
    asks(_news, { refused }) {
      seen.refused = refused;
      tell();
    },
    pushed() {},
    pulse: tell,
  });
  void live.run();
  t.after(() => live.end());
  const until = async (told: (now: Followed['seen']) => boolean): Promise<void> => {
    while (!told(seen)) await changed.promise;
  };
  await until(({ connection, state }) => connection.kind === 'live' && state !== undefined);
  return { relay, between, live, holder, facts: composed.facts, seen, until };
}

const texts = ({ state }: Followed['seen']): readonly string[] =>
  [...(state?.bedrock.texts.values() ?? [])].map(({ text }) => text);

/** The same operator at another place: a CLI, or another page. */
async function elsewhere({ relay, facts, holder }: Followed, text: string): Promise<void> {
  const straight = { ...facts, relayUrl: relay.url };
  const session = new OperatorSession(await readFleet(browserPorts(memoryStore()), straight, holder));
  await session.write((operator) => addBedrock(operator, text));
  session.disconnect();
}

test('what is written elsewhere shows by itself, and what is written here is read once', { timeout: 120_000 }, async (t) => {
  const fleet = await followed(t);
  await elsewhere(fleet, 'from the CLI');
  await fleet.until((seen) => texts(seen).length === 1);
  await fleet.live.session.write((operator) => addBedrock(operator, 'from here'));
  await fleet.until((seen) => texts(seen).length === 2);
  assert.deepEqual(texts(fleet.seen), ['from the CLI', 'from here']);
});

test(
  'a relay that goes away is told as lost, and what came meanwhile is there once it is back',
  { timeout: 120_000 },
  async (t) => {
    const fleet = await followed(t);
    const { port } = fleet.relay;
    await fleet.relay.stop();
    await fleet.until(({ connection }) => connection.kind === 'lost');
    assert.throws(() => fleet.live.session, { code: 'relay_unreachable' });
    await fleet.relay.start(port);
    await elsewhere(fleet, 'while it was away');
    fleet.live.tryNow();
    await fleet.until((seen) => seen.connection.kind === 'live' && texts(seen).length === 1);
  },
);

test(
  'another relay in its place is refused with its reason, and not asked again by itself; what was verified stays',
  { timeout: 120_000 },
  async (t) => {
    const fleet = await followed(t);
    const { port, home } = fleet.relay;
    await fleet.relay.stop();
    rmSync(path.join(home, 'relay'), { recursive: true });
    await fleet.relay.start(port);
    fleet.live.tryNow();
    await fleet.until(({ connection }) => connection.kind === 'refused');
    assert.equal(fleet.seen.connection.kind === 'refused' && fleet.seen.connection.error.code, 'relay_impostor');
    assert.equal(fleet.seen.state?.name, 'home');
  },
);

const lies: Readonly<Record<string, { readonly script: Script; readonly code: string }>> = {
  'entries whose bytes were changed': { script: flipped, code: 'signature_invalid' },
  'entries twice': { script: doubled, code: 'relay_protocol' },
  'entries in another order': { script: reversed, code: 'entry_gap' },
  'a history without its beginning': { script: withoutFirst, code: 'relay_protocol' },
  'a history that ends early': { script: cutShort(0), code: 'entry_stale' },
};

for (const [name, { script, code }] of Object.entries(lies)) {
  test(`a relay that shows ${name} is refused by name, and what was verified stays`, { timeout: 120_000 }, async (t) => {
    const fleet = await followed(t);
    await elsewhere(fleet, 'verified');
    await fleet.until((seen) => texts(seen).length === 1);
    fleet.between.relay.script = script;
    fleet.between.relay.cut();
    await fleet.until(({ connection }) => connection.kind === 'lost' || connection.kind === 'refused');
    fleet.live.tryNow();
    await fleet.until(({ connection }) => connection.kind === 'refused');
    assert.equal(fleet.seen.connection.kind === 'refused' && fleet.seen.connection.error.code, code);
    assert.deepEqual(texts(fleet.seen), ['verified']);
  });
}

test(
  'what a relay pushes without having it is not taken: pulses and signals of its own making change nothing',
  { timeout: 120_000 },
  async (t) => {
    const fleet = await followed(t);
    const forged = new Uint8Array(400).fill(7);
    fleet.between.relay.toClients([
      { kind: 'push-pulse', pulse: forged },
      { kind: 'push-signal', signal: forged },
      { kind: 'push-entry', topic: new Uint8Array(16), entry: forged },
    ]);
    await elsewhere(fleet, 'after that');
    await fleet.until((seen) => texts(seen).length === 1);
    assert.equal(fleet.seen.connection.kind, 'live');
    assert.equal(fleet.live.refusedPulses, 1);
    assert.deepEqual([fleet.live.asks.refused, fleet.seen.refused], [1, 1], 'counted, and told of');
    assert.deepEqual(fleet.live.asks.waiting(), []);
  },
);
