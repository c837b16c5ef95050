// node scripts/vectors/authority.ts: vectors of spec/authority.md. Warrants by themselves, one fault each; the same again on every run.

import { approve, type Approval } from '@holdfast/protocol/approvals/approved';
import { bundleLines } from '@holdfast/protocol/audit/bundle';
import { logOrigin, signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { rootJson, type Proofs } from '@holdfast/protocol/audit/proofs';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { confirmationOf, issueCredential, rootOf } from '@holdfast/protocol/identity/credential';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { certifyDevice } from '@holdfast/protocol/identity/token';
import { jwkOf } from '@holdfast/protocol/keys/jws';
import { leafHash, rootOf as treeRootOf } from '@holdfast/protocol/primitives/merkle';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { requestDigest } from '@holdfast/protocol/vault/handle';
import { readWarrant, signWarrant, termsOf, warrantOf, type WarrantStatement } from '@holdfast/protocol/vault/warrant';
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

// --- Uses in a bundle: a whole log with one fault each. -------------------------------------------------------------------------------

const day = 86_400_000;
const maker = deviceIdOf(primitives, deviceKey);
const phoneKeys = await SoftwareKeyHolder.generate(primitives);
const phone = deviceIdOf(primitives, phoneKeys.publicKeys.sign);
const agentKeys = await SoftwareKeyHolder.generate(primitives);
const sessionKey = await SoftwareKeyHolder.generate(primitives);
const agentKey = agentKeys.publicKeys.sign;
const phoneLink = await certifyDevice(deviceKeys, { fleet, device: phone, key: jwkOf(phoneKeys.publicKeys.sign), atMs });
/** Names the stranger's key. */
const linkByPhone = (named: Uint8Array) =>
  certifyDevice(phoneKeys, { fleet, device: named, key: jwkOf(stranger.publicKeys.sign), atMs });
const byMaker = { v: 1, fleet, device: maker, atMs: atMs - day } as const;
const plainGrant = { kind: 'grant', ...byMaker, terms: termsOf({ grant, item, agent, ...itemTerms, sealed }) } as const;
const approvedGrant = { ...plainGrant, terms: { ...plainGrant.terms, approve: true } } as const;
const ruleSet = { kind: 'rules', ...byMaker, version: 2, hash: new Uint8Array(32).fill(7) } as const;
const earlierSet = { ...ruleSet, version: 1 } as const;

interface Signer {
  readonly said: WarrantStatement;
  readonly wire: Uint8Array;
  readonly digest: Uint8Array;
}
const warrantBy = async (said: WarrantStatement, holder = deviceKeys): Promise<Signer> =>
  readWarrant(primitives, await wireOf(said, holder));
const granting = await warrantBy(plainGrant);
const ruling = await warrantBy(ruleSet);
const rulingBefore = await warrantBy(earlierSet);

async function credential(change: { readonly by?: SoftwareKeyHolder; readonly agent?: Uint8Array; readonly atMs?: number } = {}) {
  const { by: issuer = deviceKeys, atMs: issuedAtMs = atMs - day } = change;
  const statement = {
    fleet,
    agent: change.agent ?? agent,
    device: maker,
    confirm: confirmationOf(primitives, agentKeys.publicKeys),
    scope: 'main',
    machine: 'box',
    custody: { level: 'software', evidence: 'claimed' },
    capabilities: [],
    issuedAtMs,
    expiresAtMs: issuedAtMs + 30 * day,
    status: { index: 1, uri: 'https://relay.example/status' },
  } as const;
  const [token = ''] = new TextDecoder().decode(await issueCredential(primitives, issuer, statement)).split('~');
  return `${token}~`;
}
const goodCredential = await credential();
const proofs: Proofs = {
  root: rootOf(toHex(fleet), deviceKey),
  removed: [],
  chains: [[phoneLink]],
  credentials: [goodCredential],
  warrants: [granting.wire, ruling.wire, rulingBefore.wire],
};
const withWarrants = (...more: readonly Signer[]): Partial<Proofs> => ({
  warrants: [...proofs.warrants, ...more.map(({ wire }) => wire)],
});

const inSession = { session: id(4) } as const;
const used = { ...inSession, handle: id(5), grant, item } as const;
const place = { method: 'GET', host: 'api.example.com', port: 443, path: '/v1/me' } as const;
const digestOf = (request: { method: string; host: string; port: number; path: string }) =>
  requestDigest(primitives, { scheme: 'https', ...request });
/** Undefined: left out. */
type Change<K extends AuditReport['kind'], R = Extract<AuditReport, { kind: K }>> = {
  readonly [F in keyof R]?: R[F] | undefined;
};
interface Use {
  readonly place?: { method: string; host: string; port: number; path: string };
  readonly minted?: Change<'minted'>;
  readonly consumed?: Change<'consumed'>;
}
const useOf = ({ place: at = place, minted = {}, consumed = {} }: Use = {}) =>
  [
    { kind: 'minted', ...used, name: 'demo', request: { ...at, digest: digestOf(at) }, ...minted },
    { kind: 'consumed', ...used, request: digestOf(at), warrant: granting.digest, rulesVersion: 2, ...consumed },
  ] as readonly AuditReport[];
const grantedBy = ({ digest }: Signer): AuditReport => ({
  ...{ kind: 'granted', grant, item, name: 'demo', grantedAtMs: atMs - day, warrant: digest },
});
const setBy = ({ digest, said }: Signer, hash = ruleSet.hash): AuditReport => ({
  ...{ kind: 'rules-set', version: said.kind === 'rules' ? said.version : 0, hash, warrant: digest },
});
const begun: readonly AuditReport[] = [
  grantedBy(granting),
  setBy(rulingBefore),
  setBy(ruling),
  { kind: 'session-start', ...inSession, mode: 'sealed', program: 'curl' },
];
const child = (who: Uint8Array, change: Change<'delegated'> = {}) =>
  ({
    ...{ kind: 'delegated', ...inSession, child: who, of: 'session', name: 'tests', key: new Uint8Array(32).fill(3) },
    ...{ capabilities: ['a'], depth: 1, expiresAtMs: atMs + 600_000, grants: 1, mayUse: [grant] },
    ...{ hosts: 1, mayReach: ['api.example.com:443'] },
    ...change,
  }) as AuditReport;
const childsUse = (who: Uint8Array): readonly AuditReport[] => useOf({ minted: { child: who }, consumed: { child: who } });

const certificate = await certifySessionKey(agentKeys, {
  ...{ v: 1, fleet, agent, key: sessionKey.publicKeys.sign, notBeforeMs: atMs, notAfterMs: atMs + 600_000 },
});
async function bundle(reports: readonly AuditReport[], change: Partial<Proofs>, withhold?: string): Promise<string> {
  const stamped = reports.map((report, sequence): AuditEvent => ({
    ...report,
    ...{ v: 1, agent, sequence, run: id(9), atMs: atMs + 1000 * sequence, monotonicUs: sequence },
  }));
  const events = stamped.map(encodeEvent);
  const leaves = events.map((event) => leafHash(primitives, event));
  const checkpoint = await signCheckpoint(
    { certificate, sign: (domain, statement) => sessionKey.sign(domain, statement) },
    {
      v: 1,
      fleet,
      agent,
      origin: logOrigin(fleet, agent),
      size: events.length,
      root: treeRootOf(primitives, leaves),
      atMs: atMs + 60_000,
    },
  );
  const log = { fleet, agent, agentKey };
  const whole = { events, checkpoints: [checkpoint], proofs: { ...proofs, ...change } };
  return [...bundleLines(primitives, log, whole, ({ kind }) => kind === withhold)].join('');
}

const altered = warrantOf(
  primitives,
  { ...plainGrant, terms: { ...plainGrant.terms, fence: { ...plainGrant.terms.fence, paths: ['/**'] } } },
  (await wireOf(plainGrant)).slice(-64),
);
const another = await warrantBy({ ...plainGrant, terms: { ...plainGrant.terms, grant: id(7) } });
const ofPeer = await warrantBy({ ...plainGrant, terms: { ...plainGrant.terms, agent: id(7) } });
const ofStranger = await warrantBy({ ...plainGrant, device: deviceIdOf(primitives, stranger.publicKeys.sign) }, stranger);
const inTheirName = await warrantBy(plainGrant, stranger);
const elsewhere = await warrantBy({ ...plainGrant, fleet: new Uint8Array(32) });
const ofPhone = await warrantBy({ ...plainGrant, device: phone }, phoneKeys);
const later = await warrantBy({ ...plainGrant, atMs: atMs + day });
const until = await warrantBy({
  ...plainGrant,
  terms: { ...plainGrant.terms, fence: { ...plainGrant.terms.fence, v: 2, untilMs: atMs - 61_000 } },
});
const perUse = await warrantBy(approvedGrant);
const otherRules = await warrantBy({ ...ruleSet, hash: new Uint8Array(32) });
const upTo = (signer: Signer, use: Use = {}) => [
  ...[grantedBy(signer), ...begun.slice(1)],
  ...useOf({ ...use, consumed: { warrant: signer.digest, ...use.consumed } }),
];

const leaveFor = async (change: Partial<Approval> = {}, by = deviceKeys, givenAtMs = atMs): Promise<Uint8Array> =>
  approve(primitives, by, { fleet, agent, device: maker, ask, ...change }, givenAtMs);
const asksFor = (warrant: Uint8Array | undefined, outcome: 'allowed' | 'denied' = 'allowed'): readonly AuditReport[] => [
  { kind: 'asked', ...inSession, ask: ask.ask, call: ask.call, lifeMs: 120_000, rules: [] },
  { kind: 'answered', ...inSession, ask: ask.ask, outcome, device: maker, ...(warrant !== undefined && { warrant }) },
];
const approvedUse = useOf({ consumed: { warrant: perUse.digest, ask: ask.ask } });
const approvedLog = (warrant: Uint8Array | undefined, outcome?: 'allowed' | 'denied') => [
  ...[grantedBy(perUse), ...begun.slice(1)],
  ...asksFor(warrant, outcome),
  ...approvedUse,
];
const approvedBy = async (...terms: Parameters<typeof leaveFor>): Promise<readonly AuditReport[]> =>
  approvedLog(await leaveFor(...terms));
const other = { ...place, path: '/v1/you' };
const [one, two] = [id(11), id(12)];

type Row = readonly [string, string, 'ok' | ErrorCode, readonly AuditReport[], Partial<Proofs>?, string?];
const rows: readonly Row[] = [
  ['a use with its whole authority', 'AUTHORITY-17', 'ok', [...begun, ...useOf()]],
  ['of a grant by a second device', 'AUTHORITY-10', 'ok', upTo(ofPhone), withWarrants(ofPhone)],
  ['approved', 'AUTHORITY-14', 'ok', await approvedBy(), withWarrants(perUse)],
  [
    'by a child of a child',
    'AUTHORITY-15',
    'ok',
    [...begun, child(one), child(two, { parent: one, depth: 0 }), ...childsUse(two)],
  ],
  [
    'without rules, where there were none',
    'AUTHORITY-13',
    'ok',
    [grantedBy(granting), ...useOf({ consumed: { rulesVersion: undefined } })],
  ],
  [
    'a credential for another agent',
    'AUTHORITY-9',
    'credential_invalid',
    [...begun, ...useOf()],
    { credentials: [await credential({ agent: id(7) })] },
  ],
  [
    'a credential by a stranger',
    'AUTHORITY-9',
    'credential_invalid',
    [...begun, ...useOf()],
    { credentials: [await credential({ by: stranger })] },
  ],
  [
    'a credential that had ended',
    'AUTHORITY-9',
    'credential_expired',
    [...begun, ...useOf()],
    { credentials: [await credential({ atMs: atMs - 31 * day })] },
  ],
  ['of a revoked agent', 'AUTHORITY-9', 'agent_revoked', [...begun, { kind: 'revoked', reason: '' }, ...useOf()]],
  ['of a suspended agent', 'AUTHORITY-9', 'agent_suspended', [...begun, { kind: 'agent-suspended', reason: '' }, ...useOf()]],
  ['no warrant named', 'AUTHORITY-10', 'warrant_missing', [...begun, ...useOf({ consumed: { warrant: undefined } })]],
  ['a warrant that is not there', 'AUTHORITY-10', 'warrant_missing', [...begun, ...useOf()], { warrants: [ruling.wire] }],
  [
    'another grant’s digest',
    'AUTHORITY-10',
    'warrant_invalid',
    [...begun, ...useOf({ consumed: { warrant: another.digest } })],
    withWarrants(another),
  ],
  ['another agent’s grant', 'AUTHORITY-10', 'warrant_invalid', upTo(ofPeer), withWarrants(ofPeer)],
  ['a rule set’s digest', 'AUTHORITY-10', 'warrant_invalid', [...begun, ...useOf({ consumed: { warrant: ruling.digest } })]],
  ['terms that were widened', 'AUTHORITY-10', 'warrant_invalid', upTo(altered), withWarrants(altered)],
  [
    'terms signed in the device’s name',
    'AUTHORITY-10',
    'warrant_invalid',
    upTo(inTheirName),
    { warrants: [inTheirName.wire, ruling.wire] },
  ],
  ['terms of another fleet', 'AUTHORITY-10', 'warrant_invalid', upTo(elsewhere), withWarrants(elsewhere)],
  ['terms by a device that nobody added', 'AUTHORITY-10', 'device_unknown', upTo(ofStranger), withWarrants(ofStranger)],
  [
    'terms by a device that was removed before',
    'AUTHORITY-10',
    'device_unknown',
    upTo(ofPhone),
    { ...withWarrants(ofPhone), removed: [{ device: phone, atMs: atMs - 2 * day }] },
  ],
  [
    'terms of a removed device that are dated back',
    'AUTHORITY-10',
    'device_unknown',
    upTo(ofPhone),
    { ...withWarrants(ofPhone), removed: [{ device: phone, atMs: atMs - 1000 }] },
  ],
  [
    'a device that was removed later',
    'AUTHORITY-10',
    'ok',
    upTo(ofPhone),
    { ...withWarrants(ofPhone), removed: [{ device: phone, atMs: atMs + day }] },
  ],
  ['before it was granted', 'AUTHORITY-11', 'grant_unknown', upTo(later), withWarrants(later)],
  ['after its grant’s end', 'AUTHORITY-11', 'grant_unknown', [...begun, { kind: 'grant-ended', grant }, ...useOf()]],
  ['another host', 'AUTHORITY-12', 'fence_host', [...begun, ...useOf({ place: { ...place, host: 'evil.example' } })]],
  ['another port', 'AUTHORITY-12', 'fence_host', [...begun, ...useOf({ place: { ...place, port: 8443 } })]],
  ['another method', 'AUTHORITY-12', 'fence_method', [...begun, ...useOf({ place: { ...place, method: 'POST' } })]],
  ['another path', 'AUTHORITY-12', 'fence_path', [...begun, ...useOf({ place: { ...place, path: '/v2/me' } })]],
  ['a path with two readings', 'AUTHORITY-12', 'fence_path', [...begun, ...useOf({ place: { ...place, path: '/v1%2Fme' } })]],
  ['a path that climbs', 'AUTHORITY-12', 'path_unsafe', [...begun, ...useOf({ place: { ...place, path: '/v1/../v2' } })]],
  ['after the fence’s time', 'AUTHORITY-12', 'fence_time', upTo(until), withWarrants(until)],
  [
    'minted for another request',
    'AUTHORITY-12',
    'handle_foreign',
    [...begun, ...useOf({ minted: { request: { ...other, digest: digestOf(other) } } })],
  ],
  [
    'a request that its digest does not name',
    'AUTHORITY-12',
    'handle_foreign',
    [...begun, ...useOf({ minted: { request: { ...other, digest: digestOf(place) } } })],
  ],
  ['never minted', 'AUTHORITY-12', 'handle_foreign', [...begun, ...useOf().slice(1)]],
  [
    'a path that was cut',
    'AUTHORITY-16',
    'warrant_unread',
    [...begun, ...useOf({ minted: { request: { ...place, pathCut: true, digest: digestOf(place) } } })],
  ],
  [
    'a request that holds a commitment',
    'AUTHORITY-16',
    'warrant_unread',
    [...begun, ...useOf({ minted: { request: { ...place, salted: true, digest: digestOf(place) } } })],
  ],
  ['its request withheld', 'AUTHORITY-16', 'warrant_unread', [...begun, ...useOf()], {}, 'minted'],
  ['by rules that were replaced', 'AUTHORITY-13', 'rules_version', [...begun, ...useOf({ consumed: { rulesVersion: 1 } })]],
  ['by no rules', 'AUTHORITY-13', 'rules_version', [...begun, ...useOf({ consumed: { rulesVersion: undefined } })]],
  ['by rules without a warrant', 'AUTHORITY-13', 'warrant_missing', [...begun, ...useOf()], { warrants: [granting.wire] }],
  [
    'by rules of another hash',
    'AUTHORITY-13',
    'warrant_invalid',
    [...begun.slice(0, 2), setBy(otherRules), ...useOf()],
    withWarrants(otherRules),
  ],
  [
    'not approved',
    'AUTHORITY-14',
    'warrant_missing',
    [grantedBy(perUse), ...begun.slice(1), ...useOf({ consumed: { warrant: perUse.digest } })],
    withWarrants(perUse),
  ],
  ['approved without a warrant', 'AUTHORITY-14', 'warrant_missing', approvedLog(undefined), withWarrants(perUse)],
  ['denied', 'AUTHORITY-14', 'warrant_missing', approvedLog(await leaveFor(), 'denied'), withWarrants(perUse)],
  [
    'approved for another request',
    'AUTHORITY-14',
    'ask_mismatch',
    await approvedBy({ ask: { ...ask, act: { ...use, path: '/v1/you' } } }),
    withWarrants(perUse),
  ],
  [
    'approved for another session',
    'AUTHORITY-14',
    'ask_mismatch',
    await approvedBy({ ask: { ...ask, session: id(8) } }),
    withWarrants(perUse),
  ],
  [
    'approved for another grant',
    'AUTHORITY-14',
    'ask_mismatch',
    await approvedBy({ ask: { ...ask, act: { ...use, grant: id(8) } } }),
    withWarrants(perUse),
  ],
  ['approved once, used twice', 'AUTHORITY-14', 'ask_mismatch', [...(await approvedBy()), ...approvedUse], withWarrants(perUse)],
  [
    'approved by a stranger',
    'AUTHORITY-14',
    'device_unknown',
    await approvedBy({ device: id(8) }, stranger),
    withWarrants(perUse),
  ],
  ['approved in the device’s name', 'AUTHORITY-14', 'warrant_invalid', await approvedBy({}, stranger), withWarrants(perUse)],
  [
    'approved long ago',
    'AUTHORITY-14',
    'approval_expired',
    await approvedBy({}, deviceKeys, atMs - 1_000_000),
    withWarrants(perUse),
  ],
  ['by a child that nobody named', 'AUTHORITY-15', 'child_unknown', [...begun, ...childsUse(one)]],
  [
    'by a child that had ended',
    'AUTHORITY-15',
    'child_ended',
    [...begun, child(one), { kind: 'child-end', ...inSession, child: one, why: 'stopped' }, ...childsUse(one)],
  ],
  [
    'by a child past its time',
    'AUTHORITY-15',
    'delegation_expired',
    [...begun, child(one, { expiresAtMs: atMs - 61_000 }), ...childsUse(one)],
  ],
  [
    'by a child without this grant',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one, { mayUse: [id(8)] }), ...childsUse(one)],
  ],
  [
    'by a child without this host',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one, { mayReach: ['b.example:443'] }), ...childsUse(one)],
  ],
  [
    'by a child with more than its parent: grants',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one), child(two, { parent: one, depth: 0, grants: 2, mayUse: [grant, id(8)] }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: hosts',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one), child(two, { parent: one, depth: 0, hosts: undefined, mayReach: undefined }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: capabilities',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one), child(two, { parent: one, depth: 0, capabilities: ['a', 'b'] }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: life',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one), child(two, { parent: one, depth: 0, expiresAtMs: atMs + 700_000 }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: depth',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one), child(two, { parent: one, depth: 1 }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: uses',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one, { uses: 5 }), child(two, { parent: one, depth: 0, uses: 6 }), ...childsUse(two)],
  ],
  [
    'by a child with more than its parent: bytes',
    'AUTHORITY-15',
    'delegation_exceeded',
    [...begun, child(one, { bytes: 5 }), child(two, { parent: one, depth: 0, bytes: 6 }), ...childsUse(two)],
  ],
  [
    'by a child whose hosts did not fit',
    'AUTHORITY-16',
    'warrant_unread',
    [...begun, child(one, { mayReach: undefined }), ...childsUse(one)],
  ],
  ['by a child that is withheld', 'AUTHORITY-16', 'warrant_unread', [...begun, child(one), ...childsUse(one)], {}, 'delegated'],
  [
    'terms by a device that a removed one added later',
    'AUTHORITY-10',
    'device_unknown',
    upTo(ofStranger),
    {
      ...withWarrants(ofStranger),
      removed: [{ device: phone, atMs: atMs - 1000 }],
      chains: [[phoneLink], [phoneLink, await linkByPhone(deviceIdOf(primitives, stranger.publicKeys.sign))]],
    },
  ],
  [
    'terms in the name of a device to which another one gave another key',
    'AUTHORITY-10',
    'warrant_invalid',
    [grantedBy(inTheirName), ...useOf({ consumed: { warrant: inTheirName.digest, rulesVersion: undefined } })],
    { warrants: [inTheirName.wire], chains: [[phoneLink], [phoneLink, await linkByPhone(maker)]] },
  ],
];
const told: Parameters<typeof writeVectors>[2][number][] = [];
for (const [name, clause, expect, reports, change = {}, withhold] of rows)
  told.push({ name, clause, expect, root: rootJson({ ...proofs, ...change }), bundle: await bundle(reports, change, withhold) });
writeVectors('authority/uses', 'Bundles, the root that their reader trusts, and the verdict on the last use in each.', told);
