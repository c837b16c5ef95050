// Custody with a PKCS#11 token (SoftHSM2), as the daemon starts it: the module and what was named for it are all that it sees beyond its
// store; without a module it can load no add-on at all.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { noSoftToken, pkcs11Addon, SoftToken } from '@holdfast/testkit/soft-token';
import { outcomeOf } from '@holdfast/testkit/vectors';

import { Custody } from '../../src/custody/custody.ts';
import { custodyCommand, findBubblewrap, treeProgram, type Isolation, type Pkcs11Token } from '../../src/custody/program.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
const bubblewrap = findBubblewrap();
const isolations: readonly Isolation[] = bubblewrap === undefined ? ['permissions'] : ['namespaces', 'permissions'];

const named = ({ module, label, folder, environment }: SoftToken): Pkcs11Token => ({
  module,
  label,
  needs: [folder],
  environment,
});

for (const isolation of isolations) {
  describe(`custody with a PKCS#11 token, in ${isolation}`, { skip: noSoftToken() }, () => {
    let folder = '';
    let token: SoftToken;
    let custody: Custody;
    const start = (pkcs11?: Pkcs11Token, pin = token.pin): Promise<Custody> =>
      Custody.start({ storeFolder: folder, isolation, ...(pkcs11 !== undefined && { pkcs11, pin: utf8(pin) }) });

    before(async () => {
      pkcs11Addon();
      folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
      token = SoftToken.make();
      custody = await start(named(token));
    });
    after(async () => {
      await custody.close();
      token.remove();
      rmSync(folder, { recursive: true });
    });

    it('keeps keys in it, signs and opens, and labels them so [CUSTODY-19] [CUSTODY-25]', async () => {
      assert.equal(custody.isolation, isolation);
      assert.deepEqual(custody.stores, [{ level: 'pkcs11', label: token.label }, { level: 'software, unsealed' }]);
      const key = await custody.bind((await custody.create('main')).key, { fleet, agent });
      assert.equal(key.custody, 'pkcs11');
      const holder = custody.holder(key);
      const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      assert.deepEqual(await openSealed(holder, primitives, grant, sealed), utf8('credential'));
    });

    it('fails by name without module, token or PIN, and makes no other keys for them [CUSTODY-20]', async () => {
      const [key] = await custody.list();
      assert.ok(key !== undefined);
      await custody.close();
      const other = SoftToken.make('other');
      const cases = [
        [undefined, token.pin, 'key_store_absent'],
        [{ ...named(token), module: '/nowhere/module.so' }, token.pin, 'key_store_absent'],
        [{ ...named(other), label: token.label }, token.pin, 'key_store_absent'],
        [named(other), other.pin, 'key_store_foreign'],
        [named(token), '13579', 'pin_wrong'],
      ] as const;
      for (const [pkcs11, pin, code] of cases) {
        const without = await start(pkcs11, pin);
        assert.equal(without.level, 'software, unsealed');
        assert.equal(without.stores[0]?.code, code);
        assert.equal(await outcomeOf(() => without.describe(key.key)), code);
        assert.equal(await outcomeOf(() => without.create('main', 'pkcs11')), code);
        await without.close();
      }
      other.remove();
      custody = await start(named(token));
      assert.deepEqual(await custody.describe(key.key), key);
    });
  });
}

describe('custody and native code [CUSTODY-17] [CUSTODY-25]', { skip: noSoftToken() }, () => {
  /** The command of custody with another program in its place. */
  const probe = (script: string, pkcs11: Pkcs11Token | undefined, wrap: string | undefined): unknown => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
    try {
      const main = join(folder, 'probe.mjs');
      writeFileSync(main, script);
      const [file, ...args] = custodyCommand({ ...treeProgram(), main }, { storeFolder: folder, pkcs11 }, wrap);
      return JSON.parse(execFileSync(file, args, { env: {}, encoding: 'utf8' }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const loads = (addon: string): string => `
    import { createRequire } from 'node:module';
    let said = 'loaded';
    try { createRequire(import.meta.url)(${JSON.stringify(`${addon}/build/Release/pkcs11.node`)}); } catch (thrown) { said = thrown.code; }
    console.log(JSON.stringify(said));`;

  it('loads none of it where no module was named', () => {
    const addon = pkcs11Addon();
    const token = SoftToken.make();
    try {
      assert.equal(probe(loads(addon), undefined, undefined), 'ERR_DLOPEN_DISABLED');
      assert.equal(probe(loads(addon), named(token), undefined), 'loaded');
    } finally {
      token.remove();
    }
  });

  it('sees what was named for it, and nothing else', { skip: bubblewrap === undefined && 'needs bubblewrap' }, () => {
    const token = SoftToken.make();
    try {
      // Native code asks the kernel, not Node: what the permission model says of these paths does not count here.
      const script = `
        const { readdirSync, existsSync } = process.getBuiltinModule('node:fs');
        const at = (path) => { try { return readdirSync(path).length > 0; } catch { return false; } };
        console.log(JSON.stringify({
          own: at(${JSON.stringify(token.folder)}), home: at('/root') || at('/home'), etc: at('/etc/ssl') || existsSync('/etc/passwd'), run: at('/run'),
          setting: process.env.SOFTHSM2_CONF !== undefined, others: Object.keys(process.env).filter((name) => !['SOFTHSM2_CONF', 'PWD'].includes(name)),
        }));`;
      const folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
      const main = join(folder, 'probe.mjs');
      writeFileSync(main, script);
      const command = custodyCommand({ ...treeProgram(), main }, { storeFolder: folder, pkcs11: named(token) }, bubblewrap);
      const unbound = command.filter((word) => word !== '--permission' && !word.startsWith('--allow-'));
      const [file = '', ...args] = unbound;
      const seen: unknown = JSON.parse(execFileSync(file, args, { env: {}, encoding: 'utf8' }));
      rmSync(folder, { recursive: true });
      assert.deepEqual(seen, { own: true, home: false, etc: false, run: false, setting: true, others: [] });
    } finally {
      token.remove();
    }
  });
});
