// Handles that an agent asks for: at its door, for one request, of the state at that moment.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { parseHandleText } from '@holdfast/protocol/vault/handle';
import type { Agent } from '../../src/agent/agent.ts';
import type { Guard } from '../../src/guard/guard.ts';
import type { AccessAsks } from '../../src/session/agent-access.ts';
import { agentDoor } from '../../src/session/agent-door.ts';
import { holdfastTools } from '../../src/mcp/tools.ts';
import { agentHandles } from '../../src/session/agent-handles.ts';
import { SessionAuthority } from '../../src/session/authority.ts';
import { mcpView } from '../../src/session/mcp-view.ts';
import type { ToolRequests } from '../../src/session/tool-requests.ts';
import { HandleTable } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { OpenUses } from '../../src/vault/open-uses.ts';
import { asItIs, recordingAsItIs } from '../audit/log-world.ts';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const grantOf = (fill: number, name: string, paths: readonly string[]) => ({
  grant: id(fill),
  item: id(fill + 100),
  name,
  agent: id(3),
  attach: { kind: 'bearer' },
  fence: { hosts: [{ host: 'api.example.com', port: 443 }], methods: ['GET', 'POST'], paths, allowPrivate: false },
  sealed: { encapsulated: new Uint8Array(), ciphertext: new Uint8Array() },
  grantedAtMs: 0,
  warrant: new Uint8Array(32),
});

interface Told {
  readonly status: number;
  readonly body: { readonly handle?: string; readonly expiresInMs?: number; readonly error?: { code: string; message: string } };
}

/** A session with two credentials, and what is recorded of it. */
async function session(t: TestContext) {
  const reports: AuditReport[] = [];
  const notes: AuditReport[] = [];
  const state = {
    stale: undefined as ErrorCode | undefined,
    nowMs: 1000,
    grants: [grantOf(1, 'demo', ['/v1/**']), grantOf(2, 'other', ['/**'])],
  };
  const record = async (report: AuditReport): Promise<void> => void reports.push(report);
  const handles = new HandleTable({
    primitives,
    clock: { nowMs: () => 0, monotonicMs: () => state.nowMs },
    staleness: () => state.stale,
    recorder: () => ({ append: record, appendDurable: record }),
    policy: { paths: 'keep', redacting: asItIs },
    counts: new UseCounts({ nowMs: () => 0, monotonicMs: () => state.nowMs }),
  });
  const agent = {
    id: id(3),
    enrolment: { scope: 'main' },
    grants: () => state.grants,
    rules: { version: undefined },
    egress: () => [],
    handles,
    placeholder: () => 'hf_nobody',
    note: (report: AuditReport) => void notes.push(report),
    openUses: new OpenUses(),
    ...recordingAsItIs,
  } as unknown as Agent;
  const ports = { primitives, clock: { nowMs: () => 0, monotonicMs: () => state.nowMs } };
  const authority = new SessionAuthority(agent, ports, { session: id(9), mode: 'sealed', program: 'test' });
  const server = createServer(agentDoor(() => {}, agentHandles(authority)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    new Promise<Told>((resolve, reject) => {
      const own = { 'content-type': 'application/json', ...headers };
      const sent = request(
        { host: '127.0.0.1', port, path: '/v1/handles', method: 'POST', headers: own, agent: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Told['body'] }));
        },
      );
      sent.on('error', reject);
      sent.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  const asked = (credential: string, url: string, method = 'GET') => post({ credential, request: { method, url } });
  const guard = { labels: new Set<string>() } as unknown as Guard;
  const tools = holdfastTools(mcpView({ agent, authority, guard, own: {} as ToolRequests, access: {} as AccessAsks }));
  const tool = tools.find(({ name }) => name === 'handle_mint') ?? assert.fail('no such tool');
  return { post, asked, tool, authority, reports, notes, state, handles };
}

const url = 'https://api.example.com/v1/me';
const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me', query: '' } as const;
const basis = { warrant: new Uint8Array(32), rulesVersion: undefined, ask: undefined };
const kinds = (reports: readonly AuditReport[]): string[] =>
  reports.map((report) => ('code' in report ? `${report.kind} ${report.code}` : report.kind));

// [AGENT-DOOR-6] [HANDLE-12]
test('a handle is given for one request of one credential, on record, and is consumed once', async (t) => {
  const { asked, authority, reports } = await session(t);
  const { status, body } = await asked('demo', url);
  assert.deepEqual([status, body.expiresInMs], [201, 300_000]);
  const handle = body.handle ?? assert.fail('no handle');
  assert.equal(parseHandleText(handle)?.length, 32);
  assert.deepEqual(kinds(reports), ['minted']);
  assert.equal(authority.grantOf(handle), '01'.repeat(16));
  const view = authority.grants()[0] ?? assert.fail('no grant');
  const use = await authority.use(view, facts, handle);
  assert.equal(use.handleId.length, 32);
  assert.deepEqual(kinds(reports), ['minted', 'consumed']);
  await assert.rejects(authority.use(view, facts, handle), (thrown) => codeOf(thrown) === 'refused');
  assert.deepEqual(kinds(reports), ['minted', 'consumed', 'handle-refused handle_used']);
});

// [HANDLE-6]
test('for another request, another credential or by another session it is refused, and dead', async (t) => {
  const { asked, authority, reports, handles } = await session(t);
  const [demo, other] = authority.grants();
  const wrongs: [string, (handle: string) => Promise<unknown>][] = [
    ['another path', (handle) => authority.use(demo ?? assert.fail(), { ...facts, path: '/v1/other' }, handle)],
    ['another method', (handle) => authority.use(demo ?? assert.fail(), { ...facts, method: 'POST' }, handle)],
    ['another credential', (handle) => authority.use(other ?? assert.fail(), facts, handle)],
    [
      'another session',
      (handle) =>
        handles.consume(parseHandleText(handle) ?? assert.fail(), { session: id(8), agent: id(3), grant: id(1) }, facts, basis),
    ],
  ];
  for (const [what, wrong] of wrongs) {
    reports.length = 0;
    const handle = (await asked('demo', url)).body.handle ?? assert.fail('no handle');
    await assert.rejects(wrong(handle), (thrown) => codeOf(thrown) === 'refused', what);
    await assert.rejects(authority.use(demo ?? assert.fail(), facts, handle), (thrown) => codeOf(thrown) === 'refused', what);
    assert.ok(
      reports.some((report) => report.kind === 'handle-refused' && report.code === 'handle_foreign'),
      what,
    );
    assert.ok(!kinds(reports).includes('consumed'), what);
  }
});

// [HANDLE-7] [AGENT-DOOR-6]
test('outside of the fence, of an unknown credential, or with a stale state there is none; the reason is on record alone', async (t) => {
  const { asked, notes, reports, state } = await session(t);
  const answers: string[] = [];
  for (const [credential, of, method] of [
    ['demo', 'https://api.example.com/v2/me', 'GET'],
    ['demo', url, 'DELETE'],
    ['demo', 'https://other.example/v1/me', 'GET'],
    ['demo', 'https://api.example.com:8443/v1/me', 'GET'],
    ['unknown', url, 'GET'],
  ] as const) {
    const { status, body } = await asked(credential, of, method);
    assert.equal(status, 403);
    answers.push(JSON.stringify(body));
  }
  assert.equal(new Set(answers).size, 1, 'one answer for all');
  assert.deepEqual(kinds(notes), [
    'refused fence_path',
    'refused fence_method',
    'refused fence_host',
    'refused fence_host',
    'refused grant_unknown',
  ]);
  state.stale = 'stale_pulse';
  assert.deepEqual((await asked('demo', url)).body.error?.code, 'stale_pulse');
  assert.deepEqual(reports, []);
});

// [AGENT-DOOR-6]
test('what is asked for is read strictly', async (t) => {
  const { post, asked, reports } = await session(t);
  for (const body of [
    '',
    'null',
    [],
    {},
    { credential: 'demo' },
    { credential: 'demo', request: { method: 'GET', url }, more: 1 },
    { credential: 'demo', request: { method: 'GET', url, body: '' } },
    { credential: 1, request: { method: 'GET', url } },
    { credential: 'demo', request: { method: 'get', url } },
    { credential: 'demo', request: 'GET' },
    { credential: 'demo', request: { method: 'GET', url: 1 } },
    { __proto__: null, credential: 'demo', request: [] },
  ])
    assert.deepEqual((await post(body)).body.error?.code, 'usage', JSON.stringify(body));
  for (const of of [
    'http://api.example.com/v1/me',
    'api.example.com/v1/me',
    `${url}?a=b`,
    `${url}#x`,
    'https://me@api.example.com/v1/me',
    'https://api.example.com/v1/../v1/me',
    'https://api.example.com/v1//me',
    'https://api.example.com:0/v1/me',
    'https://exa mple.com/',
    'https:///v1/me',
  ])
    assert.deepEqual((await asked('demo', of)).body.error?.code, 'usage', of);
  assert.equal((await post(`"${'x'.repeat(20_000)}"`)).body.error?.code, 'limit_exceeded');
  for (const headers of [{ origin: 'https://evil.example' }, { host: 'evil.example' }, { 'sec-fetch-site': 'same-origin' }])
    assert.equal((await post({ credential: 'demo', request: { method: 'GET', url } }, headers)).status, 403);
  assert.deepEqual(reports, []);
  // One spelling: what is bound is what the broker will have judged.
  assert.equal((await asked('demo', 'https://API.example.com:443/v1/%6De')).status, 201);
});

// [MCP-8]
test('as a tool: the same handle, the same strictness, and the same word for every refusal', async (t) => {
  const { tool, authority, reports, notes } = await session(t);
  const { handle, expiresInMs } = (await tool.call({ credential: 'demo', url })) as { handle: string; expiresInMs: number };
  assert.equal(expiresInMs, 300_000);
  const [view = assert.fail('no grant')] = authority.grants();
  await authority.use(view, facts, handle);
  assert.deepEqual(kinds(reports), ['minted', 'consumed']);
  const refused = async (input: Parameters<typeof tool.call>[0]) =>
    tool.call(input).then(
      () => assert.fail('not refused'),
      (thrown: Error) => [codeOf(thrown), thrown.message],
    );
  const [first, ...others] = await Promise.all([
    refused({ credential: 'demo', url, method: 'DELETE' }),
    refused({ credential: 'demo', url: 'https://other.example/v1/me' }),
    refused({ credential: 'unknown', url }),
  ]);
  assert.equal(first?.[0], 'refused');
  for (const other of others) assert.deepEqual(other, first);
  assert.deepEqual(kinds(notes), ['refused fence_method', 'refused fence_host', 'refused grant_unknown']);
  for (const input of [{}, { credential: 'demo' }, { credential: 7, url }, { credential: 'demo', url: `${url}?a` }])
    assert.deepEqual((await refused(input))[0], 'usage', JSON.stringify(input));
});

// [HANDLE-6]
test('one that was seen elsewhere is dead before anything else happens', async (t) => {
  const { asked, authority, reports } = await session(t);
  const handle = (await asked('demo', url)).body.handle ?? assert.fail('no handle');
  authority.misused([handle, 'hf_h_nonsense', `hf_h_${'A'.repeat(43)}`]);
  assert.equal(authority.grantOf(handle), undefined);
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(kinds(reports), ['minted', 'handle-refused handle_foreign']);
});

// [HANDLE-4] [HANDLE-10]
test('it dies with its grant, and after five minutes', async (t) => {
  const { asked, authority, handles, reports, state } = await session(t);
  const view = authority.grants()[0] ?? assert.fail('no grant');
  const first = (await asked('demo', url)).body.handle ?? assert.fail('no handle');
  await handles.burn({ kind: 'grant', grant: id(1) });
  await assert.rejects(authority.use(view, facts, first), (thrown) => codeOf(thrown) === 'refused');
  const late = (await asked('demo', url)).body.handle ?? assert.fail('no handle');
  state.nowMs += 300_000;
  await assert.rejects(authority.use(view, facts, late), (thrown) => codeOf(thrown) === 'refused');
  assert.ok(!kinds(reports).includes('consumed'));
  assert.ok(kinds(reports).includes('expired'));
});
