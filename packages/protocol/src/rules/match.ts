// Whether a rule applies to a call, spec/rules.md. A rule is held against each thing in the call that it could be about: this command, this path,
// this host. Exemptions count only where they are sure, and for that very thing.

import { tools, type Tool } from './call.ts';
import type { CommandView } from './command-view.ts';
import { ConditionMatcher, isAboutCommands, type Subject } from './condition-matcher.ts';
import { stronger, weaker, type Grade } from './grade.ts';
import { mayHold } from './opaque.ts';
import { pointerValues } from './pointer.ts';
import type { Change, Rule } from './rule.ts';
import type { Touch } from './touches.ts';
import type { CallView } from './view.ts';

export interface Matcher {
  readonly rule: Rule;
  /** The rule is about shell calls, as such or for what they read, write or fetch. */
  readonly concernsShell: boolean;
  readonly conditions: ConditionMatcher;
  readonly exemptions: readonly ConditionMatcher[];
  /** How the rule is about calls of each tool; not named: not at all. */
  readonly ways: ReadonlyMap<Tool, Way>;
  /** Whether it matters which command of a shell text is looked at. */
  readonly perCommand: boolean;
}

/** `direct`: the call itself; `touch`, `host`: what is read, written or fetched within it [RULES-9]. */
type Way = 'direct' | 'touch' | 'host';

export interface Verdict {
  readonly grade: Grade;
  /** Which condition does not hold, where one does not. */
  readonly failed?: string;
  /** It may apply only because the shell text could not be read. */
  readonly opaque?: boolean;
}

const readers: ReadonlySet<Tool | 'any'> = new Set<Tool>(['read', 'search']);
const writers: ReadonlySet<Tool | 'any'> = new Set<Tool>(['write', 'edit']);
/** Tools whose calls are looked through for what they read, write and fetch. */
const carriers: ReadonlySet<Tool> = new Set(['shell', 'mcp', 'other']);

export function matcherOf(rule: Rule): Matcher {
  const aboutCommands = isAboutCommands(rule.when);
  const conditions = new ConditionMatcher(rule.when, aboutCommands);
  const exemptions = rule.unless.map((unless) => new ConditionMatcher(unless, aboutCommands, true));
  const ways = new Map(tools.flatMap((tool) => wayOf(rule, conditions, tool)));
  return {
    rule,
    concernsShell: ways.has('shell'),
    conditions,
    exemptions,
    ways,
    perCommand:
      aboutCommands ||
      conditions.aboutPaths ||
      conditions.aboutHosts ||
      ways.get('shell') === 'host' ||
      exemptions.some((each) => each.aboutCommands),
  };
}

function wayOf({ tools: named }: Rule, conditions: ConditionMatcher, tool: Tool): (readonly [Tool, Way])[] {
  const has = (...each: readonly (Tool | 'any')[]) => each.some((name) => named.includes(name));
  if (has(tool, 'any') || (tool === 'edit' && has('write')) || (tool === 'search' && has('read'))) return [[tool, 'direct']];
  if (!carriers.has(tool)) return [];
  if (has('fetch')) return [[tool, 'host']];
  return conditions.aboutPaths && has('read', 'search', 'write', 'edit') ? [[tool, 'touch']] : [];
}

/** Throws only for input beyond the bounds. */
export function judge(matcher: Matcher, view: CallView): Verdict {
  const { rule, conditions, exemptions } = matcher;
  const way = matcher.ways.get(view.call.tool);
  if (way === undefined) return { grade: 0, failed: 'tool' };
  const failed = conditions.failsFor(view);
  if (failed !== undefined) return { grade: 0, failed };
  const grade = bestGrade(matcher, view, way);
  if (grade > 0) return { grade };
  const mayHide = matcher.concernsShell && view.open.length > 0 && mayHold(rule.when, view.call.command ?? '', view.reading);
  if (mayHide && !exempt(exemptions, {}, view)) return { grade: 1, opaque: true }; // [RULES-21]
  return { grade: 0, failed: conditions.lastFailed ?? 'unless' };
}

/** Over everything in the call that the rule could be about, one at a time. */
function bestGrade(matcher: Matcher, view: CallView, way: Way): Grade {
  if (view.call.tool !== 'shell') return gradeWithin(matcher, view, way, undefined);
  if (!matcher.perCommand) return gradeOf(matcher, {}, view, 2);
  const { conditions } = matcher;
  let best: Grade = 0;
  for (const command of view.commands) {
    if (conditions.holdsForCommand(command) === 0) continue;
    best = stronger(best, gradeWithin(matcher, view, way, command));
    if (best === 2) return best;
  }
  if (conditions.aboutCommands) return best;
  const beside = conditions.aboutPaths || conditions.aboutHosts || way === 'host' || view.commands.length === 0;
  return beside ? stronger(best, gradeWithin(matcher, view, way, undefined)) : best;
}

/** Over the paths and hosts of one command, or of the call beside its commands. */
function gradeWithin(matcher: Matcher, view: CallView, way: Way, command: CommandView | undefined): Grade {
  const { rule, conditions } = matcher;
  const source = command ?? view;
  const hosts = conditions.aboutHosts || way === 'host' ? source.hosts : undefined;
  let best: Grade = 0;
  if (conditions.aboutPaths) {
    for (const touch of source.touches) {
      const sure = way === 'touch' ? accessGrade(rule, touch) : 2;
      if (sure <= best) continue;
      for (const host of hosts ?? [undefined]) best = stronger(best, gradeOf(matcher, { command, touch, host }, view, sure));
      if (best === 2) return best;
    }
  } else if (hosts !== undefined) {
    for (const host of hosts) best = stronger(best, gradeOf(matcher, { command, host }, view, 2));
  }
  const alone = (!conditions.aboutPaths && hosts === undefined) || conditions.optional;
  return best < 2 && alone ? stronger(best, gradeOf(matcher, { command }, view, 2)) : best;
}

function gradeOf({ rule, conditions, exemptions }: Matcher, subject: Subject, view: CallView, sure: Grade): Grade {
  const grade = weaker(conditions.holds(subject, view, false), sure);
  if (grade > 0 && rule.change !== undefined && isMade(rule.change, subject, view)) return 0; // [RULES-12]
  return grade > 0 && exempt(exemptions, subject, view) ? 0 : grade;
}

/** A rewrite whose words or values are there already has nothing to do. */
function isMade(change: Change, { command }: Subject, view: CallView): boolean {
  switch (change.kind) {
    case 'add':
      return (
        command !== undefined &&
        change.words.every((word) => command.command.words.some(({ text, dynamic }) => !dynamic && text === word))
      );
    case 'set':
      return change.values.every(({ pointer, value }) => pointerValues(view, pointer)[0] === value);
    case 'replace':
      return false;
  }
}

/** [RULES-14] */
function exempt(exemptions: readonly ConditionMatcher[], subject: Subject, view: CallView): boolean {
  return exemptions.some((each) => each.failsFor(view) === undefined && each.holds(subject, view, true) === 2);
}

/** The commands that the rule is about: those for which all holds and nothing exempts. */
export function commandsOf(matcher: Matcher, view: CallView): readonly CommandView[] {
  return view.commands.filter((command) => gradeOf(matcher, { command }, view, 2) === 2);
}

/** A rule on reading is not about what is only written or only named. Whether an unknown program writes what it is given is not sure. */
function accessGrade({ tools: named }: Rule, { access }: Touch): Grade {
  if (access === 'names') return 0;
  if (access === 'both') return 2;
  if (access === 'unknown') return 1;
  const wanted = access === 'read' ? readers : writers;
  return named.some((tool) => wanted.has(tool)) ? 2 : 0;
}
