// node scripts/vectors/presence.ts: vectors of spec/presence.md. The same again on every run.

import { decodeSaid, encodeSaid } from '@holdfast/protocol/approvals/ask';
import type { Presence } from '@holdfast/protocol/approvals/presence';
import { agentSays, operatorAnswers, type ToSay } from '@holdfast/protocol/approvals/signals';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { signSignal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { writeVectors } from './write.ts';

type Expect = 'ok' | ErrorCode;

const primitives = seededPrimitives('presence vectors');
const nowMs = Date.UTC(2026, 0, 1);
const id = (fill: number) => new Uint8Array(16).fill(fill);
const [fleet, agent, device, session, child, grant] = [new Uint8Array(32).fill(1), id(2), id(3), id(4), id(5), id(6)];
const agentKeys = await SoftwareKeyHolder.generate(primitives);
const peerKeys = await SoftwareKeyHolder.generate(primitives);
const deviceKeys = await SoftwareKeyHolder.generate(primitives);
const sessionKeys = await SoftwareKeyHolder.generate(primitives);
const epochKey = new Uint8Array(32).fill(9);

const doing = { tool: 'shell', name: 'Bash', text: 'git push --force', sinceMs: nowMs - 1000 };
const living = {
  session,
  mode: 'sealed',
  program: 'claude',
  startedAtMs: nowMs - 60_000,
  calls: 12,
  now: doing,
  more: 1,
  waiting: 1,
  turnAtMs: nowMs - 10_000,
  rules: 3,
  bedrock: 2,
} as const;
const below = {
  child,
  session,
  kind: 'sub-agent',
  name: 'Explore',
  capabilities: ['deploy'],
  credentials: ['github'],
  usesLeft: 3,
  startedAtMs: nowMs - 5000,
  expiresAtMs: nowMs + 3_595_000,
} as const;
const presence: Presence = {
  kind: 'presence',
  v: 1,
  sequence: nowMs,
  atMs: nowMs,
  version: '0.1.0',
  control: { position: 41, hash: new Uint8Array(32).fill(7) },
  rules: 3,
  bedrock: 2,
  freshness: { relayAgeMs: 8120, pulseAgeMs: 61_000, pulseMaxAgeMs: 86_400_000 },
  recording: true,
  incidents: [],
  sessions: [living],
  children: [below],
  counts: [{ grant, used: { total: 7, windows: [2] } }],
  unlisted: { sessions: 0, children: 0, counts: 0 },
};
const { rules: _rules, ...withoutRules } = presence;
const changed = (change: Record<string, unknown>) => ({ ...presence, ...change }) as unknown as Value;
const inSession = (change: Record<string, unknown>) => changed({ sessions: [{ ...living, ...change }] });
const bodies: readonly (readonly [string, Expect, Value])[] = [
  ['the presence of the page', 'ok', changed({})],
  [
    'of an agent without rules, sessions and proof',
    'ok',
    { ...withoutRules, freshness: { pulseMaxAgeMs: 1 }, sessions: [], children: [], counts: [] },
  ],
  [
    'with an incident',
    'ok',
    changed({ recording: false, incidents: ['audit_unavailable'], freshness: { pulseMaxAgeMs: 1, refusal: 'stale_relay' } }),
  ],
  ['with an incident that is no code', 'codec_shape', changed({ incidents: ['<b>look</b>'] })],
  ['an unknown field', 'codec_shape', changed({ title: 'harmless' })],
  ['another version', 'codec_shape', changed({ v: 2 })],
  ['without the control head', 'codec_shape', changed({ control: null })],
  ['a text of 241 characters', 'codec_limit', inSession({ now: { ...doing, text: 'x'.repeat(241) } })],
  ['a text of which nothing was cut', 'codec_shape', inSession({ now: { ...doing, cut: 0 } })],
  ['a session of another mode', 'codec_shape', inSession({ mode: 'open' })],
  ['a session that is not suspended, said so', 'codec_shape', inSession({ suspended: false })],
  ['65 sessions', 'codec_limit', changed({ sessions: Array.from({ length: 65 }, () => living) })],
  [
    'more than a signal holds',
    'codec_limit',
    changed({ sessions: Array.from({ length: 64 }, () => ({ ...living, program: 'x'.repeat(256) })) }),
  ],
];
writeVectors(
  'presence/bodies',
  'Bodies of signals that say how an agent is, and what a reader makes of them.',
  bodies.map(([name, expect, value]) => {
    const hex = encodeValue(value);
    if (expect === 'ok' && toHex(encodeSaid(decodeSaid(hex))) !== toHex(hex)) throw new Error(name);
    return { name, clause: 'PRESENCE-1', expect, hex };
  }),
);

const certificate = await certifySessionKey(agentKeys, {
  v: 1,
  fleet,
  agent,
  key: sessionKeys.publicKeys.sign,
  notBeforeMs: nowMs - 60_000,
  notAfterMs: nowMs + 540_000,
});
const signer = { certificate, sign: sessionKeys.sign.bind(sessionKeys) };
const to = (change: Partial<ToSay> = {}): ToSay => ({
  ...{ primitives, fleet, agent, epochKey: { epoch: 0, key: epochKey.slice() }, expiresAtMs: nowMs + 120_000 },
  ...change,
});
const said = await agentSays(to(), signer, presence);
const peer = {
  certificate: await certifySessionKey(peerKeys, {
    v: 1,
    fleet,
    agent,
    key: sessionKeys.publicKeys.sign,
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 540_000,
  }),
  sign: signer.sign,
};
const signals: readonly (readonly [string, string, Expect, Uint8Array])[] = [
  ['by the agent', 'PRESENCE-2', 'ok', said.wire],
  ['by an agent that is not live', 'PRESENCE-2', 'signal_forged', (await agentSays(to({ agent: id(8) }), signer, presence)).wire],
  ['by a peer in its name', 'PRESENCE-2', 'signal_forged', (await agentSays(to(), peer, presence)).wire],
  [
    'in the audience of the fleet',
    'PRESENCE-2',
    'signal_forged',
    (await signSignal(agentKeys, { ...said.statement, audience: 'fleet' })).wire,
  ],
  [
    'without the mark by which a relay keeps one',
    'PRESENCE-2',
    'open_failed',
    (await signSignal(agentKeys, withoutLatest())).wire,
  ],
  [
    'by a device',
    'PRESENCE-2',
    'signal_forged',
    (await operatorAnswers(to(), { id: device, holder: deviceKeys }, presence as never)).wire,
  ],
  ['when its time is over', 'PRESENCE-3', 'signal_expired', (await agentSays(to({ expiresAtMs: nowMs }), signer, presence)).wire],
];
writeVectors(
  'presence/signals',
  '`wire` as an operator’s device makes of it at `nowMs`. The agent is the only one; `epochKey` is the key of its audience.',
  signals.map(([name, clause, expect, wire]) => ({
    ...{ name, clause, expect, wire, fleet, agent: { id: agent, sign: agentKeys.publicKeys.sign }, device, epochKey, nowMs },
  })),
);

const order: readonly (readonly [
  string,
  'newer' | 'dropped',
  Pick<Presence, 'sequence'> & { heardAtMs: number; expiresAtMs: number },
])[] = [
  ['the first', 'newer', { sequence: 10, heardAtMs: 0, expiresAtMs: 100 }],
  ['the same again', 'dropped', { sequence: 10, heardAtMs: 1, expiresAtMs: 100 }],
  ['an older one', 'dropped', { sequence: 9, heardAtMs: 2, expiresAtMs: 102 }],
  ['a newer one', 'newer', { sequence: 11, heardAtMs: 3, expiresAtMs: 103 }],
  ['the first again, at the moment at which the newest expires', 'newer', { sequence: 10, heardAtMs: 103, expiresAtMs: 203 }],
];
writeVectors(
  'presence/order',
  'Presences of one agent in the order in which a reader hears them, and which of them change what it shows.',
  order.map(([name, becomes, each]) => ({ name, clause: 'PRESENCE-5', expect: 'ok' as const, becomes, ...each })),
);

function withoutLatest() {
  const { latest: _latest, ...rest } = said.statement;
  return rest;
}
