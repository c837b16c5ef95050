// A service that trusts the fleet's root lets an agent in by what it presents, and turns it away when its operator suspends or revokes it. The
// service is a real one; what it thought of each caller is told by its own answers.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { agentOf, honoAgent, nodeAgent, presentationVerifier, type FleetRoot, type Presented } from '@holdfast/verify';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { patienceMs } from '../packages/testkit/src/patience.ts';

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly agent: Presented | undefined;
  readonly asks: string | null;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function listening(server: Server): Promise<Server> {
  if (!server.listening) await once(server, 'listening');
  return server;
}

describe('an agent proves to services who it is', () => {
  let holdfast: Installation;
  let agent: string;
  let root: FleetRoot;
  /** Hono; agents make up their nonces. */
  let service: Server;
  /** node:http in the manner of Express; it gives out challenges. */
  let strict: Server;
  /** The services' clock: of the newest presentation, however long the machine then takes to do something else. */
  let frozenMs: number | undefined;

  before(async () => {
    holdfast = await Installation.create();
    agent = await holdfast.settle();
    const told = jsonOf<{ roots: FleetRoot[] }>(await holdfast.cli(['root', '--json']));
    root = told.roots[0] ?? assert.fail();

    const app = new Hono<{ Variables: { agent: Presented } }>();
    service = await listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
    app.use(
      honoAgent(
        presentationVerifier({
          root,
          audience: urlOf(service),
          nonces: 'theirs',
          statusMaxAgeMs: 0,
          nowMs: () => frozenMs ?? Date.now(),
        }),
      ),
    );
    app.get('/whoami', (context) => context.json({ agent: context.get('agent') }));

    strict = createServer();
    strict.listen(0, '127.0.0.1');
    await listening(strict);
    const guard = nodeAgent(
      presentationVerifier({
        root,
        audience: urlOf(strict),
        nonces: 'ours',
        statusMaxAgeMs: 0,
        nowMs: () => frozenMs ?? Date.now(),
      }),
    );
    strict.on('request', (request, response) => {
      void guard(request, response, () => response.end(JSON.stringify({ agent: agentOf(request) })));
    });
  });
  after(async () => {
    service.close();
    strict.close();
    await holdfast.remove();
  });

  const present = async (audience: string, more: readonly string[] = []): Promise<string> => {
    const ran = await holdfast.cli(['present', '--audience', audience, ...more]);
    assert.equal(ran.code, 0, ran.stderr);
    frozenMs = Date.now();
    return ran.stdout.trim();
  };
  const call = async (server: Server, presentation?: string): Promise<Answer> => {
    const headers: Record<string, string> = presentation === undefined ? {} : { authorization: `Holdfast ${presentation}` };
    const answer = await fetch(`${urlOf(server)}/whoami`, { headers });
    const body = (await answer.json()) as { error?: { code: string }; agent?: Presented };
    return { status: answer.status, code: body.error?.code, agent: body.agent, asks: answer.headers.get('www-authenticate') };
  };
  /** A machine that was turned away by its relay knocks again after a pause. */
  const untilItMay = async (): Promise<void> => {
    for (const untilMs = performance.now() + patienceMs; performance.now() < untilMs; await later(250)) {
      const { agents } = jsonOf<{ agents: { state: string; freshness: { refusal?: string } }[] }>(
        await holdfast.cli(['status', '--json']),
      );
      if (agents[0]?.state === 'live' && agents[0].freshness.refusal === undefined) return;
    }
    assert.fail('the agent did not come back in time');
  };

  it('is let in once, as who it is', async () => {
    const presentation = await present(urlOf(service));
    const let_in = await call(service, presentation);
    assert.equal(let_in.status, 200, let_in.code);
    assert.equal(let_in.agent?.agent, agent);
    assert.equal(let_in.agent.fleet, root.fleet);
    assert.deepEqual([let_in.agent.scope, let_in.agent.machine], [undefined, undefined], 'what nobody asked for is not told');
    assert.equal((await call(service, presentation)).code, 'presentation_replayed');
    assert.equal((await call(service, await present('https://elsewhere.example'))).code, 'presentation_audience');
    assert.deepEqual([(await call(service)).status, (await call(service)).code], [401, 'presentation_malformed']);
  });

  it('tells what it is asked to tell, and not what its credential does not have', async () => {
    const shown = (await call(service, await present(urlOf(service), ['--show', 'scope']))).agent;
    assert.deepEqual([shown?.scope, shown?.machine], ['main', undefined]);
    const ran = await holdfast.cli(['present', '--audience', urlOf(service), '--show', 'capability:rule-the-world']);
    assert.equal(ran.code, 2);
  });

  it('answers a challenge, once', async () => {
    const { asks } = await call(strict);
    const [, nonce = ''] = /challenge="([^"]+)"/.exec(asks ?? '') ?? assert.fail('it asks for nothing');
    const presentation = await present(urlOf(strict), ['--nonce', nonce]);
    assert.equal((await call(strict, presentation)).status, 200);
    assert.equal((await call(strict, presentation)).code, 'presentation_nonce');
    assert.equal((await call(strict, await present(urlOf(strict)))).code, 'presentation_nonce');
  });

  it('proves it out of a sealed session, to a service that it may reach and to no other', async () => {
    const host = urlOf(service).replace('http://', '');
    await holdfast.must(['egress', 'allow', host, '--to', 'main', '--allow-private']);
    const ask = `curl -sS -H 'content-type: application/json' -d '{"audience":"${urlOf(service)}","show":["scope","harness"]}' $HOLDFAST_DOOR/v1/presentations`;
    const words = `p=$(${ask} | sed 's/.*"presentation":"\\([^"]*\\)".*/\\1/'); curl -sS -H "Authorization: Holdfast $p" ${urlOf(service)}/whoami`;
    frozenMs = undefined; // one right after the other
    const ran = await holdfast.run(['sh', '-c', words]);
    assert.equal(ran.code, 0, ran.stderr);
    const told = JSON.parse(ran.stdout) as { agent?: Presented; error?: { code: string } };
    assert.deepEqual([told.agent?.agent, told.agent?.scope], [agent, 'main'], ran.stdout);
    const build = createHash('sha256')
      .update(readFileSync(realpathSync('/bin/sh')))
      .digest('hex');
    assert.equal(told.agent?.harness, build, 'the program that the session was started with');
    const other = await holdfast.run(['sh', '-c', ask.replace(urlOf(service), 'https://elsewhere.example')]);
    assert.match(other.stdout, /"code":"refused"/);
  });

  it('gives a child of its own less than it has, and services can tell', async () => {
    await holdfast.enrol('helper', holdfast, ['--may', 'deploy', '--may', 'read']);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    const key = { kty: 'EC', crv: 'P-256', x, y };
    const delegated = async (capabilities: readonly string[]) => {
      const asked = JSON.stringify({ key, capabilities });
      const words = `curl -sS -H 'content-type: application/json' -d '${asked}' $HOLDFAST_DOOR/v1/delegations`;
      const ran = await holdfast.cli(['run', '--scope', 'helper', '--', 'sh', '-c', words], { cwd: holdfast.work });
      return JSON.parse(ran.stdout) as { child?: string; credential?: string; error?: { code: string } };
    };
    /** As the child does it, with a key of its own and no daemon. */
    const shownBy = (credential: string): string => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      frozenMs = Date.now();
      const claims = {
        iat: Math.floor(frozenMs / 1000),
        aud: urlOf(service),
        nonce: randomBytes(16).toString('base64url'),
        sd_hash: createHash('sha256').update(credential).digest('base64url'),
      };
      const input = `${part({ alg: 'ES256', typ: 'kb+jwt' })}.${part(claims)}`;
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${credential}${input}.${signature.toString('base64url')}`;
    };
    const { child, credential = '' } = await delegated(['read']);
    const { agent: told, code } = await call(service, shownBy(credential));
    assert.deepEqual([told?.children, told?.capabilities], [[child], ['read']], code);
    assert.equal((await delegated(['read', 'root'])).error?.code, 'delegation_exceeded');
    const widened = credential.replace(/~[^~]+~$/, (hop) =>
      hop.replace(/\.[^.]+\./, (claims) => claims.slice(0, 20) + claims.slice(21)),
    );
    assert.match((await call(service, shownBy(widened))).code ?? '', /^(?:delegation_invalid|presentation_malformed)$/);
    await holdfast.must(['suspend', 'helper']);
    assert.equal((await call(service, shownBy(credential))).code, 'credential_suspended');
  });

  it('is in the record, before anybody else knew', async () => {
    const { events } = jsonOf<{ events: { kind: string; audience?: string; shown?: string[] }[] }>(
      await holdfast.cli(['audit', 'show', '--json']),
    );
    const presented = events.filter(({ kind }) => kind === 'presented');
    assert.ok(presented.some(({ audience, shown }) => audience === urlOf(service) && shown?.includes('scope') === true));
  });

  it('is turned away while it is suspended, and let in again when it is resumed', async () => {
    const before = await present(urlOf(service));
    await holdfast.must(['suspend', 'main', '--reason', 'a look at it']);
    assert.equal((await call(service, before)).code, 'credential_suspended');
    const refused = await holdfast.cli(['present', '--audience', urlOf(service), '--json']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /agent_suspended/);
    const session = await holdfast.run(['true']);
    assert.equal(session.code, 125);
    assert.match(session.stderr, /agent_suspended/);
    const { agents } = jsonOf<{ agents: { state: string }[] }>(await holdfast.operator(['agents', '--json']));
    assert.equal(agents[0]?.state, 'suspended');
    assert.match((await holdfast.operator(['suspend', 'main', '--json'])).stdout, /agent_suspended/);

    await holdfast.must(['resume', 'main']);
    await untilItMay();
    assert.equal((await call(service, await present(urlOf(service)))).status, 200);
    assert.match((await holdfast.operator(['resume', 'main', '--json'])).stdout, /agent_active/);
  });

  it('ends a session that runs when it is suspended', async () => {
    const running = holdfast.session(['sh', '-c', 'echo here; sleep 600']);
    try {
      await running.waitFor(/here/);
      await holdfast.must(['suspend', 'main']);
      assert.equal((await running.ended).code, 125);
    } finally {
      await running.end();
    }
    await holdfast.must(['resume', 'main']);
    await untilItMay();
    assert.equal((await holdfast.run(['true'])).code, 0);
  });

  it('is turned away for good once it is revoked', async () => {
    const before = await present(urlOf(service));
    await holdfast.must(['revoke', 'main']);
    assert.equal((await call(service, before)).code, 'credential_revoked');
    assert.equal((await holdfast.cli(['present', '--audience', urlOf(service)])).code, 1);
  });
});
