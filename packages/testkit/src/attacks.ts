// What a hostile relay does, as scripts (hostile-relay.ts), each without a key that a relay does not have. Those that take a key say whose.

import {
  controlTopic,
  entryStatement,
  maxEntryBytes,
  parseEntry,
  type EntryStatement,
  type Head,
} from '@holdfast/protocol/blind/entry';
import type { RelayFrame, RequestKind } from '@holdfast/protocol/blind/frames';
import { signFreshness } from '@holdfast/protocol/blind/freshness';
import { bytes, bytesUpTo, encode, record } from '@holdfast/protocol/codec/schema';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Script, ToClient } from './hostile-relay.ts';

type Frame<K extends RelayFrame['kind']> = Extract<RelayFrame, { kind: K }>;

function instead<K extends RelayFrame['kind']>(
  kind: K,
  act: (frame: Frame<K>) => readonly ToClient[] | Promise<readonly ToClient[]>,
): Script {
  return { answer: (frame) => (frame.kind === kind ? act(frame as Frame<K>) : [frame]) };
}

/** One after the other: the second gets what the first left. */
export const both = (first: Script, second: Script): Script => ({
  answer: async (frame, line, asked) => {
    const passed: ToClient[] = [];
    for (const each of (await first.answer?.(frame, line, asked)) ?? [frame]) {
      passed.push(...(each instanceof Uint8Array ? [each] : ((await second.answer?.(each, line, asked)) ?? [each])));
    }
    return passed;
  },
});

/** Pages and pushes of entries, changed. A push that is left without entries is dropped. */
function entries(change: (wires: readonly Uint8Array[]) => readonly Uint8Array[]): Script {
  return {
    answer: (frame) => {
      if (frame.kind === 'entries') return [{ ...frame, entries: [...change(frame.entries)] }];
      if (frame.kind !== 'push-entry') return [frame];
      return change([frame.entry]).map((entry) => ({ ...frame, entry }));
    },
  };
}

/** Each entry in the place of another: what a relay can do with what it stores. */
export const reversed = entries((wires) => wires.toReversed());
export const doubled = entries((wires) => wires.flatMap((wire) => [wire, wire]));
export const withoutFirst = entries((wires) => (wires.length > 1 ? wires.slice(1) : wires));
export const replaced = (by: Uint8Array): Script => entries((wires) => wires.map(() => by));
/** The same entries with something changed that their author signed, and the signature as it was. */
export const retold = (change: (statement: EntryStatement) => Partial<EntryStatement>): Script =>
  entries((wires) => wires.map((wire) => resigned(wire, change(parseEntry(nodePrimitives, wire).statement))));

function resigned(wire: Uint8Array, changed: Partial<EntryStatement>): Uint8Array {
  const { statement, signature } = parseEntry(nodePrimitives, wire);
  return encode(record({ statement: bytesUpTo(maxEntryBytes), signature: bytes(64) }), {
    statement: encode(entryStatement, { ...statement, ...changed }),
    signature,
  });
}

/** The same entries, the first bit of their signatures flipped. */
export const flipped = entries((wires) =>
  wires.map((wire) => {
    const { signature } = parseEntry(nodePrimitives, wire);
    const at = Buffer.from(wire).lastIndexOf(signature);
    return wire.map((byte, index) => (index === at ? byte ^ 0x80 : byte));
  }),
);

/** Everything up to a position is shown and nothing after it, as if it did not exist. Freshness is not touched: that takes the relay's key. */
export function cutShort(position: number): Script {
  const kept = (wire: Uint8Array): boolean => parseEntry(nodePrimitives, wire).statement.position <= position;
  return {
    answer: (frame) => {
      if (frame.kind === 'push-entry') return kept(frame.entry) ? [frame] : [];
      if (frame.kind !== 'entries') return [frame];
      const shown = frame.entries.filter(kept);
      const last = shown.at(-1);
      const { kind, id } = frame;
      return [
        {
          kind,
          id,
          entries: shown,
          ...(last !== undefined && { head: { position, hash: parseEntry(nodePrimitives, last).hash } }),
        },
      ];
    },
  };
}

/** Says that there is more, and gives the same pages for ever. */
export const endless = instead('entries', (frame) => [{ ...frame, head: { position: 2 ** 40, hash: new Uint8Array(32) } }]);

/** The first freshness statement that it sees, for ever. */
export function replayedFreshness(): Script {
  let first: Uint8Array | undefined;
  return instead('freshness', (frame) => [{ ...frame, freshness: (first ??= frame.freshness) }]);
}

/** One statement for ever: what a relay kept of another time. */
export const staleFreshness = (freshness: Uint8Array): Script => instead('freshness', (frame) => [{ ...frame, freshness }]);

/** Freshness over the reader's nonce with whatever heads, signed with the key of a relay: the fleet's own, or not. */
export function signedFreshness(keys: Pick<KeyHolder, 'sign'>, fleet: Uint8Array, told: () => Head): Script {
  return {
    answer: async (frame, _line, asked) => {
      if (frame.kind !== 'freshness' || asked?.kind !== 'fresh') return [frame];
      const heads = [{ topic: controlTopic, ...told() }];
      return [{ ...frame, freshness: await signFreshness(keys, { v: 1, fleet, nonce: asked.nonce, atMs: Date.now(), heads }) }];
    },
  };
}

/** Answers with an error of the relay's choice. */
export const failing = (kind: RequestKind, code: string): Script => ({
  answer: (frame, _line, asked) =>
    asked?.kind === kind && 'id' in frame ? [{ kind: 'error', id: frame.id, code, message: 'because' }] : [frame],
});
/** Takes requests and answers none of them. */
export const silent = (...kinds: readonly RequestKind[]): Script => ({
  answer: (frame, _line, asked) => (asked !== undefined && kinds.includes(asked.kind) ? [] : [frame]),
});
/** Loses requests of these kinds on their way. */
export const dropping = (...kinds: readonly RequestKind[]): Script => ({
  request: (request) => (kinds.includes(request.kind) ? [] : [request]),
});
/** Says `ok` to writing and keeps nothing. */
export const swallowing = (...kinds: readonly RequestKind[]): Script => {
  const swallowed = new Set<string>(kinds);
  return {
    request: (request, line) => {
      if (!swallowed.has(request.kind)) return [request];
      line.toClient({ kind: 'ok', id: request.id });
      return [];
    },
  };
};

export const impostor = (key: Uint8Array): Script => instead('welcome', (frame) => [{ ...frame, relay: key }]);
export const lockboxes = (sealed: Uint8Array | undefined): Script =>
  instead('lockbox', ({ kind, id }) => [sealed === undefined ? { kind, id } : { kind, id, sealed }]);
export const accessLists = (access: Uint8Array): Script => instead('access', (frame) => [{ ...frame, access }]);

/** Everything twice, pushes in between answers as well. */
export const stuttering: Script = { answer: (frame) => ('id' in frame || frame.kind === 'welcome' ? [frame] : [frame, frame]) };

/** After an answer to `fresh`, what breaks the protocol. */
export const breaches: Readonly<Record<string, Script>> = {
  'what is no frame': instead('freshness', () => [Uint8Array.of(0xff, 0x00)]),
  'a frame longer than any': instead('freshness', () => [new Uint8Array(1024 * 1024 + 1)]),
  'an answer to nothing': instead('freshness', (frame) => [{ kind: 'ok', id: 2 ** 40 }, frame]),
  'an answer twice': instead('freshness', (frame) => [frame, frame]),
  'an answer of another kind': instead('freshness', ({ id }) => [{ kind: 'ok', id }]),
  'a second welcome': instead('freshness', (frame) => [
    frame,
    { kind: 'welcome', v: 1, relay: Uint8Array.of(4, ...new Uint8Array(64)), nonce: new Uint8Array(32) },
  ]),
};
