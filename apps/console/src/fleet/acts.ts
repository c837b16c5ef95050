// What the operator does here, and how far each act has come: confirmed → signed → the relay has it → so many of so many agents have it. An act that
// failed stays until it is put away: nothing that went wrong vanishes by itself.

import { HoldfastError } from '@holdfast/protocol/errors';

export type ActStage =
  | { readonly kind: 'confirming' }
  | { readonly kind: 'working' }
  /** The relay has it, up to this control position; undefined: the act wrote no entry. */
  | { readonly kind: 'done'; readonly position: number | undefined; readonly atMs: number; readonly note?: string | undefined }
  | { readonly kind: 'failed'; readonly error: HoldfastError };

export interface ShownAct {
  readonly id: number;
  /** Word for word what was confirmed. */
  readonly what: string;
  readonly beganMs: number;
  readonly stage: ActStage;
}

/** Of the newest; those that still go on are kept beside. */
const maxShown = 20;

export class Acts {
  #acts: readonly ShownAct[] = [];
  #nextId = 1;
  readonly #nowMs: () => number;
  readonly #changed: (acts: readonly ShownAct[]) => void;

  constructor(nowMs: () => number, changed: (acts: readonly ShownAct[]) => void) {
    this.#nowMs = nowMs;
    this.#changed = changed;
  }

  begin(what: string): number {
    const id = this.#nextId;
    this.#nextId += 1;
    const act: ShownAct = { id, what, beganMs: this.#nowMs(), stage: { kind: 'confirming' } };
    const isOver = ({ stage }: ShownAct): boolean => stage.kind === 'done';
    const kept = this.#acts.filter((each, at) => !isOver(each) || at < maxShown - 1);
    this.#set([act, ...kept]);
    return id;
  }

  stage(id: number, stage: ActStage): void {
    this.#set(this.#acts.map((each) => (each.id === id ? { ...each, stage } : each)));
  }

  putAway(id: number): void {
    this.#set(this.#acts.filter((each) => each.id !== id));
  }

  #set(acts: readonly ShownAct[]): void {
    this.#acts = acts;
    this.#changed(acts);
  }
}

/** An error as this console shows it: with a code, whatever was thrown. */
export function asError(thrown: unknown): HoldfastError {
  return thrown instanceof HoldfastError
    ? thrown
    : new HoldfastError('internal', 'something in this console failed', { cause: thrown });
}
