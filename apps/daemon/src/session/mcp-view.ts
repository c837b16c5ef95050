// What the session's tools show of the daemon's state, spec/mcp.md: its own agent's and nothing of others.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent } from '../agent/agent.ts';
import type { Child } from '../children/child.ts';
import type { CallTags } from '../guard/call-tags.ts';
import type { Guard } from '../guard/guard.ts';
import type { McpView, OwnRequest } from '../mcp/tools.ts';
import type { AccessAsks } from './agent-access.ts';
import { vaultOf } from './agent-view.ts';
import { mintAsked } from './agent-handles.ts';
import type { SessionAuthority } from './authority.ts';
import type { CallAuthorities } from './call-authorities.ts';
import type { ToolRequests } from './tool-requests.ts';

/** The tools of a session, for each call by the harness's id of it: a sub-agent's are its own. [GUARD-31] */
export function mcpTools(parts: Parts, authorities: CallAuthorities, tags: CallTags): (call: string | undefined) => McpView {
  return (call) => {
    const begun = call === undefined ? undefined : tags.callOf(call);
    if (call === undefined || begun === undefined) return mcpView(parts);
    const own = { send: (request: OwnRequest) => parts.own.send(request, tags.tagFor(call), begun.by?.id) };
    return mcpView({ ...parts, authority: authorities.of(begun), own, child: begun.by?.child ?? parts.child });
  };
}

interface Parts {
  readonly agent: Agent;
  readonly authority: SessionAuthority;
  readonly guard: Guard;
  readonly own: Pick<ToolRequests, 'send'>;
  readonly access: AccessAsks;
  readonly child?: Child | undefined;
}

export function mcpView({ agent, authority, guard, own, access, child }: Parts): McpView {
  return {
    whoami: () => ({
      agent: toHex(agent.id),
      ...(child !== undefined && { child: child.hex }),
      scope: agent.enrolment.scope,
      mode: 'sealed',
      labels: [...guard.labels],
    }),
    vault: () => vaultOf(authority), // [MCP-6]
    rules: () => rulesOf(agent),
    uses: {
      mint: (asked) => mintAsked(authority, asked), // [MCP-8]
      request: (request) => own.send(request),
      access: (asked) => access.ask(asked), // [MCP-9]
    },
  };
}

/** The rules that hold for an agent now; without a version those of a time before any. */
export function rulesOf({ rules: { version, rules } }: Agent): object {
  const shown = rules.set.rules.map(({ id, effect, reason, instead }) => ({ id, effect, reason, instead }));
  return { version: version ?? null, rules: shown };
}
