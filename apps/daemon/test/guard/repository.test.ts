// Which repository and branch a tree is, from git's files; and that a tree cannot make the daemon wait.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { branchOf, normalRemote, repositoryOf } from '../../src/guard/repository.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-repository-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const config =
  '[core]\n\tbare = false\n[remote "upstream"]\n\turl = https://other.example/x/y\n[remote "origin"]\n\turl = git@github.com:Owner/Name.git\n\tfetch = +refs/*\n';

test('a tree is its origin, on the branch that is checked out', (t) => {
  const tree = folderOf(t);
  assert.equal(repositoryOf(tree), undefined);
  assert.equal(branchOf(tree), undefined);
  mkdirSync(path.join(tree, '.git'));
  writeFileSync(path.join(tree, '.git/config'), config);
  writeFileSync(path.join(tree, '.git/HEAD'), 'ref: refs/heads/feature/one\n');
  assert.equal(repositoryOf(tree), 'github.com/Owner/Name');
  assert.equal(branchOf(tree), 'feature/one');
  writeFileSync(path.join(tree, '.git/HEAD'), '0123456789abcdef0123456789abcdef01234567\n');
  assert.equal(branchOf(tree), undefined);
});

test('a linked worktree is the repository that it belongs to, on its own branch', (t) => {
  const [main, linked] = [folderOf(t), folderOf(t)];
  mkdirSync(path.join(main, '.git/worktrees/two'), { recursive: true });
  writeFileSync(path.join(main, '.git/config'), config);
  writeFileSync(path.join(main, '.git/worktrees/two/commondir'), '../..\n');
  writeFileSync(path.join(main, '.git/worktrees/two/HEAD'), 'ref: refs/heads/two\n');
  writeFileSync(path.join(linked, '.git'), `gitdir: ${main}/.git/worktrees/two\n`);
  assert.equal(repositoryOf(linked), undefined, 'the repository does not know of this tree');
  writeFileSync(path.join(main, '.git/worktrees/two/gitdir'), `${linked}/.git\n`);
  assert.equal(repositoryOf(linked), 'github.com/Owner/Name');
  assert.equal(branchOf(linked), 'two');
});

test('one remote is one name, however it is written', () => {
  for (const url of [
    'git@github.com:o/n.git',
    'github.com:o/n',
    'https://github.com/o/n',
    'https://user:secret@GitHub.com:443/o/n.git',
    'ssh://git@github.com:22/o/n.git',
    'git+ssh://git@github.com/o/n/',
  ])
    assert.equal(normalRemote(url), 'github.com/o/n', url);
  for (const url of ['/srv/git/n.git', '../n', 'file:///srv/n', 'https://github.com/', ''])
    assert.equal(normalRemote(url), undefined, url);
});

test('pipes and links in the place of git’s files are neither waited for nor followed', { timeout: 60_000 }, (t) => {
  const tree = folderOf(t);
  mkdirSync(path.join(tree, '.git'));
  execFileSync('mkfifo', [path.join(tree, '.git/HEAD')]);
  writeFileSync(path.join(tree, 'elsewhere'), config);
  symlinkSync(path.join(tree, 'elsewhere'), path.join(tree, '.git/config'));
  assert.equal(branchOf(tree), undefined);
  assert.equal(repositoryOf(tree), undefined);
});
