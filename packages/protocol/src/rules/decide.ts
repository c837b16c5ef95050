// The decision about one call, spec/rules.md: every rule that can apply is considered, the strictest effect holds, rewrites are made and the
// result is decided again. Whatever goes wrong denies.

import { codeOf } from '../errors.ts';
import type { CallContext, Json, ToolCall } from './call.ts';
import type { CompiledRules } from './compile.ts';
import { judge, type Matcher, type Verdict } from './match.ts';
import { rewritten } from './rewrite.ts';
import { CallView } from './view.ts';

export interface Matched {
  readonly rule: string;
  readonly effect: 'warn' | 'ask' | 'deny' | 'rewrite';
  readonly reason: string;
  readonly instead?: string;
}

export interface Decision {
  readonly effect: 'allow' | 'warn' | 'ask' | 'deny';
  /** The harness's input as rewritten. With `ask` it is this input that the operator is asked about, and that runs. Never with deny. */
  readonly input?: Json;
  readonly matched: readonly Matched[];
  /** What this call labels the session with once it has run. */
  readonly labels: readonly string[];
}

/** Each rewrite costs a round; a set whose rewrites need more never settles. */
const maxRounds = 16;
const strictest = ['allow', 'warn', 'ask', 'deny'] as const;
const rank = (effect: Decision['effect']) => strictest.indexOf(effect);

/** Total: never throws. */
export function decide(rules: CompiledRules, call: ToolCall, context: CallContext): Decision {
  try {
    return decideBounded(rules, call, context);
  } catch (thrown) {
    const reason = `This call could not be judged (${codeOf(thrown)}), so it is denied.`;
    return { effect: 'deny', matched: [{ rule: 'engine', effect: 'deny', reason }], labels: [] }; // [RULES-8]
  }
}

function decideBounded(rules: CompiledRules, call: ToolCall, context: CallContext): Decision {
  let effect: Decision['effect'] = 'allow';
  const matched = new Map<string, Matched>();
  const labels = new Set<string>();
  let current = call;
  for (let round = 0; round < maxRounds; round += 1) {
    const view = new CallView(current, context);
    const found = consider(rules, view);
    for (const label of found.labels) labels.add(label);
    for (const each of found.matched) matched.set(`${each.rule} ${each.effect}`, each);
    if (rank(found.effect) > rank(effect)) effect = found.effect; // [RULES-10]
    const [rewrite] = found.rewrites;
    if (effect === 'deny' || rewrite === undefined) {
      const changed = effect !== 'deny' && current !== call;
      return { effect, matched: [...matched.values()], labels: [...labels].sort(), ...(changed && { input: current.input }) };
    }
    const next = rewritten(rewrite, view);
    if (next === undefined)
      return refused(rewrite, matched, 'It can not be made safe as it stands: run it on its own, written out plainly.'); // [RULES-12]
    current = next;
  }
  return refused(undefined, matched, 'The rewrites of the rules never settle for this call.'); // [RULES-12]
}

function refused(by: Matcher | undefined, matched: ReadonlyMap<string, Matched>, why: string): Decision {
  const reason = by === undefined ? why : `${by.rule.reason} ${why}`;
  const denial: Matched = {
    rule: by?.rule.id ?? 'engine',
    effect: 'deny',
    reason,
    ...(by?.rule.instead !== undefined && { instead: by.rule.instead }),
  };
  return { effect: 'deny', matched: [...matched.values(), denial], labels: [] };
}

interface Considered {
  readonly effect: Decision['effect'];
  readonly matched: readonly Matched[];
  readonly labels: readonly string[];
  /** By id, so that the order of the rules in the text means nothing. */
  readonly rewrites: readonly Matcher[];
}

function consider({ index, ifOpaque }: CompiledRules, view: CallView): Considered {
  view.refuseUnbounded();
  const hits: { matcher: Matcher; verdict: Verdict }[] = [];
  const candidates = index.candidates(view);
  for (const matcher of candidates) {
    const verdict = judge(matcher, view);
    if (verdict.grade > 0 && verdict.opaque !== true) hits.push({ matcher, verdict });
  }
  if (view.open.length > 0) {
    // One is enough: the strictest there is.
    const first = ifOpaque.find((matcher) => judge(matcher, view).opaque === true);
    if (first !== undefined) hits.push({ matcher: first, verdict: { grade: 1, opaque: true } });
  }
  hits.sort((left, right) => (left.matcher.rule.id < right.matcher.rule.id ? -1 : 1));
  return outcomeOf(hits, view);
}

function outcomeOf(hits: readonly { matcher: Matcher; verdict: Verdict }[], view: CallView): Considered {
  let effect: Decision['effect'] = 'allow';
  const matched: Matched[] = [];
  const labels: string[] = [];
  const rewrites: Matcher[] = [];
  for (const { matcher, verdict } of hits) {
    const { rule } = matcher;
    if (rule.effect === 'label') {
      if (rule.as !== undefined) labels.push(rule.as); // [RULES-23] what may have been read counts as read
      continue;
    }
    const meant = verdict.grade === 2 ? rule.effect : rule.opaque;
    if (meant === 'allow') continue;
    const instead =
      verdict.opaque === true ? 'Write the command out plainly: program, flags and paths as they are.' : rule.instead;
    matched.push({
      rule: rule.id,
      effect: meant,
      reason: reasonOf(matcher, verdict, view),
      ...(instead !== undefined && { instead }),
    });
    if (meant === 'rewrite') rewrites.push(matcher);
    else if (rank(meant) > rank(effect)) effect = meant;
  }
  return { effect, matched, labels, rewrites };
}

const maxExcerptCharacters = 80;

function reasonOf({ rule }: Matcher, verdict: Verdict, view: CallView): string {
  if (verdict.opaque === true) {
    const [first] = view.open;
    const excerpt =
      first === undefined ? '' : ` (${first.why.replaceAll('_', ' ')}: ${first.excerpt.slice(0, maxExcerptCharacters)})`;
    return `It can't be told what this would run${excerpt}; rule ${rule.id} may forbid it.`;
  }
  return verdict.grade === 2 ? rule.reason : `${rule.reason} Part of this is known only when it runs, and may be just that.`;
}
