// What an agent is told at its door: who it is, and what it may use, in metadata. Takes no decision and changes nothing.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent } from '../agent/agent.ts';
import type { Child } from '../children/child.ts';
import { answer, answerText, type Routes } from './agent-door.ts';
import type { SessionAuthority } from './authority.ts';

export function agentView(agent: Agent, authority: SessionAuthority, child?: Child): Routes {
  return {
    '/v1/vault': { GET: (_request, response) => answer(response, 200, { items: vaultOf(authority) }) },
    '/v1/status': {
      GET: (_request, response) =>
        answer(response, 200, {
          agent: toHex(agent.id),
          ...(child !== undefined && { child: child.hex }),
          scope: agent.enrolment.scope,
          mode: 'sealed',
        }),
    },
    '/v1/status-line': {
      GET: (_request, response) => answerText(response, statusLineOf(agent, 'sealed', authority.held().length)),
    },
  };
}

/** For a screen's foot: ASCII, one line. */
export function statusLineOf(agent: Agent, mode: 'sealed' | 'guarded', count = 0): string {
  const { version } = agent.rules;
  const held = version === undefined ? 'no rules: reads only' : `rules ${version}`;
  const uses = mode === 'guarded' ? 'no credentials here' : `${count} ${count === 1 ? 'credential' : 'credentials'}`;
  const able = agent.live ? '' : ', revoked';
  return `Holdfast: ${agent.enrolment.scope}, ${mode}${able}, ${held}, ${uses}`;
}

/** Name, purpose, attachment, and where it may go: never the secret, never another agent's. */
export function vaultOf(authority: SessionAuthority) {
  const placeholders = new Map(authority.grants().map(({ grantId, placeholder }) => [grantId, placeholder]));
  return authority.held().map(({ grant, name, purpose, attach, fence, env, sealed }) => ({
    name,
    ...(purpose !== undefined && { purpose }),
    attach,
    env,
    placeholder: placeholders.get(toHex(grant)),
    hosts: fence.hosts,
    methods: fence.methods,
    paths: fence.paths,
    ...(sealed === undefined && { approve: true }),
  })); // [AGENT-DOOR-1]
}
