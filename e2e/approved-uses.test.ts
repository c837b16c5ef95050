// A credential whose every use an operator approves: the request waits, the operator sees all of it at another terminal, and until the answer no
// process of ours on the agent's machine holds the secret. All processes are real; what the service saw is the evidence.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { leaksBelow, newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { copiesIn, whyNoMemory } from '../packages/testkit/src/memory.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Asked {
  readonly ask: string;
  readonly session: string;
  readonly act: {
    readonly kind: string;
    readonly name: string;
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly body: string;
  };
}

interface Answered {
  readonly kind: string;
  readonly ask?: string;
  readonly outcome?: string;
  readonly code?: string;
}

/** One request a line of standard input: an id, a path and a body; says the status and what refused it. */
const client = `
while read -r id path body; do
  { curl -sS -o /dev/null -w "$id %{http_code} %header{x-holdfast-error}\\n" -H 'content-type: application/json' -d "$body" "$BANK$path" || echo "$id failed"; } &
done
wait`;

const cannotDump = (await whyNoMemory()) ?? false;

describe('a credential that is approved per use', () => {
  const secret = newCanary();
  const payment = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  let books: Origin;
  let program: LiveProgram;
  /** At another terminal. */
  let operator: LiveProgram;

  before(async () => {
    holdfast = await Installation.create();
    origin = await startOrigin();
    books = await startOrigin();
    await holdfast.settle();
    await holdfast.addCredential('bank', secret, origin, { paths: ['/v1/**'], methods: ['POST'] });
    const { approve } = jsonOf<{ approve: boolean }>(
      await holdfast.must(['vault', 'grant', 'bank', '--to', 'main', '--approve', '--json']),
    );
    assert.equal(approve, true);
    operator = holdfast.live(['approvals', '--follow', '--json', '--passphrase-file', holdfast.passphraseFile]);
    program = holdfast.session(['sh', '-c', `BANK=https://localhost:${origin.port}; ${client}`]);
  });
  after(async () => {
    await Promise.all([program.end(), operator.end()]);
    await holdfast.remove();
    await Promise.all([origin.close(), books.close()]);
  });

  /** What was asked about that path. */
  const asked = async (path: string): Promise<Asked> => {
    const [line] = await operator.waitFor(new RegExp(`^.*"path":"${path}".*$`, 'm'));
    return JSON.parse(line) as Asked;
  };
  const answer = (verdict: string, { ask }: Asked): Promise<Ran> => holdfast.operator(['approvals', verdict, ask, '--json']);
  const outcome = (ran: Ran): string | undefined => jsonOf<{ outcome?: string }>(ran).outcome;
  /** `STATUS CODE` of a request. */
  const told = async (id: string): Promise<string> => (await program.waitFor(new RegExp(`^${id} (.*)$`, 'm')))[1]?.trim() ?? '';
  const send = (id: string, path: string, body: string): void => void program.write(`${id} ${path} ${body}\n`);

  it('waits; the operator sees all of the request and lets it go, once', async () => {
    send('first', '/v1/payments?to=landlord', `{"amount":10,"for":"${payment}"}`);
    const first = await asked('/v1/payments');
    const { act } = first;
    assert.deepEqual(
      [act.kind, act.name, act.method, act.path, act.query, act.body],
      ['use', 'bank', 'POST', '/v1/payments', 'to=landlord', `{"amount":10,"for":"${payment}"}`],
    );
    assert.ok(act.headers.some(({ name, value }) => name.toLowerCase() === 'content-type' && value === 'application/json'));
    assert.equal(program.said.includes('first'), false, 'the client waits');
    assert.equal(origin.connections, 0);
    if (cannotDump === false) {
      const { relay, daemon, custody } = await holdfast.parts();
      const needles = [Buffer.from(secret), Buffer.from(payment)];
      // The last two: who carries the session, and who shows the operator what waits.
      const found = await Promise.all([relay, daemon, custody, program.pid, operator.pid].map((pid) => copiesIn(pid, needles)));
      assert.deepEqual(
        found.map(([copies]) => copies),
        [0, 0, 0, 0, 0],
        'nobody holds the secret before the answer',
      );
      assert.ok((found[1]?.[1] ?? 0) > 0, 'the dump shows what the daemon does hold');
    }
    assert.deepEqual(await leaksBelow(holdfast.home, secret), []);
    const ran = await answer('approve', first);
    assert.equal(outcome(ran), 'allowed', ran.stdout + ran.stderr);
    assert.equal(await told('first'), '200');
    const [seen] = origin.seen;
    assert.deepEqual(
      [seen?.url, seen?.body.toString(), seen?.headers['authorization']],
      ['/v1/payments?to=landlord', act.body, `Bearer ${secret}`],
    );
    const again = await answer('approve', first);
    assert.equal(again.code, 1);
    assert.equal(failureOf(again).code, 'ask_unknown');
    assert.equal(origin.seen.length, 1);
  });

  it('is denied, and the same request is denied at once for a while', async () => {
    send('no', '/v1/no', '{"amount":99999}');
    assert.equal(outcome(await answer('deny', await asked('/v1/no'))), 'denied');
    assert.equal(await told('no'), '403 approval_denied');
    send('again', '/v1/no', '{"amount":99999}');
    assert.equal(await told('again'), '403 approval_denied');
    assert.equal(origin.seen.length, 1);
  });

  // [APPROVAL-7] [APPROVAL-18]
  it('waits for an answer as long as its grant says, tells so, and is denied; an approval that comes later is refused', async () => {
    const loans = await startOrigin();
    try {
      await holdfast.addCredential('loans', newCanary(), loans, { methods: ['POST'] });
      const granted = ['vault', 'grant', 'loans', '--to', 'main', '--approve', '--approve-within', '10s', '--json'];
      assert.equal(jsonOf<{ approveWithin: string }>(await holdfast.must(granted)).approveWithin, '10s');
      const waits = `curl -sS -d '{}' -H 'content-type: application/json' https://localhost:${loans.port}/late`;
      const late = holdfast.session(['sh', '-c', waits]);
      const late1 = await asked('/late');
      await late.until(() => (/waiting for approval/.test(late.complained) ? true : undefined), 'word of it');
      await late.ended;
      assert.match(late.said, /"code":"approval_expired"/);
      const { code, next } = failureOf(await answer('approve', late1));
      assert.equal(code, 'ask_unknown', next);
      const { events } = jsonOf<{ events: Answered[] }>(
        await holdfast.cli(['audit', 'show', '--what', 'answered', '--what', 'refused', '--json']),
      );
      assert.ok(events.some(({ kind, ask, outcome: told }) => kind === 'answered' && ask === late1.ask && told === 'expired'));
      assert.ok(events.some((event) => event.kind === 'refused' && event.code === 'approval_expired'));
      assert.equal(loans.connections, 0);
    } finally {
      await loans.close();
    }
  });

  it('of several approvals of one request one counts, and the request goes out once', async () => {
    send('race', '/v1/race', '{"amount":1}');
    const race = await asked('/v1/race');
    const all = await Promise.all([1, 2].map(() => answer('approve', race)));
    assert.equal(await told('race'), '200');
    assert.ok(all.some((ran) => ran.code === 0 && outcome(ran) === 'allowed'));
    assert.equal(origin.seen.length, 2);
    const events = jsonOf<{ events: { kind: string }[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
    assert.equal(events.filter(({ kind }) => kind === 'consumed').length, 2);
  });

  it('an agent asks for access that it lacks, and gets exactly that', async () => {
    await holdfast.addCredential('books', newCanary(), books);
    const url = `https://localhost:${books.port}/v1/invoices`;
    const door = `curl -sS --noproxy '*' -H 'content-type: application/json' "$HOLDFAST_DOOR/v1/access" -d`;
    const ask = `${door} '${JSON.stringify({ request: { method: 'GET', url }, reason: 'The report needs them.' })}'`;
    const get = (path: string) =>
      `curl -sS -o /dev/null -w '%{http_code} %header{x-holdfast-error}\\n' https://localhost:${books.port}${path}`;
    const agent = holdfast.session(['sh', '-c', `${get('/v1/invoices')}; ${ask}; ${get('/v1/invoices')}; ${get('/v1/other')}`]);
    const wish = await asked('/v1/invoices');
    assert.deepEqual([wish.act.kind, wish.act.method], ['access', 'GET']);
    assert.equal(outcome(await answer('approve', wish)), 'allowed');
    await agent.ended;
    const [before, told, within, beyond] = agent.said.trim().split('\n');
    assert.match(before ?? '', /^(?:000|403) /, agent.said + agent.complained);
    assert.deepEqual(JSON.parse(told ?? ''), { state: 'granted' });
    assert.deepEqual([within?.trim(), beyond?.trim()], ['200', '403 egress_denied']);
    assert.deepEqual(
      books.seen.map(({ url: seen }) => seen),
      ['/v1/invoices'],
    );
  });

  it('what cannot be shown as a whole is not asked', async () => {
    send('long', '/v1/long', `"${'x'.repeat(6143)}"`);
    assert.equal(await told('long'), '403 approval_unavailable');
    assert.equal(operator.said.includes('/v1/long'), false);
  });

  // [MCP-10]
  it('by a tool: the agent is told at once that it waits, goes on, and hears by the same call what came of it', async () => {
    const before = origin.seen.length;
    const input = { url: `https://localhost:${origin.port}/v1/tool`, method: 'POST', body: '{"amount":2}' };
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'http_request', arguments: input } };
    const call = `curl -sS --noproxy '*' -H 'content-type: application/json' "$HOLDFAST_DOOR/mcp" -d '${JSON.stringify(message)}'; echo`;
    const agent = holdfast.session(['sh', '-c', `${call}; read -r _; ${call}`]);
    const answers = (): string[] =>
      agent.said.split('\n').flatMap((line) => {
        const reply = /^\{.*\}\s*$/.test(line) ? (JSON.parse(line) as { result: { content: [{ text: string }] } }) : undefined;
        return reply === undefined ? [] : [reply.result.content[0].text];
      });
    const told = await agent.until(() => answers()[0], 'the first answer');
    assert.match(told, /^\{"state":"waiting","message":"waiting for approval: /);
    assert.equal(outcome(await answer('approve', await asked('/v1/tool'))), 'allowed');
    agent.write('\n');
    await agent.ended;
    assert.match(answers()[1] ?? agent.said + agent.complained, /^\{"status":200,/);
    assert.equal(origin.seen.length - before, 1);
  });

  it('three wait, a fourth is denied at once; what waits when its grant ends is never let go', async () => {
    const three = ['one', 'two', 'three'];
    for (const id of three) send(id, `/v1/${id}`, '{"amount":1}');
    const open = await Promise.all(three.map((id) => asked(`/v1/${id}`)));
    send('four', '/v1/four', '{"amount":1}');
    assert.equal(await told('four'), '403 approval_crowded');
    await holdfast.must(['vault', 'ungrant', 'bank', '--from', 'main']);
    for (const id of three) assert.notEqual((await told(id)).slice(0, 3), '200');
    assert.equal((await answer('approve', open[0] ?? assert.fail())).code, 1);
    assert.equal(origin.seen.length, 3);
  });
});
