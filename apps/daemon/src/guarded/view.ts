// What the tools show in a session that was started by hand: the same state, and no way to use a credential. spec/guarded.md [GUARDED-7].

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent } from '../agent/agent.ts';
import type { McpView } from '../mcp/tools.ts';
import { rulesOf } from '../session/mcp-view.ts';
import type { GuardedSession } from './session.ts';

const why = 'a session that was started by hand uses no credential; holdfast run -- claude starts one that does';

export function guardedView(agent: Agent, session: GuardedSession): McpView {
  return {
    whoami: () => ({
      agent: toHex(agent.id),
      scope: agent.enrolment.scope,
      mode: 'guarded',
      harness: session.program,
      labels: [...session.guarding.guard.labels],
      ...(session.suspendedFor !== undefined && { suspended: session.suspendedFor.slice(0, 16) }),
    }),
    vault: () =>
      agent.grants().map(({ name, purpose, attach, fence: { hosts, methods, paths } }) => ({
        name,
        ...(purpose !== undefined && { purpose }),
        attach,
        hosts,
        methods,
        paths,
        usable: false,
        why,
      })),
    rules: () => rulesOf(agent),
  }; // [GUARDED-7]
}
