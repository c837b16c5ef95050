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

/** What has arrived stays for so long after, what failed until it is put away. */
const arrivedStaysMs = 8_000;
const longestMs = 60_000;

/** Whether all have it who are to have it. */
export function hasArrived({ stage }: Pick<ShownAct, 'stage'>, reach?: Reach): boolean {
  return stage.kind === 'done' && (stage.position === undefined || reach === undefined || reach.have >= reach.of);
}

/** `arrivedAtMs`: when it was first seen to have arrived, if that was not at once. */
export function isShown(act: Pick<ShownAct, 'stage'>, nowMs: number, reach?: Reach, arrivedAtMs?: number): boolean {
  const { stage } = act;
  if (stage.kind !== 'done') return true;
  return hasArrived(act, reach) ? nowMs - (arrivedAtMs ?? stage.atMs) < arrivedStaysMs : nowMs - stage.atMs < longestMs;
}
