// kill -9 of whoever writes and ships an audit log, under as many durable records as the disk takes, again and again: no record that was acknowledged
// is lost, none is there twice, what was cut is told, and the relay's copy has neither a gap nor anything twice.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { openShipped } from '@holdfast/protocol/audit/shipped-log';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { createFleet, putAccessList } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { readShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { LogShipper } from '../apps/daemon/src/agent/log-shipper.ts';
import type { AuditWriter } from '../apps/daemon/src/audit/writer.ts';
import { FleetWorld, type Actor } from '../packages/testkit/src/fleet-world.ts';
import { root } from '../packages/testkit/src/installation.ts';
import { numberOf, quiet } from '../packages/testkit/src/numbered.ts';
import { overWebSocket } from '../packages/testkit/src/over-web-socket.ts';
import { share } from '../packages/testkit/src/shares.ts';
import { audienceKey, keysOf, openLog, type LogPlace } from './killed-log.ts';

const seed = toHex(primitives.random(16));

describe('kill -9 of the writer of a log that is shipped', { timeout: 7_200_000 }, () => {
  let folder = '';
  let relay: ChildProcess;
  let relayUrl = '';
  let world: FleetWorld;
  let agent: Actor;
  let place: LogPlace;
  const open: RelayExchange[] = [];

  const connected = async (identity?: RelayIdentity): Promise<RelayExchange> => {
    const exchange = await connectRelay(relayUrl, { ...overWebSocket, identity });
    open.push(exchange);
    return exchange;
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-killed-log-'));
    relay = spawn(process.execPath, [path.join(root, 'apps/relay/src/main.ts')], {
      env: { ...process.env, HOLDFAST_HOME: folder, HOLDFAST_PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(createInterface({ input: relay.stdout ?? assert.fail() }), 'line')) as [string];
    relayUrl = /^relay ready (.*)$/.exec(line)?.[1] ?? assert.fail(line);
    world = await FleetWorld.make();
    agent = { id: primitives.random(16), holder: await keysOf(seed) };
    await createFleet(await connected(), world.access, world.genesis);
    await putAccessList(await connected(world.identity(world.device)), await world.nextAccess([agent]));
    place = { folder: path.join(folder, 'log'), fleet: world.fleet, agent: agent.id, holder: agent.holder };
  });
  after(async () => {
    for (const exchange of open) exchange.close();
    relay.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts the writer, kills it some records later, and resolves with the numbers that it had said were safe. */
  const killedOnce = async (from: number): Promise<number[]> => {
    const words = [place.folder, relayUrl, toHex(place.fleet), toHex(place.agent), seed, String(from)];
    const child = spawn(process.execPath, [fileURLToPath(new URL('./killed-log-writer.ts', import.meta.url)), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const safe: number[] = [];
    const enough = 1 + Math.floor(Math.random() * 1500);
    const exited = once(child, 'exit');
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        assert.match(line, /^\d+$/);
        safe.push(Number(line));
        if (safe.length >= enough) child.kill('SIGKILL');
      }
    } finally {
      child.kill('SIGKILL');
    }
    assert.deepEqual(await exited, [null, 'SIGKILL'], 'it ended by itself');
    return safe;
  };
  const eventsFrom = async (audit: AuditWriter, from: number): Promise<Uint8Array[]> => {
    const wires: Uint8Array[] = [];
    while (from + wires.length < audit.size) wires.push(...(await audit.read({ from: from + wires.length, limit: 1000 })));
    return wires;
  };

  it('[AUDIT-17, AUDIT-40] loses nothing that was acknowledged, repeats nothing, and needs no hand', async () => {
    let [seen, next] = [0, 0];
    for (let round = 0; round < share({ ci: 10, soak: 1000 }); round += 1) {
      const safe = await killedOnce(next);
      const audit = await openLog(place);
      const found = (await eventsFrom(audit, seen))
        .map(decodeEvent)
        .map(numberOf)
        .filter((number) => number >= 0);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, index) => next + index),
        'in order, each once, none left out',
      );
      for (const number of safe) assert.ok(number < next + found.length, `record ${number} was acknowledged`);
      next += found.length;
      await audit.close();
      seen = audit.size;
    }
  });

  it('[SHIP-6] the relay has all of it once, whenever the shipping was killed', async () => {
    const audit = await openLog(place);
    const exchange = await connected(world.identity(agent));
    const link = { isOpen: true, ask: <T>(asked: (over: RelayExchange) => Promise<T>) => asked(exchange) } as const;
    const shipper = new LogShipper({
      audit,
      agent: agent.id,
      link,
      ports: { log: quiet, primitives, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } },
    });
    await shipper.shipping.now();
    shipper.shipping.stop();
    assert.equal(shipper.fault, undefined);
    const device = await connected(world.identity(world.device));
    const { fleet } = place;
    const shipped = await openShipped({ primitives, key: audienceKey, fleet, agent: agent.id }, readShipments(device, agent.id));
    assert.deepEqual(shipped.events, await eventsFrom(audit, 0));
    const verdict = await verifyAudit(primitives, { fleet, agent: agent.id, agentKey: agent.holder.publicKeys.sign }, shipped);
    assert.equal(verdict.events, audit.size);
    await audit.close();
  });
});
