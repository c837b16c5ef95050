// Acts that wait for the person's own confirmation: one after the other, each in its own words, and none after a lock.

import { HoldfastError } from '@holdfast/protocol/errors';
import { createSignal, type Accessor } from 'solid-js';
import type { Way } from '../keys/ways.ts';

export interface Waiting {
  /** Word for word what will be signed for. */
  readonly act: string;
  confirmed(way: Way): void;
  refused(): void;
}

export interface Confirmations {
  /** The first that waits. */
  readonly waiting: Accessor<Waiting | undefined>;
  /** Rejects with `step_up_needed` when the person does not confirm. */
  confirm(act: string): Promise<Way>;
  /** At a lock: nobody is there to confirm. */
  refuseAll(): void;
}

export function openConfirmations(): Confirmations {
  const [queue, setQueue] = createSignal<readonly Waiting[]>([]);
  return {
    waiting: () => queue()[0],
    confirm(act) {
      const { promise, resolve, reject } = Promise.withResolvers<Way>();
      const leave = (): void => void setQueue((all) => all.filter((each) => each !== mine));
      const mine: Waiting = {
        act,
        confirmed(way) {
          leave();
          resolve(way);
        },
        refused() {
          leave();
          reject(
            new HoldfastError('step_up_needed', 'this was not confirmed', {
              next: 'nothing was signed; do it again to confirm it',
            }),
          );
        },
      };
      setQueue((all) => [...all, mine]);
      return promise;
    },
    refuseAll() {
      for (const each of queue()) each.refused();
    },
  };
}
