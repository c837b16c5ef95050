// Spec coverage: every clause `[NAME-n]` of spec/*.md is obeyed by a citing source line and proved by a citing test or vector;
// nothing cites a clause that does not exist; the error registry and its page name the same codes, and every code is used.
//
// A clause is defined where its tag begins a line (after a list mark, a table bar or bold marks); anywhere else it is a citation.
// One tag may cite several: `[ENTRY-7, ENTRY-9]`.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const tag = /\[([A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*-\d+(?:, ?[A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*-\d+)*)\]/g;
const definition = /^\s*(?:(?:[-*|>]|\d+\.)\s*)*(?:\*\*|`)*\[([A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*-\d+)\]/;
/** A vector names clauses as plain JSON strings as well. */
const quoted = /"([A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*-\d+)"/g;
/** Names of other people's standards that look like ours. */
const foreign = /^(RFC|SHA|UTF|ISO|AES|FIPS|ML-KEM|ML-DSA|MLKEM|BIP|KEM|HMAC|SHAKE|CWE|CVE)-/;

const sourcePatterns = [
  'packages/*/src/**/*.ts',
  'apps/*/{src,serve,worker}/**/*.{ts,tsx}',
  'apps/*/bin/*.cjs',
  'packages/*/bin/*.mjs',
];
const testPatterns = ['packages/*/test/**/*.ts', 'apps/*/test/**/*.ts', 'e2e/**/*.ts'];
const registry = 'packages/protocol/src/errors.ts';

interface Citation {
  readonly clause: string;
  readonly where: string;
}

/** One line for each fault; empty when all is well. `root` is the repository's directory. */
export function checkSpec(root: string): string[] {
  return [...checkClauses(root), ...checkVectors(root), ...checkErrors(root)];
}

function checkClauses(root: string): string[] {
  const faults: string[] = [];
  const defined = new Map<string, string>();
  const mentions: Citation[] = [];
  for (const file of find(root, ['spec/*.md'])) {
    for (const [index, line] of lines(root, file)) {
      const clause = definition.exec(line)?.[1];
      if (clause !== undefined) {
        const earlier = defined.get(clause);
        if (earlier !== undefined) faults.push(`${file}:${index}: [${clause}] is defined at ${earlier} already`);
        else defined.set(clause, `${file}:${index}`);
      }
      mentions.push(...citationsIn(line, `${file}:${index}`));
    }
  }
  const inSource = citations(root, sourcePatterns);
  const inTests = [...citations(root, testPatterns), ...vectorCitations(root, defined)];
  for (const { clause, where } of [...mentions, ...inSource, ...inTests]) {
    if (!defined.has(clause)) faults.push(`${where}: cites [${clause}], which no page of spec/ defines`);
  }
  const obeyed = new Set(inSource.map((citation) => citation.clause));
  const proved = new Set(inTests.map((citation) => citation.clause));
  for (const [clause, where] of defined) {
    if (!obeyed.has(clause)) faults.push(`${where}: no source line cites [${clause}]`);
    if (!proved.has(clause)) faults.push(`${where}: no test or vector cites [${clause}]`);
  }
  return faults;
}

/** A vector that no test reads proves nothing. */
function checkVectors(root: string): string[] {
  const tests = find(root, testPatterns).map((file) => readFileSync(join(root, file), 'utf8'));
  const folders = new Set(find(root, ['spec/vectors/*/**/*.json']).map((file) => file.split('/')[2] ?? ''));
  return [...folders]
    .filter((folder) => !tests.some((text) => new RegExp(`['"\`/]${folder}['"\`/]`).test(text)))
    .map((folder) => `spec/vectors/${folder}: no test reads it`);
}

function checkErrors(root: string): string[] {
  if (!existsSync(join(root, registry))) return [`${registry} is missing`];
  const faults: string[] = [];
  const list = /errorCodes = \[([^\]]*)\]/.exec(readFileSync(join(root, registry), 'utf8'))?.[1] ?? '';
  const codes = [...list.matchAll(/'([a-z0-9_]+)'/g)].map((match) => match[1] ?? '');
  if (codes.length === 0) faults.push(`${registry}: no codes found in errorCodes`);
  for (const [index, code] of codes.entries()) {
    const before = codes[index - 1];
    if (before !== undefined && before >= code)
      faults.push(`${registry}: '${code}' stands after '${before}': keep the list alphabetical`);
  }

  const page = 'spec/errors.md';
  const rows = new Set<string>();
  if (!existsSync(join(root, page))) faults.push(`${page} is missing`);
  else {
    for (const [index, line] of lines(root, page)) {
      const code = /^\|\s*`([a-z0-9_]+)`\s*\|/.exec(line)?.[1];
      if (code === undefined) continue;
      if (rows.has(code)) faults.push(`${page}:${index}: a second row for \`${code}\``);
      if (!codes.includes(code)) faults.push(`${page}:${index}: \`${code}\` is not in the registry`);
      rows.add(code);
    }
  }

  const used = new Set<string>();
  for (const file of find(root, sourcePatterns)) {
    if (file === registry) continue;
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(/['"]([a-z0-9_]+)['"]/g)) used.add(match[1] ?? '');
  }
  for (const code of codes) {
    if (!rows.has(code)) faults.push(`${registry}: '${code}' has no row in ${page}`);
    if (!used.has(code)) faults.push(`${registry}: '${code}' is never used`);
  }
  return faults;
}

function citations(root: string, patterns: readonly string[]): Citation[] {
  return find(root, patterns).flatMap((file) =>
    lines(root, file).flatMap(([index, line]) => citationsIn(line, `${file}:${index}`)),
  );
}

function citationsIn(line: string, where: string): Citation[] {
  return [...line.matchAll(tag)]
    .flatMap((match) => (match[1] ?? '').split(/, ?/))
    .filter((clause) => !foreign.test(clause))
    .map((clause) => ({ clause, where }));
}

/** In a vector a quoted name counts if it begins like a clause of ours: other strings of that shape are data. */
function vectorCitations(root: string, defined: ReadonlyMap<string, string>): Citation[] {
  const names = new Set([...defined.keys()].map((clause) => clause.replace(/-\d+$/, '')));
  return find(root, ['spec/vectors/**/*.json']).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const found = [...text.matchAll(quoted)]
      .map((match) => match[1] ?? '')
      .filter((clause) => names.has(clause.replace(/-\d+$/, '')));
    return [...found.map((clause) => ({ clause, where: file })), ...citationsIn(text, file)];
  });
}

function find(root: string, patterns: readonly string[]): string[] {
  return globSync([...patterns], { cwd: root })
    .filter((file) => !file.includes('node_modules/'))
    .toSorted();
}

function lines(root: string, file: string): (readonly [number, string])[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .map((line, index) => [index + 1, line] as const);
}
