// Other people's shell texts: ordinary commands must be understood, and no text at all may disturb the reader.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCounted, readShell } from '@holdfast/protocol/shell/read';
import { externalJson, externalLines, noExternalVectors } from '@holdfast/testkit/vectors';

const needsVectors = { skip: noExternalVectors };
const reasons = (text: string): readonly string[] => readShell(text).opaque.map((each) => each.why);

/** tldr's placeholders, filled in: `{{[-s|--long]}}` is a choice, `{{path/to/file}}` a word. */
const filled = (line: string): string =>
  line
    .replaceAll(/\{\{\[[^|\]]*\|([^\]]*)\]\}\}/g, '$1')
    .replaceAll(/\{\{(.*?)\}\}/g, (_, name: string) => (name.split('|')[0] ?? '').replaceAll(/[^\w.,:/@=*-]+/g, '_') || 'x');

test('[SHELL-4] ordinary commands are understood', needsVectors, (context) => {
  const lines = externalLines('tldr-commands/benign-commands-tldr-a-m.txt').map(filled);
  // `<Ctrl c>` and its kind are keys, and no shell could read them.
  const commands = lines.filter((line) => !/^\s*(?:<[^>]*>)+/.test(line));
  const opaque = commands.filter((command) => reasons(command).length > 0);
  context.diagnostic(`${String(opaque.length)} of ${String(commands.length)} are opaque`);
  assert.ok(commands.length > 15_000);
  assert.ok(opaque.length <= commands.length * 0.0025, opaque.join('\n'));
});

test('[SHELL-4] scripts that do harm are understood', needsVectors, (context) => {
  const scripts = Array.from({ length: 25 }, (_, index) => String(index + 1).padStart(2, '0'))
    .filter((index) => !['10', '11', '17', '19', '24'].includes(index))
    .flatMap((index) => externalJson<readonly { readonly Code: string }[]>(`redcode-bash/index${index}_even.json`));
  const opaque = scripts.filter((script) => reasons(script.Code).length > 0);
  context.diagnostic(`${String(opaque.length)} of ${String(scripts.length)} are opaque`);
  assert.equal(scripts.length, 300);
  assert.ok(opaque.length <= 6);
});

interface SpecFile {
  readonly cases: readonly { readonly code: string | null }[];
}

test('[SHELL-2] no case of the Oils shell disturbs the reader', needsVectors, () => {
  const texts = externalJson<readonly SpecFile[]>('oils-spec/oils-spec-cases.json').flatMap((file) =>
    file.cases.map((each) => each.code ?? ''),
  );
  assert.ok(texts.length > 3900);
  for (const text of texts) {
    const { reading, steps } = readCounted(text);
    assert.ok(steps < 65_536 + 64 * text.length, text);
    assert.ok(!reading.opaque.some((each) => each.why === 'too_long'), text);
  }
});
