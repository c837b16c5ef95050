// spec/vectors/commitments: proofs, declarations and patterns; and that a text can't forge, half show or hold up any of it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { plainAddresses, writeAct, readAct } from '@holdfast/protocol/audit/act';
import {
  betweenCommitments,
  commitmentsIn,
  commitmentText,
  commitmentValue,
  committedDigest,
  cutText,
  saltedDigest,
  saltOf,
  withoutForged,
} from '@holdfast/protocol/audit/commitment';
import { checkProof, readProof } from '@holdfast/protocol/audit/commitment-proof';
import { foundValue, patternOf, patternOfValue, personalData } from '@holdfast/protocol/audit/personal';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { share } from '@holdfast/testkit/shares';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

const runs = { numRuns: share({ ci: 300, soak: 20_000 }) };
const token = commitmentText({ subject: 'jane', nonce: primitives.random(16), value: primitives.random(32) });

describe('commitments', () => {
  for (const { name, clause, expect, file, value } of ownVectors<VectorEntry & { file: string; value: string }>(
    'commitments/proofs',
  ).entries) {
    it(`[${clause}] a proof ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => checkProof(primitives, readProof(file), utf8(value))), expect);
    });
  }

  type Made = VectorEntry & Record<'key' | 'nonce' | 'agent' | 'subject' | 'value' | 'salt' | 'text', string>;
  type Salted = VectorEntry & { keys: string[]; digest: string; salted: string };
  const [made, salted] = ownVectors<VectorEntry>('commitments/values').entries as unknown as [Made, Salted];
  it(`[${made.clause}] ${made.name} are as they are written`, () => {
    const [nonce, agent, salt] = [hex(made.nonce), hex(made.agent), saltOf(primitives, hex(made.key), hex(made.nonce))];
    const digest = committedDigest(primitives, utf8(made.value));
    const value = commitmentValue(primitives, { agent, subject: made.subject, salt, digest });
    assert.deepEqual(salt, hex(made.salt));
    assert.equal(commitmentText({ subject: made.subject, nonce, value }), made.text);
    assert.deepEqual(commitmentsIn(`x ${made.text} y`), [{ subject: made.subject, nonce, value }]);
  });
  it(`[${salted.clause}] ${salted.name} is as it is written`, () => {
    assert.deepEqual(saltedDigest(primitives, salted.keys.map(hex), hex(salted.digest)), hex(salted.salted));
  });

  it('[COMMIT-1] no text forges one, and none is shown by half', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(token, '[committed:', 'jane:', ']'))), (parts) => {
        assert.deepEqual(commitmentsIn(withoutForged(parts.join(''))), []);
      }),
      runs,
    );
    for (let length = '[committed:'.length; length < token.length; length += 1)
      assert.equal(cutText(`ab${token}`, length + 2), 'ab');
    assert.equal(cutText(`${token}xy`, token.length + 1), `${token}x`);
  });

  it('[COMMIT-1] what stands between them can be changed without touching one', () => {
    assert.equal(
      betweenCommitments(`a${token}b${token}`, (between) => between.toUpperCase()),
      `A${token}B${token}`,
    );
    assert.equal(plainAddresses(`https://x/${token}/?q=${token}`), `https://x/${token}/?_redacted_`);
    assert.equal(readAct(writeAct({ command: token }).act).command, token);
  });

  it('[COMMIT-5] what a cut went through does not stand in a record', () => {
    const secret = 'correct horse battery';
    for (let before = 16_384 - secret.length; before < 16_384; before += 1) {
      const squeezed = writeAct({ command: 'x'.repeat(before) + secret }, (said) =>
        said.replace(/^x+/, '').replaceAll(secret, '-'),
      );
      assert.ok(!squeezed.act.includes(secret.slice(0, 4)), squeezed.act);
    }
  });
});

describe('declared personal data', () => {
  for (const { name, clause, expect, personal } of ownVectors<VectorEntry & { personal: object[] }>('commitments/personal')
    .entries) {
    it(`[${clause}] ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => personalData.parse(personal as never, 'personal')), expect);
    });
  }

  type Pattern = VectorEntry & { like: string; said: string; found: string[] };
  for (const { name, clause, like, said, found } of ownVectors<Pattern>('commitments/patterns').entries) {
    it(`[${clause}] a pattern finds ${name}`, () => {
      assert.deepEqual(
        [...said.matchAll(patternOf(like))].map(([each]) => foundValue(each)),
        found,
      );
    });
  }

  it('[COMMIT-7] a short value is found in any case, with any space, and percent-encoded', () => {
    for (const said of ['Li Wei', 'LI  WEI', 'li_wei', 'li%20wei', 'Li+Wei']) {
      const pattern = patternOfValue('Li Wei');
      assert.equal(said.replaceAll(/ {2}/g, ' ').replaceAll(pattern, '-'), '-', said);
    }
    assert.equal('J%C3%B6 & jö'.replaceAll(patternOfValue('Jö'), '-'), '- & -');
  });
});
