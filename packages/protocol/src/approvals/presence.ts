// What an agent's machine says of it while it runs, spec/presence.md: sessions, what they do just now, children, and what of the operators' words
// has reached it. A word of the machine's, sealed and signed as asks are; nothing is decided by it, and what must last is in the audit log.

import { capability } from '../blind/pairing-offer.ts';
import { equalBytes, toHex } from '../codec/bytes.ts';
import { bool, bytes, encode, integer, list, literal, oneOf, optional, record, text, type Infer } from '../codec/schema.ts';
import { digest, principalId, wallClockMs } from '../keys/public-keys.ts';
import { maxSignalBodyBytes } from '../seal/signal-body.ts';
import { grantId, itemName } from '../vault/item.ts';

/** Every presence lives so long: a machine that says nothing any more is away, and shown so. [PRESENCE-3] */
export const presenceLifeMs = 120_000;
/** While nothing changes. [PRESENCE-3] */
export const presenceEveryMs = 45_000;
/** What of an act is shown while it happens; the whole of it is in the record. */
export const maxPresentText = 240;
const maxPresentSessions = 64;
const maxPresentChildren = 128;
const maxPresentCounts = 128;
const maxIncidents = 16;

const at = integer(wallClockMs);
const count = integer({ min: 1 });
const code = text({ min: 1, max: 64, pattern: /^[a-z_]+$/ });

/** One call of a tool that its harness has told of and not called over. */
const doing = record({
  tool: text({ min: 1, max: 16, pattern: /^[a-z]+$/ }),
  /** The harness's own word for the tool. */
  name: text({ max: 128 }),
  /** The beginning of the command, path, address or input. */
  text: text({ max: maxPresentText }),
  /** So many more characters were left out. */
  cut: optional(count),
  sinceMs: at,
});

const presentSession = record({
  session: bytes(16),
  mode: oneOf('sealed', 'guarded'),
  program: text({ max: 256 }),
  startedAtMs: at,
  /** Whose of the agent's children it is. */
  child: optional(principalId),
  /** Acts that were judged in it. */
  calls: integer(),
  /** The youngest of those under way; `more`: how many others. */
  now: optional(doing),
  more: optional(count),
  /** Acts of it that wait for an operator. */
  waiting: optional(count),
  /** Nothing happens in it until an operator lets it go on. */
  suspended: optional(literal(true)),
  /** Its harness lets acts pass when a hook fails. */
  unfit: optional(literal(true)),
  /** When its last turn began, as its harness told. */
  turnAtMs: optional(at),
  /** The rules that its last act or turn was under, and the bedrock that its last turn's context has had. [PRESENCE-8] */
  rules: optional(integer()),
  bedrock: optional(integer()),
});
export type PresentSession = Infer<typeof presentSession>;

const presentChild = record({
  child: principalId,
  /** The child above it; absent: the agent itself. */
  parent: optional(principalId),
  session: bytes(16),
  kind: oneOf('session', 'sub-agent', 'key'),
  name: text({ max: 128 }),
  capabilities: list(capability, { max: 32 }),
  /** Of the credentials that it may use; absent: as many as its parent. */
  credentials: optional(list(itemName, { max: 16 })),
  usesLeft: optional(integer()),
  startedAtMs: at,
  expiresAtMs: at,
});
export type PresentChild = Infer<typeof presentChild>;

const used = record({ total: integer(), windows: list(integer(), { max: 4 }) });
/** How far a grant, or the agent's budget, is used up. */
const presentCount = record({ grant: grantId, used: optional(used), usedBytes: optional(used), open: optional(integer()) });
export type PresentCount = Infer<typeof presentCount>;

export const presence = {
  v: literal(1),
  /** Larger in each one than in all that this agent said before it. [PRESENCE-5] */
  sequence: integer(),
  /** By the machine's wall clock, as all times here. */
  atMs: at,
  version: text({ min: 1, max: 64 }),
  /** The newest control entry that has taken effect there. */
  control: record({ position: integer(), hash: digest }),
  /** In force; absent: none that can be read, only reading is allowed. */
  rules: optional(integer()),
  /** The newest set, where that daemon can't read it. */
  rulesUnreadable: optional(integer()),
  bedrock: integer(),
  freshness: record({
    relayAgeMs: optional(integer()),
    pulseAgeMs: optional(integer()),
    pulseMaxAgeMs: integer(),
    /** Why no handle is minted now. */
    refusal: optional(code),
  }),
  /** False since a record could not be written: what needs one does not happen. */
  recording: bool,
  /** What an operator has to look at. [PRESENCE-7] */
  incidents: list(code, { max: maxIncidents }),
  sessions: list(presentSession, { max: maxPresentSessions }),
  children: list(presentChild, { max: maxPresentChildren }),
  counts: list(presentCount, { max: maxPresentCounts }),
  /** How many there are beside those that are named. [PRESENCE-4] */
  unlisted: record({ sessions: integer(), children: integer(), counts: integer() }),
};
const body = record({ kind: literal('presence'), ...presence });
export type Presence = Infer<typeof body>; // [PRESENCE-1]

type Listed = 'sessions' | 'children' | 'counts';
/** What is given up first. */
const givenUp: readonly Listed[] = ['counts', 'children', 'sessions'];

/** With as much of its lists as a signal has room for; what comes first in them stays. [PRESENCE-4] */
export function fitting(whole: Presence): Presence {
  let said = [
    ['sessions', maxPresentSessions],
    ['children', maxPresentChildren],
    ['counts', maxPresentCounts],
  ].reduce((each, [name, max]) => shortened(each, name as Listed, Number(max)), whole);
  while (encode(body, said).length > maxSignalBodyBytes) {
    const longest = givenUp.find((name) => said[name].length > 0);
    if (longest === undefined) break;
    said = shortened(said, longest, Math.floor(said[longest].length / 2));
  }
  return said;
}

function shortened(said: Presence, name: Listed, length: number): Presence {
  const left = Math.max(0, said[name].length - length);
  if (left === 0) return said;
  return { ...said, [name]: said[name].slice(0, length), unlisted: { ...said.unlisted, [name]: said.unlisted[name] + left } };
}

/** A text of the agent's as far as it is shown here: whole characters, and how much is missing. */
export function beginningOf(said: string, max = maxPresentText): { readonly text: string; readonly cut?: number } {
  const whole = said.toWellFormed();
  if (whole.length <= max) return { text: whole };
  const end = /[\ud800-\udbff]/.test(whole.charAt(max - 1)) ? max - 1 : max;
  return { text: whole.slice(0, end), cut: whole.length - end };
}

/** A presence that was heard and holds. */
export interface Heard {
  readonly agent: Uint8Array;
  readonly presence: Presence;
  /** On the listener's own clock. */
  readonly heardAtMs: number;
  readonly expiresAtMs: number;
}

/** The newest word of each agent; what comes late, or again, changes nothing. [PRESENCE-5] */
export class Presences {
  readonly #newest = new Map<string, Heard>();

  /** False: something newer was heard before. */
  take(heard: Heard): boolean {
    const key = toHex(heard.agent);
    const known = this.#newest.get(key);
    const isOld = known !== undefined && known.expiresAtMs > heard.heardAtMs;
    if (isOld && known.presence.sequence >= heard.presence.sequence) return false;
    this.#newest.set(key, heard);
    return true;
  }

  /** Undefined: nothing of it lives any more. */
  of(agent: Uint8Array, nowMs: number): Heard | undefined {
    const known = this.#newest.get(toHex(agent));
    return known !== undefined && known.expiresAtMs > nowMs ? known : undefined;
  }

  /** All that live. */
  all(nowMs: number): readonly Heard[] {
    return [...this.#newest.values()].filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  }
}

/** Whether an agent has applied at least the control entry at this position. Which hash stands there its own history says. [PRESENCE-6] */
export function hasApplied({ control }: Presence, wanted: { readonly position: number; readonly hash: Uint8Array }): boolean {
  return control.position > wanted.position || (control.position === wanted.position && equalBytes(control.hash, wanted.hash));
}
