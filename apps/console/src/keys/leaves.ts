// What an open session may sign by itself, and what only within a leave, spec/console-key.md: a leave is for one act that the person confirmed, and
// ends with it. This decides for code that means well; code that runs in the page could ask for the same.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Domain } from '@holdfast/protocol/keys/domain';

/** A session that is open for a day needs them all day: signs of life, and who is there. [BKEY-7] */
const always: readonly Domain[] = ['pulse', 'relay-auth', 'statuslist+jwt', 'witness-key'];
/** What gives or ends power. [BKEY-7] */
const power: readonly Domain[] = [
  'access-list',
  'custody-roots',
  'dc+sd-jwt',
  'device+jwt',
  'device-answer',
  'device-offer',
  'entry',
  'pairing-answer',
  'signal',
  'warrant',
];
/** An approval needs a warrant as well: with these alone an agent hears nothing but no. [BKEY-10] */
const denial: readonly Domain[] = ['signal'];

/** Longer than any act takes whose relay answers; work that hangs does not keep a session open for others. [BKEY-8] */
const longestMs = 120_000;

interface Leave {
  readonly domains: readonly Domain[];
  readonly untilMs: number;
}

export class Leaves {
  readonly #nowMs: () => number;
  #leave: Leave | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `nowMs`: by a clock that does not go back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Throws `step_up_needed`, or `custody_refused` for what no operator signs. */
  assert(domain: Domain): void {
    if (always.includes(domain)) return;
    if (!power.includes(domain)) throw new HoldfastError('custody_refused', `an operator signs no ${domain}`);
    const leave = this.#leave;
    if (leave === undefined || !leave.domains.includes(domain) || this.#nowMs() >= leave.untilMs)
      throw new HoldfastError('step_up_needed', 'this has to be confirmed first', {
        next: 'confirm it with your passkey or passphrase',
      });
  }

  /** One act after the other: `confirm` asks the person, and `work` may sign until it ends. Throws what either throws. [BKEY-8] */
  during<T>(confirm: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    return this.#inTurn(power, confirm, work);
  }

  /** Without asking. [BKEY-10] */
  denying<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(denial, async () => {}, work);
  }

  /** With a lock. */
  end(): void {
    this.#leave = undefined;
  }

  #inTurn<T>(domains: readonly Domain[], confirm: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      await confirm();
      const leave = { domains, untilMs: this.#nowMs() + longestMs };
      this.#leave = leave;
      try {
        return await work();
      } finally {
        if (this.#leave === leave) this.#leave = undefined;
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}
