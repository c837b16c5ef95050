// A stand-in for a model provider that drives the real Claude Code without a model or an account: it answers the Messages API with scripted tool
// calls, then with a closing sentence, and keeps what it was sent.

import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { startOrigin, type Answer, type Origin } from './origin.ts';

/** One tool call. */
export interface ScriptedCall {
  readonly tool: string;
  /** As text: JSON as it goes out, for what no program of ours would write. */
  readonly input: Readonly<Record<string, unknown>> | string;
}

/** What the "model" does: each turn waits for the one before; a list is called at once. */
export type Script = readonly (ScriptedCall | readonly ScriptedCall[])[];

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

function sendMessage(response: ServerResponse, { model, stream }: ModelRequest, blocks: readonly Block[]): void {
  const stopReason = blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  const message = { id: `msg_${randomUUID()}`, type: 'message', role: 'assistant', model, stop_sequence: null };
  const usage = { input_tokens: 8, output_tokens: 4 };
  if (stream !== true) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...message, content: blocks, stop_reason: stopReason, usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  sendEvent(response, 'message_start', { message: { ...message, content: [], stop_reason: null, usage } });
  for (const [index, block] of blocks.entries()) {
    const text = block.type === 'text';
    const empty = text ? { type: 'text', text: '' } : { ...block, input: {} };
    const delta = text
      ? { type: 'text_delta', text: block.text }
      : { type: 'input_json_delta', partial_json: typeof block.input === 'string' ? block.input : JSON.stringify(block.input) };
    sendEvent(response, 'content_block_start', { index, content_block: empty });
    sendEvent(response, 'content_block_delta', { index, delta });
    sendEvent(response, 'content_block_stop', { index });
  }
  sendEvent(response, 'message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 4 } });
  sendEvent(response, 'message_stop', {});
  response.end();
}

/**
 * Answers the Messages API by a script. A request that offers no tools is a side question of the harness: it gets a sentence, which repeats
 * the key that it was asked with. `subagents`: scripts of conversations whose first message holds the key.
 */
export function answerAsModel(script: Script, subagents: Readonly<Record<string, Script>> = {}): Answer {
  let calls = 0;
  const named = ({ tool, input }: ScriptedCall): Block => ({ type: 'tool_use', id: `toolu_${(calls += 1)}`, name: tool, input });
  return (seen, _request, response) => {
    const path = seen.url.split('?')[0];
    if (seen.method !== 'POST' || path !== '/v1/messages') {
      response.writeHead(path === '/v1/messages/count_tokens' ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ input_tokens: 8 }));
      return;
    }
    const request = JSON.parse(seen.body.toString('utf8')) as ModelRequest;
    const messages = request.messages ?? [];
    const first = JSON.stringify(messages.filter(({ role }) => role === 'user').slice(0, 1));
    const [, chosen = script] = Object.entries(subagents).find(([marker]) => first.includes(marker)) ?? [];
    const turn = messages.filter(({ role }) => role === 'assistant').length;
    const next = (request.tools ?? []).length > 0 ? chosen[turn] : undefined;
    const done = `Done for ${String(seen.headers['x-api-key'])}.`;
    const blocks: readonly Block[] = next === undefined ? [{ type: 'text', text: done }] : [next].flat().map(named);
    sendMessage(response, request, blocks);
  };
}

/** Listens like `startOrigin`. */
export function startModelServer(script: Script, subagents?: Readonly<Record<string, Script>>): Promise<Origin> {
  return startOrigin(answerAsModel(script, subagents));
}
