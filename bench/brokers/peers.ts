// Other brokers beside ours, each as its makers mean it to be run, where it is installed: mitmproxy (`mitmdump` of the distribution)
// with the smallest addon that puts a secret in the place of a placeholder, and varlock (`npm install -g varlock`, or HOLDFAST_VARLOCK=FILE).

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { placeholder, type Service } from './ours.ts';

export interface Peer {
  readonly name: string;
  readonly port: number;
  readonly caPem: string;
  /** What clients send in place of the secret. */
  readonly placeholder: string;
  stop(): void;
}

const maxStartMs = 60_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** A program that listens on `port` and has written the PEM of its authority to `caFile`. @throws when it ends, or is not there in a minute */
async function started(child: ChildProcess, port: number, caFile: string): Promise<string> {
  for (const untilMs = performance.now() + maxStartMs; performance.now() < untilMs; await later(100)) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}`);
    const open = await new Promise<boolean>((done) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => done(true)).on('error', () => done(false));
      socket.unref().end();
    });
    if (open && existsSync(caFile)) return readFileSync(caFile, 'utf8');
  }
  child.kill();
  throw new Error(`${child.spawnfile} does not listen`);
}

async function startMitmproxy(folder: string, { ca, secret }: Service): Promise<Peer> {
  const [addon, trusted] = [join(folder, 'swap.py'), join(folder, 'service.pem')];
  writeFileSync(trusted, ca);
  writeFileSync(
    addon,
    `def request(flow):
    sent = flow.request.headers.get("authorization", "")
    if ${JSON.stringify(placeholder)} in sent:
        flow.request.headers["authorization"] = sent.replace(${JSON.stringify(placeholder)}, ${JSON.stringify(secret)})
`,
  );
  const port = await freePort();
  const settings = [`confdir=${folder}`, `ssl_verify_upstream_trusted_ca=${trusted}`, 'connection_strategy=lazy'];
  const child = spawn(
    'mitmdump',
    ['-q', '--listen-host', '127.0.0.1', '-p', String(port), '-s', addon, ...settings.flatMap((setting) => ['--set', setting])],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const stop = (): void => void child.kill();
  const caPem = await started(child, port, join(folder, 'mitmproxy-ca-cert.pem'));
  return { name: 'mitmproxy', port, caPem, placeholder, stop };
}

async function startVarlock(program: string, folder: string, { ca, secret }: Service): Promise<Peer> {
  const trusted = join(folder, 'service.pem');
  writeFileSync(trusted, ca);
  writeFileSync(
    join(folder, '.env.schema'),
    `# @defaultSensitive=false
# ---
# @sensitive @proxy(domain="localhost") @placeholder=${placeholder}
BENCH_TOKEN="${secret}"
`,
  );
  const port = await freePort();
  const child = spawn(program, ['proxy', 'start', '--port', String(port), '--cert-dir', folder], {
    cwd: folder,
    env: { ...process.env, HOME: folder, NODE_EXTRA_CA_CERTS: trusted, VARLOCK_TELEMETRY_DISABLED: '1' },
    stdio: 'ignore',
  });
  const stop = (): void => void child.kill();
  const caPem = await started(child, port, join(folder, 'ca-cert.pem'));
  return { name: 'varlock', port, caPem, placeholder, stop };
}

function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Those that are installed; of the others it says on stderr that they are left out. Each has a folder of its own, which `stop` removes. */
export async function startPeers(service: Service): Promise<Peer[]> {
  const varlock = process.env['HOLDFAST_VARLOCK'] ?? 'varlock';
  const known: [string, string, (folder: string) => Promise<Peer>][] = [
    ['mitmproxy', 'mitmdump', (folder) => startMitmproxy(folder, service)],
    ['varlock', varlock, (folder) => startVarlock(varlock, folder, service)],
  ];
  const peers: Peer[] = [];
  for (const [name, program, start] of known) {
    if (!isThere(program)) {
      console.error(`${name} is not installed: left out`);
      continue;
    }
    const folder = mkdtempSync(join(tmpdir(), 'hf-bench-'));
    const peer = await start(folder).catch((error: unknown) => {
      for (const each of peers) each.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    });
    peers.push({
      ...peer,
      stop: () => {
        peer.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    });
  }
  return peers;
}
