// node scripts/vectors/commitments.ts: vectors of spec/commitments.md: proofs, and what may be declared, one fault each; what patterns find.

import { commitmentText, commitmentValue, committedDigest, saltedDigest, saltOf } from '@holdfast/protocol/audit/commitment';
import { proofFile } from '@holdfast/protocol/audit/commitment-proof';
import { encodeEvent } from '@holdfast/protocol/audit/event';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import type { VectorEntry } from '@holdfast/testkit/vectors';
import { flipped, writeVectors } from './write.ts';

type Expect = VectorEntry['expect'];

const primitives = seededPrimitives('vectors/commitments');
const [fleet, agent, id] = [new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
const [key, nonce] = [primitives.random(32), primitives.random(16)];
const value = 'jane.doe@example.com';
const salt = saltOf(primitives, key, nonce);
const valueOf = (said: string, change: { readonly agent?: Uint8Array; readonly subject?: string } = {}) =>
  commitmentValue(primitives, { agent, subject: 'jane', salt, digest: committedDigest(primitives, utf8(said)), ...change });
const committed = commitmentText({ subject: 'jane', nonce, value: valueOf(value) });
const eventOf = (program: string) =>
  encodeEvent({
    kind: 'session-start',
    session: id,
    mode: 'sealed',
    program,
    v: 1,
    agent,
    sequence: 41,
    run: id,
    atMs: 1_790_000_000_000,
    monotonicUs: 1,
  });
const event = eventOf(`mail ${committed}`);
const proof = { fleet, event, subject: 'jane', salt };
const good = proofFile(proof);

const proofCase = (name: string, clause: string, expect: Expect, file: string, said = value) => ({
  name,
  clause,
  expect,
  file,
  value: said,
});
writeVectors('commitments/proofs', 'Proofs that a commitment of an event is of a value.', [
  proofCase('of the value that stood there', 'COMMIT-10', 'ok', good),
  proofCase('of another value', 'COMMIT-10', 'commitment_mismatch', good, 'john.doe@example.com'),
  proofCase('with a bit of the salt flipped', 'COMMIT-2', 'commitment_mismatch', proofFile({ ...proof, salt: flipped(salt, 9) })),
  proofCase('of another subject', 'COMMIT-2', 'commitment_mismatch', proofFile({ ...proof, subject: 'john' })),
  proofCase('of an event without one', 'COMMIT-10', 'commitment_mismatch', proofFile({ ...proof, event: eventOf('mail') })),
  proofCase(
    'of a commitment of another agent',
    'COMMIT-2',
    'commitment_mismatch',
    proofFile({
      ...proof,
      event: eventOf(commitmentText({ subject: 'jane', nonce, value: valueOf(value, { agent: new Uint8Array(16).fill(9) }) })),
    }),
  ),
  proofCase(
    'of one that is not whole',
    'COMMIT-1',
    'commitment_mismatch',
    proofFile({ ...proof, event: eventOf(committed.slice(0, -1)) }),
  ),
  proofCase('of no event', 'COMMIT-10', 'codec_shape', proofFile({ ...proof, event: Uint8Array.of(0xa0) })),
  proofCase('of another type', 'COMMIT-10', 'bundle_shape', good.replace('audit-reveal', 'audit-other')),
  proofCase('of a subject that is none', 'COMMIT-1', 'bundle_shape', good.replace('"jane"', '"Jane Doe"')),
  proofCase('with half a salt', 'COMMIT-10', 'bundle_shape', proofFile({ ...proof, salt: salt.slice(0, 16) })),
  proofCase('that is no JSON', 'COMMIT-10', 'bundle_shape', good.slice(2)),
]);

writeVectors('commitments/values', 'What a key, a nonce and a value make, all of them as they are computed.', [
  {
    name: 'a commitment and its salt',
    clause: 'COMMIT-2',
    expect: 'ok',
    ...{ key, nonce, agent, subject: 'jane', value, salt, text: committed },
  },
  {
    name: 'a digest under two keys',
    clause: 'COMMIT-6',
    expect: 'ok',
    keys: [toHex(key), toHex(new Uint8Array(32).fill(7))],
    digest: new Uint8Array(32).fill(8),
    salted: saltedDigest(primitives, [key, new Uint8Array(32).fill(7)], new Uint8Array(32).fill(8)),
  },
]);

const subject = (change: object = {}) => ({ subject: 'jane', values: [], like: [], ...change });
const declared = (name: string, clause: string, expect: Expect, personal: readonly object[]) => ({
  name,
  clause,
  expect,
  personal,
});
writeVectors('commitments/personal', 'What a policy may declare.', [
  declared('a value and a pattern', 'COMMIT-7', 'ok', [subject({ values: [value], like: ['*@*'] })]),
  declared('the shortest value', 'COMMIT-7', 'ok', [subject({ values: ['Li Wei'] })]),
  declared('a value that is too short', 'COMMIT-7', 'codec_shape', [subject({ values: ['Li We'] })]),
  declared('a value that is too long', 'COMMIT-7', 'codec_limit', [subject({ values: ['x'.repeat(257)] })]),
  declared('more bytes than characters', 'COMMIT-7', 'codec_limit', [subject({ values: ['é'.repeat(129)] })]),
  declared('too many values', 'COMMIT-7', 'codec_limit', [
    subject({ values: Array.from({ length: 33 }, (_, at) => `value ${at}`) }),
  ]),
  declared('a subject twice', 'COMMIT-7', 'codec_shape', [subject(), subject()]),
  declared('the subject of undeclared secrets', 'COMMIT-7', 'codec_shape', [subject({ subject: 'secret' })]),
  declared('a name of the vault', 'COMMIT-7', 'codec_shape', [subject({ subject: 'vault.0' })]),
  declared('a number', 'COMMIT-8', 'ok', [subject({ like: ['C-######'] })]),
  declared('a pattern with a space', 'COMMIT-8', 'codec_shape', [subject({ like: ['* @example.com'] })]),
  declared('anything', 'COMMIT-8', 'codec_shape', [subject({ like: ['***'] })]),
  declared('a run beside a letter', 'COMMIT-8', 'codec_shape', [subject({ like: ['*a@x'] })]),
  declared('a run beside a digit', 'COMMIT-8', 'codec_shape', [subject({ like: ['*#@'] })]),
  declared('three digits', 'COMMIT-8', 'codec_shape', [subject({ like: ['###'] })]),
]);

const found = (name: string, like: string, said: string, values: readonly string[]) => ({
  name,
  clause: 'COMMIT-8',
  expect: 'ok' as const,
  like,
  said,
  found: values,
});
writeVectors('commitments/patterns', 'What a pattern finds in a text, as it is committed.', [
  found('an address', '*@*', 'mail -c jane.doe@example.com,bob+x@example.org now', ['jane.doe@example.com', 'bob+x@example.org']),
  found('percent-encoded, in capitals', '*@*', '/u/JANE.DOE%40example.com/x', ['jane.doe@example.com']),
  found('of one domain', '*@example.com', 'a@example.com b@example.org', ['a@example.com']),
  found('a number', 'C-######', 'see c-123456 and C-12345', ['c-123456']),
  found('nothing', '*@*', 'no address @ all', []),
]);
