// spec/vectors/shell: every command of a text, and nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readShell, type ShellCommand } from '@holdfast/protocol/shell/read';
import { ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

interface Entry extends VectorEntry {
  readonly text: string;
  readonly commands: readonly string[];
  readonly opaque: readonly string[];
}

const shown = (text: string): string => (/^[\w\uFFFC+=:,./{};-]*$/.test(text) ? text : `'${text}'`);

function line(command: ShellCommand): string {
  const words = [command.name ?? '?', ...command.words.map((word) => shown(word.text))];
  return [...command.wrappers.map((wrapper) => `${wrapper}:`), ...words].join(' ');
}

for (const entry of ownVectors<Entry>('shell/readings').entries) {
  test(`${entry.clause}: ${entry.name}`, () => {
    const reading = readShell(entry.text);
    const commands = reading.commands.filter((command) => command.program.text !== '' || command.words.length > 0);
    assert.deepEqual([...new Set(commands.map(line))].sort(), [...new Set(entry.commands)].sort());
    assert.deepEqual([...new Set(reading.opaque.map((each) => each.why))], entry.opaque);
  });
}
