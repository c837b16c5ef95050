// The software store: what it keeps, how it is sealed, and that a kill at any moment leaves the old state or the new one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { maxKeys } from '@holdfast/protocol/custody/wire';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';

import { newStretchCost } from '../src/key-file.ts';
import { openSoftwareStore } from '../src/software-store.ts';

const binding = { fleet: new Uint8Array(32).fill(1), agent: new Uint8Array(16).fill(2) };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const openStore = (passphrase?: string, at = folder): ReturnType<typeof openSoftwareStore> =>
  openSoftwareStore(primitives, at, passphrase === undefined ? undefined : utf8(passphrase));
const keyFiles = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.key'));

for (const [how, passphrase, level] of [
  ['without a passphrase', undefined, 'software, unsealed'],
  ['with a passphrase', 'correct horse', 'software'],
] as const) {
  describe(`software store ${how}`, () => {
    it('keeps keys and bindings, and says its level', async () => {
      const store = await openStore(passphrase);
      assert.equal(store.level, level);
      const { description } = await store.create('main');
      const second = await store.create('other');
      await store.bind(description.key, binding);

      const again = await openStore(passphrase);
      assert.equal(again.level, level);
      assert.equal(again.list().length, 2);
      const found = again.find(description.key);
      assert.deepEqual(found.description, { ...description, binding });
      assert.deepEqual(again.find(second.description.key).description, second.description);
      const statement = utf8('statement');
      const signature = await found.holder.sign('pulse', statement);
      await verifySignature(primitives, { domain: 'pulse', statement, signature, publicKey: description.publicKeys.sign });
    });

    it('destroys for good', async () => {
      const store = await openStore(passphrase);
      const { description, holder } = await store.create('main');
      await store.destroy(description.key);
      assert.equal(await outcomeOf(() => holder.sign('pulse', utf8(''))), 'key_invalid');
      assert.equal(await outcomeOf(() => store.find(description.key)), 'key_unknown');
      assert.equal(await outcomeOf(() => store.destroy(description.key)), 'key_unknown');
      assert.deepEqual(keyFiles(), []);
      assert.equal((await openStore(passphrase)).list().length, 0);
    });

    it('writes files for its owner alone', async () => {
      const store = await openStore(passphrase);
      await store.create('main');
      for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    });

    it('refuses a key file that was cut, swapped or linked', async () => {
      const store = await openStore(passphrase);
      const first = join(folder, `${toHex((await store.create('main')).description.key)}.key`);
      const second = join(folder, `${toHex((await store.create('other')).description.key)}.key`);
      const good = readFileSync(second);
      copyFileSync(first, second);
      assert.equal(await outcomeOf(() => openStore(passphrase)), 'key_invalid');
      truncateSync(second, 20);
      assert.equal(await outcomeOf(() => openStore(passphrase)), 'codec_truncated');
      writeFileSync(second, Buffer.alloc(5000));
      assert.equal(await outcomeOf(() => openStore(passphrase)), 'codec_limit');
      rmSync(second);
      symlinkSync(first, second);
      assert.equal(await outcomeOf(() => openStore(passphrase)), 'store_failed');
      rmSync(second);
      writeFileSync(second, good);
      assert.equal((await openStore(passphrase)).list().length, 2);
    });

    it('makes no new store out of one that lost its header [CUSTODY-15]', async () => {
      const store = await openStore(passphrase);
      await store.create('main');
      rmSync(join(folder, 'store'));
      assert.equal(await outcomeOf(() => openStore(passphrase)), 'store_failed');
      assert.equal(keyFiles().length, 1);
    });

    it('clears what a kill left before its rename', async () => {
      const store = await openStore(passphrase);
      await store.create('main');
      writeFileSync(join(folder, `${'0'.repeat(32)}.key.new`), 'half a key');
      assert.equal((await openStore(passphrase)).list().length, 1);
      assert.equal(readdirSync(folder).length, 2);
    });

    it('leaves the state before when it cannot write', async () => {
      const store = await openStore(passphrase);
      const { description } = await store.create('main');
      // Whatever stops the write: here the name is taken by a folder, which root cannot write through either.
      const blocked = join(folder, `${toHex(description.key)}.key.new`);
      symlinkSync('/nowhere', blocked);
      assert.equal(await outcomeOf(() => store.bind(description.key, binding)), 'store_failed');
      assert.equal(store.find(description.key).description.binding, undefined);
      rmSync(blocked);
      assert.equal((await openStore(passphrase)).find(description.key).description.binding, undefined);
      await store.bind(description.key, binding);
      assert.deepEqual((await openStore(passphrase)).find(description.key).description.binding, binding);
    });
  });
}

describe('software store', () => {
  it('holds as many keys as its list can say', async () => {
    const store = await openStore();
    for (let count = 0; count < maxKeys; count += 1) await store.create('main');
    assert.equal(await outcomeOf(() => store.create('main')), 'custody_refused');
    assert.equal(keyFiles().length, maxKeys);
  });

  it('opens with its passphrase and no other, with none where it has none', async () => {
    const sealed = await openStore('right');
    await sealed.create('main');
    assert.equal(await outcomeOf(() => openStore('wrong')), 'passphrase_wrong');
    assert.equal(await outcomeOf(() => openStore('')), 'passphrase_wrong');
    assert.equal(await outcomeOf(() => openStore()), 'passphrase_wrong');
    assert.equal(await outcomeOf(() => openStore('right')), 'ok');
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
    await openStore();
    assert.equal(await outcomeOf(() => openStore('right')), 'passphrase_wrong');
  });

  it('writes private keys sealed, and finds them unsealed without a passphrase (the positive control)', async () => {
    const secretsIn = (name: string, holder: Pick<SoftwareKeyHolder, 'exportBytes'>): boolean => {
      const exported = Buffer.from(holder.exportBytes());
      const file = readFileSync(join(folder, name));
      // The two scalars and the seed as they lie in the encoding, whole or in halves.
      for (let at = 0; at + 16 <= exported.length; at += 1) {
        const piece = exported.subarray(at, at + 16);
        if (new Set(piece).size > 8 && file.includes(piece)) return true;
      }
      return false;
    };
    for (const [passphrase, found] of [
      ['secret', false],
      [undefined, true],
    ] as const) {
      const store = await openStore(passphrase);
      const { description } = await store.create('main');
      const name = `${toHex(description.key)}.key`;
      assert.equal(secretsIn(name, store.find(description.key).holder), found);
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
    }
  });

  it('asks 64 MiB and three passes of Argon2id for a guess (RFC 9106, second choice)', () => {
    const { memoryKiB, passes } = newStretchCost(primitives);
    assert.deepEqual([memoryKiB, passes], [64 * 1024, 3]);
  });

  it('takes no binding or label that was edited under the seal', async () => {
    const store = await openStore('secret');
    const { description } = await store.create('main');
    await store.bind(description.key, binding);
    const path = join(folder, `${toHex(description.key)}.key`);
    const file = readFileSync(path);
    for (const needle of [Buffer.from(binding.agent), Buffer.from(binding.fleet), Buffer.from('main')]) {
      const edited = Buffer.from(file);
      const at = edited.indexOf(needle);
      assert.ok(at > 0);
      edited[at] = edited[at] === 0x6d ? 0x6e : (edited[at] ?? 0) ^ 1;
      writeFileSync(path, edited);
      assert.equal(await outcomeOf(() => openStore('secret')), 'key_invalid');
    }
    writeFileSync(path, file);
    assert.equal(await outcomeOf(() => openStore('secret')), 'ok');
  });

  it('answers store_failed without its folder', async () => {
    assert.equal(await outcomeOf(() => openStore(undefined, join(folder, 'absent'))), 'store_failed');
  });

  it('is in its old state or its new one after kill -9 at any moment [CUSTODY-14]', async () => {
    // A writer that creates and binds, and says on stdout what is durable; we kill it wherever it is.
    const script = `
      import { openSoftwareStore } from ${JSON.stringify(new URL('../src/software-store.ts', import.meta.url).href)};
      import { nodePrimitives } from ${JSON.stringify(import.meta.resolve('@holdfast/protocol/primitives/node'))};
      const store = await openSoftwareStore(nodePrimitives, process.argv[1], undefined);
      process.stdout.write('ready\\n');
      for (const { description } of store.list()) await store.destroy(description.key);
      process.stdout.write('empty\\n');
      for (;;) {
        const { description } = await store.create('main');
        const key = Buffer.from(description.key).toString('hex');
        process.stdout.write('created ' + key + '\\n');
        await store.bind(description.key, { fleet: new Uint8Array(32).fill(1), agent: new Uint8Array(16).fill(2) });
        process.stdout.write('bound ' + key + '\\n');
        await store.destroy(description.key);
        process.stdout.write('destroyed ' + key + '\\n');
      }`;
    const seen = new Set<string>();
    for (let round = 0; round < share({ ci: 12, soak: 400 }); round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      let said = '';
      const wanted = 2 + (round % 6);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        // Between two lines of its own: a spin of varying length lands inside the next write.
        if (said.split('\n').length > wanted) {
          for (let spin = 0; spin < (round % 5) * 40_000; spin += 1) Math.sqrt(spin);
          child.kill('SIGKILL');
        }
      });
      await closed;

      const lines = said.trim().split('\n');
      const last = lines.at(-1) ?? '';
      const [what = '', key = ''] = last.split(' ');
      const store = await openStore();
      const states = store
        .list()
        .map(({ description }) => ({ key: toHex(description.key), bound: description.binding !== undefined }));
      seen.add(`${what}: ${states.length}`);
      // What it said last is done; the one step after it is done or not.
      if (what === 'created')
        assert.deepEqual(
          states.map((state) => state.key),
          [key],
        );
      else if (what === 'bound')
        assert.ok(states.length === 0 || (states.length === 1 && states[0]?.key === key && states[0].bound), last);
      else if (what === 'destroyed' || what === 'empty')
        assert.ok(states.every((state) => state.key !== key && !state.bound) && states.length <= 1, last);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith('.new')),
        [],
      );
    }
    assert.ok(seen.size > 1, `every kill fell into one place: ${[...seen].join()}`);
  });
});
