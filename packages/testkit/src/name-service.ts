// A name service for tests: loaded into the daemon of an installation before its own code (`installation.ts`, `settle({ within: namesHere })`), it
// makes every name below `holdfast.test` lead to this machine. Needed because many clients never ask a proxy for `localhost`.

import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

const systemLookup = dns.lookup;

async function lookup(host: string, options: object): Promise<unknown> {
  if (/(^|\.)holdfast\.test$/.test(host))
    return 'all' in options ? [{ address: '127.0.0.1', family: 4 }] : { address: '127.0.0.1', family: 4 };
  return systemLookup(host, options);
}

dns.lookup = lookup as typeof systemLookup;
syncBuiltinESMExports();
