// How long a sealed start takes beyond the command's own: `true` sealed, with pipes and with a terminal, against `true` bare.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSandbox, type SandboxRequest } from '../apps/daemon/src/sandbox/start.ts';

const rounds = 21;
const targetMs = 150;

const root = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const [tree, scopeHome, operatorHome] = [join(root, 'tree'), join(root, 'data/home'), join(root, 'operator')] as const;
for (const folder of [tree, scopeHome, operatorHome]) mkdirSync(folder, { recursive: true });

function request(terminal: SandboxRequest['terminal']): SandboxRequest {
  return {
    command: ['true'],
    cwd: tree,
    scopeHome,
    callerPath: process.env['PATH'] ?? '/usr/bin:/bin',
    callerHome: operatorHome,
    environment: {},
    terminal,
    caBundle: Buffer.alloc(200_000, '\n'),
    withheld: [join(root, 'data')],
    installation: fileURLToPath(new URL('..', import.meta.url)),
  };
}

async function sealed(terminal: SandboxRequest['terminal']): Promise<void> {
  const sandbox = await startSandbox(request(terminal));
  sandbox.output.resume();
  sandbox.errors?.resume();
  await sandbox.exited;
  sandbox.door.close();
}

const runs: readonly (readonly [name: string, run: () => Promise<unknown>])[] = [
  ['bare', () => once(spawn('true', { stdio: 'ignore' }), 'exit')],
  ['sealed, pipes', () => sealed(undefined)],
  ['sealed, terminal', () => sealed({ columns: 80, rows: 24, term: 'xterm' })],
];

const times = new Map<string, number[]>(runs.map(([name]) => [name, []]));
try {
  for (const [, run] of runs) await run();
  // Side by side, so that whatever else the machine does disturbs all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of runs) {
      const startedMs = performance.now();
      await run();
      times.get(name)?.push(performance.now() - startedMs);
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

const at = (list: readonly number[], share: number): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? Number.NaN;
const bare = at(times.get('bare') ?? [], 0.5);
process.stdout.write('start of `true`      p50 ms   p90 ms   beyond bare\n');
for (const [name, list] of times) {
  const median = at(list, 0.5);
  const columns = [median, at(list, 0.9), median - bare].map((value) => value.toFixed(1).padStart(8));
  process.stdout.write(`${name.padEnd(18)} ${columns.join(' ')}\n`);
}
process.stdout.write(`target: at most ${targetMs} ms beyond bare\n`);
