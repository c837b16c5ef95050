// Acts that wait for the person's own confirmation: one after the other, each in its own words, and none after a lock.

import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { createSignal, type Accessor } from 'solid-js';
import type { Attempt } from '../fleet/fleet.ts';
import type { Way } from '../keys/ways.ts';

/** What `confirmed` did not prove: the person may try again, and nothing was signed. */
const triedAgain: readonly ErrorCode[] = ['passphrase_wrong', 'passkey_refused', 'passkey_wrong'];

export interface Waiting {
  /** Word for word what will be signed for. */
  readonly act: string;
  /** Why the last try proved nothing. */
  readonly failed: Accessor<unknown>;
  readonly busy: Accessor<boolean>;
  /** Overwrites a passphrase once it was tried. */
  confirmed(way: Way): void;
  refused(): void;
}

export interface Confirmations {
  /** The first that waits. */
  readonly waiting: Accessor<Waiting | undefined>;
  /** It waits until a way was proven, however often that takes. Rejects with `step_up_needed` when the person does not confirm, else as `attempt`. */
  confirm<T>(act: string, attempt: Attempt<T>): Promise<T>;
  /** At a lock: nobody is there to confirm. */
  refuseAll(): void;
}

export function openConfirmations(): Confirmations {
  const [queue, setQueue] = createSignal<readonly Waiting[]>([]);
  return {
    waiting: () => queue()[0],
    confirm<T>(act: string, attempt: Attempt<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const [failed, setFailed] = createSignal<unknown>();
      const [busy, setBusy] = createSignal(false);
      let isOver = false;
      const leave = (): void => {
        isOver = true;
        setQueue((all) => all.filter((each) => each !== mine));
      };
      const proven = (): void => {
        if (isOver) throw notConfirmed();
        leave();
      };
      const tried = async (way: Way): Promise<void> => {
        setFailed(undefined);
        setBusy(true);
        try {
          resolve(await attempt(way, proven));
          leave();
        } catch (thrown) {
          if (!isOver && triedAgain.includes(codeOf(thrown))) setFailed(() => thrown);
          else {
            leave();
            reject(thrown);
          }
        } finally {
          if (way.kind === 'passphrase') way.passphrase.fill(0);
          setBusy(false);
        }
      };
      const mine: Waiting = {
        act,
        failed,
        busy,
        confirmed: (way) => void tried(way),
        refused() {
          leave();
          reject(notConfirmed());
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

function notConfirmed(): HoldfastError {
  return new HoldfastError('step_up_needed', 'this was not confirmed', {
    next: 'nothing was signed; do it again to confirm it',
  });
}
