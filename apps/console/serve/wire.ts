// What the console's server is started with, from its command line and environment.

import { parseArgs } from 'node:util';
import { HoldfastError } from '@holdfast/protocol/errors';

export interface Settings {
  readonly port: number;
  readonly relay: string;
  readonly publicOrigins: readonly string[];
  /** Tell the bundle's hash and end. */
  readonly hashOnly: boolean;
}

const defaultPort = '7434';
const defaultRelayPort = '7433';

/** Throws `usage`. */
export function readSettings(parameters: readonly string[], environment: Readonly<Record<string, string | undefined>>): Settings {
  const { HOLDFAST_CONSOLE_PORT: port, HOLDFAST_PORT: relayPort } = environment;
  const options = optionsOf(parameters);
  return {
    port: portFrom(port || defaultPort),
    relay: originFrom('--relay', options.relay ?? `http://127.0.0.1:${relayPort || defaultRelayPort}`, ['http:', 'https:']),
    // A browser keeps keys and passkeys for https alone, but for localhost.
    publicOrigins: (options['public-url'] ?? []).map((url) => originFrom('--public-url', url, ['https:'])),
    hashOnly: options.hash === true,
  };
}

function optionsOf(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        relay: { type: 'string' },
        'public-url': { type: 'string', multiple: true },
        hash: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new HoldfastError('usage', (cause as Error).message, { cause });
  }
}

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new HoldfastError('usage', `HOLDFAST_CONSOLE_PORT is not a port: ${text}`, { next: 'use a number from 0 to 65535' });
}

/** It ends up in the page's policy: nothing but scheme, host and port, as `URL` writes them. [CONSOLE-3] */
function originFrom(option: string, text: string, schemes: readonly string[]): string {
  const url = URL.parse(text);
  const plain =
    url !== null && schemes.includes(url.protocol) && url.href === `${url.origin}/` && /^[\w.:/[\]-]+$/.test(url.origin);
  if (plain) return url.origin;
  throw new HoldfastError('usage', `${option} is no address of that kind: ${text}`, {
    next: `give ${schemes.map((scheme) => `${scheme}//host`).join(' or ')}, with its port and nothing after it`,
  });
}
