// Brokers against the direct way: a credentialed GET of 1 KB and of 10 MB, on kept and new connections, 1 and 64 at once (DESIGN §13: ≤ +1 ms
// p50, ≤ +5 ms p99 with keep-alive, ≥ 3 times faster than mitmproxy). Service, brokers and client are processes of their own; all ways by
// turns, medians of the rounds. Ours searches replies for the secret; of the others that are installed (brokers/peers.ts) none does.
// `node bench/broker.ts [requests per round]`; prints a table and one JSON line.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { makeCertificate, type Certificate } from '@holdfast/testkit/origin';
import { placeholder, startOurs, type Service } from './brokers/ours.ts';
import { startPeers, type Peer } from './brokers/peers.ts';

const secret = 'sk-Live_7f3K9q2LmZx41abcdefghij0123456789';

const smallPath = '/v1/me';
const largePath = '/v1/large';

/** What is measured; few requests where each moves 10 MB. */
interface Way {
  readonly keepAlive: boolean;
  readonly atOnce: number;
  readonly path: string;
  /** Of the requests of a round. */
  readonly share: number;
}

const ways: readonly Way[] = [
  { keepAlive: true, atOnce: 1, path: smallPath, share: 1 },
  { keepAlive: true, atOnce: 64, path: smallPath, share: 1 },
  { keepAlive: false, atOnce: 1, path: smallPath, share: 1 / 5 },
  { keepAlive: false, atOnce: 64, path: smallPath, share: 1 / 5 },
  { keepAlive: true, atOnce: 1, path: largePath, share: 1 / 100 },
  { keepAlive: true, atOnce: 64, path: largePath, share: 1 / 25 },
  { keepAlive: false, atOnce: 1, path: largePath, share: 1 / 100 },
  { keepAlive: false, atOnce: 64, path: largePath, share: 1 / 25 },
];

interface Ready {
  readonly port: number;
  readonly caPem?: string;
}

/** How requests get there. */
interface Arm {
  readonly name: string;
  /** Sent as the bearer token. */
  readonly token: string;
  agent(keepAlive: boolean): Agent;
}

/** It answers nothing without the secret: what was not swapped is no measurement. */
async function runOrigin({ certPem, keyPem }: Certificate): Promise<void> {
  const [small, large] = [1024, 10 << 20].map((bytes) => Buffer.alloc(bytes, 'lorem ipsum '));
  const server = createServer({ cert: certPem, key: keyPem, keepAliveTimeout: 60_000 }, ({ url, headers }, response) => {
    if (headers.authorization !== `Bearer ${secret}`) response.writeHead(401);
    response.end(url === largePath ? large : small);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  process.send?.({ port: (server.address() as AddressInfo).port });
}

/** Tunnels through the broker; everything else is Node's own agent. */
class TunnelAgent extends Agent {
  readonly #port: number;
  readonly #ca: string;

  constructor(port: number, ca: string, keepAlive: boolean) {
    super({ keepAlive, maxSockets: 64 });
    this.#port = port;
    this.#ca = ca;
  }

  override createConnection(
    options: { port?: number | string | null },
    done?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | undefined {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    socket.write(`CONNECT localhost:${options.port} HTTP/1.1\r\nHost: localhost:${options.port}\r\n\r\n`);
    socket.once('data', (head: Buffer) => {
      if (!head.includes(' 200 ')) throw new Error(head.toString());
      socket.pause();
      done?.(null, connectTls({ socket, ca: this.#ca, servername: 'localhost' }));
    });
    return undefined;
  }
}

async function once1(agent: Agent, port: number, path: string, token: string): Promise<number> {
  const startedMs = performance.now();
  const outgoing = request({ agent, host: 'localhost', port, path, headers: { authorization: `Bearer ${token}` } });
  outgoing.end();
  const [reply] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
  reply.resume();
  await once(reply, 'end');
  return performance.now() - startedMs;
}

async function round(arm: Arm, port: number, requests: number, { atOnce, path, keepAlive }: Way): Promise<number[]> {
  const agent = arm.agent(keepAlive);
  const times: number[] = [];
  let left = requests;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        times.push(await once1(agent, port, path, arm.token));
      }
    }),
  );
  agent.destroy();
  return times.toSorted((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const median = (values: readonly number[]): number =>
  at(
    values.toSorted((a, b) => a - b),
    0.5,
  );

async function start(role: string, setting: object): Promise<Ready & { child: ChildProcess }> {
  const child = fork(import.meta.filename, [role, JSON.stringify(setting)]);
  const [ready] = (await once(child, 'message')) as [Ready];
  return { ...ready, child };
}

const fixed = (value: number): number => Number(value.toFixed(2));

async function measure(arms: readonly Arm[], port: number, way: Way, requests: number): Promise<Record<string, string | number>> {
  const taken = arms.map(() => ({ p50: [] as number[], p99: [] as number[] }));
  for (let turn = 0; turn <= (way.path === largePath ? 3 : 5); turn += 1) {
    for (const [which, arm] of arms.entries()) {
      const times = await round(arm, port, requests, way);
      // The first turn warms up.
      if (turn === 0) continue;
      taken[which]?.p50.push(at(times, 0.5));
      taken[which]?.p99.push(at(times, 0.99));
    }
  }
  const row: Record<string, string | number> = {
    way: `${way.keepAlive ? 'kept' : 'new'}, ${way.atOnce} at once, ${way.path === largePath ? '10 MB' : '1 KB'}`,
  };
  for (const [which, { name }] of arms.entries()) {
    const { p50 = [], p99 = [] } = taken[which] ?? {};
    row[name] = `${fixed(median(p50))} / ${fixed(median(p99))}`;
    if (which > 0) row[`${name} ×`] = fixed(median(p50.map((value, turn) => value / (taken[0]?.p50[turn] ?? 1))));
  }
  return row;
}

async function main(): Promise<void> {
  const requests = Number(process.argv[2] ?? 1_500);
  const certificate = await makeCertificate(['localhost']);
  const origin = await start('origin', certificate);
  const service: Service = { ca: certificate.caPem, port: origin.port, secret };
  const ours = await start('ours', service);
  let peers: Peer[] = [];
  try {
    peers = await startPeers(service);
    const through = [{ name: 'ours', token: placeholder, port: ours.port, caPem: ours.caPem ?? '' }].concat(
      peers.map((peer) => ({ ...peer, token: peer.placeholder })),
    );
    const arms: Arm[] = [
      { name: 'direct', token: secret, agent: (keepAlive) => new Agent({ keepAlive, maxSockets: 64, ca: certificate.caPem }) },
      ...through.map(({ name, token, port, caPem }) => ({
        name,
        token,
        agent: (keepAlive: boolean) => new TunnelAgent(port, caPem, keepAlive),
      })),
    ];
    const rows: Record<string, string | number>[] = [];
    for (const way of ways) {
      rows.push(await measure(arms, origin.port, way, Math.max(way.atOnce, Math.ceil(requests * way.share))));
      console.error(`${rows.length} of ${ways.length} measured`);
    }
    console.log('p50 / p99 in ms; ×: median of the ratios to the direct way');
    console.table(rows);
    console.log(JSON.stringify({ bench: 'broker', requests, rows }));
  } finally {
    origin.child.kill();
    ours.child.kill();
    for (const peer of peers) peer.stop();
  }
}

const [role, setting] = process.argv.slice(2);
if (role === 'origin') await runOrigin(JSON.parse(setting ?? '{}') as Certificate);
else if (role === 'ours') {
  const { port, caPem } = await startOurs(JSON.parse(setting ?? '{}') as Service);
  process.send?.({ port, caPem });
} else await main();
