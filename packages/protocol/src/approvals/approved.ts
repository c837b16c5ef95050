// The warrant of an approval, spec/authority.md: what a device allowed, signed for those who will never read the signal that said so.

import { equalBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { requestDigest } from '../vault/handle.ts';
import { readWarrant, signWarrant, verifyWarrant, warrantOf, type WarrantOf } from '../vault/warrant.ts';
import type { Ask } from './ask.ts';

/** One act that may happen once, and by whose word. */
export interface Approval {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly device: Uint8Array;
  readonly ask: Pick<Ask, 'ask' | 'session' | 'call' | 'act'>;
}

function approvalOf(
  primitives: Primitives,
  { fleet, agent, device, ask: { ask, session, call, act } }: Approval,
  atMs: number,
): WarrantOf<'approval'> {
  const said = { kind: 'approval', v: 1, fleet, device, atMs, agent, session, ask, call } as const;
  if (act.kind !== 'use') return said;
  const { grant, method, host, port, path } = act;
  return { ...said, grant, request: requestDigest(primitives, { scheme: 'https', method, host, port, path }) };
}

/** As the device, at its own time. */
export async function approve(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  approval: Approval,
  atMs: number,
): Promise<Uint8Array> {
  const said = approvalOf(primitives, approval, atMs);
  return warrantOf(primitives, said, await signWarrant(holder, said)).wire;
}

/** That this warrant is of that approval, by the device of this key. Throws `warrant_invalid`, `codec_*`. [AUTHORITY-4] */
export async function verifyApproval(
  primitives: Primitives,
  wire: Uint8Array,
  approval: Approval,
  deviceKey: Uint8Array,
): Promise<void> {
  const given = readWarrant(primitives, wire);
  const wanted = warrantOf(primitives, approvalOf(primitives, approval, given.said.atMs), new Uint8Array(64));
  if (!equalBytes(given.digest, wanted.digest)) throw new HoldfastError('warrant_invalid', 'the approval is of another act');
  await verifyWarrant(primitives, given, deviceKey);
}
