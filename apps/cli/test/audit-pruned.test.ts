// The commands over a record of which the first events are pruned: they say how many and by which policy, and guess nothing of them. spec/cli.md, `audit`.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { Author, type LongLog } from '@holdfast/testkit/long-log';
import { auditPage, cli, playDoor } from './cli.ts';

const author = await Author.of(nodePrimitives.random(32));
const below = 300;
const long = await author.writePruning(600, below);
const note = await author.publish(long.events);
const code = (stdout: string): string => (JSON.parse(stdout) as { error?: { code: string } }).error?.code ?? 'ok';
const said = `${below} events were pruned by policy 1, which keeps them for 30 days; their hashes are left`;

/** A daemon that has this record, and of so many first events the hashes alone. */
function keeps(t: TestContext, gone = below, { log, events, checkpoints }: LongLog = long): ReturnType<typeof playDoor> {
  const leaves = events.slice(0, gone).map((each) => leafHash(nodePrimitives, each));
  return playDoor(t, (request, guest) => {
    if (request.kind === 'audit')
      return guest.finish(auditPage(request, { ...log, leaves, events: events.slice(gone), checkpoints }));
    if (request.kind === 'audit-note') return guest.finish({ kind: 'audit-note', note, witnesses: [] });
    if (request.kind !== 'authority') return guest.finish({ kind: 'failed', code: 'usage', message: 'not played' });
    const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } as never;
    return guest.finish({
      kind: 'authority',
      fleet: log.fleet,
      key,
      removed: [],
      chains: [],
      credentials: [],
      warrants: [],
      looked: 0,
    });
  });
}

// [CLI-67]
test('what is shown and verified begins with the first event that is there, and says what went before', async (t) => {
  const { home } = await keeps(t);
  const run = (...words: string[]) => cli(['audit', ...words], { home });
  const shown = JSON.parse((await run('show', '--json')).stdout) as { pruned: object; events: { sequence: number }[] };
  assert.deepEqual(shown.pruned, { records: below, version: 1, retentionDays: 30 });
  assert.deepEqual([shown.events[0]?.sequence, shown.events.length], [below, 300]);
  assert.ok((await run('show', '--last', '1')).stdout.startsWith(said));
  const verified = await run('verify', '--json');
  const verdict = JSON.parse(verified.stdout) as { ok: boolean; events: number; covered: number; pruned: object };
  assert.deepEqual([verified.code, verdict.ok, verdict.events, verdict.covered], [0, true, 600, 600]);
  assert.deepEqual(verdict.pruned, { records: below, version: 1, retentionDays: 30 });
  assert.ok((await run('verify')).stdout.includes(said));
});

// [CLI-61]
test('an event that was pruned is named as that', async (t) => {
  const { home } = await keeps(t);
  for (const words of [
    ['show', '3'],
    ['reveal', '3'],
    ['replay', '3'],
  ]) {
    const asked = await cli(['audit', ...words, '--json'], { home });
    assert.deepEqual([asked.code, code(asked.stdout)], [2, 'usage'], words.join(' '));
    assert.match(asked.stdout, /event 3 was pruned/);
  }
  const first = await cli(['audit', 'show', String(below), '--json'], { home });
  assert.equal(first.code, 0);
});

// [AUDIT-68]
test('events that are gone without a record of it, or more than that, make a log that does not hold', async (t) => {
  for (const [gone, log] of [
    [below + 1, long],
    [1, await author.write(600)],
  ] as const) {
    const { home } = await keeps(t, gone, log);
    for (const words of [['verify'], ['show']]) {
      const asked = await cli(['audit', ...words, '--json'], { home });
      assert.deepEqual([asked.code, code(asked.stdout)], [4, 'audit_gap']);
    }
  }
});

// [CLI-68]
test('no figure is made of what was pruned, here or of a bundle, and it says of how many', async (t) => {
  const { home } = await keeps(t);
  const figures = async (...words: string[]): Promise<{ calls: number; pruned?: number }> =>
    JSON.parse((await cli(['time', '--json', '--until', '1800000000000', ...words], { home })).stdout) as {
      calls: number;
      pruned?: number;
    };
  const here = await figures('--agent', 'main');
  assert.deepEqual([here.calls, here.pruned], [299, below]);
  const bundle = path.join(home, 'bundle');
  assert.equal((await cli(['audit', 'export', '--format', 'bundle', '--out', bundle], { home })).code, 0);
  assert.deepEqual(await figures('--from', bundle), here);
  const lines = readFileSync(bundle, 'utf8').split('\n');
  writeFileSync(bundle, lines.toSpliced(-2, 1).join('\n')); // without the record that says so
  const refused = await cli(['time', '--from', bundle, '--json'], { home });
  assert.deepEqual([refused.code, code(refused.stdout)], [2, 'usage']);
});

// [TILES-10]
test('a folder of tiles has all hashes, and only bundles whose entries are all there', async (t) => {
  const { home } = await keeps(t);
  const folder = path.join(home, 'tiles');
  const asked = await cli(['audit', 'export', '--format', 'tiles', '--out', folder, '--json'], { home });
  assert.equal(asked.code, 0, asked.stdout);
  for (const name of ['tile/0/000', 'tile/0/001', 'tile/0/002.p/88', 'tile/entries/002.p/88'])
    assert.ok(existsSync(path.join(folder, name)), name);
  for (const name of ['tile/entries/000', 'tile/entries/001']) assert.ok(!existsSync(path.join(folder, name)), name);
  const [first] = long.events;
  const tile = readFileSync(path.join(folder, 'tile/0/000'));
  assert.equal(toHex(tile.subarray(0, 32)), toHex(leafHash(nodePrimitives, first ?? new Uint8Array())));
});
