// Which rules can apply to a call at all, spec/rules.md: found by program, by a telling part of a path pattern, by host, by server, so that a
// decision looks at few of many rules. Leaving a rule out here is never a judgement: only rules that could not hold are left out.

import type { Tool } from './call.ts';
import type { Touch } from './touches.ts';
import type { Matcher } from './match.ts';
import type { Conditions } from './rule.ts';
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

  get empty(): boolean {
    return this.#map.size === 0;
  }
}

export class RuleIndex {
  readonly #byProgram = new Buckets();
  readonly #programGlobs: Matcher[] = [];
  readonly #bySegment = new Buckets();
  readonly #pathScan: Matcher[] = [];
  readonly #pathRules: Matcher[] = [];
  readonly #anchored: Matcher[] = [];
  readonly #byHost = new Buckets();
  readonly #hostScan: Matcher[] = [];
  readonly #byServer = new Buckets();
  readonly #byTool = new Map<Tool | 'any', Matcher[]>();
  #foldsCase = false;

  constructor(matchers: readonly Matcher[]) {
    for (const matcher of matchers) this.#add(matcher);
  }

  #add(matcher: Matcher): void {
    const { when, tools } = matcher.rule;
    const programs = programsOf(when);
    if (programs !== undefined) {
      for (const program of programs) {
        if (program.includes('*')) this.#programGlobs.push(matcher);
        else this.#byProgram.add(program, matcher);
      }
    } else if (when.paths !== undefined) {
      this.#pathRules.push(matcher);
      if (when.paths.some((path) => /^[/~]/.test(path))) this.#anchored.push(matcher);
      if (when.case === 'ignore') this.#foldsCase = true;
      for (const path of when.paths) {
        const key = pathKey(when.case === 'ignore' ? path.toLowerCase() : path);
        if (key === undefined) this.#pathScan.push(matcher);
        else this.#bySegment.add(key, matcher);
      }
    } else if (when.hosts !== undefined) {
      for (const host of when.hosts) {
        if (host === '*') this.#hostScan.push(matcher);
        else if (host.startsWith('*.')) this.#byHost.add(host.slice(2), matcher);
        else this.#byHost.add(host, matcher);
      }
    } else if (when.server?.every((server) => !/[*?]/.test(server)) === true) {
      for (const server of when.server) this.#byServer.add(server, matcher);
    } else for (const tool of tools) this.#general(tool).push(matcher);
  }

  #general(tool: Tool | 'any'): Matcher[] {
    const known = this.#byTool.get(tool);
    if (known !== undefined) return known;
    const list: Matcher[] = [];
    this.#byTool.set(tool, list);
    return list;
  }

  candidates(view: CallView): ReadonlySet<Matcher> {
    const found = new Set<Matcher>();
    const { tool, server } = view.call;
    const general = (each: Tool | 'any') => {
      for (const matcher of this.#byTool.get(each) ?? []) found.add(matcher);
    };
    general(tool);
    general('any');
    if (tool === 'edit') general('write');
    if (tool === 'search') general('read');
    // What a shell or an MCP server reads, writes and fetches is looked for by the rule itself.
    if (tool === 'shell' || tool === 'mcp' || tool === 'other')
      for (const each of ['read', 'search', 'write', 'edit', 'fetch'] as const) general(each);
    if (server !== undefined) this.#byServer.collect(server, found);
    for (const { command } of view.commands) {
      if (command.name === undefined) continue;
      this.#byProgram.collect(command.name, found);
      for (const matcher of this.#programGlobs) found.add(matcher);
    }
    if (this.#pathRules.length > 0) this.#collectPaths(view, found);
    if (!this.#byHost.empty || this.#hostScan.length > 0) this.#collectHosts(view, found);
    return found;
  }

  #collectPaths(view: CallView, found: Set<Matcher>): void {
    const inside = `${view.surroundings.directory}/`;
    let any = false;
    const collect = ({ path, descends }: Touch) => {
      any = true;
      if (path.fuzzy) for (const matcher of this.#pathRules) found.add(matcher);
      if (descends && !path.text.startsWith(inside)) for (const matcher of this.#anchored) found.add(matcher);
      for (const spelled of path.segments) {
        this.#collectSegment(spelled, found);
        if (this.#foldsCase) this.#collectSegment(spelled.toLowerCase(), found);
      }
    };
    for (const command of view.commands) command.touches.forEach(collect);
    view.touches.forEach(collect);
    if (any) for (const matcher of this.#pathScan) found.add(matcher);
  }

  #collectSegment(segment: string, found: Set<Matcher>): void {
    this.#bySegment.collect(`=${segment}`, found);
    this.#bySegment.collect(`^${segment.slice(0, prefixCharacters)}`, found);
    const dot = segment.lastIndexOf('.');
    if (dot >= 0) this.#bySegment.collect(`.${segment.slice(dot)}`, found);
  }

  #collectHosts(view: CallView, found: Set<Matcher>): void {
    const all = [...view.hosts, ...view.commands.flatMap((command) => command.hosts)];
    if (all.length > 0) for (const matcher of this.#hostScan) found.add(matcher);
    for (const { host } of all) {
      if (host === undefined) continue;
      for (let rest = host; ; rest = rest.slice(rest.indexOf('.') + 1)) {
        this.#byHost.collect(rest, found);
        if (!rest.includes('.')) break;
      }
    }
  }
}

/** The programs that the rule is about; undefined if it may be about any. */
function programsOf(when: Conditions): readonly string[] | undefined {
  if (when.command !== undefined) return when.command.flatMap(([programs = []]) => programs);
  const each = (when.any ?? []).map(programsOf);
  return each.length > 0 && each.every((programs) => programs !== undefined) ? each.flat() : undefined;
}

/** Something that each path that the pattern covers has: a whole segment, the beginning of one, or its last extension. */
function pathKey(pattern: string): string | undefined {
  const segments = pattern
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '~' && !/^\*+$/.test(segment));
  const literal = segments.findLast((segment) => !/[*?]/.test(segment));
  if (literal !== undefined) return `=${literal}`;
  for (const segment of segments) {
    const prefix = /^[^*?]*/.exec(segment)?.[0] ?? '';
    if (prefix.length >= prefixCharacters) return `^${prefix.slice(0, prefixCharacters)}`;
    const extension = /\.[^.*?]+$/.exec(segment)?.[0];
    if (extension !== undefined) return `.${extension}`;
  }
  return undefined;
}
