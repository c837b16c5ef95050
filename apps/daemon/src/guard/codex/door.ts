// Where Codex's hooks ask, a path of the session's door. Its events have Claude Code's form; its answers are read strictly, and errors let a
// call pass, so that an answer here is for the hook's own program (requirements.ts), which turns it into what Codex can't misread.
// spec/guard.md [GUARD-17].

import type { ServerResponse } from 'node:http';
import { codeOf } from '@holdfast/protocol/errors';
import type { Json } from '@holdfast/protocol/rules/call';
import { readJson, type Routes } from '../../session/agent-door.ts';
import type { Guarding } from '../claude-code/door.ts';
import { maxEventBytes, readEvent, type GateEvent, type HookEvent } from '../claude-code/wire.ts';
import type { ReportedAct, Verdict } from '../reported.ts';
import { namedCall } from './tools.ts';

export const codexPath = '/v1/hook/codex';
const harness = 'codex';

/** `pass` with what Codex is to read on stdout, or `deny` with the reason that it shows to its model. */
type Answer = { readonly kind: 'pass'; readonly output: object } | { readonly kind: 'deny'; readonly reason: string };

export function codexRoutes(guarding: Guarding): Routes {
  return {
    [codexPath]: {
      POST: async (request, response) => {
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        let told: Answer;
        try {
          told = await answerTo(readEvent(await readJson(request, maxEventBytes)), guarding, gone.signal);
        } catch (thrown) {
          guarding.fault(codeOf(thrown));
          told = { kind: 'deny', reason: `Holdfast could not judge this (${codeOf(thrown)}), so it does not happen.` };
          if (!request.complete) response.setHeader('connection', 'close');
        }
        send(response, told);
      },
    },
  };
}

async function answerTo(event: HookEvent | GateEvent, guarding: Guarding, gone: AbortSignal): Promise<Answer> {
  const { guard, bedrock, turns } = guarding;
  switch (event.kind) {
    case 'act':
      return answerAct(await guard.judge(reportedAct(event, turns.of(event.conversation)), gone));
    case 'ran':
      guard.ended(event.id);
      return pass();
    case 'prompt':
      await guarding.prompted({ harness, ...event });
      return addContext(event.event, bedrock.forTurn(event.conversation));
    case 'context':
      return addContext(event.event, bedrock.forStart(event.conversation, event.event));
    default:
      return { kind: 'deny', reason: 'Holdfast does not know this event.' };
  }
}

function reportedAct(
  { id, name, input, directory }: Extract<HookEvent, { kind: 'act' }>,
  trace: Uint8Array | undefined,
): ReportedAct {
  const withInput = (value: Json) => namedCall(name, value);
  return { harness, id, call: withInput(input), withInput, directory, ...(trace !== undefined && { trace }) };
}

/** Codex takes another input only together with its leave to run, and leave is not ours to give: the model is told what to ask for. [GUARD-18] */
function answerAct(verdict: Verdict): Answer {
  if (verdict.kind === 'deny') return verdict;
  const { input, notes } = verdict;
  if (input !== undefined)
    return {
      kind: 'deny',
      reason: ['Holdfast: this may run in another form only.', ...notes, `Ask for: ${JSON.stringify(input)}`].join(' '),
    };
  return notes.length === 0 ? pass() : { kind: 'pass', output: { systemMessage: notes.join('\n') } };
}

function pass(): Answer {
  return { kind: 'pass', output: {} };
}

function addContext(event: string, additionalContext: string | undefined): Answer {
  if (additionalContext === undefined) return pass();
  return { kind: 'pass', output: { hookSpecificOutput: { hookEventName: event, additionalContext } } };
}

function send(response: ServerResponse, told: Answer): void {
  response.writeHead(200, { 'x-holdfast': told.kind, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(told.kind === 'pass' ? JSON.stringify(told.output) : told.reason);
}
