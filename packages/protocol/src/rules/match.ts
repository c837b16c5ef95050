// Whether a rule applies to a call, spec/rules.md. A rule is held against each thing in the call that it could be about: this command, this path,
// this host. Exemptions count only where they are sure, and for that very thing.

import type { Tool } from './call.ts';
import type { CommandView } from './command-view.ts';
import { ConditionMatcher, isAboutCommands, type Subject } from './condition-matcher.ts';
import { weaker, type Grade } from './grade.ts';
import type { HostTouch } from './hosts.ts';
import { mayHold } from './opaque.ts';
import type { Rule } from './rule.ts';
import type { Touch } from './touches.ts';
import type { CallView } from './view.ts';

export interface Matcher {
  readonly rule: Rule;
  /** The rule is about shell calls, as such or for what they read, write or fetch. */
  readonly concernsShell: boolean;
  readonly conditions: ConditionMatcher;
  readonly exemptions: readonly ConditionMatcher[];
}

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
  const has = (tool: Tool | 'any') => rule.tools.includes(tool);
  const indirect = has('fetch') || ((has('read') || has('write') || has('edit') || has('search')) && conditions.about('paths'));
  return {
    rule,
    concernsShell: has('shell') || has('any') || indirect,
    conditions,
    exemptions: rule.unless.map((unless) => new ConditionMatcher(unless, aboutCommands)),
  };
}

/** Throws only for input beyond the bounds. */
export function judge(matcher: Matcher, view: CallView): Verdict {
  const { rule, conditions, exemptions } = matcher;
  const { tool } = view.call;
  const direct =
    rule.tools.includes(tool) ||
    rule.tools.includes('any') ||
    (tool === 'edit' && rule.tools.includes('write')) ||
    (tool === 'search' && rule.tools.includes('read'));
  const aboutPaths = conditions.about('paths');
  const viaTouch =
    carriers.has(tool) && aboutPaths && rule.tools.some((each) => each === 'any' || readers.has(each) || writers.has(each));
  const viaHost =
    carriers.has(tool) && (rule.tools.includes('fetch') || (rule.tools.includes('any') && conditions.about('hosts')));
  if (!direct && !viaTouch && !viaHost) return { grade: 0, failed: 'tool' };
  const failed = conditions.failsFor(view);
  if (failed !== undefined) return { grade: 0, failed };

  let best: Grade = 0;
  for (const subject of subjectsOf(matcher, view, { direct, viaTouch, viaHost })) {
    const held = conditions.holds(subject, view, false);
    const sure = direct || viaHost || subject.touch === undefined ? 2 : accessGrade(rule, subject.touch);
    const grade = weaker(held, sure);
    if (grade <= best || exempt(exemptions, subject, view)) continue;
    best = grade;
    if (best === 2) return { grade: best };
  }
  if (
    best === 0 &&
    matcher.concernsShell &&
    view.open.length > 0 &&
    mayHold(rule.when, view.call.command ?? '', view.reading) &&
    !exempt(exemptions, {}, view)
  )
    return { grade: 1, opaque: true }; // [RULES-21]
  return best === 0 ? { grade: 0, failed: conditions.lastFailed ?? 'subject' } : { grade: best };
}

/** The commands that the rule is about: those for which all holds and nothing exempts. */
export function commandsOf({ conditions, exemptions }: Matcher, view: CallView): readonly CommandView[] {
  return view.commands.filter(
    (command) => conditions.holds({ command }, view, false) === 2 && !exempt(exemptions, { command }, view),
  );
}

function exempt(exemptions: readonly ConditionMatcher[], subject: Subject, view: CallView): boolean {
  return exemptions.some((each) => each.failsFor(view) === undefined && each.holds(subject, view, true) === 2);
}

/** Everything in the call that the rule could be about, one at a time. */
function* subjectsOf(
  { rule, conditions, exemptions }: Matcher,
  view: CallView,
  { direct, viaTouch, viaHost }: { direct: boolean; viaTouch: boolean; viaHost: boolean },
): Generator<Subject> {
  const paths = conditions.about('paths');
  const hosts = conditions.about('hosts') || (viaHost && !direct);
  const within = function* (
    command: CommandView | undefined,
    touches: readonly Touch[],
    hostTouches: readonly HostTouch[],
  ): Generator<Subject> {
    const wanted = paths ? touches.filter((touch) => direct || viaHost || accessGrade(rule, touch) > 0) : [];
    const optional = conditions.optional;
    if (paths)
      for (const touch of wanted)
        if (hosts) for (const host of hostTouches) yield { command, touch, host };
        else yield { command, touch };
    else if (hosts) for (const host of hostTouches) yield { command, host };
    if ((!paths && !hosts) || optional) yield { command };
  };
  const perCommand = conditions.aboutCommands || paths || hosts || exemptions.some((each) => each.aboutCommands);
  if (view.call.tool === 'shell') {
    if (!perCommand) {
      yield {};
      return;
    }
    for (const command of view.commands) yield* within(command, command.touches, command.hosts);
    if (!conditions.aboutCommands && (paths || hosts)) yield* within(undefined, view.touches, view.hosts);
    if (view.commands.length === 0 && direct && !conditions.aboutCommands) yield* within(undefined, view.touches, view.hosts);
    return;
  }
  if (direct || viaTouch || viaHost) yield* within(undefined, view.touches, view.hosts);
}

/** A rule on reading is not about what is only written or only named. Whether an unknown program writes what it is given is not sure. */
function accessGrade({ tools }: Rule, { access }: Touch): Grade {
  if (access === 'names') return 0;
  const reads = tools.some((tool) => tool === 'any' || readers.has(tool));
  const writes = tools.some((tool) => tool === 'any' || writers.has(tool));
  if (access === 'both') return 2;
  if (access === 'unknown') return 1;
  return (access === 'read' ? reads : writes) ? 2 : 0;
}
