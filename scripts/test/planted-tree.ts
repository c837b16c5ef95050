// A small repository outside this one, with this one's settings, in which a test plants what a check must find.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');

const settings = ['.dependency-cruiser.cjs', '.oxfmtrc.json', '.oxlintrc.json', '.gitignore', 'knip.json', 'tsconfig.json'];
const workspaces = [
  'packages/protocol',
  'packages/testkit',
  'apps/cli',
  'apps/console',
  'apps/custody',
  'apps/daemon',
  'apps/relay',
];

export interface PlantedTree extends Disposable {
  readonly root: string;
  /** Writes a file of the tree; the path is relative to its root. */
  plant(file: string, text: string): void;
}

/** A tree in which every check is content until something is planted. Remove it by `using`. */
export function plantedTree(): PlantedTree {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-plant-'));
  const plant = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  for (const file of settings) cpSync(join(repository, file), join(root, file));
  const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
  mkdirSync(join(root, 'apps/console'), { recursive: true });
  cpSync(join(repository, 'apps/console/tsconfig.json'), join(root, 'apps/console/tsconfig.json'));
  plant('apps/console/src/main.tsx', `document.title = 'planted';\n`);
  plant(
    'package.json',
    json({ name: 'planted', private: true, type: 'module', scripts: { test: 'true' }, workspaces: ['packages/*', 'apps/*'] }),
  );
  plant('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: {} }));
  mkdirSync(join(root, 'node_modules/@holdfast'), { recursive: true });
  for (const name of readdirSync(join(repository, 'node_modules'))) {
    if (name !== '@holdfast' && !name.startsWith('.'))
      symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
  }
  for (const workspace of workspaces) {
    const name = workspace.split('/')[1] ?? '';
    const exports = workspace.startsWith('packages/') ? { exports: { './*': './src/*.ts' } } : {};
    const dependencies = name === 'daemon' || name === 'console' ? { dependencies: { '@holdfast/protocol': '0.1.0' } } : {};
    plant(
      `${workspace}/package.json`,
      json({ name: `@holdfast/${name}`, version: '0.1.0', type: 'module', ...exports, ...dependencies }),
    );
    symlinkSync(join(root, workspace), join(root, 'node_modules/@holdfast', name));
  }
  plant(
    'packages/protocol/src/errors.ts',
    `export const errorCodes = ['refused'] as const;\nexport type ErrorCode = (typeof errorCodes)[number];\n`,
  );
  plant('spec/errors.md', '| code | meaning |\n|---|---|\n| `refused` | no |\n');
  plant(
    'apps/daemon/src/main.ts',
    `import type { ErrorCode } from '@holdfast/protocol/errors';\n\nconst code: ErrorCode = 'refused';\nprocess.stdout.write(code);\n`,
  );
  return { root, plant, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}
