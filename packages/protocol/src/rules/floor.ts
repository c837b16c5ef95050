// The floor of a rule set, spec/rules.md [RULES-25]: what must also hold below the hook in a sealed session, where a program that an agent runs is
// judged by mounts and by the broker. Only rules that hold for the whole session are in it; which are not is told.

import type { CallContext } from './call.ts';
import type { CompiledRules } from './compile.ts';
import { contextChecks } from './checks.ts';
import type { Conditions, Rule } from './rule.ts';

/** A path pattern as mounts need it: with `~` and `./` resolved, and what of it is exempt. */
export interface PathPattern {
  readonly rule: string;
  /** Absolute, or `**` first where it may stand anywhere. */
  readonly pattern: string;
  readonly except: readonly string[];
  readonly ignoreCase: boolean;
}

export interface HostPattern {
  readonly rule: string;
  /** `api.example.com`, `*.example.com`, `*`. */
  readonly host: string;
  readonly except: readonly string[];
}

export interface Floor {
  readonly denyRead: readonly PathPattern[];
  readonly denyWrite: readonly PathPattern[];
  readonly denyHosts: readonly HostPattern[];
  /** Labels that a request to a host gives the session, for the broker to see itself; and rules that forbid requests under labels. */
  readonly labelHosts: readonly (HostPattern & { readonly as: string })[];
  readonly denyUnder: readonly (HostPattern & { readonly under: readonly string[] })[];
  /** Rules on reading, writing or fetching that only the hook can hold, because of the conditions named. */
  readonly onlyByHook: readonly { readonly rule: string; readonly because: readonly string[] }[];
}

export type FloorContext = Pick<CallContext, 'agent' | 'scope' | 'mode' | 'directory' | 'home' | 'repository'>;

const stable: ReadonlySet<string> = new Set(['agent', 'scope', 'mode', 'repository']);

export function floor({ matchers }: CompiledRules, context: FloorContext): Floor {
  const found: { readonly [K in keyof Floor]: Floor[K][number][] } = {
    denyRead: [],
    denyWrite: [],
    denyHosts: [],
    labelHosts: [],
    denyUnder: [],
    onlyByHook: [],
  };
  for (const { rule } of matchers) {
    if ((rule.effect !== 'deny' && rule.effect !== 'label') || !holdsThroughout(rule.when, context)) continue;
    const reads = isAbout(rule, ['read', 'search', 'any']);
    const writes = isAbout(rule, ['write', 'edit', 'any']);
    const fetches = isAbout(rule, ['fetch', 'any']);
    if (!reads && !writes && !fetches) continue;
    const because = unheld(rule);
    if (because.length > 0 || (rule.effect === 'label' && !fetches)) {
      found.onlyByHook.push({ rule: rule.id, because: because.length > 0 ? because : ['label'] });
      continue;
    }
    const paths = rule.effect === 'deny' && rule.when.hosts === undefined ? pathsOf(rule, context) : [];
    if (reads) found.denyRead.push(...paths);
    if (writes) found.denyWrite.push(...paths);
    if (!fetches || rule.when.paths !== undefined) continue;
    const hosts = hostsOf(rule, context);
    if (rule.effect === 'label') found.labelHosts.push(...hosts.map((host) => ({ ...host, as: rule.as ?? '' })));
    else if (rule.when.under !== undefined)
      found.denyUnder.push(...hosts.map((host) => ({ ...host, under: rule.when.under ?? [] })));
    else found.denyHosts.push(...hosts);
  }
  return found;
}

function isAbout({ tools }: Rule, names: readonly Rule['tools'][number][]): boolean {
  return tools.some((tool) => names.includes(tool));
}

/** Whether the conditions about the session itself hold, for as long as it lives. */
function holdsThroughout(when: Conditions, context: FloorContext): boolean {
  const whole: CallContext = { ...context, labels: new Set(), nowMs: 0 };
  return contextChecks(when).every(({ key, of }) => !stable.has(key) || of(whole));
}

/** Conditions that mounts and broker know nothing of, and exemptions that they can't tell. */
function unheld({ when, unless }: Rule): readonly string[] {
  const beyond = (conditions: Conditions, known: readonly string[]) =>
    Object.keys(conditions).filter((key) => !known.includes(key) && !stable.has(key));
  const own = beyond(when, ['paths', 'case', 'hosts', ...(when.paths === undefined ? ['under'] : [])]);
  const exempt = unless.flatMap((each) => beyond(each, ['paths', 'case', 'hosts'])).map((key) => `unless ${key}`);
  return [...new Set([...own, ...exempt])];
}

function pathsOf({ id, when, unless }: Rule, context: FloorContext): readonly PathPattern[] {
  const except = exceptions(unless, 'paths', context).map((path) => placed(path, context));
  return (when.paths ?? []).map((path) => ({
    rule: id,
    pattern: placed(path, context),
    except,
    ignoreCase: when.case === 'ignore',
  }));
}

function hostsOf({ id, when, unless }: Rule, context: FloorContext): readonly HostPattern[] {
  return (when.hosts ?? ['*']).map((host) => ({ rule: id, host, except: exceptions(unless, 'hosts', context) }));
}

/** An exemption that does not hold in this session exempts nothing; one without such a list exempts everything. */
function exceptions(unless: readonly Conditions[], key: 'paths' | 'hosts', context: FloorContext): readonly string[] {
  return unless
    .filter((each) => holdsThroughout(each, context))
    .flatMap((each) => each[key] ?? (key === 'paths' ? ['/'] : ['*']));
}

function placed(path: string, { home, directory }: FloorContext): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1);
  if (path === '.' || path.startsWith('./')) return directory + path.slice(1);
  return path.startsWith('/') ? path : `**/${path}`;
}
