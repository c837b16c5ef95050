// One set of conditions of a rule, made ready, spec/rules.md: every condition answers no, maybe or yes for a subject; all must hold, so the weakest
// answer counts.

import type { CallContext } from './call.ts';
import type { CommandView } from './command-view.ts';
import { globHolds, Phrase } from './glob.ts';
import { stronger, weaker, type Grade } from './grade.ts';
import type { HostTouch } from './hosts.ts';
import { insideHours } from './hours.ts';
import { aimsAt, covers, patternIn, type Surroundings } from './path-pattern.ts';
import { pointerValues } from './pointer.ts';
import type { Conditions } from './rule.ts';
import type { Touch } from './touches.ts';
import type { CallView } from './view.ts';

type PathPattern = ReturnType<typeof patternIn>;

/** What a condition is asked about; each part only where the rule is about one. */
export interface Subject {
  readonly command?: CommandView | undefined;
  readonly touch?: Touch | undefined;
  readonly host?: HostTouch | undefined;
}

const commandKeys = ['command', 'flags', 'args', 'into', 'from', 'via', 'sets'] as const;
const contextKeys = ['agent', 'scope', 'subagent', 'repository', 'branch', 'mode', 'under', 'hours'] as const;

export function isAboutCommands(when: Conditions): boolean {
  return commandKeys.some((key) => when[key] !== undefined) || (when.any ?? []).some(isAboutCommands);
}

/** One set of conditions, made ready. */
export class ConditionMatcher {
  readonly when: Conditions;
  readonly #phrases: readonly Phrase[] | undefined;
  readonly #any: readonly ConditionMatcher[];
  readonly #looksIntoCommands: boolean;
  #patterns: { readonly key: string; readonly all: readonly PathPattern[] } | undefined;
  /** For explanations: the condition that failed last. */
  lastFailed: string | undefined;
  readonly aboutCommands: boolean;
  /** Some alternatives are about paths or hosts, others are not. */
  readonly optional: boolean;

  /** `looksIntoCommands`: the rule is about commands, so its texts are looked for in the one command. */
  constructor(when: Conditions, looksIntoCommands: boolean) {
    this.when = when;
    this.#phrases = when.text?.map((glob) => new Phrase(glob));
    this.#looksIntoCommands = looksIntoCommands;
    this.#any = (when.any ?? []).map((each) => new ConditionMatcher(each, looksIntoCommands));
    this.aboutCommands = isAboutCommands(when);
    const alternatives = (key: 'paths' | 'hosts') =>
      when[key] === undefined && this.#any.some((each) => each.about(key)) && !this.#any.every((each) => each.about(key));
    this.optional = alternatives('paths') || alternatives('hosts');
  }

  about(key: 'paths' | 'hosts'): boolean {
    return this.when[key] !== undefined || this.#any.some((each) => each.about(key));
  }

  /** The first condition on context or call that does not hold; conditions on subjects are left to `holds`. */
  failsFor(view: CallView): string | undefined {
    const { when } = this;
    for (const key of contextKeys) if (when[key] !== undefined && !contextHolds(key, when, view.context)) return key;
    const { call } = view;
    if (when.methods !== undefined && !(call.method !== undefined && when.methods.includes(call.method))) return 'methods';
    if (when.server !== undefined && !globsHold(when.server, call.server)) return 'server';
    if (when.tool !== undefined && !globsHold(when.tool, call.mcpTool)) return 'tool';
    if (when.input !== undefined && !inputHolds(when.input, view)) return 'input';
    if (!this.#looksIntoCommands && !this.#textHolds(view.text)) return 'text';
    return undefined;
  }

  /** How sure it is that the conditions on commands, paths and hosts hold for this subject. `exempting`: only what is sure helps. */
  holds(subject: Subject, view: CallView, exempting: boolean): Grade {
    let grade: Grade = 2;
    const weaken = (key: string, by: Grade): boolean => {
      if (by === 0) this.lastFailed = key;
      if (by < grade) grade = by;
      return grade === 0;
    };
    if (this.aboutCommands && subject.command === undefined && this.#wantsCommand()) return this.#fail('command');
    const { command } = subject;
    let unsure = 0;
    if (command !== undefined)
      for (const key of commandKeys) {
        if (this.when[key] === undefined) continue;
        const by = commandHolds(key, this.when, command);
        if (by === 1 && key === 'flags') unsure += 1;
        if (weaken(key, by)) return 0;
      }
    if (this.#looksIntoCommands && !this.#textHolds(command?.said ?? view.text)) return this.#fail('text');
    if (this.when.paths !== undefined) {
      const by = this.#pathsHold(subject, view, exempting);
      if (by === 1 && unsure > 0 && !exempting) return this.#fail('flags'); // one unknown word is not both a flag and a path
      if (weaken('paths', by)) return 0;
    }
    if (this.when.hosts !== undefined && weaken('hosts', this.#hostsHold(subject, view, exempting))) return 0;
    if (this.#any.length > 0) {
      const best = this.#any.reduce<Grade>((most, each) => {
        if (most === 2 || each.failsFor(view) !== undefined) return most;
        return stronger(most, each.holds(subject, view, exempting));
      }, 0);
      if (weaken('any', best)) return 0;
    }
    return grade;
  }

  #textHolds(text: string): boolean {
    return this.#phrases === undefined || this.#phrases.some((phrase) => phrase.foundIn(text));
  }

  #fail(key: string): 0 {
    this.lastFailed = key;
    return 0;
  }

  #wantsCommand(): boolean {
    return commandKeys.some((key) => this.when[key] !== undefined);
  }

  #pathsHold({ command, touch }: Subject, view: CallView, exempting: boolean): Grade {
    const patterns = this.#patternsIn(view.surroundings);
    if (touch !== undefined) return this.#pathHolds(patterns, touch, view, exempting);
    // An exemption by path for a rule that is about no path: all that the command touches must be exempt.
    const touches = command?.touches ?? view.touches;
    if (!exempting || touches.length === 0) return 0;
    return touches.every((each) => this.#pathHolds(patterns, each, view, true) === 2) ? 2 : 0;
  }

  #pathHolds(patterns: readonly PathPattern[], touch: Touch, view: CallView, exempting: boolean): Grade {
    let best: Grade = 0;
    for (const pattern of patterns) {
      const grade = covers(pattern, touch.path);
      if (grade === 2) return 2;
      if (grade === 1 && best === 0 && (this.#wantsCommand() || aimsAt(pattern, touch.path))) best = 1;
      if (!exempting && touch.descends && (this.#wantsCommand() || isOutside(touch, view)) && standsAbove(touch, pattern))
        return 2;
    }
    return best;
  }

  #patternsIn(surroundings: Surroundings): readonly PathPattern[] {
    const key = `${surroundings.home}\n${surroundings.directory}`;
    if (this.#patterns?.key !== key)
      this.#patterns = {
        key,
        all: (this.when.paths ?? []).map((path) => patternIn(path, surroundings, this.when.case === 'ignore')),
      };
    return this.#patterns.all;
  }

  #hostsHold({ command, host }: Subject, view: CallView, exempting: boolean): Grade {
    const globs = this.when.hosts ?? [];
    if (host !== undefined) return hostHolds(globs, host);
    const all = command?.hosts ?? view.hosts;
    if (!exempting || all.length === 0) return 0;
    return all.every((each) => hostHolds(globs, each) === 2) ? 2 : 0;
  }
}

function isOutside({ path }: Touch, { surroundings }: CallView): boolean {
  return !path.text.startsWith(`${surroundings.directory}/`);
}

/** `~` is above `~/.ssh`: what takes all of it takes that. Only for patterns with a fixed place. */
function standsAbove({ path }: Touch, { segments }: PathPattern): boolean {
  if (segments[0] === '**' || path.fuzzy || path.segments.length >= segments.length) return false;
  const fixed = segments.findIndex((segment) => segment.includes('*') || segment.includes('?'));
  const known = fixed < 0 ? segments.length : fixed;
  return path.segments.length <= known && path.segments.every((segment, index) => segment === segments[index]);
}

function hostHolds(globs: readonly string[], { host }: HostTouch): Grade {
  if (host === undefined) return globs.includes('*') ? 2 : 0;
  return globs.some(
    (glob) =>
      glob === host || (glob.startsWith('*.') ? host.endsWith(glob.slice(1)) || host === glob.slice(2) : globHolds(glob, host)),
  )
    ? 2
    : 0;
}

function commandHolds(key: (typeof commandKeys)[number], when: Conditions, view: CommandView): Grade {
  const { command } = view;
  const wanted = when[key] as readonly string[];
  switch (key) {
    case 'command':
      return (when.command ?? []).reduce<Grade>((most, [programs = [], ...below]) => {
        const { name } = command;
        if (
          most === 2 ||
          name === undefined ||
          !programs.some((program) => program === name || (program.includes('*') && globHolds(program, name)))
        )
          return most;
        return stronger(most, below.length === 0 ? 2 : view.words.subcommands(below));
      }, 0);
    case 'flags':
      return (when.flags ?? []).reduce<Grade>((least, spellings) => {
        if (least === 0) return 0;
        return weaker(
          least,
          spellings.reduce<Grade>((most, flag) => stronger(most, view.words.flag(flag)), 0),
        );
      }, 2);
    case 'args':
      return view.words.operands.some(({ word }) => globsHold(wanted, word.text)) ? 2 : 0;
    case 'into':
      return globsHold(wanted, command.feeds) ? 2 : 0;
    case 'from':
      return globsHold(wanted, command.fedBy) ? 2 : 0;
    case 'via':
      return command.wrappers.some((wrapper) => globsHold(wanted, wrapper.split(' ')[0])) ? 2 : 0;
    case 'sets':
      return setsOf(view).some((name) => globsHold(wanted, name)) ? 2 : 0;
  }
}

const setters: ReadonlySet<string> = new Set([
  'unset',
  'export',
  'declare',
  'typeset',
  'readonly',
  'env',
  'local',
  'set',
  'setenv',
]);

/** Variables that a command sets for itself, or for what comes after. */
function setsOf({ command, words }: CommandView): readonly string[] {
  const own = command.assignments.map(({ name }) => name);
  if (command.name === undefined || !setters.has(command.name)) return own;
  return [...own, ...words.operands.map(({ word }) => word.text.split(/[+=]/)[0] ?? '')];
}

function globsHold(globs: readonly string[], text: string | undefined): boolean {
  return text !== undefined && globs.some((glob) => globHolds(glob, text));
}

function contextHolds(key: (typeof contextKeys)[number], when: Conditions, context: CallContext): boolean {
  switch (key) {
    case 'under':
      return when.under?.some((label) => context.labels.has(label)) === true;
    case 'mode':
      return when.mode?.includes(context.mode) === true;
    case 'hours':
      return when.hours === undefined || insideHours(when.hours, context.nowMs);
    default:
      return globsHold(when[key] ?? [], context[key]);
  }
}

function inputHolds(wanted: NonNullable<Conditions['input']>, view: CallView): boolean {
  return wanted.every(({ pointer, values }) =>
    pointerValues(view, pointer).some((found) =>
      values.some(
        (value) =>
          value === found ||
          (typeof value === 'string' && typeof found === 'string' && globHolds(value.toLowerCase(), found.toLowerCase())),
      ),
    ),
  );
}
