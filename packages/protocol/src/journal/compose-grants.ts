// A grant that stands under other terms from now on, spec/vault.md: what operators write when they change what they granted and not to whom.

import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { sealTo } from '../seal/hpke.ts';
import type { Fence } from '../vault/fence.ts';
import { agentAudience } from './bodies.ts';
import { drafted, type Composed, type Operator } from './draft.ts';
import { isLive, type Grant, type Item } from './state.ts';

/** Where a grant of that credential may go: as it was granted before, which may be narrower than the credential's own terms. */
export function placeOf({ fence }: Item, before: Grant | undefined): Fence {
  if (before === undefined) return fence;
  const { hosts, methods, paths } = before.fence;
  return { ...fence, hosts, methods, paths };
}

/**
 * The same grant with this fence, in one entry that takes its own place: sessions keep their placeholders, and there is no moment at which both hold, or
 * neither does. `secret` (from `replica.openSecret`) stays the caller's to overwrite. Throws `agent_unknown`, `agent_revoked`, `grant_unknown`. [VAULT-19]
 */
export async function regrant(
  operator: Operator,
  {
    agent: agentId,
    grant: grantId,
    fence,
    secret,
  }: {
    readonly agent: Uint8Array;
    readonly grant: Uint8Array;
    readonly fence: Fence;
    readonly secret: Uint8Array | 'approved per use';
  },
): Promise<Composed> {
  const { primitives, replica } = operator;
  const { fleet, agents, grants } = replica.state;
  const agent = agents.get(toHex(agentId));
  if (agent === undefined) throw new HoldfastError('agent_unknown', 'there is no such agent', { next: 'see: holdfast agents' });
  if (!isLive(replica.state, agentId)) throw new HoldfastError('agent_revoked', 'the agent is revoked'); // nothing is sealed to it any more
  const before = grants.get(toHex(agentId))?.get(toHex(grantId));
  if (before === undefined)
    throw new HoldfastError('grant_unknown', 'this grant has ended meanwhile', { next: 'look again at what it may do' });
  const { grantedAtMs: _granted, warrant: _warrant, sealed: _sealed, ...terms } = before;
  const purpose = { kind: 'grant', fleet, grant: grantId, item: before.item, agent: agentId } as const;
  const sealed = secret === 'approved per use' ? undefined : await sealTo(primitives, agent.keys.seal, purpose, secret);
  const granted = { ...terms, fence, ...(sealed !== undefined && { sealed }) };
  const { lockboxes, entries } = await drafted(
    operator,
    (draft) => draft.write(agentAudience(agentId), { kind: 'grant', granted }), // [JOURNAL-45]
  );
  return { lockboxes, entries };
}
