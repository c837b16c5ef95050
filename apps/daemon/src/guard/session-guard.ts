// A session's guard, on what the daemon has: the agent's rules and bedrock as the fleet's state has them now, its audit log, the session's own view
// of its files. spec/guard.md.

import type { Because } from '@holdfast/protocol/approvals/ask';
import { actOf, callDigest, promptDigest, wordsOf } from '@holdfast/protocol/approvals/call';
import { writeAct } from '@holdfast/protocol/audit/act';
import { cutText } from '@holdfast/protocol/audit/commitment';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { maxDelegationDepth } from '@holdfast/protocol/custody/delegation';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { CallContext } from '@holdfast/protocol/rules/call';
import { decide, type Decision } from '@holdfast/protocol/rules/decide';
import type { Agent } from '../agent/agent.ts';
import type { Redacting } from '../audit/redactor.ts';
import type { Ports } from '../ports.ts';
import type { LivingSession } from '../presence/living.ts';
import type { Child } from '../children/child.ts';
import { BedrockContext } from './bedrock.ts';
import type { CallTags } from './call-tags.ts';
import type { Guarding } from './claude-code/door.ts';
import { actTimeoutMs } from './claude-code/hooks.ts';
import { Guard, type JudgedAct } from './guard.ts';
import type { View } from './paths.ts';
import { repositoryOf, branchOf } from './repository.ts';
import { SubAgents } from './sub-agents.ts';
import { Turns } from './turns.ts';

/** Less than the hook waits, so that the harness hears how it ended. */
const askWithinMs = actTimeoutMs - 30_000;

export interface Session {
  readonly session: Uint8Array;
  readonly mode: 'sealed' | 'guarded';
  /** As the record names it. */
  readonly program: string;
  /** The working tree, on this machine. */
  readonly tree: string;
  readonly view: View;
  /** What it carries already; it goes on to fill it. */
  readonly labels?: Set<string> | undefined;
  /** Throws why it may do nothing now. */
  readonly assertGoing?: () => void;
  /** Whose of the agent's children the session is. */
  readonly child?: Child | undefined;
  readonly tags?: CallTags;
  /** Hears of events that could not be read; absent: each is a fault on record. */
  readonly turnedAway?: (code: ErrorCode) => void;
  /** What operators are shown of it. */
  readonly living: LivingSession;
}

export function guardOf(
  agent: Agent,
  { primitives, clock }: Ports,
  { session, mode, program, tree, view, labels, assertGoing, child, tags, turnedAway, living }: Session,
): Guarding {
  const repository = repositoryOf(tree);
  const fault = (code: ErrorCode) => agent.note({ kind: 'fault', code });
  const unread = (code: ErrorCode) => (code === 'internal' ? fault(code) : (turnedAway ?? fault)(code)); // [AGENT-DOOR-11]
  const guard = new Guard(
    {
      fault,
      shown: living,
      nowMs: () => clock.nowMs(),
      step: () => primitives.random(16),
      policy: () => {
        const { rules, version } = agent.rules;
        return { version, decide: (call, context) => decide(rules, call, context) };
      },
      digest: (call) => callDigest(primitives, { agent: agent.id, session }, call),
      approve: ({ call, context, child: by, cause, decision }, gone) =>
        agent.approvals.askAboutCall({ session, mode, program }, call, {
          because: becauseOf(decision),
          directory: context.directory,
          ...(by !== undefined && { child: by }),
          cause,
          ...(context.subagent !== undefined && { subagent: context.subagent[0] }),
          withinMs: askWithinMs,
          ...(gone !== undefined && { gone }),
        }),
      record: async (act) => {
        agent.assertAble();
        if (act.allowed) assertGoing?.(); // an operator may have taken minutes
        await agent.audit.append(reportOf(session, act, agent.redactor));
      },
    },
    {
      agent: toHex(agent.id),
      scope: agent.enrolment.scope,
      mode,
      view,
      branch: () => branchOf(tree),
      ...(repository !== undefined && { repository }),
    },
    labels,
  );
  const bedrock = new BedrockContext(
    () => {
      const { version, texts } = agent.bedrock;
      return { version, texts: [...texts.values()].map(({ text }) => text) };
    },
    (version) => living.hears(version),
  );
  const subAgents = new SubAgents({
    nowMs: () => clock.monotonicMs(),
    enrol: async (name, parent = child, cause) => {
      const depth = (parent?.leave.depth ?? maxDelegationDepth) - 1;
      if (depth < 0) return undefined;
      return agent.children.enrol({ session, kind: 'sub-agent', name, parent: parent?.id, depth, cause });
    },
    retire: (ended) => agent.children.retire(ended),
  });
  const turns = new Turns((length) => primitives.random(length), agent.children.childOf(session)?.trace);
  const prompted: Guarding['prompted'] = async ({ harness, conversation, prompt }) => {
    agent.assertAble();
    const trace = turns.begin(conversation);
    living.turns(agent.rules.version);
    const said = prompt === undefined ? undefined : promptDigest(primitives, { agent: agent.id, session, trace }, prompt);
    const { digest, ...salted } = said === undefined ? {} : agent.redactor.digest(said, prompt ?? '');
    const asked = digest === undefined ? {} : { prompt: digest, ...salted };
    await agent.audit.append({ kind: 'prompted', session, trace, label: 'reported', harness, ...asked });
  };
  return { guard, subAgents, tags, turns, prompted, bedrock, view, settings: 'fixed', fault: unread };
}

/** As many as an ask has room for. */
const maxBecause = 8;

/** What an operator is told: the rules that ask. */
function becauseOf({ matched }: Decision): readonly Because[] {
  return matched
    .filter(({ effect }) => effect === 'ask')
    .slice(0, maxBecause)
    .map(({ rule, reason }) => ({ rule, reason }));
}

const maxRecorded = 16;

function reportOf(
  session: Uint8Array,
  { id, step, cause, label, call, digest, context, child, decision, allowed, rulesVersion }: JudgedAct,
  redacting: Redacting,
): AuditReport {
  const shown = (text: string, max: number): string => printable(redacting.text(text), max);
  const { tool, harness, name, command, paths, url, method, server, mcpTool } = call;
  const parts = {
    ...(command !== undefined && { command }),
    ...(paths !== undefined && { paths }),
    ...(url !== undefined && { url }),
    ...(method !== undefined && { method }),
    ...(server !== undefined && { server }),
    ...(mcpTool !== undefined && { mcpTool }),
  };
  const act = writeAct(parts, (said) => redacting.text(said));
  const recorded = redacting.digest(digest, wordsOf(actOf(call)));
  return {
    kind: 'tool-call',
    session,
    ...(child !== undefined && { child }),
    ...cause,
    step,
    toolUse: shown(id, 128),
    label,
    tool,
    harness,
    name: shown(name, 256),
    ...act,
    call: recorded.digest,
    ...(recorded.salted !== undefined && { salted: recorded.salted }),
    directory: shown(context.directory, 512),
    home: shown(context.home, 512),
    ...(context.repository !== undefined && { repository: shown(context.repository, 512) }),
    ...(context.branch !== undefined && { branch: shown(context.branch, 256) }),
    judgedAtMs: Math.trunc(context.nowMs),
    ...(context.subagent !== undefined && subAgentOf(context.subagent, shown)),
    ...(context.labels.size > 0 && { labels: [...context.labels].slice(0, maxRecorded).map((label) => printable(label, 64)) }),
    decision: decision.effect,
    allowed,
    rules: [...new Set(decision.matched.map(({ rule }) => printable(rule, 128)))].slice(0, maxRecorded),
    ...(rulesVersion !== undefined && { rulesVersion }),
  };
}

function subAgentOf([type, ...above]: NonNullable<CallContext['subagent']>, shown: (text: string, max: number) => string) {
  return {
    subagent: shown(type, 128),
    ...(above.length > 0 && { above: above.slice(0, maxRecorded).map((each) => shown(each, 128)) }),
  };
}

/** In printable ASCII, for a terminal. */
function printable(text: string, max: number): string {
  return cutText(text.replaceAll(/[^\x20-\x7e]/g, '?'), max);
}
