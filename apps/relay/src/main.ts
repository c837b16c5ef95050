// The relay's process: HOLDFAST_HOME/relay, HOLDFAST_PORT and what web-push.md names in, one line `relay ready <url>` on stdout out, logs on stderr.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import pino from 'pino';
import { startRelay, systemClock } from './relay.ts';

const defaultPort = 7433;

function portFrom(text: string | undefined): number {
  if (text === undefined || text === '') return defaultPort;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new HoldfastError('usage', `HOLDFAST_PORT is not a port: ${text}`, { next: 'use a number from 0 to 65535' });
}

function homeFrom({ HOLDFAST_HOME: home, XDG_DATA_HOME: data }: NodeJS.ProcessEnv): string {
  if (home) return resolve(home);
  return join(data?.startsWith('/') ? data : join(homedir(), '.local/share'), 'holdfast');
}

/** Nobody is woken unless whoever runs the relay says how push services reach them. `HOLDFAST_PUSH_SERVICES`: origins besides those of browsers. */
function pushFrom({
  HOLDFAST_PUSH_CONTACT: contact,
  HOLDFAST_PUSH_SERVICES: named = '',
  HOLDFAST_PUSH_CA: file,
}: NodeJS.ProcessEnv) {
  if (!contact) return undefined;
  const ca = file ? readFileSync(file, 'utf8') : undefined;
  const services = named
    .split(' ')
    .filter(Boolean)
    .map((origin) => ({ origin, ca }));
  for (const { origin } of services)
    if (!origin.startsWith('https:') || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new HoldfastError('usage', `HOLDFAST_PUSH_SERVICES names what is no https origin: ${origin}`);
  return { contact, services };
}

async function main(): Promise<void> {
  // Whatever SQLite creates is for this user alone.
  process.umask(0o077);
  const log = pino({ name: 'relay' }, pino.destination({ dest: 2, sync: true }));
  const relay = await startRelay({
    port: portFrom(process.env['HOLDFAST_PORT']),
    host: '127.0.0.1',
    folder: join(homeFrom(process.env), 'relay'),
    clock: systemClock,
    log,
    push: pushFrom(process.env),
  });
  const close = async () => {
    await relay.close();
    if (process.connected) process.disconnect();
  };
  // `disconnect`: whoever started us with a channel is gone, however it ended.
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => void close());
  process.stdout.write(`relay ready ${relay.url}\n`);
}

try {
  await main();
} catch (error) {
  const { message, next } = error as HoldfastError;
  process.stderr.write(`holdfast: ${message} (${codeOf(error)})\n${next === undefined ? '' : `  next: ${next}\n`}`);
  process.exitCode = codeOf(error) === 'usage' ? 2 : 3;
}
