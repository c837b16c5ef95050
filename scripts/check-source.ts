// What no linter knows of: names that tell nothing, tests switched off, packages that are not exact or run scripts on install.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const emptyNames = /^(utils?|helpers?|common|shared|misc|types|managers?|services?)$/;
const sources = ['packages/**/*.ts', 'apps/**/*.{ts,tsx,css,cjs}', 'scripts/**/*.ts', 'e2e/**/*.ts', 'bench/**/*.ts'];

/** One line for each fault; empty when all is well. `root` is the repository's directory. */
export function checkSource(root: string): string[] {
  const files = globSync(sources, { cwd: root })
    .filter((file) => !file.includes('node_modules/'))
    .toSorted();
  return [
    ...files.flatMap(checkName),
    ...files.flatMap((file) => checkSwitches(root, file)),
    ...files.flatMap((file) => checkMarkup(root, file)),
    ...checkPackages(root),
  ];
}

function checkName(file: string): string[] {
  const parts = file.split('/');
  const vague = parts.find((part) => emptyNames.test(part.replace(/\..*$/, '')));
  if (vague !== undefined) return [`${file}: the name ${vague} tells nothing: name the thing or the act`];
  return /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|story|config))?\.(tsx?|css|cjs)$/.test(basename(file))
    ? []
    : [`${file}: file names are kebab-case`];
}

/** `test.only` and `test.skip` are the linter's; these are their forms as options. A skip states its reason as a string. */
function checkSwitches(root: string, file: string): string[] {
  if (!/\.(test|story)\.ts$/.test(file)) return [];
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      const found = /\b(only|skip|todo): *(true\b|['"])/.exec(line);
      return found === null ? [] : [`${file}:${index + 1}: ${found[1]} switches a test off for good`];
    });
}

/** What others wrote is shown as text, and the page's policy takes no style from markup: neither is written in the console's source. */
function checkMarkup(root: string, file: string): string[] {
  if (!/^apps\/console\/src\/.*\.tsx?$/.test(file)) return [];
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      const markup = /\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|srcdoc|document\.write)\b/.exec(line)?.[1];
      if (markup !== undefined) return [`${file}:${index + 1}: ${markup} makes markup of text`];
      return /\sstyle=["'{]/.test(line) ? [`${file}:${index + 1}: a style in markup, which the policy refuses: use a class`] : [];
    });
}

function checkPackages(root: string): string[] {
  const faults: string[] = [];
  for (const file of globSync(['package.json', 'packages/*/package.json', 'apps/*/package.json'], { cwd: root })) {
    const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, Record<string, string> | undefined>;
    for (const field of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']) {
      for (const [name, version] of Object.entries(manifest[field] ?? {})) {
        if (!/^(npm:[@\w/.-]+@)?\d+\.\d+\.\d+[\w.+-]*$/.test(version)) faults.push(`${file}: ${name} is not exact: ${version}`);
      }
    }
  }
  const lock = 'package-lock.json';
  if (!existsSync(join(root, lock))) return [...faults, `${lock} is missing`];
  const { packages } = JSON.parse(readFileSync(join(root, lock), 'utf8')) as { packages: Record<string, LockEntry> };
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.hasInstallScript === true) faults.push(`${lock}: ${path} runs a script on install: make it an optional add-on`);
    if (entry.resolved !== undefined && /^https?:/.test(entry.resolved))
      faults.push(`${lock}: ${path} names a registry host: ${entry.resolved}`);
    // npm ci refuses a lock file without the optional packages of other platforms; npm install may leave them out in silence.
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (!isLocked(packages, path, name))
        faults.push(`${lock}: ${path} wants ${name}, which is not locked: npm install --package-lock-only`);
    }
  }
  return faults;
}

interface LockEntry {
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** As Node resolves: beside the package or in any node_modules above it. */
function isLocked(packages: Readonly<Record<string, LockEntry>>, from: string, name: string): boolean {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/')))) {
    if (`${base}${base === '' ? '' : '/'}node_modules/${name}` in packages) return true;
    if (base === '') return false;
  }
}
