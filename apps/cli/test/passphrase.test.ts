// Another passphrase for the operator key: what opens it before, after and in between, and what is left of the old one.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { decodeValue } from '@holdfast/protocol/codec/cbor';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { RecordedFolder } from '@holdfast/testkit/power-loss';
import { changePassphrase, saveOperator, unlockOperator } from '../src/operator/key-file.ts';
import { cli, newHome } from './cli.ts';
import { operatorAt } from './operator-at.ts';
import { facts } from './operator-facts.ts';

const [old, chosen] = ['correct horse battery staple', 'quite another phrase'].map((phrase) => Buffer.from(phrase));

// [OPKEY-10]
test('the new passphrase opens the key, the old one does not, and the fleet knows no difference', async (t) => {
  const operator = await operatorAt(t);
  const newFile = path.join(operator.folder, 'new-phrase');
  writeFileSync(newFile, 'quite another phrase\n', { mode: 0o600 });
  const keyFile = path.join(operator.home, 'operator', 'operator.key');
  const before = readFileSync(keyFile);
  const answer = operator.json(await operator.run(['passphrase', '--new-passphrase-file', newFile, '--json']));
  assert.deepEqual(Object.keys(answer).toSorted(), ['changed', 'device', 'fleet']);
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  const sealedIn = (file: Uint8Array) => Buffer.from((decodeValue(file, 8192) as { sealed: Uint8Array }).sealed);
  assert.ok(!readFileSync(keyFile).includes(sealedIn(before).subarray(0, 16)), 'nothing of the old sealing stays');
  assert.equal(operator.code(await operator.run(['pulse', '--json'])), 'passphrase_wrong');
  operator.json(await cli(['pulse', '--json', '--passphrase-file', newFile], { home: operator.home }));
});

// [OPKEY-4] [OPKEY-10]
test('with a wrong old passphrase, the same one again, or none, nothing is changed', async (t) => {
  const operator = await operatorAt(t);
  const { home, folder, phraseFile } = operator;
  const wrong = path.join(folder, 'wrong');
  writeFileSync(wrong, 'not it\n', { mode: 0o600 });
  const keyFile = path.join(home, 'operator', 'operator.key');
  const before = readFileSync(keyFile);
  const run = (parameters: readonly string[]) => cli(['passphrase', '--json', ...parameters], { home });
  const refused = await run(['--passphrase-file', wrong, '--new-passphrase-file', phraseFile]);
  assert.equal(operator.code(refused), 'passphrase_wrong');
  assert.equal(refused.code, 1);
  for (const parameters of [
    ['--passphrase-file', phraseFile, '--new-passphrase-file', phraseFile],
    ['--passphrase-file', phraseFile],
    ['--new-passphrase-file', wrong],
  ]) {
    const ran = await run(parameters);
    assert.equal(operator.code(ran), 'usage');
    assert.equal(ran.code, 2);
  }
  const missing = JSON.parse((await run(['--passphrase-file', phraseFile])).stdout) as { error: { next: string } };
  assert.match(missing.error.next, /--new-passphrase-file/);
  assert.ok(readFileSync(keyFile).equals(before));
});

test('without an operator key there is none to change, and no passphrase is asked for', async (t) => {
  const ran = await cli(['passphrase', '--json'], { home: newHome(t) });
  assert.equal(ran.code, 3);
  assert.match(ran.stdout, /operator_absent/);
});

// [OPKEY-2] [OPKEY-10]
test('without power at any point: the old file or the new one, whole, and never the old one once it was acknowledged', async (t) => {
  const place = mkdtempSync(path.join(tmpdir(), 'holdfast-passphrase-'));
  t.after(() => rmSync(place, { recursive: true, force: true }));
  const folder = path.join(place, 'operator');
  mkdirSync(folder, { mode: 0o700 });
  assert.ok(old !== undefined && chosen !== undefined);
  await saveOperator(folder, facts, await SoftwareKeyHolder.generate(nodePrimitives), old);
  const unfinished = path.join(folder, 'operator.key.4242.new');
  writeFileSync(unfinished, 'of a command that was killed');
  const keyFile = path.join(folder, 'operator.key');
  const before = readFileSync(keyFile);
  const disk = new RecordedFolder(folder);
  t.after(() => disk.end());
  await changePassphrase(folder, old, chosen);
  disk.acknowledge('changed');
  disk.end();
  const after = readFileSync(keyFile);
  await unlockOperator(folder, chosen);
  await assert.rejects(unlockOperator(folder, old), { code: 'passphrase_wrong' });
  assert.deepEqual(readdirSync(folder), ['operator.key'], 'what a killed command left is gone as well');
  const seen = new Set<string>();
  await disk.eachLoss(async ({ folder: found, acknowledged }) => {
    const content = readFileSync(path.join(found, 'operator.key'));
    const which = content.equals(before) ? 'old' : content.equals(after) ? 'new' : 'neither';
    assert.notEqual(which, 'neither');
    if (acknowledged.includes('changed')) assert.equal(which, 'new');
    seen.add(which);
  });
  assert.deepEqual([...seen].toSorted(), ['new', 'old']);
});
