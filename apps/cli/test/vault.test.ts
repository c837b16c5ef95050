// `holdfast vault …` as people use it: terms by template, out of a `.env` file, a new secret in the place of one. Against a real relay.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readEnvFile, takeOut } from '../src/vault/env-file.ts';
import { operatorAt } from './operator-at.ts';

const github = 'ghp_0123456789abcdefghijABCDEFGHIJ01';
const openai = 'sk-proj-9876543210zyxwvutsrq';

function folderOf(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-vault-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const envText = `# what the app needs
export GITHUB_TOKEN=${github}
OPENAI_API_KEY='${openai}'\r
DEBUG=1
MISTRAL=\${OTHER}
STRIPE_SECRET_KEY="a\\nb-0123456789"
SLACK_TOKEN=xoxb-one-1234567890
SLACK_TOKEN=xoxb-two-1234567890
`;

// [CLI-50]
test('import: shows, keeps, and takes out of the file only what the relay has', async (t) => {
  const operator = await operatorAt(t);
  const real = path.join(operator.folder, 'real.env');
  writeFileSync(real, envText);
  chmodSync(real, 0o640);
  const file = path.join(operator.folder, '.env');
  symlinkSync(real, file);
  interface Plan {
    readonly applied: boolean;
    readonly removed: boolean;
    readonly taken: { variable: string; template: string; name: string }[];
    readonly left: { variable: string; why: string }[];
  }
  const plan = operator.json<Plan>(await operator.run(['vault', 'import', file, '--json']));
  assert.deepEqual(
    plan.taken.map(({ variable, template, name }) => [variable, template, name]),
    [
      ['GITHUB_TOKEN', 'github', 'github'],
      ['OPENAI_API_KEY', 'openai', 'openai'],
    ],
  );
  assert.deepEqual(
    plan.left.map(({ variable, why }) => [variable, why]),
    [
      ['DEBUG', 'no template'],
      ['MISTRAL', 'no template'],
      ['STRIPE_SECRET_KEY', 'unclear'],
      ['SLACK_TOKEN', 'unclear'],
      ['SLACK_TOKEN', 'unclear'],
    ],
  );
  assert.deepEqual([plan.applied, plan.removed], [false, false]);
  assert.equal(readFileSync(real, 'utf8'), envText);
  assert.equal(operator.code(await operator.run(['vault', 'import', file, '--remove', '--json'])), 'usage');

  const done = await operator.run(['vault', 'import', file, '--apply', '--remove', '--json']);
  const kept = operator.json<Plan>(done);
  assert.deepEqual([kept.applied, kept.removed, kept.taken.length], [true, true, 2]);
  for (const text of [github, openai]) assert.ok(!(done.stdout + done.stderr).includes(text));
  const lines = envText.split('\n');
  assert.equal(readFileSync(real, 'utf8'), [lines[0], ...lines.slice(3)].join('\n'));
  assert.equal(statSync(real).mode & 0o777, 0o640);
  assert.deepEqual(
    readdirSync(operator.folder).filter((name) => name.includes('holdfast-')),
    [],
  );
  const { items } = operator.json<{ items: { name: string; attach: string; hosts: string[]; env: string }[] }>(
    await operator.run(['vault', 'list', '--json']),
  );
  const shown = items.map(({ name, attach, hosts, env }) => [name, attach, hosts.join(), env].join(' '));
  assert.deepEqual(shown.toSorted(), [
    'github bearer api.github.com:443 GITHUB_TOKEN',
    'openai bearer api.openai.com:443 OPENAI_API_KEY',
  ]);

  // What is kept already stays where it is: nothing is lost before it is kept.
  writeFileSync(real, envText);
  assert.equal(operator.code(await operator.run(['vault', 'import', file, '--apply', '--remove', '--json'])), 'name_taken');
  assert.equal(readFileSync(real, 'utf8'), envText);
});

// [CLI-50]
test('a .env file: what programs would read differently is not taken', (t) => {
  const folder = folderOf(t);
  const file = path.join(folder, '.env');
  const cases: Record<string, string | undefined> = {
    'A=plain-value': 'plain-value',
    'export A=plain': 'plain',
    "A='in quotes'": 'in quotes',
    'A="in quotes"': 'in quotes',
    'A=': undefined,
    "A=''": undefined,
    'A=two words': undefined,
    'A=cut#here': undefined,
    'A=$OTHER': undefined,
    'A="$OTHER"': undefined,
    "A='a' # note": undefined,
    'A=b\\c': undefined,
    'A=`date`': undefined,
    'A="a"b': undefined,
    'A= led': undefined,
    'A=käse': undefined,
  };
  for (const [text, value] of Object.entries(cases)) {
    writeFileSync(file, `${text}\n`);
    const { bytes, lines } = readEnvFile(file);
    const [line] = lines;
    assert.equal(line?.value && bytes.toString('latin1', line.value.from, line.value.to), value, text);
  }
  writeFileSync(file, 'A="over\nlines"\n');
  assert.throws(() => readEnvFile(file), { code: 'usage' });
  mkdirSync(path.join(folder, 'folder'));
  assert.throws(() => readEnvFile(path.join(folder, 'folder')), { code: 'usage' });
  // Changed between reading and taking out: nothing is taken.
  writeFileSync(file, 'A=first-value\nB=2');
  const read = readEnvFile(file);
  writeFileSync(file, 'A=other-value\nB=2');
  assert.throws(() => takeOut(read, new Set(['A'])), { code: 'usage' });
  assert.equal(readFileSync(file, 'utf8'), 'A=other-value\nB=2');
  takeOut(readEnvFile(file), new Set(['A']));
  assert.equal(readFileSync(file, 'utf8'), 'B=2');
});

// [CLI-51] [CLI-52]
test('a template fills in what is not said; gh is asked for its token; a new secret takes the place of one', async (t) => {
  const operator = await operatorAt(t);
  const programs = path.join(operator.folder, 'bin');
  mkdirSync(programs);
  writeFileSync(path.join(programs, 'gh'), `#!/bin/sh\n[ "$1 $2" = "auth token" ] && echo ${github}\n`, { mode: 0o755 });
  const environment = { PATH: `${programs}:${process.env['PATH'] ?? ''}` };
  const added = operator.json(
    await operator.run(['vault', 'add', 'mine', '--template', 'github', '--gh', '--path', '/user', '--json'], { environment }),
  );
  assert.deepEqual(
    { ...added, item: '' },
    {
      item: '',
      name: 'mine',
      attach: 'bearer',
      hosts: ['api.github.com:443'],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      paths: ['/user'],
      allowPrivate: false,
      env: 'GITHUB_TOKEN',
    },
  );
  writeFileSync(path.join(programs, 'gh'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  for (const wrong of [
    ['--gh', '--template', 'github'],
    ['--template', 'nonsense'],
    ['--template', 'constructor'],
    ['--host', 'h.example'],
  ])
    assert.equal(
      operator.code(await operator.run(['vault', 'add', 'x', ...wrong, '--json'], { environment, input: github })),
      'usage',
    );
  const rotated = operator.json(await operator.run(['vault', 'rotate', 'mine', '--json'], { input: `${openai}\n` }));
  assert.deepEqual([rotated['name'], rotated['grants']], ['mine', 0]);
  assert.notEqual(rotated['item'], added['item']);
  assert.equal(operator.code(await operator.run(['vault', 'rotate', 'other', '--json'], { input: openai })), 'item_unknown');
});
