// The documents tell the truth: relative links lead somewhere, every test that THREAT_MODEL.md names exists, every npm script and
// every `holdfast` verb that a document shows exists, and no path of somebody's machine has slipped in.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const machinePath = /(?<![\w.~$}-])\/(?:work|root|tmp\/hf)\//;
/** npm's own verbs that need no script of ours. */
const npmVerbs = new Set(['ci', 'exec', 'install', 'run', 'config', 'view']);

/** One line for each fault; empty when all is well. `root` is the repository's directory. */
export function checkDocs(root: string): string[] {
  const scripts = npmScripts(root);
  const verbs = cliVerbs(root);
  const pages = globSync('**/*.md', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|\.cache)$/.test(path),
  }).toSorted();
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [
      ...brokenLinks(root, page, text),
      ...missingTests(root, page, text),
      ...unknownCommands(page, text, scripts, verbs),
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
    return [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
      const [target = '', anchor] = (match[1] ?? '').split('#');
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

function unknownCommands(
  page: string,
  text: string,
  scripts: ReadonlySet<string>,
  verbs: ReadonlySet<string> | undefined,
): string[] {
  const faults: string[] = [];
  for (const { code, number } of codeOf(text)) {
    for (const match of code.matchAll(/\bnpm (run )?([a-z][a-z0-9:-]*)/g)) {
      const name = match[2] ?? '';
      if (!scripts.has(name) && (match[1] !== undefined || !npmVerbs.has(name)))
        faults.push(`${page}:${number}: npm has no script ${name} here`);
    }
    if (verbs === undefined) continue;
    for (const match of code.matchAll(/(?:^|[|;&(]\s*|npx (?:--no-install )?)holdfast ([a-z][a-z-]*)/gm)) {
      const verb = match[1] ?? '';
      if (!verbs.has(verb)) faults.push(`${page}:${number}: holdfast has no command ${verb}`);
    }
  }
  return faults;
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

/** The verbs are the files of the CLI's commands folder; undefined while there is none. */
function cliVerbs(root: string): Set<string> | undefined {
  const folder = join(root, 'apps/cli/src/commands');
  if (!existsSync(folder)) return undefined;
  return new Set(globSync('*.ts', { cwd: folder }).map((file) => file.replace(/\.ts$/, '')));
}

function eachLine(text: string, check: (line: string, number: number) => string[]): string[] {
  return text.split('\n').flatMap((line, index) => check(line, index + 1));
}
