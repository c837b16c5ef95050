// The checks of `npm run check`, each a function of the directory that it looks at: the tests plant a violation in a directory of
// their own and see it found (scripts/test/checks.test.ts). Tools come from this repository, their settings from that directory.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { checkClaims } from './check-claims.ts';
import { checkDocs } from './check-docs.ts';
import { checkSource } from './check-source.ts';
import { checkSpec } from './check-spec.ts';

export interface Outcome {
  readonly ok: boolean;
  /** What is wrong and where; empty when all is well. */
  readonly text: string;
}

export type Check = (root: string, signal?: AbortSignal) => Promise<Outcome>;

const repository = resolve(import.meta.dirname, '..');

/** TypeScript 7 by its alias; the package `typescript` stays 6, the last one whose programs others can use. */
const typesTool = 'typescript-fast/bin/tsc';

export const checks: Readonly<Record<string, Check>> = {
  types: checkTypes,
  lint: tool('oxlint/bin/oxlint', ['--format', 'unix']),
  format: tool('oxfmt/bin/oxfmt', ['--check', '.']),
  imports: async (root, signal) =>
    tool('dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.cjs', ...folders(root)])(root, signal),
  'dead code': tool('knip/bin/knip.js', ['--no-progress', '--no-config-hints']),
  source: own(checkSource),
  spec: own(checkSpec),
  docs: own(checkDocs),
  claims: own(checkClaims),
};

/** What runs in browsers, and its tests, are programs of their own: they know the DOM, and Node's source does not. */
const programs = ['.', 'apps/console', 'apps/console/test', 'apps/console/worker', 'e2e/console'];

async function checkTypes(root: string, signal?: AbortSignal): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const program of programs) {
    if (program !== '.' && !existsSync(join(root, program, 'tsconfig.json'))) continue;
    outcomes.push(await tool(typesTool, ['-p', program, '--noEmit'])(root, signal));
  }
  return {
    ok: outcomes.every(({ ok }) => ok),
    text: outcomes
      .map(({ text }) => text)
      .filter(Boolean)
      .join('\n'),
  };
}

function folders(root: string): string[] {
  return ['packages', 'apps', 'e2e', 'bench', 'scripts'].filter((folder) => existsSync(join(root, folder)));
}

function own(check: (root: string) => string[] | Promise<string[]>): Check {
  return async (root) => {
    const faults = await check(root);
    return { ok: faults.length === 0, text: faults.join('\n') };
  };
}

/** A tool of node_modules, run by this Node in the directory; ok when it exits with 0. */
function tool(file: string, args: readonly string[]): Check {
  return (root, signal) =>
    new Promise((done, fail) => {
      const child = spawn(process.execPath, [join(repository, 'node_modules', file), ...args], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(signal === undefined ? {} : { signal }),
      });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      child.stderr.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      child.on('error', fail);
      child.on('close', (code) => done({ ok: code === 0, text: stripVTControlCharacters(text).trim() }));
    });
}
