// Custody under requests of every kind, good and hostile: it always answers in its own shapes, and signs nothing outside of its policy.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import fc from 'fast-check';

import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue } from '@holdfast/protocol/codec/cbor';
import {
  decodeAnswer,
  encodeAnswer,
  encodeRequest,
  type CustodyAnswer,
  type CustodyDomain,
  type CustodyRequest,
  type KeyDescription,
} from '@holdfast/protocol/custody/wire';
import { codeOf } from '@holdfast/protocol/errors';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { share } from '@holdfast/testkit/shares';

import { CustodyServer } from '../src/serve.ts';
import { openSoftwareStore } from '../src/software-store.ts';
import type { KeyStore } from '../src/store.ts';
import { Stores, type StoreKind } from '../src/stores.ts';

const nowMs = 1_800_000_000_000;
const fleet = new Uint8Array(32).fill(1);
const otherFleet = new Uint8Array(32).fill(2);
const agent = new Uint8Array(16).fill(3);
const otherAgent = new Uint8Array(16).fill(4);

let folder = '';
let server: CustodyServer;
let bound: KeyDescription;
let unbound: KeyDescription;
/** Whatever gets bound at random. */
let spare: KeyDescription;
let exported: Uint8Array[] = [];

const asIs = (store: KeyStore): StoreKind => ({ level: store.level, folder, open: async () => store });

const ask = async (request: CustodyRequest, to = server): Promise<CustodyAnswer> => to.answer(encodeRequest(request));

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
  const store = await openSoftwareStore(primitives, folder, undefined);
  const first = await store.create('main');
  bound = (await store.bind(first.description.key, { fleet, agent })).description;
  unbound = (await store.create('next')).description;
  spare = (await store.create('spare')).description;
  // The private numbers themselves, without the encoding around them.
  exported = [bound, unbound].flatMap(({ key }) => {
    const keys = decodeValue(store.find(key).holder.exportBytes(), 512) as {
      sign: Uint8Array;
      agree: Uint8Array;
      kem: Uint8Array;
    };
    return [keys.sign, keys.agree, keys.kem];
  });
  server = new CustodyServer({ openStores: () => Stores.open([asIs(store)], undefined), nowMs: () => nowMs });
  assert.deepEqual(await ask({ kind: 'unlock', id: 1 }), {
    kind: 'unlocked',
    id: 1,
    stores: [{ level: 'software, unsealed' }],
  });
});
after(() => {
  rmSync(folder, { recursive: true });
});

describe('custody', () => {
  it('opens its store first, and once [CUSTODY-4]', async () => {
    let opened = 0;
    const store = await openSoftwareStore(primitives, folder, undefined);
    const fresh = new CustodyServer({
      openStores: async () => {
        opened += 1;
        return Stores.open([asIs(store)], undefined);
      },
      nowMs: () => nowMs,
    });
    const early = await ask({ kind: 'list', id: 1 }, fresh);
    assert.ok(early.kind === 'error' && early.code === 'custody_refused');
    assert.equal((await ask({ kind: 'unlock', id: 2 }, fresh)).kind, 'unlocked');
    const again = await ask({ kind: 'unlock', id: 3 }, fresh);
    assert.ok(again.kind === 'error' && again.code === 'custody_refused');
    assert.equal(opened, 1);
  });

  it('overwrites the passphrase and the frame that brought it', async () => {
    let held: Uint8Array | undefined;
    const store = await openSoftwareStore(primitives, folder, undefined);
    const fresh = new CustodyServer({
      openStores: async (passphrase) => {
        held = passphrase;
        assert.deepEqual(passphrase, utf8('secret words'));
        return Stores.open([asIs(store)], undefined);
      },
      nowMs: () => nowMs,
    });
    const frame = encodeRequest({ kind: 'unlock', id: 1, passphrase: utf8('secret words') });
    await fresh.answer(frame);
    assert.ok(frame.every((byte) => byte === 0));
    assert.ok(held !== undefined && held.every((byte) => byte === 0));
  });

  it('says nothing of faults that have no code [CUSTODY-3]', async () => {
    const fresh = new CustodyServer({
      openStores: async () => {
        throw new Error('the secret is 1234');
      },
      nowMs: () => nowMs,
    });
    assert.deepEqual(await ask({ kind: 'unlock', id: 1 }, fresh), {
      kind: 'error',
      id: 1,
      code: 'internal',
      message: 'unexpected fault',
    });
  });

  it('gives the key of one sealing, which opens that one [CUSTODY-13]', async () => {
    const purpose = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
    const sealed = await sealTo(primitives, bound.publicKeys.seal, purpose, utf8('credential'));
    const other = await sealTo(primitives, bound.publicKeys.seal, purpose, utf8('credential'));
    const open = async (encapsulated: Uint8Array): Promise<{ key: Uint8Array; nonce: Uint8Array }> => {
      const answer = await ask({ kind: 'open', id: 2, key: bound.key, purpose, encapsulated });
      assert.ok(answer.kind === 'one-time-key');
      return { key: answer.key, nonce: answer.nonce };
    };
    const holder = {
      publicKeys: bound.publicKeys,
      sign: async () => new Uint8Array(64),
      open: async (_: unknown, encapsulated: Uint8Array) => open(encapsulated),
    };
    assert.deepEqual(await openSealed(holder, primitives, purpose, sealed), utf8('credential'));
    const { key, nonce } = await open(sealed.encapsulated);
    await assert.rejects(primitives.aeadOpen(key, nonce, new Uint8Array(0), other.ciphertext), { code: 'open_failed' });
  });

  it('answers any bytes in its own shapes, and does nothing that was not asked [CUSTODY-2]', async () => {
    const valid = encodeRequest({ kind: 'bind', id: 5, key: spare.key, binding: { fleet, agent } });
    const edited = fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean()).map(([at, change, cut]) => {
      const bytes = valid.slice(0, cut ? at : valid.length);
      if (!cut) bytes[at] = (bytes[at] ?? 0) ^ change;
      return bytes;
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), edited), async (bytes) => {
        let readable = true;
        try {
          decodeValue(bytes, bytes.length);
        } catch {
          readable = false;
        }
        const answer = await server.answer(bytes);
        decodeAnswer(encodeAnswer(answer));
        if (!readable) assert.ok(answer.kind === 'error' && answer.id === 0 && answer.code.startsWith('codec_'));
        if (answer.kind === 'error') refused += 1;
        // An edit inside the binding is a good request: the first one binds, the others are refused.
        else assert.ok(answer.kind === 'key' && equalBytes(answer.key.key, spare.key));
      }),
      { numRuns: share({ ci: 500, soak: 50_000 }) },
    );
    assert.ok(refused > 100);
    const answer = await ask({ kind: 'list', id: 9 });
    assert.ok(answer.kind === 'keys');
    assert.deepEqual(
      answer.keys.filter(({ key }) => !equalBytes(key, spare.key)),
      [bound, unbound],
    );
  });
});

describe('custody under requests at random', () => {
  const nearFleet = fc.constantFrom(fleet, fleet, fleet, otherFleet);
  const nearAgent = fc.constantFrom(agent, agent, agent, agent, otherAgent, new Uint8Array(16));
  const reference = fc.nat(2);
  const times = fc.constantFrom(
    nowMs - 600_001,
    nowMs - 1,
    nowMs,
    nowMs + 1,
    nowMs + 300_000,
    nowMs + 600_000,
    nowMs + 600_001,
    nowMs + 86_400_000,
  );
  const level = fc.constantFrom('software, unsealed', 'software', 'tpm');
  const whose = fc.nat(1);

  /** Statements as records of the four shapes, and as bytes of the attacker's choice. */
  const domain = fc.constantFrom('entry' as const, 'pairing-offer' as const, 'relay-auth' as const, 'session-key' as const);
  const of = <T>(kind: CustodyDomain, content: fc.Arbitrary<T>): fc.Arbitrary<readonly [CustodyDomain, T]> =>
    content.map((each) => [kind, each] as const);
  const statement = fc.oneof(
    of(
      'entry',
      fc.record({
        v: fc.constant(1),
        fleet: nearFleet,
        topic: nearAgent,
        position: fc.nat(9),
        previous: fc.constant(fleet),
        id: fc.constant(agent),
        author: nearAgent,
        atMs: fc.nat(9),
        audience: fc.constant('fleet'),
        epoch: fc.nat(9),
        keyCommitment: fc.constant(fleet),
        sealed: fc.uint8Array({ maxLength: 40 }),
      }),
    ),
    of(
      'relay-auth',
      fc.record({
        v: fc.constant(1),
        fleet: nearFleet,
        principal: nearAgent,
        nonce: fc.constant(fleet),
        relay: fc.constant(new Uint8Array(65).fill(4)),
      }),
    ),
    of(
      'session-key',
      fc.record({
        v: fc.constantFrom(1, 1, 1, 2),
        fleet: nearFleet,
        agent: nearAgent,
        key: fc.constant(new Uint8Array(65).fill(4)),
        notBeforeMs: times,
        notAfterMs: times,
      }),
    ),
    of(
      'pairing-offer',
      fc.tuple(nearAgent, level, whose).map(([name, custody, key]) => ({
        v: 1,
        agent: name,
        scope: 'main',
        machine: 'host',
        keys: { ...(key === 0 ? bound : unbound).publicKeys },
        custody,
        capabilities: ['use'],
        nonce: agent,
      })),
    ),
    of('entry', fc.uint8Array({ maxLength: 80 })),
  );

  const anything: fc.Arbitrary<(id: number) => CustodyRequest> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(reference, statement, fc.option(domain, { freq: 3 }))
        .map(([which, [own, content], asked]) => (id: number) => ({
          kind: 'sign' as const,
          id,
          key: keyAt(which),
          domain: asked ?? own,
          statement: content instanceof Uint8Array ? content : encodeValue(content),
        })),
    },
    fc.tuple(reference, nearFleet, nearAgent).map(([which, ofFleet, member]) => (id: number) => ({
      kind: 'open' as const,
      id,
      key: keyAt(which),
      purpose: { kind: 'lockbox' as const, fleet: ofFleet, audience: 'fleet', epoch: 1, member },
      encapsulated: new Uint8Array(1153).fill(id % 256),
    })),
    fc.tuple(reference).map(([which]) => (id: number) => ({ kind: 'public' as const, id, key: keyAt(which) })),
    fc.tuple(reference, nearFleet, nearAgent).map(([which, ofFleet, name]) => (id: number) => ({
      kind: 'bind' as const,
      id,
      key: which === 1 ? otherAgent : keyAt(which), // never binds the unbound one
      binding: { fleet: ofFleet, agent: name },
    })),
    fc.constant((id: number) => ({ kind: 'list' as const, id })),
    fc.constant((id: number) => ({ kind: 'unlock' as const, id })),
    fc.constant((id: number) => ({ kind: 'destroy' as const, id, key: otherAgent })),
  );

  function keyAt(which: number): Uint8Array {
    return which === 0 ? bound.key : which === 1 ? unbound.key : otherAgent;
  }

  it('never throws, never lets private bytes out, and never signs what names another', async () => {
    let signed = 0;
    let refused = 0;
    let id = 1;
    await fc.assert(
      fc.asyncProperty(anything, async (make) => {
        id += 1;
        const request = make(id);
        const answer = await ask(request);
        assert.equal(answer.id, id);
        const out = Buffer.from(encodeAnswer(answer));
        for (const secret of exported) assert.ok(!out.includes(Buffer.from(secret)));
        if (answer.kind === 'error') {
          assert.equal(codeOf(answer), answer.code);
          assert.notEqual(answer.code, 'internal');
          refused += 1;
        }
        if (answer.kind === 'one-time-key') assert.ok(request.kind === 'open' && equalBytes(request.key, bound.key));
        if (answer.kind !== 'signature') return;

        // Not by custody's own decoder: read as plain values, and judged here anew.
        assert.ok(request.kind === 'sign');
        signed += 1;
        const { domain, statement: bytes } = request;
        const value = decodeValue(bytes, bytes.length) as Readonly<Record<string, unknown>>;
        assert.equal(value['v'], 1);
        const same = (name: string, wanted: Uint8Array): void => assert.deepEqual(value[name], wanted, `${domain}: ${name}`);
        const key = domain === 'pairing-offer' ? unbound : bound;
        assert.ok(equalBytes(request.key, key.key));
        if (domain === 'pairing-offer') {
          assert.deepEqual({ ...(value['keys'] as object) }, { ...unbound.publicKeys });
          assert.equal(value['custody'], 'software, unsealed');
        } else {
          same('fleet', fleet);
        }
        if (domain === 'entry') {
          same('author', agent);
          same('topic', agent);
        }
        if (domain === 'relay-auth') same('principal', agent);
        if (domain === 'session-key') {
          same('agent', agent);
          const { notBeforeMs, notAfterMs } = value as { notBeforeMs: number; notAfterMs: number };
          assert.ok(notAfterMs > nowMs && notAfterMs <= nowMs + 600_000 && notAfterMs - notBeforeMs <= 600_000);
        }
        await verifySignature(primitives, {
          domain,
          statement: bytes,
          signature: answer.signature,
          publicKey: key.publicKeys.sign,
        });
      }),
      { numRuns: share({ ci: 1500, soak: 100_000 }) },
    );
    assert.ok(signed > 10 && refused > 100, `${signed} signed, ${refused} refused: the requests are not a fair mix`);
  });
});
