// The whole credentialed call as an agent makes it, against the same call made directly: a real fleet, a sealed session, the key store (software), the
// durable record and the broker, from a client inside; kept and new connections, 1 and 64 at once, 1 KB and 10 MB. And for how long the secret was
// in the clear, from the record. `node bench/whole-call.ts [calls]`; prints a table and one JSON line.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Installation, jsonOf, runProgram } from '@holdfast/testkit/installation';
import { startOrigin } from '@holdfast/testkit/origin';

const calls = Number(process.argv[2] ?? 400);
const rounds = 3;

interface Load {
  readonly bytes: number;
  readonly atOnce: number;
  readonly kept: boolean;
  readonly calls: number;
}
interface Figures {
  readonly p50: number;
  readonly p99: number;
}

/** HTTP/1.1 by hand over TLS, through a proxy where the environment names one: nothing of a client library is in the figures. */
function clientText(port: number, load: Load): string {
  return `const [net, tls] = [require('node:net'), require('node:tls')];
const { bytes, atOnce, kept, calls } = ${JSON.stringify(load)};
const proxy = process.env.HTTPS_PROXY && new URL(process.env.HTTPS_PROXY);
const once = (socket, event) => new Promise((yes, no) => socket.once(event, yes).once('error', no));
async function open() {
  let raw;
  if (proxy) {
    raw = net.connect(Number(proxy.port), proxy.hostname);
    raw.write('CONNECT localhost:${port} HTTP/1.1\\r\\nHost: localhost:${port}\\r\\n\\r\\n');
    const said = String(await once(raw, 'data'));
    if (!said.includes(' 200 ')) throw new Error(said);
  }
  const socket = tls.connect({ ...(raw ? { socket: raw } : { host: 'localhost', port: ${port} }), servername: 'localhost' });
  await once(socket, 'secureConnect');
  return socket;
}
function call(socket) {
  return new Promise((yes, no) => {
    let head = '', left = -1;
    const read = (chunk) => {
      if (left < 0) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\\r\\n\\r\\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 200')) return no(new Error(head));
        left = Number(/content-length: (\\d+)/i.exec(head)[1]) - (head.length - end - 4);
      } else left -= chunk.length;
      if (left === 0) { socket.off('data', read); yes(); }
    };
    socket.on('data', read).once('error', no);
    socket.write('GET /v1/' + bytes + ' HTTP/1.1\\r\\nHost: localhost:${port}\\r\\n\\r\\n');
  });
}
const times = [];
let left = calls;
async function work() {
  let socket;
  while (left-- > 0) {
    const startedMs = performance.now();
    if (!kept || !socket) socket = await open();
    await call(socket);
    times.push(performance.now() - startedMs);
    if (!kept) socket.destroy();
  }
  socket?.destroy();
}
Promise.all(Array.from({ length: atOnce }, work)).then(() => {
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
});`;
}

const origin = await startOrigin(({ url }, _request, response) => {
  const body = Buffer.alloc(Number(url.split('/').at(-1)), 'x');
  response.writeHead(200, { 'content-length': body.length }).end(body);
});
const installation = await Installation.create();
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const rounded = (value: number): number => Number(value.toPrecision(3));
try {
  await installation.settle();
  await installation.giveCredential('bench', 'sk-bench-2f6d0c9a71e84b35', origin, { paths: ['/v1/**'] });
  const ca = path.join(installation.folder, 'bench-ca.pem');
  writeFileSync(ca, origin.caPem);
  const direct = async (text: string): Promise<Figures> =>
    jsonOf(await runProgram(process.execPath, ['-e', text], { ...process.env, NODE_EXTRA_CA_CERTS: ca }, { timeoutMs: 300_000 }));
  const sealed = async (text: string): Promise<Figures> =>
    jsonOf(await installation.cli(['run', '--', process.execPath, '-e', text], { cwd: installation.work, timeoutMs: 300_000 }));
  const loads: readonly Load[] = [true, false].flatMap((kept) =>
    [1, 64].flatMap((atOnce) => [
      { bytes: 1024, atOnce, kept, calls },
      ...(kept ? [{ bytes: 10 << 20, atOnce, kept, calls: atOnce === 1 ? 10 : 64 }] : []),
    ]),
  );
  const table: Record<string, object> = {};
  for (const load of loads) {
    const text = clientText(origin.port, load);
    const pairs: { readonly bare: Figures; readonly ours: Figures }[] = [];
    for (let round = 0; round < rounds; round += 1) pairs.push({ bare: await direct(text), ours: await sealed(text) });
    const name = `${load.kept ? 'kept' : 'new'} connection, ${load.atOnce} at once, ${load.bytes === 1024 ? '1 KB' : '10 MB'}`;
    table[name] = {
      'direct p50 ms': rounded(median(pairs.map(({ bare }) => bare.p50))),
      'sealed p50 ms': rounded(median(pairs.map(({ ours }) => ours.p50))),
      'p50 ratio': rounded(median(pairs.map(({ bare, ours }) => ours.p50 / bare.p50))),
      'direct p99 ms': rounded(median(pairs.map(({ bare }) => bare.p99))),
      'sealed p99 ms': rounded(median(pairs.map(({ ours }) => ours.p99))),
    };
  }
  const { events } = jsonOf<{ events: { kind: string; credentialedUs?: number }[] }>(
    await installation.cli(['audit', 'show', '--json'], { timeoutMs: 120_000 }),
  );
  const heldMs = events.flatMap(({ credentialedUs }) => (credentialedUs === undefined ? [] : [credentialedUs / 1000]));
  heldMs.sort((a, b) => a - b);
  const held = { uses: heldMs.length, p50: rounded(median(heldMs)), p99: rounded(heldMs[Math.floor(heldMs.length * 0.99)] ?? 0) };
  console.table(table);
  console.table({ 'secret in the clear, ms': held });
  console.log(JSON.stringify({ bench: 'whole-call', calls, table, held }));
} finally {
  await installation.remove();
  await origin.close();
}
