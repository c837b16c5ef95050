// Audit: durable appends, alone and with many callers at once, against a bare write and sync and against SQLite's log in the same run; what both
// verifiers do a second; proofs from tiles; bytes at rest. Targets: 20,000 appends and 100,000 verified events a second (DESIGN §13).
// `node bench/audit.ts [events] [largest tree]`; prints tables and one JSON line.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { tileHashes, TiledTree } from '@holdfast/protocol/audit/tiles';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import { Frontier, leafHash, verifyConsistency, verifyInclusion } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { openAuditFolder } from '../apps/daemon/src/audit/files.ts';
import { tileFiles } from '../apps/daemon/src/audit/tile-files.ts';
import { LogTiles } from '../apps/daemon/src/audit/tiles.ts';
import { AuditWriter } from '../apps/daemon/src/audit/writer.ts';
import { verifyLog } from '../packages/audit-verifier/bin/holdfast-verify.mjs';

const events = Number(process.argv[2] ?? 60_000);
const largest = Number(process.argv[3] ?? 1_000_000);
const callers = 512;
/** As many as the writer seals together. */
const group = 256;
const rounds = 300;
const random = (length: number) => nodePrimitives.random(length);
const at = (values: readonly number[], share: number) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
const rounded = (value: number) => Number(value.toFixed(3));
const spread = (times: readonly number[]) => ({ p50: rounded(at(times, 0.5)), p99: rounded(at(times, 0.99)) });
const perSecond = (count: number, sinceMs: number) => Math.round((count / (performance.now() - sinceMs)) * 1000);

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-audit-'));
const place = (name: string): string => path.join(folder, name);

interface Log {
  readonly writer: AuditWriter;
  readonly whose: { readonly fleet: Uint8Array; readonly agent: Uint8Array; readonly agentKey: Uint8Array };
}

async function openLog(): Promise<Log> {
  const [agent, fleet] = [random(16), random(32)];
  const custody = await SoftwareKeyHolder.generate(nodePrimitives);
  const session = await SoftwareKeyHolder.generate(nodePrimitives);
  const notBeforeMs = Date.now() - 1000;
  const life = { notBeforeMs, notAfterMs: notBeforeMs + maxSessionKeyMs };
  const certificate = await certifySessionKey(custody, { v: 1, fleet, agent, key: session.publicKeys.sign, ...life });
  const writer = await AuditWriter.open({
    files: await openAuditFolder(place('log')),
    secrets: { primitives: nodePrimitives, key: random(32), fleet, agent },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: { info: () => {}, warn: (_, message) => console.error(message) },
    run: { id: random(16), startedMs: performance.now() },
    sign: (toSign) => signCheckpoint({ certificate, sign: (domain, bytes) => session.sign(domain, bytes) }, toSign),
  });
  return { writer, whose: { fleet, agent, agentKey: custody.publicKeys.sign } };
}

/** What a use of a credential is recorded as. */
const use = {
  kind: 'consumed',
  session: random(16),
  handle: random(16),
  grant: random(16),
  item: random(16),
  request: random(32),
} as const;

/** One record after the other, and groups of them, each synced before the next: what the disk itself allows. */
function bareFile(bytes: Uint8Array): { one: () => void; many: () => void; close: () => void } {
  const file = openSync(place('bare'), 'a');
  const append = (content: Uint8Array) => {
    writeSync(file, content);
    fdatasyncSync(file);
  };
  const together = Buffer.concat(Array.from({ length: group }, () => bytes));
  return { one: () => append(bytes), many: () => append(together), close: () => closeSync(file) };
}

/** The same in a table, a row a record, with the settings of the daemon's own store. */
function sqlite(bytes: Uint8Array): { one: () => void; many: () => void; close: () => void } {
  const database = new DatabaseSync(place('rows.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE records (number INTEGER PRIMARY KEY, wire BLOB)',
  );
  const insert = database.prepare('INSERT INTO records (wire) VALUES (?)');
  return {
    one: () => void insert.run(bytes),
    many: () => {
      database.exec('BEGIN IMMEDIATE');
      for (let row = 0; row < group; row += 1) insert.run(bytes);
      database.exec('COMMIT');
    },
    close: () => database.close(),
  };
}

async function timed(work: () => unknown): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

async function grouped(writer: AuditWriter): Promise<number> {
  let left = events;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1;
        await writer.appendDurable(use);
      }
    }),
  );
  return perSecond(events, startedMs);
}

function inGroups(many: () => void): number {
  const groups = Math.ceil(events / group);
  const startedMs = performance.now();
  for (let done = 0; done < groups; done += 1) many();
  return perSecond(groups * group, startedMs);
}

async function readAll(writer: AuditWriter): Promise<Uint8Array[]> {
  const records: Uint8Array[] = [];
  while (records.length < writer.size) records.push(...(await writer.read({ from: records.length, limit: 1000 })));
  return records;
}

async function verifiers({ writer, whose }: Log): Promise<{ readonly core: number; readonly standalone: number }> {
  const [recorded, checkpoints] = [await readAll(writer), await writer.checkpoints()];
  const buffers = (wires: readonly Uint8Array[]) => wires.map((wire) => Buffer.from(wire));
  const alone = {
    log: { fleet: Buffer.from(whose.fleet), agent: Buffer.from(whose.agent), keys: [Buffer.from(whose.agentKey)] },
    checkpoints: buffers(checkpoints),
    records: buffers(recorded).map((event) => ({ event })),
  };
  const rates: { core: number; standalone: number }[] = [];
  for (let round = 0; round < 5; round += 1) {
    const coreMs = performance.now();
    await verifyAudit(nodePrimitives, whose, { events: recorded, checkpoints });
    const core = perSecond(recorded.length, coreMs);
    const aloneMs = performance.now();
    await verifyLog(alone.log, alone.checkpoints, alone.records);
    rates.push({ core, standalone: perSecond(recorded.length, aloneMs) });
  }
  return { core: at(rates.map(({ core }) => core), 0.5), standalone: at(rates.map(({ standalone }) => standalone), 0.5) }; // prettier-ignore
}

/** Proofs of a log of `size` records as the daemon makes them, from tiles on the disk. */
async function proofs(size: number, recordBytes: number) {
  const files = tileFiles(place(`tiles-${size}`));
  const record = (number: number): Uint8Array => {
    const bytes = new Uint8Array(recordBytes);
    new DataView(bytes.buffer).setUint32(0, number);
    return bytes;
  };
  const frontier = new Frontier(nodePrimitives);
  for (let number = 0; number < size; number += 1) frontier.append(leafHash(nodePrimitives, record(number)));
  const head = { size, root: frontier.root() };
  const page = (from: number, limit: number) => Array.from({ length: Math.min(limit, size - from) }, (_, n) => record(from + n));
  const log = {
    leaves: async ({ from, limit }: { from: number; limit: number }) =>
      page(from, limit).map((each) => leafHash(nodePrimitives, each)),
  };
  const tiles = new LogTiles({ primitives: nodePrimitives, log, files, remade: () => console.error('tiles made anew') });
  const madeMs = await timed(() => tiles.consistency(1, head));
  const times = {
    growth: [] as number[],
    growthCheck: [] as number[],
    inclusion: [] as number[],
    inclusionCheck: [] as number[],
  };
  for (let round = 0; round < rounds; round += 1) {
    const index = Math.floor((size * round) / rounds);
    const older = index + 1;
    let grown: Awaited<ReturnType<LogTiles['consistency']>> = { root: new Uint8Array(), proof: [] };
    times.growth.push(await timed(async () => (grown = await tiles.consistency(older, head))));
    const growth = { from: { size: older, root: grown.root }, to: head, proof: grown.proof };
    times.growthCheck.push(await timed(() => verifyConsistency(nodePrimitives, growth)));
    const tree = new TiledTree(nodePrimitives, head, (tile) => files.read(tile.level, tile.index * tileHashes, tile.width));
    let held: Awaited<ReturnType<TiledTree['inclusion']>> = { leaf: new Uint8Array(), proof: [] };
    times.inclusion.push(await timed(async () => (held = await tree.inclusion(index))));
    times.inclusionCheck.push(await timed(() => verifyInclusion(nodePrimitives, { ...head, ...held, index })));
  }
  return {
    'tiles made, records/s': Math.round((size / madeMs) * 1000),
    'growth p50 ms': rounded(at(times.growth, 0.5)),
    'growth p99 ms': rounded(at(times.growth, 0.99)),
    'verified p50 ms': rounded(at(times.growthCheck, 0.5)),
    'inclusion p50 ms': rounded(at(times.inclusion, 0.5)),
    'inclusion p99 ms': rounded(at(times.inclusion, 0.99)),
    'checked p50 ms': rounded(at(times.inclusionCheck, 0.5)),
  };
}

try {
  const load = rounded(loadavg()[0] ?? 0);
  const log = await openLog();
  const { writer } = log;
  await writer.appendDurable(use);
  const [recordOfUse = new Uint8Array()] = await writer.read({ from: 0, limit: 1 });
  const [bare, rows] = [bareFile(recordOfUse), sqlite(recordOfUse)];
  const alone = { ours: [] as number[], bare: [] as number[], sqlite: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    alone.bare.push(await timed(bare.one));
    alone.sqlite.push(await timed(rows.one));
    alone.ours.push(await timed(() => writer.appendDurable(use)));
  }
  const groupedPerSecond = { ours: await grouped(writer), bare: inGroups(bare.many), sqlite: inGroups(rows.many) };
  bare.close();
  rows.close();
  await writer.checkpoint();
  const verifiedPerSecond = await verifiers(log);
  const recorded = writer.size;
  const checkpoints = (await writer.checkpoints()).length;
  await writer.close();
  const atRest = readdirSync(place('log')).reduce((bytes, name) => bytes + statSync(path.join(place('log'), name)).size, 0);

  const appends = {
    'write and sync': { ...spread(alone.bare), 'grouped/s': groupedPerSecond.bare },
    'SQLite, WAL': { ...spread(alone.sqlite), 'grouped/s': groupedPerSecond.sqlite },
    'durable append': { ...spread(alone.ours), 'grouped/s': groupedPerSecond.ours },
  };
  const sizes = {
    'record, bytes': recordOfUse.length,
    'at rest, bytes/event': rounded(atRest / recorded),
    'its tiles, bytes/event': rounded(32 * (1 + 1 / (tileHashes - 1))),
    checkpoints,
  };
  const trees: Record<string, Awaited<ReturnType<typeof proofs>>> = {};
  for (const size of [10_000, largest]) trees[`${size} records`] = await proofs(size, recordOfUse.length);
  console.table(appends);
  console.table({ 'verified/s': verifiedPerSecond });
  console.table(trees);
  console.table({ sizes });
  console.log(JSON.stringify({ bench: 'audit', load, events, callers, appends, verifiedPerSecond, trees, sizes }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
