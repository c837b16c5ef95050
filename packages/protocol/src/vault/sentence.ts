// Grants, egress rules and budgets as sentences, made from the signed terms themselves: "main may call api.github.com, GET under /repos, 20 times an
// hour." The command line and the console say the same. Each part names the field that it is of, and no field of a fence is without words. What
// comes out is not escaped: a fence holds text that an operator typed.

import { instant, listed } from '../codec/shown.ts';
import type { ArgumentLimits } from './arguments.ts';
import type { Attach } from './attach.ts';
import type { BudgetLimits } from './budget.ts';
import type { AmountLimits } from './circumstances.ts';
import { bytesText } from './circumstance-terms.ts';
import type { EgressRule } from './egress.ts';
import type { Fence, FenceField } from './fence.ts';
import { spanText, type Hours } from './hours.ts';
import { defaultMethods } from './terms.ts';

/** Where the reader sits; without it times are UTC, and folders are as they are signed. */
export interface Reader {
  /** IANA */
  readonly zone?: string;
  /** Of the agent's machine. */
  readonly home?: string;
}

export interface Part {
  readonly of: FenceField | 'approve';
  readonly text: string;
}

export interface Sentence {
  readonly who: string;
  /** In the order in which they are said; the first ones say where. */
  readonly parts: readonly Part[];
  /** All of it. */
  readonly text: string;
}

export interface GrantedTerms {
  readonly fence: Fence;
  /** Each use waits for an operator. */
  readonly approve: boolean;
}

/** Of a fence, or of what has some of its limits. */
type Terms = { readonly [K in FenceField]?: Fence[K] | undefined };
type Words = (terms: Terms, reader: Reader) => string | undefined;

/** In the order of the sentence. Undefined: nothing of that kind is limited. */
const words: Readonly<Record<FenceField, Words>> = {
  v: () => undefined, // that there are limits, which speak for themselves
  hosts: ({ hosts }) => hosts && listed(hosts.map(place), 'or'),
  methods: ({ methods }) => methods && methodsText(methods),
  paths: ({ paths }) => paths && pathsText(paths),
  query: ({ query, body }) => (query ? `with ${saying('the query', query)}` : body && 'without a query'),
  body: ({ body, query }) =>
    body ? `with ${saying(body.format === 'json' ? 'a JSON body of' : 'a form of', body)}` : query && 'without a body',
  uses: ({ uses }) => uses && amounts(uses, times),
  bytes: ({ bytes }) => bytes && amounts(bytes, (count) => `${bytesText(count)} at most`),
  concurrent: ({ concurrent }) => (concurrent === undefined ? undefined : concurrentText(concurrent)),
  directories: ({ directories }, { home }) =>
    directories &&
    `from ${listed(
      directories.map((each) => folder(each, home)),
      'or',
    )}`,
  repositories: ({ repositories }) => repositories && `in the working tree of ${listed(repositories, 'or')}`,
  hours: ({ hours }) => hours && listed(hours.map(hoursWords), 'or'),
  untilMs: ({ untilMs }, { zone }) => (untilMs === undefined ? undefined : `until ${instant(untilMs, zone)}`),
  approveWithinMs: ({ approveWithinMs }) =>
    approveWithinMs === undefined ? undefined : `waiting ${span(approveWithinMs)} at most for your answer`,
  allowPrivate: ({ allowPrivate }) => (allowPrivate === true ? 'also where the name leads to a private address' : undefined),
  ca: ({ ca }) =>
    ca === undefined ? undefined : `trusting ${certificates(ca)} of yours there and no public certificate authority`,
  pins: ({ pins }) =>
    pins && `only where ${pins.length === 1 ? 'the key' : `one of the ${pins.length} keys`} that you named answers`,
};

function partsOf(terms: Terms, reader: Reader): readonly Part[] {
  return (Object.keys(words) as FenceField[]).flatMap((of) => {
    const text = words[of](terms, reader);
    return text === undefined ? [] : [{ of, text }];
  });
}

/** One a field that limits or opens something, in the order in which they are said. */
export const fenceParts = (fence: Fence, reader: Reader = {}): readonly Part[] => partsOf(fence, reader);

const textOf = (parts: readonly Part[]): string =>
  parts.map(({ of, text }, index) => `${index === 0 ? '' : of === 'paths' ? ' ' : ', '}${text}`).join('');

/** `who`: the agent's scope. */
export function grantSentence(who: string, { fence, approve }: GrantedTerms, reader: Reader = {}): Sentence {
  const parts = fenceParts(fence, reader);
  if (!approve) return { who, parts, text: `${who} may call ${textOf(parts)}. It never sees the key.` };
  const all: readonly Part[] = [...parts, { of: 'approve', text: 'you approve each use' }];
  return { who, parts: all, text: `${who} may ask to call ${textOf(parts)}; you approve each use. It never sees the key.` };
}

/** Of an agent's leave to reach a host without a credential. */
export function egressSentence(who: string, { host, port, allowPrivate, ca, pins }: Omit<EgressRule, 'id' | 'agent'>): Sentence {
  const parts = partsOf({ hosts: [{ host, port }], allowPrivate, ca, pins }, {});
  const [where = '', ...how] = parts.map(({ text }) => text);
  return { who, parts, text: `${[`${who} may send anything to ${where}, without a credential`, ...how].join(', ')}.` };
}

/** Of what an agent may use all of its credentials for together. */
export function budgetSentence(who: string, { uses, bytes, concurrent }: BudgetLimits): Sentence {
  const parts = partsOf({ uses, bytes, concurrent }, {});
  return { who, parts, text: `${who} may use all of its credentials together ${textOf(parts)}.` };
}

/** Where the secret goes. */
export function attachWords(attach: Attach): string {
  switch (attach.kind) {
    case 'bearer':
      return 'as a bearer token';
    case 'basic':
      return attach.username === '' ? 'as a password without a user name' : `as the password of ${attach.username}`;
    case 'header':
      return `in the header ${attach.name}`;
    case 'query':
      return `in the query, as ${attach.name}`;
    case 'body':
      return `in the body, at ${attach.at}`;
  }
}

function methodsText(methods: Fence['methods']): string {
  const isUsual = methods.length === defaultMethods.length && defaultMethods.every((each) => methods.includes(each));
  return isUsual ? 'any usual method' : listed(methods, 'or');
}

function pathsText(paths: Fence['paths']): string {
  if (paths.includes('/**')) return 'anywhere';
  return listed(paths.map(pathText), 'or');
}

function pathText(glob: string): string {
  const below = /^((?:\/[^*]+)+)\/\*\*$/.exec(glob)?.[1];
  return below === undefined ? `at ${glob}` : `under ${below}`;
}

const place = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  port === 443 ? host : `${host}:${port}`;

function folder(signed: string, home: string | undefined): string {
  if (home === undefined || home === '/') return signed;
  if (signed === home) return '~';
  return signed.startsWith(`${home}/`) ? `~${signed.slice(home.length)}` : signed;
}

function saying(what: string, { arguments: named, others }: ArgumentLimits): string {
  const said = named.map(argumentWords);
  if (said.length === 0) return others ? `${what} whatever it likes` : `${what} nothing`;
  return `${what} ${listed(said)}${others ? ' and whatever else' : ' alone'}`;
}

function argumentWords({ at, optional, holds }: ArgumentLimits['arguments'][number]): string {
  const name = at.slice(1).includes('/') ? at : at.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
  const where = optional ? `optional ${name}` : name;
  switch (holds.kind) {
    case 'number':
      return holds.min === '0' ? `${where} up to ${holds.max}` : `${where} from ${holds.min} to ${holds.max}`;
    case 'text':
      return `${where} of ${holds.max} characters at most${holds.glob === '**' ? '' : ` like ${holds.glob}`}`;
    case 'oneOf':
      return `${where} ${listed(holds.values, 'or')}`;
    case 'scalar':
      return `${where} of any value`;
    case 'any':
      return `${where} with anything in it`;
  }
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function concurrentText(count: number): string {
  return count === 1 ? 'one at a time' : `${count} at once at most`;
}

/** "20 times an hour and 500 times in all". */
function amounts({ windows, total }: AmountLimits, amount: (count: number) => string): string {
  return listed([
    ...windows.map(({ max, windowMs }) => `${amount(max)} ${every(windowMs)}`),
    ...(total === undefined ? [] : [`${amount(total)} in all`]),
  ]);
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

function every(windowMs: number): string {
  const [name] = units.find(([, ms]) => windowMs === ms) ?? [];
  if (name === undefined) return `in ${span(windowMs)}`;
  return name === 'hour' ? 'an hour' : `a ${name}`;
}

/** In the largest unit of which it is a multiple. */
function span(ms: number): string {
  const [name, each] = units.find(([, unit]) => ms % unit === 0) ?? ['millisecond', 1];
  const count = ms / each;
  return count === 1 ? `one ${name}` : `${count} ${name}s`;
}

const shortDays: readonly string[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** "on weekdays 9–18 Berlin time". */
function hoursWords({ days, from, to, zone }: Hours): string {
  return `${daysWords(days)} ${clock({ from, to })} ${zoneWords(zone)}`;
}

function daysWords(days: readonly number[]): string {
  const written = days.join();
  if (days.length === 7) return 'every day';
  if (written === '1,2,3,4,5') return 'on weekdays';
  if (written === '0,6') return 'at weekends';
  return `on ${listed(days.map((each) => shortDays[each] ?? ''))}`;
}

function clock({ from, to }: Pick<Hours, 'from' | 'to'>): string {
  if (from === 0 && to === 24 * 60) return 'all day';
  const whole = from % 60 === 0 && to % 60 === 0;
  const text = whole ? `${from / 60}–${to / 60}` : spanText({ from, to }).replace('-', '–');
  return to > from ? text : `${text} the next day`;
}

/** The last part of a zone's name, by which people know it. */
function zoneWords(zone: string): string {
  const name = zone.split('/').at(-1) ?? zone;
  return zone.includes('/') && !zone.startsWith('Etc/') ? `${name.replaceAll('_', ' ')} time` : zone;
}

function certificates(pem: string): string {
  const count = pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  return count === 1 ? 'a certificate' : `${count} certificates`;
}
