// The console's bundle, spec/console.md: made from the sources once, kept under .cache/console by their hash, and itself known by one.

import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '@holdfast/protocol/errors';

/** The tree that this file is of. */
const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** What the bundle is made of, below the tree; packages of others are what the lock file says. */
const sources = [
  'apps/console/index.html',
  'apps/console/package.json',
  'apps/console/public',
  'apps/console/serve/build.ts',
  'apps/console/src',
  'apps/console/tsconfig.json',
  'apps/console/worker',
  'apps/console/vite.config.ts',
  'package-lock.json',
  'packages/protocol/package.json',
  'packages/protocol/src',
  'tsconfig.json',
];

/** Of each file its name below the bundle's folder, with `/`, and its content. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/** [CONSOLE-20] */
export function bundleHash(bundle: Bundle): string {
  const lines = [...bundle]
    .map(([name, content]) => ({ name: Buffer.from(name), hash: sha256(content) }))
    .toSorted((one, other) => Buffer.compare(one.name, other.name))
    .map(({ name, hash }) => `${hash}  ${name.toString()}\n`);
  return sha256(lines.join(''));
}

/** The bundle of the sources here, built when it is not there yet. Throws `console_unbuilt`. */
export async function openBundle(): Promise<Bundle> {
  const cache = join(repository, '.cache/console');
  const folder = join(cache, bundleHash(filesOf(sources)));
  if (!existsSync(folder)) await makeWhole(cache, folder);
  return filesOf(['.'], folder);
}

/** Two processes may build at once: each in a folder of its own, which gets its name when it is whole. [CONSOLE-22] */
async function makeWhole(cache: string, folder: string): Promise<void> {
  const own = join(cache, `making-${randomUUID()}`);
  try {
    mkdirSync(own, { recursive: true });
    await runBuild(own);
    renameSync(own, folder);
  } catch (cause) {
    // The other one was first, and has built the same.
    if (existsSync(folder)) return;
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('console_unbuilt', "the console's bundle cannot be kept", {
      cause,
      next: `check the permissions of ${cache}`,
    });
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function runBuild(folder: string): Promise<void> {
  const script = fileURLToPath(new URL('build.ts', import.meta.url));
  const child = spawn(process.execPath, [script, folder], {
    cwd: repository,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  if (code === 0) return;
  throw new HoldfastError('console_unbuilt', `the console's bundle cannot be made: ${said.trim()}`, {
    next: 'bring the exact packages with: npm ci --ignore-scripts',
  });
}

/** Files, and those of folders, by their names below a root. */
function filesOf(names: readonly string[], root = repository): Bundle {
  const paths = names.flatMap((name) => {
    const start = join(root, name);
    if (statSync(start).isFile()) return [start];
    const entries = readdirSync(start, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  });
  return new Map(paths.map((path) => [relative(root, path), readFileSync(path)]));
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
