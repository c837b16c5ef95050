// `npm run check [-- NAME…]`: all checks of scripts/checks.ts (or those named), then the tests. `-- --no-tests` leaves those out.

import { spawn } from 'node:child_process';
import { checks } from './checks.ts';

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const names = args.filter((arg) => arg !== '--no-tests');
  const unknown = names.find((name) => !(name in checks));
  if (unknown !== undefined) {
    process.stdout.write(`no check named ${unknown}; there are: ${Object.keys(checks).join(', ')}\n`);
    return 2;
  }

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const startedMs = performance.now();
    const { ok, text } = await check(process.cwd(), interrupted.signal);
    process.stdout.write(
      `${name.padEnd(10)} ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s   ${ok ? 'ok' : 'FAILED'}\n`,
    );
    if (!ok) {
      failed += 1;
      process.stdout.write(`${text.replaceAll(/^/gm, '    ')}\n`);
    }
  }
  if (failed > 0) process.stdout.write(`${failed} of the checks failed\n`);
  if (names.length > 0 || args.includes('--no-tests')) return failed > 0 ? 1 : 0;
  return (await runTests(interrupted.signal)) === 0 && failed === 0 ? 0 : 1;
}

/** In a process of its own, so that a crash of the runner is a failure and not the end of this report. */
function runTests(signal: AbortSignal): Promise<number> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['scripts/test.ts'], { stdio: 'inherit' });
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
    child.on('error', () => done(1));
    child.on('close', (code) => done(code ?? 1));
  });
}

process.exitCode = await main();
