// docs/conformance.md tells the truth about where the external vectors come from: each row's source and commit stand in the
// README of that folder, and every folder that a test reads has its row.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { repository } from './planted-tree.ts';

const vectors = process.env['HOLDFAST_VECTORS'] ?? join(repository, '../shared/vectors');
const page = readFileSync(join(repository, 'docs/conformance.md'), 'utf8');
const rows = [...page.matchAll(/^\| `([\w-]+)` \|[^|]*\| ([\w./-]+@[0-9a-f]{40}) \|/gm)].map(([, folder = '', source = '']) => ({
  folder,
  source,
}));

test('every folder of vectors that a test reads has its row', () => {
  const read = new Set<string>();
  for (const file of globSync('{packages,apps,e2e}/**/*.ts', { cwd: repository })) {
    if (file.includes('node_modules/')) continue;
    const text = readFileSync(join(repository, file), 'utf8');
    for (const match of text.matchAll(/\bexternal\w*(?:<[^(]*>)?\(\s*['"`]([\w-]+)\//g)) read.add(match[1] ?? '');
    if (/\bwycheproof(?:<[^(]*>)?\(/.test(text)) read.add('wycheproof');
  }
  assert.ok(rows.length > 0);
  assert.deepEqual(
    [...read].filter((folder) => !rows.some((row) => row.folder === folder)),
    [],
  );
});

test(
  'each source and commit is the one that the folder names',
  { skip: existsSync(vectors) ? false : `no vectors at ${vectors}` },
  () => {
    for (const { folder, source } of rows)
      assert.ok(readFileSync(join(vectors, folder, 'README.md'), 'utf8').includes(source), folder);
  },
);
