// A machine whose agent lives in a TPM, in the middle of its work: all that daemon and custody have in memory, held against the agent's public keys.
// What such a dump is still good for is in THREAT_MODEL.md; a private key is not in it.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { Custody } from '../apps/daemon/src/custody/custody.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import { whyNoMemory } from '../packages/testkit/src/memory.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { publicPointsIn } from '../packages/testkit/src/private-scalars.ts';
import { noSoftTpm, SoftTpm } from '../packages/testkit/src/soft-tpm.ts';

const cannot = noSoftTpm() || ((await whyNoMemory()) ?? false);

describe('a dump of daemon and custody', { skip: cannot }, () => {
  let installation: Installation;
  let origin: Origin;
  let tpm: SoftTpm;

  before(async () => {
    tpm = await SoftTpm.start();
    installation = await Installation.create();
    origin = await startOrigin();
    await installation.settle({ parameters: ['--tpm', tpm.device] });
    await installation.giveCredential('demo', 'canary-memory-93b1', origin, { paths: ['/v1/**'], env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await installation.remove();
    await origin.close();
    await tpm.remove();
  });

  it('has no private key of an agent that lives in a TPM', async () => {
    const ran = await installation.run(['curl', '-sS', '--fail', `https://localhost:${origin.port}/v1/me`]);
    assert.equal(ran.code, 0, ran.stderr);
    const { daemon, custody } = await installation.parts();
    const found = [await publicPointsIn(daemon), await publicPointsIn(custody)];
    await installation.stop();
    const reader = await Custody.start({ storeFolder: path.join(installation.home, 'daemon', 'custody'), tpm: tpm.device });
    try {
      const keys = await reader.list();
      assert.deepEqual(
        keys.map(({ label, custody: level }) => [label, level]),
        [['main', 'tpm']],
      );
      for (const points of found) {
        assert.ok(points.size > 1000, `only ${points.size} numbers were looked at`);
        for (const { publicKeys } of keys)
          for (const point of [publicKeys.sign, publicKeys.seal.subarray(-65)]) assert.ok(!points.has(toHex(point)));
      }
    } finally {
      await reader.close();
    }
  });
});
