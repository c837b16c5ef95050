// A log that was touched anywhere does not verify: whatever is flipped, cut, swapped, doubled or forged.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { logOrigin, signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { encodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { leafHash, rootOf } from '@holdfast/protocol/audit/tree';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { codeOf, errorCodes } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 150, soak: 5000 }) };
const random = (length: number) => nodePrimitives.random(length);
const [fleet, agent, run, session] = [random(32), random(16), random(16), random(16)];
const events: AuditEvent[] = Array.from({ length: 24 }, (_, sequence) => ({
  kind: 'consumed',
  v: 1,
  agent,
  sequence,
  run,
  atMs: 1_700_000_000_000 + sequence,
  monotonicUs: sequence,
  session,
  handle: random(16),
  grant: random(16),
  item: random(16),
  request: random(32),
}));
const wires = events.map(encodeEvent);
const identity: { readonly fleet: Uint8Array; readonly agent: Uint8Array; agentKey: Uint8Array } = {
  fleet,
  agent,
  agentKey: new Uint8Array(),
};
let checkpoints: Uint8Array[] = [];

before(async () => {
  const custody = await SoftwareKeyHolder.generate(nodePrimitives);
  const key = await SoftwareKeyHolder.generate(nodePrimitives);
  identity.agentKey = custody.publicKeys.sign;
  const atMs = 1_700_000_000_100;
  const certificate = await certifySessionKey(custody, {
    v: 1,
    fleet,
    agent,
    key: key.publicKeys.sign,
    notBeforeMs: atMs,
    notAfterMs: atMs + 600_000,
  });
  const root = rootOf(
    nodePrimitives,
    wires.map((wire) => leafHash(nodePrimitives, wire)),
  );
  checkpoints = [
    await signCheckpoint(
      { certificate, sign: (domain, statement) => key.sign(domain, statement) },
      { v: 1, fleet, agent, origin: logOrigin(fleet, agent), size: wires.length, root, atMs },
    ),
  ];
});

const refused = async (changed: readonly Uint8Array[], signed = checkpoints) => {
  await assert.rejects(verifyAudit(nodePrimitives, identity, { events: changed, checkpoints: signed }), (thrown) => {
    const code = codeOf(thrown);
    return code !== 'internal' && errorCodes.includes(code);
  });
};
const flip = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, at) => (at === (bit >> 3) % bytes.length ? byte ^ (1 << (bit & 7)) : byte));

describe('an audit log', () => {
  const index = fc.nat({ max: events.length - 1 });

  it('verifies as it was written', async () => {
    const seen: number[] = [];
    const verdict = await verifyAudit(nodePrimitives, identity, { events: wires, checkpoints }, ({ sequence }) =>
      seen.push(sequence),
    );
    assert.deepEqual(
      [verdict.events, verdict.covered, verdict.checkpoints, verdict.runs, verdict.clockSetBack],
      [24, 24, 1, 1, 0],
    );
    assert.deepEqual(
      seen,
      events.map(({ sequence }) => sequence),
    );
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
        const time = permissionedTime(recorded, [], nowMs);
        const handles = recorded.filter((event) => event.kind === 'minted').length;
        assert.ok(time.permissionedMs >= 0 && time.permissionedMs <= handles * 300_000);
        assert.ok(time.peakMs <= 300_000 && time.peakMs <= time.permissionedMs);
        const sum = time.perCredential.reduce((total, each) => total + each.permissionedMs, 0);
        assert.ok(Math.abs(sum - time.permissionedMs) < 0.01);
        assert.equal(time.calls, recorded.filter((event) => event.kind === 'consumed').length);
      }),
      runs,
    );
  });
});
