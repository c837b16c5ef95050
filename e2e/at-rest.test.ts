// Where a secret is when nobody uses it: in no file of ours, and one second after a call in no memory of daemon, custody, relay or agent.

import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { copiesOf, leaksBelow, leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { copiesIn, whyNoMemory } from '../packages/testkit/src/memory.ts';
import { sessionProgram } from '../packages/testkit/src/processes.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const unreadable = await whyNoMemory();

/** One second: the claim is about what is left by then. */
const claimedMs = 1_000;

/** The agent: for each line `METHOD URL`, one call with its own HTTP client; it stays alive and keeps everything that it was told. */
const agentScript = `
const kept = [];
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const [method, url] = line.split(' ');
  const headers = { authorization: 'Bearer ' + process.env.DEMO_TOKEN };
  const reply = await fetch(url, method === 'POST' ? { method, headers, body: 'b'.repeat(20000) } : { method, headers });
  kept.push(await reply.text(), [...reply.headers]);
  console.log('called', reply.status);
});
console.log('agent is up with', process.env.DEMO_TOKEN);`;

describe('a secret that nobody is using', () => {
  const secret = newCanary();
  const needles = copiesOf(secret);
  const mark = `agent-${process.pid}-${Date.now()}`;
  let holdfast: Installation;
  let origin: Origin;
  let agent: LiveProgram;
  let calls = 0;
  /** The placeholder: daemon and agent hold it, so a scan that does not find it there has not looked. */
  let known: Buffer;

  /** One call of the agent, and one second. */
  const call = async (method: string, path: string): Promise<void> => {
    calls += 1;
    agent.write(`${method} https://localhost:${origin.port}${path}\n`);
    await agent.until(() => (agent.said.match(/^called 200$/gm)?.length === calls ? true : undefined), `call ${calls}`);
    const last = origin.seen.at(-1);
    assert.deepEqual([last?.method, last?.headers.authorization], [method, `Bearer ${secret}`]);
    await sleep(claimedMs);
  };
  /** Copies in each process, all forms together. */
  const copies = async (): Promise<Record<string, number>> => {
    const pids = { ...(await holdfast.parts()), agent: await sessionProgram(mark) };
    const counted: Record<string, number> = {};
    for (const [name, pid] of Object.entries(pids)) {
      const [control = 0, ...counts] = await copiesIn(pid, [known, ...needles]);
      assert.equal(control > 0, name === 'daemon' || name === 'agent', `the placeholder in ${name}: ${control}`);
      counted[name] = counts.reduce((sum, count) => sum + count, 0);
    }
    return counted;
  };
  const none = { relay: 0, daemon: 0, custody: 0, agent: 0 };

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { paths: ['/v1/**'], methods: ['GET', 'POST'], env: 'DEMO_TOKEN' });
    agent = holdfast.session([process.execPath, '-e', agentScript, mark]);
    const [, placeholder = ''] = await agent.waitFor(/agent is up with (hf_\S+)\n/);
    known = Buffer.from(placeholder);
  });
  after(async () => {
    await agent.end();
    await holdfast.remove();
    await origin.close();
  });

  it('the scan finds a copy where there is one', { skip: unreadable ?? false }, async () => {
    const holder = new LiveProgram(process.execPath, [
      '-e',
      `process.stdin.once('data', (data) => { globalThis.kept = data.toString('utf8'); console.log('held'); })`,
    ]);
    holder.write(secret);
    await holder.waitFor(/held/);
    const counts = await copiesIn(holder.pid, needles);
    await holder.end();
    assert.ok((counts[0] ?? 0) >= 1, `${counts.join(', ')} copies`);
  });

  it('no copy is left one second after the first call, on a new connection', { skip: unreadable ?? false }, async () => {
    await call('GET', '/v1/first');
    assert.deepEqual(await copies(), none);
  });

  it('nor after a POST with a body, and more calls on the same connection', { skip: unreadable ?? false }, async () => {
    await call('POST', '/v1/post');
    for (let round = 0; round < 5; round += 1) {
      calls += 1;
      agent.write(`GET https://localhost:${origin.port}/v1/again-${round}\n`);
      await agent.until(() => (agent.said.match(/^called 200$/gm)?.length === calls ? true : undefined), `call ${calls}`);
    }
    await call('POST', '/v1/last');
    assert.deepEqual(await copies(), none);
  });

  it('the agent was told nothing of it', () => {
    assert.deepEqual(leaksIn(agent.said + agent.complained, secret), []);
  });

  it("no file of the home holds it: journal, relay store, audit log, keys, the scope's home", async () => {
    assert.deepEqual(await leaksBelow(holdfast.folder, secret), []);
  });

  it('nor any after all parts have stopped and written everything out', async () => {
    await agent.end();
    assert.equal(await holdfast.stop(), 0);
    assert.deepEqual(await leaksBelow(holdfast.folder, secret), []);
    const files = (await readdir(holdfast.home, { recursive: true })).join('\n');
    for (const kept of ['relay/relay.db', 'daemon/journal.db', 'operator/'])
      assert.ok(files.includes(kept), `${kept} was looked at`);
  });

  it('nor the logs', () => {
    assert.ok(holdfast.log.length > 0);
    assert.deepEqual(leaksIn(holdfast.said + holdfast.log, secret), []);
  });

  it('the scan of files finds it where there is one', async () => {
    await writeFile(`${holdfast.work}/planted`, `x${Buffer.from(secret).toString('base64')}y`);
    const [found] = await leaksBelow(holdfast.work, secret);
    assert.match(found ?? '', /planted: base64 at 0/);
  });
});
