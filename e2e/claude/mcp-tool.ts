// An MCP server of a repository: its one tool makes a file in the working tree, so that a test can tell whether it ran.

import type { ScriptedCall } from '../../packages/testkit/src/model-server.ts';

const server = `
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const inputSchema = { type: 'object', properties: { file: { type: 'string' }, about: {} }, required: ['file'] };
  if (method === 'initialize') send({ id, result: { protocolVersion: params.protocolVersion, serverInfo: { name: 'demo', version: '1' }, capabilities: { tools: {} } } });
  else if (method === 'tools/list') send({ id, result: { tools: [{ name: 'make', description: 'Makes a file', inputSchema }] } });
  else if (method === 'tools/call') {
    writeFileSync(params.arguments.file, '');
    send({ id, result: { content: [{ type: 'text', text: 'made' }] } });
  } else if (id !== undefined) send({ id, result: {} });
});
`;

/** What the repository holds. Claude Code takes servers of a folder that nobody trusted yet where it is given a prompt. */
export const mcpFiles: Readonly<Record<string, string>> = {
  'server.mjs': server,
  '.mcp.json': JSON.stringify({ mcpServers: { demo: { command: process.execPath, args: ['server.mjs'] } } }),
};

/** Loads the tool and calls it. */
export const callMcp = (input: ScriptedCall['input']): readonly ScriptedCall[] => [
  { tool: 'ToolSearch', input: { query: 'select:mcp__demo__make', max_results: 3 } },
  { tool: 'mcp__demo__make', input },
];
