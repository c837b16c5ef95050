// One set of conditions of a rule, made ready, spec/rules.md: every condition answers no, maybe or yes for a subject; all must hold, so the weakest
// answer counts [RULES-13].

import { callChecks, commandChecks, commandKeys, contextChecks, textCheck } from './checks.ts';
import type { CommandView } from './command-view.ts';
import { covers } from './covers.ts';
import { globHolds } from './glob.ts';
import { stronger, weaker, type Grade } from './grade.ts';
import type { HostTouch } from './hosts.ts';
import { patternIn, type Pattern } from './path-pattern.ts';
import type { Conditions } from './rule.ts';
import type { Surroundings } from './touched-path.ts';
import type { Touch } from './touches.ts';
import type { CallView } from './view.ts';

/** What a condition is asked about; each part only where the rule is about one. */
export interface Subject {
  readonly command?: CommandView | undefined;
  readonly touch?: Touch | undefined;
  readonly host?: HostTouch | undefined;
}

export function isAboutCommands(when: Conditions): boolean {
  return commandKeys.some((key) => when[key] !== undefined) || (when.any ?? []).some(isAboutCommands);
}

export class ConditionMatcher {
  readonly when: Conditions;
  readonly aboutPaths: boolean;
  readonly aboutHosts: boolean;
  readonly aboutCommands: boolean;
  /** Some alternatives are about paths or hosts, others are not. */
  readonly optional: boolean;
  /** For explanations: the condition that failed last. */
  lastFailed: keyof Conditions | undefined;
  readonly #context: ReturnType<typeof contextChecks>;
  readonly #call: ReturnType<typeof callChecks>;
  readonly #command: ReturnType<typeof commandChecks>;
  readonly #text: ReturnType<typeof textCheck>;
  readonly #any: readonly ConditionMatcher[];
  readonly #looksIntoCommands: boolean;
  #patterns: { readonly home: string; readonly directory: string; readonly all: readonly Pattern[] } | undefined;

  /** `looksIntoCommands`: the rule is about commands, so its texts are looked for in the one command. `exempting`: only what is sure helps. */
  constructor(when: Conditions, looksIntoCommands: boolean, exempting = false) {
    this.when = when;
    this.#looksIntoCommands = looksIntoCommands;
    this.#context = contextChecks(when, exempting);
    this.#call = callChecks(when);
    this.#command = commandChecks(when);
    this.#text = textCheck(when);
    this.#any = (when.any ?? []).map((each) => new ConditionMatcher(each, looksIntoCommands, exempting));
    this.aboutCommands = isAboutCommands(when);
    this.aboutPaths = when.paths !== undefined || this.#any.some((each) => each.aboutPaths);
    this.aboutHosts = when.hosts !== undefined || this.#any.some((each) => each.aboutHosts);
    this.optional =
      (when.paths === undefined && this.aboutPaths && !this.#any.every((each) => each.aboutPaths)) ||
      (when.hosts === undefined && this.aboutHosts && !this.#any.every((each) => each.aboutHosts));
  }

  /** The first condition on context or call that does not hold; conditions on subjects are left to the others. */
  failsFor(view: CallView): keyof Conditions | undefined {
    for (const { key, of } of this.#context) if (!of(view.context)) return key;
    for (const { key, of } of this.#call) if (!of(view)) return key;
    return this.#text !== undefined && !this.#looksIntoCommands && !this.#text(view.text) ? 'text' : undefined;
  }

  /** How sure it is that all conditions hold for this subject. `exempting`: only what is sure helps. */
  holds(subject: Subject, view: CallView, exempting: boolean): Grade {
    const { command } = subject;
    if (command === undefined) {
      if (this.#command.length > 0) return this.#fail('command');
      return this.#holdsBeyond(subject, view, exempting, 2);
    }
    const grade = this.holdsForCommand(command);
    return grade === 0 ? 0 : this.#holdsBeyond(subject, view, exempting, grade);
  }

  /** The part of it that is about the command alone, so that it need not be asked again for each of its paths. */
  holdsForCommand(command: CommandView): Grade {
    let grade: Grade = 2;
    for (const { key, of } of this.#command) {
      grade = weaker(grade, of(command));
      if (grade === 0) return this.#fail(key);
    }
    return this.#text === undefined || !this.#looksIntoCommands || this.#text(command.said) ? grade : this.#fail('text');
  }

  #holdsBeyond(subject: Subject, view: CallView, exempting: boolean, before: Grade): Grade {
    let grade = before;
    if (subject.command === undefined && this.#text !== undefined && this.#looksIntoCommands && !this.#text(view.text))
      return this.#fail('text');
    if (this.when.paths !== undefined) {
      const by = this.#pathsHold(subject, view, exempting);
      if (by === 0) return this.#fail('paths');
      if (by === 1 && before === 1 && !exempting) return this.#fail('flags'); // [RULES-22] one unknown word is not both a flag and a path
      grade = weaker(grade, by);
    }
    if (this.when.hosts !== undefined) {
      grade = weaker(grade, this.#hostsHold(subject, view, exempting));
      if (grade === 0) return this.#fail('hosts');
    }
    if (this.#any.length === 0) return grade;
    let best: Grade = 0;
    for (const each of this.#any) {
      if (each.failsFor(view) === undefined) best = stronger(best, each.holds(subject, view, exempting));
      if (best === 2) break;
    }
    return best === 0 ? this.#fail('any') : weaker(grade, best);
  }

  #fail(key: keyof Conditions): 0 {
    this.lastFailed = key;
    return 0;
  }

  #pathsHold({ command, touch }: Subject, view: CallView, exempting: boolean): Grade {
    const patterns = this.#patternsIn(view.surroundings);
    if (touch !== undefined) return this.#pathHolds(patterns, touch, view, exempting);
    // [RULES-14] an exemption by path for a rule that is about no path: all that the command touches must be exempt
    const touches = command?.touches ?? view.touches;
    if (!exempting || touches.length === 0) return 0;
    return touches.every((each) => this.#pathHolds(patterns, each, view, true) === 2) ? 2 : 0;
  }

  #pathHolds(patterns: readonly Pattern[], touch: Touch, view: CallView, exempting: boolean): Grade {
    const named = this.#command.length > 0;
    let best: Grade = 0;
    for (const pattern of patterns) {
      const grade = covers(pattern, touch.path, exempting || best === 1 ? 'none' : named ? 'any' : 'aimed');
      if (grade === 2) return 2;
      best = stronger(best, grade);
      if (!exempting && touch.descends && (named || isOutside(touch, view)) && standsAbove(touch, pattern)) return 2;
    }
    return best;
  }

  #patternsIn({ home, directory }: Surroundings): readonly Pattern[] {
    if (this.#patterns?.home !== home || this.#patterns.directory !== directory)
      this.#patterns = {
        home,
        directory,
        all: (this.when.paths ?? []).map((path) => patternIn(path, { home, directory }, this.when.case === 'ignore')),
      };
    return this.#patterns.all;
  }

  #hostsHold({ command, host }: Subject, view: CallView, exempting: boolean): Grade {
    const globs = this.when.hosts ?? [];
    if (host !== undefined) return hostHolds(globs, host) ? 2 : 0;
    const all = command?.hosts ?? view.hosts;
    return exempting && all.length > 0 && all.every((each) => hostHolds(globs, each)) ? 2 : 0; // [RULES-14]
  }
}

function isOutside({ path }: Touch, { surroundings }: CallView): boolean {
  return !path.text.startsWith(`${surroundings.directory}/`);
}

/** `~` is above `~/.ssh`: what takes all of it takes that. Only for patterns with a fixed place. */
function standsAbove({ path }: Touch, { segments, fixed }: Pattern): boolean {
  if (segments[0] === '**' || path.fuzzy.length > 0 || path.segments.length >= segments.length || path.segments.length > fixed)
    return false;
  return path.segments.every((segment, index) => segment === segments[index]);
}

/** A host that is not known is any host, and no certain one. `*.x` is x as well. [RULES-18] */
function hostHolds(globs: readonly string[], { host }: HostTouch): boolean {
  if (host === undefined) return globs.includes('*');
  return globs.some(
    (glob) =>
      glob === host || (glob.startsWith('*.') ? host.endsWith(glob.slice(1)) || host === glob.slice(2) : globHolds(glob, host)),
  );
}
