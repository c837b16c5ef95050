// node scripts/vectors/authority.ts: vectors of spec/authority.md. Warrants by themselves, one fault each; the same again on every run.

import { approve, type Approval } from '@holdfast/protocol/approvals/approved';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { signWarrant, termsOf, warrantOf, type WarrantStatement } from '@holdfast/protocol/vault/warrant';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { exampleItem } from '@holdfast/testkit/world';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('authority vectors');
const atMs = Date.UTC(2026, 0, 1);
const id = (fill: number) => new Uint8Array(16).fill(fill);
const [fleet, agent, device, grant] = [new Uint8Array(32).fill(1), id(2), id(3), id(6)];
const deviceKeys = await SoftwareKeyHolder.generate(primitives);
const stranger = await SoftwareKeyHolder.generate(primitives);
const deviceKey = deviceKeys.publicKeys.sign;

const { id: item, ...itemTerms } = exampleItem(primitives, 'demo');
const sealed = { encapsulated: new Uint8Array(1153), ciphertext: utf8('a sealed secret') };
const by = { v: 1, fleet, device, atMs } as const;
const granted = { kind: 'grant', ...by, terms: termsOf({ grant, item, agent, ...itemTerms, sealed }) } as const;
const rules = { kind: 'rules', ...by, version: 3, hash: new Uint8Array(32).fill(7) } as const;
const wireOf = async (said: WarrantStatement, holder = deviceKeys): Promise<Uint8Array> =>
  warrantOf(primitives, said, await signWarrant(holder, said)).wire;
/** Signed as it stands, whatever a reader makes of it. */
const odd = async (said: Record<string, unknown>): Promise<Uint8Array> => {
  const statement = encodeValue(said as Value);
  return encodeValue({ statement, signature: await deviceKeys.sign('warrant', statement) });
};

const { device: _device, ...deviceless } = rules;
const good = await wireOf(granted);
const faults: readonly (readonly [string, string, 'ok' | ErrorCode, Uint8Array])[] = [
  ['a grant', 'AUTHORITY-1', 'ok', good],
  [
    'a grant whose uses are approved',
    'AUTHORITY-3',
    'ok',
    await wireOf({ ...granted, terms: { ...granted.terms, approve: true } }),
  ],
  ['a rule set', 'AUTHORITY-1', 'ok', await wireOf(rules)],
  ['by another device’s key', 'AUTHORITY-2', 'warrant_invalid', await wireOf(granted, stranger)],
  ['a flipped bit under the signature', 'AUTHORITY-2', 'warrant_invalid', flipped(good, 8 * (good.length - 1))],
  [
    'a signature for another domain',
    'AUTHORITY-2',
    'warrant_invalid',
    warrantOf(primitives, granted, await deviceKeys.sign('entry', encodeValue(granted))).wire,
  ],
  ['with what seals the secret', 'AUTHORITY-3', 'codec_shape', await odd({ ...granted, terms: { ...granted.terms, sealed } })],
  ['the text of the rules', 'AUTHORITY-3', 'codec_shape', await odd({ ...rules, text: 'rules: []\n' })],
  ['of another version', 'AUTHORITY-1', 'codec_shape', await odd({ ...rules, v: 2 })],
  ['without its device', 'AUTHORITY-1', 'codec_shape', await odd(deviceless)],
  ['of another kind', 'AUTHORITY-1', 'codec_shape', await odd({ ...rules, kind: 'leave' })],
  ['bytes after it', 'AUTHORITY-1', 'codec_trailing', new Uint8Array([...good, 0])],
];
writeVectors(
  'authority/warrants',
  'Warrants by themselves, the key of the device that they should be by, and what a reader makes of them.',
  faults.map(([name, clause, expect, wire]) => ({ name, clause, expect, deviceKey, wire })),
);

const act = { kind: 'tool-call', tool: 'shell', harness: 'h', name: 'Bash', text: 'git push' } as const;
const use = {
  kind: 'use',
  ...{ grant, item, name: 'demo', method: 'GET', host: 'api.example.com', port: 443, path: '/v1/me', query: '' },
  ...{ headers: [], body: '', key: new Uint8Array(1249) },
} as const;
const ask = { ask: id(5), session: id(4), call: new Uint8Array(32).fill(9), act: use } as const;
const wanted: Approval = { fleet, agent, device, ask };
const approved = async (change: Partial<Approval> = {}, holder = deviceKeys): Promise<Uint8Array> =>
  approve(primitives, holder, { ...wanted, ...change }, atMs);
const approvals: readonly (readonly [string, 'ok' | ErrorCode, Uint8Array])[] = [
  ['of this use', 'ok', await approved()],
  ['by another device’s key', 'warrant_invalid', await approved({}, stranger)],
  ['in another device’s name', 'warrant_invalid', await approved({ device: id(8) })],
  ['of another fleet', 'warrant_invalid', await approved({ fleet: new Uint8Array(32) })],
  ['of another agent', 'warrant_invalid', await approved({ agent: id(8) })],
  ['of another session', 'warrant_invalid', await approved({ ask: { ...ask, session: id(8) } })],
  ['of another ask', 'warrant_invalid', await approved({ ask: { ...ask, ask: id(8) } })],
  ['of another call', 'warrant_invalid', await approved({ ask: { ...ask, call: new Uint8Array(32) } })],
  ['of another grant', 'warrant_invalid', await approved({ ask: { ...ask, act: { ...use, grant: id(8) } } })],
  ['of another path', 'warrant_invalid', await approved({ ask: { ...ask, act: { ...use, path: '/v1/you' } } })],
  ['of an act that is no use', 'warrant_invalid', await approved({ ask: { ...ask, act } })],
  ['a grant in its place', 'warrant_invalid', good],
  ['nothing', 'codec_truncated', new Uint8Array()],
];
writeVectors(
  'authority/approvals',
  'Warrants that come with an answer, and what the daemon makes of them that asked about one use.',
  approvals.map(([name, expect, wire]) => ({
    ...{ name, clause: 'AUTHORITY-4', expect, fleet, agent, device, deviceKey, wire },
    ask: { ...ask, act: { ...use, key: toHex(use.key) } },
  })),
);
