// A stand-in for a model provider that drives the real Claude Code without a model or an account: it answers the Messages API with one
// scripted tool call, then with a closing sentence, and keeps what it was sent.

import type { ServerResponse } from 'node:http';
import { startOrigin, type Origin } from './origin.ts';

/** What the "model" does in turn: each tool call waits for the one before. */
export interface ScriptedCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

interface ModelRequest {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly name: string }[];
}

type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

function sendEvent(response: ServerResponse, type: string, fields: Readonly<Record<string, unknown>>): void {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

function sendMessage(response: ServerResponse, { model, stream }: ModelRequest, block: Block): void {
  const stopReason = block.type === 'tool_use' ? 'tool_use' : 'end_turn';
  const message = { id: 'msg_stand_in', type: 'message', role: 'assistant', model, stop_sequence: null };
  const usage = { input_tokens: 8, output_tokens: 4 };
  if (stream !== true) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...message, content: [block], stop_reason: stopReason, usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  sendEvent(response, 'message_start', { message: { ...message, content: [], stop_reason: null, usage } });
  if (block.type === 'text') {
    sendEvent(response, 'content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    sendEvent(response, 'content_block_delta', { index: 0, delta: { type: 'text_delta', text: block.text } });
  } else {
    sendEvent(response, 'content_block_start', { index: 0, content_block: { ...block, input: {} } });
    sendEvent(response, 'content_block_delta', {
      index: 0,
      delta: { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
    });
  }
  sendEvent(response, 'content_block_stop', { index: 0 });
  sendEvent(response, 'message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 4 } });
  sendEvent(response, 'message_stop', {});
  response.end();
}

/** Listens like `startOrigin`. A request that offers no tools is a side question of the harness: it gets a sentence. */
export function startModelServer(script: readonly ScriptedCall[]): Promise<Origin> {
  return startOrigin((seen, _request, response) => {
    const path = seen.url.split('?')[0];
    if (seen.method !== 'POST' || path !== '/v1/messages') {
      response.writeHead(path === '/v1/messages/count_tokens' ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ input_tokens: 8 }));
      return;
    }
    const request = JSON.parse(seen.body.toString('utf8')) as ModelRequest;
    const turn = (request.messages ?? []).filter(({ role }) => role === 'assistant').length;
    const call = (request.tools ?? []).length > 0 ? script[turn] : undefined;
    const block: Block =
      call === undefined
        ? { type: 'text', text: 'Done.' }
        : { type: 'tool_use', id: `toolu_stand_in_${turn}`, name: call.tool, input: call.input };
    sendMessage(response, request, block);
  });
}
