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

/** What a blotted credential is replaced by: one word, so that a command keeps its shape. */
export const blot = '_redacted_';

/** Each linear for any text. [AUDIT-26] */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/\bhf_[A-Za-z0-9_-]{43}/g, blot], // our own placeholders
  [/\bgh[opusr]_[A-Za-z0-9]{20,}/g, blot],
  [/\bgithub_pat_\w{20,}/g, blot],
  [/\bglpat-[\w-]{20,}/g, blot],
  [/\bsk-[\w-]{16,}/g, blot],
  [/\bxox[abeoprs]-[\w-]{10,}/g, blot],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}/g, blot],
  [/\bAIza[\w-]{35}/g, blot],
  [/\bnpm_[A-Za-z0-9]{36}/g, blot],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, blot],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\w+/=\s\\]*/g, blot],
  [/\b(bearer|basic|token)[ \t]+[\w+/=.~-]{8,}/gi, `$1 ${blot}`],
];

/** Secrets that have a known shape, and what stands behind a question mark in an address: never in a record. [AUDIT-26] */
export function blotted(said: string): string {
  return credentials.reduce((text, [pattern, by]) => text.replaceAll(pattern, by), said.replaceAll(address, withoutSecrets));
}

/** What a shell would take for one word with an address in it. */
const address = /\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s'"]+/gi;

function withoutSecrets(found: string): string {
  const [, scheme = '', authority = '', rest = ''] = /^([^:]*:\/\/)([^/?#]*)([^]*)$/.exec(found) ?? [];
  const at = authority.lastIndexOf('@');
  const host = at < 0 ? authority : `${blot}${authority.slice(at)}`;
  return `${scheme}${host}${rest.replace(/[?#][^]*$/, `?${blot}`)}`;
}

/** Longer ones are cut before they are searched: no record keeps more of them, and a megabyte is not searched for nothing. */
const searched = 4 * maxRecordedAct;

/** Room that each part may take of what the ones before it left. The command last but for paths: it is what grows. */
const order = ['server', 'mcpTool', 'method', 'url', 'command'] as const;
const room = { server: 200, mcpTool: 200, method: 60, url: 1024, command: 3000 } as const;
/** Braces, keys, quotes and commas of all parts. */
const frame = 120;

/** `actCut`: not all of it is there. Total for parts of any content and length. [AUDIT-27] */
export function writeAct(act: ActParts): { readonly act: string; readonly actCut?: true } {
  let left = maxRecordedAct - frame;
  let cut = false;
  const shortened = (said: string, most: number): string => {
    const taken = prefix(blotted(said.slice(0, searched)), Math.min(most, left));
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
