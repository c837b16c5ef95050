// THREAT_MODEL.md as data: the rows of its tables. A claim has an id (`S-3`), so that others can name it: scripts/mutations/.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Claim {
  readonly id: string;
  readonly claim: string;
  /** Begins with impossible, bounded, tedious or absent. */
  readonly verdict: string;
  /** Files and folders, as they are named. */
  readonly tests: readonly string[];
  readonly line: number;
}

export const threatModel = 'THREAT_MODEL.md';

/** Every row; empty when there is no such page. A row without an id has an empty one. */
export function readClaims(root: string): Claim[] {
  const page = join(root, threatModel);
  if (!existsSync(page)) return [];
  const claims: Claim[] = [];
  let columns: string[] = [];
  for (const [index, line] of readFileSync(page, 'utf8').split('\n').entries()) {
    const cells = line.startsWith('|')
      ? line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim())
      : [];
    if (cells.length === 0) columns = [];
    else if (columns.length === 0) columns = cells;
    else if (!cells.every((cell) => /^-+$/.test(cell)) && columns.includes('claim')) {
      const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
      claims.push({
        id: cell('id'),
        claim: cell('claim'),
        verdict: cell('verdict').replaceAll('*', ''),
        tests: [...cell('test').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
        line: index + 1,
      });
    }
  }
  return claims;
}
