// What a harness reports, in words that fit every harness: each has a folder here that turns its own events into these. spec/guard.md.
// Nothing in a report is believed beyond what it says the agent is about to do.

import type { Json, ToolCall } from '@holdfast/protocol/rules/call';
import type { SubAgent } from './sub-agents.ts';

/** A call as the harness names it: its paths may be relative. */
export type Named = Omit<ToolCall, 'harness' | 'paths'> & { readonly paths?: readonly string[] };

export interface ReportedAct {
  readonly harness: string;
  /** The harness's own id of the call; undefined where it gives none. */
  readonly id: string | undefined;
  readonly call: Named;
  /** The same call with another input. Throws for an input that the tool would not take. */
  withInput(input: Json): Named;
  /** Where the agent stands: absolute, as the session sees it. */
  readonly directory: string;
  /** Absent: the agent itself. */
  readonly subAgent?: SubAgent;
  /** The turn that it is made in, by the daemon's own id; absent: not known. */
  readonly trace?: Uint8Array;
}

export type Verdict =
  | {
      readonly kind: 'allow';
      /** In place of the input that was reported. */
      readonly input?: Json;
      /** What the agent is told besides: warnings. */
      readonly notes: readonly string[];
    }
  | { readonly kind: 'deny'; readonly reason: string };
