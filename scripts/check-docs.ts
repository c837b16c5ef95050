// The documents tell the truth: relative links lead somewhere, every test that THREAT_MODEL.md names exists, every npm script and
// every `holdfast` command and option that a document shows exists, and no path of somebody's machine has slipped in.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const machinePath = /(?<![\w.~$}-])\/(?:work|root|tmp\/hf)\//;
/** npm's own verbs that need no script of ours. */
const npmVerbs = new Set(['ci', 'exec', 'install', 'run', 'config', 'view']);

/** One line for each fault; empty when all is well. `root` is the repository's directory. */
export function checkDocs(root: string): string[] {
  const scripts = npmScripts(root);
  const cli = commandLine(root);
  const pages = globSync('**/*.md', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|\.cache)$/.test(path),
  }).toSorted();
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [
      ...brokenLinks(root, page, text),
      ...missingTests(root, page, text),
      ...unknownCommands(page, text, scripts, cli),
      ...eachLine(text, (line, number) =>
        machinePath.test(line) ? [`${page}:${number}: a path of somebody's machine: ${line.trim()}`] : [],
      ),
    ];
  });
}

function brokenLinks(root: string, page: string, text: string): string[] {
  let fenced = false;
  return eachLine(text, (line, number) => {
    if (line.trimStart().startsWith('```')) fenced = !fenced;
    if (fenced) return [];
    return [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)|<(?:img src|a href)="([^"]+)"/g)].flatMap((match) => {
      const [target = '', anchor] = (match[1] ?? match[2] ?? '').split('#');
      if (/^[a-z]+:/.test(target)) return [];
      const path = target === '' ? page : normalize(join(dirname(page), decodeURI(target)));
      if (path.startsWith('..')) return [`${page}:${number}: the link ${target} leaves the repository`];
      if (!existsSync(join(root, path))) return [`${page}:${number}: the link ${target} leads nowhere`];
      if (anchor !== undefined && path.endsWith('.md') && !anchors(root, path).has(anchor)) {
        return [`${page}:${number}: ${path} has no heading #${anchor}`];
      }
      return [];
    });
  });
}

/** The anchors that GitHub makes of a page's headings. */
function anchors(root: string, page: string): Set<string> {
  const headings = readFileSync(join(root, page), 'utf8').matchAll(/^#+\s+(.*)$/gm);
  return new Set(
    [...headings].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

/** In any document, not only THREAT_MODEL.md: a named test or source file of ours exists. */
function missingTests(root: string, page: string, text: string): string[] {
  return eachLine(text, (line, number) =>
    [...line.matchAll(/`((?:packages|apps|e2e|scripts|bench|spec)\/[\w./-]+\.(?:ts|cjs|sh|md|json))(?::\d+)?`/g)].flatMap(
      (match) => {
        const file = match[1] ?? '';
        return existsSync(join(root, file)) ? [] : [`${page}:${number}: names ${file}, which does not exist`];
      },
    ),
  );
}

function unknownCommands(page: string, text: string, scripts: ReadonlySet<string>, cli: CommandLine | undefined): string[] {
  const faults: string[] = [];
  for (const { code, number } of codeOf(text)) {
    for (const match of code.matchAll(/\bnpm (run )?([a-z][a-z0-9:-]*)/g)) {
      const name = match[2] ?? '';
      if (!scripts.has(name) && (match[1] !== undefined || !npmVerbs.has(name)))
        faults.push(`${page}:${number}: npm has no script ${name} here`);
    }
    if (cli === undefined) continue;
    for (const match of code.matchAll(/(?:^|[|;&(] *|npx (?:--no-install )?)holdfast ([a-z][^|;&#]*)/gm)) {
      // What follows `--` is somebody else's command line.
      const fault = unknownWords(cli, (match[1] ?? '').split(/ --(?: |$)/)[0] ?? '');
      if (fault !== undefined) faults.push(`${page}:${number}: ${fault}`);
    }
  }
  return faults;
}

/** Follows the commands down the CLI's own help, then looks for each option in the help that it ends at. */
function unknownWords(cli: CommandLine, words: string): string | undefined {
  const path: string[] = [];
  for (const word of words.split(/[\s[\]]+/)) {
    const { commands } = cli(path);
    if (commands.size === 0) break;
    if (!/^[a-z][a-z-]*$/.test(word)) break;
    if (!commands.has(word)) return `holdfast has no command ${[...path, word].join(' ')}`;
    path.push(word);
  }
  const { options } = cli(path);
  const unknown = [...words.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)]
    .map(([option]) => option)
    .find((option) => !options.has(option));
  return unknown === undefined ? undefined : `holdfast ${path.join(' ')} has no option ${unknown}`;
}

/** Fenced blocks line by line, and inline code. */
function codeOf(text: string): { readonly code: string; readonly number: number }[] {
  let fenced = false;
  const found: { code: string; number: number }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trimStart().startsWith('```')) fenced = !fenced;
    else if (fenced) found.push({ code: line.trim(), number: index + 1 });
    else for (const match of line.matchAll(/`([^`]+)`/g)) found.push({ code: match[1] ?? '', number: index + 1 });
  }
  return found;
}

function npmScripts(root: string): Set<string> {
  const { scripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts?: Record<string, string> };
  return new Set(Object.keys(scripts));
}

interface Help {
  readonly commands: ReadonlySet<string>;
  readonly options: ReadonlySet<string>;
}

type CommandLine = (path: readonly string[]) => Help;

/** What the CLI says of itself by `--help`, asked once for each command; undefined while there is no CLI. */
function commandLine(root: string): CommandLine | undefined {
  const main = join(root, 'apps/cli/src/main.ts');
  if (!existsSync(main)) return undefined;
  const known = new Map<string, Help>();
  return (path) => {
    const key = path.join(' ');
    const before = known.get(key);
    if (before !== undefined) return before;
    const words = [...path, '--help'];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (status !== 0) throw new Error(`holdfast ${words.join(' ')} ended with ${status ?? signal}: ${stderr}`);
    const [, list = ''] = stdout.split(/^Commands:$/m);
    const help = {
      commands: new Set([...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1] ?? '')),
      options: new Set([...stdout.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option)),
    };
    known.set(key, help);
    return help;
  };
}

function eachLine(text: string, check: (line: string, number: number) => string[]): string[] {
  return text.split('\n').flatMap((line, index) => check(line, index + 1));
}
