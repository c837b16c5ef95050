// The broker against the direct way: a credentialed GET of 1 KB, keep-alive and on a new connection, 1 and 64 at once (DESIGN §13: ≤ +1 ms
// p50, ≤ +5 ms p99 with keep-alive), and of 10 MB on a kept connection. Origin, broker and client are processes of their own; both ways in turns, medians of the rounds.
// `node bench/broker.ts [requests per round]`; prints a table and one JSON line.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { makeCertificate, type Certificate } from '@holdfast/testkit/origin';
import { createBroker } from '../apps/daemon/src/broker/broker.ts';

const placeholder = 'hf_benchbenchbenchbenchbenchbench';

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
];

interface Ready {
  readonly port: number;
  readonly caPem?: string;
}

async function listening(
  server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown },
  more: object = {},
): Promise<void> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  process.send?.({ port: (server.address() as AddressInfo).port, ...more });
}

async function runOrigin({ certPem, keyPem }: Certificate): Promise<void> {
  const [small, large] = [1024, 10 << 20].map((bytes) => Buffer.alloc(bytes, 'lorem ipsum '));
  await listening(
    createServer({ cert: certPem, key: keyPem, keepAliveTimeout: 60_000 }, ({ url }, response) =>
      response.end(url === largePath ? large : small),
    ),
  );
}

async function runBroker(ca: string, originPort: number): Promise<void> {
  const grant = {
    grantId: 'bench',
    placeholder,
    attach: { kind: 'bearer' },
    ca,
    allowPrivate: true,
    approve: false,
    limitsArguments: false,
    judgesBody: false,
    matches: () => true,
  } as const;
  const use = {
    handleId: '1',
    open: async () => Buffer.from(new ArrayBuffer(40)).fill('s'),
    opened: () => {},
    wiped: () => {},
    failed: (code: string) => console.error(code),
    over: () => {},
  };
  const broker = await createBroker({
    authority: {
      grantsFor: ({ port }) => (port === originPort ? [grant] : []),
      egressFor: () => undefined,
      use: async (_grant, { query }) => ({ ...use, judged: { query, body: undefined } }),
      grantOf: () => undefined,
      misused: () => {},
      passed: async () => {},
      refused: (_facts, code) => console.error('refused', code),
    },
    door: (_request, response) => response.end(),
    log: { info: () => {}, warn: () => {} },
  });
  const server = createTcpServer();
  broker.attach(server);
  await listening(server, { caPem: broker.caPem });
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

async function once1(agent: Agent, port: number, path: string): Promise<number> {
  const startedMs = performance.now();
  const outgoing = request({ agent, host: 'localhost', port, path });
  outgoing.end();
  const [reply] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
  reply.resume();
  await once(reply, 'end');
  return performance.now() - startedMs;
}

async function round(agent: Agent, port: number, requests: number, { atOnce, path }: Way): Promise<number[]> {
  const times: number[] = [];
  let left = requests;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        times.push(await once1(agent, port, path));
      }
    }),
  );
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

async function main(): Promise<void> {
  const requests = Number(process.argv[2] ?? 1_500);
  const certificate = await makeCertificate(['localhost']);
  const origin = await start('origin', certificate);
  const broker = await start('broker', { ca: certificate.caPem, originPort: origin.port });
  try {
    const rows: Record<string, string | number>[] = [];
    for (const way of ways) {
      const { keepAlive, atOnce } = way;
      const count = Math.ceil(requests * way.share);
      const direct = (): Agent => new Agent({ keepAlive, maxSockets: 64, ca: certificate.caPem });
      const tunnel = (): Agent => new TunnelAgent(broker.port, broker.caPem ?? '', keepAlive);
      const p50: [number[], number[]] = [[], []];
      const p99: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 6; turn += 1) {
        for (const [which, make] of [direct, tunnel].entries()) {
          const agent = make();
          const times = await round(agent, origin.port, count, way);
          agent.destroy();
          // The first turn warms up.
          if (turn === 0) continue;
          p50[which === 0 ? 0 : 1].push(at(times, 0.5));
          p99[which === 0 ? 0 : 1].push(at(times, 0.99));
        }
      }
      const [direct50, broker50] = p50;
      const [direct99, broker99] = p99;
      const fixed = (value: number): number => Number(value.toFixed(2));
      rows.push({
        way: `${keepAlive ? 'keep-alive' : 'new connection'}, ${atOnce} at once${way.path === largePath ? ', 10 MB' : ''}`,
        'direct p50 ms': fixed(median(direct50)),
        'broker p50 ms': fixed(median(broker50)),
        'p50 ratio': fixed(median(broker50.map((value, index) => value / (direct50[index] ?? 1)))),
        'direct p99 ms': fixed(median(direct99)),
        'broker p99 ms': fixed(median(broker99)),
        'p99 ratio': fixed(median(broker99.map((value, index) => value / (direct99[index] ?? 1)))),
      });
    }
    console.table(rows);
    console.log(JSON.stringify({ bench: 'broker', requests, rows }));
  } finally {
    origin.child.kill();
    broker.child.kill();
  }
}

const [role, setting] = process.argv.slice(2);
if (role === 'origin') await runOrigin(JSON.parse(setting ?? '{}') as Certificate);
else if (role === 'broker') {
  const { ca, originPort } = JSON.parse(setting ?? '{}') as { ca: string; originPort: number };
  await runBroker(ca, originPort);
} else await main();
