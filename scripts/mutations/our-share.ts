// What `.ci/run` tries of the catalogue: a few of each section, other ones for each commit, so that all have their turn.

import { spawnSync } from 'node:child_process';
import { share } from '../../packages/testkit/src/shares.ts';
import type { Area, Mutation } from './mutation.ts';

/** Stories take their time: of those whose test is one, a single one is tried. */
const isStory = (mutation: Mutation): boolean => Object.keys(mutation.red).some((file) => file.startsWith('e2e/'));

export function ourShare(areas: readonly Area[]): Mutation[] {
  const turn = commitNumber();
  const quick = areas.flatMap(({ mutations }) => {
    const pool = mutations.filter((mutation) => !isStory(mutation));
    return someOf(pool, share({ ci: 3, soak: pool.length }), turn);
  });
  const stories = areas.flatMap(({ mutations }) => mutations.filter(isStory));
  return [...quick, ...someOf(stories, share({ ci: 1, soak: stories.length }), turn)];
}

function someOf<T>(pool: readonly T[], count: number, turn: number): T[] {
  const start = pool.length === 0 ? 0 : turn % pool.length;
  return [...pool.slice(start), ...pool.slice(0, start)].slice(0, count);
}

/** A number of this commit; 0 where there is no git. */
function commitNumber(): number {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? Number.parseInt(stdout.slice(0, 8), 16) : 0;
}
