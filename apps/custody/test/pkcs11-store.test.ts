// The PKCS#11 store against SoftHSM2: keys that are born in the token and never leave it, useless beside another one; and a token that is gone,
// somebody else's, locked, or has lost our session. What SoftHSM2 never says is said in its place, by a module that answers so once.

import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { share } from '@holdfast/testkit/shares';
import { noSoftToken, pkcs11Addon, SoftToken } from '@holdfast/testkit/soft-token';
import { outcomeOf } from '@holdfast/testkit/vectors';

import type { FileStore } from '../src/file-store.ts';
import { cka, ckf, cko, cku, loadCryptoki, type Cryptoki, type Handle } from '../src/pkcs11/cryptoki.ts';
import { openPkcs11Store } from '../src/pkcs11/pkcs11-store.ts';
import { Token } from '../src/pkcs11/token.ts';
import { openSoftwareStore } from '../src/software-store.ts';
import { Stores, type StoreKind } from '../src/stores.ts';
import { refusesForeignSealings } from './foreign-sealings.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const id = new Uint8Array(16).fill(3);
const purpose = { kind: 'grant', fleet, grant: id, item: id, agent } as const;
const statement = utf8('statement');
const digest = new Uint8Array(32).fill(9);

describe('the PKCS#11 store', { skip: noSoftToken() }, () => {
  let addon = '';
  let root = '';
  let folder = '';
  let token: SoftToken;
  const opened: FileStore[] = [];
  const letGo: Token[] = [];
  before(() => {
    addon = pkcs11Addon();
  });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
    folder = join(root, 'pkcs11');
    token = SoftToken.make();
    process.env['SOFTHSM2_CONF'] = token.environment.SOFTHSM2_CONF; // the module reads it when it is begun
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const each of letGo.splice(0)) each.close();
    token.remove();
    rmSync(root, { recursive: true });
  });

  const openWith = async (pin: string | undefined, more: { label?: string; at?: string; module?: string } = {}) => {
    const { label = token.label, at = folder, module = token.module } = more;
    for (const store of opened.splice(0)) await store.close(); // a module is one in a process
    const bytes = pin === undefined ? undefined : utf8(pin);
    const { store } = await openPkcs11Store(primitives, at, { addon, module, label, pin: bytes });
    opened.push(store);
    return store;
  };
  const open = (): Promise<FileStore> => openWith(token.pin);
  const useToken = (cryptoki: Cryptoki, label: string | undefined = token.label): Token => {
    const found = Token.open(cryptoki, label, utf8(token.pin));
    letGo.push(found);
    return found;
  };
  /** What another program that has the PIN finds there. */
  const inToken = async <T>(look: (cryptoki: Cryptoki, session: Handle, keys: Handle[]) => T): Promise<T> => {
    for (const store of opened.splice(0)) await store.close();
    const cryptoki = await loadCryptoki(addon, token.module);
    cryptoki.C_Initialize();
    try {
      const slot = cryptoki.C_GetSlotList(true).find((each) => cryptoki.C_GetTokenInfo(each).label.trimEnd() === token.label);
      assert.ok(slot !== undefined);
      const session = cryptoki.C_OpenSession(slot, ckf.serialSession | ckf.rwSession);
      cryptoki.C_Login(session, cku.user, token.pin);
      cryptoki.C_FindObjectsInit(session, [{ type: cka.class, value: cko.privateKey }]);
      const keys = cryptoki.C_FindObjects(session, 64);
      cryptoki.C_FindObjectsFinal(session);
      return look(cryptoki, session, keys);
    } finally {
      cryptoki.C_Finalize();
    }
  };

  it('signs and opens in the token, and finds its keys again', async () => {
    const { description } = await (await open()).create('main');
    assert.equal(description.custody, 'pkcs11');
    await opened[0]?.bind(description.key, { fleet, agent });
    const { description: found, holder } = (await open()).find(description.key);
    assert.deepEqual(found, { ...description, binding: { fleet, agent } });
    for (let count = 0; count < share({ ci: 16, soak: 256 }); count += 1) {
      const signature = await holder.sign('entry', statement);
      await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: found.publicKeys.sign });
    }
    const sealed = await sealTo(primitives, found.publicKeys.seal, purpose, utf8('secret'));
    assert.deepEqual(await openSealed(holder, primitives, purpose, sealed), utf8('secret'));
  });

  it('makes keys that nobody who has the PIN can read, and whose use is one [CUSTODY-22]', async () => {
    assert.equal(await outcomeOf(async () => (await open()).create('main')), 'ok');
    await inToken((cryptoki, session, keys) => {
      assert.equal(keys.length, 3); // one signs, one agrees, one keeps the store's key
      const uses = keys.map((key) => {
        assert.throws(() => cryptoki.C_GetAttributeValue(session, key, [{ type: cka.value }]), /SENSITIVE/);
        const wanted = [
          cka.sensitive,
          cka.alwaysSensitive,
          cka.extractable,
          cka.neverExtractable,
          cka.local,
          cka.sign,
          cka.derive,
        ];
        const found = cryptoki.C_GetAttributeValue(
          session,
          key,
          wanted.map((type) => ({ type })),
        );
        const flags = found.map(({ value }) => value[0]);
        assert.deepEqual(flags.slice(0, 5), [1, 1, 0, 1, 1]);
        return flags.slice(5).join();
      });
      assert.deepEqual(uses.toSorted(), ['0,1', '0,1', '1,0']);
    });
  });

  it('takes no key from a token that could give it out [CUSTODY-22]', async () => {
    const real = await loadCryptoki(addon, token.module);
    const lax = saying(real, 'C_GenerateKeyPair', ([session, mechanism, publicTemplate, privateTemplate]) =>
      real.C_GenerateKeyPair(
        session,
        mechanism,
        publicTemplate,
        privateTemplate.map((each) => (each.type === cka.extractable ? { ...each, value: true } : each)),
      ),
    );
    const found = useToken(lax);
    assert.equal(await outcomeOf(async () => found.create('sign', 'lax', primitives.random(16))), 'key_store_failed');
    found.close();
    assert.equal(await inToken((_cryptoki, _session, keys) => keys.length), 0, 'nothing is left of it');
  });

  it('answers a sealing for another purpose, a changed one and a point off the curve with open_failed', async () => {
    const store = await open();
    const { description, holder } = await create(store);
    await refusesForeignSealings(holder, description.publicKeys.seal, purpose);
  });

  it('never asks the token about a point off the curve', async () => {
    const real = await loadCryptoki(addon, token.module);
    let derived = 0;
    const watched = saying(real, 'C_DeriveKey', (parameters) => {
      derived += 1;
      return real.C_DeriveKey(...parameters);
    });
    const found = useToken(watched);
    const key = found.create('agree', 'watched', primitives.random(16));
    const off = key.point.map((byte, index) => (index === 64 ? byte ^ 1 : byte));
    for (const point of [off, key.point.subarray(0, 64), new Uint8Array(65), key.point.map((byte, at) => (at === 0 ? 2 : byte))])
      assert.equal(await outcomeOf(async () => found.agree(key, point)), 'key_invalid');
    assert.equal(derived, 0);
    assert.equal(found.agree(key, key.point).length, 32);
    assert.equal(derived, 1);
  });

  it('is worth nothing beside another token, nor without one [CUSTODY-23]', async () => {
    await (await open()).create('main');
    token.add('another');
    const copy = join(root, 'copy');
    cpSync(folder, copy, { recursive: true });
    assert.equal(await outcomeOf(() => openWith(token.pin, { label: 'another', at: copy })), 'key_store_foreign');
    assert.equal(await outcomeOf(() => openWith(token.pin, { label: 'third', at: copy })), 'key_store_absent');
    assert.equal(await outcomeOf(open), 'ok');
  });

  it('has a store key that only an agreement in the token gives [CUSTODY-23]', async () => {
    await (await open()).create('main');
    const file = join(folder, 'store');
    const header = readFileSync(file);
    const another = createECDH('prime256v1').generateKeys();
    writeFileSync(file, Buffer.concat([header.subarray(0, -another.length), another])); // the ephemeral point ends it
    assert.equal(await outcomeOf(open), 'key_invalid');
    writeFileSync(file, header);
    assert.equal(await outcomeOf(open), 'ok');
  });

  it('writes no ML-KEM seed in the clear, and no PIN', async () => {
    const store = await open();
    const { description } = await store.create('main');
    const seed = Buffer.from(store.find(description.key).holder.exportBytes());
    const named = new Set(['store', 'making']); // what is in them names objects of the token
    for (const name of readdirSync(folder)) {
      const file = readFileSync(join(folder, name));
      assert.ok(!file.includes(token.pin));
      for (let at = 0; at + 16 <= seed.length; at += 1) {
        const piece = seed.subarray(at, at + 16);
        assert.ok(new Set(piece).size <= 8 || named.has(name) || !file.includes(piece), `${name} has bytes of the key`);
      }
    }
    assert.ok(existsSync(join(folder, `${toHex(description.key)}.key`)));
  });

  it('destroys for good, in the token too, and clears away what a machine that stopped left there', async () => {
    const store = await open();
    const { description, holder } = await store.create('main');
    const lost = await store.create('lost');
    rmSync(join(folder, `${toHex(lost.description.key)}.key`)); // as if it had never been written
    await store.destroy(description.key);
    assert.equal(await outcomeOf(() => holder.sign('entry', statement)), 'key_invalid');
    assert.equal(await inToken((_cryptoki, _session, keys) => keys.length), 3);
    assert.equal((await open()).list().length, 0);
    assert.equal(await inToken((_cryptoki, _session, keys) => keys.length), 1); // the store's own
  });

  it('takes no key from the token that was made after the copy of its folder that is opened [CUSTODY-27]', async () => {
    const store = await open();
    await store.create('main');
    const before = join(root, 'before');
    cpSync(folder, before, { recursive: true });
    const { description } = await store.create('newer');
    assert.equal((await openWith(token.pin, { at: before })).list().length, 1);
    const again = await open();
    assert.equal(again.list().length, 2);
    assert.equal((await again.find(description.key).holder.sign('entry', statement)).length, 64);
  });

  it('leaves alone what others keep in the token', async () => {
    await (await open()).create('main');
    await openWith(token.pin, { at: join(root, 'other') });
    assert.equal((await open()).list().length, 1);
    assert.equal((await openWith(token.pin, { at: join(root, 'other') })).list().length, 0);
    assert.equal(await inToken((_cryptoki, _session, keys) => keys.length), 4);
  });

  describe('and its PIN [CUSTODY-24]', () => {
    it('is wanted, and judged by the token', async () => {
      assert.equal(await outcomeOf(() => openWith(undefined)), 'pin_wrong');
      assert.equal(await outcomeOf(() => openWith('11111')), 'pin_wrong');
      assert.equal(await outcomeOf(() => openWith('')), 'pin_wrong');
      assert.ok(!existsSync(folder), 'no store was made');
      assert.equal(await outcomeOf(open), 'ok');
    });

    it('is not tried again once it was refused', async () => {
      const real = await loadCryptoki(addon, token.module);
      let logins = 0;
      let refusing = false;
      const changed = saying(real, 'C_Login', (parameters) => {
        logins += 1;
        if (refusing) throw returned(0xa0);
        real.C_Login(...parameters);
      });
      const found = useToken(changed);
      const key = found.create('sign', 'changed', primitives.random(16));
      refusing = true;
      real.C_Finalize(); // the session is gone, and the next one needs the PIN
      assert.equal(await outcomeOf(async () => found.sign(key, digest)), 'pin_wrong');
      const before = logins;
      assert.equal(await outcomeOf(async () => found.sign(key, digest)), 'pin_wrong');
      assert.equal(logins, before);
    });

    it('is not tried when it is locked, or when one try is left', async () => {
      const real = await loadCryptoki(addon, token.module);
      for (const flag of [ckf.pinLocked, ckf.finalTry]) {
        let logins = 0;
        const flagged = saying(
          saying(real, 'C_GetTokenInfo', ([slot]) => {
            const info = real.C_GetTokenInfo(slot);
            return { ...info, flags: info.flags | flag };
          }),
          'C_Login',
          () => void (logins += 1),
        );
        assert.equal(await outcomeOf(async () => useToken(flagged)), 'key_store_locked');
        assert.equal(logins, 0);
      }
      for (const value of [0xa4, 0xa3, 0x102]) {
        const locked = saying(real, 'C_Login', () => {
          throw returned(value);
        });
        assert.equal(await outcomeOf(async () => useToken(locked)), 'key_store_locked');
      }
    });
  });

  it('begins anew when the token has lost the session, once', async () => {
    const real = await loadCryptoki(addon, token.module);
    for (const value of [0x05, 0x30, 0x32, 0x60, 0x82, 0xb0, 0xb3, 0x101, 0xe0, 0x190]) {
      let left = 0;
      const losing = saying(real, 'C_Sign', (parameters) => {
        left -= 1;
        if (left >= 0) throw returned(value);
        return real.C_Sign(...parameters);
      });
      const found = useToken(losing);
      const key = found.create('sign', 'losing', primitives.random(16));
      left = 1;
      assert.equal(found.sign(key, digest).length, 64);
      left = 2;
      assert.equal(await outcomeOf(async () => found.sign(key, digest)), 'key_store_absent');
      left = 0;
      assert.equal(found.sign(key, digest).length, 64, 'and goes on when it is back');
      found.close();
    }
  });

  it('says that the token is gone, also in the middle, and goes on when it is back', async () => {
    const store = await open();
    const { description, holder } = await create(store);
    token.pull();
    assert.equal(await outcomeOf(() => holder.sign('entry', statement)), 'key_store_absent');
    assert.equal(await outcomeOf(() => store.create('next')), 'key_store_absent');
    token.insert();
    const signature = await holder.sign('entry', statement);
    await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: description.publicKeys.sign });
    assert.equal((await open()).list().length, 1);
  });

  it('names what is missing: add-on, module, token, and which of several', async () => {
    const without = { addon: join(root, 'nowhere'), module: token.module, label: token.label };
    assert.equal(
      await outcomeOf(() => openPkcs11Store(primitives, folder, { ...without, pin: utf8(token.pin) })),
      'key_store_absent',
    );
    await assert.rejects(openPkcs11Store(primitives, folder, { ...without, pin: utf8(token.pin) }), {
      next: /npm run addon:pkcs11/,
    });
    const other = join(root, 'module.so');
    mkdirSync(other);
    assert.equal(await outcomeOf(() => openWith(token.pin, { module: other })), 'key_store_absent');
    const real = await loadCryptoki(addon, token.module);
    assert.equal(useToken(real, undefined).label, token.label);
    letGo.pop()?.close();
    token.add('another');
    assert.equal(await outcomeOf(async () => Token.open(real, undefined, utf8(token.pin))), 'key_store_failed');
  });

  it('among the stores of a machine is chosen for what it is, and not replaced when it is lost [CUSTODY-19] [CUSTODY-20]', async () => {
    const kinds: readonly StoreKind[] = [
      {
        level: 'pkcs11',
        folder,
        open: async () => {
          for (const store of opened.splice(0)) await store.close();
          const found = await openPkcs11Store(primitives, folder, {
            addon,
            module: token.module,
            label: token.label,
            pin: utf8(token.pin),
          });
          opened.push(found.store);
          return found;
        },
      },
      {
        level: 'software',
        folder: root,
        open: async (passphrase) => ({ store: await openSoftwareStore(primitives, root, passphrase) }),
      },
    ];
    const first = await Stores.open(kinds, undefined);
    assert.deepEqual(first.states(), [{ level: 'pkcs11', label: token.label }, { level: 'software, unsealed' }]);
    const { description } = await first.create('main');
    assert.equal(description.custody, 'pkcs11');
    for (const store of opened.splice(0)) await store.close();
    token.pull();
    const later = await Stores.open(kinds, undefined);
    assert.equal(later.states()[0]?.code, 'key_store_absent');
    assert.equal(await outcomeOf(async () => later.find(description.key)), 'key_store_absent');
    assert.equal(await outcomeOf(() => later.create('main', 'pkcs11')), 'key_store_absent');
    token.insert();
  });
});

async function create(store: FileStore) {
  const { description } = await store.create('main');
  return { description, holder: store.find(description.key).holder };
}

/** A module that answers one call in its own way. */
function saying<M extends keyof Cryptoki>(
  real: Cryptoki,
  method: M,
  act: (parameters: Parameters<Cryptoki[M]>) => ReturnType<Cryptoki[M]>,
): Cryptoki {
  return new Proxy(real, {
    get: (target, name) => {
      if (name === method) return (...parameters: Parameters<Cryptoki[M]>) => act(parameters);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** As pkcs11js throws what a module returned. */
function returned(value: number): Error {
  return Object.assign(new Error('CKR'), { code: value });
}
