// What a reader of the journal gives to people outside so that they can judge an agent's uses, spec/authority.md.

import type { EndedDevice, Proofs, TrustedRoot } from '../audit/proofs.ts';
import type { AuditEvent } from '../audit/event.ts';
import { toHex } from '../codec/bytes.ts';
import { rootOf } from '../identity/credential.ts';
import { chainOf, makerOf, type FleetState } from './state.ts';

/** Recovery codes sign no warrant, and have no name. */
const devicesIn = ({ former }: FleetState): readonly EndedDevice[] =>
  [...former.values()].flatMap(({ id, name, endedAtMs }) => (name === '' ? [] : [{ device: id, atMs: endedAtMs }]));

export function trustedRootOf(state: FleetState): TrustedRoot {
  return { root: rootOf(toHex(state.fleet), makerOf(state).keys.sign), removed: devicesIn(state) };
}

/** Digests of the warrants of grants and rule sets that a log names, each once. */
export function warrantsNamedIn(events: Iterable<AuditEvent>): readonly string[] {
  const named = new Set<string>();
  for (const event of events)
    if ((event.kind === 'granted' || event.kind === 'consumed' || event.kind === 'rules-set') && event.warrant !== undefined)
      named.add(toHex(event.warrant));
  return [...named];
}

/** Without what a credential hides. Undefined: there is no such agent. [AUTHORITY-7] */
export function proofsOf(state: FleetState, agent: Uint8Array): Omit<Proofs, 'warrants'> | undefined {
  const found = state.agents.get(toHex(agent));
  if (found === undefined) return undefined;
  const bare = (credential: Uint8Array): string => `${new TextDecoder().decode(credential).split('~', 1)[0] ?? ''}~`;
  const devices = [...state.devices.values(), ...state.former.values()];
  return {
    ...trustedRootOf(state),
    chains: devices.map(({ id }) => chainOf(state, id)).filter(({ length }) => length > 0),
    credentials: [...found.earlierKeys, found].map(({ credential }) => bare(credential)),
  };
}

/** Of the agent's grants and of rule sets, by digest in hex. */
export function warrantIn(state: FleetState, agent: Uint8Array, digest: string): Uint8Array | undefined {
  return state.warrants.get(toHex(agent))?.get(digest) ?? state.warrants.get(toHex(state.fleet))?.get(digest);
}

/** What leads from the uses of an agent's log to the root of its fleet. Undefined: no use of it stands on anything. [AUTHORITY-7] */
export function proofsFor(state: FleetState, agent: Uint8Array, events: Iterable<AuditEvent>): Proofs | undefined {
  const proofs = proofsOf(state, agent);
  const named = warrantsNamedIn(events);
  if (proofs === undefined || named.length === 0) return undefined;
  return { ...proofs, warrants: named.flatMap((digest) => warrantIn(state, agent, digest) ?? []) };
}
