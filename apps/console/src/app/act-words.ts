// How far an act has come, in words.

import type { ShownAct } from '../fleet/acts.ts';

/** How many of the agents that may act have applied it. */
export interface Reach {
  readonly have: number;
  readonly of: number;
}

export function wayOf({ stage }: Pick<ShownAct, 'stage'>, reach?: Reach): string {
  switch (stage.kind) {
    case 'confirming':
      return 'waits for your confirmation';
    case 'working':
      return 'signed, on its way to the relay';
    case 'done':
      return [...(stage.note === undefined ? [] : [stage.note]), arrived(stage.position !== undefined, reach)].join('; ');
    case 'failed':
      return 'not done';
  }
}

function arrived(isEntry: boolean, reach: Reach | undefined): string {
  if (!isEntry) return 'the relay has it';
  if (reach === undefined || reach.of === 0) return 'signed, the relay has it';
  if (reach.have === reach.of) return reach.of === 1 ? 'the agent has it' : `all ${reach.of} agents have it`;
  return `the relay has it; ${reach.have} of ${reach.of} agents have it`;
}

/** What is done and has arrived stays for so long, what failed until it is put away. */
const doneStaysMs = 8_000;
const longestMs = 60_000;

export function isShown({ stage }: Pick<ShownAct, 'stage'>, nowMs: number, reach?: Reach): boolean {
  if (stage.kind !== 'done') return true;
  const sinceMs = nowMs - stage.atMs;
  const isEverywhere = stage.position === undefined || reach === undefined || reach.have >= reach.of;
  return sinceMs < (isEverywhere ? doneStaysMs : longestMs);
}
