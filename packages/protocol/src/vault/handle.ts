// The life of a handle, spec/handle.md: made for one use of one credential for one request, presented once, dead after five minutes. Every
// presentation ends it: the right one consumes it, any other one refuses it. Time is the monotonic clock of the process that minted it.

import { concat, equalBytes, fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import { encode, integer, record, text } from '../codec/schema.ts';
import type { ErrorCode } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { RequestFacts } from './fence.ts';

export const handleBytes = 32;
export const handleLifeMs = 300_000;

/** Also of requests that no fence would let pass: longer than any head that an HTTP parser lets through. */
const anyText = text({ max: 64 * 1024 });
const boundFacts = record({ scheme: anyText, host: anyText, port: integer({ max: 65_535 }), method: anyText, path: anyText });

/** What a handle is bound to, and what an audit record keeps of a request whose path it leaves out. Throws `codec_limit` past any sane request. */
export function requestDigest(primitives: Primitives, { scheme, host, port, method, path }: RequestFacts): Uint8Array {
  return primitives.sha256(concat(utf8('holdfast/v1 request\0'), encode(boundFacts, { scheme, host, port, method, path }))); // [HANDLE-3]
}

/** The name of a handle in tables and records; knowing it does not give the handle. 16 bytes. */
export function handleId(primitives: Primitives, handle: Uint8Array): Uint8Array {
  return primitives.sha256(concat(utf8('holdfast/v1 handle\0'), handle)).slice(0, 16); // [HANDLE-2]
}

const textPrefix = 'hf_h_';

/** What an agent that asked for a handle is given, and puts where its credential's placeholder would stand. */
export const handleText = (handle: Uint8Array): string => textPrefix + toBase64url(handle); // [HANDLE-12]

/** The handle of such a text, or undefined. */
export function parseHandleText(text: string): Uint8Array | undefined {
  if (!text.startsWith(textPrefix)) return undefined;
  const handle = fromBase64url(text.slice(textPrefix.length));
  return handle?.length === handleBytes ? handle : undefined; // [HANDLE-12]
}

export interface HandleBinding {
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly grant: Uint8Array;
  /** `requestDigest` of the request it was minted for. */
  readonly request: Uint8Array;
}

export type HandleState =
  | { readonly kind: 'minted'; readonly binding: HandleBinding; readonly mintedAtMs: number }
  | { readonly kind: 'consumed' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused'; readonly code: ErrorCode };

export type Presentation = { readonly kind: 'consume' } | { readonly kind: 'refuse'; readonly code: ErrorCode };

/** `nowMs` is the monotonic clock's. */
export function minted(binding: HandleBinding, nowMs: number): HandleState {
  return { kind: 'minted', binding, mintedAtMs: nowMs };
}

/** True once a minted handle is past its life; a clock that runs backwards ends it too. */
export function isPastLife(state: HandleState, nowMs: number): boolean {
  if (state.kind !== 'minted') return false;
  const ageMs = nowMs - state.mintedAtMs;
  return !(ageMs >= 0 && ageMs < handleLifeMs); // [HANDLE-4] written so that NaN is past it
}

/** One presentation: the verdict, and the state that must be stored before anything else happens. Total. */
export function present(
  state: HandleState,
  by: HandleBinding,
  nowMs: number,
): { readonly next: HandleState; readonly verdict: Presentation } {
  const refuse = (code: ErrorCode, next: HandleState = { kind: 'refused', code }) => ({
    next,
    verdict: { kind: 'refuse', code } as const,
  });
  if (state.kind !== 'minted') return refuse('handle_used', state); // [HANDLE-5]
  if (isPastLife(state, nowMs)) return refuse('handle_expired', { kind: 'expired' }); // [HANDLE-4]
  const { binding } = state;
  const same =
    equalBytes(binding.session, by.session) &&
    equalBytes(binding.agent, by.agent) &&
    equalBytes(binding.grant, by.grant) &&
    equalBytes(binding.request, by.request);
  if (!same) return refuse('handle_foreign'); // [HANDLE-6]
  return { next: { kind: 'consumed' }, verdict: { kind: 'consume' } };
}
