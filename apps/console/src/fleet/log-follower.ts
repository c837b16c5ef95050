// Shipped audit logs as the relay shows them, followed while somebody looks, spec/audit-shipping.md: what is new is fetched here, opened and verified
// elsewhere (log-work.ts), and kept in memory until the key is locked. What a log says before it is verified is told apart by `verifiedTo`.

import { readCheckpoint, type CheckpointStatement } from '@holdfast/protocol/audit/checkpoint';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import type { AuditVerdict } from '@holdfast/protocol/audit/verify';
import type { SegmentPlace, ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { readShipments, watchShipments } from '@holdfast/protocol/exchange/shipment-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { proofsFor } from '@holdfast/protocol/journal/proofs-of';
import type { Agent, FleetState } from '@holdfast/protocol/journal/state';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import {
  cosignedBy,
  logIdentity,
  maxReadBytes,
  topicsCheckpoint,
  type Cosigned,
  type SeenCheckpoints,
} from '@holdfast/protocol/operator/log-anchors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { Stretch } from '@holdfast/protocol/audit/ticks';
import type { LogAnswer, LogRequest, TimeOf } from './log-work.ts';

/** Between two looks at the relay, when nothing says that there is more. */
const everyMs = 5_000;
/** Logs of which a relay says when there is more. */
const maxWatched = 256;
/** A topic is ahead of what was shipped for moments; longer than this, the log was cut. */
const behindForMs = 30_000;
/** Verifying goes through the whole log: it takes at most this share of the time. */
const verifyingShare = 0.1;
/** Handed on together. */
const piecesAtOnce = 16;

/** What is known of one agent's log. */
export interface AgentLog {
  /** The agent's id in hex. */
  readonly agent: string;
  readonly scope: string;
  /** `waiting`: nothing was read yet; `reading`: more is on its way; `read`: all that the relay has. */
  readonly stage: 'waiting' | 'reading' | 'read';
  /** Oldest first. Grows; a new list each time. */
  readonly events: readonly AuditEvent[];
  /** Of so many records before the first event hashes alone are left. */
  readonly pruned: number;
  /** Records below this number are covered by a checkpoint that holds; those above rest on the machine's word. */
  readonly verifiedTo: number;
  readonly verdict: AuditVerdict | undefined;
  readonly checkpoint: CheckpointStatement | undefined;
  /** When the last verdict was made here, by this device's clock. */
  readonly verifiedAtMs: number | undefined;
  /** What operator devices have cosigned of it: the verdict held the log against these as well. */
  readonly cosigned: readonly Cosigned[];
  /** The log does not hold, or cannot be read (`internal`: a fault of this console): what is shown of it is no proof of anything. */
  readonly problem: HoldfastError | undefined;
  /** When the relay was last asked, by this device's clock. */
  readonly askedAtMs: number | undefined;
}

export interface LogWorker {
  ask(request: LogRequest): void;
  end(): void;
}

export interface FollowerOptions {
  readonly primitives: Primitives;
  readonly session: () => OperatorSession;
  readonly state: () => FleetState | undefined;
  readonly seen: SeenCheckpoints;
  readonly startWorker: (answered: (answer: LogAnswer) => void) => LogWorker;
  readonly nowMs: () => number;
  /** Resolves early when aborted. */
  readonly wait: (ms: number, ended: AbortSignal) => Promise<void>;
  /** Something about these logs is new. */
  readonly changed: (logs: readonly AgentLog[]) => void;
}

interface Followed {
  readonly id: Uint8Array;
  shown: AgentLog;
  events: AuditEvent[];
  place: SegmentPlace;
  bytes: number;
  /** Resolves with the worker's answer to a look. */
  looking: PromiseWithResolvers<Extract<LogAnswer, { kind: 'looked' }>> | undefined;
  behindSinceMs: number | undefined;
  verifyAfterMs: number;
  /** What the last verdict was of. */
  verifiedEvents: number;
}

export class LogFollower {
  readonly #options: FollowerOptions;
  readonly #logs = new Map<string, Followed>();
  readonly #ended = new AbortController();
  readonly #questions = new Map<number, (answer: TimeOf | undefined) => void>();
  readonly #bundles = new Map<number, (lines: readonly string[] | undefined) => void>();
  #nextQuestion = 1;
  #worker: LogWorker | undefined;
  #watchers = 0;
  readonly #due = new Set<string>();
  #watchedOn: { readonly relay: RelayExchange; readonly logs: number } | undefined;
  #running = false;
  #isTelling = false;
  #hurry = new AbortController();

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Reads and follows until what it answers is called, by whoever shows logs. */
  watch(): () => void {
    this.#watchers += 1;
    if (!this.#running) void this.#run();
    let watching = true;
    return () => {
      if (watching) this.#watchers -= 1;
      watching = false;
    };
  }

  /** There is more of this agent's log. */
  look(agent: Uint8Array): void {
    this.#due.add(toHex(agent));
    this.#hurry.abort();
  }

  /** Permissioned time of those agents together, as far as their logs were read. Undefined where this was ended meanwhile. */
  async timeOf(agents: readonly string[], stretch: Stretch): Promise<TimeOf | undefined> {
    const id = this.#nextQuestion;
    this.#nextQuestion += 1;
    const answer = Promise.withResolvers<TimeOf | undefined>();
    this.#questions.set(id, answer.resolve);
    this.#workerNow().ask({ kind: 'time', id, logs: agents, stretch });
    return answer.promise;
  }

  /** Verifies all of it anew, against what the relay, this device and others know of it now. */
  verify(agent: string): void {
    const log = this.#logs.get(agent);
    if (log === undefined) return;
    log.verifyAfterMs = 0;
    log.verifiedEvents = -1;
    this.#due.add(agent);
    this.#hurry.abort();
  }

  /** The lines of a bundle of all that was read of it, with what its uses stand on. Undefined where this was ended meanwhile, or there is no such log. */
  async bundleOf(agent: string): Promise<readonly string[] | undefined> {
    const [log, state, session] = [this.#logs.get(agent), this.#options.state(), this.#options.session()];
    const known = state?.agents.get(agent);
    if (log === undefined || state === undefined || known === undefined || log.shown.stage === 'waiting') return undefined;
    const id = this.#nextQuestion;
    this.#nextQuestion += 1;
    const answer = Promise.withResolvers<readonly string[] | undefined>();
    this.#bundles.set(id, answer.resolve);
    const proofs = proofsFor(state, log.id, log.events);
    this.#workerNow().ask({ kind: 'bundle', id, log: agent, whose: logIdentity(session, known), proofs });
    return answer.promise;
  }

  /** Forgets all of it. */
  end(): void {
    this.#ended.abort();
    this.#worker?.end();
    this.#worker = undefined;
    for (const log of this.#logs.values()) log.looking?.reject(new HoldfastError('relay_unreachable', 'this console was locked'));
    for (const answer of this.#questions.values()) answer(undefined);
    this.#questions.clear();
    for (const answer of this.#bundles.values()) answer(undefined);
    this.#bundles.clear();
    this.#logs.clear();
    this.#options.changed([]);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#watchers > 0 && !this.#ended.signal.aborted) {
      this.#hurry = new AbortController();
      const due = new Set(this.#due);
      this.#due.clear();
      try {
        await this.#round(due);
        await this.#watchRelay();
      } catch {
        // no connection just now; what was read stays, and says when it was asked for
      }
      if (this.#due.size === 0) await this.#options.wait(everyMs, AbortSignal.any([this.#ended.signal, this.#hurry.signal]));
    }
    this.#running = false;
    this.#watchedOn = undefined;
    if (!this.#ended.signal.aborted) await this.#unwatchRelay();
  }

  /** The relay tells of each new piece, and the machines that somebody reads along. What comes so is asked for as any other: it is a hint. */
  async #watchRelay(): Promise<void> {
    const { relay } = this.#options.session();
    const logs = [...this.#logs.values()].filter(({ shown }) => shown.problem === undefined).slice(0, maxWatched);
    if (this.#watchedOn?.relay === relay && this.#watchedOn.logs === logs.length) return;
    await watchShipments(
      relay,
      logs.map(({ id, place }) => ({ agent: id, ...place })),
    );
    this.#watchedOn = { relay, logs: logs.length };
  }

  async #unwatchRelay(): Promise<void> {
    try {
      await watchShipments(this.#options.session().relay, []);
    } catch {
      // a connection that is over watches nothing
    }
  }

  /** `due`: of which there is more; none: all may have. */
  async #round(due: ReadonlySet<string>): Promise<void> {
    const state = this.#options.state();
    if (state === undefined) return;
    for (const agent of state.agents.values()) {
      const log = this.#logOf(agent);
      if (due.size > 0 && log.shown.stage === 'read' && !due.has(log.shown.agent)) continue;
      if (log.shown.problem !== undefined) continue; // it stays so until this console is opened anew
      try {
        await this.#readOne(agent, log);
      } catch (thrown) {
        const problem = asProblem(thrown);
        if (this.#ended.signal.aborted || passing.has(problem.code)) throw thrown;
        this.#show(log, { problem, stage: 'read' });
      }
    }
  }

  #logOf(agent: Agent): Followed {
    const name = toHex(agent.id);
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    const shown: AgentLog = {
      agent: name,
      scope: agent.scope,
      stage: 'waiting',
      events: [],
      pruned: 0,
      verifiedTo: 0,
      verdict: undefined,
      checkpoint: undefined,
      verifiedAtMs: undefined,
      cosigned: [],
      problem: undefined,
      askedAtMs: undefined,
    };
    const place = { ordinal: 0, offset: 0 };
    const begun: Followed = {
      ...{ id: agent.id, shown, events: [], place, bytes: 0, looking: undefined },
      ...{ behindSinceMs: undefined, verifyAfterMs: 0, verifiedEvents: -1 },
    };
    this.#logs.set(name, begun);
    return begun;
  }

  async #readOne(agent: Agent, log: Followed): Promise<void> {
    const session = this.#options.session();
    const worker = this.#workerNow();
    const { agent: name } = log.shown;
    const whose = logIdentity(session, agent);
    if (log.shown.stage === 'waiting') {
      const { key } = await session.operator.replica.epochKey(agentAudience(agent.id), 0); // [AUDIT-18]
      worker.ask({ kind: 'begin', log: name, key, whose });
      this.#show(log, { stage: 'reading' });
    }
    const isTime = this.#options.nowMs() >= log.verifyAfterMs;
    const cosigned = isTime ? await cosignedBy(session, agent) : log.shown.cosigned; // before the log is read: it has as much by then
    const cameNew = await this.#fetch(session, agent, log, worker);
    const anchor = await topicsCheckpoint(session, agent);
    const askedAtMs = this.#options.nowMs();
    const isUnverified = cameNew || log.behindSinceMs !== undefined || log.verifiedEvents < log.events.length;
    if (!isUnverified && log.shown.stage === 'read') return this.#show(log, { askedAtMs });
    const seen = await this.#options.seen.get(name);
    const anchors = [anchor, seen].filter((wire) => wire !== undefined);
    const mayBeBehind = log.behindSinceMs === undefined || askedAtMs - log.behindSinceMs < behindForMs;
    log.looking = Promise.withResolvers();
    worker.ask({ kind: 'look', log: name, whose, anchors: isTime ? anchors : undefined, known: cosigned, mayBeBehind });
    const looked = await log.looking.promise;
    log.behindSinceMs = looked.behind ? (log.behindSinceMs ?? askedAtMs) : undefined;
    if (looked.verdict !== undefined) {
      log.verifyAfterMs = this.#options.nowMs() + looked.tookMs / verifyingShare;
      log.verifiedEvents = log.events.length;
      if (looked.checkpoint !== undefined) await this.#options.seen.keep(name, looked.checkpoint);
    }
    const { verdict = log.shown.verdict, pruned } = looked;
    const checkpoint = looked.checkpoint && readCheckpoint(this.#options.primitives, looked.checkpoint).statement;
    const verifiedTo = verdict?.covered ?? 0;
    const verifiedAtMs = looked.verdict === undefined ? log.shown.verifiedAtMs : this.#options.nowMs();
    this.#show(log, { stage: 'read', pruned, verdict, verifiedTo, checkpoint, verifiedAtMs, cosigned, askedAtMs });
  }

  /** Whether anything came. */
  async #fetch(session: OperatorSession, agent: Agent, log: Followed, worker: LogWorker): Promise<boolean> {
    let pieces: ShippedPiece[] = [];
    const before = log.bytes;
    const handOn = (): void => {
      if (pieces.length > 0) worker.ask({ kind: 'pieces', log: log.shown.agent, pieces });
      pieces = [];
    };
    try {
      for await (const piece of readShipments(session.relay, agent.id, log.place)) {
        log.bytes += piece.bytes.length;
        if (log.bytes > maxReadBytes)
          throw new HoldfastError('limit_exceeded', 'the relay has more of this log than can be read at once');
        log.place = { ordinal: piece.ordinal, offset: piece.offset + piece.bytes.length };
        pieces.push(piece);
        if (pieces.length >= piecesAtOnce) handOn();
      }
    } finally {
      handOn(); // the next round goes on behind these
    }
    return log.bytes > before;
  }

  #workerNow(): LogWorker {
    this.#worker ??= this.#options.startWorker((answer) => this.#hear(answer));
    return this.#worker;
  }

  #hear(answer: LogAnswer): void {
    if (answer.kind === 'bundle') {
      this.#bundles.get(answer.id)?.(answer.lines);
      this.#bundles.delete(answer.id);
      return;
    }
    if (answer.kind === 'time') {
      this.#questions.get(answer.id)?.(answer);
      this.#questions.delete(answer.id);
      return;
    }
    const log = this.#logs.get(answer.log);
    if (log === undefined) return;
    switch (answer.kind) {
      case 'events':
        for (const event of answer.events) log.events.push(event);
        return this.#show(log, {});
      case 'looked':
        return log.looking?.resolve(answer);
      case 'failed': {
        const { code, message, next } = answer.error;
        const error = new HoldfastError(code, message, next === undefined ? {} : { next });
        if (log.looking !== undefined) return log.looking.reject(error);
        return this.#show(log, { problem: asProblem(error), stage: 'read' });
      }
    }
  }

  /** Many changes in one moment are told once. */
  #show(log: Followed, change: Partial<AgentLog>): void {
    log.shown = { ...log.shown, ...change };
    if (!this.#isTelling) void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    await this.#options.wait(tellAfterMs, this.#ended.signal);
    this.#isTelling = false;
    if (this.#ended.signal.aborted) return;
    for (const each of this.#logs.values())
      if (each.shown.events.length !== each.events.length) each.shown = { ...each.shown, events: each.events.slice() };
    this.#options.changed([...this.#logs.values()].map(({ shown }) => shown));
  }
}

const tellAfterMs = 100;

/** What went wrong in this console itself is told as well: a log that waits for ever says nothing of why. */
function asProblem(thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError && thrown.code !== 'internal') return thrown;
  const next = 'Lock this console and unlock it again. If that does not help, tell us: this is a fault of ours.';
  return new HoldfastError('internal', 'this console failed in reading the log', { next, cause: thrown });
}

/** Not of the log: of the connection. */
const passing: ReadonlySet<string> = new Set(['relay_unreachable', 'relay_refused']);
