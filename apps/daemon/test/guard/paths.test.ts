// Where paths lead, seen from outside of a session.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { absolute, spellings, type View } from '../../src/guard/paths.ts';

function sessionRoot(t: TestContext): View & { link(at: string, to: string): void } {
  const root = mkdtempSync(path.join(tmpdir(), 'holdfast-paths-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['tree/sub', 'home/agent', 'etc']) mkdirSync(path.join(root, folder), { recursive: true });
  writeFileSync(path.join(root, 'tree/.env'), 'secret');
  return { root, home: '/home/agent', link: (at, to) => symlinkSync(to, path.join(root, at)) };
}

test('a path is absolute, from where the agent stands or from its home', (t) => {
  const view = sessionRoot(t);
  const table: readonly (readonly [string, string])[] = [
    ['a', '/tree/sub/a'],
    ['../a', '/tree/a'],
    ['./', '/tree/sub'],
    ['/a//b/./../c', '/a/c'],
    ['~', '/home/agent'],
    ['~/x', '/home/agent/x'],
    ['~other/x', '/tree/sub/~other/x'],
  ];
  for (const [named, expected] of table) assert.equal(absolute(named, '/tree/sub', view), expected, named);
});

// [GUARD-5]
test('links are followed inside the session, never on the machine around it', (t) => {
  const view = sessionRoot(t);
  view.link('tree/plain', '.env');
  view.link('tree/sub/up', '..');
  view.link('tree/rooted', '/tree/.env');
  view.link('tree/chain', 'sub/up/plain');
  view.link('tree/out', '../../../../../../../../etc/passwd');
  view.link('tree/loop', 'loop');
  view.link('tree/dangling', 'no/such/file');
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['/tree/.env', ['/tree/.env']],
    ['/tree/plain', ['/tree/plain', '/tree/.env']],
    ['/tree/sub/up/.env', ['/tree/sub/up/.env', '/tree/.env']],
    ['/tree/rooted', ['/tree/rooted', '/tree/.env']],
    ['/tree/chain', ['/tree/chain', '/tree/.env']],
    ['/tree/out', ['/tree/out', '/etc/passwd']],
    ['/tree/loop', ['/tree/loop']],
    ['/tree/dangling', ['/tree/dangling', '/tree/no/such/file']],
    ['/tree/new/file', ['/tree/new/file']],
    ['/tree/.env/below', ['/tree/.env/below']],
    ['/', ['/']],
  ];
  for (const [place, expected] of table) assert.deepEqual(spellings(place, view), expected, place);
  const long = `/tree/${'x/'.repeat(3000)}y`;
  assert.deepEqual(spellings(long, view), [long]);
});
