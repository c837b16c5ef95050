// The console's server on its port, spec/console.md: loopback, both families where there are two. It hands out a bundle, and reads no body.

import { createServer, type Server } from 'node:http';
import { HoldfastError } from '@holdfast/protocol/errors';
import { answerer } from './answer.ts';
import type { Bundle } from './bundle.ts';

export interface ServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly relay: string;
  /** Further origins that lead here. */
  readonly publicOrigins: readonly string[];
  readonly bundle: Bundle;
}

export interface ConsoleServer {
  /** `http://localhost:port` */
  readonly url: string;
  close(): Promise<void>;
}

/** `localhost` leads to either: whichever a browser tries first has to be ours. [CONSOLE-7] */
const addresses = ['127.0.0.1', '::1'];
const maxTries = 20;

/** Throws `port_taken`. */
export async function serveConsole(options: ServerOptions): Promise<ConsoleServer> {
  for (let left = maxTries; ; left -= 1) {
    try {
      return await openPort(options);
    } catch (error) {
      // A free port of one family may be another program's in the other.
      if (options.port !== 0 || left === 0) throw error;
    }
  }
}

async function openPort({ port: wanted, relay, publicOrigins, bundle }: ServerOptions): Promise<ConsoleServer> {
  const open: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((server) => closed(server)));
  };
  let answer: ReturnType<typeof answerer> | undefined;
  let port = wanted;
  try {
    for (const address of addresses) {
      const server = createServer((request, response) => {
        const { method = '', url = '', headers } = request;
        const answered = answer?.({ method, target: url, headers });
        if (answered === undefined) return void request.destroy();
        // [CONSOLE-10] No cookie is among the headers, ever.
        response.writeHead(answered.status, { ...answered.headers, 'content-length': answered.body.length });
        response.end(method === 'HEAD' ? undefined : answered.body);
      });
      server.maxRequestsPerSocket = 1000;
      if (!(await listens(server, port, address))) continue;
      open.push(server);
      const bound = server.address();
      if (typeof bound === 'object' && bound !== null) port = bound.port;
    }
    const url = `http://localhost:${port}`;
    answer = answerer({ bundle, relay, origins: [url, ...publicOrigins] });
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** False where the machine has no such address. */
async function listens(server: Server, port: number, address: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, host: address, ipv6Only: true }, resolve);
  try {
    await promise;
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (address === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) return false;
    const taken = code === 'EADDRINUSE';
    throw new HoldfastError(
      taken ? 'port_taken' : 'usage',
      taken ? `port ${port} is in use by another program` : `cannot listen on ${address} port ${port}`,
      { cause, next: 'stop what is there (another console?), or choose another port with HOLDFAST_CONSOLE_PORT' },
    );
  } finally {
    server.off('error', reject);
  }
}

async function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}
