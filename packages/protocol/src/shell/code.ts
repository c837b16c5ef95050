// Code that a command gives to an interpreter: a shell's is read as this text itself is, other languages' by their own readers.

import { hole, literal, type Word } from './command.ts';
import { codeOf, loadedFirst, type Code, type Language } from './interpreters.ts';
import { deeper, maxDepth, type Context, type Machine, type Place } from './machine.ts';
import { list } from './options.ts';
import { Scope } from './scope.ts';

type Interpreter = Parameters<typeof codeOf>[1];

/** [SHELL-5] Reads what is known of a script; what is not known of it may be anything. */
export function scriptHere(text: string, place: Place, machine: Machine, program: string): string {
  if (text.includes(hole)) machine.findings.opaque('dynamic_script', program, text);
  if (text.replaceAll(hole, '').trim() === '') return text === '' ? '' : hole;
  if (place.depth > maxDepth) {
    machine.findings.opaque('too_deep', program, text);
    return hole;
  }
  return machine.script(text, place, program);
}

/** A script for a shell of its own: it sees only what is exported, and what it sets ends with it. */
export function shellScript(
  text: string,
  place: Place,
  machine: Machine,
  program: string,
  positional: readonly string[] = [program],
): string {
  return scriptHere(text, { ...place, scope: new Scope(place.scope, positional, true), maybe: false }, machine, program);
}

export function runInterpreter({ name, words, place, machine }: Context, interpreter: Interpreter): string {
  const code = codeOf(name, interpreter, words);
  if (interpreter.language === 'shell') readsFirst(words, place, machine);
  for (const path of loadedFirst(interpreter, words))
    for (const text of filesOf(path, interpreter.language).flatMap((each) => place.scope.written.scripts(each)))
      inlineCode(text, interpreter.language, deeper(place, { wrappers: [...place.wrappers, name] }), machine, name);
  if (code === undefined) return hole;
  if (code.from === 'text') {
    const positional = code.words.map((word) => word.text);
    const inner = deeper(place, { wrappers: [...place.wrappers, code.label] });
    if (interpreter.language !== 'shell') return inlineCode(code.text.text, interpreter.language, inner, machine, name);
    return shellScript(code.text.text, inner, machine, name, positional.length === 0 ? [name] : positional);
  }
  const texts =
    code.from === 'input'
      ? [place.input ?? place.scope.input].filter((text) => text !== undefined)
      : filesOf(code.path, interpreter.language).flatMap((path) => place.scope.written.scripts(path));
  // A descriptor that nothing here has filled.
  if (texts.length === 0 && code.from === 'file' && code.path.dynamic && /^\/(?:dev|proc)\//.test(code.path.text))
    machine.findings.opaque('dynamic_script', name, code.path.text);
  return texts.map((text) => runText(text, code, { name, words, place, machine }, interpreter)).at(-1) ?? hole;
}

/** Where an interpreter looks for what it is to read. */
function filesOf(path: Word, language: Language): readonly Word[] {
  const endings =
    language === 'javascript'
      ? list('.js .mjs .cjs .ts /index.js')
      : language === 'python'
        ? ['/__main__.py']
        : language === 'ruby'
          ? ['.rb']
          : [];
  return /\.\w+$/.test(path.text) ? [path] : ['', ...endings].map((ending) => ({ ...path, text: path.text + ending }));
}

/** `bash --rcfile x -i` reads x before all else. */
function readsFirst(words: readonly Word[], place: Place, machine: Machine): void {
  for (const [at, { text }] of words.entries()) {
    const [, attached] = /^--(?:rcfile|init-file)(?:=(.*))?$/s.exec(text) ?? [];
    if (!/^--(?:rcfile|init-file)/.test(text)) continue;
    const file = attached === undefined ? words[at + 1] : { text: attached, dynamic: attached.includes(hole), glob: false };
    if (file !== undefined) machine.invoke({ argv: [literal('.'), file], assignments: [], redirections: [] }, deeper(place, {}));
  }
}

function runText(text: string, code: Code, { name, place, machine }: Context, interpreter: Interpreter): string {
  const inner = deeper(place, { wrappers: [...place.wrappers, name], input: code.from === 'input' ? hole : place.input });
  if (interpreter.language !== 'shell') return inlineCode(text, interpreter.language, inner, machine, name);
  return shellScript(text, inner, machine, name, [
    code.from === 'file' ? code.path.text : name,
    ...code.words.map((word) => word.text),
  ]);
}

/** [SHELL-14] Code with a part that is not known, or that hides what it does, is opaque. */
function inlineCode(text: string, language: Language, place: Place, machine: Machine, name: string): string {
  machine.findings.spend(text.length);
  if (language === 'sql' || text.trim() === '') return hole;
  if (text.includes(hole)) machine.findings.opaque('dynamic_script', name, text);
  // Lines of IPython's own: `!cmd`, `%sx cmd`, a cell under `%%bash`.
  if (name.startsWith('ipython'))
    for (const [, line = ''] of text.matchAll(/(?:^|\n)\s*(?:!+|%s[xc]\s|%%(?:ba)?sh\b.*\n)([^]*?)(?=$|\n)/g))
      shellScript(line, deeper(place, { maybe: true }), machine, name);
  const clear = place.depth <= maxDepth && machine.code(text, language, place, name);
  if (clear) return hole;
  machine.findings.opaque('inline_code', name, text);
  readLoosely(text, place, machine, name);
  return hole;
}

/** What strings and lines of code that is not understood would be to a shell is seen all the same. */
export function readLoosely(text: string, place: Place, machine: Machine, name: string): void {
  machine.findings.spend(text.length);
  for (const [, , string = ''] of text.slice(0, maxSearched).matchAll(/["'`]-[a-z]*c["'`]\s*,\s*(["'`])((?:[^\\]|\\.)*?)\1/gs))
    shellScript(string.replaceAll(/\\(["'`\\])/g, '$1'), deeper(place, { maybe: true }), machine, name);
  for (const [, , , string = ''] of text.slice(0, maxSearched).matchAll(/((["'`])((?:[^\\]|\\.)*?)\2)/gs)) {
    const written = string.replaceAll(/\\(["'`\\])/g, '$1');
    if (commandLine.test(written)) shellScript(written, deeper(place, { maybe: true }), machine, name);
  }
  const run = (script: string) => shellScript(script, deeper(place, { maybe: true }), machine, name);
  for (const line of text.slice(0, maxSearched).split('\n')) {
    // `System.cmd("rm", ["-rf", "/"])`, `os.RemoveAll("/")`
    const strings = [...line.matchAll(/(["'`])((?:[^\\]|\\.)*?)\1/gs)].map(([, , string = '']) =>
      string.replaceAll(/\\(.)/g, '$1'),
    );
    const words = strings.slice(
      Math.max(
        0,
        strings.findIndex((string) => commandLine.test(`${string} x`) && !/\s/.test(string)),
      ),
    );
    if (commandLine.test(`${words[0] ?? ''} x`) && words.length > 1) run(words.map(quoted).join(' '));
    for (const [, , path = ''] of line.matchAll(removal)) run(`rm -r ${quoted(path)}`);
    const bare = line
      .replace(/^[\s@+-]*(?:[\w.-]+\s*[=:]+\s*)?(?:execute_process\s*\(\s*)?(?:COMMAND\s+)?[@+-]*/, '')
      .replace(/\)\s*$/, '');
    if (commandLine.test(bare) && !/^\w+\s*\(/.test(bare)) shellScript(bare, deeper(place, { maybe: true }), machine, name);
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const removal =
  /\b(?:RemoveAll|remove_dir_all|remove_file|delete-(?:directory|file)|unlink|rmtree|rmdir|deleteRecursively|Files\.delete\w*)\b[\s(]*(["'`])([^"'`\n]+)\1/gi;
const maxSearched = 1 << 16;
/** Begins as command lines do that are worth a look. */
const commandLine =
  /^\s*(?:sudo\s+)?(?:rm|dd|mkfs[.\w]*|shred|wipefs|truncate|chmod|chown|find|git|cat|head|tail|curl|wget|sh|bash|zsh|eval|kubectl|helm|terraform|docker|podman|aws|gcloud|az|psql|mysql|redis-cli|crontab|iptables|shutdown|reboot|halt|poweroff|systemctl|kill|killall|pkill|npm|pip)\s+\S/;
