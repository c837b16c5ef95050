// After a credentialed call nothing of the secret is left in the broker's memory: measured on a core dump, with a control that must find it.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, constants, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { base64Core, hex } from '../../src/broker/encode.ts';
import type { Attach } from '../../src/broker/broker.ts';
import type { CoreDumpSetting } from './core-dump-broker.ts';
import { certificateFor, readReply } from './world.ts';

const attaches: Record<string, Attach> = {
  bearer: { kind: 'bearer' },
  basic: { kind: 'basic', username: 'user' },
  header: { kind: 'header', name: 'x-api-key' },
  query: { kind: 'query', name: 'key' },
};

/** Each form of the secret that a copy could have, so that one that was encoded first counts as well. */
function formsOf(secret: Buffer): Buffer[] {
  return [
    secret,
    hex(secret),
    ...[0, 1, 2].map((offset) => base64Core(secret, offset)),
    Buffer.from(secret.toString('latin1'), 'utf16le'),
  ];
}

async function copiesIn(file: string, forms: readonly Buffer[]): Promise<number> {
  const overlap = Math.max(...forms.map((form) => form.length)) - 1;
  const window = Buffer.alloc(1024 * 1024 + overlap);
  // Most of a dump is memory that was reserved and never touched.
  const untouched = Buffer.alloc(window.length);
  const handle = await open(file);
  let found = 0;
  try {
    for (let at = 0; ; at += window.length - overlap) {
      const { bytesRead } = await handle.read(window, 0, window.length, at);
      const bytes = window.subarray(0, bytesRead);
      if (!bytes.equals(untouched.subarray(0, bytesRead)))
        for (const form of forms)
          for (let hit = bytes.indexOf(form); hit >= 0; hit = bytes.indexOf(form, hit + 1))
            if (hit + form.length > overlap || at === 0) found += 1;
      if (bytesRead < window.length) return found;
    }
  } finally {
    await handle.close();
  }
}

/** A dump is a gigabyte, most of it reserved and empty: memory is a better place for it than a busy disk, where there is enough. */
async function roomyFolder(): Promise<string> {
  const memory = '/dev/shm';
  try {
    await access(memory, constants.W_OK);
    const { bavail, bsize } = await statfs(memory);
    return bavail * bsize > 4 * 1024 ** 3 ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}

interface Outcome {
  readonly copies: number;
  readonly calls: number;
  readonly arrived: number;
}

/** Runs calls of every kind through a broker in its own process and counts the secret in its core dump one second later. */
async function dumpAfterCalls(
  swap: 'bytes' | 'off',
  echo = false,
  rounds = 1,
): Promise<Outcome | { readonly impossible: string }> {
  const secret = Buffer.from(`sk-${randomBytes(24).toString('base64url')}`);
  const nonce = randomBytes(12);
  const key = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  const sealed = {
    key: key.toString('hex'),
    nonce: nonce.toString('hex'),
    ciphertext: ciphertext.toString('hex'),
    tag: cipher.getAuthTag().toString('hex'),
  };

  const certificate = await certificateFor('localhost');
  let arrived = 0;
  const folder = await mkdtemp(join(await roomyFolder(), 'holdfast-core-'));
  const origin = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (request, response) => {
    const basic = Buffer.from(`user:${secret.toString()}`).toString('base64');
    const expected = [`Bearer ${secret.toString()}`, `Basic ${basic}`, secret.toString(), `key=${secret.toString()}`];
    if (
      [request.headers.authorization, request.headers['x-api-key'], request.url?.split('?')[1]].some(
        (each) => each !== undefined && expected.includes(String(each)),
      )
    )
      arrived += 1;
    request.resume();
    request.on('end', () =>
      echo
        ? response.writeHead(200, { 'x-echo': request.rawHeaders.join() }).end(JSON.stringify([request.url, request.rawHeaders]))
        : response.end('thank you'),
    );
  });
  await new Promise<void>((done) => origin.listen(0, '127.0.0.1', done));
  const originPort = (origin.address() as AddressInfo).port;

  // Without the flag, the module loader's WebAssembly reserves eight empty gigabytes, and gdb writes them all.
  const child = spawn(process.execPath, ['--disable-wasm-trap-handler', join(import.meta.dirname, 'core-dump-broker.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const setting: CoreDumpSetting = { sealed, originPort, ca: certificate.caPem, swap, attaches };
    child.stdin.end(JSON.stringify(setting));
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { port, caPem } = JSON.parse(line) as { port: number; caPem: string };

    let calls = 0;
    for (const name of Array.from({ length: rounds }, () => Object.keys(attaches)).flat()) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.write(`CONNECT localhost:${originPort} HTTP/1.1\r\nHost: localhost:${originPort}\r\n\r\n`);
      await readReply(socket, { headOnly: true });
      const tls = connectTls({ socket, ca: caPem, servername: 'localhost' });
      // First use on a new connection is a POST with a body; then a GET on the kept one.
      for (const request of [
        `POST /${name}/a HTTP/1.1\r\nHost: localhost:${originPort}\r\nContent-Length: 5\r\n\r\nhello`,
        `GET /${name}/b HTTP/1.1\r\nHost: localhost:${originPort}\r\n\r\n`,
      ]) {
        tls.write(request);
        const reply = await readReply(tls);
        assert.equal(reply.status, 200, reply.body.toString());
        calls += 1;
      }
      tls.destroy();
    }
    await after(1_000);
    try {
      await promisify(execFile)('gcore', ['-o', join(folder, 'core'), String(child.pid)], { timeout: 60_000 });
    } catch (error) {
      return { impossible: `gcore cannot dump a process here: ${String(error).split('\n')[0]}` };
    }
    return { copies: await copiesIn(join(folder, `core.${child.pid}`), formsOf(secret)), calls, arrived };
  } finally {
    child.kill('SIGKILL');
    origin.close();
    origin.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

const withoutGcore =
  spawnSync('gcore', ['-h']).error === undefined ? false : 'no gcore on this machine: install gdb to measure core dumps';

// [BROKER-19]
test('a core dump one second after calls of every kind holds no copy of the secret', { skip: withoutGcore }, async (t) => {
  const outcome = await dumpAfterCalls('bytes');
  if ('impossible' in outcome) return t.skip(outcome.impossible);
  assert.deepEqual(outcome, { copies: 0, calls: 8, arrived: 8 });
});

test('control: with the swap off the same dump finds it', { skip: withoutGcore }, async (t) => {
  const outcome = await dumpAfterCalls('off');
  if ('impossible' in outcome) return t.skip(outcome.impossible);
  assert.equal(outcome.arrived, 8);
  assert.ok(outcome.copies >= 1, `found ${outcome.copies}`);
});

test(
  'an origin that echoes the secret leaves at most two copies, however many calls are made',
  { skip: withoutGcore },
  async (t) => {
    const outcome = await dumpAfterCalls('bytes', true, 5);
    if ('impossible' in outcome) return t.skip(outcome.impossible);
    assert.equal(outcome.arrived, 40);
    assert.ok(outcome.copies <= 2, `found ${outcome.copies}`);
    t.diagnostic(`copies after ${outcome.calls} echoed calls: ${outcome.copies}`);
  },
);
