import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logOrigin, signCheckpoint, verifyCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { SessionSigners } from '../../src/agent/session-signer.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const startMs = Date.UTC(2026, 0, 1);

async function signers() {
  const holder = await SoftwareKeyHolder.generate(primitives);
  const now = { wall: startMs };
  const clock = { nowMs: () => now.wall, monotonicMs: () => 0 };
  const ports = { primitives, clock, log: { info: () => {}, warn: () => {} }, webSocket: WebSocket };
  let certified = 0;
  const counted = {
    publicKeys: holder.publicKeys,
    sign: holder.sign.bind(holder),
    open: holder.open.bind(holder),
    wipe: () => {},
  };
  const sign = counted.sign;
  counted.sign = async (domain, statement) => {
    certified += 1;
    return sign(domain, statement);
  };
  return { now, signers: new SessionSigners(ports, counted, { fleet, agent }), holder, certified: () => certified };
}

const statementAt = (atMs: number) =>
  ({ v: 1, fleet, agent, origin: logOrigin(fleet, agent), size: 1, root: new Uint8Array(32), atMs }) as const;

test('what was dated a moment before the key was made verifies', async () => {
  const { now, signers: session, holder } = await signers();
  const statement = statementAt(now.wall - 5_000);
  const wire = await signCheckpoint(await session.signer(), statement);
  await verifyCheckpoint(primitives, wire, { fleet, agent, agentKey: holder.publicKeys.sign });
});

test('one certificate serves for minutes; a new one comes before it ends, and when the clock is set back', async () => {
  const { now, signers: session, certified } = await signers();
  await session.signer();
  now.wall += 8 * 60_000;
  await session.signer();
  assert.equal(certified(), 1);
  now.wall += 60_000;
  await session.signer();
  assert.equal(certified(), 2);
  now.wall -= 3_600_000;
  await session.signer();
  assert.equal(certified(), 3);
});

test('many who ask at once share one key', async () => {
  const { signers: session, certified } = await signers();
  const all = await Promise.all(Array.from({ length: 10 }, () => session.signer()));
  assert.equal(new Set(all).size, 1);
  assert.equal(certified(), 1);
});

test('after wiping, the old key signs no more and a new one is made', async () => {
  const { signers: session, certified } = await signers();
  const old = await session.signer();
  await session.wipe();
  await assert.rejects(async () => old.sign('audit-checkpoint', new Uint8Array(1)));
  await session.signer();
  assert.equal(certified(), 2);
});
