// Which rules can apply to a call at all, spec/rules.md: found by program, by a telling part of a path pattern, by host, by server, so that a
// decision looks at few of many rules. Leaving a rule out here is never a judgement: only rules that could not hold are left out.

import type { Tool } from './call.ts';
import { maySet } from './checks.ts';
import type { CommandView } from './command-view.ts';
import { aimsInPart } from './fuzzy-path.ts';
import type { Matcher } from './match.ts';
import { patternIn, type Pattern } from './path-pattern.ts';
import type { Conditions } from './rule.ts';
import type { Touch } from './touches.ts';
import type { CallView } from './view.ts';

const prefixCharacters = 3;

class Buckets {
  readonly #map = new Map<string, Matcher[]>();

  add(key: string, matcher: Matcher): void {
    const bucket = this.#map.get(key);
    if (bucket === undefined) this.#map.set(key, [matcher]);
    else if (bucket.at(-1) !== matcher) bucket.push(matcher);
  }

  collect(key: string, into: Set<Matcher>): void {
    for (const matcher of this.#map.get(key) ?? []) into.add(matcher);
  }
}

export class RuleIndex {
  readonly #keyed = new Buckets();
  readonly #programGlobs: Matcher[] = [];
  readonly #paths: PathEntry[] = [];
  readonly #anchored: Matcher[] = [];
  #foldsCase = false;
  readonly #general = new Map<Tool, Matcher[]>();

  constructor(matchers: readonly Matcher[]) {
    for (const matcher of matchers) {
      const keys = keysOf(matcher.rule.when);
      if (keys === undefined) for (const tool of matcher.ways.keys()) this.#generalFor(tool).push(matcher);
      else for (const key of keys) this.#add(key, matcher);
    }
  }

  #add(key: Key, matcher: Matcher): void {
    switch (key.kind) {
      case 'program':
        if (key.name.includes('*')) this.#programGlobs.push(matcher);
        else this.#keyed.add(`program ${key.name}`, matcher);
        return;
      case 'path': {
        const path = key.ignoreCase ? key.pattern.toLowerCase() : key.pattern;
        this.#foldsCase ||= key.ignoreCase;
        this.#paths.push({ matcher, pattern: patternIn(path, nowhere, key.ignoreCase) });
        if (/^[/~]/.test(path)) this.#anchored.push(matcher);
        this.#keyed.add(pathKey(path), matcher);
        return;
      }
      case 'host':
        this.#keyed.add(`host ${key.name.replace(/^\*\./, '')}`, matcher);
        return;
      case 'server':
        this.#keyed.add(`server ${key.name}`, matcher);
        return;
      case 'trait':
        this.#keyed.add(key.name, matcher);
        return;
    }
  }

  #generalFor(tool: Tool): Matcher[] {
    const known = this.#general.get(tool);
    if (known !== undefined) return known;
    const list: Matcher[] = [];
    this.#general.set(tool, list);
    return list;
  }

  candidates(view: CallView): ReadonlySet<Matcher> {
    const found = new Set<Matcher>(this.#general.get(view.call.tool));
    const { server } = view.call;
    if (server !== undefined) this.#keyed.collect(`server ${server}`, found);
    for (const command of view.commands) this.#collectCommand(command, found);
    if (this.#paths.length > 0) this.#collectPaths(view, found);
    this.#collectHosts(view, found);
    return found;
  }

  #collectCommand(view: CommandView, found: Set<Matcher>): void {
    const { name, feeds, fedBy, wrappers } = view.command;
    if (name !== undefined) {
      this.#keyed.collect(`program ${name}`, found);
      for (const matcher of this.#programGlobs) found.add(matcher);
    }
    if (feeds !== undefined) this.#keyed.collect('into', found);
    if (fedBy !== undefined) this.#keyed.collect('from', found);
    if (wrappers.length > 0) this.#keyed.collect('via', found);
    if (maySet(view)) this.#keyed.collect('sets', found);
  }

  #collectPaths(view: CallView, found: Set<Matcher>): void {
    let any = false;
    for (const { touches } of [...view.commands, view])
      for (const touch of touches) {
        any = true;
        this.#collectPath(touch, view, found);
      }
    if (any) this.#keyed.collect(anyPath, found);
  }

  #collectPath({ path, descends }: Touch, view: CallView, found: Set<Matcher>): void {
    if (path.fuzzy.length > 0) for (const { matcher, pattern } of this.#paths) if (aimsInPart(pattern, path)) found.add(matcher);
    if (descends && !path.text.startsWith(`${view.surroundings.directory}/`))
      for (const matcher of this.#anchored) found.add(matcher);
    for (const spelled of path.segments) {
      this.#collectSegment(spelled, found);
      if (this.#foldsCase) this.#collectSegment(spelled.toLowerCase(), found);
    }
  }

  #collectSegment(segment: string, found: Set<Matcher>): void {
    this.#keyed.collect(`segment ${segment}`, found);
    this.#keyed.collect(`prefix ${segment.slice(0, prefixCharacters)}`, found);
    const dot = segment.lastIndexOf('.');
    if (dot >= 0) this.#keyed.collect(`extension ${segment.slice(dot)}`, found);
  }

  #collectHosts(view: CallView, found: Set<Matcher>): void {
    for (const { hosts } of [...view.commands, view])
      for (const { host } of hosts) {
        this.#keyed.collect('host *', found);
        for (let rest = host; rest !== undefined; rest = rest.includes('.') ? rest.slice(rest.indexOf('.') + 1) : undefined)
          this.#keyed.collect(`host ${rest}`, found);
      }
  }
}

interface PathEntry {
  readonly matcher: Matcher;
  readonly pattern: Pattern;
}

/** Where only the pattern's own segments are looked at. */
const nowhere = { home: '/', directory: '/' };

type Key =
  | { readonly kind: 'program' | 'host' | 'server'; readonly name: string }
  | { readonly kind: 'path'; readonly pattern: string; readonly ignoreCase: boolean }
  /** Some command sets a variable, or has something before, after or around it. */
  | { readonly kind: 'trait'; readonly name: 'sets' | 'into' | 'from' | 'via' };

/** One of these is there whenever the conditions hold; undefined: nothing need be. */
function keysOf(when: Conditions): readonly Key[] | undefined {
  if (when.command !== undefined)
    return when.command.flatMap(([programs = []]) => programs.map((name): Key => ({ kind: 'program', name })));
  for (const name of ['sets', 'into', 'from', 'via'] as const) if (when[name] !== undefined) return [{ kind: 'trait', name }];
  if (when.paths !== undefined)
    return when.paths.map((pattern) => ({ kind: 'path', pattern, ignoreCase: when.case === 'ignore' }));
  if (when.hosts?.every((host) => host === '*' || !host.slice(2).includes('*')) === true)
    return when.hosts.map((name) => ({ kind: 'host', name }));
  if (when.server?.every((server) => !/[*?\\]/.test(server)) === true)
    return when.server.map((name) => ({ kind: 'server', name }));
  const alternatives = (when.any ?? []).map(keysOf);
  return alternatives.length > 0 && alternatives.every((keys) => keys !== undefined) ? alternatives.flat() : undefined;
}

const anyPath = 'any path';

/** Something that each path that the pattern covers has: a whole segment, the beginning of one, its last extension, or nothing. */
function pathKey(pattern: string): string {
  const segments = pattern
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '~' && !/^\*+$/.test(segment));
  const literal = segments.findLast((segment) => !/[*?]/.test(segment));
  if (literal !== undefined) return `segment ${literal}`;
  for (const segment of segments) {
    const prefix = /^[^*?]*/.exec(segment)?.[0] ?? '';
    if (prefix.length >= prefixCharacters) return `prefix ${prefix.slice(0, prefixCharacters)}`;
    const extension = /\.[^.*?]+$/.exec(segment)?.[0];
    if (extension !== undefined) return `extension ${extension}`;
  }
  return anyPath;
}
