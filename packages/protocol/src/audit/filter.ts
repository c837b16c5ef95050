// Which events of a log somebody wants to see, as a value, as a text for an address bar or a command line, and as a predicate over decoded events.
// Reading the text is strict: a filter that says what nobody can see would hide events without saying so.

import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { unitMs } from '../vault/circumstance-terms.ts';
import { classNames, kindsOf, traceOf } from './classes.ts';
import type { AuditEvent } from './event.ts';
import { outcomeOf, outcomes, partsOf, seenOf, type Names, type Outcome } from './sentence.ts';

/** A moment, or how long before now. */
export type Moment = { readonly kind: 'at'; readonly ms: number } | { readonly kind: 'ago'; readonly ms: number };

/** Each field that is there must hold; of a list one is enough. Ids in hex, or the first digits of one. */
export interface AuditFilter {
  /** Kinds and classes. */
  readonly kind?: readonly string[];
  readonly agent?: readonly string[];
  readonly session?: string;
  readonly trace?: string;
  readonly rule?: readonly string[];
  /** Names. */
  readonly credential?: readonly string[];
  /** Without a port all ports. */
  readonly host?: readonly string[];
  readonly outcome?: readonly Outcome[];
  readonly seen?: 'observed' | 'reported';
  /** Anywhere in what the event says, whatever its case. */
  readonly text?: string;
  readonly since?: Moment;
  readonly until?: Moment;
}

type Field = keyof AuditFilter;
/** In the order in which they are written. */
const fields: readonly Field[] = [
  ...(['kind', 'agent', 'session', 'trace', 'rule', 'credential', 'host', 'outcome', 'seen', 'text', 'since', 'until'] as const),
];
const lists: ReadonlySet<Field> = new Set<Field>(['kind', 'agent', 'rule', 'credential', 'host', 'outcome']);
const maxCharacters = 2048;

/** `kind=tool&kind=alarm&host=api.github.com&since=2h`. */
export function formatFilter(filter: AuditFilter): string {
  return fields
    .flatMap((field) => {
      const value = filter[field];
      if (value === undefined) return [];
      const texts = typeof value === 'string' ? [value] : 'kind' in value ? [momentText(value)] : value;
      return texts.map((text) => `${field}=${encodeURIComponent(text.toWellFormed())}`);
    })
    .join('&');
}

function unreadable(why: string): never {
  throw new HoldfastError('usage', `no filter of events: ${why}`, {
    next: `write FIELD=VALUE joined by &, of ${fields.join(', ')}`,
  });
}

/** What `formatFilter` writes, also with a `?` before it; fields in any order. Throws `usage`. [AUDIT-70] */
export function parseFilter(typed: string): AuditFilter {
  if (typed.length > maxCharacters) unreadable(`longer than ${maxCharacters} characters`);
  const found = new Map<Field, string[]>();
  for (const pair of typed.replace(/^\?/, '').split('&')) {
    if (pair === '') continue;
    const [name = '', value] = pair.split(/=(.*)/s, 2);
    const field = fields.find((each) => each === name);
    if (field === undefined || value === undefined) return unreadable(`there is no field ${name}`);
    const texts = found.get(field) ?? [];
    const text = decoded(value);
    if (texts.length > 0 && !lists.has(field)) return unreadable(`${field} is said twice`);
    if (!texts.includes(text)) texts.push(text);
    found.set(field, texts);
  }
  return Object.fromEntries(
    fields.flatMap((field) => {
      const texts = found.get(field);
      return texts === undefined ? [] : [[field, valueOf(field, texts)] as const];
    }),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return unreadable(`${value} is not percent-encoded UTF-8`);
  }
}

function valueOf(field: Field, texts: readonly string[]): string | readonly string[] | Moment {
  const [first = ''] = texts;
  const wrong = texts.find((text) => !isSayable(field, text));
  if (wrong !== undefined) unreadable(`${wrong} is no ${field}${field === 'kind' ? `, as ${classNames.join(', ')} are` : ''}`);
  if (field === 'since' || field === 'until')
    return momentOf(first) ?? unreadable(`${first} is no ${field}: write 2h, or milliseconds since 1970`);
  return lists.has(field) ? texts : first;
}

function isSayable(field: Field, text: string): boolean {
  switch (field) {
    case 'kind':
      return kindsOf(text) !== undefined;
    case 'agent':
      return /^[0-9a-f]{1,64}$/.test(text);
    case 'session':
    case 'trace':
      return /^[0-9a-f]{1,32}$/.test(text);
    case 'outcome':
      return outcomes.some((each) => each === text);
    case 'seen':
      return text === 'observed' || text === 'reported';
    case 'since':
    case 'until':
      return true;
    default:
      return text !== '';
  }
}

function momentOf(text: string): Moment | undefined {
  if (/^\d{1,15}$/.test(text)) return { kind: 'at', ms: Number(text) };
  const [, count, unit = ''] = /^([1-9]\d{0,9})([smhd])$/.exec(text) ?? [];
  const each = unitMs[unit];
  return count === undefined || each === undefined ? undefined : { kind: 'ago', ms: Number(count) * each };
}

/** In the largest unit of which it is a multiple; of less than a second, one. */
function momentText({ kind, ms }: Moment): string {
  if (kind === 'at') return String(Math.max(0, Math.trunc(ms)));
  const whole = Math.max(1000, Math.round(ms / 1000) * 1000);
  const [unit = 's', each = 1000] = Object.entries(unitMs).findLast(([, unit]) => whole % unit === 0) ?? [];
  return `${whole / each}${unit}`;
}

const msOf = ({ kind, ms }: Moment, nowMs: number): number => (kind === 'at' ? ms : nowMs - ms);

/** `names`: of the log that the events are of; `nowMs`: what spans are counted back from. Throws `usage` for a kind that there is not. */
export function eventFilter(filter: AuditFilter, names: Names, nowMs: number): (event: AuditEvent) => boolean {
  const { kind, agent, session, trace, rule, credential, host, outcome, seen, text, since, until } = filter;
  const kinds = kind && new Set(kind.flatMap((word) => [...(kindsOf(word) ?? unreadable(`${word} is no kind`))]));
  const [fromMs, toMs] = [since && msOf(since, nowMs), until && msOf(until, nowMs)];
  const wanted = text?.toLowerCase();
  const begins = (id: Uint8Array | undefined, typed: string): boolean => id !== undefined && toHex(id).startsWith(typed);
  return (event) => {
    if (kinds?.has(event.kind) === false) return false;
    if ((fromMs !== undefined && event.atMs < fromMs) || (toMs !== undefined && event.atMs > toMs)) return false;
    if (outcome?.includes(outcomeOf(event)) === false) return false;
    if (seen !== undefined && seenOf(event) !== seen) return false;
    if (agent?.some((typed) => begins(event.agent, typed)) === false) return false;
    if (session !== undefined && !('session' in event && begins(event.session, session))) return false;
    if (trace !== undefined && !begins(traceOf(event), trace)) return false;
    if (rule?.some((id) => 'rules' in event && event.rules.includes(id)) === false) return false;
    if (credential?.some((name) => credentialsOf(event, names).includes(name)) === false) return false;
    if (host === undefined && wanted === undefined) return true;
    const { what, where, who } = partsOf(event, names);
    if (host?.some((typed) => where === typed || where?.replace(/:\d+$/, '') === typed) === false) return false;
    return wanted === undefined || [event.kind, what, where, who.child?.name].join('\n').toLowerCase().includes(wanted);
  };
}

/** By its grant and its item. */
function credentialsOf(event: AuditEvent, { credentials }: Names): readonly (string | undefined)[] {
  return [
    ...('item' in event ? [credentials.get(toHex(event.item))] : []),
    ...('grant' in event && event.grant !== undefined ? [credentials.get(toHex(event.grant))] : []),
  ];
}
