// node scripts/vectors/credential.ts: vectors of spec/credential.md, spec/presentation.md, spec/delegation.md and spec/status-list.md. Salts come from a seed and
// signatures are deterministic (RFC 6979).

import { deflateSync } from 'node:zlib';
import { toBase64url, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import type { JsonObject } from '@holdfast/protocol/codec/json';
import { delegate } from '@holdfast/protocol/custody/delegation';
import { bindKey } from '@holdfast/protocol/custody/key-binding';
import {
  confirmationOf,
  credentialLifeMs,
  disclose,
  issueCredential,
  rootOf,
  type CredentialStatement,
} from '@holdfast/protocol/identity/credential';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { conceal, Hidden, joinSdJwt, splitSdJwt, type MarkedClaims } from '@holdfast/protocol/identity/sd-jwt';
import { issueStatusList, type StatusListTerms } from '@holdfast/protocol/identity/status-list';
import { certifyDevice } from '@holdfast/protocol/identity/token';
import { compactToken, jwkOf, readToken, tokenInput, type TokenType } from '@holdfast/protocol/keys/jws';
import { urnOf } from '@holdfast/protocol/keys/urn';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import type { VectorEntry } from '@holdfast/testkit/vectors';
import { writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/credential');
const operator = await SoftwareKeyHolder.generate(primitives);
const second = await SoftwareKeyHolder.generate(primitives);
const third = await SoftwareKeyHolder.generate(primitives);
const holder = await SoftwareKeyHolder.generate(primitives);
const mallory = await SoftwareKeyHolder.generate(primitives);

const fleet = new Uint8Array(32).fill(0xf1);
const otherFleet = new Uint8Array(32).fill(0xf2);
const agent = new Uint8Array(16).fill(0xa1);
const device = deviceIdOf(primitives, operator.publicKeys.sign);
const secondDevice = new Uint8Array(16).fill(0xd2);
const thirdDevice = new Uint8Array(16).fill(0xd3);
const root = rootOf(toHex(fleet), operator.publicKeys.sign);
const issuedAtMs = Date.UTC(2026, 0, 1);
const uri = `https://relay.example/status/${toHex(fleet)}`;

const statement: CredentialStatement = {
  fleet,
  agent,
  device,
  confirm: confirmationOf(primitives, holder.publicKeys),
  scope: 'main',
  machine: 'box',
  custody: { level: 'tpm', evidence: 'claimed' },
  capabilities: ['deploy', 'vault:use:demo'],
  issuedAtMs,
  expiresAtMs: issuedAtMs + credentialLifeMs,
  status: { index: 7, uri },
};
const text = (wire: Uint8Array): string => new TextDecoder().decode(wire);
const issue = async (change: Partial<CredentialStatement> = {}, by = operator, chain: readonly string[] = []): Promise<string> =>
  text(await issueCredential(primitives, by, { ...statement, ...change }, chain));

const good = await issue();
const parts = splitSdJwt(good, 32_768);

/** Any token, as its signer would make it. */
async function signed(type: TokenType, header: JsonObject, payload: JsonObject, by: SoftwareKeyHolder): Promise<string> {
  const input = tokenInput(type, header, payload);
  return compactToken(input, await by.sign(type, input));
}

/** A token whose header is not ours: signed by whatever `sign` does. */
async function oddly(header: JsonObject, payload: JsonObject, sign: (input: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const input = utf8([header, payload].map((part) => toBase64url(utf8(JSON.stringify(part)))).join('.'));
  return compactToken(input, await sign(input));
}

const kid = urnOf('device', device);
const said = readToken(parts.issuer, 32_768).payload;
/** The good credential with another payload, by the operator. */
async function changed(change: (payload: Record<string, unknown>) => unknown): Promise<string> {
  const payload = structuredClone(said) as Record<string, unknown>;
  change(payload);
  return joinSdJwt(await signed('dc+sd-jwt', { kid }, payload as JsonObject, operator), parts.disclosures);
}
/** One whose hidden claims the caller marks. */
async function marked(claims: MarkedClaims): Promise<string> {
  const { payload, disclosures } = conceal(primitives, claims);
  return joinSdJwt(await signed('dc+sd-jwt', { kid }, payload, operator), disclosures);
}
const { _sd: _digests, _sd_alg: _algorithm, ...shown } = said;
/** HMAC by the text of the public key: what a verifier computes that lets the token choose the algorithm. */
const hmacByPublicKey = async (input: Uint8Array): Promise<Uint8Array> =>
  primitives.hmacSha256(utf8(JSON.stringify(root.key)), input);
const raw = (by: SoftwareKeyHolder) => async (input: Uint8Array) => primitives.p256Sign(privateScalar(by), input);
function privateScalar(by: SoftwareKeyHolder): Uint8Array {
  const exported = by.exportBytes();
  const at = Buffer.from(exported).indexOf(Buffer.from('sign')) + 'sign'.length + 2; // after the head of a byte string of 32
  return exported.slice(at, at + 32);
}

const link = await certifyDevice(operator, {
  fleet,
  device: secondDevice,
  key: jwkOf(second.publicKeys.sign),
  atMs: issuedAtMs,
});
const nextLink = await certifyDevice(second, { fleet, device: thirdDevice, key: jwkOf(third.publicKeys.sign), atMs: issuedAtMs });
const strangeLink = await certifyDevice(mallory, {
  fleet,
  device: thirdDevice,
  key: jwkOf(third.publicKeys.sign),
  atMs: issuedAtMs,
});
const ownLink = await certifyDevice(mallory, {
  fleet,
  device: thirdDevice,
  key: jwkOf(mallory.publicKeys.sign),
  atMs: issuedAtMs,
});
const foreignLink = await certifyDevice(operator, {
  fleet: otherFleet,
  device: secondDevice,
  key: jwkOf(second.publicKeys.sign),
  atMs: issuedAtMs,
});

const keys = holder.publicKeys;
const about = { root, keys, nowMs: issuedAtMs, credential: good };
writeVectors(
  'credential/credentials',
  'Credentials as their holder keeps them, with the root, the keys that it has and the time.',
  [
    { name: 'good', clause: 'CREDENTIAL-1', expect: 'ok', ...about, agent },
    { name: 'its last moment', clause: 'CREDENTIAL-8', expect: 'ok', ...about, nowMs: statement.expiresAtMs - 1, agent },
    { name: 'expired', clause: 'CREDENTIAL-8', expect: 'credential_expired', ...about, nowMs: statement.expiresAtMs },
    { name: 'from the future', clause: 'CREDENTIAL-8', expect: 'credential_invalid', ...about, nowMs: issuedAtMs - 300_001 },
    {
      name: 'a day too long',
      clause: 'CREDENTIAL-2',
      expect: 'credential_invalid',
      ...about,
      credential: await changed((payload) => (payload['exp'] = Number(payload['exp']) + 86_400)),
    },
    {
      name: 'over before it begins',
      clause: 'CREDENTIAL-2',
      expect: 'credential_invalid',
      ...about,
      credential: await changed((payload) => (payload['exp'] = payload['iat'])),
    },
    { name: 'a trailing byte', clause: 'CREDENTIAL-1', expect: 'credential_invalid', ...about, credential: `${good}A` },
    { name: 'cut short', clause: 'CREDENTIAL-1', expect: 'credential_invalid', ...about, credential: good.slice(0, -1) },
    {
      name: 'a claim that is not known',
      clause: 'CREDENTIAL-1',
      expect: 'credential_invalid',
      ...about,
      credential: await changed((payload) => (payload['admin'] = true)),
    },
    {
      name: 'another type of credential',
      clause: 'CREDENTIAL-1',
      expect: 'credential_invalid',
      ...about,
      credential: await changed((payload) => (payload['vct'] = 'urn:holdfast:agent:2')),
    },
    {
      name: 'another fleet',
      clause: 'CREDENTIAL-5',
      expect: 'credential_foreign',
      ...about,
      root: rootOf(toHex(otherFleet), operator.publicKeys.sign),
    },
    {
      name: 'another root of the same name',
      clause: 'CREDENTIAL-6',
      expect: 'credential_invalid',
      ...about,
      root: rootOf(toHex(fleet), mallory.publicKeys.sign),
    },
    { name: 'other keys', clause: 'CREDENTIAL-7', expect: 'credential_invalid', ...about, keys: mallory.publicKeys },
    {
      name: 'no key',
      clause: 'CREDENTIAL-7',
      expect: 'credential_invalid',
      ...about,
      credential: await changed((payload) => delete payload['cnf']),
    },
    {
      name: 'signed by another key',
      clause: 'CREDENTIAL-6',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({}, mallory),
    },
    {
      name: "another device's name",
      clause: 'CREDENTIAL-3',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({ device: secondDevice }),
    },
    {
      name: 'by a second device',
      clause: 'CREDENTIAL-9',
      expect: 'ok',
      ...about,
      credential: await issue({ device: secondDevice }, second, [link]),
      agent,
    },
    {
      name: 'by a third device',
      clause: 'CREDENTIAL-9',
      expect: 'ok',
      ...about,
      credential: await issue({ device: thirdDevice }, third, [link, nextLink]),
      agent,
    },
    {
      name: 'a chain with a gap',
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({ device: thirdDevice }, third, [nextLink]),
    },
    {
      name: "a chain by a stranger's word",
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({ device: thirdDevice }, third, [link, strangeLink]),
    },
    {
      name: 'a chain that vouches for itself',
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({ device: thirdDevice }, mallory, [ownLink]),
    },
    {
      name: "a link of another fleet's",
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({ device: secondDevice }, second, [foreignLink]),
    },
    {
      name: 'a second device in the name of the first',
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue({}, second, [link]),
    },
    {
      name: 'a chain of nine',
      clause: 'CREDENTIAL-9',
      expect: 'credential_invalid',
      ...about,
      credential: await issue(
        { device: secondDevice },
        second,
        Array.from({ length: 9 }, () => link),
      ),
    },
    {
      name: 'a hidden key store',
      clause: 'CREDENTIAL-10',
      expect: 'credential_invalid',
      ...about,
      credential: await marked({
        ...(shown as MarkedClaims),
        capabilities: [],
        custody: new Hidden({ level: 'tpm', evidence: 'attested' }),
      }),
    },
  ],
);

const audience = 'https://api.example.com';
const challenge = 'n-0S6_WzA2Mj-2026';
const nowMs = issuedAtMs + 3_600_000;
const present = async (
  credential: string,
  by = holder,
  change: { audience?: string; nonce?: string; harness?: Uint8Array; nowMs?: number } = {},
) => credential + (await bindKey(primitives, by, { audience, nonce: challenge, credential, ...change }, change.nowMs ?? nowMs));
/** A proof of the key with another payload. */
async function bound(credential: string, change: (payload: Record<string, unknown>) => unknown, by = holder): Promise<string> {
  const presentation = await present(credential);
  const payload = structuredClone(readToken(presentation.slice(credential.length), 32_768).payload) as Record<string, unknown>;
  change(payload);
  return credential + (await signed('kb+jwt', {}, payload as JsonObject, by));
}
/** A whole presentation whose issuer's token has another header, or is otherwise not as it should be. */
async function under(header: JsonObject, sign: (input: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const credential = joinSdJwt(await oddly(header, said, sign), parts.disclosures);
  const payload = {
    iat: nowMs / 1000,
    aud: audience,
    nonce: challenge,
    sd_hash: toBase64url(primitives.sha256(utf8(credential))),
  };
  return credential + (await signed('kb+jwt', {}, payload, holder)); // custody would not: some of them have no signature
}
/** The same for the proof of the key. */
async function proved(header: JsonObject, sign: (input: Uint8Array) => Promise<Uint8Array>): Promise<string> {
  const payload = readToken((await present(good)).slice(good.length), 32_768).payload;
  return good + (await oddly(header, payload, sign));
}
const nothing = async () => new Uint8Array(0);
const all = await present(good);
const kb = all.slice(good.length);
const little = disclose(utf8(good), (claim) => claim === 'capability:deploy');
const foreignDisclosure = toBase64url(utf8(JSON.stringify(['c2FsdHNhbHRzYWx0c2FsdA', 'admin', true])));
const es256 = { alg: 'ES256', typ: 'dc+sd-jwt', kid };

const expected = { root, audience, challenge, nowMs };
type PresentationVector = VectorEntry & Readonly<Record<string, unknown>> & { readonly presentation: string };
const faults: readonly PresentationVector[] = [
  { name: 'nothing at all', clause: 'PRESENT-1', expect: 'presentation_malformed', presentation: '' },
  { name: 'no tilde', clause: 'PRESENT-1', expect: 'presentation_malformed', presentation: parts.issuer },
  { name: 'an empty disclosure', clause: 'PRESENT-1', expect: 'presentation_malformed', presentation: `${good}~${kb}` },
  { name: 'a padded signature', clause: 'PRESENT-1', expect: 'presentation_malformed', presentation: `${all}=` },
  {
    name: 'a proof of two parts',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: all.slice(0, all.lastIndexOf('.')),
  },
  {
    name: 'the credential in the place of the proof',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: good + parts.issuer,
  },
  {
    name: 'a proof in the place of the credential',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: await present(joinSdJwt(await signed('kb+jwt', { kid }, said, operator), parts.disclosures)),
  },
  {
    name: 'a claim twice',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: await present(
      joinSdJwt(
        await (async () => {
          const twice = `${JSON.stringify(said).slice(0, -1)},"sub":"urn:holdfast:agent:${'b2'.repeat(16)}"}`;
          const input = utf8([JSON.stringify(es256), twice].map((each) => toBase64url(utf8(each))).join('.'));
          return compactToken(input, await raw(operator)(input));
        })(),
        parts.disclosures,
      ),
    ),
  },
  {
    name: 'an unknown header',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: await under({ ...es256, url: 'https://elsewhere.example' }, raw(operator)),
  },
  {
    name: 'alg none',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await under({ ...es256, alg: 'none' }, nothing),
  },
  {
    name: 'alg None',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await under({ ...es256, alg: 'None' }, nothing),
  },
  {
    name: 'HS256 by the public key',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await under({ ...es256, alg: 'HS256' }, hmacByPublicKey),
  },
  {
    name: 'no alg',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await under({ typ: 'dc+sd-jwt', kid }, raw(operator)),
  },
  {
    name: 'a proof with alg none',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await proved({ alg: 'none', typ: 'kb+jwt' }, nothing),
  },
  {
    name: 'a proof by HS256',
    clause: 'PRESENT-2',
    expect: 'presentation_algorithm',
    presentation: await proved({ alg: 'HS256', typ: 'kb+jwt' }, hmacByPublicKey),
  },
  ...(await Promise.all(
    (
      [
        ['jwk', { ...jwkOf(mallory.publicKeys.sign) }],
        ['jku', 'https://mallory.example/keys'],
        ['x5c', ['MIIB']],
        ['x5u', 'https://mallory.example/cert'],
      ] as const
    ).map(async ([member, value]) => ({
      name: `a key in ${member}`,
      clause: 'PRESENT-3',
      expect: 'presentation_key' as const,
      presentation: await under({ ...es256, [member]: value }, raw(mallory)),
    })),
  )),
  {
    name: 'a proof with a key of its own',
    clause: 'PRESENT-3',
    expect: 'presentation_key',
    presentation: await proved({ alg: 'ES256', typ: 'kb+jwt', jwk: { ...jwkOf(mallory.publicKeys.sign) } }, raw(mallory)),
  },
  {
    name: 'something critical',
    clause: 'PRESENT-4',
    expect: 'presentation_critical',
    presentation: await under({ ...es256, crit: ['more'], more: true }, raw(operator)),
  },
  {
    name: 'an unencoded payload',
    clause: 'PRESENT-4',
    expect: 'presentation_critical',
    presentation: await under({ ...es256, crit: ['b64'], b64: false }, raw(operator)),
  },
  {
    name: 'a proof with something critical',
    clause: 'PRESENT-4',
    expect: 'presentation_critical',
    presentation: await proved({ alg: 'ES256', typ: 'kb+jwt', crit: ['exp'] }, raw(holder)),
  },
  { name: 'without a proof', clause: 'PRESENT-5', expect: 'presentation_unbound', presentation: good },
  {
    name: 'without a key',
    clause: 'CREDENTIAL-7',
    expect: 'credential_unbound',
    presentation: await bound(await changed((payload) => delete payload['cnf']), () => {}),
  },
  {
    name: 'a proof by another key',
    clause: 'PRESENT-6',
    expect: 'presentation_forged',
    presentation: await present(good, mallory),
  },
  {
    name: 'a proof with its signature altered',
    clause: 'PRESENT-6',
    expect: 'presentation_forged',
    presentation: all.slice(0, -8) + (all.at(-8) === 'A' ? 'B' : 'A') + all.slice(-7),
  },
  {
    name: 'signed by another operator',
    clause: 'CREDENTIAL-6',
    expect: 'credential_invalid',
    presentation: await present(await issue({}, mallory)),
  },
  {
    name: 'of another fleet',
    clause: 'CREDENTIAL-5',
    expect: 'credential_foreign',
    presentation: await present(await issue({ fleet: otherFleet })),
  },
  {
    name: 'expired',
    clause: 'CREDENTIAL-8',
    expect: 'credential_expired',
    presentation: await present(good, holder, { nowMs: statement.expiresAtMs }),
    nowMs: statement.expiresAtMs,
  },
  {
    name: "another presentation's hash",
    clause: 'PRESENT-7',
    expect: 'presentation_hash',
    presentation: await bound(good, (payload) => (payload['sd_hash'] = toBase64url(new Uint8Array(32)))),
  },
  { name: 'a disclosure taken away', clause: 'PRESENT-7', expect: 'presentation_hash', presentation: little + kb },
  {
    name: 'disclosures in another order',
    clause: 'PRESENT-7',
    expect: 'presentation_hash',
    presentation: joinSdJwt(parts.issuer, parts.disclosures.toReversed()) + kb,
  },
  {
    name: 'a disclosure twice',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(joinSdJwt(parts.issuer, [...parts.disclosures, parts.disclosures[0] ?? ''])),
  },
  {
    name: 'a disclosure of its own',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(joinSdJwt(parts.issuer, [...parts.disclosures, foreignDisclosure])),
  },
  {
    name: 'a disclosure that is no list',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(joinSdJwt(parts.issuer, [toBase64url(utf8('{}'))])),
  },
  {
    name: 'a digest twice',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(
      await changed((payload) => (payload['_sd'] = [...(payload['_sd'] as string[]), ...(payload['_sd'] as string[])])),
    ),
  },
  {
    name: 'digests of another algorithm',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(await changed((payload) => (payload['_sd_alg'] = 'sha-512'))),
  },
  {
    name: 'a hidden claim that is there as well',
    clause: 'PRESENT-8',
    expect: 'presentation_disclosure',
    presentation: await present(await changed((payload) => (payload['scope'] = 'other'))),
  },
  {
    name: 'for somebody else',
    clause: 'PRESENT-9',
    expect: 'presentation_audience',
    presentation: await present(good, holder, { audience: 'https://other.example' }),
  },
  {
    name: 'for the same with a slash',
    clause: 'PRESENT-9',
    expect: 'presentation_audience',
    presentation: await present(good, holder, { audience: `${audience}/` }),
  },
  {
    name: 'another nonce',
    clause: 'PRESENT-9',
    expect: 'presentation_nonce',
    presentation: await present(good, holder, { nonce: `${challenge}!` }),
  },
  {
    name: '61 seconds old',
    clause: 'PRESENT-9',
    expect: 'presentation_time',
    presentation: await present(good, holder, { nowMs: nowMs - 61_000 }),
  },
  {
    name: '61 seconds ahead',
    clause: 'PRESENT-9',
    expect: 'presentation_time',
    presentation: await present(good, holder, { nowMs: nowMs + 61_000 }),
  },
  ...(await Promise.all(
    ['iat', 'aud', 'nonce', 'sd_hash'].map(async (claim) => ({
      name: `a proof without ${claim}`,
      clause: 'PRESENT-1',
      expect: 'presentation_malformed' as const,
      presentation: await bound(good, (payload) => delete payload[claim]),
    })),
  )),
  {
    name: 'a proof for two audiences',
    clause: 'PRESENT-1',
    expect: 'presentation_malformed',
    presentation: await bound(good, (payload) => (payload['aud'] = [audience, 'https://other.example'])),
  },
  {
    name: 'a harness that is no digest',
    clause: 'PRESENT-13',
    expect: 'presentation_malformed',
    presentation: await bound(good, (payload) => (payload['harness'] = 'claude-code')),
  },
];
writeVectors(
  'presentation/presentations',
  'Presentations as a verifier gets them, with what it expects; nothing was presented before, and every credential is in force by the list.',
  [
    {
      name: 'all of it',
      clause: 'PRESENT-1',
      expect: 'ok',
      ...expected,
      presentation: all,
      agent,
      capabilities: statement.capabilities,
      scope: 'main',
    },
    {
      name: 'the build of its harness',
      clause: 'PRESENT-13',
      expect: 'ok',
      ...expected,
      presentation: await present(good, holder, { harness: primitives.sha256(utf8('a program')) }),
      agent,
      capabilities: statement.capabilities,
      scope: 'main',
      harness: toHex(primitives.sha256(utf8('a program'))),
    },
    {
      name: 'one capability',
      clause: 'PRESENT-8',
      expect: 'ok',
      ...expected,
      presentation: await present(little),
      agent,
      capabilities: ['deploy'],
    },
    {
      name: 'nothing shown',
      clause: 'PRESENT-8',
      expect: 'ok',
      ...expected,
      presentation: await present(disclose(utf8(good), () => false)),
      agent,
      capabilities: [],
    },
    {
      name: 'a nonce of its own',
      clause: 'PRESENT-9',
      expect: 'ok',
      ...expected,
      challenge: null,
      presentation: all,
      agent,
      capabilities: statement.capabilities,
      scope: 'main',
    },
    {
      name: '60 seconds old',
      clause: 'PRESENT-9',
      expect: 'ok',
      ...expected,
      presentation: await present(
        disclose(utf8(good), () => false),
        holder,
        { nowMs: nowMs - 60_000 },
      ),
      agent,
      capabilities: [],
    },
    {
      name: '60 seconds ahead',
      clause: 'PRESENT-9',
      expect: 'ok',
      ...expected,
      presentation: await present(
        disclose(utf8(good), () => false),
        holder,
        { nowMs: nowMs + 60_000 },
      ),
      agent,
      capabilities: [],
    },
    ...faults.map((fault) => ({ ...expected, ...fault })),
  ],
);

const child = new Uint8Array(16).fill(0xc1);
const grandchild = new Uint8Array(16).fill(0xc2);
const childKeys = await SoftwareKeyHolder.generate(primitives);
const grandchildKeys = await SoftwareKeyHolder.generate(primitives);
const given = { child, key: childKeys.publicKeys.sign, capabilities: ['deploy'], depth: 1, lifeS: 900 };
const handed = `${little}${await delegate(primitives, holder, { ...given, credential: little }, nowMs)}~`;
/** A delegation with another payload, or by somebody else. */
async function delegated(
  before: string,
  change: (payload: Record<string, unknown>) => unknown,
  { by = holder, to = childKeys }: { by?: SoftwareKeyHolder; to?: SoftwareKeyHolder } = {},
): Promise<string> {
  const payload: Record<string, unknown> = {
    iat: nowMs / 1000,
    exp: nowMs / 1000 + 900,
    sub: urnOf('child', child),
    cnf: { jwk: { ...jwkOf(to.publicKeys.sign) } },
    capabilities: ['deploy'],
    depth: 1,
    sd_hash: toBase64url(primitives.sha256(utf8(before))),
  };
  change(payload);
  return `${before}${await signed('kb+sd-jwt', {}, payload as JsonObject, by)}~`;
}
/** Proved by the last key, which is nobody's of custody. */
async function shownBy(credential: string, by: SoftwareKeyHolder, atMs = nowMs): Promise<string> {
  const payload = {
    iat: atMs / 1000,
    aud: audience,
    nonce: challenge,
    sd_hash: toBase64url(primitives.sha256(utf8(credential))),
  };
  return credential + (await signed('kb+jwt', {}, payload, by));
}
const down = (change: (payload: Record<string, unknown>) => unknown) =>
  delegated(
    handed,
    (payload) => {
      payload['sub'] = urnOf('child', grandchild);
      payload['depth'] = 0;
      change(payload);
    },
    { by: childKeys, to: grandchildKeys },
  );
const grand = await down(() => {});
const exceeded = 'delegation_exceeded' as const;
const unfit = 'delegation_invalid' as const;
/** A child that may use one credential at one place, ten times, for a megabyte. */
const aGrant = toBase64url(new Uint8Array(16).fill(0x61));
const anotherGrant = toBase64url(new Uint8Array(16).fill(0x62));
const fenced = await delegated(little, (payload) =>
  Object.assign(payload, { grants: [aGrant], hosts: ['api.example.com:443'], uses: 10, bytes: 1_000_000 }),
);
/** Below it; as it, but for what is changed. */
const fencedBelow = async (change: object) =>
  shownBy(
    await delegated(
      fenced,
      (payload) =>
        Object.assign(payload, {
          sub: urnOf('child', grandchild),
          depth: 0,
          ...{ grants: [aGrant], hosts: ['api.example.com:443'], uses: 10, bytes: 1_000_000 },
          ...change,
        }),
      { by: childKeys, to: grandchildKeys },
    ),
    grandchildKeys,
  );
const only = await delegated(little, (payload) => (payload['audiences'] = ['https://other.example']));
writeVectors(
  'delegation/presentations',
  'Presentations by children, as presentation/presentations; `children` and `capabilities` are what a verifier finds.',
  (
    [
      {
        name: 'a child',
        clause: 'DELEGATE-1',
        expect: 'ok',
        presentation: await shownBy(handed, childKeys),
        agent,
        capabilities: ['deploy'],
        children: [toHex(child)],
      },
      {
        name: 'a child of a child',
        clause: 'DELEGATE-5',
        expect: 'ok',
        presentation: await shownBy(grand, grandchildKeys),
        agent,
        capabilities: ['deploy'],
        children: [toHex(child), toHex(grandchild)],
      },
      {
        name: 'with no capability left',
        clause: 'DELEGATE-3',
        expect: 'ok',
        presentation: await shownBy(await delegated(little, (payload) => (payload['capabilities'] = [])), childKeys),
        agent,
        capabilities: [],
        children: [toHex(child)],
      },
      {
        name: 'for this service',
        clause: 'DELEGATE-6',
        expect: 'ok',
        presentation: await shownBy(await delegated(little, (payload) => (payload['audiences'] = [audience])), childKeys),
        agent,
        capabilities: ['deploy'],
        children: [toHex(child)],
      },
      {
        name: "proved by the parent's key",
        clause: 'PRESENT-6',
        expect: 'presentation_forged',
        presentation: await shownBy(handed, holder),
      },
      {
        name: 'proved by a stranger',
        clause: 'PRESENT-6',
        expect: 'presentation_forged',
        presentation: await shownBy(handed, mallory),
      },
      {
        name: 'by somebody who is no parent',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(await delegated(little, () => {}, { by: mallory }), childKeys),
      },
      {
        name: 'a grandchild by its grandparent',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(
          await delegated(handed, (payload) => (payload['depth'] = 0), { by: holder, to: grandchildKeys }),
          grandchildKeys,
        ),
      },
      {
        name: 'a claim that is not known',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(await delegated(little, (payload) => (payload['admin'] = true)), childKeys),
      },
      {
        name: 'a child without a key',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(await delegated(little, (payload) => delete payload['cnf']), childKeys),
      },
      {
        name: 'with more disclosed than its parent chose',
        clause: 'DELEGATE-2',
        expect: unfit,
        presentation: await shownBy(good + handed.slice(little.length), childKeys),
      },
      {
        name: 'moved to another place in the chain',
        clause: 'DELEGATE-2',
        expect: unfit,
        presentation: await shownBy(little + grand.slice(handed.length), grandchildKeys),
      },
      {
        name: 'a hash of something else',
        clause: 'DELEGATE-2',
        expect: unfit,
        presentation: await shownBy(
          await delegated(little, (payload) => (payload['sd_hash'] = toBase64url(new Uint8Array(32)))),
          childKeys,
        ),
      },
      {
        name: 'a capability more',
        clause: 'DELEGATE-3',
        expect: exceeded,
        presentation: await shownBy(
          await delegated(little, (payload) => (payload['capabilities'] = ['deploy', 'root'])),
          childKeys,
        ),
      },
      {
        name: 'a capability that was not disclosed',
        clause: 'DELEGATE-3',
        expect: exceeded,
        presentation: await shownBy(
          await delegated(little, (payload) => (payload['capabilities'] = ['vault:use:demo'])),
          childKeys,
        ),
      },
      {
        name: 'a grandchild with a capability more',
        clause: 'DELEGATE-3',
        expect: exceeded,
        presentation: await shownBy(
          await down((payload) => (payload['capabilities'] = ['deploy', 'vault:use:demo'])),
          grandchildKeys,
        ),
      },
      {
        name: 'a longer life than the credential',
        clause: 'DELEGATE-4',
        expect: exceeded,
        nowMs: statement.expiresAtMs - 60_000,
        presentation: await shownBy(
          await delegated(little, (payload) =>
            Object.assign(payload, { iat: statement.expiresAtMs / 1000 - 60, exp: statement.expiresAtMs / 1000 + 1 }),
          ),
          childKeys,
          statement.expiresAtMs - 60_000,
        ),
      },
      {
        name: 'a longer life than its parent',
        clause: 'DELEGATE-4',
        expect: exceeded,
        presentation: await shownBy(await down((payload) => (payload['exp'] = Number(payload['exp']) + 1)), grandchildKeys),
      },
      {
        name: 'more than an hour',
        clause: 'DELEGATE-4',
        expect: exceeded,
        presentation: await shownBy(
          await delegated(little, (payload) => (payload['exp'] = Number(payload['iat']) + 3601)),
          childKeys,
        ),
      },
      {
        name: 'its last second',
        clause: 'DELEGATE-4',
        expect: 'ok',
        nowMs: nowMs + 899_000,
        presentation: await shownBy(handed, childKeys, nowMs + 899_000),
        agent,
        capabilities: ['deploy'],
        children: [toHex(child)],
      },
      {
        name: 'over',
        clause: 'DELEGATE-4',
        expect: 'delegation_expired',
        nowMs: nowMs + 900_000,
        presentation: await shownBy(handed, childKeys, nowMs + 900_000),
      },
      {
        name: 'from the future',
        clause: 'DELEGATE-4',
        expect: unfit,
        presentation: await shownBy(
          await delegated(little, (payload) => Object.assign(payload, { iat: nowMs / 1000 + 301, exp: nowMs / 1000 + 400 })),
          childKeys,
        ),
      },
      {
        name: 'as deep as its parent',
        clause: 'DELEGATE-5',
        expect: exceeded,
        presentation: await shownBy(await down((payload) => (payload['depth'] = 1)), grandchildKeys),
      },
      {
        name: 'deeper than an agent',
        clause: 'DELEGATE-5',
        expect: exceeded,
        presentation: await shownBy(await delegated(little, (payload) => (payload['depth'] = 3)), childKeys),
      },
      { name: 'for another service', clause: 'DELEGATE-6', expect: exceeded, presentation: await shownBy(only, childKeys) },
      {
        name: 'for a service more than its parent',
        clause: 'DELEGATE-6',
        expect: exceeded,
        presentation: await shownBy(
          await delegated(
            only,
            (payload) => Object.assign(payload, { depth: 0, audiences: ['https://other.example', audience] }),
            { by: childKeys, to: grandchildKeys },
          ),
          grandchildKeys,
        ),
      },
      {
        name: 'for all services where its parent has one',
        clause: 'DELEGATE-6',
        expect: exceeded,
        presentation: await shownBy(
          await delegated(only, (payload) => (payload['depth'] = 0), { by: childKeys, to: grandchildKeys }),
          grandchildKeys,
        ),
      },
      {
        name: 'as fenced as its parent',
        clause: 'DELEGATE-8',
        expect: 'ok',
        presentation: await fencedBelow({}),
        agent,
        capabilities: ['deploy'],
        children: [toHex(child), toHex(grandchild)],
      },
      {
        name: 'a credential more than its parent',
        clause: 'DELEGATE-8',
        expect: exceeded,
        presentation: await fencedBelow({ grants: [aGrant, anotherGrant] }),
      },
      {
        name: 'all credentials where its parent has one',
        clause: 'DELEGATE-8',
        expect: exceeded,
        presentation: await fencedBelow({ grants: undefined }),
      },
      {
        name: 'another port than its parent',
        clause: 'DELEGATE-8',
        expect: exceeded,
        presentation: await fencedBelow({ hosts: ['api.example.com:8443'] }),
      },
      {
        name: 'all places where its parent has one',
        clause: 'DELEGATE-8',
        expect: exceeded,
        presentation: await fencedBelow({ hosts: undefined }),
      },
      {
        name: 'a place that is none',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(await delegated(little, (payload) => (payload['hosts'] = ['*'])), childKeys),
      },
      {
        name: 'a use more than its parent',
        clause: 'DELEGATE-9',
        expect: exceeded,
        presentation: await fencedBelow({ uses: 11 }),
      },
      {
        name: 'uses without end where its parent has ten',
        clause: 'DELEGATE-9',
        expect: exceeded,
        presentation: await fencedBelow({ uses: undefined }),
      },
      {
        name: 'a byte more than its parent',
        clause: 'DELEGATE-9',
        expect: exceeded,
        presentation: await fencedBelow({ bytes: 1_000_001 }),
      },
      {
        name: 'bytes without end where its parent has a megabyte',
        clause: 'DELEGATE-9',
        expect: exceeded,
        presentation: await fencedBelow({ bytes: undefined }),
      },
      {
        name: 'no bytes at all',
        clause: 'DELEGATE-1',
        expect: unfit,
        presentation: await shownBy(await delegated(little, (payload) => (payload['bytes'] = 0)), childKeys),
      },
      {
        name: 'a disclosure behind a delegation',
        clause: 'PRESENT-1',
        expect: 'presentation_malformed',
        presentation: await shownBy(`${handed}${parts.disclosures[0] ?? ''}~`, childKeys),
      },
      {
        name: 'alg none',
        clause: 'PRESENT-2',
        expect: 'presentation_algorithm',
        presentation: await shownBy(
          `${little}${await oddly({ alg: 'none', typ: 'kb+sd-jwt' }, { sub: '' }, async () => new Uint8Array(1))}~`,
          childKeys,
        ),
      },
    ] as const satisfies readonly PresentationVector[]
  ).map((vector) => ({ ...expected, ...vector })),
);

const standings = new Map([
  [2, 'revoked'],
  [5, 'suspended'],
] as const);
const terms: StatusListTerms = { fleet, device, uri, standings, length: 8, control: 7, issuedAtMs, livesMs: 86_400_000 };
const list = await issueStatusList(operator, terms);
const listed = async (change: Partial<StatusListTerms>, by = operator, chain: readonly string[] = []) =>
  issueStatusList(by, { ...terms, ...change }, chain);
const saidList = readToken(list, 65_536).payload;
const otherwise = async (change: JsonObject) => signed('statuslist+jwt', { kid }, { ...saidList, ...change }, operator);
const inflating = (bytes: number, fill: number) => toBase64url(deflateSync(new Uint8Array(bytes).fill(fill)));
const asked = { root, uri, nowMs, index: 0, token: list };
const [revokedChild, sibling] = [new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
const withChildren = await listed({ revokedChildren: [revokedChild, new Uint8Array(16).fill(1), revokedChild] });
writeVectors('status-list/lists', 'A status list as a verifier gets it, and what it then thinks of one index.', [
  { name: 'in force', clause: 'STATUS-5', expect: 'ok', ...asked },
  { name: 'revoked', clause: 'STATUS-5', expect: 'credential_revoked', ...asked, index: 2 },
  { name: 'suspended', clause: 'STATUS-5', expect: 'credential_suspended', ...asked, index: 5 },
  { name: 'beyond its end', clause: 'STATUS-5', expect: 'status_stale', ...asked, index: 8 },
  { name: 'its last second', clause: 'STATUS-3', expect: 'ok', ...asked, nowMs: issuedAtMs + 86_399_999 },
  { name: 'expired', clause: 'STATUS-3', expect: 'status_stale', ...asked, nowMs: issuedAtMs + 86_400_000 },
  { name: 'from the future', clause: 'STATUS-3', expect: 'status_forged', ...asked, nowMs: issuedAtMs - 300_001 },
  { name: 'by another key', clause: 'STATUS-1', expect: 'status_forged', ...asked, token: await listed({}, mallory) },
  {
    name: 'by a second device',
    clause: 'STATUS-1',
    expect: 'ok',
    ...asked,
    token: await listed({ device: secondDevice }, second, [link]),
  },
  {
    name: 'of another type',
    clause: 'STATUS-1',
    expect: 'status_forged',
    ...asked,
    token: await signed('dc+sd-jwt', { kid }, saidList, operator),
  },
  {
    name: 'with alg none',
    clause: 'STATUS-1',
    expect: 'status_forged',
    ...asked,
    token: await oddly({ alg: 'none', typ: 'statuslist+jwt', kid }, saidList, nothing),
  },
  { name: 'at another address', clause: 'STATUS-2', expect: 'status_forged', ...asked, uri: `${uri}0` },
  { name: 'of another fleet', clause: 'STATUS-2', expect: 'status_forged', ...asked, token: await listed({ fleet: otherFleet }) },
  {
    name: 'of one bit an agent',
    clause: 'STATUS-4',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ status_list: { bits: 1, lst: inflating(1, 0) } }),
  },
  {
    name: 'one that unpacks to gigabytes',
    clause: 'STATUS-4',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ status_list: { bits: 2, lst: inflating(256 * 1024 + 1, 0) } }),
  },
  {
    name: 'one that does not unpack',
    clause: 'STATUS-4',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ status_list: { bits: 2, lst: 'AAAA' } }),
  },
  {
    name: 'a value that nobody gave',
    clause: 'STATUS-5',
    expect: 'credential_revoked',
    ...asked,
    token: await otherwise({ status_list: { bits: 2, lst: inflating(2, 0xff) } }),
  },
  {
    name: 'a child that was revoked',
    clause: 'STATUS-8',
    expect: 'delegation_revoked',
    ...asked,
    token: withChildren,
    children: [toHex(revokedChild)],
  },
  {
    name: 'the child of one that was revoked',
    clause: 'STATUS-8',
    expect: 'delegation_revoked',
    ...asked,
    token: withChildren,
    children: [toHex(revokedChild), toHex(sibling)],
  },
  {
    name: 'its sibling',
    clause: 'STATUS-8',
    expect: 'ok',
    ...asked,
    token: withChildren,
    children: [toHex(sibling)],
  },
  {
    name: 'the parent of one that was revoked',
    clause: 'STATUS-8',
    expect: 'ok',
    ...asked,
    token: withChildren,
    children: [],
  },
  {
    name: 'revoked children out of order',
    clause: 'STATUS-8',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ revoked_children: ['02'.repeat(16), '01'.repeat(16)] }),
  },
  {
    name: 'a revoked child twice',
    clause: 'STATUS-8',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ revoked_children: ['01'.repeat(16), '01'.repeat(16)] }),
  },
  {
    name: 'a list of no revoked children',
    clause: 'STATUS-8',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ revoked_children: [] }),
  },
  {
    name: 'more revoked children than a list takes',
    clause: 'STATUS-8',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({
      revoked_children: Array.from({ length: 513 }, (_, index) => index.toString(16).padStart(32, '0')),
    }),
  },
  {
    name: 'a revoked child in capitals',
    clause: 'STATUS-8',
    expect: 'status_forged',
    ...asked,
    token: await otherwise({ revoked_children: ['AB'.repeat(16)] }),
  },
]);
