// Events for other systems, spec/audit-export.md: the forms, and the stream against a collector that speaks HTTP.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { LiveProgram, type Ending } from '@holdfast/testkit/live-program';
import { Author, type LongLog } from '@holdfast/testkit/long-log';
import { collectorHeaders, collectorUrl } from '../src/audit/collector.ts';
import { auditPage, cli, commandLine, playDoor, type PlayedDoor } from './cli.ts';

const author = await Author.of(nodePrimitives.random(32));
const code = (stdout: string): string => (JSON.parse(stdout) as { error?: { code: string } }).error?.code ?? 'ok';
const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);

interface Kept {
  log: LongLog;
  signed: number;
  /** Of so many first events the hashes alone are there. */
  pruned?: number;
}

/** A daemon that has `log`, of which `signed` events are signed for. */
function keeps(t: TestContext, kept: Kept): Promise<PlayedDoor> {
  return playDoor(t, (request, guest) => {
    if (request.kind !== 'audit') return guest.finish({ kind: 'failed', code: 'usage', message: 'not played' });
    const { events, checkpoints, log } = kept.log;
    const { signed, pruned = 0 } = kept;
    const leaves = events.slice(0, pruned).map((each) => leafHash(nodePrimitives, each));
    return guest.finish(auditPage(request, { ...log, leaves, events: events.slice(pruned), checkpoints, signed }));
  });
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}
interface LogRecord {
  readonly eventName: string;
  readonly traceId?: string;
  readonly severityText: string;
  readonly timeUnixNano: string;
  readonly attributes: readonly Attribute[];
}
interface Batch {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeLogs: readonly { readonly logRecords: readonly LogRecord[] }[];
  }[];
}
const recordsOf = (batch: Batch): readonly LogRecord[] =>
  batch.resourceLogs.flatMap((each) => each.scopeLogs.flatMap(({ logRecords }) => logRecords));
const valueOf = (attributes: readonly Attribute[], key: string) => attributes.find((each) => each.key === key)?.value;
const numbersOf = (batches: readonly Batch[]): number[] =>
  batches.flatMap(recordsOf).map(({ attributes }) => Number(valueOf(attributes, 'holdfast.sequence')?.intValue));

/** A collector; `answer` may refuse. What it answered with 200 is in `taken`. */
class StandIn {
  readonly taken: Batch[] = [];
  readonly heads: IncomingMessage['headers'][] = [];
  asked = 0;
  answer: (reply: ServerResponse) => void = (reply) => void reply.writeHead(200).end('{}');
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, reply) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        this.asked += 1;
        this.heads.push({ ...request.headers, path: request.url ?? '' });
        this.answer(reply);
        if (reply.statusCode === 200 && reply.writableEnded) this.taken.push(JSON.parse(body) as Batch);
      });
    });
  }

  static async start(t: TestContext): Promise<StandIn> {
    const collector = new StandIn();
    collector.server.listen(0, '127.0.0.1');
    await once(collector.server, 'listening');
    t.after(() => {
      collector.server.closeAllConnections();
      collector.server.close();
    });
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

/** A stream under way. */
function streaming(t: TestContext, home: string, words: readonly string[]): LiveProgram {
  const [file, all] = commandLine(['audit', 'stream', '--json', ...words]);
  const environment = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', HOLDFAST_HOME: home };
  const program = new LiveProgram(file, all, { environment });
  t.after(() => program.end());
  return program;
}

/** What it answered on stdout, once that is so many lines. */
const linesOf = (program: LiveProgram, count: number): Promise<string[]> =>
  program.until(() => {
    const lines = program.said.split('\n').slice(0, -1);
    return lines.length < count ? undefined : lines;
  }, `${count} lines`);

function endedBy(program: LiveProgram, signal: NodeJS.Signals): Promise<Ending> {
  program.kill(signal);
  return program.ended;
}
const well: Ending = { code: 0, signal: null };

const session = id(4);
const request = { method: 'GET', host: 'api.example.com', port: 443, path: '/v1/me', digest: new Uint8Array(32) };
const use = { session, handle: id(5), grant: id(6), item: id(7) };
const call = {
  session,
  toolUse: 'one',
  label: 'reported',
  harness: 'claude-code',
  call: new Uint8Array(32),
  decision: 'allow',
  rules: [],
} as const;
const reports: readonly AuditReport[] = [
  { kind: 'daemon-start', version: '0.1.0' },
  { kind: 'session-start', session, mode: 'sealed', program: 'curl' },
  { kind: 'tool-call', ...call, tool: 'shell', name: 'Bash', act: '{"command":"ls"}', allowed: true },
  { kind: 'tool-call', ...call, tool: 'read', name: 'Read', act: '{"paths":["/a"]}', allowed: false },
  { kind: 'minted', ...use, trace: id(8), name: 'demo', request },
  { kind: 'consumed', ...use, request: new Uint8Array(32) },
  { kind: 'refused', session, code: 'fence_method', request },
  { kind: 'tampered', session, places: ['/etc/x'] },
  {
    kind: 'delegated',
    session,
    child: id(9),
    of: 'session',
    name: 'c',
    key: new Uint8Array(32),
    capabilities: [],
    depth: 0,
    expiresAtMs: 1,
  },
  { kind: 'presented', audience: 'https://s.example', nonce: 'n', shown: [], credential: new Uint8Array(32) },
  { kind: 'granted', grant: id(6), item: id(7), name: 'demo', grantedAtMs: 1 },
  { kind: 'rules-set', version: 3, hash: new Uint8Array(32) },
  { kind: 'revoked', reason: 'lost' },
];
const written = (sequence: number, report: AuditReport): AuditEvent => ({
  ...report,
  v: 1,
  agent: author.log.agent,
  sequence,
  run: id(3),
  atMs: 1_790_000_000_000,
  monotonicUs: sequence,
});
const mixed = (): Kept => {
  const events = reports.map((report, sequence) => encodeEvent(written(sequence, report)));
  return { log: { log: author.log, events, checkpoints: [] }, signed: events.length };
};
const long = await author.write(300);

// [EXPORT-2] [EXPORT-3]
test('as OpenTelemetry logs: one request a line, every field of every event, ids that stores can count by', async (t) => {
  const kept = mixed();
  const { home } = await keeps(t, kept);
  const exported = await cli(['audit', 'export', '--format', 'otlp'], { home });
  assert.equal(exported.code, 0, exported.stderr);
  const batch = JSON.parse(exported.stdout) as Batch;
  const records = recordsOf(batch);
  assert.deepEqual(numbersOf([batch]), reports.map((_, at) => at)); // prettier-ignore
  assert.deepEqual(records.map(({ eventName }) => eventName), reports.map(({ kind }) => `holdfast.${kind}`)); // prettier-ignore
  assert.equal(valueOf(batch.resourceLogs[0]?.resource.attributes ?? [], 'holdfast.agent')?.stringValue, toHex(author.log.agent));
  const minted = records[4];
  assert.equal(minted?.timeUnixNano, '1790000000000000000');
  assert.equal(valueOf(minted.attributes, 'log.record.uid')?.stringValue, toHex(leafHash(nodePrimitives, kept.log.events[4] ?? id(0)))); // prettier-ignore
  assert.equal(valueOf(minted.attributes, 'url.path')?.stringValue, '/v1/me');
  assert.equal(valueOf(minted.attributes, 'server.port')?.intValue, '443');
  assert.equal(valueOf(minted.attributes, 'holdfast.handle')?.stringValue, toHex(id(5)));
  const severity = (at: number) => records[at]?.severityText;
  assert.deepEqual([2, 3, 6, 7].map(severity), ['INFO', 'WARN', 'WARN', 'ERROR']);
  // What no prompt began is its session's, and what is of no session is of no trace.
  assert.deepEqual([records[0], records[1], records[4]].map((record) => record?.traceId), [undefined, toHex(session), toHex(id(8))]); // prettier-ignore
  assert.doesNotMatch(exported.stdout, /spanId/);
});

/** What OCSF 1.6.0 asks of these classes, beside what it asks of all; of each inner list at least one. */
const asked: Readonly<Record<number, readonly (readonly string[])[]>> = {
  0: [],
  1007: [['actor'], ['device'], ['process']],
  2004: [['finding_info']],
  3001: [['user']],
  3002: [['user'], ['service', 'dst_endpoint']],
  3003: [['user'], ['privileges', 'groups']],
  3004: [['entity']],
  3005: [['user'], ['privileges']],
  4002: [
    ['http_request', 'http_response'],
    ['dst_endpoint', 'src_endpoint'],
  ],
  6002: [['app']],
  6003: [['actor'], ['api'], ['src_endpoint']],
};

// [EXPORT-4]
test('as OCSF: each event of the class that it is, with all that the class asks for, and ours whole beside it', async (t) => {
  const { home } = await keeps(t, mixed());
  const lines = (await cli(['audit', 'export', '--format', 'ocsf'], { home })).stdout.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown> & { class_uid: number; activity_id: number });
  for (const event of events) {
    const { class_uid, category_uid, type_uid, activity_id } = event;
    assert.deepEqual([category_uid, type_uid], [Math.floor(class_uid / 1000), class_uid * 100 + activity_id]);
    for (const field of ['time', 'severity_id', 'metadata', 'unmapped']) assert.ok(field in event, `${class_uid}: ${field}`);
    for (const names of asked[class_uid] ?? [['no such class']])
      assert.ok(names.some((name) => name in event), `${class_uid}: ${names.join(' or ')}`); // prettier-ignore
    assert.equal((event['metadata'] as { version: string }).version, '1.6.0');
  }
  assert.deepEqual(
    events.map((event) => event.class_uid),
    [6002, 3002, 1007, 6003, 3003, 6003, 4002, 2004, 3003, 3002, 3005, 3004, 3001],
  );
  assert.deepEqual([events[4]?.['privileges'], events[6]?.['status_id'], events[7]?.['severity_id']], [['vault:use:demo'], 2, 4]);
});

// [EXPORT-1]
test('what is left out is left out of every form: its place and its leaf stay', async (t) => {
  const { home } = await keeps(t, mixed());
  for (const format of ['jsonl', 'otlp', 'ocsf', 'bundle']) {
    const { stdout } = await cli(['audit', 'export', '--redact', '--format', format], { home });
    for (const word of ['api.example.com', '/v1/me', '"ls"', 's.example', '/etc/x', 'claude-code'])
      assert.ok(!stdout.includes(word), `${format}: ${word}`);
    const leaf = toHex(leafHash(nodePrimitives, mixed().log.events[4] ?? id(0)));
    assert.ok(stdout.includes(leaf), format);
  }
});

// [EXPORT-5] [EXPORT-11]
test('a collector is asked by https, or by http on this machine, and by nothing that a URL could smuggle in', () => {
  const at = (typed: string): string => collectorUrl(typed).href;
  assert.equal(at('https://c.example:4318'), 'https://c.example:4318/v1/logs');
  assert.equal(at('https://c.example/otlp/'), 'https://c.example/otlp/v1/logs');
  assert.equal(at('http://[::1]:4318/v1/logs'), 'http://[::1]:4318/v1/logs');
  for (const typed of [
    'http://c.example',
    'http://127.0.0.1.example',
    'ftp://localhost',
    'c.example',
    'https://u:p@c.example',
    'https://c.example/?k=1',
    'https://c.example/#a',
  ])
    // prettier-ignore
    assert.throws(() => collectorUrl(typed), { code: 'usage' }, typed);
  assert.deepEqual(collectorHeaders('Authorization: Bearer a b\r\n\nX-Scope:1\n'), {
    authorization: 'Bearer a b',
    'x-scope': '1',
  });
  for (const text of ['no header', 'Host: a', 'Content-Length: 1', 'A: \u0007', ': a'])
    assert.throws(() => collectorHeaders(text), { code: 'usage' }, text);
});

// [EXPORT-6] [EXPORT-7] [EXPORT-10]
test('streamed, each event that is signed for arrives once and in order, also across ends and beginnings', async (t) => {
  const kept = { log: long, signed: 120 };
  const { home } = await keeps(t, kept);
  const collector = await StandIn.start(t);
  const headers = path.join(path.dirname(home), 'headers');
  writeFileSync(headers, 'X-Scope: holdfast\n');
  const words = ['--otlp', collector.url, '--header-file', headers];
  const first = streaming(t, home, words);
  await linesOf(first, 1);
  assert.deepEqual(
    numbersOf(collector.taken),
    Array.from({ length: 120 }, (_, at) => at),
  );
  assert.deepEqual([collector.heads[0]?.['x-scope'], collector.heads[0]?.['path']], ['holdfast', '/v1/logs']);
  const second = await cli(['audit', 'stream', '--json', ...words], { home });
  assert.deepEqual([second.code, code(second.stdout)], [3, 'already_running']);
  kept.signed = 200;
  await linesOf(first, 2);
  assert.deepEqual(await endedBy(first, 'SIGINT'), well);
  kept.signed = 300;
  const again = streaming(t, home, words);
  await linesOf(again, 1);
  assert.deepEqual(await endedBy(again, 'SIGTERM'), well);
  assert.deepEqual(
    numbersOf(collector.taken),
    Array.from({ length: 300 }, (_, at) => at),
  );
});

// [EXPORT-8]
test('a collector that is away, or busy, gets the same batch when it is back, and none is skipped', async (t) => {
  const { home } = await keeps(t, { log: long, signed: 300 });
  const collector = await StandIn.start(t);
  const hard: ((reply: ServerResponse) => void)[] = [
    (reply) => void reply.writeHead(503).end(),
    (reply) => void reply.socket?.destroy(),
    (reply) => void reply.writeHead(429, { 'retry-after': '1' }).end('busy'),
  ];
  collector.answer = (reply) => (hard.shift() ?? ((ok: ServerResponse) => void ok.writeHead(200).end()))(reply);
  const stream = streaming(t, home, ['--otlp', collector.url]);
  assert.deepEqual(JSON.parse((await linesOf(stream, 2))[1] ?? ''), { agent: toHex(long.log.agent), from: 256, to: 299 });
  assert.equal(collector.asked, 5);
  assert.deepEqual(
    numbersOf(collector.taken),
    Array.from({ length: 300 }, (_, at) => at),
  );
  assert.deepEqual(await endedBy(stream, 'SIGHUP'), well);
});

// [EXPORT-8] [EXPORT-9]
test('what trying again would not change ends the stream: refused, the position stays; in part, it says which', async (t) => {
  const { home } = await keeps(t, { log: long, signed: 300 });
  const collector = await StandIn.start(t);
  const words = ['audit', 'stream', '--json', '--otlp', collector.url];
  for (const status of [302, 400, 401]) {
    collector.answer = (reply) => void reply.writeHead(status, { location: `${collector.url}/elsewhere` }).end();
    const refused = await cli(words, { home });
    assert.deepEqual([refused.code, code(refused.stdout)], [3, 'collector_refused'], refused.stdout);
  }
  assert.equal(collector.asked, 3);
  collector.answer = (reply) =>
    void reply.writeHead(200).end('{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}');
  const partly = await cli(words, { home });
  assert.deepEqual([partly.code, code(partly.stdout)], [3, 'collector_refused']);
  assert.match(partly.stdout, /2 of the events 0 to 255: old/);
  const next = await cli(words, { home });
  assert.match(next.stdout, /events 256 to 299/);
});

// [EXPORT-6] [EXPORT-7]
test('a log that is another than the collector has, or has a gap, is not streamed', async (t) => {
  const kept: Kept = { log: long, signed: 100 };
  const { home } = await keeps(t, kept);
  const collector = await StandIn.start(t);
  const words = ['--otlp', collector.url];
  const first = streaming(t, home, words);
  await linesOf(first, 1);
  await endedBy(first, 'SIGINT');
  const verdict = async (log: LongLog, signed = 300): Promise<string> => {
    Object.assign(kept, { log, signed });
    return code((await linesOf(streaming(t, home, words), 1))[0] ?? '');
  };
  assert.equal(await verdict({ ...long, events: long.events.slice(0, 50) }), 'audit_truncated');
  assert.equal(await verdict({ ...long, events: author.records(300) }), 'audit_altered');
  assert.equal(await verdict({ ...long, events: long.events.toSpliced(150, 1) }), 'audit_gap');
  assert.equal(collector.taken.length, 1);
});

// [EXPORT-6]
test('of a log that was pruned a stream begins with what is there, goes on where its collector has the rest, and skips nothing', async (t) => {
  const kept: Kept = { log: long, signed: 100, pruned: 40 };
  const { home } = await keeps(t, kept);
  const collector = await StandIn.start(t);
  const words = ['--otlp', collector.url];
  const first = streaming(t, home, words);
  await linesOf(first, 1);
  assert.equal(numbersOf(collector.taken)[0], 40);
  await endedBy(first, 'SIGINT');
  Object.assign(kept, { signed: 200, pruned: 100 }); // all that went is with the collector
  const second = streaming(t, home, words);
  await linesOf(second, 1);
  await endedBy(second, 'SIGINT');
  assert.deepEqual(numbersOf(collector.taken), Array.from({ length: 160 }, (_, at) => 40 + at)); // prettier-ignore
  Object.assign(kept, { signed: 300, pruned: 201 });
  assert.equal(code((await linesOf(streaming(t, home, words), 1))[0] ?? ''), 'audit_gap');
  Object.assign(kept, { log: { ...long, events: author.records(300) }, pruned: 200 });
  assert.equal(code((await linesOf(streaming(t, home, words), 1))[0] ?? ''), 'audit_altered');
});

// [EXPORT-7]
test('a log that was put back while the daemon was away is another one, also for a stream that goes on', async (t) => {
  const kept: Kept = { log: long, signed: 100 };
  const { home } = await keeps(t, kept);
  const collector = await StandIn.start(t);
  const stream = streaming(t, home, ['--otlp', collector.url]);
  await linesOf(stream, 1);
  const door = path.join(home, 'run', 'daemon.sock');
  renameSync(door, `${door}.away`);
  await stream.until(() => stream.complained.includes('the daemon is away') || undefined, 'word that the daemon is away');
  Object.assign(kept, { log: { ...long, events: author.records(300) }, signed: 300 });
  renameSync(`${door}.away`, door);
  assert.equal((await stream.ended).code, 4);
  assert.equal(code((await linesOf(stream, 2))[1] ?? ''), 'audit_altered');
  assert.equal(collector.taken.length, 1);
});

// [EXPORT-7]
test('where it is, is a file of its owner alone; one that cannot be read is no beginning', async (t) => {
  const { home } = await keeps(t, { log: long, signed: 100 });
  const collector = await StandIn.start(t);
  const first = streaming(t, home, ['--otlp', collector.url]);
  await linesOf(first, 1);
  await endedBy(first, 'SIGINT');
  const folder = path.join(home, 'streams');
  const [name = ''] = readdirSync(folder);
  const file = path.join(folder, name, 'position');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  writeFileSync(file, readFileSync(file).subarray(1));
  const torn = await cli(['audit', 'stream', '--json', '--otlp', collector.url], { home });
  assert.deepEqual([torn.code, code(torn.stdout)], [3, 'store_failed']);
  assert.equal(collector.taken.length, 1);
});
