// The TPM store against swtpm: keys that are born in the chip, used only there, and useless beside another one; and a chip that is slow, gone,
// somebody else's, or in lockout.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { share } from '@holdfast/testkit/shares';
import { noSoftTpm, SoftTpm } from '@holdfast/testkit/soft-tpm';
import { outcomeOf } from '@holdfast/testkit/vectors';

import type { FileStore } from '../src/file-store.ts';
import { openSoftwareStore } from '../src/software-store.ts';
import { Stores, type StoreKind } from '../src/stores.ts';
import { openTpmStore } from '../src/tpm/tpm-store.ts';
import { refusesForeignSealings } from './foreign-sealings.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const id = new Uint8Array(16).fill(3);
const purpose = { kind: 'grant', fleet, grant: id, item: id, agent } as const;
const statement = utf8('statement');

describe('the TPM store', { skip: noSoftTpm() }, () => {
  let root = '';
  let folder = '';
  let tpm: SoftTpm;
  let other: SoftTpm;
  before(async () => {
    [tpm, other] = [await SoftTpm.start(), await SoftTpm.start()];
  });
  after(async () => {
    await tpm.remove();
    await other.remove();
  });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
    folder = join(root, 'tpm');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    rmSync(root, { recursive: true });
  });

  const opened: FileStore[] = [];
  const openIn = async (chip: SoftTpm, at: string, passphrase: Uint8Array | undefined): Promise<FileStore> => {
    const store = await openTpmStore(primitives, at, { device: chip.device, passphrase });
    opened.push(store);
    return store;
  };
  const open = (passphrase?: string, at = folder, chip = tpm): Promise<FileStore> =>
    openIn(chip, at, passphrase === undefined ? undefined : utf8(passphrase));

  it('signs and opens in the chip, and finds its keys again', async () => {
    const store = await open();
    assert.equal(store.level, 'tpm');
    const { description } = await store.create('main');
    assert.equal(description.custody, 'tpm');
    await store.bind(description.key, { fleet, agent });
    const again = await open();
    const { description: found } = again.find(description.key);
    const { holder } = again.find(description.key);
    assert.deepEqual(found, { ...description, binding: { fleet, agent } });
    for (let count = 0; count < share({ ci: 16, soak: 256 }); count += 1) {
      const signature = await holder.sign('entry', statement);
      await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: found.publicKeys.sign }); // low-S, too
    }
    const sealed = await sealTo(primitives, found.publicKeys.seal, purpose, utf8('secret'));
    assert.deepEqual(await openSealed(holder, primitives, purpose, sealed), utf8('secret'));
  });

  it('answers a sealing for another purpose, a changed one and a point off the curve with open_failed', async () => {
    const store = await open();
    const { description } = await store.create('main');
    const { holder } = store.find(description.key);
    await refusesForeignSealings(holder, description.publicKeys.seal, purpose);
  });

  it('is worth nothing beside another chip', async () => {
    const { description } = await (await open()).create('main');
    const copy = join(root, 'copy');
    cpSync(folder, copy, { recursive: true });
    assert.equal(await outcomeOf(() => open(undefined, copy, other)), 'key_store_foreign');
    assert.equal(await outcomeOf(async () => (await open(undefined, copy)).find(description.key)), 'ok');
  });

  it('writes nothing that the chip does not wrap, and no ML-KEM seed in the clear', async () => {
    const store = await open();
    const { description } = await store.create('main');
    const seed = Buffer.from(store.find(description.key).holder.exportBytes());
    for (const name of readdirSync(folder)) {
      const file = readFileSync(join(folder, name));
      for (let at = 0; at + 16 <= seed.length; at += 1) {
        const piece = seed.subarray(at, at + 16);
        assert.ok(new Set(piece).size <= 8 || !file.includes(piece), `${name} has bytes of the key`);
      }
    }
    assert.ok(existsSync(join(folder, `${toHex(description.key)}.key`)));
  });

  it('destroys for good', async () => {
    const store = await open();
    const { description, holder } = await store.create('main');
    await store.destroy(description.key);
    assert.equal(await outcomeOf(() => holder.sign('entry', statement)), 'key_invalid');
    assert.equal((await open()).list().length, 0);
  });

  it('lets the chip judge the passphrase, which locks after wrong ones, and guesses no more then', async () => {
    const chip = await SoftTpm.start();
    try {
      const { description } = await (await open('right', folder, chip)).create('main');
      assert.equal(await outcomeOf(() => open(undefined, folder, chip)), 'passphrase_wrong');
      assert.equal(await outcomeOf(async () => (await open('right', folder, chip)).find(description.key)), 'ok');
      const outcomes: string[] = [];
      while (outcomes.at(-1) !== 'key_store_locked' && outcomes.length < 40)
        outcomes.push(await outcomeOf(() => open('wrong', folder, chip)));
      assert.ok(outcomes.slice(0, -1).every((each) => each === 'passphrase_wrong'));
      assert.equal(outcomes.at(-1), 'key_store_locked');
      assert.equal(await outcomeOf(() => open('right', folder, chip)), 'key_store_locked');
    } finally {
      await chip.remove();
    }
  });

  it('says that the chip is gone, and goes on when it is back', async () => {
    const store = await open();
    const { description, holder } = await store.create('main');
    await tpm.pull();
    assert.equal(await outcomeOf(() => holder.sign('entry', statement)), 'key_store_absent');
    assert.equal(await outcomeOf(() => store.create('next')), 'key_store_absent');
    assert.equal(await outcomeOf(() => open()), 'key_store_absent');
    await tpm.insert();
    const signature = await holder.sign('entry', statement);
    await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: description.publicKeys.sign });
    assert.equal((await open()).list().length, 1);
  });

  it('fails a signature in whose middle the chip is pulled, and has nothing half done', async () => {
    const store = await open();
    const { description, holder } = await store.create('main');
    tpm.stall();
    const signing = outcomeOf(() => holder.sign('entry', statement));
    const creating = outcomeOf(() => store.create('next'));
    await tpm.pull();
    assert.deepEqual(await Promise.all([signing, creating]), ['key_store_absent', 'key_store_absent']);
    await tpm.insert();
    const again = await open();
    assert.deepEqual(
      again.list().map((each) => each.description.key),
      [description.key],
    );
  });

  it('waits for a slow chip', async () => {
    const { description, holder } = await (await open()).create('main');
    tpm.stall();
    const signing = holder.sign('entry', statement);
    const resumed = setTimeout(() => tpm.resume(), 2000);
    const signature = await signing;
    clearTimeout(resumed);
    await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: description.publicKeys.sign });
  });

  it('tells whether the chip lives, and whether it is in lockout, in which its keys still sign [CUSTODY-21]', async () => {
    const chip = await SoftTpm.start();
    try {
      const store = await open('right', folder, chip);
      const { description, holder } = await store.create('main');
      assert.equal(await outcomeOf(() => store.probe()), 'ok');
      await chip.pull();
      assert.equal(await outcomeOf(() => store.probe()), 'key_store_absent');
      await chip.insert();
      assert.equal(await outcomeOf(() => store.probe()), 'ok');
      while (
        (await outcomeOf(() => openTpmStore(primitives, folder, { device: chip.device, passphrase: utf8('wrong') }))) !==
        'key_store_locked'
      );
      assert.equal(await outcomeOf(() => store.probe()), 'key_store_locked');
      const signature = await holder.sign('entry', statement);
      await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: description.publicKeys.sign });
    } finally {
      await chip.remove();
    }
  });

  it('takes no key file that was altered', async () => {
    const { description } = await (await open()).create('main');
    const file = join(folder, `${toHex(description.key)}.key`);
    const content = readFileSync(file);
    const at = content.length - 40;
    writeFileSync(
      file,
      content.map((byte, index) => (index === at ? byte ^ 1 : byte)),
    );
    assert.equal(await outcomeOf(() => open()), 'key_invalid');
  });

  describe('among the stores of a machine [CUSTODY-19] [CUSTODY-20]', () => {
    const kinds = (chip: SoftTpm): readonly StoreKind[] => [
      {
        level: 'tpm',
        folder,
        open: async (passphrase) => ({ store: await openIn(chip, folder, passphrase) }),
      },
      {
        level: 'software',
        folder: root,
        open: async (passphrase) => ({ store: await openSoftwareStore(primitives, root, passphrase) }),
      },
    ];

    it('is the best, and software is there for who asks', async () => {
      const stores = await Stores.open(kinds(tpm), undefined);
      assert.deepEqual(stores.states(), [{ level: 'tpm' }, { level: 'software, unsealed' }]);
      let nowMs = 0;
      const probed = await stores.probe(() => (nowMs += 700));
      assert.deepEqual(probed, [
        { level: 'tpm', tookMs: 700 },
        { level: 'software, unsealed', tookMs: 700 },
      ]);
      await tpm.pull();
      assert.equal((await stores.probe(() => 0))[0]?.code, 'key_store_absent');
      await tpm.insert();
      assert.equal((await stores.probe(() => 0))[0]?.code, undefined);
      assert.equal((await stores.create('main')).description.custody, 'tpm');
      assert.equal((await stores.create('next', 'software')).description.custody, 'software, unsealed');
      assert.equal(await outcomeOf(() => stores.create('last', 'pkcs11')), 'key_store_absent');
    });

    it('is not replaced when it is lost: its keys fail by name, and new ones in it too', async () => {
      const first = await Stores.open(kinds(tpm), undefined);
      const { description } = await first.create('main');
      const soft = await first.create('soft', 'software');
      const later = await Stores.open(kinds(other), undefined);
      assert.equal(later.states()[0]?.code, 'key_store_foreign');
      assert.equal(await outcomeOf(() => later.find(description.key)), 'key_store_foreign');
      assert.equal(await outcomeOf(() => later.destroy(description.key)), 'key_store_foreign');
      assert.equal(await outcomeOf(() => later.create('main', 'tpm')), 'key_store_foreign');
      assert.equal(await outcomeOf(() => later.create('main')), 'key_store_foreign', 'no lesser store is taken in silence');
      assert.equal((await later.create('knowingly', 'software')).description.custody, 'software, unsealed');
      assert.equal(await outcomeOf(() => later.find(soft.description.key)), 'ok');
      assert.equal(await outcomeOf(() => later.find(id)), 'key_unknown');
    });
  });
});
