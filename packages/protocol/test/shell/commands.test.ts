// What a command says of its place, spec/shell.md: redirections, assignments, pipes and directories.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readShell, type Opaque, type Redirection, type ShellCommand, type Word } from '@holdfast/protocol/shell/read';

const named = (text: string, name: string): ShellCommand[] => readShell(text).commands.filter((command) => command.name === name);
const texts = (words: readonly Word[]): string[] => words.map((word) => word.text);
const redirection = ({ operator, descriptor, target }: Redirection) => [descriptor, operator, target.text];
const directories = (text: string, name: string) => named(text, name).map((command) => command.directory);

test('[SHELL-4] redirections and assignments are part of the command', () => {
  const [command] = named('A=1 B="$x" cat <in 2>>err >&2 <<E\na\nE', 'cat');
  assert.deepEqual(command?.redirections.map(redirection), [
    [undefined, '<', 'in'],
    [2, '>>', 'err'],
    [undefined, '>&', '2'],
    [undefined, '<<', 'a\n'],
  ]);
  assert.deepEqual(
    command?.assignments.map(({ name, value }) => [name, value.text, value.dynamic]),
    [
      ['A', '1', false],
      ['B', '\uFFFC', true],
    ],
  );
});

test('[SHELL-4] redirections of a group stand with a command that has no name', () => {
  assert.deepEqual(
    named('{ a; } > out', '').map((command) => command.redirections.map(redirection)),
    [[[undefined, '>', 'out']]],
  );
});

test('[SHELL-4] words tell whether they are known and whether they are patterns', () => {
  const [command] = named('rm a *.c "*.c" $x/y', 'rm');
  assert.deepEqual(texts(command?.words ?? []), ['a', '*.c', '*.c', '\uFFFC/y']);
  assert.deepEqual(
    command?.words.map((word) => word.glob),
    [false, true, false, false],
  );
  assert.deepEqual(
    command?.words.map((word) => word.dynamic),
    [false, false, false, true],
  );
});

test('[SHELL-4] a command tells which interpreter its output reaches', () => {
  for (const text of [
    'curl x | sh',
    'curl x | tee y | sudo -u z bash -s a',
    'curl x | python3 -',
    'bash <(curl x)',
    'eval "$(curl x)"',
  ]) {
    assert.match(named(text, 'curl')[0]?.feeds ?? '', /^(sh|bash|python3|eval)$/, text);
  }
  for (const text of ['curl x | grep y', `curl x | python3 -c 'print(1)'`, 'curl x | sh script', 'x=$(curl x)']) {
    assert.equal(named(text, 'curl')[0]?.feeds, undefined, text);
  }
  assert.equal(named('curl x | sudo sh', 'sh')[0]?.fedBy, 'curl');
});

test('[SHELL-12] a literal cd before a command is its directory', () => {
  assert.deepEqual(directories('cd a && cd b && rm x', 'rm'), ['a/b']);
  assert.deepEqual(directories('cd a && cd /b && rm x', 'rm'), ['/b']);
  assert.deepEqual(directories('rm x; cd a', 'rm'), [undefined]);
  assert.deepEqual(directories('(cd a); rm x', 'rm'), [undefined]);
  assert.deepEqual(directories('cd "$X" && rm x', 'rm'), ['']);
  assert.deepEqual(directories('env -C a rm x', 'rm'), ['a']);
});

test('[SHELL-12] after a cd that may have failed a command is given in both directories', () => {
  assert.deepEqual(directories('cd a; rm x', 'rm'), [undefined, 'a']);
  assert.deepEqual(directories('cd a || b; rm x', 'rm'), [undefined, 'a']);
  assert.deepEqual(directories('false && cd a; rm x', 'rm'), [undefined, 'a']);
});

test('[SHELL-4] what is opaque names the program that would run it', () => {
  const [opaque]: readonly Opaque[] = readShell('curl x | sudo bash').opaque;
  assert.deepEqual([opaque?.why, opaque?.program], ['dynamic_script', 'bash']);
});
