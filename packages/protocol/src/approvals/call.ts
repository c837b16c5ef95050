// The call that is asked about, spec/approval.md: the digest that names it, and what a person is shown of it. Both come from one value, so that an
// answer counts for what was shown, to the last byte of the input.

import { toHex, utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { Json, ToolCall } from '../rules/call.ts';
import type { Act } from './ask.ts';

/** Deeper input is nobody's: harnesses nest a few levels. Bounds the recursion. */
const maxDepth = 64;

/** Throws `codec_limit` for input that is nested too deeply, `codec_shape` for a number that JSON has no text for. */
export function callDigest(
  primitives: Primitives,
  { agent, session }: { readonly agent: Uint8Array; readonly session: Uint8Array },
  { tool, harness, name, input }: Pick<ToolCall, 'tool' | 'harness' | 'name' | 'input'>,
): Uint8Array {
  const said = canonicalJson({ agent: toHex(agent), session: toHex(session), tool, harness, name, input }, 0);
  return primitives.sha256(utf8('holdfast/v1 call\0'), utf8(said)); // [APPROVAL-2]
}

/** Of a prompt that a harness told of: who has the words can show that these they were; short ones can be guessed by who has the record. [AUDIT-52] */
export function promptDigest(
  primitives: Primitives,
  { agent, session, trace }: { readonly agent: Uint8Array; readonly session: Uint8Array; readonly trace: Uint8Array },
  prompt: string,
): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 prompt\0'), agent, session, trace, utf8(prompt));
}

/**
 * All of the call: the command of a shell as it is and whatever else its input says, or the whole input. Throws `codec_limit`; what is too
 * long to be shown fails when the ask is encoded. [APPROVAL-3]
 */
export function actOf(
  { tool, harness, name, input, command }: ToolCall,
  where: { readonly directory?: string; readonly subagent?: string } = {},
): Act {
  const { directory, subagent } = where;
  const about = {
    kind: 'tool-call',
    tool,
    harness,
    name,
    ...(directory !== undefined && { directory }),
    ...(subagent !== undefined && { subagent }),
  } as const;
  if (command === undefined || input === null || typeof input !== 'object' || isList(input) || input['command'] !== command)
    return { ...about, text: canonicalJson(input, 0) };
  const { command: _shown, ...rest } = input;
  return { ...about, text: command, ...(Object.keys(rest).length > 0 && { rest: canonicalJson(rest, 0) }) };
}

/** What the digest of an act is of, as far as it is words. */
export function wordsOf(act: Act): string {
  if (act.kind === 'tool-call') return [act.name, act.text, act.rest ?? ''].join('\n');
  return JSON.stringify(act, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value));
}

/** As RFC 8785: no spaces, keys in the order of their UTF-16 units. Lone surrogates are escaped, so that two texts never look alike in UTF-8. */
function canonicalJson(value: Json, depth: number): string {
  if (depth > maxDepth) throw new HoldfastError('codec_limit', 'the call is nested too deeply');
  if (value === null || typeof value !== 'object') {
    const plain = JSON.stringify(value) as string | undefined;
    if (plain === undefined || (typeof value === 'number' && !Number.isFinite(value)))
      throw new HoldfastError('codec_shape', 'the call holds what is no JSON');
    return plain;
  }
  if (isList(value)) return `[${value.map((each) => canonicalJson(each, depth + 1)).join(',')}]`;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each, depth + 1)}`).join(',')}}`;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
