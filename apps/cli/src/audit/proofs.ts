// What leads from the uses of a log to the root of its fleet, as the daemon of this machine has it, or as an operator has read it. spec/authority.md

import { judgeUses, type JudgedUse } from '@holdfast/protocol/audit/authority';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import type { Proofs } from '@holdfast/protocol/audit/proofs';
import { fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import { rootOf } from '@holdfast/protocol/identity/credential';
import { warrantsNamedIn } from '@holdfast/protocol/journal/proofs-of';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { askDaemon, findHome } from '../door-client.ts';
import type { Log } from './log.ts';

const askedAtOnce = 64;

/** From the daemon. Undefined: no use of the log stands on anything. */
export async function readProofs({ agent, events }: Pick<Log, 'agent' | 'events'>): Promise<Proofs | undefined> {
  let pending = warrantsNamedIn(events.map(decodeEvent)).map((digest) => fromHex(digest) ?? new Uint8Array());
  const warrants: Uint8Array[] = [];
  let proofs: Proofs | undefined;
  while (pending.length > 0) {
    const asked = { kind: 'authority', agent: toHex(agent), warrants: pending.slice(0, askedAtOnce) } as const;
    const { fleet, key, removed, chains, credentials, ...told } = await askDaemon(findHome(), asked, 'authority');
    warrants.push(...told.warrants);
    proofs = { root: rootOf(toHex(fleet), key), removed, chains, credentials, warrants };
    pending = told.looked > 0 ? pending.slice(told.looked) : [];
  }
  return proofs;
}

/** Of a log that holds. */
export async function usesOf(log: Log): Promise<readonly JudgedUse[]> {
  const proofs = await readProofs(log);
  const { fleet, agent, agentKey, earlierKeys = [] } = log;
  const none = { root: rootOf(toHex(fleet), agentKey), removed: [], chains: [], credentials: [], warrants: [] };
  const events = [...(log.leaves.length > 0 ? [undefined] : []), ...log.events.map(decodeEvent)];
  return judgeUses(nodePrimitives, { fleet, agent, agentKey, earlierKeys }, events, proofs ?? none);
}
