// The relay as a process: what it prints, how it ends, what it keeps across kill -9.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { controlTopic, parseEntry, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import * as relay from '@holdfast/protocol/exchange/relay-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter } from '../../../packages/testkit/src/fleet-world.ts';
import { share } from '../../../packages/testkit/src/shares.ts';
import { Client, codeFrom } from './relay-world.ts';

const main = join(import.meta.dirname, '../src/main.ts');

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stdout: string[];
}

class Home {
  readonly path = mkdtempSync(join(tmpdir(), 'holdfast-relay-home-'));
  readonly #children: ChildProcess[] = [];

  constructor(context: TestContext) {
    context.after(async () => {
      for (const child of this.#children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  spawn(port: number | string): ChildProcess {
    const env = { PATH: process.env['PATH'], HOLDFAST_HOME: this.path, HOLDFAST_PORT: String(port) };
    // Past the time that any test takes: one that should end and does not fails its test.
    const child = spawn(process.execPath, [main], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: share({ ci: 500_000, soak: 3_600_000 }),
    });
    this.#children.push(child);
    return child;
  }

  async start(): Promise<Running> {
    const child = this.spawn(0);
    const stdout: string[] = [];
    assert.ok(child.stdout !== null);
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => stdout.push(line));
    const [line] = (await once(lines, 'line')) as [string];
    const url = /^relay ready (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
    assert.ok(url !== undefined, line);
    return { child, url, stdout };
  }
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; stderr: string; stdout: string }> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (data: Buffer) => (output.stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output.stderr += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

test('prints one line, keeps its key to itself, and ends in order though it is told twice', async (context) => {
  const home = new Home(context);
  const { child, url, stdout } = await home.start();
  assert.deepEqual(await (await fetch(`${url}/health`)).json(), { ok: true });
  for (const [file, mode] of Object.entries({ '': 0o700, 'relay.key': 0o600, 'relay.db': 0o600 })) {
    assert.equal(statSync(join(home.path, 'relay', file)).mode & 0o777, mode, file);
  }
  const exited = once(child, 'exit');
  // Both wait while it is stopped, so that neither comes when it has ended already.
  for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) child.kill(signal);
  assert.deepEqual(await exited, [0, null]);
  assert.equal(stdout.length, 1);
});

test('a second relay over the same folder, a taken port and a bad one are told with the next step', async (context) => {
  const home = new Home(context);
  await home.start();
  const second = await endOf(home.spawn(0));
  assert.deepEqual([second.code, second.stdout], [3, '']);
  assert.match(second.stderr, /^holdfast: .* \(already_running\)\n {2}next: use the running one, or stop it first\n$/);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const taken = await endOf(new Home(context).spawn(typeof address === 'object' ? (address?.port ?? 0) : 0));
  other.close();
  assert.equal(taken.code, 3);
  assert.match(taken.stderr, /^holdfast: .* \(port_taken\)\n {2}next: .*HOLDFAST_PORT\n$/);
  assert.equal((await endOf(home.spawn('http'))).code, 2);
});

test('a store whose key is gone is not served under a new key', async (context) => {
  const home = new Home(context);
  const first = await home.start();
  const key = readFileSync(join(home.path, 'relay/relay.key'));
  const client = await Client.connect(first.url);
  const world = await FleetWorld.make();
  await relay.createFleet(client.exchange, world.access, world.genesis);
  const exited = once(first.child, 'exit');
  first.child.kill('SIGTERM');
  await exited;
  rmSync(join(home.path, 'relay/relay.key'));
  const refused = await endOf(home.spawn(0));
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /relay\.key is missing.*\(store_failed\)/);
  assert.ok(key.length > 0);
});

test('kill -9 at any moment: every acknowledged entry is there, in an unbroken chain, and the lock is free', async (context) => {
  const home = new Home(context);
  const world = await FleetWorld.make();
  let running = await home.start();
  const creator = await Client.connect(running.url);
  await relay.createFleet(creator.exchange, world.access, world.genesis);
  creator.exchange.close();
  let head = headAfter(world.genesis);
  for (let round = 0; round < share({ ci: 4, soak: 200 }); round += 1) {
    const client = await Client.connect(running.url, { world, as: world.device });
    const acknowledged: Uint8Array[] = [];
    const pending: Promise<unknown>[] = [];
    // So many are under way when it is killed.
    const killAfter = 20 + ((round * 37) % 100);
    const append = async (entry: UnverifiedEntry): Promise<void> => {
      const outcome = await relay.appendEntry(client.exchange, entry);
      if (outcome.kind === 'appended') acknowledged.push(entry.hash);
      if (acknowledged.length === killAfter) running.child.kill('SIGKILL');
    };
    for (let count = 0; count < killAfter + 60; count += 1) {
      const entry = await world.entry(world.device, { topic: controlTopic, after: head });
      head = headAfter(entry);
      pending.push(codeFrom(append(entry)));
    }
    await Promise.all(pending);
    await client.closed;
    assert.ok(acknowledged.length >= killAfter);
    running = await home.start();
    const reader = await Client.connect(running.url, { world, as: world.device });
    const kept = new Set<string>();
    let last = parseEntry(primitives, world.genesis.wire);
    for await (const wire of relay.readTopic(reader.exchange, controlTopic, 0)) {
      const entry = parseEntry(primitives, wire);
      if (entry.statement.position > 0) assert.deepEqual(entry.statement.previous, last.hash);
      kept.add(Buffer.from(entry.hash).toString('hex'));
      last = entry;
    }
    for (const hash of acknowledged) assert.ok(kept.has(Buffer.from(hash).toString('hex')), 'an acknowledged entry is gone'); // [RELAY-13]
    head = headAfter(last);
    reader.exchange.close();
  }
});
