// What a grant may be used for in all: how often, how much at once, over parent, children and siblings together. Judged by what the service was asked.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf, root } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const main = path.join(root, 'apps/cli/src/main.ts');

interface Calls {
  readonly url: string;
  readonly times: number;
}

/** All at once; resolves with how often each status or code was told. */
async function callAtOnce({ url, times }: Calls): Promise<Record<string, number>> {
  const told: Record<string, number> = {};
  const call = async (): Promise<void> => {
    const reply = await fetch(url);
    await reply.arrayBuffer();
    const code = reply.headers.get('x-holdfast-error') ?? String(reply.status);
    told[code] = (told[code] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: times }, call));
  return told;
}

interface Item {
  readonly name: string;
  readonly concurrent?: number;
  readonly open?: number;
}

describe('budgets of a grant', () => {
  let holdfast: Installation;
  let origin: Origin;
  /** Those of `/held` are answered when the test says so. */
  const held: ServerResponse[] = [];
  let heard = (): void => {};

  const at = (name: string): string => `https://localhost:${origin.port}/${name}`;
  const arrived = (name: string): number => origin.seen.filter(({ url }) => url === `/${name}`).length;
  const grant = async (name: string, ...limits: string[]): Promise<void> => {
    await holdfast.addCredential(name, newCanary(), origin, { paths: [`/${name}`] });
    await holdfast.must(['vault', 'grant', name, '--to', 'main', ...limits]);
  };
  /** A session that calls, its own or a child's of another. */
  const session = (calls: Calls): LiveProgram => holdfast.session([process.execPath, '-e', scriptOf(callAtOnce, calls)]);
  const inChild = (name: string, calls: Calls): LiveProgram =>
    holdfast.session([
      ...[process.execPath, main, 'run', '--child', '--only', `vault:use:${name}`, '--'],
      ...[process.execPath, '-e', scriptOf(callAtOnce, calls)],
    ]);
  const toldBy = async (program: LiveProgram): Promise<Record<string, number>> => {
    await program.ended;
    const from = program.said.lastIndexOf('answer ');
    assert.ok(from >= 0, program.said + program.complained);
    return JSON.parse(program.said.slice(from + 'answer '.length)) as Record<string, number>;
  };
  const listed = async (name: string): Promise<Item | undefined> =>
    jsonOf<{ items: Item[] }>(await holdfast.cli(['vault', 'list', '--json'])).items.find((each) => each.name === name);

  before(async () => {
    origin = await startOrigin(({ url }, _request, response) => {
      if (url !== '/held' || held.length === 4) return void response.end('ok'); // a fifth should never come
      held.push(response);
      heard();
    });
    holdfast = await Installation.create();
    await holdfast.settle();
  });
  after(async () => {
    await holdfast?.remove();
    await origin?.close();
  });

  // [FENCE-37]
  it('four at once, of a session, its sibling and a child: a fifth is refused at once, and passes when one is over', async () => {
    await grant('held', '--concurrent', '4', '--total', '6');
    const arrivedSo = async (count: number, by: readonly LiveProgram[]): Promise<void> => {
      const ended = Promise.race(by.map((each) => each.ended));
      while (held.length < count) {
        const over = await Promise.race([new Promise<void>((done) => (heard = done)), ended]);
        assert.ok(over === undefined || held.length >= count, by.map(({ said, complained }) => said + complained).join('\n'));
      }
    };
    const sessions = [session({ url: at('held'), times: 2 }), session({ url: at('held'), times: 1 })];
    await arrivedSo(3, sessions);
    sessions.push(inChild('held', { url: at('held'), times: 1 }));
    await arrivedSo(4, sessions);
    assert.deepEqual(await toldBy(inChild('held', { url: at('held'), times: 3 })), { fence_concurrent: 3 });
    assert.deepEqual(await toldBy(session({ url: at('held'), times: 3 })), { fence_concurrent: 3 });
    const item = await listed('held');
    assert.deepEqual([item?.concurrent, item?.open], [4, 4]);
    assert.match((await holdfast.cli(['vault', 'list'])).stdout, /within total 6; concurrent 4; used 4 in all; 4 open/);
    for (const response of held.splice(0)) response.end();
    for (const each of sessions) assert.deepEqual(Object.keys(await toldBy(each)), ['200']);
    assert.equal((await listed('held'))?.open, 0);
    const last = session({ url: at('held'), times: 2 });
    await arrivedSo(2, [last]);
    for (const response of held.splice(0)) response.end();
    assert.deepEqual(await toldBy(last), { 200: 2 }, 'what was refused was no use');
    assert.equal(arrived('held'), 6);
  });

  // [FENCE-31]
  it('a budget of 100 and 1,000 calls at once of parent, sibling and two children, over a restart and a kill: 100 arrive', async () => {
    await grant('tree', '--total', '100');
    const told: Record<string, number> = {};
    const wave = async (each: number): Promise<void> => {
      const calls = { url: at('tree'), times: each };
      const line = [session(calls), session(calls), inChild('tree', calls), inChild('tree', calls)];
      for (const one of await Promise.all(line.map(toldBy)))
        for (const [code, count] of Object.entries(one)) told[code] = (told[code] ?? 0) + count;
    };
    await wave(10);
    assert.equal(await holdfast.stop(), 0);
    await holdfast.start();
    await wave(10);
    assert.deepEqual([told, arrived('tree')], [{ 200: 80 }, 80]);
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGKILL');
    await holdfast.ended();
    await holdfast.start();
    await wave(230);
    assert.deepEqual([told, arrived('tree')], [{ 200: 100, fence_uses: 900 }, 100]);
  });
});
