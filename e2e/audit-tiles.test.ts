// The record as tiles: a folder that a reader of c2sp.org/tlog-tiles follows from its checkpoint down to each record, with nothing of ours; and hashes beside
// the log that somebody changed while the daemon was off. spec/audit-tiles.md

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';

/** Requests of one program that are refused and recorded: enough for tiles that are full. */
const requests = 400;

/** A reader by the text of tlog-tiles alone: the root that a folder's tiles give at the size of its checkpoint, and the entries that stand under them. */
class Follower {
  private readonly folder: string;
  readonly size: number;
  readonly root: string;

  constructor(folder: string) {
    const [, size = '', root = ''] = readFileSync(path.join(folder, 'checkpoint'), 'utf8').split('\n');
    this.folder = folder;
    this.size = Number(size);
    this.root = root;
  }

  private file(kind: string, level: number, index: number): Buffer {
    const width = Math.min(256, Math.floor(this.size / 256 ** level) - index * 256);
    const name = String(index).padStart(3, '0'); // stories are short: no index here has four digits
    return readFileSync(path.join(this.folder, 'tile', kind, width === 256 ? name : `${name}.p/${width}`));
  }

  private hashes(level: number): Buffer[] {
    const found: Buffer[] = [];
    const count = Math.floor(this.size / 256 ** level);
    for (let index = 0; found.length < count; index += 1) {
      const tile = this.file(String(level), level, index);
      for (let at = 0; at < tile.length; at += 32) found.push(tile.subarray(at, at + 32));
    }
    return found;
  }

  /** RFC 6962 §2.1 over hashes. */
  private static tree(hashes: readonly Buffer[]): Buffer {
    const [only] = hashes;
    if (hashes.length === 1 && only !== undefined) return only;
    let half = 1;
    while (half * 2 < hashes.length) half *= 2;
    const [left, right] = [Follower.tree(hashes.slice(0, half)), Follower.tree(hashes.slice(half))];
    return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();
  }

  /** That each full tile is what the level above says of it, and the leaves give the checkpoint's root. */
  follow(): void {
    const leaves = this.hashes(0);
    assert.equal(Follower.tree(leaves).toString('base64'), this.root);
    for (const [index, above] of this.hashes(1).entries())
      assert.deepEqual(Follower.tree(leaves.slice(index * 256, (index + 1) * 256)), above);
  }

  entries(): Buffer[] {
    const leaves = this.hashes(0);
    const found: Buffer[] = [];
    for (let index = 0; found.length < this.size; index += 1) {
      const bundle = this.file('entries', 0, index);
      for (let at = 0; at < bundle.length;) {
        const entry = bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at));
        assert.deepEqual(createHash('sha256').update(Uint8Array.of(0)).update(entry).digest(), leaves[found.length]);
        found.push(entry);
        at += 2 + entry.length;
      }
    }
    return found;
  }
}

describe('the record as tiles', () => {
  let holdfast: Installation;
  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle();
  });
  after(() => holdfast.remove());

  const act = (): Promise<unknown> =>
    holdfast.run(['curl', '-s', '-o', '/dev/null', `http://nowhere.example.com/[1-${requests}]`]);
  const exported = async (name: string): Promise<Follower> => {
    const folder = path.join(holdfast.folder, name);
    const ran = await holdfast.cli(['audit', 'export', '--format', 'tiles', '--out', folder, '--json']);
    assert.equal(ran.code, 0, ran.stdout);
    const follower = new Follower(folder);
    assert.equal(jsonOf<{ events: number }>(ran).events, follower.size);
    return follower;
  };

  it('whoever follows the folder gets to every record, and follows on when it is written again', async () => {
    await act();
    const first = await exported('tiles');
    assert.ok(first.size > 256, String(first.size));
    first.follow();
    await act();
    const second = await exported('tiles');
    assert.ok(second.size > first.size);
    second.follow();
    const events = second.entries().map((entry) => decodeEvent(entry));
    assert.deepEqual(events.map(({ sequence }) => sequence), [...events.keys()]); // prettier-ignore
    assert.ok(events.filter(({ kind }) => kind === 'refused').length >= 2 * requests);
  });

  it('hashes beside the log that were changed while the daemon was off are told of and made anew; the log holds and is cosigned', async () => {
    const noted = async (): Promise<number> => {
      const said = await holdfast.cli(['audit', 'checkpoint', '--note']);
      assert.equal(said.code, 0, said.stderr);
      return said.stdout.split('\n').filter((line) => line.startsWith('— ')).length;
    };
    await noted();
    await act();
    await noted();
    assert.equal(await holdfast.stop(), 0);
    const audit = path.join(holdfast.home, 'daemon/audit');
    const [agent = ''] = readdirSync(audit);
    const file = path.join(audit, agent, 'tiles/0');
    const bytes = readFileSync(file);
    assert.ok(bytes.length > 256 * 32);
    writeFileSync(file, bytes.map((byte) => byte ^ 1)); // prettier-ignore
    await holdfast.start();
    assert.equal(await noted(), 2); // the agent's own line, and the relay's
    const { events } = jsonOf<{ events: { code?: string }[] }>(
      await holdfast.cli(['audit', 'show', '--what', 'fault', '--json']),
    );
    assert.equal(events.filter(({ code }) => code === 'audit_tiles').length, 1);
    assert.equal((await holdfast.cli(['audit', 'verify'])).code, 0);
    (await exported('again')).follow();
  });
});
