// Where Claude Code's hooks ask, a path of the session's door: event in, decision in Claude Code's words out. spec/guard.md.

import type { IncomingMessage } from 'node:http';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import type { Json } from '@holdfast/protocol/rules/call';
import { answer, readJson, type Routes } from '../../session/agent-door.ts';
import type { BedrockContext } from '../bedrock.ts';
import type { Guard } from '../guard.ts';
import { absolute, type View } from '../paths.ts';
import type { CallTags } from '../call-tags.ts';
import type { ReportedAct, Verdict } from '../reported.ts';
import type { SubAgent, SubAgents } from '../sub-agents.ts';
import type { Turns } from '../turns.ts';
import { addContext, answerAct, answerFault, answerGate, askWhere, block } from './answers.ts';
import { tagged, untagged } from './tagged.ts';
import { namedCall, withPaths } from './tools.ts';
import { maxEventBytes, readEvent, type GateEvent, type HookEvent } from './wire.ts';

export const claudeCodePath = '/v1/hook/claude-code';
const harness = 'claude-code';

export interface Guarding {
  readonly guard: Guard;
  readonly subAgents: SubAgents;
  /** What tells calls apart; undefined where nobody asks for that. */
  readonly tags: CallTags | undefined;
  readonly turns: Turns;
  /** A turn begins. Resolves when that is written. [GUARD-32] */
  prompted(turn: { readonly harness: string; readonly conversation: string; readonly prompt?: string }): Promise<void>;
  readonly bedrock: BedrockContext;
  readonly view: View;
  /** Whether settings may change while the session runs. */
  readonly settings: 'fixed' | 'free';
  /** Of what could not be read or judged. */
  fault(code: ErrorCode): void;
}

/** `of`: the guard of whoever asks. What it throws is a denial. */
export function claudeCodeRoutes(of: (request: IncomingMessage) => Guarding): Routes {
  return {
    [claudeCodePath]: {
      POST: async (request, response) => {
        let told: unknown;
        let guarding: Guarding | undefined;
        // The harness gave up, or the person at it interrupted: nobody needs to answer any more.
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        try {
          guarding = of(request);
          told = await answerTo(readEvent(await readJson(request, maxEventBytes)), guarding, gone.signal);
        } catch (thrown) {
          // Said as a decision: a status alone stops nothing in a harness that lets errors pass. [GUARD-6]
          told = answerFault(thrown);
          guarding?.fault(codeOf(thrown));
          // What is left of a body that nobody read would be taken for the next request.
          if (!request.complete) response.setHeader('connection', 'close');
        }
        answer(response, 200, told);
      },
    },
  };
}

async function answerTo(event: HookEvent | GateEvent, guarding: Guarding, gone: AbortSignal): Promise<unknown> {
  const { guard, subAgents, tags, bedrock, settings } = guarding;
  switch (event.kind) {
    case 'act':
      return answerAct(event.event, await verdictOn(event, guarding, gone));
    case 'gate': {
      const directory = event.directory ?? guard.directoryOf(event.id);
      if (directory === undefined) return askWhere;
      const said = { ...event, directory };
      return answerGate(await guard.judge(reportedAct(said, guarding, await actor(event, subAgents)), gone));
    }
    case 'command': {
      const typed = { ...event, id: undefined, name: 'Skill', input: event.input };
      const verdict = await guard.judge(reportedAct(typed, guarding, await actor(event, subAgents)), gone);
      return verdict.kind === 'deny' ? block(verdict.reason) : addContext(event.event, verdict.notes.join('\n') || undefined);
    }
    case 'ran':
      guard.ended(event.id);
      subAgents.over(event.id);
      tags?.over(event.id);
      return {};
    case 'prompt':
      await guarding.prompted({ harness, ...event });
      return addContext(event.event, bedrock.forTurn(event.conversation));
    case 'context':
      if (event.event === 'SubagentStart') await actor(event, subAgents);
      return addContext(event.event, bedrock.forStart(event.conversation, event.event));
    case 'stopped':
      if (event.subAgent !== undefined) subAgents.ends(event.subAgent.id);
      return {};
    case 'settings':
      return settings === 'fixed' ? block('Holdfast: settings stay as they were when this session began.') : {};
    case 'instructions': {
      const loaded = { ...event, id: undefined, name: 'Read', input: { file_path: event.path } };
      guard.seen(reportedAct(loaded, guarding, await actor(event, subAgents)));
      return {};
    }
    case 'told':
      if (event.event === 'PreCompact') bedrock.forget(event.conversation);
      return {};
  }
}

type Said = Pick<HookEvent, 'directory' | 'subAgent'> & {
  /** Absent where the mod asks: then the call is told by its id. */
  readonly conversation?: string;
  readonly id: string | undefined;
  readonly name: string;
  readonly input: Json;
};

async function verdictOn(event: Extract<HookEvent, { kind: 'act' }>, guarding: Guarding, gone: AbortSignal): Promise<Verdict> {
  const { guard, subAgents, tags } = guarding;
  const by = await actor(event, subAgents);
  const act = reportedAct(event, guarding, by);
  const verdict = await guard.judge(act, gone);
  if (verdict.kind === 'deny') return verdict;
  const input = verdict.input ?? act.input;
  const step = guard.stepOf(event.id);
  const cause = { ...(act.trace !== undefined && { trace: act.trace }), ...(step !== undefined && { from: step }) };
  if (starters.has(act.call.tool)) subAgents.wants(event.id, by, startedType(input), cause); // [GUARD-28]
  if (tags === undefined) return verdict;
  tags.begins(event.id, { by, cause });
  return act.call.tool === 'shell' ? { ...verdict, input: tagged(input, tags.tagFor(event.id)) } : verdict; // [GUARD-30]
}

/** Calls that may start a sub-agent. */
const starters: ReadonlySet<string> = new Set(['agent', 'skill']);

function startedType(input: Json): string | undefined {
  const type = typeof input === 'object' && input !== null && 'subagent_type' in input ? input['subagent_type'] : undefined;
  return typeof type === 'string' ? type : undefined;
}

async function actor({ subAgent }: Pick<Said, 'subAgent'>, subAgents: SubAgents): Promise<SubAgent | undefined> {
  return subAgent && subAgents.acts(subAgent.id, subAgent.type);
}

/** As it was before it was given a tag: rules and record have nothing to do with that. */
function reportedAct(
  { id, name, input: said, directory, conversation }: Said,
  { view, tags, turns }: Pick<Guarding, 'view' | 'tags' | 'turns'>,
  subAgent: SubAgent | undefined,
): ReportedAct & { readonly input: Json } {
  const tag = id === undefined ? undefined : tags?.tagOf(id);
  const input = tag === undefined ? said : untagged(said, tag);
  const withInput = (value: Json) =>
    namedCall(
      name,
      withPaths(name, value, (path) => absolute(path, directory, view)),
    );
  const turn = conversation === undefined ? undefined : turns.of(conversation);
  const trace = subAgent === undefined ? turn : subAgent.trace; // [GUARD-33]
  return {
    ...{ harness, id, input, call: withInput(input), withInput, directory },
    ...(subAgent !== undefined && { subAgent }),
    ...(trace !== undefined && { trace }),
  };
}
