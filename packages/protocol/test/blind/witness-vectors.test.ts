// spec/vectors/witness, and what the standards show of their own: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logName, logText, parseWitnessKey, verifyLogNote, witnessedAt, witnessKeyText } from '@holdfast/protocol/blind/log-note';
import { verifyDeviceNote, vouchedWitness, vouchFor } from '@holdfast/protocol/blind/witness';
import { fromBase64, utf8 } from '@holdfast/protocol/codec/bytes';
import { signingInput } from '@holdfast/protocol/keys/domain';
import { joinNote, parseNote } from '@holdfast/protocol/keys/note';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import {
  externalText,
  fromVectorHex as hex,
  noExternalVectors,
  outcomeOf,
  ownVectors,
  type VectorEntry,
} from '@holdfast/testkit/vectors';

type NoteEntry = VectorEntry & { fleet: string; agent: string; key: string; laterKey?: string; note: string };
type DeviceEntry = NoteEntry & { deviceKey: string; vouch: string };
type Cosignature = VectorEntry & { note: string; witness: string; atS: number | null };

/** The text between the first pair of fences after `heading`. */
function fenced(page: string, heading: string): string {
  const [, after = ''] = page.split(heading);
  return after.split('```\n')[1] ?? assert.fail(`no example after ${heading}`);
}

describe('published checkpoints', () => {
  for (const { name, clause, expect, fleet, agent, key, laterKey = [], note } of ownVectors<NoteEntry>('witness/notes').entries) {
    it(`[${clause}] ${name}: ${expect}`, async () => {
      const log = { origin: logName(primitives, hex(fleet), hex(agent)), keys: [key, laterKey].flat().map(hex) };
      assert.equal(await outcomeOf(() => verifyLogNote(primitives, note, log)), expect);
    });
  }

  it('[KEYS-10] are signed as such a text and as nothing else', async () => {
    const text = logText({
      origin: logName(primitives, new Uint8Array(32), new Uint8Array(16)),
      size: 1,
      root: new Uint8Array(32),
    });
    assert.deepEqual(signingInput('log-note', utf8(text)), utf8(text));
    for (const other of [`${text}more\n`, text.slice(1), text.replace('\n1\n', '\n0\n'), `${text}\0`, 'holdfast/v1 entry\0'])
      assert.equal(await outcomeOf(() => signingInput('log-note', utf8(other))), 'signature_invalid');
  });

  it(
    '[WITNESS-1] are notes as the standard has them: its example is read, and its signature found',
    { skip: noExternalVectors },
    async () => {
      const page = externalText('c2sp-specs/signed-note.md');
      const note = parseNote(fenced(page, 'verifies the following signed note'));
      const [, keyText = ''] = /example\.com\/foo\+530d903a\+(\S+)/.exec(page) ?? [];
      const key = fromBase64(keyText)?.slice(1) ?? assert.fail();
      const [only] = note.signatures;
      assert.equal(note.text, 'This is an example message.\n');
      assert.equal(only?.name, 'example.com/foo');
      assert.ok(await primitives.ed25519Verify(key, utf8(note.text), only.signature));
      assert.equal(joinNote(note.text, [only.line]), fenced(page, 'verifies the following signed note'));
      const cosigned = parseNote(fenced(externalText('c2sp-specs/tlog-cosignature.md'), 'contains a cosignature.'));
      assert.deepEqual(
        cosigned.signatures.map(({ name, signature }) => [name, signature.length]),
        [
          ['example.com/behind-the-sofa', 64],
          ['witness.example.com/w1', 72],
        ],
      );
    },
  );
});

describe('cosignatures', () => {
  for (const { name, clause, expect, note, witness, atS } of ownVectors<Cosignature>('witness/cosignatures').entries) {
    it(`[${clause}] ${name}: ${expect}`, async () => {
      const seen = async () => witnessedAt(primitives, parseNote(note), parseWitnessKey(primitives, witness));
      assert.equal(await outcomeOf(seen), expect);
      if (expect === 'ok') assert.equal(await seen(), atS ?? undefined);
    });
  }

  it('[WITNESS-8] are by a key that the pinned one vouches for', async () => {
    const [relay, stranger] = [await SoftwareKeyHolder.generate(primitives), await SoftwareKeyHolder.generate(primitives)];
    const witness = { name: 'holdfast/relay/1', key: await primitives.ed25519PublicKey(new Uint8Array(32).fill(1)) };
    const vouch = await vouchFor(relay, witness);
    const { name, key } = await vouchedWitness(primitives, vouch, relay.publicKeys.sign);
    assert.equal(witnessKeyText(primitives, { name, key }), witnessKeyText(primitives, witness));
    const by = async (publicKey: Uint8Array) => outcomeOf(() => vouchedWitness(primitives, vouch, publicKey));
    assert.equal(await by(stranger.publicKeys.sign), 'signature_invalid');
  });
});

describe('what devices cosigned', () => {
  for (const { name, clause, expect, fleet, agent, key, deviceKey, note, vouch } of ownVectors<DeviceEntry>('witness/devices')
    .entries) {
    it(`[${clause}] ${name}: ${expect}`, async () => {
      const log = { origin: logName(primitives, hex(fleet), hex(agent)), keys: [hex(key)], deviceKey: hex(deviceKey) };
      const verified = async () => verifyDeviceNote(primitives, { note, vouch: hex(vouch) }, log);
      assert.equal(await outcomeOf(verified), expect);
      if (expect === 'ok') assert.equal((await verified()).atMs, 1_790_000_000_000);
    });
  }
});
