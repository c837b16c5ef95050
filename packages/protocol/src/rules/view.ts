// One call as rules look at it, spec/rules.md: what it says in words, the commands it runs, the files it touches, the hosts it speaks to.
// Everything is computed when first asked for, once, within bounds; what is beyond them throws, and the decision denies.

import { HoldfastError } from '../errors.ts';
import { readShell, type Opaque, type ShellReading } from '../shell/read.ts';
import type { CallContext, Json, ToolCall } from './call.ts';
import { CommandView } from './command-view.ts';
import { hostOf, urlHosts, type HostTouch } from './hosts.ts';
import { openParts } from './opaque.ts';
import { canonicalPath, type Surroundings } from './touched-path.ts';
import type { Access } from './programs.ts';
import type { Touch } from './touches.ts';

/** [RULES-24] */
const maxDepth = 128;
const maxValues = 100_000;
const maxTextCharacters = 16 * 1024 * 1024;

export interface Leaf {
  /** The key or index under which it stands. */
  readonly key: string;
  readonly value: string | number | boolean | null;
}

const accessOf: Readonly<Partial<Record<ToolCall['tool'], Access>>> = {
  read: 'read',
  search: 'read',
  write: 'write',
  edit: 'write',
};

export class CallView {
  readonly call: ToolCall;
  readonly context: CallContext;
  readonly surroundings: Surroundings;
  #reading: ShellReading | undefined;
  #open: readonly Opaque[] | undefined;
  #commands: readonly CommandView[] | undefined;
  #touches: readonly Touch[] | undefined;
  #hosts: readonly HostTouch[] | undefined;
  #leaves: readonly Leaf[] | undefined;
  #text: string | undefined;

  constructor(call: ToolCall, context: CallContext) {
    this.call = call;
    this.context = context;
    this.surroundings = { home: context.home, directory: context.directory };
  }

  get reading(): ShellReading {
    return (this.#reading ??=
      this.call.command === undefined ? { commands: [], opaque: [], mentions: [] } : readShell(this.call.command));
  }

  /** Parts of the shell text that may run anything. */
  get open(): readonly Opaque[] {
    return (this.#open ??= this.call.tool === 'shell' ? openParts(this.reading) : []);
  }

  get commands(): readonly CommandView[] {
    return (this.#commands ??= this.reading.commands.map((command) => new CommandView(command, this.surroundings)));
  }

  /** Files that the call touches apart from those of single commands. */
  get touches(): readonly Touch[] {
    return (this.#touches ??= this.#findTouches());
  }

  #findTouches(): readonly Touch[] {
    const { call, surroundings } = this;
    const touch = (path: string, access: Access): Touch => ({
      path: canonicalPath(path, surroundings, false),
      access,
      descends: call.tool === 'search',
    });
    const own = accessOf[call.tool];
    const named = (call.paths ?? []).map((path) => touch(path, own ?? 'unknown'));
    const mentioned = this.reading.mentions.flatMap(({ kind, text }) => (kind === 'path' ? [touch(text, 'unknown')] : []));
    if (call.tool !== 'mcp' && call.tool !== 'other') return [...named, ...mentioned];
    const nested = this.leaves.flatMap(({ key, value }) => {
      if (typeof value !== 'string' || value === '' || value.includes('\n')) return [];
      return /\s/.test(value) && !/path|file|dir|uri|source|target|dest/i.test(key) ? [] : [touch(value, 'unknown')];
    });
    return [...named, ...nested];
  }

  /** Hosts that the call speaks to apart from those of single commands. */
  get hosts(): readonly HostTouch[] {
    return (this.#hosts ??= this.#findHosts());
  }

  #findHosts(): readonly HostTouch[] {
    const { call } = this;
    if (call.tool === 'fetch') return call.url === undefined ? [{ host: undefined }] : [{ host: hostOfUrl(call.url) }];
    const mentioned = this.reading.mentions.flatMap(({ kind, text }) => (kind === 'url' ? urlHosts(text) : []));
    const nested =
      call.tool === 'mcp' || call.tool === 'other'
        ? this.leaves.flatMap(({ value }) => (typeof value === 'string' && !/\s/.test(value) ? urlHosts(value) : []))
        : [];
    return [...mentioned, ...nested].map((host) => ({ host }));
  }

  /** Every scalar of the harness's input, however deep within the bound. Throws `codec_limit` beyond. */
  get leaves(): readonly Leaf[] {
    return (this.#leaves ??= leavesOf(this.call.input));
  }

  /** Throws `codec_limit` for an input beyond the bounds, whether a rule looks at it or not. */
  refuseUnbounded(): void {
    void this.leaves;
  }

  /** What is said, in lower case: for texts of a call and for its command; where a tool has neither, every text of its input. */
  get text(): string {
    return (this.#text ??= this.#joinText());
  }

  #joinText(): string {
    const { call } = this;
    const said = call.text ?? call.command;
    const all = said ?? this.leaves.flatMap(({ value }) => (typeof value === 'string' ? [value] : [])).join('\n');
    if (all.length > maxTextCharacters) throw new HoldfastError('codec_limit', 'the call holds more text than is looked through');
    return all.toLowerCase();
  }
}

function hostOfUrl(url: string): string | undefined {
  const [host] = urlHosts(url);
  return host ?? (url.includes('://') ? undefined : hostOf(url.split(/[/?#]/)[0] ?? ''));
}

/** Without recursion. */
function leavesOf(input: Json): readonly Leaf[] {
  const leaves: Leaf[] = [];
  let values = 0;
  const waiting: { readonly key: string; readonly value: Json; readonly depth: number }[] = [{ key: '', value: input, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { key, value, depth } = next;
    values += 1;
    if (depth > maxDepth || values + waiting.length > maxValues)
      throw new HoldfastError('codec_limit', 'the input of the call is nested too deep, or has too many parts');
    if (value === null || typeof value !== 'object') {
      if (value !== undefined) leaves.push({ key, value });
    } else if (Array.isArray(value))
      for (const item of value as readonly Json[]) waiting.push({ key, value: item, depth: depth + 1 });
    else for (const [name, item] of Object.entries(value)) waiting.push({ key: name, value: item, depth: depth + 1 });
  }
  return leaves.reverse();
}
