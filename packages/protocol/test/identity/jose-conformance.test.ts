// Other people's vectors through our verifier: JOSE from Wycheproof, specifications of SD-JWTs, status lists (docs/conformance.md).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMap, isScalar, isSeq, parse, parseDocument, type Node } from 'yaml';

import { fromBase64url } from '@holdfast/protocol/codec/bytes';
import { isObject, type Json, type JsonObject } from '@holdfast/protocol/codec/json';
import { rootOf } from '@holdfast/protocol/identity/credential';
import { verifyPresentation } from '@holdfast/protocol/identity/presentation';
import { conceal, Hidden, readDisclosure, reveal, type Marked, type MarkedClaims } from '@holdfast/protocol/identity/sd-jwt';
import { issueStatusList, StatusList } from '@holdfast/protocol/identity/status-list';
import { assertSigned, verifyToken } from '@holdfast/protocol/identity/token';
import { jwkOf, readToken, type PublicJwk } from '@holdfast/protocol/keys/jws';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { externalNames, externalText, noExternalVectors, outcomeOf, wycheproof } from '@holdfast/testkit/vectors';

type Key = Readonly<Record<string, unknown>>;
interface Group {
  readonly comment: string;
  readonly public?: Key & { readonly keys?: readonly Key[] };
  readonly private?: Key & { readonly keys?: readonly Key[] };
}
type Tested = { readonly jws?: unknown };

const keysOf = ({ public: shown, private: secret }: Group): readonly Key[] => {
  const key = shown ?? secret ?? {};
  return key.keys ?? [key];
};
/** As far as a key is one of ours, in the one form that is taken. */
const ours = ({ kty, crv, x, y }: Key): PublicJwk => ({ kty, crv, x, y }) as PublicJwk;

describe('Wycheproof’s JOSE vectors', { skip: noExternalVectors }, () => {
  it('an ES256 signature is taken when it is valid, and only then', async () => {
    const counted = { valid: 0, invalid: 0 };
    for (const group of wycheproof<Tested, Group>('json_web_signature')) {
      if (group.comment !== 'es256' && group.comment !== 'SpecialCaseEs256') continue;
      for (const { jws, result, tcId, comment } of group.tests) {
        const outcome = await outcomeOf(() => assertSigned(String(jws), ours(keysOf(group)[0] ?? {})));
        assert.equal(outcome === 'ok', result === 'valid', `${tcId} ${comment}`);
        counted[result === 'valid' ? 'valid' : 'invalid'] += 1;
      }
    }
    assert.deepEqual(counted, { valid: 2, invalid: 37 });
  });

  it('nothing else is: no other algorithm, no key set, no key for other uses, no token of other types', async () => {
    let count = 0;
    for (const file of ['json_web_signature', 'json_web_key', 'json_web_crypto']) {
      for (const group of wycheproof<Tested, Group>(file)) {
        for (const { jws, tcId } of group.tests) {
          if (typeof jws !== 'string') continue;
          for (const key of keysOf(group)) {
            if (key['kty'] !== 'EC')
              assert.notEqual(await outcomeOf(() => assertSigned(jws, ours(key))), 'ok', `${file} ${tcId}`);
            assert.notEqual(
              await outcomeOf(() => assertSigned(jws, key as unknown as PublicJwk)),
              'ok',
              `${file} ${tcId}, the key as it is`,
            );
            for (const type of ['dc+sd-jwt', 'kb+jwt', 'statuslist+jwt'] as const)
              assert.notEqual(
                await outcomeOf(() => verifyToken(type, jws, { key: ours(key), forged: 'credential_invalid' })),
                'ok',
              );
          }
          const expected = {
            root: rootOf('00'.repeat(32), new Uint8Array(65).fill(4)),
            audience: 'https://api.example.com',
            challenge: null,
            nowMs: () => 0,
            firstUse: () => true,
            assertInForce: async () => {},
          };
          for (const presentation of [jws, `${jws}~`, `${jws}~${jws}`])
            assert.match(await outcomeOf(() => verifyPresentation(primitives, presentation, expected)), /^presentation_/);
          count += 1;
        }
      }
    }
    assert.ok(count > 400, `${count} tokens`);
  });
});

/** YAML with the tag `!sd` on what is hidden, as the specifications write it. */
function marked(node: unknown): Marked {
  // A tag keeps YAML from reading what is plain as anything but text.
  if (isScalar(node)) return node.type === 'PLAIN' ? (parse(node.source ?? '') as Marked) : (node.value as Marked);
  const hidden = (each: unknown): Marked => ((each as Node).tag === '!sd' ? new Hidden(marked(each)) : marked(each));
  if (isSeq(node)) return node.items.map(hidden);
  if (!isMap(node)) throw new Error('another kind of node');
  return Object.fromEntries(
    node.items.map(({ key, value }) => {
      const { tag, value: name } = key as Node & { readonly value: unknown };
      return [String(name), tag === '!sd' ? new Hidden(marked(value)) : marked(value)];
    }),
  );
}

/** With nothing hidden. */
function open(value: Marked): Json {
  if (value instanceof Hidden) return open(value.value);
  if (Array.isArray(value)) return value.map((each: Marked) => open(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([claim, each]) => [claim, open(each)]));
}

/** The disclosures that a holder shows who wants to show `wanted`, as those specifications mean it. */
function chosen(payload: JsonObject, disclosures: readonly string[], wanted: Json): string[] {
  const byDigest = new Map(
    disclosures.map((each) => [Buffer.from(primitives.sha256(Buffer.from(each))).toString('base64url'), each]),
  );
  const shown: string[] = [];
  const visit = (value: Json, want: Json | undefined): void => {
    if (Array.isArray(value)) {
      const list = Array.isArray(want) ? (want as readonly Json[]) : [];
      for (const [index, each] of (value as readonly Json[]).entries()) {
        const disclosure = isObject(each) ? byDigest.get(each['...'] as string) : undefined;
        if (disclosure === undefined) visit(each, list[index]);
        else if (list[index] !== undefined && list[index] !== false && list[index] !== null) {
          shown.push(disclosure);
          visit(readDisclosure(disclosure).value, list[index]);
        }
      }
    } else if (isObject(value)) {
      const wants = isObject(want) ? want : {};
      for (const [claim, each] of Object.entries(value)) if (claim !== '_sd') visit(each, wants[claim]);
      for (const digest of (value['_sd'] as readonly string[] | undefined) ?? []) {
        const disclosure = byDigest.get(digest);
        if (disclosure === undefined) continue;
        const { claim = '', value: inner } = readDisclosure(disclosure);
        if (wants[claim] !== undefined && wants[claim] !== false && wants[claim] !== null) {
          shown.push(disclosure);
          visit(inner, wants[claim]);
        }
      }
    }
  };
  visit(payload, wanted);
  return shown;
}

describe('specifications of SD-JWTs', { skip: noExternalVectors }, () => {
  let checked = 0;
  for (const folder of ['testcases', 'examples']) {
    for (const name of externalNames(`sd-jwt/sd-jwt-python/${folder}`).filter((each) => !each.includes('.'))) {
      it(`${folder}/${name}`, () => {
        const document = parseDocument(externalText(`sd-jwt/sd-jwt-python/${folder}/${name}/specification.yml`), {
          logLevel: 'silent',
        });
        const specification = document.toJS() as { holder_disclosed_claims?: Json; expect_verified_user_claims?: Json };
        const claims = marked(document.get('user_claims', true)) as MarkedClaims;
        const { payload, disclosures } = conceal(primitives, claims);
        assert.deepEqual(reveal(primitives, payload, disclosures), open(claims), 'all of it');
        const shown = chosen(payload, disclosures, specification.holder_disclosed_claims ?? {});
        const part = reveal(primitives, payload, shown);
        if (specification.expect_verified_user_claims === undefined) return;
        assert.deepEqual(JSON.parse(JSON.stringify(part)), JSON.parse(JSON.stringify(specification.expect_verified_user_claims)));
        checked += 1;
      });
    }
  }
  it('has expectations to be held against', () => assert.ok(checked >= 15, `${checked}`));
});

describe('status lists of the draft', { skip: noExternalVectors }, () => {
  it('two bits a credential, the first in the lowest bits, zlib around them', async () => {
    const holder = await SoftwareKeyHolder.generate(primitives);
    const fleet = new Uint8Array(32).fill(1);
    const uri = 'https://relay.example/status';
    const { lst } = JSON.parse(/\{[^}]*\}/.exec(externalText('sd-jwt/status-list/status_list_encoding2_json.md'))?.[0] ?? '') as {
      lst: string;
    };
    // byte_array = [0xc9, 0x44, 0xf9], by the draft: 1 2 0 3, 0 1 0 1, 1 2 3 3; as ours: 1 revoked, 2 suspended, 3 counts as revoked.
    const expect = [
      'revoked',
      'suspended',
      'ok',
      'revoked',
      'ok',
      'revoked',
      'ok',
      'revoked',
      'revoked',
      'suspended',
      'revoked',
      'revoked',
    ];
    const terms = {
      fleet,
      device: fleet.slice(0, 16),
      uri,
      standings: new Map(),
      length: 12,
      control: 1,
      issuedAtMs: 0,
      livesMs: 60_000,
    };
    const token = await issueStatusList(holder, terms);
    const { header, payload } = readToken(token, 65_536);
    const input = Buffer.from(
      [header, { ...payload, status_list: { bits: 2, lst } }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.'),
    );
    const theirs = `${input.toString()}.${Buffer.from(await holder.sign('statuslist+jwt', input)).toString('base64url')}`;
    const root = { fleet: '01'.repeat(32), key: jwkOf(holder.publicKeys.sign) };
    const list = await StatusList.verify(primitives, theirs, { root, uri, nowMs: 0 });
    const found = await Promise.all(expect.map(async (_, index) => outcomeOf(() => list.assertInForce(index, []))));
    assert.deepEqual(
      found.map((code) => code.replace('credential_', '')),
      expect,
    );
    assert.equal(fromBase64url(lst)?.length, 11);
  });
});
