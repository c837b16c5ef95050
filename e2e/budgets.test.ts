// What a grant, or all of an agent's grants together, may be used for in all: how often, how much at once, over parent, children and siblings. Judged by what the service was asked.

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
  /** In turn. */
  readonly urls: readonly string[];
  readonly times: number;
}

/** All at once; resolves with how often each status or code was told. */
async function callAtOnce({ urls, times }: Calls): Promise<Record<string, number>> {
  const told: Record<string, number> = {};
  const call = async (url: string): Promise<void> => {
    const reply = await fetch(url);
    await reply.arrayBuffer();
    const code = reply.headers.get('x-holdfast-error') ?? String(reply.status);
    told[code] = (told[code] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: times }, (_, at) => call(urls[at % urls.length] ?? '')));
  return told;
}

interface Budget {
  readonly budget: string;
  readonly total?: number;
  readonly applied: boolean;
}

interface Item {
  readonly name: string;
  readonly concurrent?: number;
  readonly open?: number;
}

describe('budgets', () => {
  let holdfast: Installation;
  let origin: Origin;
  /** Those of `/held` and `/slow` are answered when the test says so. */
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
  const arrivedSo = async (count: number, by: readonly LiveProgram[]): Promise<void> => {
    const ended = Promise.race(by.map((each) => each.ended));
    while (held.length < count) {
      const over = await Promise.race([new Promise<void>((done) => (heard = done)), ended]);
      assert.ok(over === undefined || held.length >= count, by.map(({ said, complained }) => said + complained).join('\n'));
    }
  };
  /** Of parent, sibling and two children, over a restart and a kill; the first eighty pass. */
  const thousandCalls = async (names: readonly string[]): Promise<Record<string, number>> => {
    const told: Record<string, number> = {};
    const wave = async (times: number): Promise<void> => {
      const calls = { urls: names.map(at), times };
      const all = names.join(',vault:use:');
      const line = [session(calls), session(calls), inChild(all, calls), inChild(all, calls)];
      for (const one of await Promise.all(line.map(toldBy)))
        for (const [code, count] of Object.entries(one)) told[code] = (told[code] ?? 0) + count;
    };
    await wave(10);
    assert.equal(await holdfast.stop(), 0);
    await holdfast.start();
    await wave(10);
    assert.deepEqual(told, { 200: 80 });
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGKILL');
    await holdfast.ended();
    await holdfast.start();
    await wave(230);
    return told;
  };
  const listed = async (name: string): Promise<Item | undefined> =>
    jsonOf<{ items: Item[] }>(await holdfast.cli(['vault', 'list', '--json'])).items.find((each) => each.name === name);

  before(async () => {
    origin = await startOrigin(({ url }, _request, response) => {
      if ((url !== '/held' && url !== '/slow') || held.length === 4) return void response.end('ok'); // a fifth should never come
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
    const sessions = [session({ urls: [at('held')], times: 2 }), session({ urls: [at('held')], times: 1 })];
    await arrivedSo(3, sessions);
    sessions.push(inChild('held', { urls: [at('held')], times: 1 }));
    await arrivedSo(4, sessions);
    assert.deepEqual(await toldBy(inChild('held', { urls: [at('held')], times: 3 })), { fence_concurrent: 3 });
    assert.deepEqual(await toldBy(session({ urls: [at('held')], times: 3 })), { fence_concurrent: 3 });
    const item = await listed('held');
    assert.deepEqual([item?.concurrent, item?.open], [4, 4]);
    assert.match(
      (await holdfast.cli(['vault', 'list'])).stdout,
      /6 times in all, 4 at once at most[^\n]*\n[^\n]*; used 4 in all; 4 open/,
    );
    for (const response of held.splice(0)) response.end();
    for (const each of sessions) assert.deepEqual(Object.keys(await toldBy(each)), ['200']);
    assert.equal((await listed('held'))?.open, 0);
    const last = session({ urls: [at('held')], times: 2 });
    await arrivedSo(2, [last]);
    for (const response of held.splice(0)) response.end();
    assert.deepEqual(await toldBy(last), { 200: 2 }, 'what was refused was no use');
    assert.equal(arrived('held'), 6);
  });

  // [FENCE-31]
  it('a budget of 100 and 1,000 calls at once of parent, sibling and two children, over a restart and a kill: 100 arrive', async () => {
    await grant('tree', '--total', '100');
    assert.deepEqual(await thousandCalls(['tree']), { 200: 100, fence_uses: 900 });
    assert.equal(arrived('tree'), 100);
  });

  // [VAULT-17]
  it('the same over two credentials by the budget of their agent, whatever each of them allows: 100 arrive', async () => {
    await grant('one', '--total', '900');
    await grant('two');
    const set = jsonOf<Budget>(await holdfast.must(['vault', 'budget', 'main', '--total', '100', '--json']));
    assert.deepEqual([set.total, set.applied], [100, true]);
    assert.deepEqual(await thousandCalls(['one', 'two']), { 200: 100, budget_spent: 900 });
    assert.equal(arrived('one') + arrived('two'), 100);
    assert.ok(arrived('one') > 0 && arrived('two') > 0);
    assert.match(
      (await holdfast.cli(['vault', 'list'])).stdout,
      /main .* may use all of its credentials together 100 times in all\.\n {4}used 100 in all/,
    );
    const more = jsonOf<Budget>(await holdfast.must(['vault', 'budget', 'main', '--total', '101', '--json']));
    assert.equal(more.budget, set.budget, 'the count goes on');
    assert.deepEqual(await toldBy(session({ urls: [at('two')], times: 5 })), { 200: 1, budget_spent: 4 });
    await holdfast.must(['vault', 'unbudget', 'main']);
    assert.deepEqual(await toldBy(session({ urls: [at('two')], times: 5 })), { 200: 5 });
    const verified = await holdfast.cli(['audit', 'verify', '--json']);
    assert.equal(verified.code, 0, verified.stderr);
  });

  // [VAULT-18]
  it('what is under way when a budget begins would not count in it, and is cut; from then on all credentials share it', async () => {
    await grant('slow');
    const under = session({ urls: [at('slow')], times: 1 });
    await arrivedSo(1, [under]);
    await holdfast.must(['vault', 'budget', 'main', '--concurrent', '1']);
    assert.deepEqual(await toldBy(under), { request_cut: 1 });
    held.length = 0;
    const holding = session({ urls: [at('slow')], times: 1 });
    await arrivedSo(1, [holding]);
    assert.deepEqual(await toldBy(session({ urls: [at('two')], times: 2 })), { budget_spent: 2 });
    for (const response of held.splice(0)) response.end();
    assert.deepEqual(await toldBy(holding), { 200: 1 });
    assert.deepEqual(await toldBy(session({ urls: [at('two')], times: 1 })), { 200: 1 });
  });
});
