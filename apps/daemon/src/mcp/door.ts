// The MCP server as a path of the session's door, spec/mcp.md.

import type { IncomingMessage } from 'node:http';
import { answer, readJson, type Routes } from '../session/agent-door.ts';
import { answerMessage } from './server.ts';
import { holdfastTools, type McpView } from './tools.ts';

export const mcpPath = '/mcp';

/** A body for a request, and room around it. */
const maxMessageBytes = 4 << 20;

/** `of`: what whoever asks may see; `call`: the harness's id of the call that asks, where it says one. */
export function mcpRoutes(of: (request: IncomingMessage, call: string | undefined) => McpView): Routes {
  return {
    [mcpPath]: {
      POST: async (request, response) => {
        const message = await readJson(request, maxMessageBytes);
        const reply = await answerMessage(message, holdfastTools(of(request, callOf(message))));
        if (reply.status === 200) answer(response, 200, reply.body);
        else response.writeHead(202).end();
      },
    },
  };
}

/** Claude Code says in each `tools/call` which call of the model's it is. Total. */
function callOf(message: unknown): string | undefined {
  const at = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
  const call = at(at(at(message, 'params'), '_meta'), 'claudecode/toolUseId');
  return typeof call === 'string' ? call : undefined;
}
