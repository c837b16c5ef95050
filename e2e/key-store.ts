// What a machine with any hardware key store has to show, whichever it is.

import assert from 'node:assert/strict';
import { jsonOf, type Installation } from '../packages/testkit/src/installation.ts';
import type { Origin } from '../packages/testkit/src/origin.ts';

/** The machine's own status and the operator's list name the store of the one agent. */
export async function namesItsStore(installation: Installation, level: string): Promise<void> {
  const status = jsonOf<{ custody: string; agents: { custody: string }[] }>(await installation.cli(['status', '--json']));
  assert.equal(status.custody, level);
  const { agents } = jsonOf<{ agents: { custody: string }[] }>(await installation.operator(['agents', '--json']));
  for (const shown of [status.agents, agents])
    assert.deepEqual(
      shown.map(({ custody }) => custody),
      [level],
    );
}

export function callService(installation: Installation, origin: Origin): ReturnType<Installation['run']> {
  return installation.run(['curl', '-sS', '--fail', `https://localhost:${origin.port}/v1/me`]);
}

export async function doesTheMainJob(installation: Installation, origin: Origin, secret: string): Promise<void> {
  const ran = await callService(installation, origin);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(origin.seen.at(-1)?.headers['authorization'], `Bearer ${secret}`);
}
