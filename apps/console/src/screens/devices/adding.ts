// One device that is added from here, [PAIRING-16], as a state that the screen shows: a code that waits for its device, the offer of whoever came, three
// words, and what came of it. The code is overwritten whatever that is, ten minutes after it was made at the latest.

import { HoldfastError } from '@holdfast/protocol/errors';
import { newPairingCode, pairingLifeMs, type OpenedOffer } from '@holdfast/protocol/identity/pairing';
import { devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import { admitDevice, awaitOffer } from '@holdfast/protocol/operator/admit';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { createSignal, type Accessor } from 'solid-js';
import type { Fleet } from '../../fleet/fleet.ts';
import type { LiveClock } from '../../fleet/live-fleet.ts';
import { WordTries } from '../pair/tries.ts';
import { deviceSentence } from '../pair/words.ts';

export type Stage =
  | { readonly kind: 'waiting' }
  /** `left`: tries, after words that were wrong. */
  | { readonly kind: 'offered'; readonly opened: OpenedOffer<DeviceOffer>; readonly left?: number }
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

export function addingFlow(fleet: Pick<Fleet, 'session' | 'act'>, wait: LiveClock['wait']): AddingFlow {
  const code = newPairingCode(webPrimitives, devicePairing);
  const ended = new AbortController();
  const [stage, setStage] = createSignal<Stage>({ kind: 'waiting' });
  let tries: WordTries | undefined;
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
        if (opened === undefined || ended.signal.aborted) return;
        tries = new WordTries(opened);
        setStage({ kind: 'offered', opened });
      } catch (error) {
        end({ kind: 'over', error });
      }
    },
    async words(typed) {
      const now = stage();
      if (now.kind !== 'offered' || tries === undefined) return;
      const { opened } = now;
      try {
        const tried = tries.try(typed);
        if (tried.kind === 'again') return void setStage({ ...now, left: tried.left });
        if (tried.kind === 'over') return end(tried);
        setStage({ kind: 'adding', opened });
        await fleet.act(deviceSentence(opened.offer), async (session) => {
          await admitDevice(session, opened, code);
        });
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
