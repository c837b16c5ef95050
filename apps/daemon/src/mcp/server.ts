// A server of the Model Context Protocol over HTTP, as much of it as tools need: JSON-RPC in the body of a POST, the answer as JSON. No session, no
// stream, no state. spec/mcp.md; docs/adr/0005 says why it is our own.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Json } from '@holdfast/protocol/rules/call';

/** Newest first: a client that asks for another is offered this. */
const versions = ['2025-11-25', '2025-06-18', '2025-03-26'] as const;

/** Of the tools, not of the program. */
const serverInfo = { name: 'holdfast', version: '1' };

/** A value of JSON Schema, as far as tools here use it. */
export interface InputSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

export interface McpTool {
  readonly name: string;
  /** States only what is so: a model acts on it. */
  readonly description: string;
  readonly inputSchema: InputSchema;
  readonly annotations: { readonly readOnlyHint: boolean; readonly openWorldHint: boolean };
  /** The answer as JSON. What it throws is told to the model by code. */
  call(input: { readonly [key: string]: Json }): Promise<unknown>;
}

type Id = string | number;

export type Reply =
  | { readonly status: 200; readonly body: object }
  /** A notification has no answer. */
  | { readonly status: 202 };

const invalidRequest = -32_600;
const methodNotFound = -32_601;
const invalidParams = -32_602;

/** One message of a client. Total. */
export async function answerMessage(message: unknown, tools: readonly McpTool[]): Promise<Reply> {
  const said = readMessage(message);
  if (said === undefined) return failure(null, invalidRequest, 'no message of JSON-RPC 2.0'); // [MCP-2]
  const { id, method, params } = said;
  if (id === undefined) return { status: 202 };
  switch (method) {
    case 'initialize':
      return success(id, {
        protocolVersion: versions.find((each) => each === params['protocolVersion']) ?? versions[0], // [MCP-3]
        capabilities: { tools: {} },
        serverInfo,
      });
    case 'ping':
      return success(id, {});
    case 'tools/list':
      return success(id, { tools: tools.map(({ call: _call, ...shown }) => shown) });
    case 'tools/call':
      return callTool(id, params, tools);
    default:
      return failure(id, methodNotFound, 'no such method');
  }
}

async function callTool(id: Id, params: { readonly [key: string]: Json }, tools: readonly McpTool[]): Promise<Reply> {
  const tool = tools.find(({ name }) => name === params['name']);
  if (tool === undefined) return failure(id, invalidParams, 'no such tool');
  try {
    const input = params['arguments'] ?? {};
    if (!isObject(input)) throw new HoldfastError('usage', 'the arguments are no object');
    const unknown = Object.keys(input).find((key) => !Object.hasOwn(tool.inputSchema.properties, key));
    if (unknown !== undefined) throw new HoldfastError('usage', `no such argument: ${unknown.slice(0, 64)}`); // [MCP-4]
    const missing = tool.inputSchema.required?.find((key) => !Object.hasOwn(input, key));
    if (missing !== undefined) throw new HoldfastError('usage', `missing: ${missing}`); // [MCP-4]
    return success(id, { content: [{ type: 'text', text: JSON.stringify(await tool.call(input)) }] });
  } catch (thrown) {
    const code = codeOf(thrown);
    const known = thrown instanceof HoldfastError ? thrown : new HoldfastError(code, 'the daemon failed');
    const error = { code, message: known.message, ...(known.next !== undefined && { next: known.next }) };
    return success(id, { content: [{ type: 'text', text: JSON.stringify({ error }) }], isError: true }); // [MCP-5]
  }
}

interface Message {
  /** Undefined for a notification. */
  readonly id: Id | undefined;
  readonly method: string;
  readonly params: { readonly [key: string]: Json };
}

function readMessage(message: unknown): Message | undefined {
  if (!isObject(message)) return undefined;
  const { jsonrpc, id, method, params = {} } = message;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isObject(params)) return undefined;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') return undefined;
  return { id, method, params };
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const success = (id: Id, result: object): Reply => ({ status: 200, body: { jsonrpc: '2.0', id, result } });
const failure = (id: Id | null, code: number, message: string): Reply => ({
  status: 200,
  body: { jsonrpc: '2.0', id, error: { code, message } },
});
