// Other keys for an agent, spec/rotation.md: it asks in its own topic, signed by the keys that it has, and an operator's entry gives it the new ones, with
// everything that was sealed to the old ones sealed anew. All of it goes out together.

import { HoldfastError } from '../errors.ts';
import type { AccessList } from '../blind/access-list.ts';
import { toHex } from '../codec/bytes.ts';
import { issueCredential } from '../identity/credential.ts';
import { sealTo } from '../seal/hpke.ts';
import { agentAudience } from './bodies.ts';
import { accessAfter, stated } from './compose-agents.ts';
import { drafted, type Composed, type Operator } from './draft.ts';
import { askedKeys, chainOf } from './state.ts';

export interface Rotation {
  readonly agent: Uint8Array;
  /** The secret of an item, which is overwritten here. */
  readonly secretOf: (item: Uint8Array) => Promise<Uint8Array>;
  readonly statusUri: string;
  /** Of the list in force. */
  readonly accessVersion: number;
}

/**
 * Gives an agent the keys that it asked for. Its topic must have been read: what it asked for is the newest that its old keys signed there. Throws
 * `agent_unknown`, `agent_revoked`, `rotation_unasked`, `key_reused`.
 */
export async function rotateAgent(
  operator: Operator,
  { agent: id, secretOf, statusUri, accessVersion }: Rotation,
): Promise<Composed & { readonly access: AccessList }> {
  const { primitives, device, holder, replica } = operator;
  const { agents, control, fleet, grants } = replica.state;
  const found = agents.get(toHex(id));
  if (found === undefined) throw new HoldfastError('agent_unknown', 'there is no such agent', { next: 'see: holdfast agents' });
  const asked = askedKeys(replica.state, found);
  if (asked === undefined)
    throw new HoldfastError('rotation_unasked', 'this agent asks for no other keys', { next: 'on its machine: holdfast rotate' }); // [ROTATE-1]
  const terms = { evidence: 'claimed', statusIndex: control.position + 1, statusUri } as const; // [ROTATE-6]
  const statement = stated(operator, { ...found, ...asked }, terms);
  const credential = await issueCredential(primitives, holder, statement, chainOf(replica.state, device));
  const audience = agentAudience(id);
  const { state, ...composed } = await drafted(operator, async (draft) => {
    await draft.write('fleet', { kind: 'agent-rotate', agent: id, ...asked, credential });
    await draft.startEpoch(audience); // [ROTATE-5]
    await draft.startEpoch('fleet');
    for (const { grantedAtMs: _at, warrant: _warrant, sealed: before, ...granted } of grants.get(toHex(id))?.values() ?? []) {
      if (before === undefined) continue; // sealed to the operators alone
      const { grant, item } = granted;
      const secret = await secretOf(item);
      try {
        const sealed = await sealTo(primitives, asked.keys.seal, { kind: 'grant', fleet, grant, item, agent: id }, secret);
        await draft.write(audience, { kind: 'grant-end', grant });
        await draft.write(audience, { kind: 'grant', granted: { ...granted, sealed } }); // [ROTATE-5]
      } finally {
        secret.fill(0);
      }
    }
  });
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}
