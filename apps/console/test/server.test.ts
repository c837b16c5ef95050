// The server as a process: its port, its line, what it is started with.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { request } from 'node:http';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSettings } from '../serve/wire.ts';

const main = fileURLToPath(new URL('../serve/main.ts', import.meta.url));

class Running implements AsyncDisposable {
  readonly #child;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  readonly exited: Promise<number | null>;
  #stdout = '';
  #stderr = '';

  constructor(port: string, parameters: readonly string[] = []) {
    this.#child = spawn(process.execPath, [main, ...parameters], {
      env: { PATH: process.env['PATH'], HOLDFAST_CONSOLE_PORT: port },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = once(this.#child, 'exit').then(([code]) => code as number | null);
    this.ended = once(this.#child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  async ready(): Promise<URL> {
    while (!this.#stdout.includes('\n')) {
      const ended = await Promise.race([this.ended, once(this.#child.stdout ?? this.#child, 'data')]);
      if (!Array.isArray(ended)) throw new Error(ended.stderr);
    }
    return new URL(/^console ready (\S+)\n$/.exec(this.#stdout)?.[1] ?? '');
  }

  kill(): void {
    this.#child.kill('SIGTERM');
  }

  disconnect(): void {
    this.#child.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited; // a child without its channel is never `close`
  }
}

async function statusOf(host: string, port: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> {
  const asked = request({ host, port, method, headers, path: '/' });
  asked.end();
  const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

test('[CONSOLE-7] it listens on both loopback addresses and on no other, and answers as localhost', async () => {
  await using running = new Running('0');
  const { hostname, port } = await running.ready();
  assert.equal(hostname, 'localhost');
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (const { address, internal, family } of own) {
    if (address.startsWith('fe80')) continue;
    const asked = statusOf(address, port, { host: `localhost:${port}` });
    if (internal) assert.equal(await asked, 200, `${family} ${address}`);
    else await assert.rejects(asked, { code: 'ECONNREFUSED' }, address);
  }
  // On Linux all of 127/8 is this machine: a server on every address would answer there.
  await assert.rejects(statusOf('127.1.2.3', port, { host: `localhost:${port}` }), { code: 'ECONNREFUSED' });
  assert.equal(await statusOf('127.0.0.1', port, { host: `127.0.0.1:${port}` }), 421);
  assert.equal(await statusOf('127.0.0.1', port, { host: `localhost:${port}` }, 'POST'), 405);
});

test('it ends by SIGTERM, and with whoever started it', async () => {
  for (const how of ['kill', 'disconnect'] as const) {
    await using running = new Running('0');
    await running.ready();
    running[how]();
    assert.equal(await running.exited, 0, how);
  }
});

test('a port that another program has is port_taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  try {
    await using running = new Running(String((other.address() as AddressInfo).port));
    const { code, stderr } = await running.ended;
    assert.equal(code, 3);
    assert.match(stderr, /^holdfast: .* \(port_taken\)\n {2}next: .*HOLDFAST_CONSOLE_PORT\n$/);
  } finally {
    other.close();
  }
});

test('[CONSOLE-3] it starts with addresses that are nothing but scheme, host and port', () => {
  const settings = (...words: string[]) => readSettings(words, {});
  assert.deepEqual(settings(), { port: 7434, relay: 'http://127.0.0.1:7433', publicOrigins: [], hashOnly: false });
  assert.deepEqual(readSettings(['--hash'], { HOLDFAST_CONSOLE_PORT: '0', HOLDFAST_PORT: '8000' }), {
    port: 0,
    relay: 'http://127.0.0.1:8000',
    publicOrigins: [],
    hashOnly: true,
  });
  assert.equal(settings('--relay', 'https://relay.example/').relay, 'https://relay.example');
  assert.deepEqual(settings('--public-url', 'https://a.example', '--public-url', 'https://b.example:8443').publicOrigins, [
    'https://a.example',
    'https://b.example:8443',
  ]);
  const refused = [
    ['--relay', 'relay.example'],
    ['--relay', 'ws://relay.example'],
    ['--relay', 'https://relay.example/path'],
    ['--relay', 'https://user@relay.example'],
    ['--relay', 'https://relay.example?a'],
    ['--relay', "https://relay.example;script-src'unsafe-inline'"],
    ['--relay', "http://a'b"],
    ['--relay', 'https://*'],
    ['--relay', 'https://*.example'],
    ['--public-url', 'http://console.example'],
    ['--public-url', ''],
    ['--other'],
    ['word'],
  ];
  for (const words of refused) assert.throws(() => settings(...words), { code: 'usage' }, words.join(' '));
  for (const port of ['-1', '65536', '7434x', '1e3'])
    assert.throws(() => readSettings([], { HOLDFAST_CONSOLE_PORT: port }), { code: 'usage' });
});
