// A request of the daemon's for a session passes that session's broker like any other.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { refusal } from '../../src/broker/refusal.ts';
import { OwnRequests } from '../../src/mcp/own-request.ts';
import { headerOf, placeholder, secretText, world } from '../broker/world.ts';

async function requests(t: TestContext) {
  const w = await world();
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-own-'));
  const own = new OwnRequests(w.broker, folder);
  t.after(async () => {
    await w[Symbol.asyncDispose]();
    await own.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const get = (url: string, headers: Record<string, string> = {}, body?: string) =>
    own.send({ method: body === undefined ? 'GET' : 'POST', url: new URL(url), headers, body });
  return { w, own, folder, get };
}

// [MCP-6] [MCP-7]
test('a credential is attached at the broker, and the reply shows nothing of it', async (t) => {
  const { w, get } = await requests(t);
  const origin = await w.origin((seen, response) =>
    response.end(`you sent ${headerOf(seen, 'authorization')} and ${seen.body.toString()}`),
  );
  w.grant(origin);
  const reply = await get(`https://localhost:${origin.port}/v1/x`, { authorization: `Bearer ${placeholder}` }, 'größer');
  assert.equal(headerOf(origin.seen[0], 'authorization'), `Bearer ${secretText}`);
  assert.equal(reply.status, 200);
  assert.ok(reply.body.startsWith('you sent Bearer ') && reply.body.endsWith('größer'));
  assert.ok(!JSON.stringify(reply).includes(secretText));
});

test('plain http passes where egress allows it', async (t) => {
  const { w, get } = await requests(t);
  const { createServer } = await import('node:http');
  const plain = createServer((request, response) => response.end(`plain ${request.url}`));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  t.after(() => plain.close());
  const { port } = plain.address() as { port: number };
  w.egress.set(`http://localhost:${port}`, { allowPrivate: true, ca: undefined, pins: undefined });
  assert.equal((await get(`http://localhost:${port}/x?y`)).body, 'plain /x?y');
});

// [MCP-1]
test('what the session may not reach it does not reach this way, its own door included', async (t) => {
  const { w, get } = await requests(t);
  await assert.rejects(get('https://other.example/'), { code: 'refused', message: /egress_denied/ });
  const plain = await get('http://other.example/');
  assert.equal(plain.status, 403);
  assert.equal(plain.headers['x-holdfast-error'], 'egress_denied');
  const door = await get(`http://127.0.0.1:${w.port}/v1/vault`);
  assert.equal(door.status, 403);
  assert.deepEqual(w.resolved, []);
});

test('a long body is cut and says so', async (t) => {
  const { w, get } = await requests(t);
  const origin = await w.origin((_seen, response) => response.end('x'.repeat(3 << 20)));
  w.grant(origin);
  const reply = await get(`https://localhost:${origin.port}/v1/x`);
  assert.equal(reply.body.length, 1 << 20, reply.body.slice(0, 300));
  assert.equal(reply.bodyCut, true);
});

test('more than eight at once are refused, and there is room again when they have ended', async (t) => {
  const { w, get } = await requests(t);
  const held: (() => void)[] = [];
  const origin = await w.origin((_seen, response) => void held.push(() => response.end('ok')));
  w.grant(origin);
  const started = Promise.withResolvers<void>();
  let count = 0;
  origin.started = () => ((count += 1) === 8 ? started.resolve() : undefined);
  const url = `https://localhost:${origin.port}/v1/x`;
  const eight = Array.from({ length: 8 }, () => get(url));
  await started.promise;
  await assert.rejects(get(url), { code: 'limit_exceeded' });
  while (held.length < 8) await new Promise(setImmediate);
  for (const end of held) end();
  await Promise.all(eight);
  const last = get(url);
  while (held.length < 9) await new Promise(setImmediate);
  held.at(-1)?.();
  assert.equal((await last).body, 'ok');
});

test('the way to the broker is the daemon’s alone, made when it is needed, and gone with the session', async (t) => {
  const { w, own, folder, get } = await requests(t);
  assert.deepEqual(readdirSync(folder), []);
  const origin = await w.origin((_seen, response) => response.end('ok'));
  w.grant(origin);
  await get(`https://localhost:${origin.port}/v1/x`);
  const [made = ''] = readdirSync(folder);
  assert.equal(statSync(path.join(folder, made)).mode & 0o777, 0o700);
  await own.close();
  assert.ok(!existsSync(path.join(folder, made)));
});

// [GUARD-31]
test('a request in a sub-agent’s name is sent in that name, through the tunnel and without one', async (t) => {
  const names: string[] = [];
  const w = await world({
    named: (name) => {
      names.push(name);
      throw refusal('child_ended');
    },
  });
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-own-'));
  const own = new OwnRequests(w.broker, folder);
  t.after(async () => {
    await w[Symbol.asyncDispose]();
    await own.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const send = (url: string) => own.send({ method: 'GET', url: new URL(url), headers: {}, body: undefined }, 'hft_x');
  await assert.rejects(send('https://other.example/'), { code: 'refused', message: /child_ended/ });
  assert.equal((await send('http://other.example/')).headers['x-holdfast-error'], 'child_ended');
  assert.deepEqual(names, ['hft_x', 'hft_x']);
});
