// What is done with a rule set away from the page: read, its examples run, what it changes, and what it would have done to what agents did. Reading shells and
// YAML takes its time, and much code: both stay in rules-worker.ts.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { HoldfastError } from '@holdfast/protocol/errors';
import { concernedBy, ruleChanges, setIn, type RuleChange } from '@holdfast/protocol/rules/changes';
import { compile } from '@holdfast/protocol/rules/compile';
import { testRules, type ExampleResult } from '@holdfast/protocol/rules/examples';
import { heldAgainst, type Stopped } from '@holdfast/protocol/rules/history';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, packRules, withPacks } from '@holdfast/protocol/rules/packs/packs';
import type { RuleSet } from '@holdfast/protocol/rules/rule';
import { firstSource, sourceOf } from '@holdfast/protocol/rules/source';
import { writeRules } from '@holdfast/protocol/rules/write';

interface Named {
  readonly id: Uint8Array;
  readonly scope: string;
}

export type RulesRequest =
  /** More of an agent's log, in its order. */
  | { readonly kind: 'events'; readonly agent: string; readonly scope: string; readonly events: readonly AuditEvent[] }
  /** `signed`: the set that is in force. */
  | {
      readonly kind: 'read';
      readonly id: number;
      readonly source: string;
      readonly signed: string | undefined;
      readonly agents: readonly Named[];
      readonly sinceMs: number;
    }
  /** What one signed set changes in place of another one. */
  | { readonly kind: 'compare'; readonly id: number; readonly before: string; readonly after: string }
  | { readonly kind: 'source'; readonly id: number; readonly signed: string | undefined };

export interface Fault {
  readonly message: string;
  readonly next: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

export interface ChangeText {
  readonly rule: string;
  readonly how: RuleChange['how'];
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface ReadSet {
  /** What would be signed. */
  readonly text: string;
  readonly rules: number;
  readonly examples: number;
  /** Each in words. */
  readonly failed: readonly string[];
  readonly changes: readonly ChangeText[];
  readonly isFirst: boolean;
  /** As it is in force, to the letter: examples are part of that. */
  readonly isInForce: boolean;
  /** Scopes of agents for whom something may be decided otherwise. */
  readonly concerned: readonly string[];
}

export type StoppedCall = Stopped & { readonly agentId: string };

export interface HeldHistory {
  readonly calls: number;
  readonly partly: number;
  readonly freed: number;
  readonly stopped: readonly StoppedCall[];
}

export type RulesAnswer =
  | { readonly kind: 'wrong'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'read'; readonly id: number; readonly set: ReadSet }
  | { readonly kind: 'history'; readonly id: number; readonly history: HeldHistory }
  | { readonly kind: 'compared'; readonly id: number; readonly changes: readonly ChangeText[] }
  | { readonly kind: 'source'; readonly id: number; readonly source: string; readonly packs: readonly PackFacts[] };

export interface PackFacts {
  readonly name: string;
  readonly rules: readonly { readonly id: string; readonly effect: string; readonly reason: string }[];
}

/** More than a person reads; scripts have all of it from `holdfast rules test --json`. */
const maxStopped = 1000;

interface KeptLog {
  readonly scope: string;
  readonly events: AuditEvent[];
}

export class RulesWork {
  readonly #say: (answer: RulesAnswer) => void;
  /** Resolves when what came meanwhile has been heard. */
  readonly #breath: () => Promise<void>;
  readonly #logs = new Map<string, KeptLog>();
  #newest = 0;

  constructor(breath: () => Promise<void>, say: (answer: RulesAnswer) => void) {
    this.#breath = breath;
    this.#say = say;
  }

  async take(request: RulesRequest): Promise<void> {
    switch (request.kind) {
      case 'events': {
        const log = this.#logs.get(request.agent) ?? { scope: request.scope, events: [] };
        for (const event of request.events) log.events.push(event);
        this.#logs.set(request.agent, log);
        return;
      }
      case 'source':
        return this.#say({ kind: 'source', id: request.id, source: sourceIn(request.signed), packs: packNames.map(packFacts) });
      case 'compare': {
        const { id, before, after } = request;
        return this.#say({
          kind: 'compared',
          id,
          changes: attempted(() => changesOf(before, parseRules(after)).map(changeText)) ?? [],
        });
      }
      case 'read':
        this.#newest = request.id;
        return this.#read(request);
    }
  }

  async #read({ id, source, signed, agents, sinceMs }: Extract<RulesRequest, { kind: 'read' }>): Promise<void> {
    let whole: RuleSet;
    try {
      const own = parseRules(source);
      whole = withPacks({ ...own, packs: [...new Set(own.packs)] });
      this.#say({ kind: 'read', id, set: readSet(own, whole, signed, agents) });
    } catch (thrown) {
      return this.#say({ kind: 'wrong', id, fault: faultOf(thrown) });
    }
    const rules = compile({ packs: [], without: [], rules: setIn(whole) });
    const all: HeldHistory = { calls: 0, partly: 0, freed: 0, stopped: [] };
    let sum = all;
    for (const [agentId, { scope, events }] of this.#logs) {
      await this.#breath();
      if (this.#newest !== id) return; // it was typed on
      const { calls, partly, freed, stopped } = heldAgainst(rules, [{ scope, home: '/', events }], sinceMs);
      sum = {
        calls: sum.calls + calls,
        partly: sum.partly + partly,
        freed: sum.freed + freed,
        stopped: [...sum.stopped, ...stopped.map((call) => ({ ...call, agentId }))],
      };
    }
    const stopped = sum.stopped.toSorted((one, other) => other.atMs - one.atMs);
    this.#say({ kind: 'history', id, history: { ...sum, stopped: stopped.slice(0, maxStopped) } });
  }
}

/** Throws `rules_invalid`. */
function readSet(own: RuleSet, whole: RuleSet, signed: string | undefined, agents: readonly Named[]): ReadSet {
  const examples = testRules(own);
  const text = writeRules(whole);
  if (JSON.stringify(setIn(parseRules(text))) !== JSON.stringify(setIn(whole)))
    throw new HoldfastError('internal', 'the rules would be read otherwise than they were written');
  const changes = ruleChanges(signed, whole);
  return {
    text,
    rules: whole.rules.length,
    examples: examples.length,
    failed: examples.filter(({ ok }) => !ok).map(exampleText),
    changes: changes.changes.map(changeText),
    isFirst: changes.isFirst,
    isInForce: text === signed,
    concerned: concernedBy(changes, agents).map(({ scope }) => scope),
  };
}

const changesOf = (before: string, after: RuleSet): readonly RuleChange[] => ruleChanges(before, after).changes;

function changeText({ rule, how, before, after }: RuleChange): ChangeText {
  const text = (one: RuleChange['before']): string | undefined =>
    one &&
    writeRules({ packs: [], without: [], rules: setIn({ packs: [], without: [], rules: [one] }) })
      .replace(/^rules:\n {2}/, '')
      .trimEnd();
  return { rule, how, before: text(before), after: text(after) };
}

function exampleText({ rule, wanted, example, found }: ExampleResult): string {
  const subject = example.tool === 'shell' ? example.subject : `${example.tool} ${example.subject}`;
  return `${rule}: \`${subject}\` is ${wanted === 'hit' ? 'not caught' : 'caught'} (${found})`;
}

function faultOf(thrown: unknown): Fault {
  if (!(thrown instanceof HoldfastError))
    return { message: 'this cannot be read', next: undefined, line: undefined, column: undefined };
  const [, line, column, message] = /^line (\d+), column (\d+): (.*)$/s.exec(thrown.message) ?? [];
  return {
    message: message ?? thrown.message,
    next: thrown.next,
    line: line === undefined ? undefined : Number(line),
    column: column === undefined ? undefined : Number(column),
  };
}

function sourceIn(signed: string | undefined): string {
  return signed === undefined ? firstSource : (attempted(() => sourceOf(signed)) ?? signed);
}

function packFacts(name: string): PackFacts {
  return { name, rules: packRules(name).map(({ id, effect, reason }) => ({ id, effect, reason })) };
}

function attempted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
