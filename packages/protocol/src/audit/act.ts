// What of an agent's act stands in a record, spec/audit.md: its canonical parts as one line of JSON in printable ASCII, so that it can be shown on
// any terminal and read back to ask what other rules would have said. Credentials in it are blotted out first; then it is cut.

import { list, optional, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';

export const maxRecordedAct = 4096;

const parts = record({
  command: optional(text({ max: maxRecordedAct })),
  paths: optional(list(text({ max: maxRecordedAct }), { max: 64 })),
  url: optional(text({ max: maxRecordedAct })),
  method: optional(text({ max: 64 })),
  server: optional(text({ max: 256 })),
  mcpTool: optional(text({ max: 256 })),
});
/** The parts of a call that rules look at first. What it says or writes is left out: it is in the call's digest. */
export type ActParts = Infer<typeof parts>;

/** A record's `act`: parts that read back. */
export const recordedAct = refine(text({ max: maxRecordedAct, pattern: /^[\x20-\x7e]*$/ }), (value, path) => {
  readAct(value, path);
  return value;
});

/** Throws `codec_shape`. */
export function readAct(act: string, path = 'act'): ActParts {
  let value: unknown;
  try {
    value = JSON.parse(act);
  } catch (cause) {
    throw new HoldfastError('codec_shape', `${path}: parts of an act expected`, { cause });
  }
  return parts.parse(value as Parameters<typeof parts.parse>[0], path);
}

/**
 * A recorded act as people write it: the command, the paths, the request, the tool of a server. Printable ASCII as the record is: what that can't say stays
 * escaped, and a backslash is two, so that no two acts look alike.
 */
export function actInWords(act: string): string {
  const { command, paths = [], method, url, server, mcpTool } = readAct(act);
  const tool = server === undefined || mcpTool === undefined ? [server, mcpTool] : [`${server}/${mcpTool}`];
  return [...tool, method, url, command, paths.join(', ')]
    .filter((part) => part !== undefined && part !== '')
    .map((part) => escapedJson(part).slice(1, -1).replaceAll('\\"', '"'))
    .join(' ');
}

/** What a blotted credential is replaced by: one word, so that a command keeps its shape. */
export const blot = '_redacted_';

/** What becomes of a secret that was found. */
export type Replace = (secret: string) => string;
const blotOut: Replace = () => blot;

/** Our own: worth nothing outside of its session, and nobody has to prove that it stood there. */
const placeholder = /\bhf_[A-Za-z0-9_-]{43}/g;
export const withoutPlaceholders = (said: string): string => said.replaceAll(placeholder, blot);

/** Each linear for any text. What is captured is kept. [AUDIT-26] */
const credentials: readonly RegExp[] = [
  /()\bgh[opusr]_[A-Za-z0-9]{20,}/g,
  /()\bgithub_pat_\w{20,}/g,
  /()\bglpat-[\w-]{20,}/g,
  /()\bsk-[\w-]{16,}/g,
  /()\bxox[abeoprs]-[\w-]{10,}/g,
  /()\b(?:AKIA|ASIA)[A-Z0-9]{16}/g,
  /()\bAIza[\w-]{35}/g,
  /()\bnpm_[A-Za-z0-9]{36}/g,
  /()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\w+/=\s\\]*/g,
  /(\b(?:bearer|basic|token)[ \t]+)[\w+/=.~-]{8,}/gi,
];

/** Credentials that have a known shape. [AUDIT-26] */
export function withoutShapes(said: string, replace: Replace = blotOut): string {
  return credentials.reduce(
    (text, pattern) => text.replaceAll(pattern, (found: string, kept: string) => kept + replace(found.slice(kept.length))),
    withoutPlaceholders(said),
  );
}

/** What a shell would take for one word with an address in it. */
const address = /\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s'"]+/gi;

/** User names of addresses, and what stands behind a question mark in one. [AUDIT-26] */
export function plainAddresses(said: string, replace: Replace = blotOut): string {
  return said.replaceAll(address, (found) => {
    const [, scheme = '', authority = '', rest = ''] = /^([^:]*:\/\/)([^/?#]*)([^]*)$/.exec(found) ?? [];
    const at = authority.lastIndexOf('@');
    const host = at < 0 ? authority : `${replace(authority.slice(0, at))}${authority.slice(at)}`;
    return `${scheme}${host}${rest.replace(/[?#][^]*$/, `?${blot}`)}`;
  });
}

/** Never in a record. [AUDIT-26] */
export const blotted = (said: string): string => withoutShapes(plainAddresses(said));

/** Longer ones are cut before they are searched: no record keeps more of them, and a megabyte is not searched for nothing. */
const searched = 4 * maxRecordedAct;
/** What a cut may have gone through stands at the end, and goes with it. */
const cutThrough = 512;

const searchedIn = (said: string, redact: (said: string) => string): string =>
  said.length <= searched ? redact(said) : redact(said.slice(0, searched)).slice(0, -cutThrough);

/** Room that each part may take of what the ones before it left. The command last but for paths: it is what grows. */
const order = ['server', 'mcpTool', 'method', 'url', 'command'] as const;
const room = { server: 200, mcpTool: 200, method: 60, url: 1024, command: 3000 } as const;
/** Braces, keys, quotes and commas of all parts. */
const frame = 120;

/**
 * `actCut`: not all of it is there. Total for parts of any content and length. [AUDIT-27] `redact` takes out what must not stand in a record,
 * before anything is cut but what is too long to be searched.
 */
export function writeAct(
  act: ActParts,
  redact: (said: string) => string = blotted,
): { readonly act: string; readonly actCut?: true } {
  let left = maxRecordedAct - frame;
  let cut = false;
  const shortened = (said: string, most: number): string => {
    const taken = prefix(searchedIn(said, redact), Math.min(most, left));
    left -= taken.escaped;
    cut ||= taken.cut || said.length > searched;
    return taken.text;
  };
  const kept: Record<string, unknown> = {};
  for (const part of order) {
    const said = act[part];
    if (said !== undefined) kept[part] = shortened(said, room[part]);
  }
  if (act.paths !== undefined) {
    const paths: string[] = [];
    for (const each of act.paths) {
      if (left < 16) break;
      left -= 3;
      paths.push(shortened(each, left));
    }
    cut ||= paths.length < act.paths.length;
    kept['paths'] = paths;
  }
  return { act: escapedJson(kept), ...(cut && { actCut: true as const }) };
}

/** As much from the beginning as takes `most` characters once it is escaped. */
function prefix(said: string, most: number): { readonly text: string; readonly escaped: number; readonly cut: boolean } {
  let escaped = 0;
  for (let index = 0; index < said.length; index += 1) {
    const more = lengthIn(said.charCodeAt(index));
    if (escaped + more > most) return { text: said.slice(0, index), escaped, cut: true };
    escaped += more;
  }
  return { text: said, escaped, cut: false };
}

/** What a code unit takes in escaped JSON, at most. */
function lengthIn(unit: number): number {
  if (unit === 0x22 || unit === 0x5c) return 2;
  return unit >= 0x20 && unit <= 0x7e ? 1 : 6;
}

/** JSON in printable ASCII. */
function escapedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
