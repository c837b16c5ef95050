// The Merkle tree against other people's vectors and against itself.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import {
  Frontier,
  leafHash,
  proveConsistency,
  proveInclusion,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '@holdfast/protocol/primitives/merkle';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { share } from '@holdfast/testkit/shares';
import { externalVectors, noExternalVectors, outcomeOf } from '@holdfast/testkit/vectors';

const runs = { numRuns: share({ ci: 100, soak: 5000 }) };
const leaf = (text: string) => leafHash(nodePrimitives, new TextEncoder().encode(text));
const leaves = Array.from({ length: 70 }, (_, index) => leaf(`leaf ${index}`));
/** Some vectors have "don't care" in place of a root: hashed, so that equal ones stay equal and each has the right length. */
const hash = (base64: string) => {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  return bytes.length > 0 && bytes.length < 20 ? nodePrimitives.sha256(bytes) : bytes;
};
const refuses = (act: () => void) => assert.throws(act, (thrown) => codeOf(thrown) === 'proof_invalid');

/** Sizes of the vectors go to 2^64 - 1: what a double does not hold exactly becomes NaN, which the tree refuses. */
function readLossless<T>(file: string): T {
  const exact = readFileSync(file, 'utf8').replaceAll(/: ([0-9]{16,})/g, (whole, digits: string) =>
    Number.isSafeInteger(Number(digits)) ? whole : ': null',
  );
  return JSON.parse(exact) as T;
}
const size = (value: number | null) => value ?? Number.NaN;

describe('merkle vectors', { skip: noExternalVectors }, () => {
  const files = (kind: string) =>
    externalVectors === undefined ? [] : globSync(path.join(externalVectors, 'merkle', kind, '**/*.json'));

  it('[AUDIT-6] inclusion', async () => {
    type Case = {
      leafIdx: number | null;
      treeSize: number | null;
      root: string;
      leafHash: string;
      proof: string[] | null;
      desc: string;
      wantErr: boolean;
    };
    const found = files('inclusion');
    assert.equal(found.length, 98);
    for (const file of found) {
      const each = readLossless<Case>(file);
      const outcome = await outcomeOf(() =>
        verifyInclusion(nodePrimitives, {
          index: size(each.leafIdx),
          size: size(each.treeSize),
          leaf: hash(each.leafHash),
          root: hash(each.root),
          proof: (each.proof ?? []).map(hash),
        }),
      );
      assert.equal(outcome, each.wantErr ? 'proof_invalid' : 'ok', `${file}: ${each.desc}`);
    }
  });

  it('[AUDIT-7] consistency', async () => {
    type Case = {
      size1: number | null;
      size2: number | null;
      root1: string;
      root2: string;
      proof: string[] | null;
      desc: string;
      wantErr: boolean;
    };
    const found = files('consistency');
    assert.equal(found.length, 98);
    for (const file of found) {
      const each = readLossless<Case>(file);
      const outcome = await outcomeOf(() =>
        verifyConsistency(nodePrimitives, {
          from: { size: size(each.size1), root: hash(each.root1) },
          to: { size: size(each.size2), root: hash(each.root2) },
          proof: (each.proof ?? []).map(hash),
        }),
      );
      assert.equal(outcome, each.wantErr ? 'proof_invalid' : 'ok', `${file}: ${each.desc}`);
    }
  });
});

describe('tree', () => {
  it('[AUDIT-5] has the roots of RFC 6962', () => {
    assert.equal(toHex(rootOf(nodePrimitives, [])), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.equal(
      toHex(leafHash(nodePrimitives, new Uint8Array())),
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    const eight = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const hashes = eight.map((hex) => leafHash(nodePrimitives, new Uint8Array(Buffer.from(hex, 'hex'))));
    assert.equal(toHex(rootOf(nodePrimitives, hashes)), '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('proves all of its leaves and prefixes', () => {
    for (let total = 1; total <= leaves.length; total += 1) {
      const some = leaves.slice(0, total);
      const root = rootOf(nodePrimitives, some);
      for (let index = 0; index < total; index += 7) {
        const proof = proveInclusion(nodePrimitives, some, index);
        verifyInclusion(nodePrimitives, { index, size: total, leaf: some[index] ?? root, root, proof });
        refuses(() => verifyInclusion(nodePrimitives, { index, size: total, leaf: root, root: leaf('x'), proof }));
        if (total > 1)
          refuses(() =>
            verifyInclusion(nodePrimitives, { index: (index + 1) % total, size: total, leaf: some[index] ?? root, root, proof }),
          );
      }
      for (let from = 1; from <= total; from += 5) {
        const before = { size: from, root: rootOf(nodePrimitives, some.slice(0, from)) };
        const proof = proveConsistency(nodePrimitives, some, from);
        verifyConsistency(nodePrimitives, { from: before, to: { size: total, root }, proof });
        refuses(() =>
          verifyConsistency(nodePrimitives, { from: { ...before, root: leaf('x') }, to: { size: total, root }, proof }),
        );
        refuses(() => verifyConsistency(nodePrimitives, { from: before, to: { size: total, root }, proof: [...proof, root] }));
      }
    }
  });

  it('continues from a stored frontier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: leaves.length }), (cut) => {
        const first = new Frontier(nodePrimitives);
        for (const each of leaves.slice(0, cut)) first.append(each);
        const second = new Frontier(nodePrimitives, first.state());
        for (const each of leaves.slice(cut)) second.append(each);
        assert.deepEqual(second.root(), rootOf(nodePrimitives, leaves));
      }),
      runs,
    );
    assert.throws(
      () => new Frontier(nodePrimitives, { size: 3, peaks: [leaf('x')] }),
      (thrown) => codeOf(thrown) === 'codec_shape',
    );
  });

  it('goes past 32 bits', () => {
    const big = 2 ** 40;
    const frontier = new Frontier(nodePrimitives, { size: big, peaks: [leaf('big')] });
    frontier.append(leaf('next'));
    assert.equal(frontier.size, big + 1);
    assert.equal(frontier.state().peaks.length, 2);
    const proof = [leaf('big')];
    verifyInclusion(nodePrimitives, { index: big, size: big + 1, leaf: leaf('next'), root: frontier.root(), proof });
    refuses(() => verifyInclusion(nodePrimitives, { index: 0, size: big + 1, leaf: leaf('next'), root: frontier.root(), proof }));
  });
});
