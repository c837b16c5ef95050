// A credential that stands in a field of the body, as a person sets it up and an agent uses it: the service gets the value, and the agent never, not
// by an echo, and neither from the daemon's memory nor from its own in the middle of an upload that the service reads slowly.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { copiesOf, leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { copiesIn, whyNoMemory } from '../packages/testkit/src/memory.ts';
import { startService, type Service } from '../packages/testkit/src/origin.ts';
import { sessionProgram } from '../packages/testkit/src/processes.ts';

const unreadable = (await whyNoMemory()) ?? false;

/** One second: the claim is about what is left by then. */
const claimedMs = 1_000;

/** For each URL on a line: one long upload with the placeholder in its field. It keeps all that it was told. */
const agentScript = `
const kept = [];
require('node:readline').createInterface({ input: process.stdin }).on('line', async (url) => {
  const body = JSON.stringify({ pad: 'x'.repeat(250_000), auth: { key: process.env.SHOP_KEY } });
  const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  kept.push(await reply.text());
  console.log('called', reply.status);
});
console.log('up with', process.env.SHOP_KEY);`;

describe('a credential in a field of the body', () => {
  const secret = newCanary();
  const mark = `uploads-${process.pid}-${Date.now()}`;
  const slow = new EventEmitter();
  const bodies: string[] = [];
  let service: Service;
  let holdfast: Installation;
  let agent: LiveProgram | undefined;

  before(async () => {
    service = await startService((request, response) => {
      const chunks: Buffer[] = [];
      const read = (): void => void request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      if (request.url === '/v1/slow') slow.emit('halfway', read);
      else read();
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        // An echo, where no memory is looked at.
        response.end(request.url === '/v1/slow' ? 'thank you' : Buffer.concat(chunks));
      });
    });
    holdfast = await Installation.create();
    await holdfast.settle();
    const terms = { attach: 'body:/auth/key', paths: ['/v1/**'], methods: ['POST'], env: 'SHOP_KEY' };
    await holdfast.giveCredential('shop', secret, service, terms);
  });
  after(async () => {
    await agent?.end();
    await holdfast.remove();
    await service.close();
  });

  const at = (path: string): string => `https://localhost:${service.port}${path}`;

  it('by curl: the placeholder or nothing in its field; the service gets the value, and what it repeats shows nothing', async () => {
    const post = `curl -sS -H 'content-type: application/json' ${at('/v1/pay')} -d`;
    const ran = await holdfast.run(['sh', '-c', `${post} '{"amount":10,"auth":{"key":"'$SHOP_KEY'"}}'; ${post} '{"amount":20}'`]);
    assert.deepEqual(
      bodies.splice(0).map((body) => JSON.parse(body) as unknown),
      [10, 20].map((amount) => ({ amount, auth: { key: secret } })),
      ran.stderr,
    );
    assert.match(ran.stdout, /^\{"amount":10,"auth":\{"key":"[^"]+"\}\}\{"amount":20,/);
    assert.deepEqual(leaksIn(ran.stdout + ran.stderr, secret), []);
  });

  it('a handle that the agent asked for stands there as well, once, and for its own request', async () => {
    const ask = (path: string): string =>
      `$(curl -sS -H 'content-type: application/json' -d '{"credential":"shop","request":{"method":"POST","url":"${at(path)}"}}' $HOLDFAST_DOOR/v1/handles | sed 's/.*"handle":"\\([^"]*\\)".*/\\1/')`;
    const send = (path: string): string =>
      `curl -sS -o /dev/null -w '%{http_code} ' -H 'content-type: application/json' ${at(path)} -d '{"auth":{"key":"'$handle'"}}'`;
    const script = `handle=${ask('/v1/one')}; ${send('/v1/one')}; ${send('/v1/one')}; handle=${ask('/v1/two')}; ${send('/v1/other')}; ${send('/v1/two')}`;
    const ran = await holdfast.run(['sh', '-c', script]);
    assert.equal(ran.stdout, '200 403 403 403 ', ran.stderr);
    assert.deepEqual(bodies.splice(0), [`{"auth":{"key":${JSON.stringify(secret)}}}`]);
  });

  it(
    'in the middle of a slow upload the daemon has it once at most, and a second later not at all; nobody else ever',
    { skip: unreadable },
    async (t) => {
      const [live, halfway] = [holdfast.session([process.execPath, '-e', agentScript, mark]), once(slow, 'halfway')];
      agent = live;
      await live.waitFor(/up with hf_/);
      const [agentPid, needles] = [await sessionProgram(mark), copiesOf(secret)];
      const copies = async (): Promise<Record<string, number>> => {
        const counted: Record<string, number> = {};
        for (const [name, pid] of Object.entries({ ...(await holdfast.parts()), agent: agentPid }))
          counted[name] = (await copiesIn(pid, needles)).reduce((sum, count) => sum + count, 0);
        return counted;
      };
      live.write(`${at('/v1/slow')}\n`);
      const [read] = (await halfway) as [() => void];
      const { daemon = 2, ...others } = await copies();
      t.diagnostic(`${daemon} in the daemon`);
      assert.ok(daemon <= 1, `${daemon} copies`);
      assert.deepEqual(others, { relay: 0, custody: 0, agent: 0 });
      read();
      await live.waitFor(/^called 200$/m);
      assert.ok(bodies.at(-1)?.endsWith(`"auth":{"key":${JSON.stringify(secret)}}}`));
      await later(claimedMs);
      assert.deepEqual(await copies(), { relay: 0, daemon: 0, custody: 0, agent: 0 });
    },
  );
});
