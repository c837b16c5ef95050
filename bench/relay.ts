// Relay: durable appends a second by 16 agents at once, one append alone, and what an idle connection costs. Targets: 3,000 appends a
// second, 10,000 idle connections in 500 MB (DESIGN §13). `node bench/relay.ts [appends] [connections]`; prints one JSON line.
// The relay is a process of its own; entries are signed beforehand.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { controlTopic, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { appendEntry, createFleet, putAccessList, watchTopics } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter, newActor, type Actor } from '../packages/testkit/src/fleet-world.ts';
import { overWebSocket } from '../packages/testkit/src/over-web-socket.ts';

const appends = Number(process.argv[2] ?? 8000);
const connections = Number(process.argv[3] ?? 1000);
const writers = 16;
const inFlight = 16;
const sealedBytes = 1024;

async function connect(url: string, world?: FleetWorld, as?: Actor): Promise<RelayExchange> {
  const identity = world !== undefined && as !== undefined ? world.identity(as) : undefined;
  return connectRelay(url, { ...overWebSocket, identity });
}

async function signChain(world: FleetWorld, author: Actor, topic: Uint8Array, count: number): Promise<UnverifiedEntry[]> {
  const entries: UnverifiedEntry[] = [];
  while (entries.length < count) {
    const last = entries.at(-1);
    entries.push(await world.entry(author, { topic, after: last && headAfter(last), sealed: primitives.random(sealedBytes) }));
  }
  return entries;
}

/** Keeps `inFlight` appends under way. */
async function appendAll(exchange: RelayExchange, entries: readonly UnverifiedEntry[]): Promise<void> {
  const rest = entries.values();
  const one = async (): Promise<void> => {
    for (const entry of rest) {
      const outcome = await appendEntry(exchange, entry);
      if (outcome.kind !== 'appended') throw new Error('an append met a conflict');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

const home = mkdtempSync(join(tmpdir(), 'holdfast-bench-relay-'));
const env = { PATH: process.env['PATH'], HOLDFAST_HOME: home, HOLDFAST_PORT: '0' };
const main = join(import.meta.dirname, '../apps/relay/src/main.ts');
const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
const residentMb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
try {
  const [ready] = (await once(createInterface(child.stdout), 'line')) as [string];
  const url = ready.replace('relay ready ', '');
  const world = await FleetWorld.make();
  const agents = await Promise.all(Array.from({ length: Math.max(writers, connections) }, newActor));
  const stranger = await connect(url);
  await createFleet(stranger, world.access, world.genesis);
  stranger.close();
  const device = await connect(url, world, world.device);
  await putAccessList(device, await world.nextAccess(agents));

  const chains = await Promise.all(
    agents.slice(0, writers).map(async (agent) => ({
      exchange: await connect(url, world, agent),
      entries: await signChain(world, agent, agent.id, Math.ceil(appends / writers)),
    })),
  );
  const startedMs = performance.now();
  await Promise.all(chains.map(async ({ exchange, entries }) => appendAll(exchange, entries)));
  const appendsPerSecond = Math.round((appends / (performance.now() - startedMs)) * 1000);
  for (const { exchange } of chains) exchange.close();

  const alone: number[] = [];
  let head = headAfter(world.genesis);
  for (let round = 0; round < 200; round += 1) {
    const entry = await world.entry(world.device, { topic: controlTopic, after: head, sealed: primitives.random(sealedBytes) });
    head = headAfter(entry);
    const beganMs = performance.now();
    await appendEntry(device, entry);
    alone.push(performance.now() - beganMs);
  }

  const beforeMb = residentMb();
  for (const agent of agents.slice(0, connections)) {
    await watchTopics(await connect(url, world, agent), [{ topic: controlTopic, from: head.position + 1 }]);
  }
  const perConnectionKb = ((residentMb() - beforeMb) * 1024) / connections;
  const appendAloneMs = alone.toSorted((a, b) => a - b)[100] ?? 0;
  console.log(
    JSON.stringify({
      appends,
      writers,
      sealedBytes,
      durableAppendsPerSecond: appendsPerSecond,
      appendAloneMs: Number(appendAloneMs.toFixed(3)),
      connections,
      idleConnectionKb: Number(perConnectionKb.toFixed(1)),
      connectionsPerMb: Math.round(1024 / perConnectionKb),
      residentMb: Math.round(residentMb()),
    }),
  );
} finally {
  child.kill('SIGTERM');
  await once(child, 'exit');
  rmSync(home, { recursive: true, force: true });
}
process.exit();
