// What the record on this machine knows of the use of credentials, for whoever lists them. Each machine keeps the logs of its own agents.

import { decodeEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime, type CredentialExposure } from '@holdfast/protocol/audit/permissioned-time';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { duration } from '../output.ts';
import { readEvents } from './log.ts';

export type Recorded = Pick<CredentialExposure, 'calls' | 'lastUseAtMs' | 'permissionedMs'>;

const unused: Recorded = { calls: 0, lastUseAtMs: null, permissionedMs: 0 };

/** Of these agents, for each of its items; null where this machine does not know. Never throws: a list of grants is not for want of a log. [CLI-54] */
export async function recordedHere(
  agents: Iterable<Uint8Array>,
): Promise<(agent: Uint8Array, item: Uint8Array) => Recorded | null> {
  const known = new Map<string, ReadonlyMap<string, Recorded>>();
  for (const agent of new Set([...agents].map(toHex))) {
    try {
      known.set(agent, byItem((await readEvents(agent)).map(decodeEvent)));
    } catch {
      // not an agent of this machine, no daemon here, or a log that cannot be read
    }
  }
  return (agent, item) => {
    const items = known.get(toHex(agent));
    return items === undefined ? null : (items.get(toHex(item)) ?? unused);
  };
}

function byItem(events: Parameters<typeof permissionedTime>[0]): ReadonlyMap<string, Recorded> {
  const { perCredential } = permissionedTime(events, Date.now());
  return new Map(
    perCredential.map(({ item, calls, lastUseAtMs, permissionedMs }) => [item, { calls, lastUseAtMs, permissionedMs }]),
  );
}

/** For people. */
export function recordedText(recorded: Recorded | null): string {
  if (recorded === null) return 'last use not known here';
  const { calls, lastUseAtMs, permissionedMs } = recorded;
  const permissioned = `could have been used for ${duration(permissionedMs)}`;
  if (lastUseAtMs === null) return permissionedMs === 0 ? 'not used yet' : `not used yet, ${permissioned}`;
  return `${calls} ${calls === 1 ? 'use' : 'uses'}, the last ${new Date(lastUseAtMs).toISOString()}; ${permissioned}`;
}
