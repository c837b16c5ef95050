// Finds, in the pieces of a code, the calls that run commands or change files, and the names that let code do what its text does not show.

import { hole, literal, type Word } from '../command.ts';
import { shellScript } from '../code.ts';
import { deeper, type Machine, type Place } from '../machine.ts';
import { tokensOf, type Syntax, type Token } from './tokens.ts';
import { Values, unknown, type Value } from './values.ts';

/** What a call does with its arguments. */
export type Effect =
  | 'script' // the first is a shell's script
  | 'argv' // the first is a program or a list, a second list or the others are its words
  | 'either' // a list is a program and its words, a text is a script
  | 'named' // program, name, words: execl
  | 'moded' // mode, program, name, words: spawnl
  | 'code' // the first is code of the same language
  | 'pipes' // Perl's open: a path, or a command before or after a bar
  | 'loads' // the first names a module
  | 'looksUp' // the second names what is taken from the first
  | 'opens' // a path; with a second argument like `w` it is written
  | 'writes' // the first is a path that is written
  | { readonly like: readonly string[]; readonly takes?: number }; // as this command does

export interface Language {
  readonly syntax: Syntax;
  /** The last says which module must be named for the call to count. */
  readonly calls: readonly (readonly [RegExp, Effect, RegExp?])[];
  /** Names, with what stands before them, that hide what the code does. */
  readonly hidden: RegExp;
  /** Of two tokens in a row, as text: hides as well. */
  readonly hiddenPairs?: RegExp;
  /** A call may leave out its brackets. */
  readonly bare?: true;
  /** Words after which a name is no call: `def`, `sub`. */
  readonly declares: RegExp;
  /** Other names of a module or function, from its tokens. */
  readonly aliases?: (tokens: readonly Token[]) => ReadonlyMap<string, string>;
  /** Before a template that is run: `$`. */
  readonly tags?: RegExp;
  /** Texts in a string that hide: names of functions called by a string. */
  readonly hiddenStrings?: RegExp;
}

const runs = (effect: Effect): boolean =>
  effect === 'script' ||
  effect === 'argv' ||
  effect === 'either' ||
  effect === 'named' ||
  effect === 'moded' ||
  effect === 'code';

/** Reads `code`; true when nothing in it is hidden. */
export function readCode(code: string, language: Language, place: Place, machine: Machine, program: string, depth = 0): boolean {
  machine.findings.spend(code.length);
  const tokens = tokensOf(code, language.syntax);
  if (tokens === undefined || depth > 4) return false;
  const reader = new CodeReader(tokens, language, place, machine, program, depth);
  return reader.read();
}

class CodeReader {
  readonly #tokens: readonly Token[];
  readonly #language: Language;
  readonly #place: Place;
  readonly #machine: Machine;
  readonly #program: string;
  readonly #depth: number;
  readonly #values: Values;
  readonly #aliases: ReadonlyMap<string, string>;
  /** All strings, to see which modules are named. */
  #named: string;
  #clear = true;

  constructor(tokens: readonly Token[], language: Language, place: Place, machine: Machine, program: string, depth: number) {
    this.#tokens = tokens;
    this.#language = language;
    this.#place = deeper(place, { input: hole, maybe: true });
    this.#machine = machine;
    this.#program = program;
    this.#depth = depth;
    this.#values = new Values(tokens, (steps) => machine.findings.spend(steps));
    this.#named = tokens
      .map((token) => (token.kind === 'string' || token.kind === 'name' ? token.text.slice(0, 64) : ''))
      .join(' ');
    this.#aliases = language.aliases?.(tokens) ?? new Map();
  }

  read(): boolean {
    for (let at = 0; at < this.#tokens.length;) {
      this.#machine.findings.spend(1);
      at = this.#step(at);
    }
    return this.#clear;
  }

  #step(at: number): number {
    const token = this.#tokens[at];
    if (token === undefined) return at + 1;
    const pair = `${token.text} ${this.#tokens[at + 1]?.text ?? ''}`;
    if (token.kind !== 'string' && this.#language.hiddenPairs?.test(pair.slice(0, 200)) === true) this.#clear = false;
    if (token.kind === 'string' || token.kind === 'words') this.#mention(token.text);
    if (token.kind === 'string' && this.#language.hiddenStrings?.test(token.text) === true) this.#clear = false;
    if (token.kind === 'run') this.#script(this.#values.resolve(token.text));
    if (token.kind !== 'name') return at + 1;
    const { chain, end } = this.#chainAt(at);
    this.#assignment(at, end);
    if (this.#language.declares.test(this.#tokens[at - 1]?.text ?? '')) return end;
    if (this.#language.hidden.test(chain)) this.#clear = false;
    // `$`rm x`` of Bun and zx.
    const tagged = this.#tokens[end];
    if (tagged?.kind === 'string' && this.#language.tags?.test(chain) === true) this.#script(this.#values.resolve(tagged.text));
    const effect = this.#language.calls.find(
      ([pattern, , needs]) => pattern.test(chain) && needs?.test(this.#named) !== false,
    )?.[1];
    if (effect === undefined) return end;
    const values = this.#argumentsAt(end);
    if (values === undefined) {
      // A function that runs commands, but is not called here, may be called under another name.
      if (effect === 'code' && this.#tokens[end]?.text === '{') return end; // a block, not a text
      if (runs(effect) && !/^(?:import|,|\{|from|as)$/.test(this.#tokens[at - 1]?.text ?? '')) this.#clear = false;
    } else this.#apply(effect, values, this.#receiver(at));
    return end;
  }

  /** `os.system`, with other names of `os` undone. */
  #chainAt(at: number): { readonly chain: string; readonly end: number } {
    const first = this.#tokens[at]?.text ?? '';
    const before = this.#tokens[at - 1]?.text ?? '';
    let chain = /^(?:\.|->|::|\?\.)$/.test(before) ? `.${first}` : (this.#aliases.get(first) ?? first);
    let end = at + 1;
    while (/^(?:\.|->|::|\?\.)$/.test(this.#tokens[end]?.text ?? '') && this.#tokens[end + 1]?.kind === 'name' && end - at < 32) {
      chain += `.${this.#tokens[end + 1]?.text ?? ''}`;
      end += 2;
    }
    return { chain, end };
  }

  #argumentsAt(end: number): readonly Value[] | undefined {
    const next = this.#tokens[end];
    if (next?.text === '(' && next.kind === 'mark') return this.#values.arguments(end + 1, ')').values;
    if (this.#language.bare !== true || next === undefined) return undefined;
    if (next.kind === 'line' || (next.kind === 'mark' && !/^[[$@]$/.test(next.text))) return undefined;
    const values: Value[] = [];
    for (let at = end; at < this.#tokens.length;) {
      const expression = this.#values.expression(at, ';');
      values.push(expression.value);
      at = expression.end;
      if (this.#tokens[at]?.text !== ',') break;
      at += 1;
    }
    return values;
  }

  /** The literal before a method: `Path('x').unlink()`. */
  #receiver(at: number): Value | undefined {
    if (!/^(?:\.|->)$/.test(this.#tokens[at - 1]?.text ?? '')) return undefined;
    const before = this.#tokens[at - 2];
    if (before?.kind === 'string') return { text: this.#values.resolve(before.text) };
    const [inside, maker] = [this.#tokens[at - 3], this.#tokens[at - 5]?.text ?? ''];
    if (before?.text !== ')' || inside?.kind !== 'string' || !/^(?:Path|PosixPath|PurePath|Pathname)$/.test(maker))
      return undefined;
    return { text: this.#values.resolve(inside.text) };
  }

  #assignment(at: number, end: number): void {
    if (end !== at + 1 || this.#tokens[end]?.text !== '=') return;
    const { value } = this.#values.expression(end + 1, ';');
    this.#values.assign(this.#tokens[at]?.text ?? '', value);
  }

  #apply(effect: Effect, all: readonly Value[], receiver: Value | undefined): void {
    const values = all.filter((value) => value.name === undefined || /^(?:args|command|cmd|path)$/.test(value.name));
    const [first = receiver ?? unknown, second, ...more] = values;
    if (typeof effect === 'object') {
      if (values.length === 0 && receiver === undefined) return;
      const given =
        receiver !== undefined && values.length === 0
          ? [receiver]
          : values.flatMap((value) => value.list ?? [value.text]).map((text) => ({ text }));
      this.#argv([...effect.like, ...given.slice(0, effect.takes ?? 64).map((value) => value.text)]);
    } else if (effect === 'script')
      this.#script(first.list === undefined || values.length > 1 ? first.text : first.list.join(' '));
    else if (effect === 'either' && first.list === undefined && second?.list === undefined) this.#script(first.text);
    else if (effect === 'argv' || effect === 'either') {
      if (first.list !== undefined) this.#argv(first.list);
      else if (second?.list !== undefined) this.#argv([first.text, ...second.list]);
      else if (second === undefined || effect === 'either') this.#script(first.text);
      else if (/\s/.test(first.text.trim())) this.#script(first.text); // with a shell: no program is called so
      else this.#argv([first.text, second.text, ...more.map((value) => value.text)]);
    } else if (effect === 'named' || effect === 'moded') {
      const [program = unknown, ...words] = effect === 'moded' ? values.slice(1) : values;
      this.#argv([program.text, ...(words[0]?.list ?? words.map((word) => word.text)).slice(1)]);
    } else if (effect === 'pipes') {
      const [mode = '', path] = values.slice(1).map((value) => value.text); // after the handle
      if (/^\s*\||\|\s*$/.test(mode) && !/^(?:-\||\|-)/.test(mode)) this.#script(mode.replaceAll(/^\s*\||\|\s*$/g, ''));
      else if (/^(?:-\||\|-)/.test(mode)) this.#apply('argv', values.slice(2), undefined);
      else this.#file('opens', { text: path ?? mode.replace(/^[+<>]+\s*/, '') }, { text: mode });
    } else if (effect === 'loads') {
      if (first.text.includes(hole)) this.#clear = false;
      this.#named += ` ${first.text}`;
    } else if (effect === 'looksUp') {
      const name = second?.text ?? '';
      if (name.includes(hole) || this.#language.hiddenStrings?.test(name) === true) this.#clear = false;
    } else if (effect === 'code') {
      if (
        !first.text.includes(hole) &&
        readCode(first.text, this.#language, this.#place, this.#machine, this.#program, this.#depth + 1)
      )
        return;
      this.#clear = false;
    } else
      this.#file(
        effect,
        receiver ?? first,
        receiver === undefined ? (second ?? all.find((value) => value.name === 'mode')) : first,
      );
  }

  #file(effect: 'opens' | 'writes', path: Value, mode: Value | undefined): void {
    if (path.text === hole) return;
    this.#mentionPath(path.text);
    if (effect === 'opens' && !/^(?:[rb]*[wax+]|>)/.test(mode?.text ?? 'r')) return;
    const redirection = { operator: '>', descriptor: undefined, target: literal(path.text), heredoc: false };
    this.#machine.invoke({ argv: [], assignments: [], redirections: [redirection] }, this.#place);
    this.#place.scope.written.write(path.text, hole, false, true);
  }

  #script(text: string): void {
    shellScript(text, this.#place, this.#machine, this.#program);
  }

  #argv(texts: readonly string[]): void {
    const argv: Word[] = texts.filter((text, index) => text !== '' || index > 0).map(literal);
    if (argv.length === 0) return;
    if (argv[0]?.text === hole) this.#clear = false;
    else this.#machine.invoke({ argv, assignments: [], redirections: [] }, this.#place);
  }

  #mention(written: string): void {
    const text = this.#values.resolve(written);
    const url = /^[a-z][a-z0-9+.-]{1,15}:\/\/\S+$/i.test(text);
    if (url) this.#machine.findings.mention({ kind: 'url', text, by: this.#program });
    else if (/^[^\s<>|*?\\]+$/.test(text) && (/[/]/.test(text) || /^[.~]\w/.test(text) || /^[\w-]+\.[A-Za-z]\w{0,7}$/.test(text)))
      this.#mentionPath(text);
  }

  #mentionPath(text: string): void {
    if (text.length <= 4096) this.#machine.findings.mention({ kind: 'path', text, by: this.#program });
  }
}
