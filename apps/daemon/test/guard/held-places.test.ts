// What of a tree the rules keep from a session's mounts.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { compile } from '@holdfast/protocol/rules/compile';
import { floor } from '@holdfast/protocol/rules/floor';
import { parseRules } from '@holdfast/protocol/rules/language';
import { heldPlaces } from '../../src/guard/held-places.ts';

function treeOf(t: TestContext, files: readonly string[]): string {
  const tree = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-held-')));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  for (const file of files) {
    mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    writeFileSync(path.join(tree, file), 'x');
  }
  return tree;
}

async function kept(tree: string, yaml: string) {
  const context = { agent: 'a', scope: 'main', mode: 'sealed', directory: tree, home: '/home/agent' } as const;
  const { masked, readOnly } = await heldPlaces(tree, floor(compile(parseRules(yaml)), context));
  const shown = (places: readonly string[]) => places.map((place) => path.relative(tree, place)).toSorted();
  return { masked: shown(masked), readOnly: shown(readOnly) };
}

// [GUARD-25]
test('what rules deny reading is masked wherever it lies, a folder as a whole, and what a link of that name leads to', async (t) => {
  const tree = treeOf(t, ['.env', 'apps/web/.env', 'apps/web/index.ts', 'keys/a.pem', 'keys/deep/b', 'real-secret', 'open']);
  symlinkSync('../real-secret', path.join(tree, 'apps/.env'));
  symlinkSync('/etc/passwd', path.join(tree, 'keys.pem'));
  const rules = `
rules:
  no-secrets:
    deny: [read, search]
    paths: ['.env', ./keys]
    reason: They are secret.
`;
  assert.deepEqual(await kept(tree, rules), { masked: ['.env', 'apps/web/.env', 'keys', 'real-secret'], readOnly: [] });
});

// [GUARD-25]
test('what is exempt stays, and what rules deny writing is read-only', async (t) => {
  const tree = treeOf(t, ['.env', '.env.example', 'infra/prod/main.tf', 'infra/dev/main.tf', 'src/a.ts']);
  const rules = `
rules:
  no-env:
    deny: read
    paths: '.env*'
    unless: { paths: '.env.example' }
    reason: Secret.
  no-prod:
    deny: [write, edit]
    paths: infra/prod
    reason: Not by agents.
`;
  assert.deepEqual(await kept(tree, rules), { masked: ['.env'], readOnly: ['infra/prod'] });
});

/** By a daemon that file modes bind, as they do not bind root. */
function keptByUser(tree: string, yaml: string): unknown {
  const context = { agent: 'a', scope: 'main', mode: 'sealed', directory: tree, home: '/home/agent' } as const;
  const asked = JSON.stringify([tree, floor(compile(parseRules(yaml)), context)]);
  const text = `
    import { heldPlaces } from ${JSON.stringify(import.meta.resolve('../../src/guard/held-places.ts'))};
    const sorted = ({ masked, readOnly }) => ({ masked: masked.toSorted(), readOnly: readOnly.toSorted() });
    const said = await heldPlaces(...JSON.parse(process.argv[1])).then(sorted, ({ code }) => code);
    console.log(JSON.stringify(said));`;
  const node = [process.execPath, '--input-type=module', '-e', text, asked];
  const bound = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', ...node] : node;
  const [file = '', ...args] = bound;
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8' }));
}

const noEnv = 'rules:\n  no-env: {deny: read, paths: .env, reason: Secret.}\n';

// [GUARD-25]
test('a folder that its owner has shut is kept whole: a session could open it again', (t) => {
  const tree = treeOf(t, ['.env', 'apps/web/.env', 'apps/api/.env', 'src/a.ts']);
  const at = (name: string) => path.join(tree, name);
  chmodSync(at('apps/web'), 0o000);
  chmodSync(at('apps/api'), 0o600);
  try {
    const all = [at('.env'), at('apps/api'), at('apps/web')].toSorted();
    assert.deepEqual(keptByUser(tree, noEnv), { masked: all, readOnly: [] });
    assert.deepEqual(keptByUser(tree, noEnv.replace('deny: read', 'deny: write')), { masked: [], readOnly: all });
    chmodSync(tree, 0o000);
    assert.equal(keptByUser(tree, noEnv), 'sandbox_tree_refused');
  } finally {
    for (const folder of [tree, at('apps/web'), at('apps/api')]) chmodSync(folder, 0o700);
  }
});

// [GUARD-25]
test('a tree with a folder whose name cannot be called is refused; a file of such a name, where the rules keep it', async (t) => {
  const tree = treeOf(t, ['.env', 'web/.env', 'a.env']);
  const odd = (name: string) => Buffer.concat([Buffer.from(`${tree}/`), Buffer.of(0xff), Buffer.from(name)]);
  renameSync(path.join(tree, 'a.env'), odd('.env'));
  assert.deepEqual(await kept(tree, noEnv), { masked: ['.env', 'web/.env'], readOnly: [] });
  await assert.rejects(kept(tree, noEnv.replace('.env', "'*.env'")), { code: 'sandbox_tree_refused' });
  renameSync(path.join(tree, 'web'), odd('web'));
  await assert.rejects(kept(tree, noEnv), { code: 'sandbox_tree_refused' });
});

test('without such rules nothing is looked at', async () => {
  const rules = 'rules:\n  r:\n    deny: shell\n    command: touch\n    reason: No.\n';
  assert.deepEqual(await kept('/nonexistent', rules), { masked: [], readOnly: [] });
});
