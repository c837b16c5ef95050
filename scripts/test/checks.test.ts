// Every check of `npm run check` finds what is planted for it, and nothing in a tree without plants. A check that has gone blind
// (dependency-cruiser sees no TypeScript at all next to a `typescript` other than 6) turns one of these red.

import assert from 'node:assert/strict';
import test from 'node:test';
import { checks } from '../checks.ts';
import { plantedTree } from './planted-tree.ts';

interface Plant {
  readonly check: string;
  readonly finds: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expect: RegExp;
}

interface LintPlant {
  readonly finds: string;
  readonly folder: string;
  readonly text: string;
  readonly expect: RegExp;
}

const importsOf = (name: string, from: string, to: string, extra: Readonly<Record<string, string>> = {}): Plant => ({
  check: 'imports',
  finds: `${name}: ${from} imports ${to}`,
  files: { [from]: `import { thing } from '${to}';\n\nthing();\n`, ...extra },
  expect: new RegExp(`${name}: ${from.replaceAll('.', '\\.')}`),
});
const thing = `export function thing(): void {}\n`;
const thingType = `export type Thing = 'a' | 'b';\n`;

/** Linted together, each in a file of its own: a run of the type-aware linter is the slow part. */
const lintPlants: readonly LintPlant[] = [
  lint('any', `export const a: any = 1;`, /no-explicit-any/),
  lint('an error silenced', `// @ts-ignore\nexport const a: number = 'b';`, /ban-ts-comment/),
  lint('work left for later', `// TODO: finish\nexport const a = 1;`, /no-warning-comments/),
  lint('console', `console.log('x');`, /no-console/),
  lint('a promise nobody waits for', `async function a(): Promise<void> {}\na();`, /no-floating-promises/),
  lint('a promise where none is waited for', `export const a = [1].filter(async () => true);`, /no-misused-promises/),
  lint(
    'a missing case',
    `export function a(b: 'c' | 'd'): number {\n  switch (b) {\n    case 'c':\n      return 1;\n  }\n  return 2;\n}`,
    /switch-exhaustiveness-check/,
  ),
  lint(
    'a value import of a type',
    `import { ErrorCode } from '@holdfast/protocol/errors';\nexport const a: ErrorCode = 'refused';`,
    /consistent-type-imports/,
  ),
  lint('test.only', `import test from 'node:test';\ntest.only('a', () => {});`, /no-restricted-properties/, 'apps/relay/test'),
  lint(
    'describe.skip',
    `import { describe } from 'node:test';\ndescribe.skip('a', () => {});`,
    /no-restricted-properties/,
    'apps/relay/test',
  ),

  impure('Date', 'Date.now()', /Date.*no-restricted-globals/),
  impure('new Date', 'new Date().getTime()', /Date.*no-restricted-globals/),
  impure('Math.random', 'Math.random()', /Math\.random.*no-restricted-properties/),
  impure('crypto', 'crypto.getRandomValues(new Uint8Array(1))[0]', /crypto.*no-restricted-globals/),
  impure('performance', 'performance.now()', /performance.*no-restricted-globals/),
  impure('process', 'process.pid', /process.*no-restricted-globals/),
  impure('globalThis', 'globalThis.Date.now()', /globalThis.*no-restricted-globals/),
  impure('a timer', 'setTimeout(() => {}, 1)', /setTimeout.*no-restricted-globals/),
  impure('Buffer', 'Buffer.alloc(1)', /Buffer.*no-restricted-globals/),
];

/** A CLI whose help knows `vault add --host`. */
const cliHelp = `const path = process.argv.slice(2, -1).join(' ');
const commands = { '': 'vault', vault: 'add' }[path];
console.log(commands === undefined ? '  --host <host>' : \`Commands:\\n  \${commands} [options]  does\`);
`;

/** A threat model of one claim, and a catalogue that is content with it. */
const claimRow = '| S-1 | a claim | impossible | `e2e/a.test.ts` |';
const mutation = `{ id: 'S-1.off', off: 'it is off', file: 'apps/daemon/src/a.ts', from: 'on', to: 'off', red: { 'e2e/a.test.ts': 'is on' } }`;

const plants: readonly Plant[] = [
  {
    check: 'types',
    finds: 'a type error',
    files: { 'apps/relay/src/main.ts': `export const a: number = 'b';\n` },
    expect: /main\.ts\(1,14\): error TS2322/,
  },
  {
    check: 'types',
    finds: 'syntax that cannot be stripped',
    files: { 'apps/relay/src/main.ts': `export enum A { B }\n` },
    expect: /error TS1294/,
  },
  {
    check: 'types',
    finds: 'a type error in the console, which the DOM is no error in',
    files: { 'apps/console/src/main.tsx': `export const a: number = document.title;\n` },
    expect: /main\.tsx\(1,14\): error TS2322(?![\s\S]*TS2584)/,
  },
  {
    check: 'types',
    finds: 'the DOM in what Node runs',
    files: { 'apps/console/serve/main.ts': `export const a: string = document.title;\n` },
    expect: /main\.ts\(1,26\): error TS2584/,
  },

  {
    check: 'format',
    finds: 'other formatting',
    files: { 'apps/relay/src/main.ts': 'export   const a = "b"\n' },
    expect: /apps\/relay\/src\/main\.ts/,
  },

  importsOf('apps-apart', 'apps/relay/src/main.ts', '../../daemon/src/door.ts', { 'apps/daemon/src/door.ts': thing }),
  importsOf('apps-apart', 'apps/cli/src/main.ts', '@holdfast/daemon/src/door.ts', { 'apps/daemon/src/door.ts': thing }),
  importsOf('packages-no-apps', 'packages/testkit/src/a.ts', '@holdfast/daemon/src/door.ts', {
    'apps/daemon/src/door.ts': thing,
  }),
  importsOf('protocol-order-codec', 'packages/protocol/src/codec/a.ts', '../keys/b.ts', {
    'packages/protocol/src/keys/b.ts': thing,
  }),
  importsOf('protocol-order-errors.ts', 'packages/protocol/src/errors.ts', './codec/b.ts', {
    'packages/protocol/src/codec/b.ts': thing,
  }),
  importsOf('protocol-order-blind', 'packages/protocol/src/blind/a.ts', '../seal/b.ts', {
    'packages/protocol/src/seal/b.ts': thing,
  }),
  importsOf('protocol-order-vault', 'packages/protocol/src/vault/a.ts', '../journal/b.ts', {
    'packages/protocol/src/journal/b.ts': thing,
  }),
  importsOf('protocol-unlisted', 'packages/protocol/src/novel/a.ts', '../codec/b.ts', {
    'packages/protocol/src/codec/b.ts': thing,
  }),
  importsOf('protocol-no-node', 'packages/protocol/src/codec/a.ts', 'node:fs'),
  importsOf('protocol-no-node', 'packages/protocol/src/primitives/web.ts', 'node:crypto'),
  importsOf('relay-blind', 'apps/relay/src/main.ts', '@holdfast/protocol/seal/b', { 'packages/protocol/src/seal/b.ts': thing }),
  importsOf('custody-small', 'apps/custody/src/main.ts', '@holdfast/protocol/vault/b', {
    'packages/protocol/src/vault/b.ts': thing,
  }),
  importsOf('custody-no-third-party', 'apps/custody/src/main.ts', 'pino'),
  importsOf('custody-no-network', 'apps/custody/src/main.ts', 'node:net'),
  importsOf('console-protocol', 'apps/console/src/a.ts', '@holdfast/protocol/primitives/node', {
    'packages/protocol/src/primitives/node.ts': thing,
  }),
  importsOf('console-protocol', 'apps/console/src/a.tsx', '@holdfast/protocol/custody/b', {
    'packages/protocol/src/custody/b.ts': thing,
  }),
  importsOf('console-protocol', 'apps/console/src/a.ts', '@holdfast/protocol/door/b', {
    'packages/protocol/src/door/b.ts': thing,
  }),
  importsOf('console-no-node', 'apps/console/src/a.ts', 'node:fs'),
  importsOf('console-served', 'apps/console/serve/a.ts', '../src/b.ts', { 'apps/console/src/b.ts': thing }),
  importsOf('console-served', 'apps/console/src/a.ts', '../serve/b.ts', { 'apps/console/serve/b.ts': thing }),
  importsOf('console-served', 'apps/console/worker/a.ts', '../src/b.ts', { 'apps/console/src/b.ts': thing }),
  importsOf('console-apart', 'e2e/a.ts', '../apps/console/src/b.ts', { 'apps/console/src/b.ts': thing }),
  importsOf('declared', 'apps/console/serve/a.ts', 'fast-check'),
  importsOf('daemon-parts', 'apps/daemon/src/broker/a.ts', '../door/b.ts', { 'apps/daemon/src/door/b.ts': thing }),
  importsOf('daemon-parts', 'apps/daemon/src/sandbox/a.ts', '../broker/b.ts', { 'apps/daemon/src/broker/b.ts': thing }),
  importsOf('daemon-parts', 'apps/daemon/src/broker/a.ts', '@holdfast/protocol/codec/b', {
    'packages/protocol/src/codec/b.ts': thing,
  }),
  importsOf('no-testkit-in-source', 'apps/daemon/src/a.ts', '@holdfast/testkit/b', { 'packages/testkit/src/b.ts': thing }),
  importsOf('no-cycles', 'apps/daemon/src/a.ts', './b.ts', { 'apps/daemon/src/b.ts': `import './a.ts';\n${thing}` }),
  importsOf('resolvable', 'apps/daemon/src/a.ts', './nowhere.ts'),
  importsOf('declared', 'apps/daemon/src/a.ts', 'fast-check'),
  {
    check: 'imports',
    finds: 'a type import between apps',
    files: {
      'apps/relay/src/main.ts': `import type { Thing } from '../../daemon/src/door.ts';\n\nexport const a: Thing = 'a';\n`,
      'apps/daemon/src/door.ts': thingType,
    },
    expect: /apps-apart: apps\/relay\/src\/main\.ts/,
  },
  {
    check: 'imports',
    finds: 'a type imported inline, upwards in the protocol',
    files: {
      'packages/protocol/src/codec/a.ts': `export const a: import('../seal/b.ts').Thing = 'a';\n`,
      'packages/protocol/src/seal/b.ts': thingType,
    },
    expect: /protocol-order-codec/,
  },

  {
    check: 'dead code',
    finds: 'a file nobody imports',
    files: { 'apps/daemon/src/lost.ts': `export {};\n` },
    expect: /Unused files[\s\S]*lost\.ts/,
  },
  {
    check: 'dead code',
    finds: 'an export nobody imports',
    files: {
      'apps/relay/src/main.ts': `import { used } from './a.ts';\n\nused();\n`,
      'apps/relay/src/a.ts': `export function used(): void {}\nexport function unused(): void {}\n`,
    },
    expect: /Unused exports[\s\S]*unused/,
  },
  {
    check: 'dead code',
    finds: 'an export of the protocol nobody imports',
    files: { 'packages/protocol/src/codec/a.ts': `export const lonely = 1;\n` },
    expect: /lonely/,
  },
  {
    check: 'dead code',
    finds: 'a package nobody imports',
    files: { 'apps/relay/package.json': '{"name":"@holdfast/relay","version":"0.1.0","dependencies":{"pino":"10.4.0"}}' },
    expect: /Unused dependencies[\s\S]*pino/,
  },

  source('a name that tells nothing', { 'apps/daemon/src/utils/text.ts': '' }, /the name utils tells nothing/),
  source('a name that is not kebab-case', { 'apps/daemon/src/doorServer.ts': '' }, /doorServer\.ts: file names are kebab-case/),
  source(
    'a test skipped for good',
    { 'apps/relay/test/a.test.ts': `test('a', { ${['skip', 'true'].join(': ')} }, () => {});\n` },
    /a\.test\.ts:1: skip switches/,
  ),
  source(
    'markup made of text',
    { 'apps/console/src/a.tsx': '<p innerHTML={a} />;\n' },
    /a\.tsx:1: innerHTML makes markup of text/,
  ),
  source('a style in markup', { 'apps/console/src/a.tsx': '\n<p style="top: 0" />;\n' }, /a\.tsx:2: a style in markup/),
  source('a version that is not exact', { 'apps/relay/package.json': '{"dependencies":{"ws":"^8.23.0"}}' }, /ws is not exact/),
  source(
    'an install script',
    { 'package-lock.json': '{"packages":{"node_modules/a":{"hasInstallScript":true}}}' },
    /node_modules\/a runs a script/,
  ),
  source(
    'a registry host',
    { 'package-lock.json': '{"packages":{"node_modules/a":{"resolved":"https://npm.example/a.tgz"}}}' },
    /names a registry host/,
  ),
  source(
    'a lock file with holes',
    { 'package-lock.json': '{"packages":{"node_modules/a":{"optionalDependencies":{"b":"1.0.0"}}}}' },
    /wants b, which is not locked/,
  ),

  spec(
    'a clause nobody obeys',
    { 'spec/a.md': '- **[AB-DOOR-1]** It MUST.\n', 'apps/relay/test/a.test.ts': '// [AB-DOOR-1]\n' },
    /a\.md:1: no source line cites \[AB-DOOR-1\]/,
  ),
  spec(
    'a clause nobody proves',
    { 'spec/a.md': '[AB-1] It MUST.\n', 'apps/relay/src/main.ts': '// [AB-1]\n' },
    /a\.md:1: no test or vector cites \[AB-1\]/,
  ),
  spec('a citation of nothing', { 'apps/relay/src/main.ts': '// [AB-9]\n' }, /main\.ts:1: cites \[AB-9\]/),
  spec('vectors that nobody reads', { 'spec/vectors/a/one.json': '{}' }, /spec\/vectors\/a: no test reads it/),
  spec('a second definition', { 'spec/a.md': '[AB-1] x\n[AB-1] y\n' }, /a\.md:2: \[AB-1\] is defined at spec\/a\.md:1 already/),
  spec('a code without a row', { 'packages/protocol/src/errors.ts': `errorCodes = ['refused', 'zero'];\n` }, /'zero' has no row/),
  spec('a row without a code', { 'spec/errors.md': '| `refused` | no |\n| `lost` | no |\n' }, /`lost` is not in the registry/),
  spec('a code nobody uses', { 'apps/daemon/src/main.ts': `export {};\n` }, /'refused' is never used/),
  spec(
    'codes out of order',
    { 'packages/protocol/src/errors.ts': `errorCodes = ['refused', 'able'];\n` },
    /keep the list alphabetical/,
  ),

  docs('a dead link', '[a](docs/none.md)', /the link docs\/none\.md leads nowhere/),
  docs('a picture that is not there', '<img src="docs/none.webp" alt="a">', /the link docs\/none\.webp leads nowhere/),
  docs('a dead anchor', '[a](#none)', /has no heading #none/),
  docs('a link out of the repository', '[a](../x.md)', /leaves the repository/),
  docs('a test that does not exist', '| claim | `e2e/none.test.ts` |', /names e2e\/none\.test\.ts, which does not exist/),
  docs('an npm script that does not exist', '```\nnpm run none\n```', /npm has no script none/),
  docs('a command that does not exist', '```\nholdfast none\n```', /holdfast has no command none/, {
    'apps/cli/src/main.ts': cliHelp,
  }),
  docs('a sub-command that does not exist', '`npx holdfast vault none x`', /no command vault none/, {
    'apps/cli/src/main.ts': cliHelp,
  }),
  docs('an option that does not exist', '`echo x | holdfast vault add x --none`', /vault add has no option --none/, {
    'apps/cli/src/main.ts': cliHelp,
  }),
  claims(
    'a claim without an id',
    { row: '| | a claim | impossible | `e2e/a.test.ts` |' },
    /THREAT_MODEL\.md:3: the claim has no id/,
  ),
  claims('an id twice', { row: `${claimRow}\n${claimRow}` }, /THREAT_MODEL\.md:4: S-1 is there twice/),
  claims('a verdict of its own', { row: claimRow.replace('impossible', 'unlikely') }, /S-1 has no verdict/),
  claims('a claim without a test', { row: '| S-1 | a claim | bounded | none |' }, /S-1 names no test/),
  claims('a folder for a test', { row: claimRow.replace('e2e/a.test.ts', 'e2e/') }, /S-1 names e2e\/, which is no test file/),
  claims(
    'a test that is not there',
    { row: claimRow.replace('a.test', 'b.test') },
    /S-1 names e2e\/b\.test\.ts, which does not exist/,
  ),
  claims('a claim that no mutation belongs to', { mutations: '' }, /THREAT_MODEL\.md:3: S-1 has no mutation/),
  claims('an exception for what has a mutation', { exceptions: `'S-1': 'why'` }, /S-1 has mutations, and a reason/),
  claims('an exception for nothing', { exceptions: `'S-9': 'why'` }, /an exception for S-9/),
  claims('a mutation of no claim', { mutations: `${mutation}, ${mutation.replace('S-1', 'S-2')}` }, /has no claim S-2/),
  claims('a mutation twice', { mutations: `${mutation}, ${mutation}` }, /S-1\.off is there twice/),
  claims('a mutation whose text is gone', { source: '// off\n' }, /S-1\.off: the text to replace stands .* 0 times/),
  claims('a mutation whose text is there twice', { source: '// on\n// on\n' }, /S-1\.off: the text to replace stands .* 2 times/),
  claims('a mutation that changes nothing', { mutations: mutation.replace("'off'", "'on'") }, /S-1\.off: it changes nothing/),
  claims(
    'a mutation of no file',
    { mutations: mutation.replace('a.ts', 'b.ts') },
    /S-1\.off: apps\/daemon\/src\/b\.ts does not exist/,
  ),
  claims('a mutation without a test', { mutations: mutation.replace(/red: .*/, 'red: {} }') }, /S-1\.off: no test turns red/),
  claims(
    'a test name that is gone',
    { mutations: mutation.replace("'is on'", "'was on'") },
    /e2e\/a\.test\.ts has no test was on/,
  ),
  claims(
    'a test that the claim does not name',
    { mutations: mutation.replace('e2e/a', 'e2e/c') },
    /S-1 does not name e2e\/c\.test\.ts/,
  ),

  docs("a path of somebody's machine", `see ${['', 'work', 'main', 'x'].join('/')}`, /a path of somebody's machine/),
];

function lint(finds: string, text: string, expect: RegExp, folder = 'apps/relay/src'): LintPlant {
  return { finds, text: `${text}\n`, expect, folder };
}

function impure(finds: string, expression: string, expect: RegExp): LintPlant {
  return lint(
    `${finds} in the protocol`,
    `export const a = (): unknown => ${expression};`,
    expect,
    'packages/protocol/src/codec',
  );
}

function source(finds: string, files: Readonly<Record<string, string>>, expect: RegExp): Plant {
  return { check: 'source', finds, files, expect };
}

function spec(finds: string, files: Readonly<Record<string, string>>, expect: RegExp): Plant {
  return { check: 'spec', finds, files, expect };
}

function docs(finds: string, text: string, expect: RegExp, files: Readonly<Record<string, string>> = {}): Plant {
  return { check: 'docs', finds, files: { 'README.md': `# Planted\n\n${text}\n`, ...files }, expect };
}

function claimFiles({
  row = claimRow,
  mutations = mutation,
  exceptions = '',
  source = '// on\n',
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'THREAT_MODEL.md': `| id | claim | verdict | test |\n|---|---|---|---|\n${row}\n`,
    'scripts/mutations/catalogue.ts': `export const catalogue = [{ mutations: [${mutations}], exceptions: {${exceptions}} }];\n`,
    'apps/daemon/src/a.ts': source,
    'e2e/a.test.ts': `test('it is on', () => {});\n`,
  };
}

function claims(finds: string, parts: Readonly<Record<string, string>>, expect: RegExp): Plant {
  return { check: 'claims', finds, files: claimFiles(parts), expect };
}

for (const [name, check] of Object.entries(checks)) {
  test(`${name} is content with a tree without plants`, async () => {
    using tree = plantedTree();
    const { ok, text } = await check(tree.root);
    assert.equal(ok, true, text);
  });
}

test('lint finds', async (t) => {
  using tree = plantedTree();
  const fileOf = (plant: LintPlant): string =>
    `${plant.folder}/plant-${lintPlants.indexOf(plant)}${plant.folder.endsWith('test') ? '.test' : ''}.ts`;
  for (const plant of lintPlants) tree.plant(fileOf(plant), plant.text);
  const outcome = await checks['lint']?.(tree.root);
  const lines = outcome?.text.split('\n') ?? [];
  for (const plant of lintPlants) {
    await t.test(plant.finds, () => {
      const found = lines.filter((line) => line.startsWith(`${fileOf(plant)}:`)).join('\n');
      assert.match(found, plant.expect);
    });
  }
});

for (const { check, finds, files, expect } of plants) {
  test(`${check} finds ${finds}`, async () => {
    using tree = plantedTree();
    for (const [file, text] of Object.entries(files)) tree.plant(file, text);
    const outcome = await checks[check]?.(tree.root);
    assert.equal(outcome?.ok, false, 'the plant was not found');
    assert.match(outcome.text, expect);
  });
}

test('spec accepts a clause that a source line obeys and a vector proves', async () => {
  using tree = plantedTree();
  tree.plant('spec/a.md', '| [AB-1] | It MUST, see [AB-2]. |\n**[AB-2]** Too.\n');
  tree.plant('apps/relay/src/main.ts', '// [AB-1, AB-2]; AES as in [RFC-5116]\n');
  tree.plant('packages/protocol/test/a.test.ts', "ownVectors('a/one');\n");
  tree.plant('spec/vectors/a/one.json', '{"clause": "AB-1", "note": "[AB-2]", "data": "ZZ-7"}');
  assert.deepEqual(await checks['spec']?.(tree.root), { ok: true, text: '' });
});

test('docs accepts commands and options that the CLI knows, and leaves the command after -- alone', async () => {
  using tree = plantedTree();
  tree.plant('apps/cli/src/main.ts', cliHelp);
  tree.plant('README.md', '# Planted\n\n```\nholdfast vault add demo --host h -- curl --none\nnpm test; npm ci\n```\n');
  assert.deepEqual(await checks['docs']?.(tree.root), { ok: true, text: '' });
});

test('claims accepts a claim with a mutation, one that has a reason to have none, and an absent one without a test', async () => {
  using tree = plantedTree();
  const rows = [claimRow, claimRow.replace('S-1', 'S-2'), '| S-3 | a claim | **absent** | none |'];
  for (const [file, text] of Object.entries(claimFiles({ row: rows.join('\n'), exceptions: `'S-2': 'why'` })))
    tree.plant(file, text);
  assert.deepEqual(await checks['claims']?.(tree.root), { ok: true, text: '' });
});
