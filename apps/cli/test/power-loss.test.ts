// The operator's files when the power goes, or a call to the file system fails: the key that init acknowledged opens, heads never go back.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { RecordedFolder, type Found } from '@holdfast/testkit/power-loss';
import { hasOperator, operatorFacts, rememberSeen, saveOperator, seenBefore, unlockOperator } from '../src/operator/key-file.ts';
import { facts, random } from './operator-facts.ts';

const phrase = new TextEncoder().encode('correct horse battery staple');
const headAt = (position: number) => ({ control: { position, hash: random(32) } });

function recorded(t: TestContext): RecordedFolder {
  const place = mkdtempSync(path.join(tmpdir(), 'holdfast-power-'));
  const folder = path.join(place, 'operator');
  mkdirSync(folder, { mode: 0o700 });
  const disk = new RecordedFolder(folder);
  t.after(() => {
    disk.end();
    rmSync(place, { recursive: true, force: true });
  });
  return disk;
}

it('[OPKEY-2] without power at any point: files are whole, and what was acknowledged is there', async (t) => {
  const disk = recorded(t);
  rememberSeen(disk.folder, headAt(0));
  await saveOperator(disk.folder, facts, await SoftwareKeyHolder.generate(nodePrimitives), phrase);
  disk.acknowledge('made');
  rememberSeen(disk.folder, headAt(7));
  disk.acknowledge('seen');
  disk.end();
  await unlockOperator(disk.folder, phrase);
  const look = async ({ folder, acknowledged }: Found): Promise<void> => {
    const seen = seenBefore(folder)?.control.position ?? -1;
    if (hasOperator(folder)) assert.equal(operatorFacts(folder).fleetName, 'home');
    if (acknowledged.includes('made')) assert.ok(hasOperator(folder) && seen >= 0);
    if (acknowledged.includes('seen')) assert.equal(seen, 7);
  };
  assert.ok((await disk.eachLoss(look)) >= 10);
  const all = disk.steps;
  for (const left of ['sync', 'sync-folder'] as const) {
    disk.steps = all.filter(({ kind }) => kind !== left);
    await assert.rejects(disk.eachLoss(look), `a store without ${left} is found out`);
  }
});

it('[OPKEY-2] with EIO at any call: says store_failed, and what was there stays', (t) => {
  for (let at = 1; at < 50; at += 1) {
    const disk = recorded(t);
    rememberSeen(disk.folder, headAt(3));
    const before = disk.calls;
    disk.refuse = (call) => call === before + at;
    let refused = false;
    try {
      rememberSeen(disk.folder, headAt(4));
    } catch (thrown) {
      refused = true;
      assert.equal(codeOf(thrown), 'store_failed');
    }
    const done = disk.calls < before + at;
    disk.refuse = () => false;
    const position = seenBefore(disk.folder)?.control.position ?? -1;
    assert.ok(refused ? position === 3 || position === 4 : position === 4);
    rememberSeen(disk.folder, headAt(5));
    assert.equal(seenBefore(disk.folder)?.control.position, 5);
    disk.end();
    if (done) return;
  }
  assert.fail('it never came to its end');
});
