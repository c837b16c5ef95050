// A request by a tool that an operator is asked about: told at once, sent once, heard by the same call again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Act } from '@holdfast/protocol/approvals/ask';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Waiting } from '../../src/approvals/approvals.ts';
import type { OwnReply } from '../../src/mcp/own-request.ts';
import { ToolRequests } from '../../src/session/tool-requests.ts';

const session = new Uint8Array(16).fill(9);
const request = { method: 'POST', url: new URL('https://api.example.com/v1/pay?to=a'), headers: {}, body: '{}' };
const ok: OwnReply = { status: 200, headers: {}, body: 'done' };

function scene(waitMs = 1) {
  const sent: {
    name: string | undefined;
    answer: (reply: OwnReply) => void;
    fail: (thrown: Error) => void;
    signal: AbortSignal | undefined;
  }[] = [];
  const listeners = new Set<(waiting: Waiting) => void>();
  const own = {
    send: (_request: unknown, name?: string, signal?: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<OwnReply>();
      sent.push({ name, answer: resolve, fail: reject, signal });
      return promise;
    },
  };
  const approvals = {
    onWaiting: (_session: Uint8Array, tell: (waiting: Waiting) => void) => {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
  };
  const tell = (change: Partial<Extract<Act, { kind: 'use' }>> = {}): void => {
    const act = { kind: 'use', method: 'POST', host: 'api.example.com', port: 443, path: '/v1/pay', ...change } as Act;
    for (const each of listeners) each({ ask: new Uint8Array(16).fill(0xab), act, withinMs: 120_000 });
  };
  return { requests: new ToolRequests(own, approvals, session, waitMs), sent, listeners, tell };
}

// [MCP-10]
test('one that waits is answered at once, and what came of it is heard by the same call: it was sent once', async () => {
  const { requests, sent, listeners, tell } = scene();
  const told = requests.send(request, 'tag-1');
  tell({ path: '/v1/other' }); // of somebody else
  tell();
  const waits = await told;
  assert.ok('state' in waits && waits.state === 'waiting');
  assert.match(waits.message, /waiting for approval: .*abababab.* 120 seconds/);
  assert.deepEqual(await requests.send({ ...request, url: new URL(request.url) }, 'tag-2'), waits, 'nobody has answered yet');
  assert.equal(sent.length, 1);
  sent[0]?.answer(ok);
  assert.deepEqual(await requests.send(request, 'tag-3'), ok);
  assert.deepEqual([sent.length, listeners.size, sent[0]?.signal?.aborted], [1, 0, false]);
  void requests.send(request, 'tag-4');
  assert.equal(sent.length, 2, 'heard, and so forgotten');
});

// [MCP-10]
test('another caller, and another request, is another; a fault is heard once', async () => {
  const { requests, sent, tell } = scene(60_000);
  const first = requests.send(request, 'tag-1', 'sub');
  tell();
  await first;
  const others = [requests.send(request, 'tag-2'), requests.send({ ...request, body: '{"a":1}' }, 'tag-3', 'sub')];
  assert.equal(sent.length, 3);
  for (const each of sent.slice(1)) each.answer(ok);
  assert.deepEqual(await Promise.all(others), [ok, ok], 'nobody was asked about them');
  const again = requests.send(request, 'tag-4', 'sub');
  sent[0]?.fail(new HoldfastError('upstream_unreachable', 'gone'));
  await assert.rejects(again, (thrown) => codeOf(thrown) === 'upstream_unreachable');
  assert.equal(sent.length, 3);
  void requests.send(request, 'tag-5', 'sub');
  assert.equal(sent.length, 4);
});
