// The Merkle tree over audit records, spec/audit.md: RFC 6962 §2.1 with SHA-256. A writer keeps only the frontier; a verifier recomputes it
// from the records; proofs are made from leaf hashes and checked as RFC 9162 §2.1.3 and §2.1.4 say. Sizes are safe integers, never 32-bit.

import { equalBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from './primitives.ts';

const hashBytes = 32;

/** RFC 6962 §2.1: the prefixes keep a leaf from passing for a node. */
export function leafHash(primitives: Primitives, leaf: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + leaf.length);
  input.set(leaf, 1);
  return primitives.sha256(input); // [AUDIT-5]
}

/** One for all calls: hashing is synchronous and retains nothing. */
const nodeInput = new Uint8Array(1 + 2 * hashBytes);
nodeInput[0] = 1;

function nodeHash(primitives: Primitives, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return primitives.sha256(nodeInput); // [AUDIT-5]
}

function fault(why: string): never {
  throw new HoldfastError('proof_invalid', `Merkle proof does not hold: ${why}`);
}

/** All that appending needs: the roots of the complete subtrees, largest first; one for each 1 in the binary form of the size. */
export class Frontier {
  private readonly primitives: Primitives;
  private readonly peaks: Uint8Array[];
  private leaves: number;

  constructor(
    primitives: Primitives,
    from: { readonly size: number; readonly peaks: readonly Uint8Array[] } = { size: 0, peaks: [] },
  ) {
    this.primitives = primitives;
    this.leaves = from.size;
    this.peaks = [...from.peaks];
    let ones = 0;
    for (let rest = from.size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
    if (ones !== this.peaks.length) throw new HoldfastError('codec_shape', 'frontier does not fit its size');
  }

  get size(): number {
    return this.leaves;
  }

  /** A copy that may be stored; `new Frontier` takes it back. */
  state(): { readonly size: number; readonly peaks: readonly Uint8Array[] } {
    return { size: this.leaves, peaks: [...this.peaks] };
  }

  /** A leaf's hash, or the root of the next `width` leaves: a power of two that divides the size. */
  append(leaf: Uint8Array, width = 1): void {
    let joined = leaf;
    for (let rest = this.leaves / width; rest % 2 === 1; rest = (rest - 1) / 2) {
      joined = nodeHash(this.primitives, this.peaks.pop() ?? joined, joined);
    }
    this.peaks.push(joined);
    this.leaves += width;
  }

  /** RFC 6962: the hash of the empty string for the empty tree. */
  root(): Uint8Array {
    const [last, ...larger] = this.peaks.toReversed();
    if (last === undefined) return this.primitives.sha256();
    return larger.reduce((right, left) => nodeHash(this.primitives, left, right), last);
  }
}

/** The largest power of two below `size` (size ≥ 2). */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export function rootOf(primitives: Primitives, leaves: readonly Uint8Array[]): Uint8Array {
  const frontier = new Frontier(primitives);
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

/** Leaves `from` to before `to`, a subtree. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** RFC 6962 §2.1.1: whose roots a proof is made of, in its order. Throws `usage` for an index outside. */
export function inclusionSpans(index: number, size: number): Span[] {
  if (!(index >= 0 && index < size)) throw new HoldfastError('usage', 'no such leaf');
  const walk = (from: number, to: number): Span[] => {
    if (to - from === 1) return [];
    const middle = from + split(to - from);
    return index < middle ? [...walk(from, middle), { from: middle, to }] : [...walk(middle, to), { from, to: middle }];
  };
  return walk(0, size);
}

/** RFC 6962 §2.1.2: that the tree of `older` leaves is a prefix of that of `size`; none when it is all. Throws `usage` for size 0. */
export function consistencySpans(older: number, size: number): Span[] {
  if (!(older > 0 && older <= size)) throw new HoldfastError('usage', 'no such size');
  const walk = (from: number, to: number, whole: boolean): Span[] => {
    if (older === to) return whole ? [] : [{ from, to }];
    const middle = from + split(to - from);
    if (older <= middle) return [...walk(from, middle, whole), { from: middle, to }];
    return [...walk(middle, to, false), { from, to: middle }];
  };
  return walk(0, size, true);
}

/** The complete subtrees of a span whose beginning is a multiple of the largest of them: one for each 1 in the binary form of its length, largest first. */
export function completeSpans({ from, to }: Span): Span[] {
  const spans: Span[] = [];
  for (let at = from; at < to; at = spans.at(-1)?.to ?? to) spans.push({ from: at, to: at + split(to - at + 1) });
  return spans;
}

/** The complete subtrees of a tree of `size` leaves of which none holds leaves before and after `older`: their roots, one after the other, make both roots. */
export function divided(older: number, size: number): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from < size; from = spans.at(-1)?.to ?? size) {
    const end = from < older ? older : size;
    let width = 1;
    while (from % (2 * width) === 0 && from + 2 * width <= end) width *= 2;
    spans.push({ from, to: from + width });
  }
  return spans;
}

/** Over leaf hashes; work grows with their number. Throws `usage` for an index outside. */
export function proveInclusion(primitives: Primitives, leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return inclusionSpans(index, leaves.length).map(({ from, to }) => rootOf(primitives, leaves.slice(from, to)));
}

/** Over leaf hashes; work grows with their number. Throws `usage` for size 0. */
export function proveConsistency(primitives: Primitives, leaves: readonly Uint8Array[], size: number): Uint8Array[] {
  return consistencySpans(size, leaves.length).map(({ from, to }) => rootOf(primitives, leaves.slice(from, to)));
}

const half = (value: number) => Math.floor(value / 2);

function assertSizes(...sizes: readonly number[]): void {
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) fault('a size is not a safe integer');
}

function assertHashes(hashes: readonly Uint8Array[]): void {
  if (!hashes.every((hash) => hash.length === hashBytes)) fault('a hash is not of 32 bytes');
}

/** RFC 9162 §2.1.3.2. Returns nothing or throws `proof_invalid`. */
export function verifyInclusion(
  primitives: Primitives,
  {
    index,
    size,
    leaf,
    root,
    proof,
  }: { index: number; size: number; leaf: Uint8Array; root: Uint8Array; proof: readonly Uint8Array[] },
): void {
  assertSizes(index, size);
  assertHashes([leaf, root, ...proof]);
  if (index >= size) fault('the index lies outside');
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) fault('it is too long');
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(primitives, sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(primitives, hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) fault('it is too short');
  if (!equalBytes(hash, root)) fault('another root'); // [AUDIT-6]
}

/** RFC 9162 §2.1.4.2; equal sizes have equal roots and an empty proof. From size 0 nothing can be proved. Throws `proof_invalid`. */
export function verifyConsistency(
  primitives: Primitives,
  {
    from,
    to,
    proof,
  }: { from: { size: number; root: Uint8Array }; to: { size: number; root: Uint8Array }; proof: readonly Uint8Array[] },
): void {
  assertSizes(from.size, to.size);
  assertHashes([from.root, to.root, ...proof]);
  if (from.size === 0 || from.size > to.size) fault('the sizes do not grow');
  if (from.size === to.size) {
    if (proof.length > 0) fault('it is too long');
    if (!equalBytes(from.root, to.root)) fault('another root');
    return;
  }
  const [start, ...path] = isPowerOfTwo(from.size) ? [from.root, ...proof] : proof;
  if (start === undefined) return fault('it is empty');
  let [node, last] = [from.size - 1, to.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [older, newer] = [start, start];
  for (const sibling of path) {
    if (last === 0) fault('it is too long');
    if (node % 2 === 1 || node === last) {
      older = nodeHash(primitives, sibling, older);
      newer = nodeHash(primitives, sibling, newer);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      newer = nodeHash(primitives, newer, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) fault('it is too short');
  if (!equalBytes(older, from.root) || !equalBytes(newer, to.root)) fault('another root'); // [AUDIT-7]
}

function isPowerOfTwo(value: number): boolean {
  return split(value + 1) === value;
}
