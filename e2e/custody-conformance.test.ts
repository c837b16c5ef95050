// The conformance suite of custody, as somebody runs it who wrote a key store for another system: held against our own, in software, in a TPM and in a
// PKCS#11 token, and against programs that are none.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { custodyCommand, findBubblewrap, treeProgram, type CustodyHardware } from '../apps/daemon/src/custody/program.ts';
import { root } from '../packages/testkit/src/installation.ts';
import { noSoftToken, pkcs11Addon, SoftToken } from '../packages/testkit/src/soft-token.ts';
import { noSoftTpm, SoftTpm } from '../packages/testkit/src/soft-tpm.ts';

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

function tried(command: string, parameters: readonly string[] = []) {
  const words = [path.join(root, 'scripts/conformance-custody.ts'), ...parameters, '--command', command];
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 250_000 });
  return { status, stdout };
}

function ours(t: TestContext, hardware: CustodyHardware) {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-conformance-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const storeFolder = mkdtempSync(path.join(folder, 'store-'));
  return {
    folder,
    command: custodyCommand(treeProgram(), { storeFolder, ...hardware }, findBubblewrap())
      .map(quoted)
      .join(' '),
  };
}

test('custody in software conforms, sealed', (t) => {
  const { folder, command } = ours(t, {});
  const file = path.join(folder, 'passphrase');
  writeFileSync(file, 'correct horse battery staple\n');
  const { status, stdout } = tried(command, ['--level', 'software', '--passphrase-file', file]);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /\n2\d ok, 0 failed\n$/);
});

test('custody with a TPM conforms', { skip: noSoftTpm() }, async (t) => {
  const tpm = await SoftTpm.start();
  t.after(() => tpm.remove());
  const { status, stdout } = tried(ours(t, { tpm: tpm.device }).command, ['--level', 'tpm']);
  assert.equal(status, 0, stdout);
});

test('custody with a PKCS#11 token conforms', { skip: noSoftToken() }, (t) => {
  pkcs11Addon();
  const token = SoftToken.make();
  t.after(() => token.remove());
  const { module, label, environment } = token;
  const { folder, command } = ours(t, { pkcs11: { module, label, needs: [token.folder], environment } });
  const file = path.join(folder, 'pin');
  writeFileSync(file, `${token.pin}\n`);
  const inEnvironment = Object.entries(environment).map(([name, value]) => quoted(`${name}=${value}`));
  const { status, stdout } = tried(`env ${inEnvironment.join(' ')} ${command}`, ['--level', 'pkcs11', '--pin-file', file]);
  assert.equal(status, 0, stdout);
});

test('programs that are no custody are told so, clause by clause', () => {
  for (const command of ['true', 'cat', 'yes']) {
    const { status, stdout } = tried(command);
    assert.equal(status, 1, stdout);
    assert.match(stdout, /FAILED {2}CUSTODY-4/);
  }
  assert.equal(spawnSync(process.execPath, [path.join(root, 'scripts/conformance-custody.ts')]).status, 2);
});
