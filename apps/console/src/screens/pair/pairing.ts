// One pairing from its code to its end, as a state that the screen shows: looked for, shown, admitted, or over with a reason. The code is overwritten
// whatever comes of it.

import type { HoldfastError } from '@holdfast/protocol/errors';
import type { OpenedOffer } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { enrollAgent } from '@holdfast/protocol/journal/compose-agents';
import { admitDevice, sendAnswer, takeOffer } from '@holdfast/protocol/operator/admit';
import { createSignal, onCleanup, type Accessor } from 'solid-js';
import { asError } from '../../fleet/acts.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { Given } from './given.ts';
import { WordTries, type Tried } from './tries.ts';
import { agentSentence, deviceSentence } from './words.ts';

export type Shown =
  | { readonly kind: 'agent'; readonly opened: OpenedOffer<PairingOffer> }
  | { readonly kind: 'device'; readonly opened: OpenedOffer<DeviceOffer> };

export type Stage =
  | { readonly kind: 'begin' }
  | { readonly kind: 'looking'; readonly of: Given['kind'] }
  | { readonly kind: 'shown'; readonly shown: Shown; readonly left: number | undefined }
  /** `calling`: whether the device is still there is asked before its entry is written. */
  | { readonly kind: 'admitting'; readonly shown: Shown; readonly calling: boolean }
  | { readonly kind: 'admitted'; readonly shown: Shown }
  | { readonly kind: 'over'; readonly of: Given['kind']; readonly error: HoldfastError };

export interface PairingFlow {
  readonly stage: Accessor<Stage>;
  look(given: Given): Promise<void>;
  /** What came of the words; when they are right it goes on by itself. */
  words(typed: string): Tried['kind'];
  again(): void;
}

type Acting = Pick<Fleet, 'session' | 'act'>;

export function pairingFlow(fleet: Acting): PairingFlow {
  const [stage, setStage] = createSignal<Stage>({ kind: 'begin' });
  let code: Uint8Array | undefined;
  let tries: WordTries | undefined;
  const forget = (): void => {
    code?.fill(0);
    code = undefined;
    tries = undefined;
  };
  onCleanup(forget);
  const over = (of: Given['kind'], thrown: unknown): void => {
    forget();
    setStage({ kind: 'over', of, error: asError(thrown) });
  };

  const admit = async (shown: Shown): Promise<void> => {
    const given = code;
    if (given === undefined) return;
    try {
      const calling = (now: boolean): void => void setStage({ kind: 'admitting', shown, calling: now });
      calling(false);
      if (shown.kind === 'agent') await admitAgent(fleet, shown.opened, given);
      else {
        const { opened } = shown;
        await fleet.act(deviceSentence(opened.offer), async (session) => {
          calling(true);
          await admitDevice(session, opened, given, () => calling(false)); // [DEVICES-7]
        });
      }
      forget();
      setStage({ kind: 'admitted', shown });
    } catch (thrown) {
      // Nothing was signed when it was not confirmed: the words were right, and it may be confirmed once more.
      const isOpen = asError(thrown).code === 'step_up_needed' && code !== undefined;
      if (isOpen) setStage({ kind: 'shown', shown, left: undefined });
      else over(shown.kind, thrown);
    }
  };

  return {
    stage,
    async look(given) {
      forget();
      code = given.code;
      setStage({ kind: 'looking', of: given.kind });
      try {
        const session = fleet.session();
        const shown: Shown =
          given.kind === 'agent'
            ? { kind: 'agent', opened: await takeOffer(session, agentPairing, given) }
            : { kind: 'device', opened: await takeOffer(session, devicePairing, given) };
        tries = new WordTries(shown.opened);
        setStage({ kind: 'shown', shown, left: undefined });
      } catch (thrown) {
        over(given.kind, thrown);
      }
    },
    words(typed) {
      const now = stage();
      if (now.kind !== 'shown' || tries === undefined) return 'over';
      const tried = tries.try(typed);
      if (tried.kind === 'again') setStage({ ...now, left: tried.left });
      else if (tried.kind === 'over') over(now.shown.kind, tried.error);
      else void admit(now.shown);
      return tried.kind;
    },
    again() {
      forget();
      setStage({ kind: 'begin' });
    },
  };
}

/** A browser knows no TPM maker's certificates: whatever the key store says of itself stays `claimed`. */
async function admitAgent(fleet: Acting, opened: OpenedOffer<PairingOffer>, code: Uint8Array): Promise<void> {
  await fleet.act(agentSentence(opened.offer), async (session) => {
    await session.write(async (operator) =>
      enrollAgent(operator, {
        offer: opened.offer,
        evidence: 'claimed',
        statusUri: session.statusUri,
        accessVersion: await session.accessVersion(),
      }),
    );
    await sendAnswer(session, opened, code);
    await session.publishStatus();
  });
}
