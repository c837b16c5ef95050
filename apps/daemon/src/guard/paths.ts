// What a path that a harness names is, seen from outside of the session: absolute, without dots, and where its links lead. spec/guard.md [GUARD-5].
// What is looked up here may change before it is used; what must hold against that is a mount.

import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** The kernel's own bound. */
const maxLinks = 40;
const maxPathLength = 4096;

/** How the agent sees files. */
export interface View {
  /** Folder of this machine at which the agent's root lies: `/`, or that of a sandbox. */
  readonly root: string;
  /** HOME there. */
  readonly home: string;
}

/** `named` as one absolute path without dots; `~` is the agent's home. */
export function absolute(named: string, directory: string, { home }: View): string {
  const expanded = named === '~' || named.startsWith('~/') ? home + named.slice(1) : named;
  return path.resolve(directory, expanded);
}

/**
 * The path itself, and where links on the way lead, if elsewhere. A part that is absent stays as it is named. More links than a kernel would
 * follow lead nowhere: then the path alone.
 */
export function spellings(absolutePath: string, { root }: View): readonly string[] {
  if (absolutePath.length > maxPathLength) return [absolutePath];
  const waiting = absolutePath.split('/').filter((name) => name !== '');
  let place = '/';
  let links = 0;
  while (waiting.length > 0) {
    const name = waiting.shift() ?? '';
    if (name === '..') {
      place = path.dirname(place);
      continue;
    }
    const next = path.join(place, name);
    const target = linkTarget(path.join(root, next));
    if (target === undefined) {
      place = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) return [absolutePath];
    if (target.startsWith('/')) place = '/';
    waiting.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
  }
  return place === absolutePath ? [absolutePath] : [absolutePath, place];
}

/** Undefined for what is no link, is absent, or cannot be looked at. */
function linkTarget(place: string): string | undefined {
  try {
    return lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(place) : undefined;
  } catch {
    return undefined;
  }
}
