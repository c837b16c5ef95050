// The network for one story: loaded into the daemon of an installation before its own code, it lets the provider's names lead to this machine, and
// their port 443 to HOLDFAST_ANTHROPIC_PORT, where the stand-in listens. So the story types what a person types, without a base URL.

import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';

/** The API, and where Claude Code asks on its first start whether it can reach its maker. */
export const names = ['api.anthropic.com', 'platform.claude.com'] as const;

const port = Number(process.env['HOLDFAST_ANTHROPIC_PORT']);
const [systemLookup, systemConnect] = [dns.lookup, tls.connect];
const isHere = (host: unknown): boolean => names.some((name) => name === host);

if (port > 0) {
  dns.lookup = (async (host: string, options: object) =>
    isHere(host) ? [{ address: '127.0.0.1', family: 4 }] : systemLookup(host, options)) as typeof systemLookup;
  tls.connect = ((options: tls.ConnectionOptions) =>
    systemConnect(isHere(options.host) ? { ...options, port } : options)) as typeof systemConnect;
  syncBuiltinESMExports();
}
