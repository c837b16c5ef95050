// Recorded decisions about requests made again from the record and the terms of the grants: the same verdict, another one where the record was changed, or
// why there is none. [AUDIT-54]

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeEvent, encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { replayedUses, type ReplayedUse } from '@holdfast/protocol/audit/replay-uses';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Fence } from '@holdfast/protocol/vault/fence';
import { requestDigest } from '@holdfast/protocol/vault/handle';
import { warrantOf } from '@holdfast/protocol/vault/warrant';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const startMs = 1_790_000_000_000;
const [agent, session, item] = [id(1), id(3), id(7)];
const fence: Fence = {
  hosts: [{ host: 'api.example.com', port: 443 }],
  methods: ['GET'],
  paths: ['/v1/**'],
  allowPrivate: false,
};

const grantOf = (grant: Uint8Array, within: Partial<Fence> = {}, approve = false) => {
  const limited = Object.keys(within).some((key) => !(key in fence));
  const terms = { grant, item, name: `g${grant[0] ?? 0}`, agent, attach: { kind: 'bearer' }, approve } as const;
  const whole = { ...fence, ...within, ...(limited && { v: 2 as const }) };
  const said = {
    kind: 'grant',
    v: 1,
    fleet: new Uint8Array(32),
    device: id(2),
    atMs: 1,
    terms: { ...terms, fence: whole },
  } as const;
  return warrantOf(primitives, said, new Uint8Array(64));
};
const plain = grantOf(id(6));
const perUse = grantOf(id(16), { hosts: [{ host: 'bank.example', port: 443 }] }, true);
const inShop = grantOf(id(26), { hosts: [{ host: 'shop.example', port: 443 }], directories: ['/srv/shop'] });
const ended = grantOf(id(36), { hosts: [{ host: 'old.example', port: 443 }], untilMs: startMs - 1 });
const limited = grantOf(id(46), { hosts: [{ host: 'few.example', port: 443 }], uses: { total: 2, windows: [] } });
const warrants = [plain, perUse, inShop, ended, limited].map(({ wire }) => wire);

const at = (host: string, path = '/v1/me', method = 'GET', scheme = 'https', port = 443) => ({
  ...{ method, host, port, path },
  digest: requestDigest(primitives, { scheme, host, port, method, path }),
});
const granted = ({ said, digest }: typeof plain): AuditReport => ({
  ...{ kind: 'granted', item, name: 'g', grantedAtMs: 1, warrant: digest },
  grant: said.kind === 'grant' ? said.terms.grant : id(0),
});
let handles = 100;
const used = ({ said, digest }: typeof plain, request: ReturnType<typeof at>, more: object = {}): readonly AuditReport[] => {
  const by = { session, handle: id((handles += 1)), grant: said.kind === 'grant' ? said.terms.grant : id(0), item };
  return [
    { kind: 'minted', ...by, name: 'g', request },
    { kind: 'consumed', ...by, request: request.digest, warrant: digest, ...more },
  ];
};
const refused = (code: string, request: ReturnType<typeof at>, more: object = {}): AuditReport => ({
  ...{ kind: 'refused', session, code, request },
  ...more,
});
const begun: readonly AuditReport[] = [
  ...[plain, perUse, inShop, ended, limited].map(granted),
  { kind: 'egress-allowed', rule: id(9), host: 'open.example', port: 80 },
  { kind: 'session-start', session, mode: 'sealed', program: 'sh', directory: '/srv/shop/src' },
  { kind: 'answered', session, ask: id(5), outcome: 'allowed' },
  {
    ...{
      kind: 'delegated',
      session,
      child: id(11),
      of: 'session',
      name: 'c',
      key: new Uint8Array(32),
      capabilities: [],
      depth: 0,
    },
    ...{ expiresAtMs: startMs + 1000, grants: 0, mayUse: [] },
  },
];
const replay = (...reports: readonly AuditReport[]): readonly ReplayedUse[] => replayOf([...begun, ...reports]);
function replayOf(reports: readonly AuditReport[], pruned = false): readonly ReplayedUse[] {
  const events = reports.map((report, sequence): AuditEvent => ({
    ...report,
    v: 1,
    agent,
    sequence,
    run: id(2),
    atMs: startMs,
    monotonicUs: sequence,
  }));
  return replayedUses(primitives, events.map((event) => decodeEvent(encodeEvent(event))), warrants, pruned); // prettier-ignore
}
const verdict = ([first]: readonly ReplayedUse[]): string => first?.why ?? first?.replayed ?? 'nothing';

describe('recorded decisions about requests, made again', () => {
  const api = at('api.example.com');
  const rows: readonly (readonly [string, ReplayedUse['verdict'], string, readonly AuditReport[]])[] = [
    ['a use', 'same', 'used', used(plain, api)],
    ['an approved use', 'same', 'used', used(perUse, at('bank.example'), { ask: id(5) })],
    ['a use in its folder', 'same', 'used', used(inShop, at('shop.example'))],
    ['a pass', 'same', 'passed', [{ kind: 'request', session, request: at('open.example', '/', 'GET', 'http', 80) }]],
    ['an unknown host', 'same', 'egress_denied', [refused('egress_denied', at('evil.example'))]],
    ['a tunnel to nowhere', 'same', 'egress_denied', [refused('egress_denied', at('evil.example', '', ''))]],
    ['another method', 'same', 'egress_denied', [refused('egress_denied', at('api.example.com', '/v1/me', 'POST'))]],
    ['another path', 'same', 'egress_denied', [refused('egress_denied', at('api.example.com', '/v2/me'))]],
    ['plain text', 'same', 'egress_denied', [refused('egress_denied', at('api.example.com', '/v1/me', 'GET', 'http', 443))]],
    ['a child without the grant', 'same', 'egress_denied', [refused('egress_denied', api, { child: id(11) })]],
    ['a path that climbs', 'same', 'path_unsafe', [refused('path_unsafe', at('api.example.com', '/v1/%2e%2e/x'))]],
    ['past its time', 'same', 'fence_time', [refused('fence_time', at('old.example'))]],

    ['a denial turned into a use', 'differs', 'fence_path', used(plain, at('api.example.com', '/v2/me'))],
    ['a use turned into a denial', 'differs', 'used', [refused('egress_denied', api)]],
    ['a denial turned into a pass', 'differs', 'egress_denied', [{ kind: 'request', session, request: at('evil.example') }]],
    ['a pass turned into a denial', 'differs', 'passed', [refused('egress_denied', at('open.example', '/', 'GET', 'http', 80))]],
    ['a use that nobody approved', 'differs', 'approval_denied', used(perUse, at('bank.example'))],
    ['a use past its time', 'differs', 'fence_time', used(ended, at('old.example'))],
    ['a child’s use of what it was not given', 'differs', 'refused', used(plain, api, { child: id(11) })],
    ['a safe path called unsafe', 'differs', 'used', [refused('path_unsafe', api)]],
    ['a time that was not over', 'differs', 'used', [refused('fence_time', api)]],
    ['a use of a grant that ended', 'differs', 'used', [refused('fence_place', at('shop.example'))]],

    ['a path that was cut', 'cannot', 'cut', [refused('egress_denied', { ...api, pathCut: true } as typeof api)]],
    ['a request that its digest does not name', 'cannot', 'cut', [refused('egress_denied', { ...api, method: 'PUT' })]],
    ['a request with a commitment in it', 'cannot', 'redacted', [refused('egress_denied', { ...api, method: 'PUT', salted: true } as typeof api)]], // prettier-ignore
    ['a use of unknown terms', 'cannot', 'terms', used(grantOf(id(56)), api)],
    ['a use in a place that is not told', 'cannot', 'place', used(inShop, at('shop.example')).map((each) => ({ ...each, session: id(8) }) as AuditReport)], // prettier-ignore
    ['a use that is counted', 'cannot', 'counts', used(limited, at('few.example'))],
    ['a wrong argument', 'cannot', 'other', [refused('fence_body', api)]],
  ];
  for (const [name, expect, told, reports] of rows)
    it(`${name}: ${expect}, ${told}`, () => {
      const again = replay(...reports);
      assert.deepEqual([again.length, again[0]?.verdict, verdict(again)], [1, expect, told]);
    });

  it('[AUDIT-54] what rests on events that were pruned is never guessed, and what does not is judged', () => {
    const session1: AuditReport = { kind: 'session-start', session, mode: 'sealed', program: 'sh', directory: '/srv/shop/src' };
    const judged = (...reports: readonly AuditReport[]): string => verdict(replayOf([session1, ...reports], true));
    assert.equal(judged(...used(plain, api)), 'used');
    assert.equal(judged(...used(plain, at('api.example.com', '/v2/me'))), 'fence_path');
    assert.equal(judged(refused('egress_denied', at('evil.example'))), 'pruned', 'a grant may have been in force');
    assert.equal(judged(refused('path_unsafe', at('api.example.com', '/v1/%2e%2e/x'))), 'pruned');
    assert.equal(judged({ kind: 'request', session, request: at('open.example', '/', 'GET', 'http', 80) }), 'pruned');
    assert.equal(judged(...used(perUse, at('bank.example'), { ask: id(5) })), 'pruned', 'its answer may have been there');
    assert.equal(judged(...used(plain, api, { child: id(11) })), 'pruned', 'nothing tells what the child was given');
  });

  it('what ended counts no more', () => {
    const gone: AuditReport = { kind: 'grant-ended', grant: id(6) };
    assert.deepEqual([replay(gone, refused('egress_denied', api))[0]?.verdict], ['same']);
    const shut: AuditReport = { kind: 'egress-ended', rule: id(9) };
    assert.deepEqual([replay(shut, { kind: 'request', session, request: at('open.example', '/', 'GET', 'http', 80) })[0]?.verdict], ['differs']); // prettier-ignore
  });
});
