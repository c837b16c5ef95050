// `holdfast revoke`: ends an agent, or one child of an agent alone.

import { equalBytes, fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { rekeyFleet } from '@holdfast/protocol/journal/compose';
import { revokeAgent, revokeChild } from '@holdfast/protocol/journal/compose-agents';
import { couldHaveOpened, type Agent } from '@holdfast/protocol/journal/state';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { plainText, visible, type Output } from '../output.ts';
import { heard, reachedHere } from './agents.ts';

interface Options {
  readonly passphraseFile?: string;
  readonly reason: string;
  /** Whose child it is that is named. */
  readonly agent?: string;
}

export async function revoke(output: Output, name: string, options: Options): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  const id = fromHex(name);
  const child = id?.length === 16 ? id : undefined;
  if (options.agent !== undefined && child === undefined)
    throw new HoldfastError('usage', `${visible(name)} is no id of a child`, { next: 'name it as holdfast agents shows it' });
  await asOperator(output, options, async (session) => {
    const isAgent = [...session.state.agents.values()].some(({ id: of, scope }) => toHex(of) === name || scope === name);
    if (child !== undefined && (options.agent !== undefined || !isAgent))
      await endChild(output, session, { child, reason, of: options.agent });
    else await endAgent(output, session, { name, reason });
  });
}

async function endAgent(
  output: Output,
  session: LocalOperator,
  { name, reason }: { readonly name: string; readonly reason: string },
): Promise<void> {
  const agent = living(session.agent(name), name);
  const rotate = couldHaveOpened(session.state, agent.id);
  await session.readAgentTopic(agent.id);
  await session.write(async (operator) =>
    revokeAgent(operator, { agent: agent.id, reason, accessVersion: await session.accessVersion() }),
  );
  await session.publishStatus();
  const applied = await reachedHere(session, agent.id);
  await session.write((operator) => rekeyFleet(operator));
  output.result({ agent: agent.id, revoked: true, applied: applied === 'applied', rotate }, [
    `${agent.scope} is revoked${heard[applied]}`,
    rotate.length === 0 ? 'it held no credential' : `rotate upstream: ${rotate.map(visible).join(', ')}`,
  ]);
}

/** Its agent and that agent's other children go on. */
async function endChild(
  output: Output,
  session: LocalOperator,
  { child, reason, of }: { readonly child: Uint8Array; readonly reason: string; readonly of: string | undefined },
): Promise<void> {
  const name = of ?? toHex(await parentHere(child));
  const agent = living(session.agent(name), name);
  await session.write((operator) => revokeChild(operator, { agent: agent.id, child, reason }));
  await session.publishStatus();
  const applied = await reachedHere(session, agent.id);
  output.result({ agent: agent.id, child, revoked: true, applied: applied === 'applied' }, [
    `the child ${toHex(child)} of ${agent.scope} is revoked, with all below it${heard[applied]}`,
  ]);
}

/** Operators know no children: the daemon of this machine tells whose it is. Throws `child_unknown`. */
async function parentHere(child: Uint8Array): Promise<Uint8Array> {
  const children = await askDaemon(findHome(), { kind: 'machine' }, 'machine').then(
    (told) => told.children,
    (thrown: unknown) => {
      if (codeOf(thrown) === 'daemon_unreachable') return [];
      throw thrown;
    },
  );
  const found = children.find((each) => equalBytes(each.child, child));
  if (found !== undefined) return found.agent;
  throw new HoldfastError('child_unknown', `there is no agent ${toHex(child)}, and no such child lives on this machine`, {
    next: "for a child elsewhere say whose it is: --agent, with an agent's id or a scope's name",
  });
}

function living(agent: Agent, name: string): Agent {
  if (agent.revoked === undefined) return agent;
  throw new HoldfastError('agent_revoked', `${name} is revoked already`, {
    next: 'nothing is left to do; see: holdfast agents',
  });
}
