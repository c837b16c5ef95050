// The guard of one session, spec/guard.md: every act that a harness reports is looked at by the rules in force, put to an operator where they
// say so, and recorded before the harness hears that it may happen. Whatever goes wrong on the way is a denial.

import type { Cause } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import type { Decision } from '@holdfast/protocol/rules/decide';
import { absolute, spellings, type View } from './paths.ts';
import type { ReportedAct, Verdict } from './reported.ts';
import type { SubAgent } from './sub-agents.ts';

/** The rules in force at this moment. */
export interface Policy {
  /** Undefined: none was ever set, only reading is allowed. */
  readonly version: number | undefined;
  decide(call: ToolCall, context: CallContext): Decision;
}

/** What an act was and what became of it, for the record. */
export interface JudgedAct {
  readonly id: string;
  /** The daemon's own id of it: what comes from it names it. */
  readonly step: Uint8Array;
  readonly cause: Cause;
  /** A harness said so, or the daemon itself saw it. */
  readonly label: 'reported' | 'observed';
  readonly call: ToolCall;
  /** Of the call to the last byte of its input: what an operator's answer is bound to. */
  readonly digest: Uint8Array;
  readonly context: CallContext;
  /** As which of the agent's children; absent: the session's. */
  readonly child?: Uint8Array;
  readonly decision: Decision;
  readonly allowed: boolean;
  readonly rulesVersion: number | undefined;
}

export interface GuardPorts {
  nowMs(): number;
  /** 16 bytes that nobody has seen before. */
  step(): Uint8Array;
  policy(): Policy;
  /** Throws for what has no canonical form. */
  digest(call: ToolCall): Uint8Array;
  /** Waits for an operator's word on exactly this call, until whoever asks has gone; anything but `allowed` is a no. */
  approve(act: Omit<JudgedAct, 'allowed'>, gone: AbortSignal | undefined): Promise<string>;
  /** Resolves when it is written. */
  record(act: JudgedAct): Promise<void>;
  /** Of an act that could not be judged or recorded, and so does not happen. */
  fault(code: ErrorCode): void;
  /** Who is shown what goes on; nothing here asks it for anything. */
  readonly shown?: {
    begins(id: string, call: ToolCall): void;
    over(id: string): void;
    judged(rules: number | undefined): void;
  };
}

/** What the daemon knows of the session. */
export type SessionFacts = Omit<CallContext, 'directory' | 'labels' | 'nowMs' | 'subagent' | 'branch' | 'home'> & {
  readonly view: View;
  branch(): string | undefined;
};

/** What the daemon's own broker saw; no harness may call itself so. */
export const brokerHarness = 'broker';

/** Calls that are still under way; a harness that never says that one has ended must not fill the memory. */
const maxOpenCalls = 1024;

interface OpenCall {
  /** What was answered, by what was asked. */
  readonly verdicts: Map<string, Promise<Verdict>>;
  /** What the rules made of it: these have been judged. */
  readonly rewritten: Set<string>;
  /** Where it was said to happen. */
  readonly directories: Set<string>;
  /** What it is called in the record: the newest of that id. */
  step?: Uint8Array;
}

export class Guard {
  readonly #ports: GuardPorts;
  readonly #facts: SessionFacts;
  readonly #labels: Set<string>;
  readonly #open = new Map<string, OpenCall>();
  #unnamed = 0;
  #lastCommand: string | undefined;

  /** `labels`: what the session carries already; sessions that share one set carry what any of them has read. */
  constructor(ports: GuardPorts, facts: SessionFacts, labels = new Set<string>()) {
    this.#ports = ports;
    this.#labels = labels;
    this.#facts = facts;
  }

  get labels(): ReadonlySet<string> {
    return this.#labels;
  }

  /** The last command that the harness told of; a session can say what it likes. */
  get lastCommand(): string | undefined {
    return this.#lastCommand;
  }

  /** Total. The same act under the same id is judged, asked about and recorded once. [GUARD-4] */
  async judge(reported: ReportedAct, gone?: AbortSignal): Promise<Verdict> {
    try {
      const call = this.#canonical(reported);
      this.#lastCommand = call.command ?? this.#lastCommand;
      if (reported.id === undefined) return await this.#decide(reported, call, undefined, gone);
      const open = this.#openCall(reported.id);
      open.directories.add(reported.directory);
      const key = this.#keyOf(call, reported);
      if (open.rewritten.has(key)) return { kind: 'allow', notes: [] };
      const known = open.verdicts.get(key);
      if (known !== undefined) return await known;
      this.#ports.shown?.begins(reported.id, call);
      const verdict = this.#decide(reported, call, open, gone);
      open.verdicts.set(key, verdict);
      const said = await verdict;
      if (said.kind === 'deny') this.#ports.shown?.over(reported.id);
      return said;
    } catch (thrown) {
      return this.#fault(thrown);
    }
  }

  /** Where a call under way happens; undefined where nobody said it, or not all the same. */
  directoryOf(id: string | undefined): string | undefined {
    const [directory, ...others] = (id === undefined ? undefined : this.#open.get(id))?.directories ?? [];
    return others.length === 0 ? directory : undefined;
  }

  /** What a call under way is called in the record; undefined for one that has none. */
  stepOf(id: string): Uint8Array | undefined {
    return this.#open.get(id)?.step;
  }

  /** The call has run, or failed: its id may be used for another one. */
  ended(id: string): void {
    this.#open.delete(id);
    this.#ports.shown?.over(id);
  }

  /**
   * A request that the daemon sees itself, in every reading that servers may have of it: the one that rules object to most stands for it, so an
   * operator is asked once. What no rule speaks of needs no record beside that of the request. Total. [GUARD-16]
   */
  async judgeRequest(
    readings: readonly [ToolCall, ...ToolCall[]],
    { by: subAgent, cause = {} }: { readonly by?: SubAgent | undefined; readonly cause?: Cause } = {},
  ): Promise<Verdict> {
    try {
      const by = subAgent === undefined ? {} : { subAgent };
      const acts = readings.map((call) => {
        const reported = { harness: call.harness, id: undefined, call, withInput: () => call, directory: '/', ...by };
        return { reported, call, decision: this.#ports.policy().decide(call, this.#context(reported)) };
      });
      const worst = acts.reduce((most, act) => (objection(act.decision) > objection(most.decision) ? act : most));
      const verdict = await this.#decide(worst.reported, worst.call, undefined, undefined, cause);
      if (verdict.kind === 'allow') for (const { decision } of acts) this.#label(decision.labels);
      return verdict;
    } catch (thrown) {
      return this.#fault(thrown);
    }
  }

  /** Something was read that no hook can hold back: it only labels. */
  seen(reported: ReportedAct): void {
    const { labels } = this.#ports.policy().decide(this.#canonical(reported), this.#context(reported));
    this.#label(labels);
  }

  #label(labels: readonly string[]): void {
    for (const label of labels) this.#labels.add(label);
  }

  async #decide(
    reported: ReportedAct,
    call: ToolCall,
    open: OpenCall | undefined,
    gone: AbortSignal | undefined,
    cause: Cause = reported.trace === undefined ? {} : { trace: reported.trace },
  ): Promise<Verdict> {
    const policy = this.#ports.policy();
    const context = this.#context(reported);
    const { decision, runs } = this.#decision(reported, call, policy, context);
    const id = reported.id ?? `unnamed-${(this.#unnamed += 1)}`;
    const label = reported.harness === brokerHarness ? ('observed' as const) : ('reported' as const);
    const child = reported.subAgent?.child?.id;
    const step = this.#ports.step();
    if (open !== undefined) open.step = step;
    const judged = {
      id,
      step,
      cause,
      label,
      call,
      digest: this.#ports.digest(call),
      context,
      ...(child !== undefined && { child }),
      decision,
      rulesVersion: policy.version,
    };
    // What an operator sees, and their yes is bound to, is what will run.
    const shown = runs === call ? judged : { ...judged, call: runs, digest: this.#ports.digest(runs) };
    const outcome = decision.effect === 'ask' ? await this.#ports.approve(shown, gone) : undefined;
    const allowed = decision.effect === 'ask' ? outcome === 'allowed' : decision.effect === 'allow' || decision.effect === 'warn';
    // The call may run from here on, and nothing tells for certain that it did not.
    if (allowed) this.#label(decision.labels); // [GUARD-14]
    const silent = label === 'observed' && decision.matched.length === 0 && decision.labels.length === 0;
    if (!silent) {
      this.#ports.shown?.judged(policy.version);
      await this.#ports.record({ ...judged, allowed }); // [GUARD-3]
    }
    if (!allowed) return { kind: 'deny', reason: reasonOf(decision, outcome) };
    if (runs !== call) open?.rewritten.add(this.#keyOf(runs, reported));
    return { kind: 'allow', ...(decision.input !== undefined && { input: decision.input }), notes: notesOf(decision) };
  }

  /** What rules made of a call has to pass as it will be run; the harness will report it so. */
  #decision(
    reported: ReportedAct,
    call: ToolCall,
    policy: Policy,
    context: CallContext,
  ): { readonly decision: Decision; readonly runs: ToolCall } {
    const decision = policy.decide(call, context);
    if (decision.input === undefined) return { decision, runs: call };
    const rewritten = this.#canonical({ ...reported, call: reported.withInput(decision.input) });
    const { effect, matched } = policy.decide(rewritten, context);
    if (effect === 'deny' || (effect === 'ask' && decision.effect !== 'ask'))
      return { decision: { effect: 'deny', matched, labels: [] }, runs: call }; // [GUARD-15]
    return { decision, runs: rewritten };
  }

  #fault(thrown: unknown): Verdict {
    const code = codeOf(thrown);
    this.#ports.fault(code);
    return { kind: 'deny', reason: `Holdfast could not judge this (${code}), so it does not happen.` };
  }

  #canonical({ harness, call, directory }: ReportedAct): ToolCall {
    const { paths, ...rest } = call;
    const { view } = this.#facts;
    const all = paths?.flatMap((named) => spellings(absolute(named, directory, view), view));
    return { ...rest, harness, ...(all !== undefined && { paths: [...new Set(all)] }) }; // [GUARD-5]
  }

  #context({ directory, subAgent }: ReportedAct): CallContext {
    const { view, branch, ...facts } = this.#facts;
    const [place = directory] = spellings(absolute('.', directory, view), view).slice(-1);
    const onBranch = branch();
    return {
      ...facts,
      directory: place,
      home: view.home,
      labels: new Set(this.#labels), // those before the call: what it adds is not among them
      nowMs: this.#ports.nowMs(),
      ...(onBranch !== undefined && { branch: onBranch }),
      ...(subAgent !== undefined && { subagent: subAgent.types }), // [GUARD-27]
    };
  }

  /** What makes two reports one act: the call, who makes it, where it stands, and where its paths lead now. */
  #keyOf(call: ToolCall, { directory, subAgent }: ReportedAct): string {
    return [toHex(this.#ports.digest(call)), subAgent?.id ?? '', directory, ...(call.paths ?? [])].join('\0');
  }

  #openCall(id: string): OpenCall {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const open: OpenCall = { verdicts: new Map(), rewritten: new Set(), directories: new Set() };
    this.#open.set(id, open);
    // The oldest first. What is forgotten is judged anew.
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= maxOpenCalls) break;
      this.#open.delete(oldest);
    }
    return open;
  }
}

/** A request cannot be changed, so a rewrite is as good as a denial. */
function objection({ effect, input }: Decision): number {
  return input !== undefined ? 4 : ['allow', 'warn', 'ask', 'deny'].indexOf(effect);
}

function reasonOf({ matched, effect }: Decision, outcome = 'none'): string {
  const why = matched
    .filter((each) => each.effect === effect || each.effect === 'ask')
    .map(({ rule, reason, instead }) => `${reason} (rule ${rule})${instead === undefined ? '' : ` Instead: ${instead}`}`);
  const said = effect === 'ask' ? `This needs an operator's word, and the answer was: ${outcome}.` : 'This is not allowed.';
  return ['Holdfast:', said, ...why].join(' '); // [GUARD-8]
}

function notesOf({ matched, input }: Decision): readonly string[] {
  const warnings = matched.filter(({ effect }) => effect === 'warn' || (effect === 'rewrite' && input !== undefined));
  return warnings.map(({ rule, effect, reason }) =>
    effect === 'rewrite' ? `Holdfast changed this call: ${reason} (rule ${rule})` : `Holdfast warns: ${reason} (rule ${rule})`,
  );
}
