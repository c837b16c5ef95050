import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildMounts } from '../../src/sandbox/mounts.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { makeWorld, requestFor, run, script, start, without, type World } from './world.ts';

const always = [
  '.claude/settings.json',
  '.vscode/tasks.json',
  '.idea/workspace.xml',
  '.husky/pre-commit',
  '.devcontainer/devcontainer.json',
  '.cursor/mcp.json',
  '.zed/settings.json',
  '.mcp.json',
  '.envrc',
  '.npmrc',
  '.yarnrc',
  '.yarnrc.yml',
  '.pnpmfile.cjs',
  '.exrc',
  '.vimrc',
  '.git/config',
  '.git/hooks/pre-commit',
  '.git/config.worktree',
  '.git/commondir',
];
const existing = [
  'mise.toml',
  '.config/mise/config.toml',
  '.pre-commit-config.yaml',
  '.cargo/config.toml',
  '.yarn/releases/yarn.cjs',
  '.mvn/jvm.config',
  'lefthook.yml',
];

function git(world: World, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(
    'git',
    ['-C', world.tree, '-c', 'user.name=o', '-c', 'user.email=o@example.com', '-c', 'init.defaultBranch=main', ...args],
    { env: { PATH: process.env['PATH'] ?? '', HOME: world.operatorHome } },
  );
  assert.equal(status, 0, String(stderr));
  return String(stdout);
}

function write(world: World, path: string, text: string): void {
  mkdirSync(join(world.tree, path, '..'), { recursive: true });
  writeFileSync(join(world.tree, path), text);
}

/** Tries to make each path say `evil`, by every way that a program has; also by moving what it lies in. */
function attack(paths: readonly string[]): string[] {
  return script(`
    const fs = require('fs'), path = require('path');
    const attempt = (act) => { try { act(); } catch {} };
    for (const target of ${JSON.stringify(paths)}) {
      attempt(() => fs.mkdirSync(path.dirname(target), { recursive: true }));
      attempt(() => fs.chmodSync(target, 0o777));
      attempt(() => fs.writeFileSync(target, 'evil'));
      attempt(() => fs.unlinkSync(target));
      attempt(() => fs.writeFileSync(target, 'evil'));
      attempt(() => { fs.writeFileSync('evil', 'evil'); fs.renameSync('evil', target); });
      attempt(() => fs.symlinkSync('/tmp/evil', target));
      for (let place = path.dirname(target); place !== '.'; place = path.dirname(place)) {
        attempt(() => fs.renameSync(place, place + '.moved'));
        attempt(() => fs.rmSync(place, { recursive: true }));
        attempt(() => fs.symlinkSync('/tmp', place));
        attempt(() => { fs.mkdirSync(place, { recursive: true }); fs.writeFileSync(target, 'evil'); });
      }
    }
    attempt(() => fs.unlinkSync('evil'));`);
}

/** Those that say `evil`, are links, or lie in what became a link. */
function evilIn(world: World, paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const names = path.split('/');
    const places = names.map((_, index) => lstatSync(join(world.tree, ...names.slice(0, index + 1)), { throwIfNoEntry: false }));
    if (places.some((place) => place?.isSymbolicLink() === true)) return true;
    return places.at(-1)?.isFile() === true && readFileSync(join(world.tree, path), 'utf8').includes('evil');
  });
}

test('[SANDBOX-4] what exists of the triggers is read-only, whichever way it is attacked', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  const places = [...always.filter((path) => !path.startsWith('.git/co') || path === '.git/config'), ...existing];
  for (const path of places) if (path !== '.git/config') write(world, path, 'fine');
  const before = readFileSync(join(world.tree, '.git/config'), 'utf8');
  await run(t, requestFor(world, attack(places)));
  assert.deepEqual(evilIn(world, places), []);
  for (const path of places) {
    assert.ok(existsSync(join(world.tree, path)), path);
    assert.equal(readFileSync(join(world.tree, path), 'utf8'), path === '.git/config' ? before : 'fine', path);
  }
});

test('[SANDBOX-4] absent triggers cannot be made, and the session leaves no trace of that', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  rmSync(join(world.tree, '.git/hooks'), { recursive: true, force: true });
  const before = readdirSync(world.tree).toSorted();
  const inGit = new Set(readdirSync(join(world.tree, '.git')));
  await run(t, requestFor(world, attack([...always, 'refs/x'])));
  assert.deepEqual(evilIn(world, always), []);
  assert.deepEqual(readdirSync(world.tree).toSorted(), before);
  // It may have deleted what it may write.
  assert.deepEqual(
    readdirSync(join(world.tree, '.git')).filter((name) => !inGit.has(name)),
    [],
  );
});

test('[SANDBOX-4] in a folder without a repository none can be made', async (t) => {
  const world = makeWorld(t);
  const bare = ['HEAD', 'config', 'objects/x', 'refs/x'];
  await run(t, requestFor(world, attack([...always, ...bare])));
  assert.deepEqual(evilIn(world, always), []);
  assert.ok(!existsSync(join(world.tree, '.git')));
  assert.ok(!existsSync(join(world.tree, 'refs')), 'git takes a folder for a repository only if it has refs');
});

test('[SANDBOX-4] the read-only mounts are what holds', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  for (const path of existing) write(world, path, 'fine');
  const places = ['.git/config', '.git/hooks/pre-commit', ...existing];
  const overwrite = `for (const path of ${JSON.stringify(places)}) require('fs').writeFileSync(path, 'evil')`;
  assert.equal((await run(t, requestFor(world, script(overwrite)))).code, 1);
  assert.deepEqual(evilIn(world, places), []);
  await run(t, requestFor(world, script(overwrite)), without(['--ro-bind-fd', 2], ['--dev-bind', 4]));
  assert.deepEqual(evilIn(world, places), places);
});

test('[SANDBOX-4] a folder that holds read-only places cannot be moved away: the pin is what stops it', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  const move = requestFor(world, ['sh', '-c', 'mv .git .moved && mkdir .git && echo evil > .git/config']);
  assert.equal((await run(t, move)).code, 1);
  const source = join(world.tree, '.git');
  const unpinned = {
    words: (list: readonly (string | Uint8Array | { readonly fd: number })[]) => {
      const at = list.findIndex((word, index) => word === '--bind-fd' && list[index + 2] === source);
      return list.toSpliced(at, 3);
    },
  };
  // The daemon notices as well, from outside. [SANDBOX-13]
  await run(t, move, unpinned).catch((error: { code: string }) => assert.equal(error.code, 'sandbox_tree_changed'));
  assert.ok(existsSync(join(world.tree, '.moved')));
});

test('[SANDBOX-4] what git is configured to run from the tree is read-only too', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  const places = ['.githooks/pre-commit', 'tools/clean.sh', 'tools/extra.gitconfig', 'tools/pager'];
  for (const path of places) write(world, path, 'fine');
  write(world, 'tools/other', 'fine');
  git(world, 'config', 'core.hooksPath', '.githooks');
  git(world, 'config', 'filter.x.clean', './tools/clean.sh %f');
  git(world, 'config', 'include.path', '../tools/extra.gitconfig');
  git(world, 'config', 'alias.show-it', '!sh tools/pager');
  await run(t, requestFor(world, attack([...places, 'tools/other'])));
  assert.deepEqual(evilIn(world, [...places, 'tools/other']), ['tools/other']);
});

test('a word of an alias that is too long to be a file is no file', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  git(world, 'config', 'alias.long', `log ${'x'.repeat(300)} ${'y/'.repeat(2500)}`);
  const { code } = await run(t, requestFor(world, ['true']));
  assert.equal(code, 0);
});

test('[SANDBOX-4] a session that makes up thousands of worktrees: the next start says what to look into', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  await run(t, requestFor(world, ['sh', '-c', 'mkdir .git/worktrees && cd .git/worktrees && seq 3000 | xargs mkdir']));
  await assert.rejects(start(t, requestFor(world, ['true'])), {
    code: 'sandbox_tree_refused',
    message: /\/worktrees names more than 256 worktrees/,
  });
});

test('[SANDBOX-4] git works in a session as outside, and does not see the placeholders', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  git(world, 'add', '-A');
  git(world, 'commit', '-qm', 'first');
  const source = `set -e
    export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
    git status --porcelain; echo two > two; git checkout -q -b topic; git add -A; git commit -qm second; git log --format=%s
    git rm -q --cached two; git reset -q --hard; git gc -q; git fsck; git stash list; git rebase -q main; git ls-files; echo made > made; sleep 0.05; git status --porcelain`;
  const { output, errors, code } = await run(t, requestFor(world, ['sh', '-c', source]));
  assert.deepEqual({ output, code }, { output: 'second\nfirst\nfile\ntwo\n?? made\n', code: 0 }, errors);
  assert.equal(git(world, 'status', '--porcelain'), '?? made\n');
});

test('[SANDBOX-4] outside, git and a shell see nothing of the placeholders while the session runs', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  git(world, 'add', '-A');
  git(world, 'commit', '-qm', 'first');
  const sandbox = await start(t, requestFor(world, ['cat']));
  assert.ok(existsSync(join(world.tree, '.vscode')));
  assert.equal(git(world, 'status', '--porcelain'), '');
  assert.equal(git(world, 'log', '--format=%s'), 'first\n');
  sandbox.input.end();
  assert.equal(await sandbox.exited, 0);
  assert.deepEqual(readdirSync(world.tree).toSorted(), ['.git', 'file']);
});

test('[SANDBOX-4] placeholders stay until the last session of a tree ends, and those of a killed daemon go with the next', async (t) => {
  const world = makeWorld(t);
  const [one, two] = [await start(t, requestFor(world, ['cat'])), await start(t, requestFor(world, ['cat']))];
  // To a later session a placeholder is as absent as to the first.
  assert.notEqual((await run(t, requestFor(world, ['mkdir', '.git/objects']))).code, 0);
  one.input.end();
  await one.exited;
  assert.ok(existsSync(join(world.tree, '.claude')));
  two.input.end();
  await two.exited;
  assert.deepEqual(readdirSync(world.tree), ['file']);
  mkdirSync(join(world.tree, '.vscode'), { mode: 0o555 });
  mkdirSync(join(world.tree, '.idea'));
  await run(t, requestFor(world, ['true']));
  assert.deepEqual(readdirSync(world.tree).toSorted(), ['.idea', 'file'], 'an empty folder of the operator is not ours');
});

test('[SANDBOX-4] a trigger that is a symbolic link cannot be held in place: the session does not start', async (t) => {
  const world = makeWorld(t);
  mkdirSync(join(world.tree, 'real'));
  for (const [name, target] of [
    ['.vscode', 'real'],
    ['.envrc', '../../.ssh/id'],
    ['.git', 'real'],
    ['.claude', 'nowhere'],
  ] as const) {
    symlinkSync(target, join(world.tree, name));
    await assert.rejects(
      startSandbox(requestFor(world, ['true'])),
      { code: 'sandbox_tree_refused', message: /symbolic link/ },
      name,
    );
    rmSync(join(world.tree, name));
  }
});

test('[SANDBOX-4] a folder that is swapped for a link during the start shows nothing of the host', async (t) => {
  const world = makeWorld(t);
  mkdirSync(join(world.tree, '.vscode'));
  // As another session in a folder above could: after the planning, before bwrap mounts.
  const swap = {
    words: <List>(list: List): List => {
      renameSync(join(world.tree, '.vscode'), join(world.tree, 'old'));
      symlinkSync(join(world.operatorHome, '.ssh'), join(world.tree, '.vscode'));
      return list;
    },
  };
  const outcome = run(t, requestFor(world, ['cat', '.vscode/id']), swap);
  await outcome.then(
    ({ output }) => assert.equal(output, ''),
    (error: { code: string }) => assert.match(error.code, /^sandbox_(start_failed|tree_changed)$/),
  );
});

test('[SANDBOX-4] a place that became a link before it was opened is not mounted', (t) => {
  const world = makeWorld(t);
  mkdirSync(join(world.tree, 'real'));
  symlinkSync('real', join(world.tree, '.vscode'));
  for (const path of ['.vscode', '.vscode/tasks.json']) {
    const protection = { kind: 'read-only', path: join(world.tree, path) } as const;
    assert.throws(
      () =>
        buildMounts({
          tree: world.tree,
          treeProtections: [protection],
          linked: undefined,
          scopeHome: world.scopeHome,
          home: '/home/agent',
          readOnly: [],
          hidden: [],
          sockets: [],
          etc: [],
          starter: Buffer.alloc(0),
        }),
      /became a symbolic link/,
      path,
    );
  }
});

test('[SANDBOX-4] a linked worktree works: its repository comes along, and only its own part can be written', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  git(world, 'add', '-A');
  git(world, 'commit', '-qm', 'first');
  const [own, other] = [join(world.root, 'operator/src/own'), join(world.root, 'operator/src/other')];
  git(world, 'worktree', 'add', '-q', own);
  git(world, 'worktree', 'add', '-q', other);
  const repository = join(world.tree, '.git');
  const source = `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
    echo x > x; git add -A && git commit -qm second && git log --format=%s; git status --porcelain
    cd ${repository}; for f in config hooks/x commondir worktrees/own/commondir worktrees/own/gitdir worktrees/own/config.worktree worktrees/other/commondir worktrees/other/HEAD; do echo evil > $f; mv -f HEAD $f; done 2>/dev/null
    mv worktrees moved; mv worktrees/own worktrees/moved; mv ${repository} ${repository}2; ls ${world.tree}/file`;
  const { output } = await run(t, requestFor(world, ['sh', '-c', source], { cwd: own }));
  assert.equal(output, 'second\nfirst\n');
  const listing = spawnSync('grep', ['-rl', 'evil', repository]).stdout.toString();
  assert.equal(listing, '');
  assert.equal(git(world, 'log', '--format=%s', 'own'), 'second\nfirst\n');
  assert.deepEqual(readdirSync(join(repository, 'worktrees')).toSorted(), ['other', 'own']);
});

test('[SANDBOX-4] a `.git` file that another repository does not confirm brings nothing along', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  const lure = join(world.root, 'operator/src/lure');
  const own = join(world.tree, '.git/worktrees/lure');
  mkdirSync(lure);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(lure, '.git'), `gitdir: ${own}\n`);
  for (const [gitdir, commondir] of [
    [undefined, '../..'],
    [join(world.tree, 'other/.git'), '../..'],
    [join(lure, '.git'), '../../../elsewhere'],
  ] as const) {
    if (gitdir !== undefined) writeFileSync(join(own, 'gitdir'), `${gitdir}\n`);
    writeFileSync(join(own, 'commondir'), `${commondir}\n`);
    const { output } = await run(t, requestFor(world, ['sh', '-c', `ls ${world.tree}/.git; echo end`], { cwd: lure }));
    assert.equal(output, 'end\n', `gitdir ${gitdir}, commondir ${commondir}`);
  }
});

async function replacedDuring(t: TestContext, world: World, path: string, act: () => void): Promise<void> {
  const sandbox = await start(t, requestFor(world, ['sh', '-c', 'echo ready; exec sleep 600']));
  await once(sandbox.output, 'data');
  act();
  await assert.rejects(sandbox.exited, { code: 'sandbox_tree_changed', message: new RegExp(`/${path} `) });
}

test('[SANDBOX-13] a session ends when a read-only place of its tree is replaced from outside', async (t) => {
  const world = makeWorld(t);
  git(world, 'init', '-q');
  await replacedDuring(t, world, '.git/config', () => void git(world, 'config', 'a.b', 'c'));
  await replacedDuring(t, world, '.envrc', () => rmSync(join(world.tree, '.envrc')));
  write(world, '.claude/settings.json', '{}');
  await replacedDuring(t, world, '.claude', () => renameSync(join(world.tree, '.claude'), join(world.tree, 'elsewhere')));
});

test('a working tree with a name that needs quoting is no trouble', async (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast ’quoted\\ ')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const world = makeWorld(t);
  const { output } = await run(t, requestFor(world, ['sh', '-c', 'pwd; touch .envrc x'], { cwd: root }));
  assert.equal(output, `${root}\n`);
  assert.deepEqual(readdirSync(root), ['x']);
});

test('[SANDBOX-16] what is masked cannot be read by any means, nor under another name, nor made anew', async (t) => {
  const world = makeWorld(t);
  for (const [name, text] of [
    ['.env', 'TOKEN=secret'],
    ['sub/deep/.env', 'OTHER=secret'],
    ['keys/one.pem', 'secret'],
    ['open', 'fine'],
  ] as const) {
    mkdirSync(join(world.tree, name, '..'), { recursive: true });
    writeFileSync(join(world.tree, name), text);
  }
  symlinkSync('.env', join(world.tree, 'link'));
  const masked = ['.env', 'sub/deep/.env', 'keys/one.pem', 'keys', 'absent', 'link'].map((name) => join(world.tree, name));
  const attack = `
    cat .env sub/deep/.env keys/one.pem link; ls keys
    chmod 777 .env; cp .env copy; cat copy; ln .env hard; cat hard
    mv .env moved; rm -f .env; mv keys k2; rm -rf keys
    mv sub other && cat other/deep/.env; mv other/deep top && cat top/.env
    node -e 'console.log(require("fs").readFileSync(".env", "utf8"))'
    cat open`;
  const { output } = await run(t, requestFor(world, ['sh', '-c', attack], { masked }));
  assert.equal(output.replaceAll(/^\s*$/gm, '').trim(), 'fine');
  assert.equal(readFileSync(join(world.tree, '.env'), 'utf8'), 'TOKEN=secret');
  assert.equal(readFileSync(join(world.tree, 'keys/one.pem'), 'utf8'), 'secret');
  const control = await run(t, requestFor(world, ['cat', '.env']));
  assert.equal(control.output, 'TOKEN=secret');
});

test('[SANDBOX-16] what is held read-only can be read, and not written or replaced', async (t) => {
  const world = makeWorld(t);
  mkdirSync(join(world.tree, 'infra'));
  for (const name of ['infra/main.tf', 'prod.yaml']) writeFileSync(join(world.tree, name), 'as it was');
  const readOnly = ['infra', 'prod.yaml'].map((name) => join(world.tree, name));
  const attack =
    'cat prod.yaml; echo x > prod.yaml; rm -f prod.yaml; mv prod.yaml p; echo x > infra/main.tf; rm -rf infra; touch infra/new';
  const { output } = await run(t, requestFor(world, ['sh', '-c', attack], { readOnly }));
  assert.equal(output, 'as it was');
  assert.equal(readFileSync(join(world.tree, 'prod.yaml'), 'utf8'), 'as it was');
  assert.deepEqual(readdirSync(join(world.tree, 'infra')), ['main.tf']);
});

test('[SANDBOX-13] [SANDBOX-16] a masked file that is replaced from outside ends the session', async (t) => {
  const world = makeWorld(t);
  const place = join(world.tree, '.env');
  writeFileSync(place, 'TOKEN=secret');
  const sandbox = await start(
    t,
    requestFor(world, ['sh', '-c', 'while ! cat .env; do sleep 0.01; done; sleep 600'], { masked: [place] }),
  );
  writeFileSync(`${place}.new`, 'TOKEN=secret');
  renameSync(`${place}.new`, place);
  await assert.rejects(sandbox.exited, { code: 'sandbox_tree_changed', message: /\.env/ });
});

test('[SANDBOX-16] more places than mounts should hold are refused', async (t) => {
  const world = makeWorld(t);
  const masked = Array.from({ length: 513 }, (_, index) => join(world.tree, `file-${index}`));
  await assert.rejects(start(t, requestFor(world, ['true'], { masked })), { code: 'sandbox_tree_refused' });
});
