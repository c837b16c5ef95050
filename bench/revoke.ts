// How fast a revocation acts. On one machine, all of it real: from `holdfast revoke` to the entry, and from the entry to the end of everything. Through a
// relay (a process of its own) to many simulated daemons: from the append to each of them, and to the cut of the one that is revoked. Targets: 50 ms from
// the entry on the machine, 500 ms p99 across a relay with 1,000 daemons (DESIGN §13). `node bench/revoke.ts [rounds] [daemons]`; prints one JSON line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { appendEntry, createFleet, putAccessList, watchTopics } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { newCanary } from '@holdfast/testkit/canary';
import { FleetWorld, headAfter, newActor, type Actor } from '@holdfast/testkit/fleet-world';
import { listenHostile } from '@holdfast/testkit/hostile-relay';
import { scriptOf } from '@holdfast/testkit/inside';
import { Installation } from '@holdfast/testkit/installation';
import { startOrigin } from '@holdfast/testkit/origin';
import { overWebSocket } from '@holdfast/testkit/over-web-socket';

const rounds = Number(process.argv[2] ?? 10);
const daemons = Number(process.argv[3] ?? 1000);
/** About what a revocation has. */
const sealedBytes = 256;

function spread(all: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number): number => Number((sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(1));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Calls one after the other, in four lines, for as long as it lives. */
async function calls({ url }: { url: string }): Promise<void> {
  const line = async (): Promise<void> => {
    for (;;) {
      const reply = await fetch(url).catch(() => undefined);
      await reply?.text().catch(() => undefined);
    }
  };
  await Promise.all([line(), line(), line(), line()]);
}

async function onOneMachine() {
  let lastMs = 0;
  let heard: () => void = () => undefined;
  const origin = await startOrigin((_seen, _request, response) => {
    lastMs = performance.now();
    heard();
    response.end('ok');
  });
  const holdfast = await Installation.create();
  const relay = await listenHostile(() => holdfast.url);
  const found = {
    commandToEntry: [] as number[],
    entryToActed: [] as number[],
    entryToLastCall: [] as number[],
    command: [] as number[],
  };
  try {
    holdfast.relayUrl = relay.url;
    await holdfast.start();
    await holdfast.must(['init', '--name', 'bench']);
    await holdfast.addCredential('demo', newCanary(), origin);
    for (let round = 0; round < rounds; round += 1) {
      const agent = await holdfast.enrol(`bench-${round}`);
      await holdfast.must(['vault', 'grant', 'demo', '--to', `bench-${round}`]);
      const called = new Promise<void>((resolve) => (heard = resolve));
      const script = scriptOf(calls, { url: `https://localhost:${origin.port}/` });
      const session = holdfast.live(['run', '--scope', `bench-${round}`, '--', process.execPath, '-e', script]);
      await called;
      let entryMs = 0;
      relay.relay.script = {
        answer: (frame, { principal }) => {
          if (frame.kind === 'push-entry' && principal === agent) entryMs = performance.now();
          return [frame];
        },
      };
      const [line] = relay.relay.linesOf(agent);
      const beganMs = performance.now();
      const command = holdfast.must(['revoke', `bench-${round}`]);
      await line?.ended;
      found.entryToActed.push(performance.now() - entryMs);
      found.commandToEntry.push(entryMs - beganMs);
      await command;
      found.command.push(performance.now() - beganMs);
      await session.ended;
      found.entryToLastCall.push(lastMs - entryMs);
    }
  } finally {
    await holdfast.remove();
    await relay.close();
    await origin.close();
  }
  return Object.fromEntries(Object.entries(found).map(([what, all]) => [`${what}Ms`, spread(all)]));
}

async function connected(
  url: string,
  world: FleetWorld | undefined,
  as: Actor | undefined,
  told: Partial<Told> = {},
): Promise<RelayExchange> {
  return connectRelay(url, {
    ...overWebSocket,
    identity: world !== undefined && as !== undefined ? world.identity(as) : undefined,
    onPush: () => told.pushed?.(),
    onClosed: () => told.cut?.(),
  });
}

interface Told {
  pushed(): void;
  cut(): void;
}

async function throughRelay() {
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-revoke-'));
  const env = { PATH: process.env['PATH'], HOLDFAST_HOME: home, HOLDFAST_PORT: '0' };
  const main = path.join(import.meta.dirname, '../apps/relay/src/main.ts');
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [ready] = (await once(createInterface(child.stdout), 'line')) as [string];
    const url = ready.replace('relay ready ', '');
    const world = await FleetWorld.make();
    const agents: Actor[] = [];
    while (agents.length < daemons) agents.push(await newActor());
    await createFleet(await connected(url, undefined, undefined), world.access, world.genesis);
    const device = await connected(url, world, world.device);
    await putAccessList(device, await world.nextAccess(agents));

    let beganMs = 0;
    let waiting = 0;
    let reached: number[] = [];
    let all: () => void = () => undefined;
    const cuts = new Map<Actor, () => void>();
    for (const agent of agents) {
      const exchange = await connected(url, world, agent, {
        pushed: () => {
          reached.push(performance.now() - beganMs);
          if (reached.length === waiting) all();
        },
        cut: () => cuts.get(agent)?.(),
      });
      await watchTopics(exchange, [{ topic: controlTopic, from: 1 }]);
    }
    const found = {
      appendToAck: [] as number[],
      appendToEach: [] as number[],
      appendToAll: [] as number[],
      appendToCut: [] as number[],
    };
    let head = headAfter(world.genesis);
    const acting = [...agents];
    for (let round = 0; round < rounds; round += 1) {
      const revoked = acting.pop();
      if (revoked === undefined) break;
      const entry = await world.entry(world.device, { topic: controlTopic, after: head, sealed: primitives.random(sealedBytes) });
      const access = await world.nextAccess(acting);
      [head, reached, waiting] = [headAfter(entry), [], acting.length + 1];
      const heardByAll = new Promise<void>((resolve) => (all = resolve));
      const cut = new Promise<void>((resolve) => cuts.set(revoked, resolve)).then(() => performance.now() - beganMs);
      beganMs = performance.now();
      await appendEntry(device, entry);
      found.appendToAck.push(performance.now() - beganMs);
      await putAccessList(device, access);
      await heardByAll;
      found.appendToEach.push(...reached);
      found.appendToAll.push(Math.max(...reached));
      found.appendToCut.push(await cut);
    }
    const residentMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    return {
      ...Object.fromEntries(Object.entries(found).map(([what, values]) => [`${what}Ms`, spread(values)])),
      relayMb: Math.round(residentMb),
      ownMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(home, { recursive: true, force: true });
  }
}

const load = (): number => Number((loadavg()[0] ?? 0).toFixed(1));
const before = load();
const relay = await throughRelay();
const machine = await onOneMachine();
process.stdout.write(`${JSON.stringify({ bench: 'revoke', rounds, daemons, load: [before, load()], relay, machine })}\n`);
process.exit();
