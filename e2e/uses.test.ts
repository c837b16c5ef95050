// How often a credential is used: parallel calls of several sessions against one budget, across restarts, and after what the daemon keeps was put
// back to what it was before. Judged by what the service was asked.

import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { inside } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { share } from '../packages/testkit/src/shares.ts';

interface Calls {
  readonly url: string;
  readonly times: number;
  readonly body?: string;
}

/** All at once; resolves with how often each status or code was told. */
async function callAtOnce({ url, times, body }: Calls): Promise<Record<string, number>> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const told: Record<string, number> = {};
  const call = async (): Promise<void> => {
    const reply = await fetch(url, init);
    await reply.arrayBuffer();
    const code = reply.headers.get('x-holdfast-error') ?? String(reply.status);
    told[code] = (told[code] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: times }, call));
  return told;
}

/** One after the other until one is refused; resolves with its code. */
async function callUntilRefused({ url }: { url: string }): Promise<string> {
  for (;;) {
    const reply = await fetch(url);
    await reply.arrayBuffer();
    const code = reply.headers.get('x-holdfast-error');
    if (code !== null) return code;
  }
}

describe('uses of a grant', () => {
  const budget = 100;
  const times = share({ ci: 75, soak: 1000 });
  let holdfast: Installation;
  let origin: Origin;
  const at = (name: string): string => `https://localhost:${origin.port}/${name}`;
  const arrived = (name: string): number => origin.seen.filter(({ url }) => url === `/${name}`).length;
  const call = (name: string, count: number, body?: string): Promise<Record<string, number>> =>
    inside(holdfast, callAtOnce, { url: at(name), times: count, ...(body !== undefined && { body }) });
  const grant = async (name: string, ...limits: string[]): Promise<void> => {
    await holdfast.addCredential(name, newCanary(), origin, { paths: [`/${name}`] });
    await holdfast.must(['vault', 'grant', name, '--to', 'main', ...limits]);
  };

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  // [FENCE-31]
  it('a budget of 100: two sessions at once, a restart, a kill and a state put back; the service is asked 100 times', async () => {
    await grant('often', '--total', String(budget));
    assert.equal(await holdfast.stop(), 0);
    const folder = path.join(holdfast.home, 'daemon');
    const state = (await readdir(folder)).filter((name) => /sqlite|\.db/.test(name));
    assert.ok(state.length > 0, 'where the daemon keeps its state');
    const backup = path.join(holdfast.folder, 'backup');
    for (const name of state) await cp(path.join(folder, name), path.join(backup, name));
    await holdfast.start();
    await call('often', 20);
    assert.equal(await holdfast.stop(), 0);
    await holdfast.start();
    const told = await Promise.all([call('often', times), call('often', times)]);
    assert.equal(arrived('often'), budget, JSON.stringify(told));
    const { items } = jsonOf<{ items: { name: string; total: number; used: { total: number } }[] }>(
      await holdfast.cli(['vault', 'list', '--json']),
    );
    assert.deepEqual(items.find(({ name }) => name === 'often')?.used.total, budget);
    assert.match((await holdfast.cli(['vault', 'list'])).stdout, /100 times in all[^\n]*\n[^\n]*; used 100/);
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGKILL');
    await holdfast.ended();
    for (const name of await readdir(folder)) if (/sqlite|\.db/.test(name)) await rm(path.join(folder, name));
    for (const name of state) await cp(path.join(backup, name), path.join(folder, name));
    await holdfast.start();
    assert.deepEqual(await call('often', 5), { fence_uses: 5 });
    assert.equal(arrived('often'), budget);
  });

  // [FENCE-31]
  it('so many in an hour, and no more', async () => {
    await grant('hourly', '--max', '3/h');
    assert.deepEqual(await call('hourly', 10), { 200: 3, fence_uses: 7 });
    assert.equal(arrived('hourly'), 3);
  });

  // [FENCE-30]
  it('until a moment, and not after it', async () => {
    await grant('brief', '--until', '5s');
    assert.equal(await inside(holdfast, callUntilRefused, { url: at('brief') }), 'fence_time');
    const before = arrived('brief');
    assert.deepEqual(await call('brief', 3), { fence_time: 3 });
    assert.equal(arrived('brief'), before);
  });

  // [FENCE-16] [FENCE-31]
  it('at most 3,000, to one payee, once, before a moment: of 100 at once one arrives', async () => {
    await grant('pay', '--body', '/amount<=3000', '--body', '/payee=acct_1', '--total', '1', '--until', '1h');
    const body = '{"amount":3000,"payee":"acct_1"}';
    assert.deepEqual(await call('pay', 10, body.replace('3000', '3000.01')), { fence_body: 10 });
    const told = await call('pay', 100, body);
    assert.deepEqual(told, { 200: 1, fence_uses: 99 });
    assert.deepEqual(await call('pay', 1, body), { fence_uses: 1 });
    assert.deepEqual([arrived('pay'), origin.seen.at(-1)?.body.toString()], [1, body]);
  });
});
