// node scripts/vectors/audit-shipping.ts: vectors of spec/audit-shipping.md. What a relay may make of the pieces of one log, one fault each; the same
// again on every run.

import { logOrigin, readCheckpoint, signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { encodeEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { openSegment, prunedSegment, SegmentSealer } from '@holdfast/protocol/audit/segment';
import { Frontier, leafHash } from '@holdfast/protocol/primitives/merkle';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('audit shipping vectors');
const atMs = Date.UTC(2026, 0, 1);
const [fleet, agent, run] = [new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
const [custody, sessionKey] = [await SoftwareKeyHolder.generate(primitives), await SoftwareKeyHolder.generate(primitives)];
const certificate = await certifySessionKey(custody, {
  v: 1,
  fleet,
  agent,
  key: sessionKey.publicKeys.sign,
  notBeforeMs: atMs,
  notAfterMs: atMs + 600_000,
});
const key = primitives.random(32);
const perSegment = 3;

const frontier = new Frontier(primitives);
let newest: Uint8Array | undefined;
let size = 0;

/** The same, after it was pruned. */
async function prunedOf(bytes: Uint8Array, ordinal: number): Promise<Uint8Array> {
  const [secrets, id] = [
    { primitives, key, fleet, agent },
    { ordinal, first: ordinal * perSegment },
  ];
  const opened = await openSegment(secrets, id, bytes);
  if (opened === undefined) throw new Error('it does not open');
  return prunedSegment(secrets, id, opened);
}

const stopped: AuditReport = { kind: 'daemon-stop' };

/** The bytes of the next segment: records and a checkpoint over them. */
async function nextSegment(ordinal: number, report = stopped): Promise<Uint8Array> {
  const first = size;
  const sealer = new SegmentSealer({ primitives, key, fleet, agent }, { ordinal, first });
  const { peaks } = frontier.state();
  const before = newest;
  const start = await sealer.seal({ kind: 'start', v: 1, size, peaks, ...(before !== undefined && { checkpoint: before }) });
  const records = Array.from({ length: perSegment }, (_, index) =>
    encodeEvent({
      ...(index === perSegment - 1 ? report : stopped),
      v: 1,
      agent,
      sequence: first + index,
      run,
      atMs: atMs + first + index,
      monotonicUs: first + index,
    }),
  );
  for (const record of records) frontier.append(leafHash(primitives, record));
  size = frontier.size;
  newest = await signCheckpoint(
    { certificate, sign: (domain, statement) => sessionKey.sign(domain, statement) },
    {
      v: 1,
      fleet,
      agent,
      origin: logOrigin(fleet, agent),
      size,
      root: frontier.root(),
      atMs: atMs + size,
      ...(before !== undefined && { previous: readCheckpoint(primitives, before).hash }),
    },
  );
  const frames = [
    await sealer.seal({ kind: 'records', first, records }),
    await sealer.seal({ kind: 'checkpoint', wire: newest }),
  ];
  return concat(sealer.header, start, ...frames);
}

const segments: Uint8Array[] = [];
for (let ordinal = 0; ordinal < 3; ordinal += 1) segments.push(await nextSegment(ordinal));
const anchor = { size, root: frontier.root() };

/** Within the records: a checkpoint, which comes after them, is of some 760 bytes. */
const cutBeforeEnd = 900;
const log: readonly ShippedPiece[] = segments.flatMap((bytes, ordinal) => {
  const first = ordinal * perSegment;
  const cut = bytes.length - cutBeforeEnd;
  return [
    { ordinal, offset: 0, first, bytes: bytes.slice(0, cut) },
    { ordinal, offset: cut, first, bytes: bytes.slice(cut) },
  ];
});
const at = (index: number): ShippedPiece => log[index] ?? { ordinal: 0, offset: 0, first: 0, bytes: new Uint8Array() };
const without = (...left: readonly number[]): ShippedPiece[] => log.filter((_, index) => !left.includes(index));
const withPiece = (index: number, change: Partial<ShippedPiece>): ShippedPiece[] =>
  log.toSpliced(index, 1, { ...at(index), ...change });

const cases: readonly (readonly [
  name: string,
  clause: string,
  expect: 'ok' | ErrorCode,
  pieces: readonly ShippedPiece[],
  change?: object,
])[] = [
  ['a whole log', 'SHIP-8', 'ok', log],
  [
    'a log in larger pieces',
    'SHIP-8',
    'ok',
    segments.map((bytes, ordinal) => ({ ordinal, offset: 0, first: ordinal * perSegment, bytes })),
  ],
  ['the last file not there to its end, and no checkpoint known beyond', 'SHIP-8', 'ok', without(5), { anchor: undefined }],
  ['nothing at all', 'SHIP-9', 'audit_truncated', []],
  ['the end cut off', 'SHIP-9', 'audit_truncated', without(5)],
  ['an older state', 'SHIP-9', 'audit_truncated', log.slice(0, 4)],
  ['the first piece dropped', 'SHIP-8', 'audit_gap', without(0)],
  ['the first file dropped', 'SHIP-8', 'audit_gap', without(0, 1)],
  ['a file in the middle dropped', 'SHIP-8', 'audit_gap', without(2, 3)],
  ['the end of a file in the middle dropped', 'SHIP-8', 'audit_gap', without(3)],
  [
    'a file in the middle dropped, and the next one renumbered',
    'SHIP-8',
    'audit_gap',
    [at(0), at(1), { ...at(4), ordinal: 1 }, { ...at(5), ordinal: 1 }],
  ],
  [
    'two files swapped',
    'SHIP-8',
    'audit_corrupt',
    [
      { ...at(2), ordinal: 0, first: 0 },
      { ...at(3), ordinal: 0, first: 0 },
      { ...at(0), ordinal: 1, first: 3 },
      { ...at(1), ordinal: 1, first: 3 },
    ],
  ],
  ['a piece twice', 'SHIP-8', 'audit_gap', [at(0), at(1), at(1), ...log.slice(2)]],
  ['two pieces of a file swapped', 'SHIP-8', 'audit_gap', [at(1), at(0), ...log.slice(2)]],
  ['a bit of a header changed', 'SHIP-8', 'audit_corrupt', withPiece(2, { bytes: flipped(at(2).bytes, 3) })],
  ['a bit of the first file changed', 'SHIP-8', 'audit_gap', withPiece(1, { bytes: flipped(at(1).bytes, 900) })],
  ['a bit of the last file changed', 'SHIP-9', 'audit_truncated', withPiece(5, { bytes: flipped(at(5).bytes, 40) })],
  ['another first record than the file says', 'SHIP-8', 'audit_gap', withPiece(3, { first: 4 })],
  ['another checkpoint known', 'SHIP-9', 'audit_altered', log, { anchor: { size: 4, root: new Uint8Array(32).fill(9) } }],
  ['the key of another agent', 'SHIP-8', 'audit_corrupt', log, { key: new Uint8Array(32).fill(7) }],
];

/** The log goes on, and prunes its first file before the relay has any of it. */
const times = { seenAtMs: atMs, pulseAtMs: atMs + 86_400_000 };
const saying = await nextSegment(3, { kind: 'pruned', below: perSegment, version: 1, retentionDays: 1, ...times });
const wholeFile = (bytes: Uint8Array, ordinal: number): ShippedPiece => ({
  ordinal,
  offset: 0,
  first: ordinal * perSegment,
  bytes,
});
const files = [...segments, saying].map(wholeFile);
const goneAt = async (ordinal: number): Promise<readonly ShippedPiece[]> =>
  files.with(ordinal, wholeFile(await prunedOf(files[ordinal]?.bytes ?? new Uint8Array(), ordinal), ordinal));
const [gone, goneLater] = [await goneAt(0), await goneAt(1)];
const end = { anchor: { size, root: frontier.root() } };
const prunedCases: typeof cases = [
  ['the first file pruned, as a later one says', 'AUDIT-65', 'ok', gone, end],
  ['the first file pruned, and nothing says so', 'AUDIT-68', 'audit_gap', gone.slice(0, 3)],
  ['a file pruned behind one that is not', 'AUDIT-65', 'audit_gap', goneLater, end],
  [
    'a file that says that it was pruned, and was not',
    'AUDIT-65',
    'audit_gap',
    files.with(0, wholeFile(new Uint8Array([...utf8('HFPRUNE1'), ...(segments[0] ?? new Uint8Array()).slice(8)]), 0)),
    end,
  ],
];

writeVectors(
  'audit-shipping/logs',
  'What a relay shows as the pieces of an audit log, and what a reader with the key, the agent and a checkpoint makes of it.',
  [...cases, ...prunedCases].map(([name, clause, expect, pieces, change = {}]) => ({
    name,
    clause,
    expect,
    fleet,
    agent,
    agentKey: custody.publicKeys.sign,
    key,
    anchor,
    pieces,
    ...change,
  })),
);
