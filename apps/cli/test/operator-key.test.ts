// The operator's key at rest: what opens it, what does not, and what an edited file is worth.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { decodeValue, encodeValue } from '@holdfast/protocol/codec/cbor';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { hasOperator, operatorFacts, rememberSeen, saveOperator, seenBefore, unlockOperator } from '../src/operator/key-file.ts';
import { facts, random } from './operator-facts.ts';

const phrase = Buffer.from('correct horse battery staple');

let holder: SoftwareKeyHolder;
let saved: Buffer;

function newFolder(t: TestContext, content?: Uint8Array): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-opkey-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  if (content !== undefined) writeFileSync(path.join(folder, 'operator.key'), content);
  return folder;
}

/** The same file with one field changed. */
function edited(change: (file: Record<string, unknown>) => void): Uint8Array {
  const file = { ...(decodeValue(saved, 8192) as Record<string, unknown>) };
  change(file);
  return encodeValue(file as Parameters<typeof encodeValue>[0]);
}

before(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-opkey-'));
  holder = await SoftwareKeyHolder.generate(primitives);
  await saveOperator(folder, facts, holder, phrase);
  saved = readFileSync(path.join(folder, 'operator.key'));
  assert.equal(statSync(path.join(folder, 'operator.key')).mode & 0o777, 0o600);
  rmSync(folder, { recursive: true });
});

// [OPKEY-1]
test('the right passphrase opens the same key; the file shows how it was stretched and nothing of the key', async (t) => {
  const folder = newFolder(t, saved);
  assert.equal(hasOperator(folder), true);
  assert.deepEqual(operatorFacts(folder).fleet, facts.fleet);
  const opened = await unlockOperator(folder, phrase);
  assert.ok(
    equalBytes(opened.publicKeys.sign, holder.publicKeys.sign) && equalBytes(opened.publicKeys.seal, holder.publicKeys.seal),
  );
  const file = decodeValue(saved, 8192) as Record<string, unknown>;
  assert.deepEqual(Object.keys(file).toSorted(), [
    'device',
    'fleet',
    'fleetName',
    'logN',
    'nonce',
    'relayKey',
    'relayUrl',
    'salt',
    'sealed',
    'v',
  ]);
  assert.equal(file['logN'], 17);
  const secret = holder.exportBytes();
  assert.equal(saved.includes(Buffer.from(secret.subarray(0, 32))), false);
});

// [OPKEY-4]
test('a wrong passphrase opens nothing and changes nothing', async (t) => {
  const folder = newFolder(t, saved);
  await assert.rejects(unlockOperator(folder, Buffer.from('correct horse battery stapl')), { code: 'passphrase_wrong' });
  assert.ok(readFileSync(path.join(folder, 'operator.key')).equals(saved));
});

// [OPKEY-3]
test('a file whose fleet, relay or any other field was edited opens for nobody', async (t) => {
  const edits: readonly ((file: Record<string, unknown>) => void)[] = [
    (file) => (file['relayUrl'] = 'http://evil.example'),
    (file) => (file['relayKey'] = random(65)),
    (file) => (file['fleet'] = random(32)),
    (file) => (file['device'] = random(16)),
    (file) => (file['fleetName'] = 'other'),
    (file) => (file['nonce'] = random(12)),
    (file) => (file['logN'] = 14),
  ];
  for (const edit of edits)
    await assert.rejects(unlockOperator(newFolder(t, edited(edit)), phrase), { code: 'passphrase_wrong' }, String(edit));
});

// [OPKEY-4] [OPKEY-1]
test('a damaged file, or one that asks for more memory than there should be, says so before it asks for work', async (t) => {
  for (const content of [
    saved.subarray(0, -1),
    Buffer.concat([saved, Buffer.from([0])]),
    Buffer.from('{}'),
    new Uint8Array(),
    edited((file) => (file['logN'] = 24)),
    edited((file) => (file['v'] = 2)),
  ]) {
    await assert.rejects(unlockOperator(newFolder(t, content), phrase), { code: 'key_invalid' });
  }
});

test('no file is no operator', async (t) => {
  const folder = newFolder(t);
  assert.equal(hasOperator(folder), false);
  assert.throws(() => operatorFacts(folder), { code: 'operator_absent', next: /init/ });
  await assert.rejects(unlockOperator(folder, phrase), { code: 'operator_absent' });
});

// [OPKEY-5]
test('a key that was wiped signs and opens nothing any more', async (t) => {
  const opened = await unlockOperator(newFolder(t, saved), phrase);
  opened.wipe();
  await assert.rejects(async () => opened.sign('pulse', new Uint8Array(1)), { code: 'key_invalid' });
});

// [OPKEY-7]
test('the head that was seen never goes back', (t) => {
  const folder = newFolder(t);
  assert.equal(seenBefore(folder), undefined);
  const [low, high] = [
    { position: 3, hash: random(32) },
    { position: 9, hash: random(32) },
  ];
  rememberSeen(folder, { control: high });
  rememberSeen(folder, { control: low });
  assert.deepEqual(seenBefore(folder)?.control, high);
});

// [OPKEY-6]
test('a damaged memory of heads is not taken for none', (t) => {
  const folder = newFolder(t);
  rememberSeen(folder, { control: { position: 3, hash: random(32) } });
  writeFileSync(path.join(folder, 'heads'), '');
  assert.throws(() => seenBefore(folder), { code: 'key_invalid', next: /backup/ });
});
