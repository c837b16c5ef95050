// A port of this machine that stays an installation's own while nothing listens there: between two starts, the kernel would hand the
// number that it gave once to whoever asks for any.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Below those that Linux hands out by itself (net.ipv4.ip_local_port_range), above those of services. */
const first = 10_000;
const last = 32_767;

/** A port of 127.0.0.1 for TCP. Its number is taken for UDP until this process ends: whoever else looks for one here meets that first. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    const mark = createSocket('udp4').unref();
    const marked = await succeeds((done, failed) => mark.once('error', failed).bind(port, '127.0.0.1', done));
    if (marked && (await isUnused(port))) return port;
    mark.close();
  }
}

async function isUnused(port: number): Promise<boolean> {
  const server = createServer();
  const unused = await succeeds((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done));
  if (unused) await new Promise((resolve) => server.close(resolve));
  return unused;
}

function succeeds(attempt: (done: () => void, failed: () => void) => unknown): Promise<boolean> {
  return new Promise((resolve) => {
    attempt(
      () => resolve(true),
      () => resolve(false),
    );
  });
}
