// `holdfast approvals …`: acts that wait for an operator, and the answers to them. Reads signals from the relay itself, never through the daemon of
// this machine; whatever an agent worded is shown with what a terminal would obey or a person not see written out.

import { setTimeout as later } from 'node:timers/promises';
import type { Answer, Outcome } from '@holdfast/protocol/approvals/ask';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { findHome } from '../door-client.ts';
import { grantAccess, itemsFor } from '@holdfast/protocol/operator/access';
import { Asks, type News, type OpenAsk } from '@holdfast/protocol/operator/asks';
import { actLines } from '../operator/act-lines.ts';
import { operatorFacts, unlockOperator } from '../operator/key-file.ts';
import { asOperator, LocalOperator } from '../operator/session.ts';
import { Usual, type Difference } from '@holdfast/protocol/operator/usual';
import { duration, visible, type Output } from '../output.ts';
import { askLine, passphrase } from '../secrets-input.ts';

interface ApprovalsOptions {
  readonly passphraseFile?: string;
  readonly item?: string;
  readonly follow?: boolean;
}

/** How long the agent may take to say what became of its ask. */
const toldWithinMs = 10_000;
/** What asks are read with. */
const clock = { primitives: nodePrimitives, nowMs: Date.now };
/** How soon a relay that was away is asked again. */
const retryAfterMs = 5_000;

export async function list(output: Output, options: ApprovalsOptions): Promise<void> {
  if (options.follow === true) return follow(output, options);
  const asks = new Asks(clock);
  await asOperator(
    output,
    options,
    async (session) => {
      await asks.news(session);
      const looking = await lookingOf(session);
      const waiting = asks.waiting();
      output.result(
        { asks: waiting.map((each) => jsonOf(each, looking)) },
        waiting.length === 0 ? ['nothing waits for you'] : waiting.flatMap((each) => [...linesOf(each, looking), '']),
      );
      sayRefused(output, asks);
    },
    { onPush: (push) => asks.hear(push) },
  );
}

export async function approve(output: Output, typed: string, options: ApprovalsOptions): Promise<void> {
  await answer(output, typed, 'once', options);
}

export async function deny(output: Output, typed: string, options: ApprovalsOptions): Promise<void> {
  await answer(output, typed, 'deny', options);
}

async function answer(output: Output, typed: string, verdict: Answer['verdict'], options: ApprovalsOptions): Promise<void> {
  const asks = new Asks(clock);
  await asOperator(
    output,
    options,
    async (session) => {
      await asks.news(session);
      const found = asks.find(typed);
      const looking = await lookingOf(session);
      const shown = jsonOf(found, looking);
      if (!output.json) for (const line of linesOf(found, looking)) output.say(line);
      if (verdict === 'once') await grantAsked(output, session, found, options.item);
      const outcome = await asks.answer(session, found, verdict, AbortSignal.timeout(toldWithinMs));
      await rememberUse(looking, found, outcome);
      output.result({ ...shown, verdict, ...(outcome !== undefined && { outcome }) }, [answered(verdict, outcome)]);
      if (outcome !== undefined && outcome !== wanted(verdict)) process.exitCode = 1; // [CLI-25]
    },
    { onPush: (push) => asks.hear(push) },
  );
}

/** An agent's wish for access becomes a signed grant first: the answer only tells it. */
async function grantAsked(output: Output, session: LocalOperator, open: OpenAsk, item?: string): Promise<void> {
  const { act } = open.ask;
  if (act.kind !== 'access') return;
  const { name } = await grantAccess(session, open, act, item);
  if (!output.json) output.say(`${open.agent.scope} may use ${name} for that, and for nothing else`);
  await session.appliedHere();
}

/** What an ask is shown beside. */
interface Looking {
  readonly session: LocalOperator;
  readonly usual: Usual;
}

const lookingOf = async (session: LocalOperator): Promise<Looking> => ({ session, usual: await Usual.of(session) });

async function rememberUse({ usual }: Looking, { agent, ask }: OpenAsk, outcome: Outcome | undefined): Promise<void> {
  if (outcome === 'allowed' && ask.act.kind === 'use') await usual.remember(agent.id, ask.act);
}

const wanted = (verdict: Answer['verdict']): Outcome => (verdict === 'once' ? 'allowed' : 'denied');

function answered(verdict: Answer['verdict'], outcome: Outcome | undefined): string {
  const said = verdict === 'once' ? 'approved, once' : 'denied';
  if (outcome === undefined) return `${said}; the agent has not said yet that it heard it`;
  return outcome === wanted(verdict) ? said : `too late: ${outcome}`;
}

/** Until it is ended; the unlocked key lies in this one process only. */
async function follow(output: Output, options: ApprovalsOptions): Promise<void> {
  const paths = findHome();
  operatorFacts(paths.operator); // says so before it asks for a passphrase
  const phrase = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const holder = await unlockOperator(paths.operator, phrase).finally(() => phrase.fill(0));
  let connectedBefore = false;
  try {
    while (!ended.signal.aborted) {
      const asks = new Asks(clock);
      const lost = new AbortController();
      try {
        const session = await LocalOperator.connect(paths, holder, {
          onPush: (push) => asks.hear(push),
          onClosed: () => lost.abort(),
        });
        try {
          await session.pulse();
          connectedBefore = true;
          output.say('waiting for asks; end it with Ctrl-C');
          await serve(output, { session, asks, over: AbortSignal.any([ended.signal, lost.signal]) });
        } finally {
          session.disconnect();
        }
      } catch (thrown) {
        if (!connectedBefore || codeOf(thrown) !== 'relay_unreachable') throw thrown; // [CLI-26]
      }
      if (ended.signal.aborted) break;
      process.stderr.write('holdfast: the relay is not reachable; trying again\n');
      await later(retryAfterMs, undefined, { signal: ended.signal }).catch(() => {});
    }
  } finally {
    holder.wipe(); // [OPKEY-5]
  }
}

interface Serving {
  readonly session: LocalOperator;
  readonly asks: Asks;
  readonly over: AbortSignal;
}

/** Shows what comes, and at a terminal takes an answer to one after the other. */
async function serve(output: Output, { session, asks, over }: Serving): Promise<void> {
  const isOver = new Promise<void>((resolve) => {
    if (over.aborted) resolve();
    over.addEventListener('abort', () => resolve());
  });
  const looking = await lookingOf(session);
  const asksPerson = !output.json && process.stdin.isTTY && process.stderr.isTTY;
  while (!over.aborted) {
    for (const one of await asks.news(session)) {
      output.result(newsJson(one, looking), newsLines(one, looking));
      if (asksPerson && one.kind === 'ask' && asks.isWaiting(one.open)) await decide(output, { looking, asks }, one.open);
    }
    await Promise.race([asks.next(), isOver]);
  }
}

/** A whole word, typed: nobody approves with one key by reflex. */
async function decide(
  output: Output,
  { looking, asks }: { readonly looking: Looking; readonly asks: Asks },
  open: OpenAsk,
): Promise<void> {
  const { session } = looking;
  for (;;) {
    const typed = (await askLine('Type approve or deny, or nothing to let it wait')).trim();
    if (typed === '') return;
    const verdict = typed === 'approve' ? 'once' : typed === 'deny' ? 'deny' : undefined;
    if (verdict === undefined) continue;
    try {
      if (verdict === 'once') await grantAsked(output, session, open);
      const outcome = await asks.answer(session, open, verdict, AbortSignal.timeout(toldWithinMs));
      await rememberUse(looking, open, outcome);
      output.say(answered(verdict, outcome));
    } catch (thrown) {
      const code = codeOf(thrown);
      if (!(thrown instanceof HoldfastError) || code === 'relay_unreachable') throw thrown;
      output.say(`holdfast: ${visible(thrown.message)} (${code})${thrown.next === undefined ? '' : `; ${visible(thrown.next)}`}`);
      continue;
    }
    return;
  }
}

function jsonOf({ agent, ask, expiresAtMs }: OpenAsk, { usual }: Looking) {
  const { ask: id, session, mode, program, act, call, because } = ask;
  const { scope, machine } = agent;
  const differs = act.kind === 'use' ? { differs: usual.differences(agent.id, act) } : {};
  return { ask: id, agent: agent.id, scope, machine, session, mode, program, act, call, because, ...differs, expiresAtMs };
}

/** [APPROVAL-11] */
function linesOf({ agent, ask, expiresAtMs }: OpenAsk, { session: { state }, usual }: Looking): readonly string[] {
  const { act } = ask;
  return [
    `${toHex(ask.ask).slice(0, 8)}  ${agent.scope} on ${agent.machine}, ${ask.mode} session of ${ask.program}: waiting for approval, ${duration(Math.max(0, expiresAtMs - Date.now()))} left`,
    ...actLines(act).map((line) => `  ${line}`),
    ...(act.kind === 'use' ? usual.differences(agent.id, act).map((each) => `  unusual: ${differenceTexts[each]}`) : []),
    ...(act.kind === 'access' ? [`  ${proposalLine(itemsFor(state, act).map(({ name }) => name))}`] : []),
    ...ask.because.map(({ rule, reason }) => `  because of ${rule}: ${reason}`),
  ].map(visible);
}

const differenceTexts: Readonly<Record<Difference, string>> = {
  'first-use': 'you have not approved a use of this credential by this agent here before',
  'first-host': 'the first one to this host',
  'first-method': 'the first one with this method there',
  'first-path': 'the first one at this path',
  larger: 'its body is longer than any before',
};

/** What approving would do. */
function proposalLine(names: readonly string[]): string {
  if (names.length === 0) return 'proposal: none; no credential of yours may go there for that';
  const which = names.length === 1 ? names[0] : `one of ${names.join(', ')} (--item)`;
  return `proposal: grant ${which} for this method, host and path, and nothing else`;
}

const newsJson = (news: News, looking: Looking) =>
  news.kind === 'ask' ? jsonOf(news.open, looking) : { ask: news.ask, closed: news.outcome };

const newsLines = (news: News, looking: Looking): readonly string[] =>
  news.kind === 'ask' ? linesOf(news.open, looking) : [`${toHex(news.ask).slice(0, 8)}  ${news.outcome}`];

function sayRefused(output: Output, { refused }: Asks): void {
  if (refused > 0)
    output.say(`holdfast: warning: ${refused} signals did not hold and were not shown; the relay or a device sends them`);
}
