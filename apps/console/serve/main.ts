// The console's server as a process, spec/console.md: HOLDFAST_CONSOLE_PORT, `--relay URL`, `--public-url URL`… in, one line
// `console ready <url>` on stdout out. With `--hash` the line is `bundle <hash>`, and it ends.

import { codeOf, type HoldfastError } from '@holdfast/protocol/errors';
import { bundleHash, openBundle } from './bundle.ts';
import { serveConsole } from './server.ts';
import { readSettings } from './wire.ts';

async function main(): Promise<void> {
  const { hashOnly, ...settings } = readSettings(process.argv.slice(2), process.env);
  const bundle = await openBundle();
  if (hashOnly) return void process.stdout.write(`bundle ${bundleHash(bundle)}\n`);
  const server = await serveConsole({ ...settings, bundle });
  const close = async (): Promise<void> => {
    await server.close();
    if (process.connected) process.disconnect();
  };
  // `disconnect`: whoever started us with a channel is gone, however it ended.
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => void close());
  process.stdout.write(`console ready ${server.url}\n`);
}

try {
  await main();
} catch (error) {
  const { message, next } = error as HoldfastError;
  process.stderr.write(`holdfast: ${message} (${codeOf(error)})\n${next === undefined ? '' : `  next: ${next}\n`}`);
  process.exitCode = codeOf(error) === 'usage' ? 2 : 3;
}
