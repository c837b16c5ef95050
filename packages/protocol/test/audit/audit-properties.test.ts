// A log that was touched anywhere does not verify: whatever is flipped, cut, swapped, doubled or forged.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { codeOf, errorCodes } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { Author } from '@holdfast/testkit/long-log';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 150, soak: 5000 }) };
const author = await Author.of(nodePrimitives.random(32));
const identity = author.log;
const wires = author.records(24);
const checkpoints = await author.sign(wires, wires.length);
const { agent } = identity;
const session = nodePrimitives.random(16);

const refused = async (changed: readonly Uint8Array[], signed = checkpoints) => {
  await assert.rejects(verifyAudit(nodePrimitives, identity, { events: changed, checkpoints: signed }), (thrown) => {
    const code = codeOf(thrown);
    return code !== 'internal' && errorCodes.includes(code);
  });
};
const flip = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, at) => (at === (bit >> 3) % bytes.length ? byte ^ (1 << (bit & 7)) : byte));

describe('an audit log', () => {
  const index = fc.nat({ max: wires.length - 1 });

  it('verifies as it was written', async () => {
    const seen: number[] = [];
    const verdict = await verifyAudit(nodePrimitives, identity, { events: wires, checkpoints }, ({ sequence }) =>
      seen.push(sequence),
    );
    assert.deepEqual(
      [verdict.events, verdict.covered, verdict.checkpoints, verdict.runs, verdict.clockSetBack],
      [24, 24, 1, 1, 0],
    );
    assert.deepEqual(seen, [...wires.keys()]);
  });
  it('[AUDIT-14] does not verify with any bit flipped', async () => {
    await fc.assert(
      fc.asyncProperty(index, fc.nat(), async (at, bit) =>
        refused(wires.map((wire, position) => (position === at ? flip(wire, bit) : wire))),
      ),
      runs,
    );
  });
  it('[AUDIT-8, AUDIT-9] does not verify with any bit of its checkpoint flipped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (bit) =>
        refused(
          wires,
          checkpoints.map((wire) => flip(wire, bit)),
        ),
      ),
      runs,
    );
  });
  it('[AUDIT-13, AUDIT-16] does not verify with any records taken out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(index, { minLength: 1 }), async (out) =>
        refused(wires.filter((_, at) => !out.includes(at))),
      ),
      runs,
    );
  });
  it('does not verify in another order', async () => {
    await fc.assert(
      fc.asyncProperty(index, index, async (a, b) => {
        if (a !== b)
          await refused(wires.map((wire, at) => (at === a ? (wires[b] ?? wire) : at === b ? (wires[a] ?? wire) : wire)));
      }),
      runs,
    );
  });
  it('does not verify with any record twice', async () => {
    await fc.assert(
      fc.asyncProperty(index, async (at) => refused([...wires.slice(0, at + 1), ...wires.slice(at)])),
      runs,
    );
  });
});

describe('permissioned time', () => {
  it('[TIME-1, TIME-4] is never negative, never more than five minutes a handle, and adds up', () => {
    const handle = fc.nat({ max: 5 }).map((fill) => new Uint8Array(16).fill(fill));
    const stamp = fc.record({
      atMs: fc.nat({ max: 1_000_000 }),
      monotonicUs: fc.nat({ max: 1_000_000_000 }),
      run: fc.nat({ max: 1 }).map((fill) => new Uint8Array(16).fill(fill)),
    });
    const kind = fc.constantFrom('minted', 'consumed', 'expired', 'handle-refused', 'credentialed');
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, handle, stamp), { maxLength: 30 }), fc.nat({ max: 2_000_000 }), (steps, nowMs) => {
        const recorded = steps.map(
          ([name, id, stamped]) =>
            ({
              kind: name,
              v: 1,
              agent,
              sequence: 0,
              session,
              handle: id,
              grant: id,
              item: id,
              credentialedUs: 5,
              ...stamped,
            }) as unknown as AuditEvent,
        );
        const time = permissionedTime(recorded, nowMs);
        const handles = recorded.filter((event) => event.kind === 'minted').length;
        assert.ok(time.permissionedMs >= 0 && time.permissionedMs <= handles * 300_000);
        assert.ok(time.peakMs <= 300_000 && time.peakMs <= time.permissionedMs);
        const sum = time.perCredential.reduce((total, each) => total + each.permissionedMs, 0);
        assert.ok(Math.abs(sum - time.permissionedMs) < 0.01);
        assert.equal(time.calls, recorded.filter((event) => event.kind === 'consumed').length);
        const hours = time.timeline.reduce((total, each) => total + each.permissionedMs, 0); // [TIME-11]
        assert.ok(Math.abs(hours - time.permissionedMs) < 0.01);
        assert.equal(
          time.timeline.reduce((total, each) => total + each.calls, 0),
          time.calls,
        );
      }),
      runs,
    );
  });

  it('[TIME-5, TIME-9] the figures are the same in whatever order the logs of several agents are read', () => {
    const kind = fc.constantFrom('granted', 'grant-ended', 'revoked', 'minted', 'consumed');
    const step = fc.record({ kind, grant: fc.nat({ max: 1 }), atMs: fc.nat({ max: 1000 }), grantedAtMs: fc.nat({ max: 1000 }) });
    const logs = fc.array(fc.array(step, { maxLength: 6 }), { minLength: 3, maxLength: 3 });
    const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
    fc.assert(
      fc.property(logs, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), fc.nat({ max: 2000 }), (steps, order, nowMs) => {
        const recorded = steps.map((log, nth) =>
          log.map(({ grant, ...each }, sequence) => {
            const ids = { agent: id(nth), item: id(7), grant: id(grant), handle: id(nth * 16 + grant), run: id(nth) };
            return { v: 1, sequence, session, monotonicUs: 1000 * each.atMs, ...ids, ...each } as unknown as AuditEvent;
          }),
        );
        const figures = (read: readonly AuditEvent[][]) => {
          const { perAgent, ...rest } = permissionedTime(read.flat(), nowMs);
          return { ...rest, perAgent: perAgent.toSorted((a, b) => a.agent.localeCompare(b.agent)) };
        };
        assert.deepEqual(figures(order.map((nth) => recorded[nth] ?? [])), figures(recorded));
      }),
      runs,
    );
  });
});
