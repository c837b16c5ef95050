// An operator with a fleet of its own at a real relay, as processes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lightenKey } from '@holdfast/testkit/light-key';
import { cli, type CliOptions, type Ran } from './cli.ts';

export interface OperatorAt {
  /** Of the relay. */
  readonly url: string;
  readonly home: string;
  /** For files of the test. */
  readonly folder: string;
  readonly phraseFile: string;
  end(): Promise<void>;
  run(parameters: readonly string[], options?: CliOptions): Promise<Ran>;
  json<T = Record<string, unknown>>(ran: Ran, expected?: number): T;
  /** Of an error. */
  code(ran: Ran): string;
}

const phrase = 'correct horse battery staple';

/** Ends with the test. Without one the caller ends it. */
export async function operatorAt(t?: TestContext): Promise<OperatorAt> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-operator-'));
  const phraseFile = path.join(folder, 'phrase');
  writeFileSync(phraseFile, `${phrase}\n`, { mode: 0o600 });
  const main = fileURLToPath(new URL('../../relay/src/main.ts', import.meta.url));
  const relay = spawn(process.execPath, [main], {
    env: { HOLDFAST_HOME: folder, HOLDFAST_PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = async (): Promise<void> => {
    relay.kill('SIGKILL');
    if (relay.exitCode === null && relay.signalCode === null) await once(relay, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  t?.after(end);
  const [line] = (await once(relay.stdout, 'data')) as [Buffer];
  const url = line.toString().trim().split(' ').at(-1) ?? '';
  const home = path.join(folder, 'home');
  const operator: OperatorAt = {
    url,
    home,
    folder,
    phraseFile,
    end,
    run: (parameters, options = {}) => cli([...parameters, '--passphrase-file', phraseFile], { home, ...options }),
    json: <T>({ stdout, stderr, code }: Ran, expected = 0) => {
      assert.equal(code, expected, stdout + stderr);
      return JSON.parse(stdout) as T;
    },
    code: ({ stdout }) => (JSON.parse(stdout) as { error: { code: string } }).error.code,
  };
  operator.json(await operator.run(['init', '--name', 'test', '--relay', url, '--json']));
  lightenKey(home, phrase);
  return operator;
}
