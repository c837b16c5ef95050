// One session that asks for all it can get: the daemon's memory stays bounded, another session and the CLI's door are served all the while.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FrameReader } from '@holdfast/protocol/codec/framing';
import { decodeDoorReply, encodeDoorRequest, maxDoorFrameBytes } from '@holdfast/protocol/door/wire';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { share } from '../packages/testkit/src/shares.ts';

const idleConnections = 1000;
const busyConnections = 100;
/** What door and other session must have got while the greedy one is busy: it stops when they have, and if it starves them that is never. */
const wantedAnswers = share({ ci: 10, soak: 1_000 });

/** Holds idle connections to the broker, and asks over as many others as fast as answers come, until its input ends. */
async function hammer({ url, idle, busy }: { url: string; idle: number; busy: number }): Promise<void> {
  const net = process.getBuiltinModule('node:net');
  const proxy = new URL(process.env['HTTPS_PROXY'] ?? '');
  let open = 0;
  await Promise.all(
    Array.from({ length: idle }, () => {
      const socket = net.connect(Number(proxy.port), proxy.hostname);
      socket.on('close', () => (open -= 1));
      socket.on('error', () => {});
      return new Promise<void>((resolve) =>
        socket.once('connect', () => resolve(void (open += 1))).once('error', () => resolve()),
      );
    }),
  );
  process.stdout.write(`idle ${open}\n`);
  const over = new AbortController();
  process.stdin.resume().on('end', () => over.abort());
  let answers = 0;
  await Promise.all(
    Array.from({ length: busy }, async () => {
      while (!over.signal.aborted) {
        const status = await fetch(url).then(
          (reply) => reply.text().then(() => reply.status),
          () => 0,
        );
        if (status !== 200) continue;
        answers += 1;
        if (answers === busy) process.stdout.write(`borne ${open}\n`);
      }
    }),
  );
  process.stdout.write(`busy ${answers}\n`);
  process.exit(0);
}

/** Asks again and again, one call after the other, until its input ends. */
async function ask({ url }: { url: string }): Promise<void> {
  process.stdin.resume().on('end', () => process.exit(0));
  for (;;) {
    const sinceMs = performance.now();
    const status = await fetch(url).then(
      (reply) => reply.text().then(() => reply.status),
      () => 0,
    );
    process.stdout.write(`${status} ${Math.round(performance.now() - sinceMs)}\n`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Infinity;
}

describe('a session that takes all it can', { timeout: share({ ci: 560_000, soak: 3_500_000 }) }, () => {
  let holdfast: Installation;
  let origin: Origin;
  before(async () => {
    origin = await startOrigin((_seen, _request, response) => void response.end('x'.repeat(1024)));
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', newCanary(), origin, { env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  /** Milliseconds until the door has answered `status`. */
  const knock = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      const frames = new FrameReader(maxDoorFrameBytes);
      const socket = connect(path.join(holdfast.home, 'run/daemon.sock'), () =>
        socket.write(encodeDoorRequest({ kind: 'status' })),
      );
      socket.on('data', (chunk) => {
        for (const frame of frames.push(chunk)) {
          assert.equal(decodeDoorReply(frame).kind, 'status');
          resolve(performance.now() - sinceMs);
          socket.destroy();
        }
      });
      socket.on('error', reject);
    });

  it('with 1,000 idle and 100 busy connections: memory is bounded, the door and another session are served', async (t) => {
    const { daemon } = await holdfast.parts();
    const residentMb = async (): Promise<number> =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${daemon}/status`, 'utf8'))?.[1]) / 1024;
    const url = `https://localhost:${origin.port}/v1/me`;
    const other = holdfast.session([process.execPath, '-e', scriptOf(ask, { url })]);
    await other.waitFor(/200 \d+\n/);
    const beforeMb = await residentMb();
    const greedy = holdfast.session([
      process.execPath,
      '-e',
      scriptOf(hammer, { url, idle: idleConnections, busy: busyConnections }),
    ]);
    const [, idle] = await greedy.waitFor(/idle (\d+)/);
    assert.equal(Number(idle), idleConnections);
    const idleMb = await residentMb();
    const [, borne] = await greedy.waitFor(/borne (\d+)/);
    assert.equal(Number(borne), idleConnections, 'idle connections are borne');
    const quietCalls = other.said.length;
    const calls = (): { status: number; ms: number }[] =>
      [...other.said.slice(quietCalls).matchAll(/^(\d+) (\d+)$/gm)].map(([, status, ms]) => ({
        status: Number(status),
        ms: Number(ms),
      }));
    let peakMb = idleMb;
    const doorMs: number[] = [];
    while (doorMs.length < wantedAnswers || calls().length < wantedAnswers) {
      doorMs.push(await knock());
      peakMb = Math.max(peakMb, await residentMb());
      await new Promise((resolve) => setTimeout(resolve, 50)); // the door is not to be the load
    }
    const served = calls();
    greedy.closeInput();
    const [, answers] = await greedy.waitFor(/busy (\d+)/);
    other.closeInput();
    await other.end();
    t.diagnostic(`${answers} answers; resident ${beforeMb.toFixed(0)}, idle ${idleMb.toFixed(0)}, peak ${peakMb.toFixed(0)} MB`);
    t.diagnostic(
      `door: ${doorMs.length} asked, median ${percentile(doorMs, 0.5).toFixed(1)} ms, p95 ${percentile(doorMs, 0.95).toFixed(1)} ms, max ${Math.max(...doorMs).toFixed(1)} ms`,
    );
    t.diagnostic(
      `other session: ${served.length} calls, median ${percentile(
        served.map(({ ms }) => ms),
        0.5,
      )} ms, max ${Math.max(...served.map(({ ms }) => ms))} ms`,
    );

    assert.ok(Number(answers) >= busyConnections, `${answers} answers`);
    assert.ok(idleMb - beforeMb < 100, `${idleConnections} idle connections took ${(idleMb - beforeMb).toFixed(0)} MB`);
    assert.ok(peakMb - beforeMb < 350, `it took ${(peakMb - beforeMb).toFixed(0)} MB`);
    assert.ok(
      served.every(({ status }) => status === 200),
      JSON.stringify(served),
    );
  });
});
