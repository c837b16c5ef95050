// What of a tree the rules keep from a session's mounts.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

test('without such rules nothing is looked at', async () => {
  const rules = 'rules:\n  r:\n    deny: shell\n    command: touch\n    reason: No.\n';
  assert.deepEqual(await kept('/nonexistent', rules), { masked: [], readOnly: [] });
});
