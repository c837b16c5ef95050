// Which files of the tree git runs or reads as settings because its config says so: core.hooksPath, included files, programs of
// filters, aliases and pagers. spec/sandbox.md [SANDBOX-4].
//
// Not a full reader of git's format: it looks at keys that name programs and files, and takes each word of theirs that names
// something in the tree. Too much is harmless (one more read-only file), so quotes and escapes are simply dropped.

import { lstatSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';

/** Keys whose value is run, or is a file of more keys. The key alone decides; sections do not matter. */
const runKeys = new Set([
  'askpass',
  'attributesfile',
  'clean',
  'cmd',
  'command',
  'driver',
  'editor',
  'external',
  'fsmonitor',
  'gitproxy',
  'helper',
  'pager',
  'path',
  'process',
  'program',
  'receivepack',
  'smudge',
  'sshcommand',
  'templatedir',
  'textconv',
  'uploadpack',
]);

export interface ConfiguredPath {
  /** Absolute and normal; may lie anywhere. */
  readonly path: string;
  /** A folder if it has to be made up. */
  readonly isFolder: boolean;
}

/** `repository` is the folder of the config, `tree` its working tree; relative paths are tried from both. */
export function gitConfigPaths(config: string, repository: string, tree: string): ConfiguredPath[] {
  const found: ConfiguredPath[] = [];
  let section = '';
  for (const raw of config.replaceAll(/\\\r?\n/g, ' ').split('\n')) {
    const line = raw.replace(/^\s*\[([^\]"]*)("[^"]*")?\s*\]/, (_, name: string) => {
      section = name.trim().toLowerCase();
      return '';
    });
    const match = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/.exec(line);
    if (match === null) continue;
    const [, key = '', value = ''] = match;
    const name = key.toLowerCase();
    if (name === 'hookspath') found.push(...inTree(value.trim().replaceAll(/["']/g, ''), [tree], true));
    else if (runKeys.has(name) || section === 'alias') {
      for (const word of value.split(/[\s"';|&()!<>=]+/)) {
        for (const place of inTree(word, [tree, repository], false)) {
          if (!canExist(place.path)) continue;
          if (lstatSync(place.path, { throwIfNoEntry: false }) !== undefined || name === 'path') found.push(place);
        }
      }
    }
  }
  return found;
}

/** Words of an alias are any text; what no file can be called is no file. */
function canExist(path: string): boolean {
  const maxNameBytes = 255;
  const maxPathBytes = 4095;
  const names = path.split('/');
  return (
    !path.includes('\0') &&
    Buffer.byteLength(path) <= maxPathBytes &&
    names.every((each) => Buffer.byteLength(each) <= maxNameBytes)
  );
}

function inTree(word: string, bases: readonly string[], isFolder: boolean): ConfiguredPath[] {
  if (word === '' || word === '.' || word === '/') return [];
  const paths = isAbsolute(word) ? [normalize(word)] : bases.map((base) => normalize(join(base, word)));
  return paths.map((path) => ({ path: path.replace(/\/$/, ''), isFolder }));
}
