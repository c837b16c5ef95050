// The console's cold start in a real Chromium: from asking for the address, with nothing cached, to what a person can use, and from the finger on the passkey
// to the fleet as the relay has it now; and how much is loaded. Targets: 1.5 s, 150 kB (the console's issue). The bare operation: the smallest file of the
// same server, in the same browser. `node bench/console-load.ts [rounds]`; prints one JSON line.

import { loadavg } from 'node:os';
import { gzipSync } from 'node:zlib';
import { desk, TestBrowser } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { joinFleet } from '../e2e/console/operator-browser.ts';
import { spread } from './console/spread.ts';

const rounds = Number(process.argv[2] ?? 20);

/** Bytes under gzip of what the page itself names. */
async function initialBytes(url: string): Promise<number> {
  const page = await (await fetch(url)).text();
  const named = [...page.matchAll(/<(?:script|link)[^>]*(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name = '']) => name);
  const files = await Promise.all(named.map(async (name) => (await fetch(new URL(name, url))).bytes()));
  return files.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0);
}

const holdfast = await Installation.create();
try {
  await holdfast.start({ console: true });
  await holdfast.must(['init', '--name', 'bench']);
  const url = holdfast.consoleUrl ?? '';
  await using browser = await TestBrowser.launch();
  const [bare, cold, unlocked]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    await using visitor = await browser.visitor(url, { size: desk });
    let beganMs = performance.now();
    await visitor.goto('/icon.svg');
    bare.push(performance.now() - beganMs);
    await using stranger = await browser.visitor(url, { size: desk });
    beganMs = performance.now();
    await stranger.goto('/');
    await stranger.page.getByRole('link', { name: 'Join a fleet' }).click({ trial: true });
    cold.push(performance.now() - beganMs);
  }
  await using member = await browser.visitor(url, { size: desk });
  await joinFleet(member, holdfast, 'desk');
  for (let round = 0; round < rounds; round += 1) {
    await member.goto('/');
    const unlock = member.page.getByRole('button', { name: /passkey/i });
    await unlock.waitFor();
    const beganMs = performance.now();
    await unlock.click();
    await member.page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await member.page.getByText(/^Nothing needs you/).waitFor();
    unlocked.push(performance.now() - beganMs);
  }
  const load = Number((loadavg()[0] ?? 0).toFixed(1));
  const times = { bareFileMs: spread(bare), coldStartMs: spread(cold), unlockMs: spread(unlocked) };
  process.stdout.write(`${JSON.stringify({ bench: 'console-load', load, initialBytes: await initialBytes(url), ...times })}\n`);
} finally {
  await holdfast.remove();
}
process.exit();
