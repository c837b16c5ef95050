// An act in a record: no credential of a known shape, nothing that a terminal obeys, never too long, and it reads back.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { actInWords, blot, blotted, maxRecordedAct, readAct, writeAct, type ActParts } from '@holdfast/protocol/audit/act';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { placeholderFor } from '@holdfast/protocol/vault/placeholder';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 300, soak: 20_000 }) };
const letters = 'aB3'.repeat(40);
const placeholder = placeholderFor(nodePrimitives, nodePrimitives.random(32), nodePrimitives.random(16));

/** Where the secret stands, and what is left of the text. */
const secrets: readonly (readonly [string, string])[] = [
  [placeholder, blot],
  [`ghp_${letters.slice(0, 36)}`, blot],
  [`github_pat_${letters.slice(0, 82)}`, blot],
  [`glpat-${letters.slice(0, 20)}`, blot],
  [`sk-ant-api03-${letters.slice(0, 40)}`, blot],
  [`xoxb-${letters.slice(0, 24)}`, blot],
  ['AKIA' + 'Q3XYZABC'.repeat(2), blot],
  [`npm_${letters.slice(0, 36)}`, blot],
  [`eyJhbGciOiJIUzI1NiJ9.${letters.slice(0, 30)}.${letters.slice(0, 20)}`, blot],
  [`https://user:${letters.slice(0, 12)}@example.com/x`, `https://${blot}@example.com/x`],
  [`https://example.com/x?key=${letters.slice(0, 12)}`, `https://example.com/x?${blot}`],
  [`postgres://u:p@w@db.example/x`, `postgres://${blot}@db.example/x`],
  ['Authorization: Bearer ' + letters.slice(0, 20), `Authorization: Bearer ${blot}`],
];

const anyAct: fc.Arbitrary<ActParts> = fc.record(
  {
    command: fc.string({ unit: 'binary', maxLength: 6000 }),
    paths: fc.array(fc.string({ unit: 'binary', maxLength: 2000 }), { maxLength: 20 }),
    url: fc.string({ unit: 'binary', maxLength: 4000 }),
    method: fc.string({ unit: 'binary', maxLength: 200 }),
    server: fc.string({ unit: 'binary', maxLength: 400 }),
    mcpTool: fc.string({ unit: 'binary', maxLength: 400 }),
  },
  { requiredKeys: [] },
);

describe('acts in records', () => {
  it('[AUDIT-26]: credentials of known shapes, user names and queries never stand in one', () => {
    for (const [secret, left] of secrets) {
      assert.equal(blotted(`run '${secret}' now`), `run '${left}' now`);
      assert.equal(readAct(writeAct({ command: `run '${secret}' now` }).act).command, `run '${left}' now`);
      assert.deepEqual(readAct(writeAct({ paths: [`/x/${secret}`] }).act).paths, [`/x/${left}`]);
    }
    const key = `-----BEGIN PRIVATE KEY-----\n${letters}\n${letters}\n-----END PRIVATE KEY-----`;
    assert.ok(!blotted(`echo '${key}'`).includes(letters));
  });

  it('[AUDIT-26]: ordinary commands stay as they are', () => {
    for (const command of ['git commit -m "fix: basic token refresh"', 'rm -rf "$X"/*', 'ls a?b', 'echo ünï\n\tx', 'sk-x hf_y'])
      assert.deepEqual(readAct(writeAct({ command }).act), { command });
  });

  it('[AUDIT-27]: whatever the parts are, it fits, is printable, reads back, and says when it was cut', () => {
    fc.assert(
      fc.property(anyAct, (given) => {
        const { act, actCut } = writeAct(given);
        assert.ok(act.length <= maxRecordedAct);
        assert.match(act, /^[\x20-\x7e]*$/);
        const back = readAct(act);
        assert.deepEqual(Object.keys(back).toSorted(), Object.keys(given).toSorted());
        if (actCut === true) return;
        assert.equal(back.command, given.command && blotted(given.command));
        assert.deepEqual(back.paths, given.paths?.map(blotted));
      }),
      runs,
    );
    const { act, actCut } = writeAct({ command: 'é'.repeat(1_000_000), paths: ['/etc/passwd'] });
    assert.equal(actCut, true);
    assert.ok(act.length <= maxRecordedAct);
    assert.deepEqual(readAct(act).paths, ['/etc/passwd']);
  });

  it('are told as people write them, and what a terminal would obey stays escaped', () => {
    const words = (act: ActParts): string => actInWords(writeAct(act).act);
    assert.equal(words({ command: 'git commit -m "a b"' }), 'git commit -m "a b"');
    assert.equal(words({ paths: ['/a', '/b c'] }), '/a, /b c');
    assert.equal(words({ method: 'POST', url: 'https://example.com/x' }), 'POST https://example.com/x');
    assert.equal(words({ server: 'github', mcpTool: 'create_issue' }), 'github/create_issue');
    assert.equal(words({ server: 'github' }), 'github');
    assert.equal(words({}), '');
    assert.equal(words({ command: 'printf "\\n"\n\u001b[2J\u202e' }), 'printf "\\\\n"\\n\\u001b[2J\\u202e');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }), (one, other) => {
        const [a, b] = [words({ command: one }), words({ command: other })];
        assert.match(a, /^[\x20-\x7e]*$/);
        assert.equal(a === b, blotted(one) === blotted(other));
      }),
      runs,
    );
  });
});
