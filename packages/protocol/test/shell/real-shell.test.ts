// Random scripts, run by the real bash in an empty sandbox where none of their programs exist: bash hands each command that it can't find to a
// function that writes it down. Whatever bash ran, the reader must have found, word by word as far as it claims to know the words.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { readShell, type ShellCommand } from '@holdfast/protocol/shell/read';
import { share } from '@holdfast/testkit/shares';

import { Grammar, dice } from './grammar.ts';

const bubblewrap = 'bwrap';

const driver = `
cd /tree
command_not_found_handle() { printf '%s\\0' "$@" $'\\x01' >> "$LOG"; }
export -f command_not_found_handle
for script in /in/*; do
  export LOG=/out/\${script##*/}
  : > "$LOG"
  ( ulimit -t 3; exec bash -c "$(cat "$script")
wait" ) < /dev/null > /dev/null 2>&1
  rm -rf /tree/file
done
`;

function sandbox(folder: string): string[] {
  const system = ['/bin', '/lib', '/lib64'].flatMap((path) => {
    if (!existsSync(path)) return [];
    return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  });
  return [
    ...[
      '--unshare-all',
      '--die-with-parent',
      '--new-session',
      '--clearenv',
      '--setenv',
      'PATH',
      '/usr/bin:/bin',
      '--setenv',
      'HOME',
      '/tree',
    ],
    ...['--ro-bind', '/usr', '/usr', ...system, '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/tree'],
    ...['--ro-bind', join(folder, 'in'), '/in', '--bind', join(folder, 'out'), '/out'],
    ...['--', 'bash', '-c', driver],
  ];
}

/** Each command that bash could not find, as its words. */
function runReal(scripts: readonly string[]): readonly (readonly (readonly string[])[])[] {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-shell-'));
  try {
    for (const part of ['in', 'out']) mkdirSync(join(folder, part));
    const name = (index: number) => String(index).padStart(6, '0');
    for (const [index, script] of scripts.entries()) writeFileSync(join(folder, 'in', name(index)), script);
    const { status, stderr } = spawnSync(bubblewrap, sandbox(folder), { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return scripts.map((_, index) =>
      readFileSync(join(folder, 'out', name(index)), 'utf8')
        .split('\x01\0')
        .slice(0, -1)
        .map((record) => record.split('\0').slice(0, -1)),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const covers = (command: ShellCommand, [program = '', ...words]: readonly string[]): boolean =>
  command.program.text === program &&
  (command.words.some((word) => word.dynamic || word.glob) ||
    (command.words.length === words.length && command.words.every((word, index) => word.text === words[index])));

const missing = spawnSync(bubblewrap, ['--version']).status === 0 ? false : 'bubblewrap is not installed';

test('[SHELL-4] what the real bash runs was found', { skip: missing }, (context) => {
  const first = share({ ci: 1, soak: 100_000 });
  const scripts = Array.from({ length: share({ ci: 150, soak: 5000 }) }, (_, index) => new Grammar(dice(first + index)).script());
  let [ran, exact, opaque] = [0, 0, 0];
  for (const [index, commands] of runReal(scripts).entries()) {
    const script = scripts[index] ?? '';
    const reading = readShell(script);
    if (reading.opaque.length > 0) opaque += 1;
    for (const words of commands) {
      ran += 1;
      const found = reading.commands.filter((command) => covers(command, words));
      if (found.some((command) => command.words.every((word) => !word.dynamic && !word.glob))) exact += 1;
      if (reading.opaque.length === 0) assert.ok(found.length > 0, `${JSON.stringify(words)} was run by\n${script}`);
    }
  }
  context.diagnostic(
    `${String(scripts.length)} scripts ran ${String(ran)} commands: ${String(exact)} found word by word; ${String(opaque)} scripts opaque`,
  );
  assert.ok(ran > scripts.length / 2 && exact > ran / 2);
});
