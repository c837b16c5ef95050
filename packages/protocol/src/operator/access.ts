// What an operator could grant to an agent that asks for access: the narrowest terms that would do, out of the credentials that the operators hold.
// Made from the operator's own verified state; the machine that asks hears nothing of it.

import type { Act } from '../approvals/ask.ts';
import { accessDigest } from '../approvals/access.ts';
import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { grantItem } from '../journal/compose.ts';
import type { Agent, FleetState, Item } from '../journal/state.ts';
import { decide } from '../vault/fence.ts';
import { isPathGlob } from '../vault/path.ts';
import type { OpenAsk } from './asks.ts';
import type { OperatorSession } from './session.ts';

export type AccessAct = Extract<Act, { kind: 'access' }>;

/** The credentials that may go where the agent wants to, by their own terms. */
export function itemsFor({ items }: FleetState, act: AccessAct): readonly Item[] {
  if (!isPathGlob(act.path) || act.path.includes('*')) return [];
  return [...items.values()].filter(({ fence }) => decide(fence, { ...act, scheme: 'https' }).kind === 'allow');
}

/** Grants one of them for exactly what was asked for. Throws `item_unknown`, `ask_mismatch`, and as `grantItem`. [APPROVAL-22] */
export async function grantAccess(
  session: OperatorSession,
  { agent, ask }: OpenAsk,
  act: AccessAct,
  named?: string,
): Promise<Item> {
  const bound = accessDigest(session.ports.primitives, { ...act, agent: agent.id, session: ask.session });
  if (!equalBytes(bound, ask.call)) throw new HoldfastError('ask_mismatch', 'the ask shows another access than it is bound to');
  await session.readOn();
  const item = chosen(session.state, agent, act, named);
  const within = { hosts: [{ host: act.host, port: act.port }], methods: [act.method], paths: [act.path] };
  const secret = await session.openSecret(item.id);
  try {
    await session.write((operator) => grantItem(operator, { item: item.id, agent: agent.id, secret, within }));
  } finally {
    secret.fill(0);
  }
  return item;
}

function chosen(state: FleetState, agent: Agent, act: AccessAct, named: string | undefined): Item {
  const fitting = itemsFor(state, act).filter(({ name }) => named === undefined || name === named);
  const [item, another] = fitting;
  if (item === undefined)
    throw new HoldfastError(
      'item_unknown',
      `no credential${named === undefined ? '' : ` ${named}`} may go to ${act.host} for that`,
      {
        next: `holdfast vault add, or holdfast egress allow ${act.host} --to ${agent.scope}; or deny it`,
      },
    );
  if (another !== undefined)
    throw new HoldfastError(
      'credential_ambiguous',
      `more than one credential would do: ${fitting.map(({ name }) => name).join(', ')}`,
      {
        next: 'name one: --item NAME',
      },
    );
  const held = [...(state.grants.get(toHex(agent.id))?.values() ?? [])].some(({ name }) => name === item.name);
  if (held)
    throw new HoldfastError('name_taken', `${agent.scope} has a narrower grant of ${item.name}`, {
      next: `holdfast vault ungrant ${item.name} --from ${agent.scope}, then grant it wider`,
    });
  return item;
}
