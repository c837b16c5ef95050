// Runs inside Claude Code, in an environment without Node: asks the session's door at the places that hooks do not see. spec/guard.md [GUARD-12].
// Every gate denies when it fails or takes too long: Claude Code goes on without a gate that does. It decides nothing by itself.
//
// Claude Code reads this source before it loads it and follows `$` only into functions at the top of the file. Its types are those of the
// published declarations, as far as they are used here.

import { deadlineMs, door, headers, model } from './door.ts';

interface Engine {
  readonly http: {
    fetch(url: string, init: object): Promise<{ readonly status: number; readonly text: string }>;
  };
  readonly clock: { sleep(ms: number): Promise<unknown> };
  readonly session: { cwd(): Promise<string>; id(): Promise<string> };
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

export type On = <N extends keyof Events>(event: N, gate: Gate<N>) => { catch(gate: Gate<N>): void };

const noWord = 'Holdfast could not be asked, so this does not happen.';

/** Why it must not happen, or undefined. */
async function refusal(
  $: Engine,
  act: { tool: string; input: unknown; id: string | undefined; agent: string | undefined },
): Promise<string | undefined> {
  const asked = $.http.fetch(door, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      hook_event_name: 'Gate',
      session_id: await $.session.id(),
      cwd: await $.session.cwd(),
      tool_name: act.tool,
      tool_input: act.input,
      tool_use_id: act.id,
      agent_id: act.agent,
    }),
  });
  const reply = await Promise.race([asked, $.clock.sleep(deadlineMs).then(() => undefined)]);
  if (reply?.status !== 200) return noWord;
  const told = JSON.parse(reply.text) as { readonly holdfast?: unknown; readonly reason?: unknown };
  if (told.holdfast === 'pass') return undefined;
  return told.holdfast === 'deny' && typeof told.reason === 'string' ? told.reason : noWord;
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

  // A conversation goes to the model that was named when the session began, whatever settings say since.
  on('http.fetch', async (_$, e, next) => {
    const { origin, pathname } = new URL(e.url);
    const elsewhere = next.origin.plugin === 'engine' && pathname.includes('/v1/messages') && origin !== model;
    return elsewhere ? { deny: `Holdfast: this session's model is at ${model}.` } : next(e);
  }).catch(async () => ({ deny: noWord }));

  // Code of other plugins would run beside this, and could answer before it.
  on('plugin.register', async (_$, e, next) =>
    e.provides.modules.length > 0 && (e.tier === 'user' || e.tier === 'append')
      ? { refuse: 'Holdfast: no code of plugins in this session.' }
      : next(e),
  ).catch(async () => ({ refuse: noWord }));
};
