// Runs inside Claude Code, in an environment without Node: asks the session's door at the places that hooks do not see. spec/guard.md [GUARD-12].
// Every gate denies when it fails or takes too long: Claude Code goes on without a gate that does. It decides nothing by itself.
//
// Claude Code reads this source before it loads it and follows `$` only into functions at the top of the file. Its types are those of the
// published declarations, as far as they are used here.

import { deadlineMs, door, elsewhere, headers, model } from './door.ts';

interface Engine {
  readonly http: {
    fetch(url: string, init: object): Promise<{ readonly status: number; readonly text: string }>;
  };
  readonly clock: { sleep(ms: number): Promise<unknown> };
  readonly session: { cwd(): Promise<string> };
}

interface Next<E, R> {
  (event: E): Promise<R>;
  readonly called?: boolean;
  readonly origin: { readonly plugin: string };
}

interface Events {
  'tool.check': [
    { readonly tool: string; readonly input: unknown; readonly tool_use_id?: string; readonly agentId?: string },
    { readonly decision: 'allow' | 'ask' | 'deny'; readonly reason?: string },
  ];
  'prompt.mention': [{ readonly path: string; readonly agentId?: string }, { readonly deny?: string }];
  'http.fetch': [{ readonly url: string }, { readonly deny?: string }];
  'plugin.register': [
    { readonly tier: string; readonly name: string; readonly provides: { readonly modules: readonly unknown[] } },
    { readonly refuse?: string },
  ];
}

type Gate<N extends keyof Events> = ($: Engine, e: Events[N][0], next: Next<Events[N][0], Events[N][1]>) => Promise<Events[N][1]>;

interface Registered<N extends keyof Events> {
  catch(gate: Gate<N>): void;
}

export interface On {
  <N extends keyof Events>(event: N, gate: Gate<N>): Registered<N>;
  /** For those events alone whose fields match. */
  <N extends keyof Events>(event: N, matching: Readonly<Record<string, RegExp>>, gate: Gate<N>): Registered<N>;
}

const noWord = 'Holdfast could not be asked, so this does not happen.';

interface Act {
  readonly tool: string;
  readonly input: unknown;
  readonly id: string | undefined;
  readonly agent: string | undefined;
}

/** Why it must not happen, or undefined. Where the hook told already where the agent stands, the door need not be told again: each word with the engine costs. */
async function refusal($: Engine, act: Act): Promise<string | undefined> {
  const first = await answerTo($, act, act.id === undefined ? await $.session.cwd() : undefined);
  const told = first?.holdfast === 'where' ? await answerTo($, act, await $.session.cwd()) : first;
  if (told?.holdfast === 'pass') return undefined;
  return told?.holdfast === 'deny' && typeof told.reason === 'string' ? told.reason : noWord;
}

/** What the door says, or undefined: nothing in time. */
async function answerTo(
  $: Engine,
  { tool, input, id, agent }: Act,
  cwd: string | undefined,
): Promise<{ readonly holdfast?: unknown; readonly reason?: unknown } | undefined> {
  const event = { hook_event_name: 'Gate', cwd, tool_name: tool, tool_input: input, tool_use_id: id, agent_id: agent };
  const asked = $.http.fetch(door, { method: 'POST', headers, body: JSON.stringify(event) });
  const reply = await Promise.race([asked, $.clock.sleep(deadlineMs).then(() => undefined)]);
  return reply?.status === 200 ? (JSON.parse(reply.text) as object) : undefined;
}

/** @public Claude Code calls it. */
export const register = (on: On): void => {
  // Every call as it is about to be decided, rewritten or not, and shell text in commands and skills.
  on('tool.check', async ($, e, next) => {
    const reason = await refusal($, { tool: e.tool, input: e.input, id: e.tool_use_id, agent: e.agentId });
    return reason === undefined ? next(e) : { decision: 'deny', reason };
  }).catch(async () => ({ decision: 'deny', reason: noWord }));

  // A file that a prompt names after an @.
  on('prompt.mention', async ($, e, next) => {
    const reason = await refusal($, { tool: 'Read', input: { file_path: e.path }, id: undefined, agent: e.agentId });
    return reason === undefined ? next(e) : { deny: reason };
  }).catch(async () => ({ deny: noWord }));

  // A conversation goes to the model that was named when the session began, whatever settings say since. Requests that go there do not come here:
  // each would bring the whole conversation along.
  on('http.fetch', { url: elsewhere }, async (_$, e, next) =>
    next.origin.plugin === 'engine' && new URL(e.url).pathname.includes('/v1/messages')
      ? { deny: `Holdfast: this session's model is at ${model}.` }
      : next(e),
  ).catch(async () => ({ deny: noWord }));

  // Code of other plugins would run beside this, and could answer before it.
  on('plugin.register', async (_$, e, next) =>
    e.provides.modules.length > 0 && (e.tier === 'user' || e.tier === 'append')
      ? { refuse: 'Holdfast: no code of plugins in this session.' }
      : next(e),
  ).catch(async () => ({ refuse: noWord }));
};
