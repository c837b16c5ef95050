// A real relay for the console's own modules in Node, and what an operator device keeps, in memory.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OperatorStore, Seen } from '@holdfast/protocol/operator/ports';

const relayMain = fileURLToPath(new URL('../../../relay/src/main.ts', import.meta.url));

export class PlayedRelay {
  readonly home = mkdtempSync(path.join(tmpdir(), 'holdfast-live-'));
  url = '';
  #child: ChildProcess | undefined;

  async start(port = '0'): Promise<void> {
    const child = spawn(process.execPath, [relayMain], {
      env: { HOLDFAST_HOME: this.home, HOLDFAST_PORT: port },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    this.url = line.toString().trim().split(' ').at(-1) ?? '';
  }

  async stop(): Promise<void> {
    const child = this.#child;
    child?.kill('SIGKILL');
    if (child !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  get port(): string {
    return new URL(this.url).port;
  }
}

export function memoryStore(): OperatorStore {
  let seen: Seen | undefined;
  let unsent: Uint8Array | undefined;
  return {
    seen: async () => seen,
    remember: async (newer) => {
      seen = { ...seen, ...newer };
    },
    forgetSeen: async () => {
      seen = undefined;
    },
    unsent: async () => unsent,
    keepUnsent: async (entries) => {
      unsent = entries;
    },
    forgetUnsent: async () => {
      unsent = undefined;
    },
    approvedBefore: async () => undefined,
    keepApproved: async () => {},
    takeTurn: async () => () => {},
  };
}
