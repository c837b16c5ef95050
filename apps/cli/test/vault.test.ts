// `holdfast vault …` as people use it: terms by template, out of a `.env` file, a new secret in the place of one. Against a real relay.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { readEnvFile, takeOut } from '../src/vault/env-file.ts';
import { cli } from './cli.ts';
import { operatorAt } from './operator-at.ts';
import { PlayedAgent } from './played-agent.ts';

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
    readonly taken: { variable: string; template: string; name: string; item: string }[];
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

  // Ended between keeping and taking out, the same command goes on; what is another secret stays where it is.
  writeFileSync(real, envText);
  const again = operator.json<Plan>(await operator.run(['vault', 'import', file, '--apply', '--remove', '--json']));
  assert.deepEqual(
    again.taken.map(({ item }) => item),
    kept.taken.map(({ item }) => item),
  );
  assert.equal(readFileSync(real, 'utf8'), [lines[0], ...lines.slice(3)].join('\n'));
  const other = envText.replace(openai, `${openai}-new`);
  writeFileSync(real, other);
  assert.equal(operator.code(await operator.run(['vault', 'import', file, '--apply', '--remove', '--json'])), 'name_taken');
  assert.equal(readFileSync(real, 'utf8'), other);
});

/** What is read of the text of a file, and what is left of it without `A` and `B`. */
function readOf(file: string, text: string): { readonly values: (string | undefined)[]; readonly rest: string } {
  writeFileSync(file, text, 'latin1');
  const env = readEnvFile(file);
  const values = env.entries.map(({ value }) => value && env.bytes.toString('latin1', value.from, value.to));
  takeOut(env, new Set(['A', 'B']));
  return { values, rest: readFileSync(file, 'latin1') };
}

// [CLI-50]
test('a .env file: what all programs read alike is taken, what they would not is left', (t) => {
  const file = path.join(folderOf(t), '.env');
  const cases: Record<string, string | undefined> = {
    'A=plain-value': 'plain-value',
    'export A=plain': 'plain',
    'export\tA=plain': 'plain',
    '  A=indented': 'indented',
    '\texport A = both ': 'both',
    'A = spaced': 'spaced',
    'A= led': 'led',
    'A=plain\r': 'plain',
    'A=plain # note': 'plain',
    "A='in quotes'": 'in quotes',
    'A="in quotes"\t': 'in quotes',
    'A=`in quotes`': 'in quotes',
    "A='a' # note's": 'a',
    'A=\'{"a": 1}\'': '{"a": 1}',
    'A="over\nB=lines"': 'over\nB=lines',
    "A='over\n\nlines' # note": 'over\n\nlines',
    'A=`over\nlines`': 'over\nlines',
    'A=': undefined,
    'A= # note': undefined,
    "A=''": undefined,
    'A=two words': undefined,
    'A=cut#here': undefined,
    'A=$OTHER': undefined,
    'A="$OTHER"': undefined,
    "A='$OTHER'": undefined,
    'A="`date`"': undefined,
    'A=b\\c': undefined,
    'A="a\\"b"': undefined,
    'A="a"b': undefined,
    'A="a"#b': undefined,
    'A="over\r\nlines"': undefined,
    'A="over\nlines" and more': undefined,
    'A=k\u00e4se': undefined,
    'A=one\rB=two': undefined,
  };
  for (const [text, value] of Object.entries(cases))
    assert.deepEqual(readOf(file, `# A=1\n${text}\nC=3`), { values: [value, '3'], rest: '# A=1\nC=3' }, text);
  // Names that are no variable's, and what stands in quotes, hide what looks like one.
  const hidden = "my.key='\nA=1\n'\n--A=1\nA B=1\n# don't\nC=it's\nA=2";
  assert.deepEqual(readOf(file, hidden), { values: [undefined, '2'], rest: hidden.slice(0, -3) });
  assert.deepEqual(readOf(file, '\u00ef\u00bb\u00bfA=after-the-mark\nC=3').values, ['after-the-mark', '3']);
  // To some programs the first ends in the second line, to others it goes on.
  assert.deepEqual(readOf(file, "C='a\\'\nA='b'\nB='c'\n").values, [undefined, 'c']);
  assert.deepEqual(readOf(file, 'A=1\nA=2\nC=3\n').values, [undefined, undefined, '3']);
  for (const open of ['A="over\nlines', "C=3\nA='", 'A=`\\`']) assert.throws(() => readOf(file, open), { code: 'usage' });
});

// [CLI-50]
test('a .env file that has changed since it was read stays as it is', (t) => {
  const folder = folderOf(t);
  const file = path.join(folder, '.env');
  writeFileSync(file, 'A=first-value\nB=2');
  const read = readEnvFile(file);
  writeFileSync(file, 'A=other-value\nB=2');
  assert.throws(() => takeOut(read, new Set(['A'])), { code: 'usage' });
  assert.equal(readFileSync(file, 'utf8'), 'A=other-value\nB=2');
  assert.deepEqual(readdirSync(folder), ['.env']);
  // A link in its place leads to another file.
  writeFileSync(path.join(folder, 'other'), 'A=first-value\nB=2');
  rmSync(file);
  symlinkSync('other', file);
  assert.throws(() => takeOut(read, new Set(['A'])), { code: 'usage' });
  assert.equal(readFileSync(file, 'utf8'), 'A=first-value\nB=2');
});

// [CLI-50]
test('a .env file stays its owner\u2019s', (t) => {
  const file = path.join(folderOf(t), '.env');
  writeFileSync(file, 'A=1\nC=2');
  // Only root can give a file away; anybody else's own file must stay as open as it was.
  if (process.getuid?.() === 0) chownSync(file, 65_534, 65_533);
  chmodSync(file, 0o640);
  const before = statSync(file);
  takeOut(readEnvFile(file), new Set(['A']));
  const { uid, gid, mode } = statSync(file);
  assert.equal(readFileSync(file, 'utf8'), 'C=2');
  assert.deepEqual([uid, gid, mode & 0o777], [before.uid, before.gid, 0o640]);
});

// [CLI-53]
test('what is no file is not waited for', (t) => {
  const folder = folderOf(t);
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  symlinkSync(pipe, path.join(folder, 'to-pipe'));
  symlinkSync('loop', path.join(folder, 'loop'));
  for (const file of [
    pipe,
    path.join(folder, 'to-pipe'),
    '/dev/zero',
    '/dev/tty',
    folder,
    path.join(folder, 'loop'),
    path.join(folder, 'none'),
  ])
    assert.throws(() => readEnvFile(file), { code: 'usage' }, file);
  const large = path.join(folder, 'large');
  writeFileSync(large, '');
  truncateSync(large, 2 ** 40);
  assert.throws(() => readEnvFile(large), { code: 'usage' });
});

// [CLI-53]
test('nothing is taken out of a file that was not named: by links out of the tree, or under further names', async (t) => {
  const folder = realpathSync(folderOf(t));
  const at = (...names: string[]): string => path.join(folder, ...names);
  for (const name of ['app/sub', 'away']) mkdirSync(at(name), { recursive: true });
  const text = `GITHUB_TOKEN=${github}\n`;
  writeFileSync(at('away/.env'), text);
  symlinkSync(at('away/.env'), at('app/.env'));
  symlinkSync(at('away'), at('app/linked'));
  writeFileSync(at('app/sub/.env'), text);
  linkSync(at('app/sub/.env'), at('second'));
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(at('app'));
  for (const [file, why] of [
    [at('app/.env'), /out of the folder/],
    ['.env', /out of the folder/],
    ['linked/.env', /out of the folder/],
    ['sub/.env', /hard links/],
  ] as const) {
    const env = readEnvFile(file);
    assert.match(env.bound ?? '', why, file);
    assert.throws(() => takeOut(env, new Set(['GITHUB_TOKEN'])), { code: 'usage' });
  }
  // Said, and refused before an operator is asked for.
  const [shown, refused] = await Promise.all([
    cli(['vault', 'import', at('app/.env')]),
    cli(['vault', 'import', at('app/.env'), '--apply', '--remove', '--json']),
  ]);
  assert.match(shown.stdout, /out of the folder/);
  assert.match(refused.stdout, /"code":"usage".*out of the folder/);
  for (const file of ['away/.env', 'second']) assert.equal(readFileSync(at(file), 'utf8'), text);
  // Where the name is its own.
  for (const file of [at('away/.env'), at('app/linked/../../away/.env'), '../away/.env'])
    assert.equal(readEnvFile(file).bound, undefined);
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

test('[CLI-55] other terms take the place of a grant: its id stays, what is not said ends, and only what is there is replaced', async (t) => {
  const operator = await operatorAt(t);
  const kept = ['vault', 'add', 'mine', '--host', 'api.example.com', '--attach', 'bearer', '--path', '/v1/**', '--json'];
  operator.json(await operator.run(kept, { input: openai }));
  const approve = async (code: string, words: string) =>
    operator.json(await operator.run(['approve', code, '--words', words, '--json']));
  const agent = await PlayedAgent.enrolled(t, operator.url, approve);
  const granted = (...more: string[]) => operator.run(['vault', 'grant', 'mine', '--to', 'main', ...more, '--json']);
  assert.equal(operator.code(await granted('--replace')), 'grant_unknown');
  const first = operator.json(await granted('--max', '5/h', '--until', '2h'));
  assert.equal(operator.code(await granted('--max', '2/h')), 'name_taken');
  const now = operator.json(await granted('--max', '2/h', '--replace'));
  assert.deepEqual([now['grant'], now['max'], now['untilMs'], now['approve']], [first['grant'], ['2/h'], undefined, false]);
  const held = async () => {
    await agent.readOn();
    return [...(agent.replica.state.grants.get(toHex(agent.id))?.values() ?? [])];
  };
  assert.deepEqual(
    (await held()).map(({ grant, fence, sealed }) => [toHex(grant), fence.paths, fence.untilMs, sealed === undefined]),
    [[first['grant'], ['/v1/**'], undefined, false]],
  );
  const asked = operator.json(await granted('--approve', '--replace'));
  assert.deepEqual([asked['grant'], asked['max'], asked['approve']], [first['grant'], undefined, true]);
  assert.deepEqual(
    (await held()).map(({ sealed }) => sealed),
    [undefined],
  );
});
