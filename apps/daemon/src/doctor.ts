// What the daemon would find on this machine, as one line of JSON, for `holdfast doctor` (spec/cli.md [CLI-20]): a program of its own, so
// that it answers where no daemon runs. It asks the same probes as the daemon, and leaves nothing behind.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { Custody } from './custody/custody.ts';
import { findPrograms } from './sandbox/probe.ts';

async function attempt(probe: () => Promise<string>): Promise<object> {
  try {
    return { found: await probe() };
  } catch (thrown) {
    const next = thrown instanceof HoldfastError ? thrown.next : undefined;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { code: codeOf(thrown), message, ...(next !== undefined && { next }) };
  }
}

/** Custody of a key store that is made for this and removed again. */
async function custodyIsolation(): Promise<string> {
  const storeFolder = mkdtempSync(path.join(tmpdir(), 'holdfast-doctor-'));
  try {
    const custody = await Custody.start({ storeFolder });
    await custody.close();
    return custody.isolation;
  } finally {
    rmSync(storeFolder, { recursive: true, force: true });
  }
}

const sandbox = await attempt(async () => (await findPrograms()).bwrap);
const custody = await attempt(custodyIsolation);
process.stdout.write(`${JSON.stringify({ sandbox, custody })}\n`);
