// Which Claude Code a program is, and that one whose guard would not hold is not started.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { assertFit, isAtLeast, isClaudeCode, versionIn } from '../../src/guard/claude-code/version.ts';

function folderOf(t: TestContext): (name: string, content: string | Uint8Array) => string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-version-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
}

const marked = (version: string) => `#!/usr/bin/env node\n// (c) Anthropic PBC\n\n// Version: ${version}\n`;

test('the version is found wherever it stands in the file, also across the pieces that are read', (t) => {
  const file = folderOf(t);
  assert.equal(versionIn(file('script', marked('2.1.330'))), '2.1.330');
  const mebibytes = 4 << 20;
  for (const at of [mebibytes - 14, mebibytes - 13, mebibytes - 3, mebibytes, mebibytes + 1, 2 * mebibytes - 7]) {
    const bytes = Buffer.alloc(9 << 20, 'x');
    bytes.write('\n// Version: 2.1.300\n', at);
    assert.equal(versionIn(file(`at-${at}`, bytes)), '2.1.300', `at ${at}`);
  }
  for (const text of ['', '// Version: 2.1.330\n', '\n// Version: two\n', '\n// Version: 2.1\n', '\n// Version: 2.1.330'])
    assert.equal(versionIn(file('none', text)), undefined, JSON.stringify(text));
});

test('a file that was replaced is read anew', (t) => {
  const file = folderOf(t);
  assert.equal(versionIn(file('claude', marked('2.1.330'))), '2.1.330');
  assert.equal(versionIn(file('claude', marked('2.1.3301'))), '2.1.3301');
});

// [GUARD-11]
test('a Claude Code without `onFailure`, or one that does not tell, is not started', (t) => {
  const file = folderOf(t);
  for (const version of ['2.1.295', '2.1.330', '2.2.0', '3.0.0', '10.0.0']) assertFit(file('claude', marked(version)));
  for (const version of ['2.1.294', '2.1.197', '2.0.999', '1.9.999'])
    assert.throws(() => assertFit(file('claude', marked(version))), { code: 'harness_unfit', message: new RegExp(version) });
  assert.throws(() => assertFit(file('wrapper', '#!/bin/sh\nexec claude "$@"\n')), {
    code: 'harness_unfit',
    message: /does not tell/,
  });
});

// [GUARD-11]
test('a stand-in of the package is what its package says', (t) => {
  const file = folderOf(t);
  const stub = file('claude-code/bin/claude.exe', 'echo not installed');
  file('claude-code/package.json', JSON.stringify({ name: '@anthropic-ai/claude-code', version: '2.1.330' }));
  assertFit(stub);
  file('claude-code/package.json', JSON.stringify({ name: '@anthropic-ai/claude-code', version: '2.1.197' }));
  assert.throws(() => assertFit(stub), { code: 'harness_unfit' });
  file('claude-code/package.json', JSON.stringify({ name: 'claude', version: '9.9.9' }));
  assert.throws(() => assertFit(stub), { code: 'harness_unfit' });
});

test('versions compare by number', () => {
  assert.ok(isAtLeast('2.1.1000', '2.1.295'));
  assert.ok(!isAtLeast('2.1.29', '2.1.295'));
  assert.ok(!isAtLeast('2.1', '2.1.295'));
});

test('Claude Code is known by its name and by its places', () => {
  for (const place of [
    '/usr/local/bin/claude',
    '/x/node_modules/@anthropic-ai/claude-code/bin/claude.exe',
    '/x/node_modules/@anthropic-ai/claude-code-linux-x64/claude',
    '/home/op/.local/share/claude/versions/2.1.330',
  ])
    assert.ok(isClaudeCode('/usr/bin/x', place), place);
  for (const place of ['/usr/bin/claudette', '/usr/bin/curl', '/home/claude/bin/tool']) assert.ok(!isClaudeCode(place), place);
});
