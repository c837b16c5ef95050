// Acts that wait for an operator, spec/approval.md: asked by a signal of the agent, answered by one of a device, bound to the very call, once, and
// denied in every other case. Trusts the journal's verified state for who is a device; a relay only carries, and may lose.

import { whoOf, type AuditReport, type Cause } from '@holdfast/protocol/audit/event';
import { parseSignal, type Signal } from '@holdfast/protocol/blind/signal';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import {
  maxAskLifeMs,
  type Act,
  type Answer,
  type Ask,
  type Because,
  type Closed,
  type Outcome,
} from '@holdfast/protocol/approvals/ask';
import { verifyApproval } from '@holdfast/protocol/approvals/approved';
import { actOf, callDigest, wordsOf } from '@holdfast/protocol/approvals/call';
import { agentSays, hearOperator, isFor } from '@holdfast/protocol/approvals/signals';
import type { SessionSigner } from '@holdfast/protocol/audit/checkpoint';
import type { FleetState } from '@holdfast/protocol/journal/state';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import type { Sealed } from '@holdfast/protocol/seal/hpke';
import type { Redacting } from '../audit/redactor.ts';
import type { Ports } from '../ports.ts';
import { AskLimits, sameActs } from './limits.ts';

const defaultAskLifeMs = 120_000;
/** For those who hear it live, when the ask's own time is up. */
const leastClosedLifeMs = 10_000;
/** The two are dated by different clocks. */
const closedLongerMs = 1000;

/** Who asks: what the daemon knows of the session, never what it says. */
export interface Asking {
  readonly session: Uint8Array;
  readonly mode: 'sealed' | 'guarded';
  readonly program: string;
}

/** What is asked about. `call`: the digest that an answer is bound to; both made from one call. */
export interface Asked {
  readonly act: Act;
  readonly call: Uint8Array;
  readonly because: readonly Because[];
  /** Which of the agent's children acts, for the record; absent: whose session it is. */
  readonly child?: Uint8Array;
  /** What it came from, for the record. */
  readonly cause?: Cause;
  /** How long the caller can wait. */
  readonly withinMs?: number;
  /** The caller has gone: nobody waits any more. */
  readonly gone?: AbortSignal;
}

export interface ApprovalsOptions {
  readonly ports: Ports;
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly state: () => FleetState | undefined;
  /** Copies of the agent's audience's keys; the newest epoch, or the one named. Throws `epoch_key_missing`. */
  readonly epochKey: (epoch?: number) => Promise<{ readonly epoch: number; readonly key: Uint8Array }>;
  /** A session key that is certified for so long. */
  readonly signer: (lastsMs: number) => Promise<SessionSigner>;
  /** To the relay. Throws while there is none, and what it says. */
  readonly publish: (signal: Signal) => Promise<void>;
  /** Whether the relay has confirmed our state lately: what we take for a device may be none any more otherwise. */
  readonly isFresh: () => boolean;
  readonly redacting: Redacting;
  /** Resolves when it is written. */
  readonly record: (report: AuditReport) => Promise<void>;
  readonly note: (report: AuditReport) => void;
}

/** What became of an ask about one use. With `sealed`, and only then, the secret can be opened. */
export interface UseAnswer {
  readonly ask: Uint8Array;
  readonly outcome: Outcome;
  readonly sealed?: Sealed | undefined;
  /** Of the ask, by the wall clock: as the operator's device saw it. */
  readonly expiresAtMs: number;
  /** Tells operators that it is over, and how long the act had waited. Whoever was allowed it calls this once it goes, or fails. [APPROVAL-24] */
  readonly over: () => void;
}

/** Something of a session waits for an operator. */
export interface Waiting {
  readonly ask: Uint8Array;
  readonly act: Act;
  readonly withinMs: number;
}

interface Open {
  readonly asked: Pick<Ask, 'ask' | 'call' | 'act'>;
  readonly session: Uint8Array;
  /** On the monotonic clock. */
  readonly untilMs: number;
  readonly ended: (ended: Ended) => void;
}

interface Ended {
  readonly outcome: Outcome;
  readonly device?: Uint8Array | undefined;
  readonly sealed?: Sealed | undefined;
  readonly warrant?: Uint8Array | undefined;
}

/** Refused answers in one minute that are recorded: whoever replays them by the hundred fills no log. */
const maxNotedRefusals = 16;

export class Approvals {
  private readonly options: ApprovalsOptions;
  private readonly limits: AskLimits;
  private readonly open = new Map<string, Open>();
  private readonly told = new Map<string, Set<(waiting: Waiting) => void>>();
  private noted = { sinceMs: -Infinity, count: 0 };

  constructor(options: ApprovalsOptions) {
    this.options = options;
    this.limits = new AskLimits(options.ports.clock);
  }

  /** How many acts of that session wait now. */
  waitingOf(session: Uint8Array): number {
    return [...this.open.values()].filter((each) => equalBytes(each.session, session)).length;
  }

  /** How many acts wait now. */
  get waiting(): number {
    return this.open.size;
  }

  /** Waits for an operator. Never rejects, and nothing but `allowed` may let the act happen. */
  async ask(by: Asking, asked: Asked): Promise<Outcome> {
    const { outcome, over } = await this.askAboutUse(by, asked);
    over();
    return outcome;
  }

  /** The same, with what a use needs to be let go. Never rejects. */
  async askAboutUse(by: Asking, asked: Asked): Promise<UseAnswer> {
    const { ports, record, note } = this.options;
    const ask = ports.primitives.random(16);
    const lifeMs = Math.min(Math.max(Math.trunc(asked.withinMs ?? defaultAskLifeMs), 1), maxAskLifeMs); // [APPROVAL-7]
    const expiresAtMs = Math.trunc(ports.clock.nowMs()) + lifeMs;
    const who = whoOf({ ...asked, session: by.session });
    const counted = this.limits.countedAs(by.session);
    const wanted = sameActs(ports.primitives, asked.act);
    const told = this.limits.begin(counted, wanted);
    if (told !== 'ask') {
      note({ kind: 'answered', ...who, ask, outcome: told });
      return { ask, outcome: told, expiresAtMs, over: () => {} }; // [APPROVAL-8]
    }
    const askedMs = ports.clock.monotonicMs();
    const untilMs = askedMs + lifeMs;
    let ended: Ended = { outcome: 'unasked' };
    try {
      ended = await this.answered(by, asked, { ask, lifeMs, untilMs, expiresAtMs });
    } catch (thrown) {
      ports.log.warn({ agent: toHex(this.options.agent), code: codeOf(thrown) }, 'an operator could not be asked'); // [APPROVAL-9]
    } finally {
      this.open.delete(toHex(ask));
    }
    const { outcome, device, sealed, warrant } = ended;
    this.limits.end(counted, wanted, outcome);
    try {
      const by = { ...(device !== undefined && { device }), ...(warrant !== undefined && { warrant }) };
      await record({ kind: 'answered', ...who, ask, outcome, ...by });
    } catch {
      return { ask, outcome: 'unasked', expiresAtMs, over: () => {} }; // [APPROVAL-10]
    }
    const over = (): void => {
      const letGoAfterMs = Math.max(0, Math.round(ports.clock.monotonicMs() - askedMs));
      void this.tellClosed(ask, { outcome, ...(outcome === 'allowed' && { letGoAfterMs }) }, untilMs);
    };
    return { ask, outcome, sealed, expiresAtMs, over };
  }

  /** About one call of a tool; what is shown and what an answer is bound to are made from the same value. Never rejects. */
  async askAboutCall(
    by: Asking,
    call: ToolCall,
    about: Omit<Asked, 'act' | 'call'> & { readonly directory?: string; readonly subagent?: string },
  ): Promise<Outcome> {
    const { primitives } = this.options.ports;
    let said: Pick<Asked, 'act' | 'call'>;
    try {
      said = { act: actOf(call, about), call: callDigest(primitives, { agent: this.options.agent, session: by.session }, call) };
    } catch {
      return 'unasked'; // [APPROVAL-3]
    }
    return this.ask(by, { ...about, ...said });
  }

  /** A signal that the relay hands over. Throws what is wrong with one that claims to be for us; others are not looked at. */
  async hear(wire: Uint8Array): Promise<void> {
    const { agent } = this.options;
    const { statement } = parseSignal(wire);
    if (statement.audience !== `agent:${toHex(agent)}` || equalBytes(statement.from, agent)) return;
    let answer: Answer | undefined;
    try {
      const { from, said } = await this.heard(wire);
      answer = said;
      await this.assertWarranted(said, from);
      this.take(said, from);
    } catch (thrown) {
      const code = codeOf(thrown);
      this.noteRefusal(code, answer?.ask);
      if (code === 'ask_unknown' || code === 'stale_relay') return; // late, or twice: nobody's fault
      throw thrown;
    }
  }

  /** `session` was started by `parent`: a session has no more asks by sharing them out. [APPROVAL-8] */
  beside(session: Uint8Array, parent: Uint8Array): void {
    this.limits.beside(session, parent);
  }

  /** `tell` hears of each ask of that session when it has left; until the session is over, or what is returned is called. */
  onWaiting(session: Uint8Array, tell: (waiting: Waiting) => void): () => void {
    const told = this.told.get(toHex(session)) ?? new Set();
    this.told.set(toHex(session), told.add(tell));
    return () => void told.delete(tell);
  }

  /** The session is over: what it still waits for is denied. */
  withdraw(session: Uint8Array): void {
    for (const each of [...this.open.values()]) if (equalBytes(each.session, session)) each.ended({ outcome: 'withdrawn' }); // [APPROVAL-12]
    this.limits.forget(session);
    this.told.delete(toHex(session));
  }

  withdrawAll(): void {
    for (const each of [...this.open.values()]) each.ended({ outcome: 'withdrawn' }); // [APPROVAL-12]
  }

  /** Asks, and waits for the first answer that counts, the end of its time, or of whoever waits. */
  private async answered(
    by: Asking,
    asked: Asked,
    terms: Pick<UseAnswer, 'ask' | 'expiresAtMs'> & { readonly lifeMs: number; readonly untilMs: number },
  ): Promise<Ended> {
    const { record } = this.options;
    const { act, call, because, gone } = asked;
    const { ask, lifeMs, untilMs, expiresAtMs } = terms;
    const { promise, resolve } = Promise.withResolvers<Ended>();
    let waiting = true;
    const ended = (how: Ended): void => {
      waiting = false;
      resolve(how);
    };
    this.open.set(toHex(ask), { asked: { ask, call, act }, session: by.session, untilMs, ended });
    const timer = setTimeout(() => ended({ outcome: 'expired' }), lifeMs); // [APPROVAL-7]
    const left = () => ended({ outcome: 'withdrawn' }); // [APPROVAL-12]
    gone?.addEventListener('abort', left);
    try {
      if (gone?.aborted === true) return { outcome: 'withdrawn' };
      const rules = because.map(({ rule }) => rule);
      const { digest, ...salted } = this.options.redacting.digest(call, wordsOf(act));
      const about = { ...whoOf({ ...asked, session: by.session }), ask, call: digest, ...salted };
      await record({ kind: 'asked', ...about, lifeMs, rules }); // [APPROVAL-10]
      const sent = this.send({ kind: 'ask', v: 1, ask, ...by, act, call, because, lifeMs }, lifeMs, expiresAtMs);
      const waits = sent.then(() => {
        if (waiting) for (const tell of this.told.get(toHex(by.session)) ?? []) tell({ ask, act, withinMs: lifeMs });
        return promise;
      });
      // An answer can't come before the ask has left; its time can be up before.
      const how = await Promise.race([promise, waits]);
      return salted.salted === true ? { ...how, warrant: undefined } : how; // it holds the digest as it was [COMMIT-6]
    } finally {
      clearTimeout(timer);
      gone?.removeEventListener('abort', left);
    }
  }

  private async send(
    body: Ask | Closed,
    lifeMs: number,
    expiresAtMs = Math.trunc(this.options.ports.clock.nowMs()) + lifeMs,
  ): Promise<void> {
    const { ports, fleet, agent, epochKey, signer, publish } = this.options;
    const certified = await signer(lifeMs);
    const to = { primitives: ports.primitives, fleet, agent, epochKey: await epochKey(), expiresAtMs };
    await publish(await agentSays(to, certified, body));
  }

  private heard(wire: Uint8Array): Promise<{ readonly from: Uint8Array; readonly said: Answer }> {
    const { ports, fleet, agent, epochKey, state, isFresh } = this.options;
    if (!isFresh()) throw new HoldfastError('stale_relay', 'the relay has not confirmed our state lately'); // [APPROVAL-9]
    return hearOperator(
      {
        primitives: ports.primitives,
        fleet,
        reader: agent,
        signKeyOf: (sender) => state()?.devices.get(toHex(sender))?.keys.sign, // [APPROVAL-5]
        epochKey: (_audience, epoch) => epochKey(epoch),
        nowMs: ports.clock.nowMs(),
      },
      wire,
    );
  }

  /** Throws `warrant_invalid`, `codec_*`. [AUTHORITY-4] */
  private async assertWarranted(answer: Answer, device: Uint8Array): Promise<void> {
    const { ports, fleet, agent, state } = this.options;
    const { ask, warrant } = answer;
    const open = this.open.get(toHex(ask));
    const key = state()?.devices.get(toHex(device))?.keys.sign;
    if (open === undefined || warrant === undefined || key === undefined || !isFor(answer, open.asked)) return; // `take` says so
    const asked = { ...open.asked, session: open.session };
    await verifyApproval(ports.primitives, warrant, { fleet, agent, device, ask: asked }, key);
  }

  private take(answer: Answer, device: Uint8Array): void {
    const open = this.open.get(toHex(answer.ask));
    if (open === undefined || this.options.ports.clock.monotonicMs() >= open.untilMs)
      throw new HoldfastError('ask_unknown', 'nobody waits for this answer'); // [APPROVAL-6] [APPROVAL-7]
    if (!isFor(answer, open.asked)) throw new HoldfastError('ask_mismatch', 'the answer is for another call'); // [APPROVAL-5]
    this.open.delete(toHex(answer.ask)); // [APPROVAL-6]
    const { sealed, warrant } = answer;
    open.ended({ outcome: answer.verdict === 'once' ? 'allowed' : 'denied', device, sealed, warrant });
  }

  private noteRefusal(code: ErrorCode, ask: Uint8Array | undefined): void {
    const nowMs = this.options.ports.clock.monotonicMs();
    if (nowMs >= this.noted.sinceMs + 60_000) this.noted = { sinceMs: nowMs, count: 0 };
    this.noted.count += 1;
    if (this.noted.count <= maxNotedRefusals)
      this.options.note({ kind: 'answer-refused', code, ...(ask !== undefined && { ask }) });
  }

  /** So that operators elsewhere see that nobody waits; nothing depends on it. It is kept as long as the ask, which else would look open again. */
  private async tellClosed(ask: Uint8Array, how: Pick<Closed, 'outcome' | 'letGoAfterMs'>, untilMs: number): Promise<void> {
    if (how.outcome === 'unasked') return;
    const leftMs = Math.max(untilMs - this.options.ports.clock.monotonicMs() + closedLongerMs, leastClosedLifeMs);
    await this.send({ kind: 'closed', v: 1, ask, ...how }, Math.ceil(leftMs)).catch(() => {}); // [APPROVAL-13]
  }
}
