// The software key store when the power goes, or a call to the file system fails: what was answered is there, and the store opens by itself.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { RecordedFolder, type Found } from '@holdfast/testkit/power-loss';
import { openSoftwareStore } from '../src/software-store.ts';

const open = (folder: string) => openSoftwareStore(nodePrimitives, folder, undefined);

function recorded(t: TestContext): RecordedFolder {
  const place = mkdtempSync(path.join(tmpdir(), 'holdfast-power-'));
  const folder = path.join(place, 'store');
  mkdirSync(folder);
  const disk = new RecordedFolder(folder);
  t.after(() => {
    disk.end();
    rmSync(place, { recursive: true, force: true });
  });
  return disk;
}

describe('the software key store', () => {
  it('without power at any point: what was answered is there, what was not is whole or absent [CUSTODY-14]', async (t) => {
    const disk = recorded(t);
    const store = await open(disk.folder);
    const { key: kept } = (await store.create('main')).description;
    disk.acknowledge('created');
    await store.bind(kept, { fleet: nodePrimitives.random(32), agent: nodePrimitives.random(16) });
    disk.acknowledge('bound');
    const { key: gone } = (await store.create('gone')).description;
    await store.destroy(gone);
    disk.acknowledge('destroyed');
    disk.end();
    const look = async ({ folder, acknowledged }: Found): Promise<void> => {
      const found = (await open(folder)).list().map(({ description }) => description);
      const main = found.find(({ key }) => toHex(key) === toHex(kept));
      if (acknowledged.includes('created')) assert.equal(main?.label, 'main');
      if (acknowledged.includes('bound')) assert.ok(main?.binding !== undefined);
      if (acknowledged.includes('destroyed')) assert.equal(found.length, 1);
    };
    assert.ok((await disk.eachLoss(look)) >= 20);
    const all = disk.steps;
    for (const left of ['sync', 'sync-folder'] as const) {
      disk.steps = all.filter(({ kind }) => kind !== left);
      await assert.rejects(disk.eachLoss(look), `a store without ${left} is found out`);
    }
  });

  it('with EIO at any call: says store_failed, keeps what was answered, and goes on when the disk does', async (t) => {
    let failures = 0;
    for (let at = 1; at < 100; at += 1) {
      const disk = recorded(t);
      disk.refuse = (call) => call === at;
      const answered: string[] = [];
      try {
        const store = await open(disk.folder);
        for (const label of ['one', 'two']) {
          answered.push(toHex((await store.create(label)).description.key));
        }
      } catch (thrown) {
        failures += 1;
        assert.equal(codeOf(thrown), 'store_failed');
      }
      const done = disk.calls < at;
      disk.refuse = () => false;
      const again = await open(disk.folder);
      const left = again.list().map(({ description }) => toHex(description.key));
      for (const key of answered) assert.ok(left.includes(key));
      await again.create('three');
      disk.end();
      if (done) break;
    }
    assert.ok(failures > 8, `${failures} failures`);
  });
});
