// spec/vectors/custody, against the policy and the wire.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { decode } from '@holdfast/protocol/codec/schema';
import {
  custodyDomains,
  decodeRequest,
  encodeRequest,
  type CustodyDomain,
  type KeyDescription,
} from '@holdfast/protocol/custody/wire';
import { sealPurpose } from '@holdfast/protocol/seal/hpke';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

import { assertMayBind, assertMayOpen, assertMayPresent, assertMaySign } from '../src/policy.ts';

interface KeyJson {
  readonly key: string;
  readonly label: string;
  readonly custody: KeyDescription['custody'];
  readonly publicKeys: { readonly sign: string; readonly seal: string };
  readonly binding?: { readonly fleet: string; readonly agent: string };
}
type Request = VectorEntry & { frame: string };
type Signing = VectorEntry & { key: KeyJson; domain: CustodyDomain; statement: string };
type Presenting = VectorEntry & { key: KeyJson; frame: string };
type Opening = VectorEntry & { key: KeyJson; purpose: string };

const at = 1_800_000_000_000;

function keyOf({ key, label, custody, publicKeys, binding }: KeyJson): KeyDescription {
  const always = { key: hex(key), label, custody, publicKeys: { sign: hex(publicKeys.sign), seal: hex(publicKeys.seal) } };
  return binding === undefined ? always : { ...always, binding: { fleet: hex(binding.fleet), agent: hex(binding.agent) } };
}

describe('custody reads', () => {
  for (const { name, clause, expect, frame } of ownVectors<Request>('custody/requests').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => decodeRequest(hex(frame))), expect);
      if (expect === 'ok') assert.deepEqual(encodeRequest(decodeRequest(hex(frame))), hex(frame));
    });
  }
});

describe('custody signs', () => {
  const { entries } = ownVectors<Signing>('custody/signing');

  for (const { name, clause, expect, key, domain, statement } of entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => assertMaySign(keyOf(key), domain, hex(statement), at)), expect);
    });
  }

  it('no good statement in any other domain than its own [CUSTODY-5]', async () => {
    const good = entries.filter(({ expect }) => expect === 'ok');
    assert.deepEqual(new Set(good.map(({ domain }) => domain)), new Set(['entry', 'relay-auth', 'session-key', 'pairing-offer']));
    for (const { key, domain, statement } of good) {
      for (const asked of good.map((each) => each.domain)) {
        const outcome = await outcomeOf(() => assertMaySign(keyOf(key), asked, hex(statement), at));
        assert.match(outcome, asked === domain ? /^ok$/ : /^codec_(shape|limit)$/, `${domain} as ${asked}`);
      }
    }
  });

  it('in four domains, and none of operators, relays and session keys', () => {
    assert.deepEqual(custodyDomains, ['entry', 'pairing-offer', 'relay-auth', 'session-key']);
  });

  it('with no bit flipped that would change whose statement it is', async () => {
    for (const { key, domain, statement } of entries.filter(({ expect, domain }) => expect === 'ok' && domain === 'relay-auth')) {
      const bytes = hex(statement);
      let signed = 0;
      for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if ((await outcomeOf(() => assertMaySign(keyOf(key), domain, flipped, at))) === 'ok') signed += 1;
      }
      // What a daemon may choose freely: the relay's nonce and key.
      assert.equal(signed, 8 * (32 + 65));
    }
  });
});

describe('custody presents', () => {
  for (const { name, clause, expect, key, frame } of ownVectors<Presenting>('custody/presenting').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const asked = async () => {
        const request = decodeRequest(hex(frame));
        assert.ok(request.kind === 'present');
        assertMayPresent(keyOf(key), request.credential);
      };
      assert.equal(await outcomeOf(asked), expect);
    });
  }
});

describe('custody opens', () => {
  for (const { name, clause, expect, key, purpose } of ownVectors<Opening>('custody/opening').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => assertMayOpen(keyOf(key), decode(sealPurpose, hex(purpose), 1024))), expect);
    });
  }
});

describe('custody binds [CUSTODY-6]', () => {
  it('once; the same again is no change', async () => {
    const [opening] = ownVectors<Opening>('custody/opening').entries;
    assert.ok(opening !== undefined);
    const bound = keyOf(opening.key);
    const { binding, ...unbound } = bound;
    assert.ok(binding !== undefined);
    const other = new Uint8Array(16);
    assert.equal(await outcomeOf(() => assertMayBind(unbound, binding)), 'ok');
    assert.equal(await outcomeOf(() => assertMayBind(bound, binding)), 'ok');
    assert.equal(await outcomeOf(() => assertMayBind(bound, { ...binding, agent: other })), 'custody_refused');
    assert.equal(await outcomeOf(() => assertMayBind(bound, { ...binding, fleet: new Uint8Array(32) })), 'custody_refused');
  });
});
