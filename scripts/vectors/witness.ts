// node scripts/vectors/witness.ts: vectors of spec/witness.md: published checkpoints and cosignatures, one fault each. Signatures are deterministic.

import type { LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { forkFile } from '@holdfast/protocol/audit/fork';
import {
  cosignatureLine,
  cosignedBytes,
  logLine,
  logName,
  logText,
  signLogHead,
  witnessKeyText,
  type LogHead,
} from '@holdfast/protocol/blind/log-note';
import { deviceWitness, vouchFor } from '@holdfast/protocol/blind/witness';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { ecdsaKeyId, joinNote, parseSignature, signatureLine } from '@holdfast/protocol/keys/note';
import { leafHash, rootOf } from '@holdfast/protocol/primitives/merkle';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/witness');
const [fleet, agent] = [new Uint8Array(32).fill(1), new Uint8Array(16).fill(2)];
const holder = await SoftwareKeyHolder.generate(primitives);
const stranger = await SoftwareKeyHolder.generate(primitives);
const key = holder.publicKeys.sign;
const head: LogHead = { origin: logName(primitives, fleet, agent), size: 3, root: new Uint8Array(32).fill(0x42) };
const lineBy = async (by: SoftwareKeyHolder, of: LogHead) =>
  logLine(primitives, of.origin, by.publicKeys.sign, await signLogHead(by, of));
const line = await lineBy(holder, head);
const noteOf = async (of: LogHead, by = holder) => joinNote(logText(of), [await lineBy(by, of)]);
const good = joinNote(logText(head), [line]);
const flippedLine = (of: string, bit: number): string => {
  const { name, keyId, signature } = parseSignature(of);
  return signatureLine(name, keyId, flipped(signature, bit));
};

const seed = new Uint8Array(32).fill(7);
const witness = { name: 'holdfast/relay/0123456789abcdef', key: await primitives.ed25519PublicKey(seed) };
const other = { ...witness, key: await primitives.ed25519PublicKey(new Uint8Array(32).fill(8)) };
const cosigned = async (atS: number, text = logText(head), by = witness) =>
  cosignatureLine(primitives, by, atS, await primitives.ed25519Sign(seed, cosignedBytes(text, atS)));
const cosignature = await cosigned(1_790_000_000);
const withLines = (...lines: string[]) => joinNote(logText(head), [line, ...lines]);
const witnessKey = witnessKeyText(primitives, witness);
/** A line by somebody whom no reader knows. */
const unknown = signatureLine('example.com/other', new Uint8Array(4).fill(9), new Uint8Array(70).fill(9));

const noteCase = (
  name: string,
  clause: string,
  expect: 'ok' | 'audit_forged' | 'codec_shape',
  note: string,
  laterKey?: Uint8Array,
) => ({
  name,
  clause,
  expect,
  fleet,
  agent,
  key,
  ...(laterKey !== undefined && { laterKey }),
  note,
});
const rotated = await SoftwareKeyHolder.generate(primitives);
const laterKey = rotated.publicKeys.sign;
const laterLine = await lineBy(rotated, head);
writeVectors(
  'witness/notes',
  'Published checkpoints, each against the key of the agent whose log it should be of, and the one that it had later where there is one.',
  [
    noteCase('as it is published', 'WITNESS-4', 'ok', good),
    noteCase('with a witness and a stranger below', 'WITNESS-1', 'ok', withLines(cosignature, unknown)),
    noteCase('by another key', 'WITNESS-4', 'audit_forged', await noteOf(head, stranger)),
    noteCase(
      'with a bit of the signature flipped',
      'WITNESS-4',
      'audit_forged',
      joinNote(logText(head), [flippedLine(line, 300)]),
    ),
    noteCase('with a good line and a bad one', 'WITNESS-4', 'audit_forged', withLines(flippedLine(line, 300))),
    noteCase(
      'another size over the same signature',
      'WITNESS-4',
      'audit_forged',
      joinNote(logText({ ...head, size: 4 }), [line]),
    ),
    noteCase(
      'by a stranger who takes the name',
      'WITNESS-4',
      'audit_forged',
      joinNote(logText(head), [await lineBy(stranger, head)]),
    ),
    noteCase(
      "under the key's id and another name",
      'WITNESS-4',
      'audit_forged',
      joinNote(logText(head), [signatureLine('holdfast/log/other', ecdsaKeyId(primitives, key), parseSignature(line).signature)]),
    ),
    noteCase('by the later of two keys', 'WITNESS-4', 'ok', joinNote(logText(head), [laterLine]), laterKey),
    noteCase('by both of two keys', 'WITNESS-4', 'ok', withLines(laterLine), laterKey),
    noteCase(
      'by a key, with a bad line of the later one',
      'WITNESS-4',
      'audit_forged',
      withLines(flippedLine(laterLine, 300)),
      laterKey,
    ),
    noteCase(
      'by the later of two keys, with a bad line of the other',
      'WITNESS-4',
      'audit_forged',
      joinNote(logText(head), [laterLine, flippedLine(line, 300)]),
      laterKey,
    ),
    noteCase(
      'of another log',
      'WITNESS-2',
      'audit_forged',
      await noteOf({ ...head, origin: logName(primitives, fleet, new Uint8Array(16).fill(3)) }),
    ),
    noteCase('without a blank line', 'WITNESS-1', 'codec_shape', good.replace('\n\n', '\n')),
    noteCase('without a signature', 'WITNESS-1', 'codec_shape', `${logText(head)}\n`),
    noteCase('without a last line feed', 'WITNESS-1', 'codec_shape', good.slice(0, -1)),
    noteCase('with carriage returns', 'WITNESS-1', 'codec_shape', good.replaceAll('\n', '\r\n')),
    noteCase('with a line that is no signature', 'WITNESS-1', 'codec_shape', `${good}hello\n`),
    noteCase('with a line further in its text', 'WITNESS-3', 'codec_shape', good.replace('\n\n', '\nmore\n\n')),
    noteCase('with a size that begins with 0', 'WITNESS-3', 'codec_shape', good.replace('\n3\n', '\n03\n')),
    noteCase('with no size', 'WITNESS-3', 'codec_shape', good.replace('\n3\n', '\n0\n')),
    noteCase('with a short root', 'WITNESS-3', 'codec_shape', good.replace(/\n3\n.*\n/, '\n3\nQUJD\n')),
  ],
);

const seen = (name: string, expect: 'ok' | 'signature_invalid', note: string, atS: number | null) => ({
  name,
  clause: 'WITNESS-6',
  expect,
  note,
  witness: witnessKey,
  atS,
});
writeVectors('witness/cosignatures', 'When the witness of `witness` saw the checkpoint; null: it did not.', [
  seen('once', 'ok', withLines(cosignature), 1_790_000_000),
  seen('twice, the newest last', 'ok', withLines(cosignature, await cosigned(1_790_000_060)), 1_790_000_060),
  seen('twice, the newest first', 'ok', withLines(await cosigned(1_790_000_060), cosignature), 1_790_000_060),
  seen('not at all', 'ok', good, null),
  seen('by another key of its name', 'ok', withLines(await cosigned(1_790_000_000, logText(head), other)), null),
  seen('over another size', 'signature_invalid', withLines(await cosigned(1_790_000_000, logText({ ...head, size: 4 }))), null),
  seen('at another time', 'signature_invalid', withLines(flippedLine(cosignature, 63)), null),
  seen('with a bit of the signature flipped', 'signature_invalid', withLines(flippedLine(cosignature, 100)), null),
  seen('at no time', 'signature_invalid', withLines(await cosigned(0)), null),
]);

const device = await SoftwareKeyHolder.generate(primitives);
const deviceKey = device.publicKeys.sign;
const ours = deviceWitness(primitives, witness.key);
const byDevice = await cosigned(1_790_000_000, logText(head), ours);
const [note, vouch] = [withLines(byDevice), await vouchFor(device, ours)];
const deviceCase = (
  name: string,
  clause: string,
  expect: 'ok' | 'audit_forged' | 'codec_truncated' | 'signature_invalid' | 'witness_missing',
  change: { readonly note?: string; readonly vouch?: Uint8Array },
) => ({ name, clause, expect, fleet, agent, key, deviceKey, note, vouch, ...change });
writeVectors(
  'witness/devices',
  "What an operator's device has cosigned and its word for the key, against the keys of agent and device.",
  [
    deviceCase('as a device leaves it', 'WITNESS-18', 'ok', {}),
    deviceCase("with the relay's line", 'WITNESS-22', 'ok', { note: withLines(cosignature, byDevice) }),
    deviceCase('the word of another device', 'WITNESS-18', 'signature_invalid', { vouch: await vouchFor(stranger, ours) }),
    deviceCase('the word for another key', 'WITNESS-22', 'witness_missing', {
      vouch: await vouchFor(device, deviceWitness(primitives, other.key)),
    }),
    deviceCase('a key under the name of another', 'WITNESS-18', 'signature_invalid', {
      note: withLines(cosignature),
      vouch: await vouchFor(device, witness),
    }),
    deviceCase('a word with a bit flipped', 'WITNESS-18', 'signature_invalid', { vouch: flipped(vouch, 8 * vouch.length - 100) }),
    deviceCase('a word cut off', 'WITNESS-18', 'codec_truncated', { vouch: vouch.slice(0, -1) }),
    deviceCase('cosigned by nobody', 'WITNESS-22', 'witness_missing', { note: good }),
    deviceCase('cosigned by the relay alone', 'WITNESS-22', 'witness_missing', { note: withLines(cosignature) }),
    deviceCase('a cosignature with a bit flipped', 'WITNESS-6', 'signature_invalid', {
      note: withLines(flippedLine(byDevice, 100)),
    }),
    deviceCase('over another size', 'WITNESS-6', 'signature_invalid', {
      note: withLines(await cosigned(1_790_000_000, logText({ ...head, size: 4 }), ours)),
    }),
    deviceCase('a checkpoint by another agent', 'WITNESS-22', 'audit_forged', {
      note: joinNote(logText(head), [await lineBy(stranger, head), byDevice]),
    }),
  ],
);

const leavesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, nth) => leafHash(primitives, utf8(`${name} ${nth}`)));
const [truth, rewritten] = [leavesOf('true', 21), [...leavesOf('true', 5), ...leavesOf('other', 16)]];
const noteAt = (leaves: readonly Uint8Array[], size: number, by = holder, origin = head.origin) =>
  noteOf({ origin, size, root: rootOf(primitives, leaves.slice(0, size)) }, by);
const whose = { fleet, agent, agentKey: key };
const fork = (older: string, newer: string, leaves: readonly Uint8Array[], log: LogIdentity = whose): string =>
  forkFile(primitives, log, { older, newer, leaves }) ?? '';
const forked = fork(await noteAt(truth, 7), await noteAt(rewritten, 21), rewritten);
const changed = (change: (said: { older: string; newer: string; subtrees: string[] }) => object): string => {
  const said = JSON.parse(forked) as { older: string; newer: string; subtrees: string[] };
  return `${JSON.stringify({ ...said, ...change(said) })}\n`;
};
const rotatedKeys = { ...whose, agentKey: laterKey, earlierKeys: [key] };
const forkCase = (
  name: string,
  expect: 'ok' | 'audit_forged' | 'bundle_shape' | 'codec_shape' | 'proof_invalid',
  file: string,
) => ({
  name,
  clause: 'WITNESS-15',
  expect,
  file,
});
writeVectors('witness/forks', 'Files that should prove that a log has two histories, under the keys that each names itself.', [
  forkCase('another history, grown', 'ok', forked),
  forkCase('two histories of one size', 'ok', fork(await noteAt(truth, 13), await noteAt(rewritten, 13), rewritten)),
  forkCase('sizes that are powers of two', 'ok', fork(await noteAt(truth, 8), await noteAt(rewritten, 16), rewritten)),
  forkCase(
    'published under two of its keys',
    'ok',
    fork(await noteAt(truth, 7), await noteAt(rewritten, 21, rotated), rewritten, rotatedKeys),
  ),
  forkCase('one history', 'proof_invalid', fork(await noteAt(truth, 7), await noteAt(truth, 21), truth)),
  forkCase('one history up to the older', 'proof_invalid', fork(await noteAt(truth, 5), await noteAt(rewritten, 21), rewritten)),
  forkCase('one checkpoint twice', 'proof_invalid', fork(await noteAt(truth, 7), await noteAt(truth, 7), truth)),
  forkCase(
    'the newer first',
    'proof_invalid',
    changed(({ older, newer }) => ({ older: newer, newer: older })),
  ),
  forkCase(
    'without its last subtree',
    'proof_invalid',
    changed(({ subtrees }) => ({ subtrees: subtrees.slice(0, -1) })),
  ),
  forkCase(
    'with a subtree more',
    'proof_invalid',
    changed(({ subtrees }) => ({ subtrees: [...subtrees, ...subtrees.slice(-1)] })),
  ),
  forkCase(
    'without any subtree',
    'proof_invalid',
    changed(() => ({ subtrees: [] })),
  ),
  forkCase(
    'with a subtree of the older tree',
    'proof_invalid',
    changed(({ subtrees }) => ({
      subtrees: [
        toHex(rootOf(primitives, truth.slice(0, 4))),
        toHex(rootOf(primitives, truth.slice(4, 6))),
        ...subtrees.slice(2),
      ],
    })),
  ),
  forkCase('by somebody else', 'audit_forged', fork(await noteAt(truth, 7, stranger), await noteAt(rewritten, 21), rewritten)),
  forkCase(
    'a note over another root',
    'audit_forged',
    changed(({ newer }) => ({ newer: newer.replace('\n21\n', '\n20\n') })),
  ),
  forkCase(
    'of two logs',
    'audit_forged',
    fork(
      await noteAt(truth, 7, holder, logName(primitives, fleet, new Uint8Array(16).fill(3))),
      await noteAt(rewritten, 21),
      rewritten,
    ),
  ),
  forkCase(
    'with a note that is none',
    'codec_shape',
    changed(() => ({ older: 'hello' })),
  ),
  forkCase(
    'with a subtree that is no hash',
    'bundle_shape',
    changed(({ subtrees }) => ({ subtrees: subtrees.with(0, '00') })),
  ),
  forkCase(
    'without subtrees',
    'bundle_shape',
    changed(() => ({ subtrees: undefined })),
  ),
]);
