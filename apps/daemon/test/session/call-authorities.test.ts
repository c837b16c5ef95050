// What a sub-agent may do, as the session's broker and tools ask: as its own child, under the rules for its type, until it ends.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { AuditReport, Cause } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import { Child } from '../../src/children/child.ts';
import { CallTags } from '../../src/guard/call-tags.ts';
import type { Guard } from '../../src/guard/guard.ts';
import type { SubAgent } from '../../src/guard/sub-agents.ts';
import { mcpPath, mcpRoutes } from '../../src/mcp/door.ts';
import type { AccessAsks } from '../../src/session/agent-access.ts';
import { CallAuthorities } from '../../src/session/call-authorities.ts';
import { mcpTools } from '../../src/session/mcp-view.ts';
import type { ToolRequests } from '../../src/session/tool-requests.ts';
import { RuledAuthority } from '../../src/session/ruled-authority.ts';
import { HandleTable } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { OpenUses } from '../../src/vault/open-uses.ts';
import { asItIs, recordingAsItIs } from '../audit/log-world.ts';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const session = id(9);
const grant = {
  grant: id(1),
  item: id(101),
  name: 'demo',
  agent: id(3),
  attach: { kind: 'bearer' },
  sealed: {},
  fence: {
    hosts: [
      { host: 'api.example.com', port: 443 },
      { host: 'other.example.com', port: 443 },
    ],
    methods: ['GET'],
    paths: ['/v1/**'],
    allowPrivate: false,
  },
  grantedAtMs: 0,
  warrant: new Uint8Array(32),
};
const egressRule = { id: id(4), agent: id(3), host: 'open.example.com', port: 443, allowPrivate: false };
const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me', query: '' } as const;

const causes = [31, 32, 33].map((fill) => ({ trace: id(30), from: id(fill) })) as [Cause, Cause, Cause];

/** A session with one credential and two sub-agents; those of type `helper` may use none. */
function world() {
  const reports: AuditReport[] = [];
  const record = async (report: AuditReport): Promise<void> => void reports.push(report);
  const clock = { nowMs: () => 0, monotonicMs: () => 1000 };
  const handles = new HandleTable({
    primitives,
    clock,
    staleness: () => undefined,
    recorder: () => ({ append: record, appendDurable: record }),
    policy: { paths: 'keep', redacting: asItIs },
    counts: new UseCounts(clock),
  });
  const agent = {
    id: id(3),
    enrolment: { scope: 'main' },
    grants: () => [grant],
    rules: { version: undefined },
    egress: () => [egressRule],
    handles,
    audit: { append: record },
    assertLive: () => {},
    placeholder: () => 'hf_nobody',
    note: (report: AuditReport) => void reports.push(report),
    openUses: new OpenUses(),
    ...recordingAsItIs,
  } as unknown as Agent;
  const ports = { primitives, clock };
  const authority = new RuledAuthority(agent, ports, { session, mode: 'sealed', program: 'test' });
  authority.heldBy(async () => ({ kind: 'allow', notes: [] }));
  const tags = new CallTags((length) => primitives.random(length));
  const made: RuledAuthority[] = [];
  const cut: RuledAuthority[][] = [];
  const all = new CallAuthorities(
    tags,
    ({ by, cause }) => {
      const beside = authority.beside({
        child: by?.child,
        cause,
        judge: async () =>
          by?.types.includes('helper') === true ? { kind: 'deny', reason: 'no' } : { kind: 'allow', notes: [] },
      });
      made.push(beside);
      return beside;
    },
    (isEnded) => cut.push(made.filter(isEnded)),
  );
  const leave = { capabilities: [], depth: 0, expiresAtMs: 3_600_000 };
  const childOf = (
    fill: number,
    name: string,
    more: { readonly hosts?: readonly string[]; readonly grants?: readonly string[] } = {},
  ) =>
    new Child(
      { clock, primitives },
      { id: id(fill), kind: 'sub-agent', name, session, parent: undefined, leave: { ...leave, ...more }, untilMs: 9_999_999 },
    );
  const explorer: SubAgent = { id: 'a1', types: ['Explore'], child: childOf(21, 'Explore') };
  const helper: SubAgent = { id: 'a2', types: ['helper'], child: childOf(22, 'helper') };
  tags.begins('call-1', { by: explorer, cause: causes[0] });
  tags.begins('call-2', { by: helper, cause: causes[1] });
  tags.begins('call-3', { by: undefined, cause: causes[2] });
  return { agent, authority, tags, all, cut, reports, explorer, helper, childOf };
}

const told = (reports: readonly AuditReport[]) =>
  reports.map((report) => [report.kind, 'child' in report && report.child !== undefined ? toHex(report.child).slice(0, 2) : '']);

// [CHILD-4]
test('a child goes to its own hosts, whatever else its credential and its agent’s egress name', () => {
  const { authority, childOf } = world();
  const near = authority.beside({
    child: childOf(23, 'near', { hosts: ['api.example.com:443'] }),
    judge: async () => ({ kind: 'allow', notes: [] }),
  });
  const reached = (by: RuledAuthority) =>
    ['api.example.com', 'other.example.com', 'open.example.com'].map((host) => {
      const target = { scheme: 'https', host, port: 443 } as const;
      return [by.grantsFor(target).length, by.egressFor(target) !== undefined];
    });
  assert.deepEqual(reached(authority), [
    [1, false],
    [1, false],
    [0, true],
  ]);
  assert.deepEqual(reached(near), [
    [1, false],
    [0, false],
    [0, false],
  ]);
});

// [BROKER-34] [CHILD-7]
test('a use is recorded as the child’s whose tag it shows, and as nobody else’s', async () => {
  const { authority, tags, all, reports } = world();
  for (const by of [all.named(tags.tagFor('call-1')), authority]) {
    const [view] = by.grants();
    const use = await by.use(view ?? assert.fail('no grant'), facts);
    use.failed('request_cut');
    by.refused(facts, 'egress_denied');
  }
  assert.deepEqual(told(reports), [
    ['minted', '15'],
    ['consumed', '15'],
    ['credentialed', '15'],
    ['fault', ''],
    ['refused', '15'],
    ['minted', ''],
    ['consumed', ''],
    ['credentialed', ''],
    ['fault', ''],
    ['refused', ''],
  ]);
});

// [AUDIT-51]
test('what a call’s requests do is recorded as that call’s; without a tag, as nobody’s', async () => {
  const { authority, tags, all, reports } = world();
  for (const by of [all.named(tags.tagFor('call-1')), all.named(tags.tagFor('call-3')), authority]) {
    const [view] = by.grants();
    const use = await by.use(view ?? assert.fail('no grant'), facts);
    use.wiped(true);
    await by.passed({ ...facts, host: 'open.example.com' });
    by.refused(facts, 'egress_denied');
  }
  const fromOf = (report: AuditReport) => ('from' in report && report.from !== undefined ? toHex(report.from).slice(0, 2) : '');
  const traced = ['minted', 'consumed', 'request', 'refused'];
  const told = reports.filter(({ kind }) => traced.includes(kind)).map(fromOf);
  assert.deepEqual(told, [...traced.map(() => '1f'), ...traced.map(() => '21'), ...traced.map(() => '')]);
  for (const tag of ['hft_', `hft_${'A'.repeat(43)}`]) {
    assert.throws(() => all.named(tag), { code: 'child_ended' });
    assert.throws(() => all.causeOf(tag), { code: 'child_ended' });
  }
});

// [CHILD-1] [GUARD-30]
test('a call in a child’s session is the child’s, also where no more may stand below it', () => {
  const { authority, childOf } = world();
  const child = childOf(24, 'narrow', { grants: [] });
  const own = authority.beside({ child, judge: async () => ({ kind: 'allow', notes: [] }) });
  const its = own.beside({ child: undefined, judge: async () => ({ kind: 'allow', notes: [] }) });
  assert.deepEqual([authority.grants().length, own.grants().length, its.grants().length], [1, 0, 0]);
});

// [GUARD-16] [RULES-31]
test('what the rules deny its type its requests do not do, and another’s do', async () => {
  const { tags, all } = world();
  const [demo] = all.named(tags.tagFor('call-2')).grants();
  await assert.rejects(all.named(tags.tagFor('call-2')).use(demo ?? assert.fail('no grant'), facts), { code: 'rules_denied' });
  await all.named(tags.tagFor('call-1')).use(demo ?? assert.fail('no grant'), facts);
});

// [BROKER-34]
test('a child that has ended has no tag, nothing open and nothing to use; the other goes on', async () => {
  const { tags, all, cut, explorer } = world();
  const [tag, other] = [tags.tagFor('call-1'), tags.tagFor('call-2')];
  const its = all.named(tag);
  all.named(other);
  const [view] = its.grants();
  explorer.child?.end('revoked');
  assert.deepEqual(cut, [[its]]);
  for (const none of [tag, 'hft_', '', tag.toUpperCase()]) assert.throws(() => all.named(none), { code: 'child_ended' });
  assert.deepEqual(its.grants(), []);
  await assert.rejects(its.use(view ?? assert.fail('no grant'), facts), { code: 'refused' });
  await assert.rejects(its.passed(facts), { code: 'child_ended' });
  assert.ok(all.named(other).grants().length > 0);
});

// [BROKER-34]
test('a child that makes one call after the other is followed once, and all that it has open ends with it', () => {
  const { all, cut, explorer, helper } = world();
  const child = explorer.child ?? assert.fail('a child');
  let followed = 0;
  const { onEnd } = child;
  child.onEnd = (listener) => {
    followed += 1;
    onEnd.call(child, listener);
  };
  const calls = 3000; // more than are kept
  const its = Array.from({ length: calls }, () => all.of({ by: explorer, cause: { from: primitives.random(16) } }));
  all.of({ by: helper, cause: {} });
  assert.equal(followed, 1);
  child.end('stopped');
  assert.deepEqual(cut, [its]);
});

// [GUARD-31]
test('a tool answers as for the sub-agent whose call it says that it is', async () => {
  const { agent, authority, tags, all } = world();
  const sent: (string | undefined)[] = [];
  const own = { send: async (_request: unknown, name?: string) => ({ name: sent.push(name) }) } as unknown as ToolRequests;
  const guard = { labels: new Set() } as unknown as Guard;
  const tools = mcpTools({ agent, authority, guard, own, access: {} as unknown as AccessAsks }, all, tags);
  const { POST } = mcpRoutes((_request, call) => tools(call))[mcpPath] ?? assert.fail('no such path');
  const ask = async (name: string, input: object, meta: unknown) => {
    const params = { name, arguments: input, _meta: meta };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const request = Object.assign(Readable.from([Buffer.from(body)]), { headers: { 'content-type': 'application/json' } });
    let said = '';
    const response = { writeHead: () => {}, end: (text: string) => void (said = text) };
    await POST?.(
      Object.assign(request, { iterator: () => request[Symbol.asyncIterator]() }) as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    );
    return said;
  };
  const by = (call: unknown) => ({ 'claudecode/toolUseId': call });
  assert.match(await ask('whoami', {}, by('call-1')), /\\"child\\":\\"(15){16}\\"/);
  for (const meta of [undefined, null, [], {}, by(7), by('call-9'), by(undefined)])
    assert.doesNotMatch(await ask('whoami', {}, meta), /child/);
  await ask('http_request', { url: 'https://api.example.com/v1/me' }, by('call-2'));
  await ask('http_request', { url: 'https://api.example.com/v1/me' }, undefined);
  assert.deepEqual(sent, [tags.tagFor('call-2'), undefined]);
});
