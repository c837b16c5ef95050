// The main job as a person does it, with curl in a sealed session against a service with TLS of its own: what the service saw, what the
// agent saw, what the record says, and what is left after a revocation.

import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Event {
  readonly kind: string;
  readonly atMs: number;
  readonly sequence: number;
  readonly [field: string]: unknown;
}

interface Time {
  readonly permissionedMs: number;
  readonly credentialedMs: number;
  readonly calls: number;
  readonly lastUseAtMs: number;
  readonly agents: number;
  readonly peakMs: number;
  readonly standingRatio: number;
}

describe('the main job', () => {
  const secret = newCanary();
  const purpose = 'who is asking';
  /** Everything that anything printed: the secret must be in none of it. */
  const printed: Ran[] = [];
  let holdfast: Installation;
  let origin: Origin;
  let agent: string;

  const kept = async (running: Promise<Ran>): Promise<Ran> => {
    const ran = await running;
    printed.push(ran);
    return ran;
  };
  const events = async (): Promise<Event[]> =>
    jsonOf<{ events: Event[] }>(await kept(holdfast.cli(['audit', 'show', '--json']))).events;
  const url = (path: string): string => `https://localhost:${origin.port}${path}`;

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  it('start says one line on stdout when it is ready', async () => {
    await holdfast.start();
    assert.equal(holdfast.said, `ready ${holdfast.url}\n`);
  });

  it('init makes a fleet; the recovery code is in a file for its owner alone, and nowhere else', async () => {
    const ran = await kept(holdfast.operator(['init', '--name', 'story', '--json']));
    assert.equal(ran.code, 0, ran.stderr);
    const { fleet, recoveryFile } = jsonOf<{ fleet: string; recoveryFile: string }>(ran);
    assert.match(fleet, /^[0-9a-f]{64}$/);
    assert.equal((await stat(recoveryFile)).mode & 0o777, 0o600);
    const code = (await readFile(recoveryFile, 'utf8')).trim();
    assert.ok(code.length >= 26, 'at least 128 bits in base32');
    assert.ok(![ran.stdout, ran.stderr, holdfast.log].some((text) => text.includes(code)));
  });

  it('enroll shows code, URL and words; approve with those words admits the agent', async () => {
    const lines: string[] = [];
    let approval: Promise<Ran> | undefined;
    const enrolled = await kept(
      holdfast.cli(['enroll', '--scope', 'main', '--json'], {
        onLine: (line) => {
          lines.push(line);
          const { url, words } = JSON.parse(line) as { url?: string; words?: string[] };
          if (url !== undefined) approval = holdfast.operator(['approve', url, '--words', words?.join(' ') ?? '']);
        },
      }),
    );
    assert.ok(approval !== undefined, enrolled.stderr);
    const approved = await kept(approval);
    assert.deepEqual([enrolled.code, approved.code], [0, 0], enrolled.stderr + approved.stderr);
    assert.equal(lines.length, 2);
    const offer = JSON.parse(lines[0] ?? '') as { code: string; url: string; words: string[] };
    assert.equal(offer.words.length, 3);
    assert.ok(offer.url.endsWith(`#${offer.code}`));
    ({ agent } = JSON.parse(lines[1] ?? '') as { agent: string });
    const { agents } = jsonOf<{ agents: { agent: string; scope: string; state: string }[] }>(
      await kept(holdfast.cli(['agents', '--json'])),
    );
    assert.deepEqual(
      agents.map(({ agent, scope, state }) => [agent, scope, state]),
      [[agent, 'main', 'live']],
    );
  });

  it('vault add and grant take the secret from stdin; vault list shows its terms and never the secret', async () => {
    printed.push(
      await holdfast.addCredential('demo', secret, origin, { paths: ['/v1/**'], methods: ['GET'], env: 'DEMO_TOKEN', purpose }),
    );
    const granted = await kept(holdfast.operator(['vault', 'grant', 'demo', '--to', 'main', '--json']));
    assert.equal(granted.code, 0, granted.stderr);
    assert.equal(jsonOf<{ applied: boolean }>(granted).applied, true);
    for (const listed of [
      await kept(holdfast.cli(['vault', 'list', '--json'])),
      await kept(holdfast.operator(['vault', 'list', '--json'])),
    ]) {
      const { items } = jsonOf<{ items: Record<string, unknown>[] }>(listed);
      assert.equal(items.length, 1);
      assert.deepEqual(
        [items[0]?.['name'], items[0]?.['hosts'], items[0]?.['paths'], items[0]?.['methods'], items[0]?.['env']],
        ['demo', [`localhost:${origin.port}`], ['/v1/**'], ['GET'], 'DEMO_TOKEN'],
      );
    }
  });

  it('the agent has a placeholder where the secret would be', async () => {
    const { stdout } = await kept(holdfast.run(['env']));
    assert.match(stdout, /^DEMO_TOKEN=hf_[A-Za-z0-9_-]{43}$/m);
  });

  it('curl with the placeholder: the service gets the real secret', async () => {
    const ran = await kept(holdfast.run(['sh', '-c', `curl -sS -H "Authorization: Bearer $DEMO_TOKEN" ${url('/v1/me')}`]));
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(jsonOf(ran), { ok: true, method: 'GET', path: '/v1/me', authenticated: true });
    assert.deepEqual(
      origin.seen.map(({ method, url, headers }) => [method, url, headers.authorization]),
      [['GET', '/v1/me', `Bearer ${secret}`]],
    );
  });

  it('curl that sends no authentication at all: the service gets the real secret', async () => {
    const ran = await kept(holdfast.run(['curl', '-sS', url('/v1/items?page=2')]));
    assert.equal(ran.code, 0, ran.stderr);
    const last = origin.seen.at(-1);
    assert.deepEqual([origin.seen.length, last?.url, last?.headers.authorization], [2, '/v1/items?page=2', `Bearer ${secret}`]);
  });

  it('node, with its own fetch: the service gets the real secret', async () => {
    const ran = await kept(
      holdfast.run(['node', '-e', `fetch('${url('/v1/node')}').then(async (reply) => process.stdout.write(await reply.text()))`]),
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual([origin.seen.length, origin.seen.at(-1)?.headers.authorization], [3, `Bearer ${secret}`]);
  });

  it("the exit code of run is the command's", async () => {
    assert.equal((await kept(holdfast.run(['sh', '-c', 'exit 7']))).code, 7);
    assert.equal((await kept(holdfast.run(['curl', '-sS', '-f', url('/v2/other')]))).code, 22);
  });

  it('time tells how long the credential could have been used, against a standing key', async () => {
    const ran = await kept(holdfast.cli(['time', '--json']));
    const time = jsonOf<Time>(ran);
    assert.deepEqual([ran.code, time.calls, time.agents], [0, 3, 1]);
    assert.ok(time.permissionedMs > 0 && time.permissionedMs < 60_000, `permissioned ${time.permissionedMs} ms`);
    assert.ok(time.credentialedMs > 0 && time.credentialedMs < 60_000, `credentialed ${time.credentialedMs} ms`);
    assert.ok(time.peakMs > 0 && time.peakMs <= time.permissionedMs);
    assert.ok(time.standingRatio > 1, `ratio ${time.standingRatio}`);
  });

  it('vault list says what it is for, and when it was last used, as the record has it', async () => {
    const time = jsonOf<Time>(await kept(holdfast.cli(['time', '--json'])));
    const recorded = { calls: 3, lastUseAtMs: time.lastUseAtMs, permissionedMs: time.permissionedMs };
    const [here] = jsonOf<{ items: object[] }>(await kept(holdfast.cli(['vault', 'list', '--json']))).items;
    assert.partialDeepStrictEqual(here, { purpose, scope: 'main', recorded });
    const [own] = jsonOf<{ items: object[] }>(await kept(holdfast.operator(['vault', 'list', '--json']))).items;
    assert.partialDeepStrictEqual(own, { purpose, grants: [{ scope: 'main', recorded }] });
    assert.match(
      (await kept(holdfast.run(['sh', '-c', 'curl -sS "$HOLDFAST_DOOR/v1/vault"']))).stdout,
      new RegExp(`"purpose":"${purpose}"`),
    );
  });

  it('each use was recorded as consumed before it was credentialed, each under a handle of its own', async () => {
    const all = await events();
    const of = (kind: string): Event[] => all.filter((event) => event.kind === kind);
    assert.deepEqual([of('minted').length, of('consumed').length, of('credentialed').length], [3, 3, 3]);
    assert.equal(new Set(of('consumed').map(({ handle }) => handle)).size, 3);
    for (const used of of('credentialed')) {
      const consumed = of('consumed').find(({ handle }) => handle === used['handle']);
      assert.ok(consumed !== undefined && consumed.sequence < used.sequence);
    }
    assert.ok(
      of('refused').some(({ code }) => code === 'egress_denied'),
      'the call outside of the fence is in the record',
    );
  });

  it('audit verify holds', async () => {
    const ran = await kept(holdfast.cli(['audit', 'verify', '--json']));
    const { ok, events: count, covered } = jsonOf<{ ok: boolean; events: number; covered: number }>(ran);
    assert.deepEqual([ran.code, ok], [0, true]);
    assert.ok(count >= 10 && covered === count);
  });

  it('revoke takes effect before it returns: an open session ends, the next one does not begin, the service sees nothing', async () => {
    const open = holdfast.session(['sh', '-c', 'echo open; exec sleep 1000']);
    await open.waitFor(/open/);
    const before = origin.connections;
    const revoked = await kept(holdfast.operator(['revoke', 'main', '--reason', 'the story ends', '--json']));
    assert.equal(revoked.code, 0, revoked.stderr);
    const { applied, rotate } = jsonOf<{ applied: boolean; rotate: string[] }>(revoked);
    assert.deepEqual([applied, rotate], [true, ['demo']]);
    const next = await kept(holdfast.run(['curl', '-sS', url('/v1/me')]));
    assert.equal(next.code, 125);
    assert.match(next.stderr, /\(agent_revoked\)/);
    assert.notEqual((await open.ended).code, 0);
    assert.equal(origin.connections, before);
  });

  it('the evidence stays after the revocation, over a restart as well, and still verifies', async () => {
    const before = await events();
    assert.ok(before.some(({ kind, reason }) => kind === 'revoked' && reason === 'the story ends'));
    assert.equal(await holdfast.stop(), 0);
    await holdfast.start();
    const now = await events();
    assert.deepEqual(now.slice(0, before.length), before);
    const verified = await kept(holdfast.cli(['audit', 'verify', '--json']));
    assert.deepEqual([verified.code, jsonOf<{ ok: boolean }>(verified).ok], [0, true]);
    assert.equal(jsonOf<Time>(await kept(holdfast.cli(['time', '--json']))).calls, 3);
    assert.match((await kept(holdfast.run(['true']))).stderr, /\(agent_revoked\)/);
  });

  it('nothing that was printed on the way shows the secret', () => {
    for (const { stdout, stderr } of printed) assert.deepEqual(leaksIn(stdout + stderr, secret), []);
    assert.deepEqual(leaksIn(holdfast.said + holdfast.log, secret), []);
  });
});
