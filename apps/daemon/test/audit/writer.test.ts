// The audit writer: order, durability, checkpoints, what is on disk, and what damage does. Disk faults are in faults.test.ts.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { numbered, numberOf } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { recordedRequest } from '../../src/audit/redact.ts';
import { asItIs, LogWorld, random } from './log-world.ts';
import { MemoryDisk } from './memory-disk.ts';

let world: LogWorld;
let base: string;
before(async () => {
  world = await LogWorld.make();
  base = mkdtempSync(path.join(tmpdir(), 'holdfast-audit-'));
});
after(() => rmSync(base, { recursive: true, force: true }));

const rejects = (act: Promise<unknown>, code: ErrorCode) => assert.rejects(act, (thrown) => codeOf(thrown) === code);
const flush = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('the audit writer', () => {
  it('[AUDIT-17] keeps the order of the calls, durable or not', async () => {
    const writer = await world.open(new MemoryDisk());
    const appends = Array.from({ length: 1000 }, (_, number) =>
      number % 3 === 0 ? writer.appendDurable(numbered(number)) : writer.append(numbered(number)),
    );
    await Promise.all(appends);
    assert.deepEqual(
      (await world.events(writer)).map(numberOf),
      Array.from({ length: 1000 }, (_, number) => number),
    );
    await writer.close();
  });

  it('[AUDIT-17] resolves a durable append only after a sync, and syncs the others within 50 ms', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    await writer.appendDurable(numbered(0));
    const syncs = disk.syncs;
    await writer.append(numbered(1));
    assert.equal(disk.syncs, syncs, 'an ordinary append does not wait for the disk');
    assert.equal((await world.open(disk.afterPowerLoss(() => 0))).size, 1);
    while (disk.syncs === syncs) await flush(); // by itself
    assert.equal((await world.open(disk.afterPowerLoss(() => 0))).size, 2);
    await writer.close();
  });

  it('a checkpoint covers what was noted a moment ago, also where the log had nothing before', async () => {
    const writer = await world.open(new MemoryDisk());
    for (let number = 1; number <= 2; number += 1) {
      writer.note(numbered(number));
      await writer.checkpoint();
      assert.equal(writer.signedSize, number);
    }
    await writer.close();
  });

  it('writes in groups', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    await Promise.all(Array.from({ length: 1000 }, (_, number) => writer.appendDurable(numbered(number))));
    assert.ok(disk.syncs < 20, `${disk.syncs} syncs for 1,000 durable appends`);
    await writer.close();
  });

  const session = new Uint8Array(16);
  const facts = { scheme: 'https', host: 'a.example', port: 443, method: 'GET', path: '/' } as const;
  const request = recordedRequest(nodePrimitives, facts, { paths: 'omit', redacting: asItIs });
  const provoked: readonly AuditReport[] = [
    { kind: 'refused', session, code: 'egress_denied', request },
    { kind: 'fault', code: 'codec_shape' },
    { kind: 'answered', session, ask: session, outcome: 'crowded' },
  ];
  for (const one of provoked)
    it(`[AUDIT-25] a flood of ${one.kind} hides neither itself nor what else happened`, async () => {
      const writer = await world.open(new MemoryDisk());
      const flood = 20_000;
      for (let count = 0; count < flood; count += 1) writer.note(one);
      writer.note(numbered(7));
      await writer.appendDurable(numbered(8));
      await writer.close();
      const events = await world.events(writer);
      assert.deepEqual(
        events.map(numberOf).filter((number) => number >= 0),
        [7, 8],
      );
      const recorded = events.filter(({ kind }) => kind === one.kind).length;
      const { dropped } = await world.verify(writer);
      assert.ok(dropped > 0, 'not all of them found a place');
      assert.equal(recorded + dropped, flood);
    });

  it('refuses an event of no known shape, and leaves no gap', async () => {
    const writer = await world.open(new MemoryDisk());
    const odd = { kind: 'daemon-start', version: 'line\nbreak' } as AuditReport;
    const outcomes = await Promise.allSettled([writer.append(numbered(0)), writer.append(odd), writer.append(numbered(1))]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await world.verify(writer);
    await writer.close();
  });

  it('takes nothing once it is closed', async () => {
    const writer = await world.open(new MemoryDisk());
    await writer.append(numbered(0));
    await writer.close();
    await rejects(writer.append(numbered(1)), 'audit_unavailable');
  });
});

describe('the wall clock', () => {
  const ofClocks = (clock: { wallMs: number; monotonicMs: number }) => ({
    clock: { nowMs: () => clock.wallMs, monotonicMs: () => clock.monotonicMs },
    run: { id: random(16), startedMs: clock.monotonicMs },
  });
  const moves = async (writer: Awaited<ReturnType<LogWorld['open']>>) =>
    (await world.events(writer)).flatMap((event) =>
      event.kind === 'clock-moved' ? [[event.sequence, event.to, event.byMs]] : [],
    );

  it('[AUDIT-41] that is set, also in small steps, is told before the next record, once', async () => {
    const clock = { wallMs: 1_790_000_000_000, monotonicMs: 50 };
    const writer = await world.open(new MemoryDisk(), ofClocks(clock));
    const record = async (wallMs: number, monotonicMs: number) => {
      clock.wallMs += wallMs;
      clock.monotonicMs += monotonicMs;
      await writer.append(numbered(0));
    };
    await record(0, 0);
    await record(60_000, 59_000); // as clocks do
    await record(-3_600_000, 0);
    await record(10_000, 10_000);
    await record(3000, 0);
    await record(3000, 0); // six seconds in all
    await record(1000, 1000);
    assert.deepEqual(await moves(writer), [
      [2, 'back', 3_601_000 - 2000],
      [6, 'forward', 6000],
    ]);
    await writer.close();
  });

  it('[AUDIT-41] that was set back between two runs is told by the first record', async () => {
    const clock = { wallMs: 1_790_000_000_000, monotonicMs: 50 };
    const disk = new MemoryDisk();
    const first = await world.open(disk, ofClocks(clock));
    await first.append(numbered(0));
    await first.close();
    clock.wallMs -= 86_400_000;
    const second = await world.open(disk.afterKill(), ofClocks(clock));
    await second.append(numbered(1));
    assert.deepEqual(await moves(second), [[1, 'back', 86_400_000]]);
    await second.close();
  });
});

describe('checkpoints', () => {
  it('[AUDIT-12] are made at close, chained over restarts, and verify', async () => {
    let disk = new MemoryDisk();
    for (let run = 0; run < 4; run += 1) {
      const writer = await world.open(disk);
      await writer.append(numbered(run));
      await writer.append(numbered(run));
      await writer.close();
      disk = disk.afterKill();
    }
    const writer = await world.open(disk);
    const verdict = await world.verify(writer);
    assert.deepEqual([verdict.events, verdict.covered, verdict.checkpoints, verdict.runs], [8, 8, 4, 4]);
    await writer.close();
  });

  it('are made by themselves after many events', async () => {
    const writer = await world.open(new MemoryDisk());
    await Promise.all(Array.from({ length: 2048 }, (_, number) => writer.appendDurable(numbered(number))));
    while (writer.newestCheckpoint === undefined) await flush();
    assert.ok(readCheckpoint(nodePrimitives, writer.newestCheckpoint).statement.size >= 1024);
    await writer.close();
  });

  it('that cannot be signed hold nothing up, and come later', async () => {
    let down = true;
    const writer = await world.open(new MemoryDisk(), {
      sign: (statement) => (down ? Promise.reject(new Error('custody is gone')) : world.sign(statement)),
    });
    await Promise.all(Array.from({ length: 1500 }, (_, number) => writer.appendDurable(numbered(number))));
    await assert.rejects(writer.checkpoint());
    down = false;
    await writer.checkpoint();
    assert.equal((await world.verify(writer)).covered, 1500);
    await writer.close();
  });
});

describe('the files', () => {
  it('hold ciphertext, and are private', async () => {
    const folder = path.join(base, 'ciphertext');
    const writer = await world.open(await openAuditFolder(folder));
    await writer.appendDurable({ kind: 'session-start', session: random(16), mode: 'sealed', program: 'canary-in-a-record' });
    await writer.close();
    const files = readdirSync(folder);
    assert.equal(files.filter((name) => name.endsWith('.log')).length, 1);
    for (const name of files) {
      const content = readFileSync(path.join(folder, name));
      assert.ok(!content.includes('canary') && !content.includes('session-start') && !content.includes(Buffer.from(world.agent)));
      assert.equal(statSync(path.join(folder, name)).mode & 0o077, 0);
    }
    assert.equal(statSync(folder).mode & 0o077, 0);
  });

  it('[AUDIT-18] never hold two frames under one key and number', async () => {
    let disk = new MemoryDisk();
    for (let run = 0; run < 3; run += 1) {
      const writer = await world.open(disk);
      await writer.appendDurable(numbered(run));
      disk = disk.afterPowerLoss(() => 0);
    }
    const logs = [...disk.files].filter(([name]) => name.endsWith('.log'));
    const salts = new Set(logs.map(([, { current }]) => Buffer.from(current.subarray(8, 40)).toString('hex')));
    assert.equal(logs.length, 3);
    assert.equal(salts.size, 3, 'each start has a segment and a key of its own');
  });

  it('open for nobody else: another key, another agent', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    await writer.appendDurable(numbered(0));
    await writer.close();
    const secrets = { primitives: nodePrimitives, key: random(32), fleet: world.fleet, agent: world.agent };
    await rejects(world.open(disk.afterKill(), { secrets }), 'audit_corrupt');
    await rejects(world.open(disk.afterKill(), { secrets: { ...secrets, key: world.key, agent: random(16) } }), 'audit_corrupt');
  });

  it('have one writer', async () => {
    const folder = path.join(base, 'one-writer');
    const writer = await world.open(await openAuditFolder(folder));
    await rejects(openAuditFolder(folder), 'usage');
    await writer.close();
    await (await world.open(await openAuditFolder(folder))).close();
  });

  it('are read by pages across segments', async () => {
    let disk = new MemoryDisk();
    for (let run = 0; run < 5; run += 1) {
      const writer = await world.open(disk);
      await Promise.all(Array.from({ length: 30 }, (_, number) => writer.appendDurable(numbered(30 * run + number))));
      disk = disk.afterKill();
    }
    const writer = await world.open(disk);
    await writer.append(numbered(150));
    assert.deepEqual(
      (await world.events(writer)).map(numberOf),
      Array.from({ length: 151 }, (_, number) => number),
    );
    assert.equal((await writer.read({ from: 10, limit: 1000, maxBytes: 1 })).length, 1);
    assert.equal((await writer.read({ from: 151, limit: 10 })).length, 0);
    await writer.close();
  });

  it('rotate, and go on', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    const program = 'x'.repeat(250);
    const count = 14_000; // of some 400 bytes: more than one segment of 4 MiB
    for (let sent = 0; sent < count; sent += 2000) {
      await Promise.all(
        Array.from({ length: 2000 }, () =>
          writer.append({ kind: 'session-start', session: random(16), mode: 'sealed', program }),
        ),
      );
    }
    await writer.checkpoint();
    assert.equal([...disk.files.keys()].filter((name) => name.endsWith('.log')).length, 2);
    assert.equal((await world.verify(writer)).covered, count);
    await writer.close();
    const again = await world.open(disk.afterKill());
    assert.equal(again.size, count);
    await again.close();
  });
});

describe('damage', () => {
  const written = async (): Promise<MemoryDisk> => {
    let disk = new MemoryDisk();
    for (let run = 0; run < 2; run += 1) {
      const writer = await world.open(disk);
      for (let number = 0; number < 5; number += 1) await writer.appendDurable(numbered(number));
      await writer.close();
      disk = disk.afterKill();
    }
    return disk;
  };
  const logs = (disk: MemoryDisk) => [...disk.files.keys()].filter((name) => name.endsWith('.log')).toSorted();
  const change = (disk: MemoryDisk, name: string, act: (bytes: Uint8Array) => Uint8Array) => {
    const stored = disk.files.get(name);
    assert.ok(stored);
    stored.current = act(stored.current.slice());
    stored.synced = stored.current;
  };

  const flipAt = (bytes: Uint8Array, part: number) =>
    bytes.map((byte, at) => (at === Math.floor(part * (bytes.length - 1)) ? byte ^ 1 : byte));

  it('[AUDIT-20] in the last segment stops the start', async () => {
    for (const part of [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]) {
      const disk = await written();
      change(disk, logs(disk)[1] ?? '', (bytes) => flipAt(bytes, part));
      await rejects(world.open(disk), 'audit_corrupt');
    }
  });

  it('[AUDIT-20] in an earlier segment stops its reader, and nothing is skipped', async () => {
    const disk = await written();
    change(disk, logs(disk)[0] ?? '', (bytes) => flipAt(bytes, 0.5));
    const writer = await world.open(disk);
    await rejects(world.readAll(writer), 'audit_corrupt');
    await rejects(writer.checkpoints(), 'audit_corrupt');
    assert.equal((await writer.read({ from: 5, limit: 10 })).length, 5, 'what is sound can still be read');
    await writer.close();
  });

  it('[AUDIT-19, AUDIT-40] a tail that was never synced is cut, and the log says so before anything else', async () => {
    const disk = await written();
    change(disk, logs(disk)[1] ?? '', (bytes) => Uint8Array.from([...bytes, 0, 0, 1, 44, 9, 9, 9]));
    disk.files.set('00000002-0000000000000010.log', { current: new Uint8Array(5), synced: new Uint8Array(0) });
    const writer = await world.open(disk);
    await writer.append(numbered(10));
    await world.verify(writer);
    const events = await world.events(writer);
    assert.deepEqual(
      events.slice(10).map((event) => (event.kind === 'repaired' ? [event.bytes, event.files] : numberOf(event))),
      [[12, 1], 10],
    );
    await writer.close();
    const again = await world.open(disk.afterKill());
    assert.equal(again.size, 12, 'nothing is said where nothing was cut');
    await again.close();
  });

  it('a segment that is begun while checkpoints are read is no damage', async () => {
    const disk = await written();
    const writer = await world.open(disk);
    const read = disk.read.bind(disk);
    let begun: Promise<void> | undefined;
    disk.read = async (name) => {
      await (begun ??= writer.appendDurable(numbered(10)));
      return read(name);
    };
    assert.ok((await writer.checkpoints()).length > 0);
    await writer.close();
  });

  it('[AUDIT-21] a missing segment stops the start', async () => {
    const disk = await written();
    disk.files.delete(logs(disk)[0] ?? '');
    await rejects(world.open(disk), 'audit_corrupt');
  });

  it('[AUDIT-21] a log that was cut is noticed by its mark, by its checkpoints and by the journal', async () => {
    const byMark = await written();
    byMark.files.delete(logs(byMark)[1] ?? '');
    await rejects(world.open(byMark), 'audit_truncated');

    const gone = await written();
    const writer = await world.open(gone);
    const anchor = readCheckpoint(nodePrimitives, writer.newestCheckpoint ?? new Uint8Array()).statement;
    await writer.close();
    await rejects(world.open(new MemoryDisk(), { anchor }), 'audit_truncated');
    await rejects(world.open(gone.afterKill(), { anchor: { size: 10, root: random(32) } }), 'audit_altered');
    await (await world.open(gone.afterKill(), { anchor })).close();

    const older = await written();
    older.files.delete('synced');
    older.files.delete(logs(older)[1] ?? '');
    await rejects(world.open(older, { anchor }), 'audit_truncated');
  });
});

describe('what is recorded of a request', () => {
  const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
  const keep = { paths: 'keep', redacting: asItIs } as const;
  it('[AUDIT-3] is its path without query and fragment', () => {
    assert.equal(recordedRequest(nodePrimitives, { ...facts, path: '/v1/me?token=canary#x' }, keep).path, '/v1/me');
    assert.equal(recordedRequest(nodePrimitives, { ...facts, path: '?token=canary' }, keep).path, '');
  });
  it('[AUDIT-4] is cut or left out, and still told apart by its digest', () => {
    const long = (tail: string) => recordedRequest(nodePrimitives, { ...facts, path: `/${'a'.repeat(2000)}${tail}` }, keep);
    assert.equal(long('x').path?.length, 1024);
    assert.equal(long('x').pathCut, true);
    assert.deepEqual(long('x').path, long('y').path);
    assert.notDeepEqual(long('x').digest, long('y').digest);
    assert.equal('path' in recordedRequest(nodePrimitives, facts, { paths: 'omit', redacting: asItIs }), false);
  });
  it('[AUDIT-2] is nothing that a terminal obeys, and always fits a record', async () => {
    const writer = await world.open(new MemoryDisk());
    const odd = {
      scheme: 'https',
      host: 'a\u001b[2Jb\u0000'.repeat(40),
      port: 443,
      method: 'G\r\nT',
      path: '/\u001b]0;x\u0007\u00e4',
    };
    const request = recordedRequest(nodePrimitives, odd, keep);
    await writer.append({ kind: 'refused', session: random(16), code: 'path_unsafe', request });
    assert.doesNotMatch(JSON.stringify(request), /\\u00|\\r|\\n/);
    await writer.close();
  });
});
