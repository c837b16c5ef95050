// The picture of permissioned time: as many ticks as it has columns at most, and nothing of the whole lost in them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import type { AuditEvent, AuditReport } from '@holdfast/protocol/audit/event';
import { permissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { ticksOf } from '@holdfast/protocol/audit/ticks';
import { share } from '@holdfast/testkit/shares';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const startMs = 1_790_000_000_000;

function logOf(uses: readonly { readonly item: number; readonly atMs: number; readonly lastsMs: number }[]): AuditEvent[] {
  const log: AuditEvent[] = [];
  const add = (report: AuditReport, atMs: number) =>
    log.push({ ...report, v: 1, agent: id(1), sequence: log.length, run: id(2), atMs, monotonicUs: 1000 * (atMs - startMs) });
  for (const item of [1, 2])
    add({ kind: 'granted', grant: id(item), item: id(item), name: `item-${item}`, grantedAtMs: startMs }, startMs);
  const request = { method: 'GET', host: 'api.example.com', port: 443, digest: new Uint8Array(32) };
  for (const [index, { item, atMs, lastsMs }] of uses.toSorted((a, b) => a.atMs - b.atMs).entries()) {
    const handle = new Uint8Array(16);
    new DataView(handle.buffer).setUint32(0, index + 1);
    const use = { session: id(3), handle, grant: id(item), item: id(item) };
    add({ kind: 'minted', ...use, name: `item-${item}`, request }, startMs + atMs);
    add({ kind: 'consumed', ...use, request: request.digest }, startMs + atMs + lastsMs);
  }
  return log;
}

describe('ticks', () => {
  const day = { fromMs: startMs, toMs: startMs + 86_400_000, columns: 24 };
  const hour = 3_600_000;

  it('are one a column, and lead to the first handle in it', () => {
    const log = logOf([
      { item: 1, atMs: hour, lastsMs: 4 },
      { item: 1, atMs: hour + 600_000, lastsMs: 6 },
      { item: 1, atMs: 5 * hour, lastsMs: 10 },
    ]);
    const [first, second] = ticksOf(log, day);
    assert.deepEqual(first?.ticks, [
      { atMs: startMs + hour, lengthMs: 600_006, permissionedMs: 10, handles: 2, first: { agent: id(1), sequence: 2 } },
      { atMs: startMs + 5 * hour, lengthMs: 10, permissionedMs: 10, handles: 1, first: { agent: id(1), sequence: 6 } },
    ]);
    assert.deepEqual(
      [first.name, first.agents, first.calls, first.peakMs, first.permissionedMs, first.standingMs],
      ['item-1', 1, 3, 10, 20, 86_400_000],
    );
    assert.deepEqual([second?.name, second?.agents, second?.ticks], ['item-2', 0, []]);
  });

  it('of no time at all are none, and what came after is left out', () => {
    const log = logOf([{ item: 1, atMs: hour, lastsMs: 4 }]);
    assert.deepEqual(ticksOf(log, { fromMs: startMs, toMs: startMs, columns: 0 })[0]?.ticks, []);
    assert.deepEqual(ticksOf(log, { ...day, toMs: startMs + hour - 1 })[0]?.calls, 0);
    assert.equal(ticksOf(log, { ...day, toMs: startMs + hour + 2 })[0]?.ticks[0]?.permissionedMs, 2, 'still open at the end');
  });

  it('hold all of the time and all handles, in order and apart, however many there were', () => {
    const uses = fc.array(fc.record({ item: fc.constantFrom(1, 2), atMs: fc.nat(86_400_000 - 1), lastsMs: fc.nat(299_000) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(uses, fc.integer({ min: 1, max: 50 }), (each, columns) => {
        const log = logOf(each);
        const stretch = { ...day, toMs: day.toMs + 600_000, columns };
        const time = permissionedTime(log, stretch.toMs, stretch.fromMs);
        for (const credential of ticksOf(log, stretch)) {
          const { ticks } = credential;
          const exposure = time.perCredential.find(({ item }) => item === credential.item) ?? assert.fail();
          assert.ok(ticks.length <= columns);
          assert.equal(Math.round(ticks.reduce((sum, { permissionedMs }) => sum + permissionedMs, 0)), exposure.permissionedMs);
          assert.equal(
            ticks.reduce((sum, { handles }) => sum + handles, 0),
            exposure.calls,
          );
          for (const [index, tick] of ticks.entries()) {
            const before = ticks[index - 1];
            assert.ok(before === undefined || before.atMs + before.lengthMs < tick.atMs);
          }
        }
      }),
      { numRuns: share({ ci: 100, soak: 5000 }) },
    );
  });
});
