// A stand-in for a model provider that drives the real Codex without a model or an account: it answers the Responses API with scripted tool
// calls, then with a closing sentence. What it was sent stays with the origin.

import type { Script, ScriptedCall } from './model-server.ts';
import { startOrigin, type Answer, type Origin } from './origin.ts';

interface ResponsesRequest {
  readonly input?: readonly { readonly type?: string }[];
}

/** Turns are counted by the calls that the request already holds. */
function answerAsResponses(script: Script): Answer {
  let replies = 0;
  return (seen, _request, response) => {
    if (seen.method !== 'POST' || !seen.url.split('?')[0]?.endsWith('/responses')) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"no such path"}}');
      return;
    }
    replies += 1;
    const id = `resp_${replies}`;
    const { input = [] } = JSON.parse(seen.body.toString('utf8')) as ResponsesRequest;
    const turn = input.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call').length;
    const send = (type: string, fields: Readonly<Record<string, unknown>>) =>
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    send('response.created', { response: { id } });
    const next = script[turn];
    const items = next === undefined ? [sentence(id)] : [next].flat().map((call, index) => callItem(call, `${id}_${index}`));
    for (const [index, item] of items.entries()) send('response.output_item.done', { output_index: index, item });
    const usage = { input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 };
    send('response.completed', { response: { id, usage } });
    response.end();
  };
}

function sentence(id: string): object {
  return { type: 'message', role: 'assistant', id: `msg_${id}`, content: [{ type: 'output_text', text: 'Done.' }] };
}

function callItem({ tool, input }: ScriptedCall, id: string): object {
  const call = { id: `fc_${id}`, call_id: `call_${id}`, name: tool };
  return { type: 'function_call', ...call, arguments: typeof input === 'string' ? input : JSON.stringify(input) };
}

/** Listens like `startOrigin`. */
export function startResponsesServer(script: Script): Promise<Origin> {
  return startOrigin(answerAsResponses(script));
}
