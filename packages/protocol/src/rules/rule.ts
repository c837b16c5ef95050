// A rule set as data: what the language means once it is parsed, spec/rules.md. Plain JSON, so that it can be stored, compared and shown.

import type { Hours } from '../vault/hours.ts';
import type { Json, Tool } from './call.ts';

export type Effect = 'deny' | 'ask' | 'warn' | 'rewrite' | 'label';
export type Severity = 'low' | 'medium' | 'high' | 'critical';
/** What a rule does where the reader could not tell whether it applies. */
export type OnOpaque = 'deny' | 'ask' | 'warn' | 'allow';

export type Scalar = string | number | boolean | null;

export type CommandForm = readonly (readonly string[])[];

/** Everything named must hold; within one list one member is enough. */
export interface Conditions {
  /** Program and sub-commands, each with its choices: `[['npm', 'pnpm'], ['install']]`. */
  readonly command?: readonly CommandForm[];
  /** Each must be there, in one of its spellings: `[['--force', '-f']]`. */
  readonly flags?: readonly (readonly string[])[];
  /** Globs; one of the operands matches. */
  readonly args?: readonly string[];
  /** Programs that its output is piped into. */
  readonly into?: readonly string[];
  /** Programs whose output it reads. */
  readonly from?: readonly string[];
  /** Wrappers that start it: `sudo`. */
  readonly via?: readonly string[];
  /** Environment variables that it sets. */
  readonly sets?: readonly string[];
  readonly paths?: readonly string[];
  readonly case?: 'exact' | 'ignore';
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly server?: readonly string[];
  readonly tool?: readonly string[];
  readonly input?: readonly { readonly pointer: string; readonly values: readonly Scalar[] }[];
  readonly text?: readonly string[];
  readonly agent?: readonly string[];
  readonly scope?: readonly string[];
  readonly subagent?: readonly string[];
  readonly repository?: readonly string[];
  readonly branch?: readonly string[];
  readonly mode?: readonly ('sealed' | 'guarded')[];
  /** Labels of the session. */
  readonly under?: readonly string[];
  readonly hours?: Hours;
  /** One of these must hold as well. */
  readonly any?: readonly Conditions[];
}

/** How a rewrite changes the call. */
export type Change =
  | { readonly kind: 'add'; readonly words: readonly string[] }
  | { readonly kind: 'replace'; readonly command: readonly string[] }
  | { readonly kind: 'set'; readonly values: readonly { readonly pointer: string; readonly value: Scalar }[] };

export interface Rule {
  readonly id: string;
  readonly effect: Effect;
  readonly tools: readonly (Tool | 'any')[];
  readonly when: Conditions;
  /** One of these that holds exempts. */
  readonly unless: readonly Conditions[];
  readonly opaque: OnOpaque;
  readonly severity: Severity;
  readonly reason: string;
  /** What is allowed in its place. */
  readonly instead?: string;
  /** label: what the session is labelled with. */
  readonly as?: string;
  readonly change?: Change;
  readonly hits: readonly Example[];
  readonly misses: readonly Example[];
}

/** A call as an example writes it, and where it happens. */
export interface Example {
  readonly tool: Tool;
  /** The command, path, URL, text, or `server/tool`. */
  readonly subject: string;
  /** rewrite: what the command becomes. */
  readonly becomes?: string;
  readonly method?: string;
  readonly input?: Json;
  readonly text?: string;
  readonly agent?: string;
  readonly scope?: string;
  readonly subagent?: readonly [string, ...string[]];
  readonly repository?: string;
  readonly branch?: string;
  readonly mode?: 'sealed' | 'guarded';
  readonly under?: readonly string[];
  /** RFC 3339, UTC */
  readonly at?: string;
}

export interface RuleSet {
  /** Names of curated packs that are still to be put in; none in a set that is signed. */
  readonly packs: readonly string[];
  /** Ids of the packs' rules that are left out. */
  readonly without: readonly string[];
  readonly rules: readonly Rule[];
}
