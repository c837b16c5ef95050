// What a machine with any hardware key store has to show, whichever it is.

import assert from 'node:assert/strict';
import { failureOf, jsonOf, type Installation } from '../packages/testkit/src/installation.ts';
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

/** A home without what has its keys: no agent is opened, so none connects or writes; nothing is used, proved or enrolled, and each says why. */
export async function isWorthNothing(copy: Installation, origin: Origin, code: string): Promise<void> {
  const status = jsonOf<{ agents: unknown[]; notices: { code: string }[] }>(await copy.cli(['status', '--json']));
  assert.deepEqual([status.agents, status.notices.at(0)?.code], [[], code]);
  for (const words of [
    ['present', '--audience', 'https://api.example.com'],
    ['enroll', '--scope', 'next'],
  ])
    assert.equal(failureOf(await copy.cli([...words, '--json'])).code, code, words[0]);
  const ran = await copy.run(['curl', '-sS', `https://localhost:${origin.port}/v1/me`]);
  assert.equal(ran.code, 125, ran.stdout + ran.stderr);
  assert.ok(ran.stderr.includes(code), ran.stderr);
}

export async function doesTheMainJob(installation: Installation, origin: Origin, secret: string): Promise<void> {
  const ran = await callService(installation, origin);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(origin.seen.at(-1)?.headers['authorization'], `Bearer ${secret}`);
}
