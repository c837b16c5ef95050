// The protocol's four methods, and what is none of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '@holdfast/protocol/errors';
import { answerMessage, type McpTool } from '../../src/mcp/server.ts';
import { holdfastTools, type McpView, type OwnRequest } from '../../src/mcp/tools.ts';

const echo: McpTool = {
  name: 'echo',
  description: 'Says it again.',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  call: async ({ text }) => {
    if (text === 'no') throw new HoldfastError('refused', 'not this', { next: 'try that' });
    if (text === 'bug') throw new Error('at /home/op/secret.ts');
    return { said: text };
  },
};

const ask = async (method: string, params?: object, more: object = {}) => {
  const reply = await answerMessage({ jsonrpc: '2.0', id: 1, method, ...(params && { params }), ...more }, [echo]);
  assert.equal(reply.status, 200);
  return (reply as { body: { result?: Record<string, unknown>; error?: { code: number } } }).body;
};

// [MCP-3]
test('a client gets the version that it asks for, or the newest', async () => {
  for (const [asked, got] of [
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2026-07-28', '2025-11-25'],
    [undefined, '2025-11-25'],
  ]) {
    const { result } = await ask('initialize', { protocolVersion: asked, capabilities: {}, clientInfo: {} });
    assert.equal(result?.['protocolVersion'], got);
    assert.deepEqual(result?.['capabilities'], { tools: {} });
  }
});

test('tools are listed without what they do, and called', async () => {
  const { call: _call, ...shown } = echo;
  assert.deepEqual((await ask('tools/list')).result, { tools: [shown] });
  assert.deepEqual((await ask('tools/call', { name: 'echo', arguments: { text: 'hi' } })).result, {
    content: [{ type: 'text', text: '{"said":"hi"}' }],
  });
  assert.deepEqual((await ask('ping')).result, {});
});

// [MCP-5]
test('a fault is told in the result, by code; a bug tells nothing of itself', async () => {
  const call = async (text: string) => (await ask('tools/call', { name: 'echo', arguments: { text } })).result;
  assert.deepEqual(await call('no'), {
    content: [{ type: 'text', text: '{"error":{"code":"refused","message":"not this","next":"try that"}}' }],
    isError: true,
  });
  assert.deepEqual(await call('bug'), {
    content: [{ type: 'text', text: '{"error":{"code":"internal","message":"the daemon failed"}}' }],
    isError: true,
  });
});

// [MCP-4]
test('arguments are those that the tool names', async () => {
  for (const given of [{}, { text: 'x', more: 1 }, { constructor: 1, text: 'x' }, [], 'text', null]) {
    const { result } = await ask('tools/call', { name: 'echo', arguments: given });
    assert.equal(result?.['isError'], true, JSON.stringify(given));
    assert.match(JSON.stringify(result), /usage/);
  }
});

// [MCP-2]
test('what is no message, no method and no tool is told so; a notification has no answer', async () => {
  const code = async (message: unknown) => {
    const reply = await answerMessage(message, [echo]);
    return reply.status === 200 ? (reply.body as { error?: { code: number } }).error?.code : reply.status;
  };
  const request = { jsonrpc: '2.0', id: 1, method: 'ping' };
  for (const message of [
    null,
    [],
    'ping',
    [request],
    { ...request, jsonrpc: '1.0' },
    { ...request, method: 7 },
    { ...request, id: {} },
  ])
    assert.equal(await code(message), -32_600, JSON.stringify(message));
  assert.equal(await code({ ...request, params: [] }), -32_600);
  assert.equal(await code({ ...request, method: 'resources/list' }), -32_601);
  assert.equal(await code({ ...request, method: 'tools/call', params: { name: 'other' } }), -32_602);
  assert.equal(await code({ jsonrpc: '2.0', method: 'notifications/initialized' }), 202);
});

// [MCP-7]
test('a request takes an address, a method, plain headers and text, and nothing that frames a message', async () => {
  const sent: OwnRequest[] = [];
  const view: McpView = {
    whoami: () => ({}),
    vault: () => [],
    rules: () => ({}),
    uses: {
      mint: async () => ({}),
      access: async () => ({}),
      request: async (request) => {
        sent.push(request);
        return {};
      },
    },
  };
  const tool = holdfastTools(view).find(({ name }) => name === 'http_request') ?? assert.fail();
  await tool.call({ url: 'https://a.example/x?y#z', headers: { 'x-a': 'b' }, body: 'text' });
  assert.deepEqual(sent, [{ method: 'GET', url: new URL('https://a.example/x?y#z'), headers: { 'x-a': 'b' }, body: 'text' }]);
  const faults: readonly Record<string, never>[] = [
    { url: 'a.example' },
    { url: 'file:///etc/passwd' },
    { url: 'https://user:pass@a.example/' },
    { url: 'https://a.example/', method: 'get' },
    { url: 'https://a.example/', method: 'CONNECT' },
    { url: 'https://a.example/', method: 'GET / HTTP/1.1\r\nx: y' },
    { url: 'https://a.example/', body: { a: 1 } },
    { url: 'https://a.example/', headers: 'x: y' },
    { url: 'https://a.example/', headers: { 'x y': 'z' } },
    { url: 'https://a.example/', headers: { x: 'a\r\nhost: b' } },
    ...['Host', 'Transfer-Encoding', 'content-length', 'Connection', 'proxy-authorization', 'Upgrade'].map((name) => ({
      url: 'https://a.example/',
      headers: { [name]: 'x' },
    })),
  ] as never;
  for (const fault of faults) await assert.rejects(tool.call(fault), { code: 'usage' }, JSON.stringify(fault));
  assert.equal(sent.length, 1);
});
