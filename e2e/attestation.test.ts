// A machine whose TPM has a certificate of its maker is enrolled: its word counts as claimed until the operator has installed that maker, and as attested from
// then on; another maker's chip, an edited list of makers and a maker who was removed do not.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import { noSoftTpm, SoftTpm, SoftTpmMaker } from '../packages/testkit/src/soft-tpm.ts';

describe('the operator who approves a machine with a TPM', { skip: noSoftTpm() }, () => {
  let installation: Installation;
  let maker: SoftTpmMaker;
  let stranger: SoftTpmMaker;
  let tpm: SoftTpm;
  let elsewhere: SoftTpm;
  let root = '';

  before(async () => {
    [maker, stranger] = [SoftTpmMaker.create(), SoftTpmMaker.create()];
    [tpm, elsewhere] = [await SoftTpm.start(maker), await SoftTpm.start(stranger)];
    installation = await Installation.create();
    await installation.start({ parameters: ['--tpm', tpm.device] });
    await installation.must(['init', '--name', 'attested']);
  });
  after(async () => {
    await installation.remove();
    await Promise.all([tpm.remove(), elsewhere.remove()]);
    maker.remove();
    stranger.remove();
  });

  /** What `approve` answers for a new scope, which is not enrolled when it refuses. */
  const approved = async (scope: string, more: readonly string[] = []): Promise<Ran> => {
    const asking = installation.live(['enroll', '--scope', scope, '--relay', installation.url, '--json', ...more]);
    try {
      const [offer] = await asking.waitFor(/.*\n/);
      const { code, words } = JSON.parse(offer) as { code: string; words: string[] };
      const ran = await installation.operator(['approve', code, '--words', words.join(' '), '--json']);
      if (ran.code === 0) await asking.ended;
      return ran;
    } finally {
      await asking.end();
    }
  };
  const evidenceOf = (ran: Ran) => {
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const { custody, evidence } = jsonOf<{ custody: string; evidence: string }>(ran);
    return [custody, evidence];
  };

  it('takes its word, and calls it claimed, as long as no maker is installed [ATTEST-9]', async () => {
    assert.deepEqual(evidenceOf(await approved('before')), ['tpm', 'claimed']);
  });

  it('has proof once its maker is installed; keys in software stay claimed', async () => {
    const added = await installation.must(['roots', 'add', maker.authority, '--json']);
    root = jsonOf<{ roots: { root: string; subject: string }[] }>(added).roots[0]?.root ?? '';
    assert.match(root, /^[0-9a-f]{64}$/);
    assert.equal(jsonOf<{ roots: unknown[] }>(await installation.must(['roots', 'list', '--json'])).roots.length, 1);
    await installation.must(['roots', 'add', maker.authority]); // again: no change
    assert.equal(jsonOf<{ roots: unknown[] }>(await installation.must(['roots', 'list', '--json'])).roots.length, 1);
    assert.deepEqual(evidenceOf(await approved('proved')), ['tpm', 'attested']);
    assert.deepEqual(evidenceOf(await approved('soft', ['--custody', 'software'])), ['software, unsealed', 'claimed']);
    const { agents } = jsonOf<{ agents: { scope: string; evidence: string }[] }>(await installation.must(['agents', '--json']));
    const told = Object.fromEntries(agents.map(({ scope, evidence }) => [scope, evidence]));
    assert.deepEqual(told, { before: 'claimed', proved: 'attested', soft: 'claimed' });
  });

  it('approves nothing by a list of makers that it did not sign', async () => {
    const file = path.join(installation.home, 'operator', 'custody-roots');
    const content = readFileSync(file);
    writeFileSync(
      file,
      content.map((byte, at) => (at === 60 ? byte ^ 1 : byte)),
    );
    const ran = await approved('edited');
    assert.deepEqual([ran.code, failureOf(ran).code], [4, 'key_invalid']);
    writeFileSync(file, content);
  });

  it('does not take one maker for another', async () => {
    const other = await Installation.create();
    try {
      await other.start({ parameters: ['--tpm', elsewhere.device] });
      const asking = other.live(['enroll', '--scope', 'main', '--relay', installation.url, '--json']);
      const [offer] = await asking.waitFor(/.*\n/);
      const { code, words } = JSON.parse(offer) as { code: string; words: string[] };
      const ran = await installation.operator(['approve', code, '--words', words.join(' ')]);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout + ran.stderr, /TPM 2\.0, claimed: no installed root vouches for this TPM/);
      await asking.ended;
    } finally {
      await other.remove();
    }
  });

  it('has no proof any more when the maker was removed', async () => {
    await installation.must(['roots', 'remove', root.slice(0, 12)]);
    assert.deepEqual(evidenceOf(await approved('after')), ['tpm', 'claimed']);
  });
});
