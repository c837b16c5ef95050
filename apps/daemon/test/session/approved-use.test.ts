// A request that an operator has to approve, attacked from every side: what was approved is what opens the secret, and nothing else does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask, Outcome } from '@holdfast/protocol/approvals/ask';
import { sealUse } from '@holdfast/protocol/approvals/use';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import type { Asked, Asking, UseAnswer } from '../../src/approvals/approvals.ts';
import type { Use } from '../../src/broker/broker.ts';
import { SessionAuthority } from '../../src/session/authority.ts';
import { HandleTable } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { OpenUses } from '../../src/vault/open-uses.ts';
import { asItIs, recordingAsItIs } from '../audit/log-world.ts';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const fleet = new Uint8Array(32).fill(1);
const [agentId, session, expiresAtMs] = [id(3), id(9), 120_000];
const secret = new TextEncoder().encode('canary-bank-77');
const facts = { scheme: 'https', host: 'bank.example', port: 443, method: 'POST', path: '/v1/payments', query: 'to=a' } as const;

const grantOf = (fill: number) => ({
  grant: id(fill),
  item: id(fill + 100),
  name: 'bank',
  agent: agentId,
  attach: { kind: 'bearer' },
  fence: { hosts: [{ host: 'bank.example', port: 443 }], methods: ['POST'], paths: ['/v1/**'], allowPrivate: false },
  grantedAtMs: 0,
  warrant: new Uint8Array(32),
});

interface Play {
  /** What the operator says; sealing what the ask shows, unless changed. */
  readonly outcome?: Outcome;
  readonly seals?: (ask: Ask) => Ask;
  /** Happens while the request waits. */
  readonly meanwhile?: (state: State) => void;
}

interface State {
  grants: ReturnType<typeof grantOf>[];
  version: number | undefined;
  nowMs: number;
  readonly headers: [string, string][];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function scene({ outcome = 'allowed', seals = (ask) => ask, meanwhile = () => {} }: Play = {}) {
  const reports: AuditReport[] = [];
  const asks: Asked[] = [];
  /** What was on record each time that operators were told that it is over. */
  const overs: string[] = [];
  const state: State = {
    grants: [grantOf(1)],
    version: 1,
    nowMs: 0,
    headers: [['Content-Type', 'application/json']],
    bytes: new TextEncoder().encode('{"amount":10}'),
  };
  const record = async (report: AuditReport): Promise<void> => void reports.push(report);
  const clock = { nowMs: () => state.nowMs, monotonicMs: () => 0 };
  const askAboutUse = async (by: Asking, asked: Asked): Promise<UseAnswer> => {
    asks.push(asked);
    const { act, call, because } = asked;
    const ask: Ask = { kind: 'ask', v: 1, ask: id(7), ...by, act, call, because: [...because], lifeMs: 1 };
    const shown = seals(ask);
    const sealed =
      outcome === 'allowed' ? await sealUse(primitives, { fleet, agent: agentId, ask: shown, expiresAtMs }, secret) : undefined;
    meanwhile(state);
    return { ask: ask.ask, outcome, sealed, expiresAtMs, over: () => void overs.push(kinds().join(' ')) };
  };
  const agent = {
    id: agentId,
    enrolment: { scope: 'main', fleet, agent: agentId },
    grants: () => state.grants,
    egress: () => [],
    get rules() {
      return { version: state.version };
    },
    approvals: { askAboutUse },
    handles: new HandleTable({
      primitives,
      clock,
      staleness: () => undefined,
      recorder: () => ({ append: record, appendDurable: record }),
      policy: { paths: 'keep', redacting: asItIs },
      counts: new UseCounts(clock),
    }),
    placeholder: () => 'hf_nobody',
    note: (report: AuditReport) => void reports.push(report),
    openUses: new OpenUses(),
    ...recordingAsItIs,
  } as unknown as Agent;
  const authority = new SessionAuthority(agent, { primitives, clock }, { session, mode: 'sealed', program: 'curl' });
  const gone = new AbortController().signal;
  const use = (change: { readonly coding?: string; readonly bytes?: Uint8Array } = {}): Promise<Use> => {
    const [view = assert.fail()] = authority.grants();
    const body = { type: 'application/json', coding: change.coding, bytes: change.bytes ?? state.bytes };
    return authority.use(view, facts, undefined, body, { headers: () => state.headers, gone });
  };
  const kinds = () => reports.map(({ kind }) => kind);
  return { state, asks, overs, authority, use, kinds };
}

const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (thrown: unknown) => codeOf(thrown),
  );

test('an approved request is consumed, opens once, and what was shown goes out', async () => {
  const { asks, overs, state, use, kinds } = scene();
  const used = await use();
  assert.deepEqual(kinds(), ['minted', 'consumed']);
  assert.deepEqual(overs, ['minted consumed'], 'told once it goes [APPROVAL-24]');
  assert.deepEqual(used.judged, { query: 'to=a', body: { type: 'application/json', bytes: state.bytes } });
  const [{ act } = assert.fail()] = asks;
  assert.ok(act.kind === 'use');
  assert.deepEqual(
    [act.body, act.query, act.headers],
    ['{"amount":10}', 'to=a', [{ name: 'Content-Type', value: 'application/json' }]],
  );
  assert.deepEqual(new Uint8Array(await used.open()), secret);
  assert.equal(await outcomeOf(used.open()), 'key_invalid');
});

test('[APPROVAL-17]: one byte of body or header swapped after the approval opens nothing', async () => {
  for (const swap of [
    ({ bytes }: State) => void bytes.set([0x39], 10),
    ({ headers }: State) => void headers.push(['Stripe-Account', 'acct_mallory']),
    ({ headers }: State) => void headers.splice(0, 1, ['Content-Type', 'text/plain']),
  ]) {
    const { state, use } = scene();
    const used = await use();
    swap(state);
    assert.equal(await outcomeOf(used.open()), 'open_failed');
    assert.equal(await outcomeOf(used.open()), 'key_invalid', 'nor after it was swapped back');
  }
});

test('[APPROVAL-17]: what was sealed for another ask, or opened too late, opens nothing', async () => {
  const other = scene({ seals: (ask) => ({ ...ask, ask: id(8) }) });
  assert.equal(await outcomeOf((await other.use()).open()), 'open_failed');
  const late = scene();
  const used = await late.use();
  late.state.nowMs = expiresAtMs;
  assert.equal(await outcomeOf(used.open()), 'approval_expired');
});

test('[APPROVAL-18]: every other answer is a refusal with its reason, and nothing is minted', async () => {
  const codes: readonly (readonly [Outcome, string])[] = [
    ['denied', 'approval_denied'],
    ['expired', 'approval_expired'],
    ['crowded', 'approval_crowded'],
    ['unasked', 'approval_unavailable'],
    ['withdrawn', 'request_cut'],
  ];
  for (const [outcome, code] of codes) {
    const { use, kinds, overs } = scene({ outcome });
    assert.equal(await outcomeOf(use()), code);
    assert.deepEqual([kinds(), overs], [[], ['']]);
  }
});

test('[APPROVAL-19]: approved and then revoked, fenced otherwise or ruled otherwise: refused, and nothing is minted', async () => {
  const changes: readonly (readonly [(state: State) => void, string])[] = [
    [(state) => (state.grants = []), 'refused'],
    [(state) => (state.grants = [grantOf(2)]), 'refused'],
    [
      (state) => (state.grants = state.grants.map((each) => ({ ...each, fence: { ...each.fence, methods: ['GET'] } }))),
      'fence_method',
    ],
    [(state) => (state.version = 2), 'rules_denied'],
  ];
  for (const [meanwhile, code] of changes) {
    const { use, kinds, overs } = scene({ meanwhile });
    assert.equal(await outcomeOf(use()), code);
    assert.deepEqual([kinds(), overs], [[], ['']]);
  }
});

test('[APPROVAL-14]: what an operator could not read is not asked', async () => {
  const { asks, use } = scene();
  for (const change of [{ bytes: new Uint8Array([0xff, 0xfe]) }, { bytes: new Uint8Array(6145).fill(0x78) }, { coding: 'gzip' }])
    assert.equal(await outcomeOf(use(change)), 'approval_unavailable');
  assert.deepEqual(asks, []);
});

test('a request that nobody holds back is refused', async () => {
  const { authority, asks, kinds } = scene();
  const [view = assert.fail()] = authority.grants();
  assert.equal(view.approve, true);
  assert.equal(await outcomeOf(authority.use(view, facts)), 'refused');
  assert.deepEqual([asks, kinds()], [[], []]);
});
