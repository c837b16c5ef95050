// What agents wait for, as an operator reads it from the relay itself, spec/approval.md: signals are believed only from live agents of the state that
// this operator has verified. What is closed or past its time is gone.

import { approve } from '../approvals/approved.ts';
import type { Act, Answer, Ask, Outcome } from '../approvals/ask.ts';
import { hearAgent, operatorAnswers } from '../approvals/signals.ts';
import type { RelayPush } from '../blind/frames.ts';
import { parseSignal } from '../blind/signal.ts';
import { sealUse } from '../approvals/use.ts';
import { equalBytes, toHex, utf8 } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import { putSignal } from '../exchange/relay-calls.ts';
import { agentAudience } from '../journal/bodies.ts';
import { isLive, type Agent, type FleetState } from '../journal/state.ts';
import type { Sealed } from '../seal/hpke.ts';
import { decide, judge, type Fence } from '../vault/fence.ts';
import type { OperatorPorts } from './ports.ts';
import type { OperatorSession } from './session.ts';

export interface OpenAsk {
  readonly agent: Agent;
  readonly ask: Ask;
  readonly expiresAtMs: number;
}

/** Something that was heard: a new ask, or the end of one. */
export type News =
  | { readonly kind: 'ask'; readonly open: OpenAsk }
  | { readonly kind: 'closed'; readonly ask: Uint8Array; readonly outcome: Outcome; readonly letGoAfterMs?: number | undefined };

/** Fewer digits of an id could be another's by chance. */
const leastDigits = 8;
/** A relay that hands over more than this without being asked is not listened to. */
const maxUnread = 8192;

export class Asks {
  /** By agent and ask: no agent ends another's. */
  private readonly open = new Map<string, OpenAsk>();
  private readonly ended = new Map<string, Outcome>();
  private readonly unread: Uint8Array[] = [];
  /** Read while an answer was waited for, and not told yet. */
  private untold: News[] = [];
  private arrived = Promise.withResolvers<void>();
  /** One reads after the other: what came first is told first. */
  private reading: Promise<void> = Promise.resolve();
  /** Of answers that wait for what the agent says. */
  private readonly closing = new Map<string, PromiseWithResolvers<void>>();
  private readonly ports: Pick<OperatorPorts, 'primitives' | 'nowMs'>;
  /** Signals that did not hold: forged, for somebody else, or not to be opened. */
  refused = 0;

  constructor(ports: Pick<OperatorPorts, 'primitives' | 'nowMs'>) {
    this.ports = ports;
  }

  /** What the relay pushes; of signals what holds is told by `news`. */
  hear(push: RelayPush): void {
    if (push.kind !== 'push-signal') return;
    if (this.unread.length < maxUnread) this.unread.push(push.signal);
    this.arrived.resolve();
  }

  /** Resolves when something was heard that `news` has not told. */
  async next(): Promise<void> {
    if (this.untold.length === 0) await this.nextSignal();
  }

  /** What was heard since the last time and holds, in order. */
  async news(session: OperatorSession): Promise<readonly News[]> {
    await this.read(session);
    const told = this.untold;
    this.untold = [];
    return told;
  }

  /** Whether an answer could still count. */
  isWaiting({ agent, ask }: OpenAsk): boolean {
    const open = this.open.get(keyOf(agent.id, ask.ask));
    return open !== undefined && open.expiresAtMs > this.ports.nowMs();
  }

  private async nextSignal(): Promise<void> {
    if (this.unread.length === 0) await this.arrived.promise;
  }

  private read(session: OperatorSession): Promise<void> {
    const read = this.reading.then(() => this.readNow(session));
    this.reading = read.catch(() => undefined);
    return read;
  }

  private async readNow(session: OperatorSession): Promise<void> {
    const wires = this.unread.splice(0);
    this.arrived = Promise.withResolvers();
    for (const wire of wires) {
      try {
        const one = await this.take(session, wire);
        if (one !== undefined) this.untold.push(one);
      } catch (thrown) {
        if (codeOf(thrown) === 'relay_unreachable') throw thrown;
        this.refused += 1;
      }
    }
  }

  /** Those that still wait, the oldest first. */
  waiting(): readonly OpenAsk[] {
    return [...this.open.values()].filter(({ expiresAtMs }) => expiresAtMs > this.ports.nowMs());
  }

  /** By its id or the first digits of it. Throws `ask_unknown`, `usage`. */
  find(typed: string): OpenAsk {
    if (!/^[0-9a-f]{1,32}$/i.test(typed) || typed.length < leastDigits)
      throw new HoldfastError('usage', `an ask is named by its id, or at least ${leastDigits} digits of it`, {
        next: 'see: holdfast approvals',
      });
    const found = this.waiting().filter(({ ask }) => toHex(ask.ask).startsWith(typed.toLowerCase()));
    const [only, another] = found;
    if (another !== undefined)
      throw new HoldfastError('usage', `more than one ask begins with ${typed}`, {
        next: 'give all of its id; see: holdfast approvals --json',
      });
    if (only !== undefined) return only;
    const over = [...this.ended].find(([key]) => key.slice(agentDigits).startsWith(typed.toLowerCase()))?.[1];
    throw new HoldfastError(
      'ask_unknown',
      over === undefined ? 'no agent waits for this answer' : `nobody waits any more: ${over}`,
      {
        next: 'see: holdfast approvals',
      },
    );
  }

  /** Sends the answer, and waits until the agent says what became of its ask; undefined: it had not when `late` aborted. */
  async answer(
    session: OperatorSession,
    open: OpenAsk,
    verdict: Answer['verdict'],
    late: AbortSignal,
  ): Promise<Outcome | undefined> {
    await this.send(session, open, verdict);
    return this.outcome(session, open, late);
  }

  /** Throws `grant_unknown`, `ask_mismatch`, and what the relay says. */
  async send(session: OperatorSession, open: OpenAsk, verdict: Answer['verdict']): Promise<void> {
    const { operator, facts, relay } = session;
    const { primitives } = this.ports;
    const { agent, ask, expiresAtMs } = open;
    const epochKey = await operator.replica.epochKey(agentAudience(agent.id));
    const to = { primitives, fleet: facts.fleet, agent: agent.id, epochKey, expiresAtMs };
    const device = { id: operator.device, holder: operator.holder };
    const sealed = verdict === 'once' && ask.act.kind === 'use' ? await this.sealedFor(session, open, ask.act) : undefined;
    const approval = { fleet: facts.fleet, agent: agent.id, device: device.id, ask };
    const warrant = verdict === 'once' ? await approve(primitives, device.holder, approval, this.ports.nowMs()) : undefined; // [AUTHORITY-4]
    const said = {
      kind: 'answer',
      v: 1,
      ask: ask.ask,
      call: ask.call,
      verdict,
      ...(sealed !== undefined && { sealed }),
      ...(warrant !== undefined && { warrant }),
    } as const;
    await putSignal(relay, await operatorAnswers(to, device, said));
  }

  /** What the agent says of an ask that was answered; undefined: nothing when `late` aborted. */
  async outcome(session: OperatorSession, { agent, ask }: OpenAsk, late: AbortSignal): Promise<Outcome | undefined> {
    const timeUp = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve()));
    const key = keyOf(agent.id, ask.ask);
    const closed = this.closing.get(key) ?? Promise.withResolvers<void>();
    this.closing.set(key, closed);
    while (!this.ended.has(key) && !late.aborted) {
      await Promise.race([this.nextSignal(), closed.promise, timeUp]);
      await this.read(session);
    }
    this.closing.delete(key);
    return this.ended.get(key);
  }

  /** The secret for exactly what was shown. Throws `grant_unknown`, `ask_mismatch`. [APPROVAL-15] [APPROVAL-20] */
  private async sealedFor(session: OperatorSession, { agent, ask, expiresAtMs }: OpenAsk, act: UseAct): Promise<Sealed> {
    await session.readOn(); // another device may have granted or ended it since
    assertGranted(session.state, agent.id, act);
    const secret = await session.openSecret(act.item);
    try {
      return await sealUse(this.ports.primitives, { fleet: session.facts.fleet, agent: agent.id, ask, expiresAtMs }, secret);
    } finally {
      secret.fill(0);
    }
  }

  private async take(session: OperatorSession, wire: Uint8Array): Promise<News | undefined> {
    const { from: sender } = parseSignal(wire).statement;
    if (!session.state.agents.has(toHex(sender))) await session.readOn(); // enrolled meanwhile, perhaps
    const { from, said, expiresAtMs } = await this.heard(session, wire).catch(async (thrown: unknown) => {
      if (codeOf(thrown) !== 'epoch_key_missing') throw thrown;
      await session.readOn();
      return this.heard(session, wire);
    });
    const agent = session.state.agents.get(toHex(from));
    if (agent === undefined) return undefined;
    if (said.kind === 'presence') return undefined;
    const key = keyOf(from, said.ask);
    if (said.kind === 'closed') {
      this.open.delete(key);
      this.ended.set(key, said.outcome);
      this.closing.get(key)?.resolve();
      return { kind: 'closed', ask: said.ask, outcome: said.outcome, letGoAfterMs: said.letGoAfterMs };
    }
    if (this.open.has(key) || this.ended.has(key)) return undefined; // the relay says it twice
    const open = { agent, ask: said, expiresAtMs };
    this.open.set(key, open);
    return { kind: 'ask', open };
  }

  private heard(session: OperatorSession, wire: Uint8Array): ReturnType<typeof hearAgent> {
    const { state, facts, operator } = session;
    return hearAgent(
      {
        primitives: this.ports.primitives,
        fleet: facts.fleet,
        reader: facts.device,
        signKeyOf: (sender) => (isLive(state, sender) ? state.agents.get(toHex(sender))?.keys.sign : undefined), // [APPROVAL-4]
        epochKey: (audience, epoch) => operator.replica.epochKey(audience, epoch),
        nowMs: this.ports.nowMs(),
      },
      wire,
    );
  }
}

export type UseAct = Extract<Act, { kind: 'use' }>;

/** A machine can ask for whatever it likes; nothing is sealed beyond what operators granted its agent. [APPROVAL-20] */
function assertGranted(state: FleetState, agent: Uint8Array, act: UseAct): void {
  const granted = state.grants.get(toHex(agent))?.get(toHex(act.grant));
  if (granted === undefined || granted.sealed !== undefined || !equalBytes(granted.item, act.item) || granted.name !== act.name)
    throw new HoldfastError('grant_unknown', `no grant of ${act.name} to this agent is approved per use`, { next: 'deny it' });
  if (decide(granted.fence, { ...act, scheme: 'https' }).kind === 'refuse' || !saysWhatIsGranted(granted.fence, act))
    throw new HoldfastError('ask_mismatch', `the request is outside of what was granted of ${act.name}`, { next: 'deny it' });
}

/** A machine shows what it would send: of a fence that limits arguments, that is what was judged, written anew. */
function saysWhatIsGranted(within: Fence, { query, headers, body }: UseAct): boolean {
  const valueOf = (wanted: string): string | undefined =>
    headers.flatMap(({ name, value }) => (name.toLowerCase() === wanted ? [value] : [])).join() || undefined;
  const bytes = utf8(body);
  try {
    const said = { type: valueOf('content-type'), coding: valueOf('content-encoding'), bytes };
    const judged = judge(within, { query, body: said });
    return judged.query === query && (judged.body === undefined || equalBytes(judged.body.bytes, bytes));
  } catch {
    return false;
  }
}

const agentDigits = 32;
const keyOf = (agent: Uint8Array, ask: Uint8Array): string => toHex(agent) + toHex(ask);
