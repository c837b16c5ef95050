// Custody with a TPM (swtpm), as the daemon starts it: the chip's device is all that it sees beyond its store, in both isolations.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { certifySessionKey, verifySessionKey } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { noSoftTpm, SoftTpm } from '@holdfast/testkit/soft-tpm';
import { outcomeOf } from '@holdfast/testkit/vectors';

import { Custody } from '../../src/custody/custody.ts';
import { findBubblewrap, type Isolation } from '../../src/custody/program.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;

const isolations: readonly Isolation[] = findBubblewrap() === undefined ? ['permissions'] : ['namespaces', 'permissions'];

for (const isolation of isolations) {
  describe(`custody with a TPM, in ${isolation}`, { skip: noSoftTpm() }, () => {
    let folder = '';
    let tpm: SoftTpm;
    let custody: Custody;
    const start = (chip?: SoftTpm): Promise<Custody> =>
      Custody.start({ storeFolder: folder, isolation, ...(chip !== undefined && { tpm: chip.device }) });

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
      tpm = await SoftTpm.start();
      custody = await start(tpm);
    });
    after(async () => {
      await custody.close();
      await tpm.remove();
      rmSync(folder, { recursive: true });
    });

    it('keeps keys in it, signs and opens, and labels them so [CUSTODY-19]', async () => {
      assert.equal(custody.isolation, isolation);
      assert.deepEqual([custody.level, custody.stores], ['tpm', [{ level: 'tpm' }, { level: 'software, unsealed' }]]);
      const key = await custody.bind((await custody.create('main')).key, { fleet, agent });
      assert.equal(key.custody, 'tpm');
      const holder = custody.holder(key);
      const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      assert.deepEqual(await openSealed(holder, primitives, grant, sealed), utf8('credential'));
      const nowMs = Date.now();
      const session = { v: 1, fleet, agent, key: key.publicKeys.sign, notBeforeMs: nowMs, notAfterMs: nowMs + 300_000 } as const;
      const wire = await certifySessionKey(holder, session);
      const asked = { fleet, agent, agentKey: key.publicKeys.sign, atMs: nowMs };
      assert.deepEqual((await verifySessionKey(primitives, wire, asked)).key, session.key);
    });

    it('holds no descriptor but its stdio and the TPM [CUSTODY-17]', () => {
      const innermost = (pid: number): number => {
        const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').at(-1);
        return child === undefined || child === '' ? pid : innermost(Number(child));
      };
      const pid = innermost(custody.pid);
      const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      const names = links.filter((name) => name.startsWith('/') && name !== '/dev/null');
      assert.ok(
        names.every((name) => /^\/dev\/(tpm|pts\/\d+)$/.test(name)),
        names.join(),
      );
      assert.equal(names.length, 1);
    });

    it('tells how the chip is now: slow while it says nothing, gone, back [CUSTODY-21]', async () => {
      const stateOf = async (withinMs: number) => {
        const [chip] = await custody.keyStores(withinMs);
        return chip?.code ?? (chip?.slow === true ? 'slow' : 'ready');
      };
      assert.equal(await stateOf(60_000), 'ready');
      tpm.stall();
      assert.equal(await stateOf(1), 'slow');
      tpm.resume();
      await custody.list(); // whoever stood before us in the queue has been answered
      assert.equal(await stateOf(60_000), 'ready');
    });

    it('fails by name with keys of a TPM that is not there, and makes no other ones for them [CUSTODY-20]', async () => {
      const [key] = await custody.list();
      assert.ok(key !== undefined);
      await custody.close();
      for (const [chip, code] of [
        [undefined, 'key_store_absent'],
        [await SoftTpm.start(), 'key_store_foreign'],
      ] as const) {
        const without = await start(chip);
        assert.equal(without.level, 'software, unsealed');
        assert.equal(without.stores[0]?.code, code);
        assert.equal(await outcomeOf(() => without.describe(key.key)), code);
        assert.equal(await outcomeOf(() => without.create('main', 'tpm')), code);
        assert.equal(await outcomeOf(() => without.create('main')), code);
        await without.close();
        await chip?.remove();
      }
      custody = await start(tpm);
      assert.deepEqual(await custody.describe(key.key), key);
    });
  });
}
