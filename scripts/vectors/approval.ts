// node scripts/vectors/approval.ts: vectors of spec/approval.md and of the sealing of signals (spec/signal.md). The same again on every run.

import { decodeSaid, encodeSaid, type Answer, type Ask } from '@holdfast/protocol/approvals/ask';
import { callDigest } from '@holdfast/protocol/approvals/call';
import { agentSays, operatorAnswers, type ToSay } from '@holdfast/protocol/approvals/signals';
import { accessDigest } from '@holdfast/protocol/approvals/access';
import { sealUse, useDigest, type BoundRequest, type UseTerms } from '@holdfast/protocol/approvals/use';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { parseSignal, signSignal, type SignalStatement } from '@holdfast/protocol/blind/signal';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Json, Tool } from '@holdfast/protocol/rules/call';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { flipped, writeVectors } from './write.ts';

type Expect = 'ok' | ErrorCode;

const primitives = seededPrimitives('approval vectors');
const nowMs = Date.UTC(2026, 0, 1);
const id = (fill: number) => new Uint8Array(16).fill(fill);
const [fleet, agent, device, session, askId] = [new Uint8Array(32).fill(1), id(2), id(3), id(4), id(5)];
const agentKeys = await SoftwareKeyHolder.generate(primitives);
const deviceKeys = await SoftwareKeyHolder.generate(primitives);
const sessionKeys = await SoftwareKeyHolder.generate(primitives);
const epochKey = new Uint8Array(32).fill(9);

const input = { command: 'git push --force', timeout: 5 };
const call = callDigest(primitives, { agent, session }, { tool: 'shell', harness: 'claude-code', name: 'Bash', input });
const ask: Ask = {
  kind: 'ask',
  v: 1,
  ask: askId,
  session,
  mode: 'sealed',
  program: 'claude',
  act: { kind: 'tool-call', tool: 'shell', harness: 'claude-code', name: 'Bash', text: input.command, rest: '{"timeout":5}' },
  call,
  because: [{ rule: 'no-force-push', reason: 'It rewrites what others have pulled.' }],
  lifeMs: 120_000,
};
const answer: Answer = { kind: 'answer', v: 1, ask: askId, call, verdict: 'once' };
const closed = { kind: 'closed', v: 1, ask: askId, outcome: 'expired' } as const;

const deep = (levels: number): Json => (levels === 0 ? 'x' : [deep(levels - 1)]);
const calls: readonly (readonly [string, { tool: Tool; harness: string; name: string; input: Json }, Expect])[] = [
  ['a shell command', { tool: 'shell', harness: 'claude-code', name: 'Bash', input }, 'ok'],
  [
    'the same, keys in another order',
    { tool: 'shell', harness: 'claude-code', name: 'Bash', input: { timeout: 5, command: input.command } },
    'ok',
  ],
  ['another command', { tool: 'shell', harness: 'claude-code', name: 'Bash', input: { ...input, command: 'git push' } }, 'ok'],
  ['another tool with the same input', { tool: 'mcp', harness: 'claude-code', name: 'mcp__x__y', input }, 'ok'],
  [
    'numbers, escapes and characters beyond',
    { tool: 'other', harness: 'h', name: 'n', input: { b: [1.5, -0, 1e21, 'é"\u0007\u{1f600}'], a: null, '\u{10000}': true } },
    'ok',
  ],
  ['61 levels', { tool: 'other', harness: 'h', name: 'n', input: deep(61) }, 'ok'],
  ['65 levels', { tool: 'other', harness: 'h', name: 'n', input: deep(65) }, 'codec_limit'],
];
writeVectors(
  'approval/calls',
  'Calls of one session and their digests.',
  calls.map(([name, said, expect]) => {
    const digest = expect === 'ok' ? callDigest(primitives, { agent, session }, said) : undefined;
    return { name, clause: 'APPROVAL-2', expect, agent, session, call: said, ...(digest !== undefined && { digest }) };
  }),
);

const certificateUntil = (notAfterMs: number, holder = agentKeys) =>
  certifySessionKey(holder, {
    v: 1,
    fleet,
    agent,
    key: sessionKeys.publicKeys.sign,
    notBeforeMs: notAfterMs - 600_000,
    notAfterMs,
  });
const certificate = await certificateUntil(nowMs + 540_000);
const signer = { certificate, sign: sessionKeys.sign.bind(sessionKeys) };
const to = (change: Partial<ToSay> = {}): ToSay => ({
  primitives,
  fleet,
  agent,
  epochKey: { epoch: 0, key: epochKey.slice() },
  expiresAtMs: nowMs + 120_000,
  ...change,
});
const operator = { id: device, holder: deviceKeys };
const saidByAgent = await agentSays(to(), signer, ask);
const saidByOperator = await operatorAnswers(to(), operator, answer);
const resigned = (change: Partial<SignalStatement>) => signSignal(deviceKeys, { ...saidByOperator.statement, ...change });

type Hears = 'agent' | 'operator';
const signals: readonly (readonly [string, string, Expect, Hears, Uint8Array])[] = [
  ['an ask', 'SIGNAL-7', 'ok', 'operator', saidByAgent.wire],
  ['an ask under the agent’s own key', 'APPROVAL-4', 'ok', 'operator', (await signSignal(agentKeys, saidByAgent.statement)).wire],
  [
    'an ask of an agent that is not live',
    'APPROVAL-4',
    'signal_forged',
    'operator',
    (await agentSays(to({ agent: id(7) }), signer, ask)).wire,
  ],
  [
    'an ask in another audience',
    'APPROVAL-4',
    'signal_forged',
    'operator',
    (await signSignal(agentKeys, { ...saidByAgent.statement, audience: 'fleet' })).wire,
  ],
  [
    'an answer by an agent',
    'APPROVAL-4',
    'signal_forged',
    'operator',
    (await agentSays(to(), signer, answer as unknown as Ask)).wire,
  ],
  [
    'an ask under another epoch key',
    'SIGNAL-8',
    'open_failed',
    'operator',
    (await agentSays(to({ epochKey: { epoch: 0, key: new Uint8Array(32).fill(8) } }), signer, ask)).wire,
  ],
  [
    'the seal of another signal',
    'SIGNAL-8',
    'open_failed',
    'operator',
    (await signSignal(agentKeys, { ...saidByAgent.statement, expiresAtMs: nowMs + 120_001 })).wire,
  ],
  [
    'a certificate that ends before the signal',
    'SIGNAL-9',
    'signal_forged',
    'operator',
    (await agentSays(to(), { ...signer, certificate: await certificateUntil(nowMs + 119_999) }, ask)).wire,
  ],
  [
    'a certificate by another key',
    'SIGNAL-9',
    'signal_forged',
    'operator',
    (await agentSays(to(), { ...signer, certificate: await certificateUntil(nowMs + 540_000, deviceKeys) }, ask)).wire,
  ],
  ['a flipped signature', 'APPROVAL-4', 'signal_forged', 'operator', flippedSignature(saidByAgent.wire)],
  ['an answer', 'APPROVAL-5', 'ok', 'agent', saidByOperator.wire],
  [
    'an answer by a device that was removed',
    'APPROVAL-5',
    'signal_forged',
    'agent',
    (await operatorAnswers(to(), { ...operator, id: id(8) }, answer)).wire,
  ],
  [
    'an answer by the agent',
    'APPROVAL-5',
    'signal_forged',
    'agent',
    (await operatorAnswers(to(), { id: agent, holder: agentKeys }, answer)).wire,
  ],
  ['an answer to another agent', 'APPROVAL-5', 'signal_forged', 'agent', (await resigned({ to: id(7) })).wire],
  [
    'an answer of another fleet',
    'APPROVAL-5',
    'signal_forged',
    'agent',
    (await operatorAnswers(to({ fleet: new Uint8Array(32) }), operator, answer)).wire,
  ],
  [
    'an ask by an operator',
    'APPROVAL-5',
    'signal_forged',
    'agent',
    (await operatorAnswers(to(), operator, ask as unknown as Answer)).wire,
  ],
  [
    'an answer that has expired',
    'APPROVAL-5',
    'signal_expired',
    'agent',
    (await operatorAnswers(to({ expiresAtMs: nowMs }), operator, answer)).wire,
  ],
];
writeVectors(
  'approval/signals',
  '`wire` as `hears` (the agent, or an operator’s device) makes of it at `nowMs`. Agent and device are all who may speak; `epochKey` is the key of the agent’s audience.',
  signals.map(([name, clause, expect, hears, wire]) => ({
    name,
    clause,
    expect,
    hears,
    wire,
    fleet,
    agent: { id: agent, sign: agentKeys.publicKeys.sign },
    device: { id: device, sign: deviceKeys.publicKeys.sign },
    epochKey,
    nowMs,
  })),
);

const useKeys = await SoftwareKeyHolder.generate(primitives);
const [grant, item] = [id(11), id(12)];
const request = {
  agent,
  session,
  grant,
  item,
  name: 'bank',
  method: 'POST',
  host: 'api.bank.example',
  port: 443,
  path: '/v1/payments',
  query: '',
  headers: [{ name: 'content-type', value: 'application/json' }],
  body: '{"amount":10}',
} satisfies BoundRequest;
const changes: readonly (readonly [string, Partial<BoundRequest>])[] = [
  ['another agent', { agent: id(7) }],
  ['another session', { session: id(7) }],
  ['another grant', { grant: id(7) }],
  ['another item', { item: id(7) }],
  ['another method', { method: 'PUT' }],
  ['another host', { host: 'api.bank.example.evil' }],
  ['another port', { port: 8443 }],
  ['another path', { path: '/v1/payments/1' }],
  ['a query', { query: 'to=mallory' }],
  ['another header', { headers: [...request.headers, { name: 'stripe-account', value: 'acct_1' }] }],
  ['one byte more of the body', { body: '{"amount":100}' }],
  ['one byte less of the body', { body: '{"amount":1}' }],
];
const requests: readonly (readonly [string, Expect, BoundRequest])[] = [
  ['the request of the page', 'ok', request],
  ...changes.map(([name, change]) => [name, 'ok', { ...request, ...change }] as const),
  ['6,144 bytes of body', 'ok', { ...request, body: 'x'.repeat(6144) }],
  ['6,145 bytes of body', 'codec_limit', { ...request, body: 'x'.repeat(6145) }],
  ['a query of 2,049 characters', 'codec_limit', { ...request, query: 'x'.repeat(2049) }],
  ['65 headers', 'codec_limit', { ...request, headers: Array.from({ length: 65 }, () => ({ name: 'a', value: 'b' })) }],
];
writeVectors(
  'approval/requests',
  'Requests that need an approval, and the digests that an answer is bound to; no two are the same.',
  requests.map(([name, expect, each]) => ({
    name,
    clause: 'APPROVAL-14',
    expect,
    request: each,
    ...(expect === 'ok' && { digest: useDigest(primitives, each) }),
  })),
);

const { agent: _agent, session: _session, ...boundAct } = request;
const useAsk: Ask = {
  ...ask,
  act: { kind: 'use', ...boundAct, key: useKeys.publicKeys.seal, reported: { command: 'pay the rent' } },
  call: useDigest(primitives, request),
};
const terms = { fleet, agent, session, ask: askId, expiresAtMs: nowMs + 120_000 };
const secret = utf8('canary-secret-of-bank');
const approved = await sealUse(primitives, { fleet, agent, ask: useAsk, expiresAtMs: terms.expiresAtMs }, secret);
const asked = (change: Record<string, unknown>) => ({ ...ask, ...change }) as unknown as Value;
const bodies: readonly (readonly [string, Expect, Value])[] = [
  ['an ask', 'ok', asked({})],
  ['an answer', 'ok', answer],
  ['no any more', 'ok', { ...answer, verdict: 'deny' }],
  ['an end', 'ok', closed],
  ['the end of what was allowed', 'ok', { ...closed, outcome: 'allowed', letGoAfterMs: 812 }],
  ['a denied act that was let go', 'codec_shape', { ...closed, outcome: 'denied', letGoAfterMs: 812 }],
  ['an answer for good', 'codec_shape', { ...answer, verdict: 'always' }],
  ['another kind of body', 'codec_shape', { ...closed, kind: 'grant' }],
  ['another kind of act', 'codec_shape', asked({ act: { ...ask.act, kind: 'everything' } })],
  ['an ask without its call', 'codec_shape', asked({ call: new Uint8Array(31) })],
  ['an ask that lives an hour', 'codec_shape', asked({ lifeMs: 3_600_000 })],
  ['an unknown field', 'codec_shape', asked({ title: 'harmless' })],
  ['a text of 8,193 characters', 'codec_limit', asked({ act: { ...ask.act, text: 'x'.repeat(8193) } })],
  ['a use', 'ok', asked({ act: useAsk.act, call: useAsk.call })],
  ['a use whose key is a byte short', 'codec_shape', asked({ act: { ...useAsk.act, key: new Uint8Array(1248) } })],
  ['a use of an unnamed credential', 'codec_shape', asked({ act: { ...useAsk.act, name: '' } })],
  [
    'a wish for access',
    'ok',
    asked({
      act: { kind: 'access', method: 'GET', host: 'api.example.com', port: 443, path: '/v1/invoices', reason: 'Needed.' },
    }),
  ],
  ['an answer with a sealing', 'ok', { ...answer, sealed: approved }],
  ['an answer with half a sealing', 'codec_shape', { ...answer, sealed: { ciphertext: approved.ciphertext } }],
  ['more than a signal holds', 'codec_limit', asked({ act: { ...ask.act, text: 'é'.repeat(8192) } })],
];
writeVectors(
  'approval/bodies',
  'Bodies of signals about approvals, and what a reader makes of them.',
  bodies.map(([name, expect, value]) => {
    const hex = encodeValue(value);
    if (expect === 'ok' && toHex(encodeSaid(decodeSaid(hex))) !== toHex(hex)) throw new Error(name);
    return { name, clause: name.includes('let go') ? 'APPROVAL-24' : 'APPROVAL-1', expect, hex };
  }),
);

const access = { agent, session, method: 'GET', host: 'api.example.com', port: 443, path: '/v1/invoices' };
type Access = typeof access;
const accesses: readonly (readonly [string, Expect, Access])[] = [
  ['the access of the page', 'ok', access],
  ['another agent', 'ok', { ...access, agent: id(7) }],
  ['another session', 'ok', { ...access, session: id(7) }],
  ['another method', 'ok', { ...access, method: 'POST' }],
  ['another host', 'ok', { ...access, host: 'api.example.org' }],
  ['another port', 'ok', { ...access, port: 8443 }],
  ['another path', 'ok', { ...access, path: '/v1/invoices/1' }],
  ['a path of 2,049 characters', 'codec_limit', { ...access, path: '/'.repeat(2049) }],
];
writeVectors(
  'approval/accesses',
  'Access that an agent asks for, and the digests that an answer is bound to; no two are the same.',
  accesses.map(([name, expect, each]) => ({
    name,
    clause: 'APPROVAL-21',
    expect,
    access: each,
    ...(expect === 'ok' && { digest: accessDigest(primitives, each) }),
  })),
);

type Opening = { readonly terms: UseTerms; readonly request: BoundRequest; readonly atMs: number };
const opening: Opening = { terms, request, atMs: nowMs };
const withTerms = (change: Partial<UseTerms>): Opening => ({ ...opening, terms: { ...terms, ...change } });
const openings: readonly (readonly [string, Expect, Opening])[] = [
  ['the approved request', 'ok', opening],
  ['a millisecond before the end', 'ok', { ...opening, atMs: terms.expiresAtMs - 1 }],
  ['at the end', 'approval_expired', { ...opening, atMs: terms.expiresAtMs }],
  ['of another ask', 'open_failed', withTerms({ ask: id(7) })],
  ['of another session', 'open_failed', withTerms({ session: id(7) })],
  ['of another agent', 'open_failed', withTerms({ agent: id(7) })],
  ['of another fleet', 'open_failed', withTerms({ fleet: new Uint8Array(32) })],
  ['with a later end', 'open_failed', withTerms({ expiresAtMs: terms.expiresAtMs + 1 })],
  ...changes.map(([name, change]) => [name, 'open_failed', { ...opening, request: { ...request, ...change } }] as const),
];
writeVectors(
  'approval/openings',
  'What a sealing for one approved use opens for: `private` is the key of the ask, `request` what is about to go out `atMs`.',
  openings.map(([name, expect, { terms: bound, request: each, atMs }]) => ({
    name,
    clause: 'APPROVAL-17',
    expect,
    private: useKeys.exportBytes(),
    terms: bound,
    request: each,
    atMs,
    encapsulated: approved.encapsulated,
    ciphertext: approved.ciphertext,
    ...(expect === 'ok' && { plaintext: secret }),
  })),
);

/** One bit of the signature, wherever it stands in the wire. */
function flippedSignature(wire: Uint8Array): Uint8Array {
  const { signature } = parseSignal(wire);
  const at = Buffer.from(wire).indexOf(Buffer.from(signature));
  return flipped(wire, 8 * (at + 40));
}
