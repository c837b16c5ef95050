// Custody under requests of every kind, good and hostile: it always answers in its own shapes, and signs nothing outside of its policy.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import fc from 'fast-check';

import { logName, logText } from '@holdfast/protocol/blind/log-note';
import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { decodeValue } from '@holdfast/protocol/codec/cbor';
import {
  decodeAnswer,
  encodeAnswer,
  encodeRequest,
  type CustodyAnswer,
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
import { agent, anyRequest, credentialFor, fleet, judge, privateNumbers, sealedTo } from './hostile-requests.ts';

const nowMs = 1_800_000_000_000;
/** One that it is no member of. */
const otherFleet = new Uint8Array(32).fill(9);

let folder = '';
let server: CustodyServer;
let bound: KeyDescription;
let unbound: KeyDescription;
/** Whatever gets bound at random. */
let spare: KeyDescription;
let exported: Uint8Array[] = [];

const asIs = (store: KeyStore): StoreKind => ({ level: store.level, folder, open: async () => ({ store }) });

const ask = async (request: CustodyRequest, to = server): Promise<CustodyAnswer> => to.answer(encodeRequest(request));

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
  const store = await openSoftwareStore(primitives, folder, undefined);
  const first = await store.create('main');
  bound = (await store.bind(first.description.key, { fleet, agent })).description;
  unbound = (await store.create('next')).description;
  spare = (await store.create('spare')).description;
  exported = [bound, unbound].flatMap(({ key }) => privateNumbers(store.find(key).holder.exportBytes()));
  server = new CustodyServer({
    openStores: () => Stores.open([asIs(store)], undefined),
    nowMs: () => nowMs,
    monotonicMs: () => 0,
    primitives,
  });
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
      primitives,
      monotonicMs: () => 0,
    });
    const early = await ask({ kind: 'list', id: 1 }, fresh);
    assert.ok(early.kind === 'error' && early.code === 'custody_refused');
    assert.equal((await ask({ kind: 'unlock', id: 2 }, fresh)).kind, 'unlocked');
    const again = await ask({ kind: 'unlock', id: 3 }, fresh);
    assert.ok(again.kind === 'error' && again.code === 'custody_refused');
    assert.equal(opened, 1);
  });

  it('publishes a checkpoint under the name of its own log alone, and by no key that has none [CUSTODY-33]', async () => {
    const root = new Uint8Array(32).fill(3);
    const published = await ask({ kind: 'publish', id: 5, key: bound.key, size: 7, root });
    assert.ok(published.kind === 'signature');
    const statement = utf8(logText({ origin: logName(primitives, fleet, agent), size: 7, root }));
    const { sign: publicKey } = bound.publicKeys;
    const signed = { domain: 'log-note', statement, signature: published.signature, publicKey } as const;
    assert.equal(await verifySignature(primitives, signed).then(() => 'ok', codeOf), 'ok');
    const refused = await ask({ kind: 'publish', id: 6, key: unbound.key, size: 7, root });
    assert.ok(refused.kind === 'error' && refused.code === 'custody_refused');
  });

  it('overwrites the passphrase and the frame that brought it', async () => {
    let held: Uint8Array | undefined;
    const store = await openSoftwareStore(primitives, folder, undefined);
    const fresh = new CustodyServer({
      openStores: async ({ passphrase }) => {
        held = passphrase;
        assert.deepEqual(passphrase, utf8('secret words'));
        return Stores.open([asIs(store)], undefined);
      },
      nowMs: () => nowMs,
      primitives,
      monotonicMs: () => 0,
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
      primitives,
      monotonicMs: () => 0,
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

describe('custody presents [CUSTODY-30] [CUSTODY-31]', () => {
  it('a credential of its own agent and key, by its own clock and no other', async () => {
    const asked = { id: 6, audience: 'https://api.example.com', nonce: 'n-0S6_WzA2Mj-2026' };
    const credential = credentialFor(fleet, agent, bound);
    const request = { kind: 'present', key: bound.key, credential, ...asked } as const;
    const answer = await ask(request);
    assert.equal(
      await judge({ bound, unbound, numbers: exported, encapsulated: fleet }, request, answer, { fromMs: nowMs, toMs: nowMs }),
      'presented',
    );
    for (const other of [credentialFor(fleet, agent, unbound), credentialFor(otherFleet, agent, bound)]) {
      const refused = await ask({ ...request, credential: other });
      assert.ok(refused.kind === 'error' && refused.code === 'custody_refused');
    }
  });
});

describe('custody hands on [CUSTODY-32]', () => {
  it('less than the credential shows, for a while, and for no other agent or key', async () => {
    const shown = credentialFor(fleet, agent, bound, { exp: nowMs / 1000 + 1800 }, ['deploy', 'read']);
    const terms = { child: agent, key: unbound.publicKeys.sign, capabilities: ['read'], depth: 0, lifeS: 900 };
    const given = async (change: Partial<typeof terms> = {}, credential = shown) =>
      ask({ kind: 'delegate', id: 7, key: bound.key, credential, terms: { ...terms, ...change } });
    const answer = await given();
    assert.ok(answer.kind === 'bound');
    const [header = '', payload = '', signature = ''] = answer.token.split('.');
    const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Readonly<Record<string, unknown>>;
    assert.deepEqual([said['iat'], said['exp'], said['capabilities']], [nowMs / 1000, nowMs / 1000 + 900, ['read']]);
    await verifySignature(primitives, {
      domain: 'kb+sd-jwt',
      statement: Buffer.from(`${header}.${payload}`),
      signature: Buffer.from(signature, 'base64url'),
      publicKey: bound.publicKeys.sign,
    });
    const code = (refused: CustodyAnswer) => refused.kind === 'error' && refused.code;
    assert.equal(code(await given({ capabilities: ['read', 'root'] })), 'delegation_exceeded');
    assert.equal(code(await given({ lifeS: 1801 })), 'delegation_exceeded');
    assert.equal(code(await given({}, credentialFor(fleet, agent, bound, { exp: nowMs / 1000 + 1800 }))), 'delegation_exceeded');
    for (const exp of [undefined, null, '9999999999', 1e15, -1, 0.5, Number.NaN, [nowMs]]) {
      const endless = credentialFor(fleet, agent, bound, { exp }, ['read']);
      assert.equal(code(await given({}, endless)), 'codec_shape', `ends at ${String(exp)}`);
    }
    assert.equal(code(await given({}, credentialFor(otherFleet, agent, bound))), 'custody_refused');
    assert.equal(code(await given({}, credentialFor(fleet, agent, unbound))), 'custody_refused');
    assert.throws(() =>
      encodeRequest({ kind: 'delegate', id: 7, key: bound.key, credential: shown, terms: { ...terms, depth: 3 } }),
    );
    assert.throws(() =>
      encodeRequest({ kind: 'delegate', id: 7, key: bound.key, credential: shown, terms: { ...terms, lifeS: 3601 } }),
    );
    const within = (...hosts: string[]) =>
      encodeRequest({ kind: 'delegate', id: 7, key: bound.key, credential: shown, terms: { ...terms, hosts } });
    assert.ok(within('api.example.com:65535', '[::1]:1'));
    for (const place of ['api.example.com:65536', 'api.example.com:0', 'api.example.com', '[::1]:99999'])
      assert.throws(() => within(place), { code: 'codec_shape' }, place);
  });
});

describe('custody under requests at random', () => {
  it('never throws, never lets private bytes out, and never signs or opens what names another', async () => {
    const keys = { bound, unbound, numbers: exported, encapsulated: await sealedTo(bound) };
    const verdicts: string[] = [];
    let id = 1;
    await fc.assert(
      fc.asyncProperty(anyRequest(keys, nowMs), async (make) => {
        const request = make((id += 1));
        verdicts.push(await judge(keys, request, await ask(request), { fromMs: nowMs, toMs: nowMs }));
      }),
      { numRuns: share({ ci: 1500, soak: 100_000 }) },
    );
    const counts = ['signed', 'opened', 'refused'].map((verdict) => verdicts.filter((each) => each === verdict).length);
    assert.ok(
      counts.every((count) => count > 0),
      `${counts.join()} signed, opened, refused: the requests are not a fair mix`,
    );
  });
});
