// node scripts/vectors/memory-versions.ts: vectors of spec/memory.md. Good bodies with the ids of what they say, and bodies with one fault each.

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { sealText } from '@holdfast/protocol/memory/text';
import { encodeBatch, memoryTopic, type Said, type SaidOf } from '@holdfast/protocol/memory/version';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { VectorEntry } from '@holdfast/testkit/vectors';
import { writeVectors } from './write.ts';

type Row = VectorEntry & Readonly<Record<string, unknown>>;

const fleet = new Uint8Array(32).fill(0xf1);
const author = new Uint8Array(16).fill(0xa1);
const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const key = new Uint8Array(32).fill(0x5e);
const place = { fleet, audience: 'fleet', nonce: id(0x11) };
const said = { claim: 'Deploys go through `make ship`.', detail: '', tags: ['deploy'], paths: ['Makefile'] };
const { sealed, hash } = await sealText(primitives, key, place, said);

const first: SaidOf<'write'> = {
  ...{ kind: 'write', nonce: id(0x11), before: [], of: 'procedure', source: 'tool', lineage: [id(1)], supersedes: [] },
  ...{ expiresAtMs: 1_790_000_000_000, text: hash },
};
const next: Said = { ...first, nonce: id(0x12), before: [id(2), id(3)], source: 'agent', validFromMs: 1, validUntilMs: 2 };
const others: readonly Said[] = [
  { kind: 'restore', nonce: id(0x13), before: [id(2)], version: id(3) },
  { kind: 'forget', nonce: id(0x14), memory: id(2), reason: 'wrong' },
  { kind: 'hold', nonce: id(0x15), memory: id(2), reason: '' },
  { kind: 'release', nonce: id(0x16), memory: id(2) },
  { kind: 'accept', nonce: id(0x17), version: id(2) },
];

const good = (name: string, clause: string, all: readonly Said[]): Row => {
  const { body, ids } = encodeBatch(primitives, { fleet, author }, all);
  return { name, clause, expect: 'ok', fleet, author, body, ids };
};
const faulty = (name: string, expect: 'codec_limit' | 'codec_shape', change: Readonly<Record<string, Value>>): Row => {
  const one = encodeValue({ ...first, ...change });
  return { name, clause: 'MEMORY-2', expect, fleet, author, body: encodeValue({ said: [one] }), ids: [] };
};

writeVectors('memory/versions', 'Bodies of entries in memory topics: the ids of what they say, or why they count for nothing.', [
  good('a first version', 'MEMORY-3', [first]),
  good('a version of two', 'MEMORY-3', [next]),
  good('all kinds in one entry', 'MEMORY-3', [first, next, ...others]),
  { name: 'nothing', clause: 'MEMORY-2', expect: 'codec_shape', fleet, author, body: encodeValue({ said: [] }), ids: [] },
  faulty('a source that there is not', 'codec_shape', { source: 'system' }),
  faulty('a kind of memory that there is not', 'codec_shape', { of: 'secret' }),
  faulty('a field more', 'codec_shape', { bedrock: true }),
  faulty('an id of 15 bytes', 'codec_shape', { before: [id(2).slice(1)] }),
  faulty('lineage of 65', 'codec_limit', { lineage: Array.from({ length: 65 }, () => id(1)) }),
  faulty('text instead of its hash', 'codec_shape', { text: utf8('words') }),
  faulty('a nonce that is a text', 'codec_shape', { nonce: 'nonce' }),
]);
writeVectors('memory/texts', 'A text, sealed; and the topic of its author.', [
  { name: 'a text', clause: 'MEMORY-4', expect: 'ok', key, ...place, sealed, hash, said },
  {
    name: 'a bit of it',
    clause: 'MEMORY-5',
    expect: 'memory_altered',
    key,
    ...place,
    sealed: sealed.with(3, (sealed[3] ?? 0) ^ 1),
    hash,
    said,
  },
  {
    name: 'in another scope',
    clause: 'MEMORY-4',
    expect: 'open_failed',
    key,
    ...place,
    audience: 'operators',
    sealed,
    hash,
    said,
  },
]);
writeVectors('memory/topics', 'Ids of memory topics.', [
  { name: 'of an author', clause: 'MEMORY-1', expect: 'ok', author, topic: memoryTopic(primitives, author) },
]);
