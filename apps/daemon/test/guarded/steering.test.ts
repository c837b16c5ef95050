// What steers a session: any change of it is seen, also one that was taken back, and nothing else is.

import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { differences, look, type Steered } from '../../src/guarded/steering.ts';

function place(t: TestContext): Steered {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-steering-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [home, tree] = [path.join(folder, 'home'), path.join(folder, 'home', 'src', 'app')];
  const config = path.join(home, '.claude');
  for (const each of [tree, config]) mkdirSync(each, { recursive: true });
  return { tree, home, config };
}

function write(file: string, text = 'text\n'): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Changes after the clock by which the kernel dates files has ticked: a file of its own tells. */
function later(home: string, change: () => void): void {
  const probe = path.join(home, 'clock');
  const ticks = () => {
    writeFileSync(probe, '');
    return lstatSync(probe, { bigint: true }).ctimeNs;
  };
  const begun = ticks();
  while (ticks() === begun);
  rmSync(probe);
  change();
}

// [GUARDED-9]
test('every place that steers a session is seen when it comes, changes and goes', (t) => {
  const steered = place(t);
  const { tree, home, config } = steered;
  const places = [
    ...[
      'settings.json',
      'settings.local.json',
      'CLAUDE.md',
      'agents/a.md',
      'commands/deep/c.md',
      'skills/s/SKILL.md',
      'hooks/h.sh',
    ],
    ...['rules/r.md', 'output-styles/o.md', 'workflows/w.js'],
  ].flatMap((name) => [path.join(config, name), path.join(tree, '.claude', name)]);
  places.push(
    ...['CLAUDE.md', 'CLAUDE.local.md', 'AGENTS.md', '.mcp.json'].map((name) => path.join(tree, name)),
    ...['CLAUDE.md', 'AGENTS.md'].flatMap((name) => [path.join(home, 'src', name), path.join(home, name)]),
    ...['.bashrc', '.profile', '.bash_profile', '.zshenv', '.zshrc', '.config/environment.d/50.conf', '.pam_environment'].map(
      (name) => path.join(home, name),
    ),
  );
  for (const file of places) {
    const before = look(steered);
    write(file);
    const written = look(steered);
    assert.ok(differences(before, written).includes(file), `${file} came`);
    later(home, () => write(file, 'LD_PRELOAD=/x\n'));
    const changed = look(steered);
    assert.deepEqual(differences(written, changed), [file], `${file} changed`);
    rmSync(file);
    assert.ok(differences(changed, look(steered)).includes(file), `${file} went`);
  }
});

test('a change that was taken back is one, whatever is done to hide it', (t) => {
  const steered = place(t);
  const file = path.join(steered.config, 'settings.json');
  write(file, '{"a":1}');
  const before = look(steered);
  const hide: Readonly<Record<string, () => void>> = {
    'written over and back, its time set back': () => {
      write(file, '{"a":2}');
      write(file, '{"a":1}');
      utimesSync(file, 1, 1);
    },
    'moved away and back': () => {
      renameSync(file, `${file}.old`);
      renameSync(`${file}.old`, file);
    },
    'its mode changed and changed back': () => {
      chmodSync(file, 0o600);
      chmodSync(file, 0o644);
    },
  };
  for (const [how, change] of Object.entries(hide)) {
    later(steered.home, change);
    assert.equal(readFileSync(file, 'utf8'), '{"a":1}');
    assert.deepEqual(differences(before, look(steered)), [file], how);
  }
});

// [GUARDED-9]
test('what came into a folder that steers, and went between two looks, is seen at the folder', (t) => {
  const steered = place(t);
  const skills = path.join(steered.tree, '.claude', 'skills');
  write(path.join(skills, 'one', 'SKILL.md'));
  const before = look(steered);
  later(steered.home, () => {
    write(path.join(skills, 'two', 'SKILL.md'));
    rmSync(path.join(skills, 'two'), { recursive: true });
  });
  assert.deepEqual(differences(before, look(steered)), [skills]);
});

test('a link is what it is and where it leads', (t) => {
  const steered = place(t);
  const real = path.join(steered.home, 'dotfiles', 'settings.json');
  const skills = path.join(steered.home, 'dotfiles', 'skills');
  write(real, '{}');
  write(path.join(skills, 'one', 'SKILL.md'));
  symlinkSync(real, path.join(steered.config, 'settings.json'));
  symlinkSync(skills, path.join(steered.config, 'skills'));
  symlinkSync(path.join(steered.home, 'loop'), path.join(steered.home, 'loop'));
  symlinkSync(path.join(steered.home, 'loop'), path.join(steered.home, '.bashrc'));
  const before = look(steered);
  later(steered.home, () => write(real, '{"disableAllHooks":true}'));
  assert.deepEqual(differences(before, look(steered)), [path.join(steered.config, 'settings.json')]);
  const since = look(steered);
  later(steered.home, () => write(path.join(skills, 'one', 'SKILL.md'), 'other'));
  assert.deepEqual(differences(since, look(steered)), [path.join(steered.config, 'skills', 'one', 'SKILL.md')]);
});

test('work in the tree, reading, and what Claude Code itself writes while it runs are nothing', (t) => {
  const steered = place(t);
  const file = path.join(steered.config, 'settings.json');
  write(file);
  const before = look(steered);
  write(path.join(steered.tree, 'src', 'main.ts'));
  write(path.join(steered.home, '.claude.json'));
  write(path.join(steered.config, 'projects', 'x', 'y.jsonl'));
  write(path.join(steered.config, 'plugins', 'installed_plugins.json'));
  write(path.join(steered.tree, '.claude', 'worktrees', 'x'));
  readFileSync(file);
  assert.deepEqual(differences(before, look(steered)), []);
});

test('more than can be looked at again and again is no session', (t) => {
  const steered = place(t);
  const folder = path.join(steered.config, 'skills');
  mkdirSync(folder);
  for (let count = 0; count < 8200; count += 1) writeFileSync(path.join(folder, String(count)), '');
  assert.throws(() => look(steered), { code: 'limit_exceeded' });
});
