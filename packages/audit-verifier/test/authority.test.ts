// Both verifiers judge the uses of every bundle of spec/vectors/authority/uses.json alike; and the standalone one as people run it, in a folder where
// nothing of ours is but itself and the verifier beside it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import { judgeUses } from '@holdfast/protocol/audit/authority';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { proofsIn, trustedRootIn } from '@holdfast/protocol/audit/proofs';
import type { JsonObject } from '@holdfast/protocol/codec/json';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { judgeBundle } from '../bin/holdfast-authority.mjs';

type Vector = VectorEntry & { readonly bundle: string; readonly root: JsonObject };
const { entries } = ownVectors<Vector>('authority/uses');

async function byCore({ bundle, root }: Vector): Promise<string> {
  const [head, ...lines] = bundle
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  const bytes = (name: string): Uint8Array => fromHex(head?.[name] ?? '') ?? assert.fail(name);
  const log = { fleet: bytes('fleet'), agent: bytes('agent'), agentKey: bytes('agentKey') };
  const proofs = { ...proofsIn(head?.['authority']), ...trustedRootIn(root) };
  const events = lines
    .slice(1)
    .map(({ event }): AuditEvent | undefined => (event === undefined ? undefined : decodeEvent(Buffer.from(event, 'base64url'))));
  return (await judgeUses(nodePrimitives, log, events, proofs)).at(-1)?.code ?? 'ok';
}

describe('uses of credentials, by both verifiers', () => {
  for (const vector of entries)
    it(`${vector.clause} ${vector.name}: ${vector.expect}`, async () => {
      assert.equal(await byCore(vector), vector.expect);
      const { uses } = await judgeBundle(vector.bundle, vector.root as Parameters<typeof judgeBundle>[1]);
      assert.equal(uses.at(-1)?.code ?? 'ok', vector.expect);
    });
});

test('[AUTHORITY-7] a bundle without proofs, or with others, proves no authority', async () => {
  const [{ bundle, root } = assert.fail()] = entries;
  const [head = '', ...lines] = bundle.split('\n');
  const { authority, ...bare } = JSON.parse(head) as { authority: JsonObject };
  assert.equal(await outcomeOf(() => proofsIn(undefined)), 'bundle_shape');
  for (const name of Object.keys(authority)) {
    const { [name]: _left, ...rest } = authority;
    assert.equal(await outcomeOf(() => proofsIn(rest)), 'bundle_shape', name);
  }
  const judged = () => judgeBundle([JSON.stringify(bare), ...lines].join('\n'), root as Parameters<typeof judgeBundle>[1]);
  assert.equal(await outcomeOf(judged), 'bundle_shape');
});

test('[AUTHORITY-8] [AUTHORITY-17] holdfast-authority stands alone, trusts a root that it is given, and says where it was given none', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'authority-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = (name: string): string => path.join(folder, name);
  for (const name of ['holdfast-authority.mjs', 'holdfast-verify.mjs'])
    copyFileSync(path.join(import.meta.dirname, '../bin', name), place(name));
  const run = (...words: string[]): { exit: number; text: string } => {
    try {
      const options = { cwd: folder, env: {}, encoding: 'utf8' } as const;
      return { exit: 0, text: execFileSync(process.execPath, ['holdfast-authority.mjs', ...words], options) };
    } catch (thrown) {
      const { status, stdout } = thrown as { status: number; stdout: string };
      return { exit: status, text: stdout };
    }
  };
  const find = (name: string): Vector => entries.find((each) => each.name === name) ?? assert.fail(name);
  const good = find('a use with its whole authority');
  writeFileSync(place('bundle'), good.bundle);
  writeFileSync(place('root'), JSON.stringify(good.root));
  assert.deepEqual(run('bundle', '--root', 'root'), { exit: 0, text: '1 of 1 uses had their whole authority\n' });
  const unpinned = run('bundle');
  assert.deepEqual([unpinned.exit, /own word \(--root\)/.test(unpinned.text)], [0, true]);
  writeFileSync(place('bundle'), find('its request withheld').bundle);
  assert.match(run('bundle', '--root', 'root').text, /unproven {2}what 1 records say/, '[BUNDLE-3]');
  writeFileSync(place('bundle'), find('another path').bundle);
  assert.match(run('bundle', '--root', 'root').text, /0 of 1 uses .*\n {2}! event 5: use of demo \(fence_path\)/);
  assert.equal(run('bundle', '--root', 'root').exit, 4);
  writeFileSync(place('bundle'), good.bundle.replace(/("event":"[\w-]{40})./, '$1_'));
  assert.equal(run('bundle', '--root', 'root').exit, 4, 'a log that does not hold');
  writeFileSync(place('root'), JSON.stringify({ ...good.root, fleet: '00'.repeat(32) }));
  writeFileSync(place('bundle'), good.bundle);
  assert.match(run('bundle', '--root', 'root', '--json').text, /audit_forged/);
  assert.deepEqual([run().exit, run('bundle', '--what').exit, run('absent').exit], [2, 2, 1]);
  assert.doesNotMatch(run('absent').text, /does not hold/, 'nothing was read');
  const lines = readFileSync(place('holdfast-authority.mjs'), 'utf8').split('\n').length;
  assert.ok(lines < 500, `${lines} lines`);
});
