// The MCP server as a path of the session's door, spec/mcp.md.

import type { IncomingMessage } from 'node:http';
import { answer, readJson, type Routes } from '../session/agent-door.ts';
import { answerMessage } from './server.ts';
import { holdfastTools, type McpView } from './tools.ts';

export const mcpPath = '/mcp';

/** A body for a request, and room around it. */
const maxMessageBytes = 4 << 20;

/** `of`: what whoever asks may see. */
export function mcpRoutes(of: (request: IncomingMessage) => McpView): Routes {
  return {
    [mcpPath]: {
      POST: async (request, response) => {
        const tools = holdfastTools(of(request));
        const reply = await answerMessage(await readJson(request, maxMessageBytes), tools);
        if (reply.status === 200) answer(response, 200, reply.body);
        else response.writeHead(202).end();
      },
    },
  };
}
