// A grant of single arguments, tried from inside: pay at most 3,000, to one payee. Judged by what the service was asked.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { inside } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Attempt {
  readonly path?: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Base64 instead of text. */
  readonly raw?: boolean;
}

/** Sends each in turn; resolves with the status or the code of each. */
async function payEach({ url, attempts }: { url: string; attempts: Attempt[] }): Promise<(number | string)[]> {
  const told: (number | string)[] = [];
  for (const { path = '', body, headers = { 'content-type': 'application/json' }, raw = false } of attempts) {
    const reply = await fetch(url + path, { method: 'POST', headers, body: raw ? Buffer.from(body, 'base64') : body });
    await reply.arrayBuffer();
    told.push(reply.headers.get('x-holdfast-error') ?? reply.status);
  }
  return told;
}

describe('a grant of single arguments', () => {
  let holdfast: Installation;
  let origin: Origin;
  let granted: { body: string[] };
  const url = (): string => `https://localhost:${origin.port}/v1/payments`;
  const pay = (attempts: Attempt[]): Promise<(number | string)[]> => inside(holdfast, payEach, { url: url(), attempts });

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.addCredential('bank', newCanary(), origin, { paths: ['/v1/payments'], methods: ['POST'] });
    const limits = ['--body', '/amount<=3000', '--body', '/payee=acct_1'];
    granted = jsonOf(await holdfast.must(['vault', 'grant', 'bank', '--to', 'main', ...limits, '--json']));
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  // [CLI-40] [FENCE-16]
  it('lets out what is within, written anew', async () => {
    assert.deepEqual(granted.body, ['/amount<=3000', '/payee=acct_1']);
    const { items } = jsonOf<{ items: { body: string[] }[] }>(await holdfast.cli(['vault', 'list', '--json']));
    assert.deepEqual(items[0]?.body, granted.body);
    assert.match((await holdfast.must(['vault', 'list'])).stdout, /with a JSON body of amount up to 3000 and payee "acct_1"/);
    assert.deepEqual(await pay([{ body: ' { "amount": 3000.00, "payee": "acct\\u005f1" } ' }]), [200]);
    assert.deepEqual([origin.seen.length, origin.seen[0]?.body.toString()], [1, '{"amount":3000.00,"payee":"acct_1"}']);
  });

  it('keeps everything else from the service', async () => {
    const before = [origin.seen.length, origin.connections];
    const amounts = [
      '3000.01',
      '3e3+1',
      '3e3',
      '-1',
      '-0',
      '"3000"',
      '[3000]',
      '{"value":1}',
      '1e400',
      'null',
      'true',
      '0x1',
      '3000.0000000000000001',
    ];
    const payees = [
      '"acct_2"',
      '"ACCT_1"',
      '"аcct_1"',
      '["acct_1"]',
      '"acct_1\\u0000"',
      '"acct_1\' OR 1=1 --"',
      '"../acct_1"',
      'null',
    ];
    const beside = [
      '"amount":9000',
      '"\\u0061mount":9000',
      '"Amount":9000',
      '"аmount":9000',
      '"amount ":9000',
      '"amount[]":9000',
      '"__proto__":{}',
      '"currency":"BTC"',
    ];
    const within = '{"amount":1,"payee":"acct_1"}';
    const typed = (type: string, body = within): Attempt => ({ body, headers: { 'content-type': type } });
    const attempts: Attempt[] = [
      ...amounts.map((amount) => ({ body: `{"amount":${amount},"payee":"acct_1"}` })),
      ...payees.map((payee) => ({ body: `{"amount":1,"payee":${payee}}` })),
      ...beside.map((pair) => ({ body: `{"amount":1,"payee":"acct_1",${pair}}` })),
      ...['', '{}', '[]', `[${within}]`, `${within}${within}`, `\ufeff${within}`].map((body) => ({ body })),
      ...[
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/json; charset=utf-16',
        'application/json, a/b',
      ].map((type) => typed(type)),
      typed('application/x-www-form-urlencoded', 'amount=1&payee=acct_1'),
      { body: within, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
      { body: Buffer.from(within, 'utf16le').toString('base64'), raw: true },
    ];
    const codes = await pay(attempts);
    for (const [index, code] of codes.entries()) assert.equal(code, 'fence_body', attempts[index]?.body);
    // [FENCE-36]
    const asked = ['?amount=9000', '?amount=1', '?payee=acct_2', '?x'].map((path) => ({ body: within, path }));
    assert.deepEqual(new Set(await pay(asked)), new Set(['fence_query']));
    assert.deepEqual(
      await pay([
        { body: within, path: '/../payments/all' },
        { body: within, path: '/more' },
      ]),
      ['egress_denied', 'egress_denied'],
    );
    assert.deepEqual([origin.seen.length, origin.connections], before, 'no service was connected to');
  });
});
