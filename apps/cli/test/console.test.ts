// `holdfast console` as a process.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { cli, commandLine } from './cli.ts';

interface Told {
  readonly address: string;
  readonly relay: string;
  readonly bundle: string;
  readonly running: boolean;
}

test('[CLI-100] it serves until it is told to end, and whoever asks meanwhile is told where', async () => {
  const [file, words] = commandLine(['console', '--json', '--relay', 'http://127.0.0.1:1']);
  const child = spawn(file, words, {
    env: { PATH: process.env['PATH'], HOLDFAST_CONSOLE_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const told = JSON.parse(line) as Told;
    assert.match(told.bundle, /^[0-9a-f]{64}$/);
    assert.deepEqual(told, { address: told.address, relay: 'http://127.0.0.1:1', bundle: told.bundle, running: false });
    assert.equal((await fetch(told.address)).status, 200);

    const environment = { HOLDFAST_CONSOLE_PORT: new URL(told.address).port };
    const second = await cli(['console', '--json'], { environment });
    assert.deepEqual(JSON.parse(second.stdout), { ...told, running: true });
    assert.equal(second.code, 0);

    const hash = await cli(['console', '--hash', '--json']);
    assert.deepEqual(JSON.parse(hash.stdout), { bundle: told.bundle });
    assert.equal((await cli(['console', '--hash'])).stdout, `${told.bundle}\n`);
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await exit, [0, null]);
});

test('its faults are told as those of every command', async () => {
  const other = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  try {
    const environment = { HOLDFAST_CONSOLE_PORT: String((other.address() as AddressInfo).port) };
    const taken = await cli(['console', '--json'], { environment });
    assert.equal(taken.code, 3);
    assert.equal((JSON.parse(taken.stdout) as { error: { code: string } }).error.code, 'port_taken');
  } finally {
    other.close();
  }
  const odd = await cli(['console', '--relay', 'nowhere'], { environment: { HOLDFAST_CONSOLE_PORT: '0' } });
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /^holdfast: --relay is no address of that kind: nowhere \(usage\)\n {2}next: /);
});
