// One device that is added from here, [PAIRING-16], as a state that the screen shows: a code that waits for its device, the offer of whoever came, three
// words, and what came of it. The code is overwritten whatever that is, ten minutes after it was made at the latest.

import { visible } from '@holdfast/protocol/codec/shown';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { assertWords, newPairingCode, pairingLifeMs, type OpenedOffer } from '@holdfast/protocol/identity/pairing';
import { devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import { addDevice } from '@holdfast/protocol/journal/compose-devices';
import { awaitOffer, callNewcomer, sendAnswer } from '@holdfast/protocol/operator/admit';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { createSignal, type Accessor } from 'solid-js';
import type { Fleet } from '../../fleet/fleet.ts';
import type { LiveClock } from '../../fleet/live-fleet.ts';

export type Stage =
  | { readonly kind: 'waiting' }
  /** `error`: of the words that were typed last. */
  | { readonly kind: 'offered'; readonly opened: OpenedOffer<DeviceOffer>; readonly error?: unknown }
  | { readonly kind: 'adding'; readonly opened: OpenedOffer<DeviceOffer> }
  | { readonly kind: 'added' }
  | { readonly kind: 'over'; readonly error?: unknown };

export interface AddingFlow {
  /** Overwritten once it is over. */
  readonly code: Uint8Array;
  readonly stage: Accessor<Stage>;
  /** Waits for whoever comes; resolves when somebody has, or it is over. */
  listen(): Promise<void>;
  words(typed: string): Promise<void>;
  stop(): void;
}

/** A person may mistype; more than this is guessing. */
const maxTries = 3;

export function addingFlow(fleet: Pick<Fleet, 'session' | 'act'>, wait: LiveClock['wait']): AddingFlow {
  const code = newPairingCode(webPrimitives, devicePairing);
  const ended = new AbortController();
  const [stage, setStage] = createSignal<Stage>({ kind: 'waiting' });
  let tries = 0;
  const end = (last: Stage): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    code.fill(0);
    setStage(last);
  };
  // whoever is being added already ends by itself: the call has a minute
  const expire = async (): Promise<void> => {
    await wait(pairingLifeMs, ended.signal);
    if (stage().kind !== 'adding') end({ kind: 'over', error: expired() });
  };
  void expire();

  return {
    code,
    stage,
    async listen() {
      try {
        const opened = await awaitOffer(fleet.session().relay, devicePairing, code, ended.signal);
        if (opened !== undefined && !ended.signal.aborted) setStage({ kind: 'offered', opened });
      } catch (error) {
        end({ kind: 'over', error });
      }
    },
    async words(typed) {
      const now = stage();
      if (now.kind !== 'offered') return;
      const { opened } = now;
      try {
        assertWords(opened, typed);
      } catch (error) {
        tries += 1;
        const isOver = tries >= maxTries || codeOf(error) !== 'pairing_words_wrong';
        return isOver ? end({ kind: 'over', error: wrongWords(error) }) : void setStage({ ...now, error });
      }
      setStage({ kind: 'adding', opened });
      try {
        await fleet.act(
          `Make "${visible(opened.offer.name)}" an operator device, which may do all that you may`,
          async (session) => {
            await callNewcomer(session, opened.hash, code); // [DEVICES-7]
            const { name, keys } = opened.offer;
            await session.write(async (operator) =>
              addDevice(operator, { device: { name, keys }, accessVersion: await session.accessVersion() }),
            );
            await sendAnswer(session, opened, code);
          },
        );
        end({ kind: 'added' });
      } catch (error) {
        end({ kind: 'over', error });
      }
    },
    stop: () => end({ kind: 'over' }),
  };
}

const expired = (): HoldfastError =>
  new HoldfastError('pairing_expired', 'no device was added by this code in time', { next: 'add it again for a new code' });

const wrongWords = (cause: unknown): HoldfastError =>
  new HoldfastError('pairing_words_wrong', 'these are not the words of that device; nothing was added', {
    cause,
    next: 'if the words on the device that you mean are others, somebody lures you; else add it again for a new code',
  });
