// Which rules hold for an agent now, spec/journal.md: the newest set of its fleet that this daemon can read. A set is read once and kept in memory
// only; the next decision after a change is made by the new one. Trusts the state, which the replica has verified; not that a text can be read.

import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import type { FleetState, SignedRules } from '@holdfast/protocol/journal/state';
import { compile, readOnlyRules, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';

export interface InForce {
  readonly rules: CompiledRules;
  /** Undefined: none that can be read, so only reading is allowed. */
  readonly version: number | undefined;
  /** The newest set where it can't be read, and why: an alarm. */
  readonly unreadable: { readonly version: number; readonly code: ErrorCode } | undefined;
}

const none: InForce = { rules: readOnlyRules, version: undefined, unreadable: undefined };

export class RulesInForce {
  private of: SignedRules | undefined;
  private held: InForce = none;

  /** The rules of this state; read anew only when its newest set is another one. Never throws. */
  in(state: FleetState | undefined): InForce {
    if (state === undefined) return none;
    if (this.of !== state.rules) {
      this.held = inForce(state);
      this.of = state.rules;
    }
    return this.held;
  }
}

function inForce({ rules: newest, earlierRules }: FleetState): InForce {
  if (newest === undefined) return none;
  const read = readSet(newest);
  if (!('code' in read)) return { rules: read, version: newest.version, unreadable: undefined };
  const unreadable = { version: newest.version, code: read.code };
  for (const earlier of earlierRules) {
    const rules = readSet(earlier);
    if (!('code' in rules)) return { rules, version: earlier.version, unreadable }; // [JOURNAL-27]
  }
  return { ...none, unreadable }; // [JOURNAL-27]
}

/** Whatever goes wrong with a text, it is a set that can't be read. */
function readSet({ text }: SignedRules): CompiledRules | { readonly code: ErrorCode } {
  try {
    return compile(parseRules(text));
  } catch (thrown) {
    return { code: codeOf(thrown) };
  }
}
