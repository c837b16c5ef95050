// One act of a form or a button: busy while it goes on, its error until the next try. How far it comes is told by the fleet itself.

import type { HoldfastError } from '@holdfast/protocol/errors';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { createSignal, type Accessor } from 'solid-js';
import { useConsole } from '../app/console.tsx';
import { asError } from './acts.ts';

export interface OneAct {
  readonly isBusy: Accessor<boolean>;
  readonly error: Accessor<HoldfastError | undefined>;
  /** Whether it was done. `what`: a whole sentence in plain words, which the person confirms. */
  run(what: string, work: (session: OperatorSession) => Promise<unknown>): Promise<boolean>;
  /** Something was wrong before anything could be confirmed. */
  fail(thrown: unknown): void;
  forget(): void;
}

export function useAct(): OneAct {
  const { fleet } = useConsole();
  const [isBusy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<HoldfastError>();
  return {
    isBusy,
    error,
    async run(what, work) {
      const open = fleet();
      if (open === undefined || isBusy()) return false;
      setBusy(true);
      setError(undefined);
      try {
        await open.act(what, work);
        return true;
      } catch (thrown) {
        setError(asError(thrown));
        return false;
      } finally {
        setBusy(false);
      }
    },
    fail: (thrown) => setError(asError(thrown)),
    forget: () => setError(undefined),
  };
}
