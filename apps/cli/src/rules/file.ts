// A file of rules as an operator wrote it: read, checked, its packs put in.

import { readFileSync } from 'node:fs';
import { HoldfastError } from '@holdfast/protocol/errors';
import { parseRules } from '@holdfast/protocol/rules/language';
import { withPacks } from '@holdfast/protocol/rules/packs/packs';
import type { RuleSet } from '@holdfast/protocol/rules/rule';
import { usage } from '../output.ts';

export interface RuleFile {
  /** The rules of the file itself, with their examples. */
  readonly own: RuleSet;
  /** With the rules of its packs. */
  readonly whole: RuleSet;
}

/** `-` is standard input. Throws `usage` for a file that can't be read, `rules_invalid` with the line for one that holds no rules. */
export function readRuleFile(file: string, packs: readonly string[]): RuleFile {
  const own = attempted(file, () => parseRules(contentOf(file)));
  const named = [...new Set([...own.packs, ...packs])];
  return { own, whole: attempted(file, () => withPacks({ ...own, packs: named })) };
}

function contentOf(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw usage(`${file} is no text in UTF-8`);
  }
}

/** A fault in the rules names the file. */
function attempted<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError) || thrown.code !== 'rules_invalid') throw thrown;
    const detail = { cause: thrown, ...(thrown.next !== undefined && { next: thrown.next }) };
    throw new HoldfastError('rules_invalid', `${file}: ${thrown.message}`, detail);
  }
}
