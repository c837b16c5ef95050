// Codex's hook, as its requirements name it, against a door that answers, and one that fails in every way: exit 2 with a word on stderr is all
// that stops Codex, exit 0 all that lets it go on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Server } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { codexPath } from '../../src/guard/codex/door.ts';
import { codexFiles } from '../../src/guard/codex/requirements.ts';
import { namedCall } from '../../src/guard/codex/tools.ts';
import { outcomeOf } from '@holdfast/testkit/vectors';

interface Hooked {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** As Codex does it: the command of the requirements through a shell, the event on stdin. */
async function hook(doorPort: number, shell: string, event: string | Buffer, answerWithinMs?: number): Promise<Hooked> {
  const [file] = codexFiles({ doorPort, shell, node: process.execPath, ...(answerWithinMs !== undefined && { answerWithinMs }) });
  const [, command = ''] = /^\[\[hooks\.PreToolUse\.hooks\]\]\n[^[]*?^command = (.*)$/m.exec(file?.data.toString() ?? '') ?? [];
  const child = spawn('/bin/sh', ['-c', JSON.parse(command) as string], { stdio: 'pipe' });
  child.stdin.on('error', () => {}).end(event);
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, output, errors };
}

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function door(t: TestContext, respond: (response: ServerResponse, body: string, url: string) => void): Promise<number> {
  const server = createServer((request, response) => {
    void text(request).then((body) => respond(response, body, request.url ?? ''));
  });
  t.after(() => server.closeAllConnections());
  return listening(t, server);
}

const shells = ['/bin/bash', '/bin/sh'].filter((shell) => existsSync(shell));

for (const shell of shells) {
  describe(`Codex's hook where sessions have ${shell}`, () => {
    it('passes the event on, and lets the tool run on a pass [GUARD-17]', async (t) => {
      const event = JSON.stringify({
        hook_event_name: 'PreToolUse',
        tool_input: { command: `echo 'ä "$(x)" %s \\r\\n'\n\tdone` },
      });
      let seen: readonly string[] = [];
      const port = await door(t, (response, body, url) => {
        seen = [url, body];
        response.writeHead(200, { 'x-holdfast': 'pass' }).end('{"systemMessage":"careful"}');
      });
      const { code, output, errors } = await hook(port, shell, event);
      assert.deepEqual([code, JSON.parse(output), errors], [0, { systemMessage: 'careful' }, '']);
      assert.deepEqual(seen, [codexPath, event]);
    });

    it('stops the tool on a deny, with the reason', async (t) => {
      const port = await door(t, (response) => void response.writeHead(200, { 'x-holdfast': 'deny' }).end('Holdfast: not this.'));
      const { code, output, errors } = await hook(port, shell, '{}');
      assert.deepEqual([code, output, errors.trim()], [2, '', 'Holdfast: not this.']);
    });

    it('carries a large event', async (t) => {
      let length = 0;
      const port = await door(t, (response, body) => {
        length = body.length;
        response.writeHead(200, { 'x-holdfast': 'pass' }).end('{}');
      });
      const event = JSON.stringify({ text: 'x'.repeat(5 << 20) });
      assert.equal((await hook(port, shell, event)).code, 0);
      assert.equal(length, event.length);
    });

    const faults: Readonly<Record<string, (response: ServerResponse) => void>> = {
      'an answer without a verdict': (response) => void response.end('{}'),
      'a verdict that is none': (response) => void response.writeHead(200, { 'x-holdfast': 'yes' }).end('{}'),
      'a refusal of the door': (response) => void response.writeHead(403).end('{"error":{"code":"refused"}}'),
      'a connection that ends': (response) => void response.destroy(),
      'a door that says nothing': () => {},
    };
    for (const [name, respond] of Object.entries(faults)) {
      it(`stops the tool on ${name}`, async (t) => {
        const port = await door(t, respond);
        const { code, output, errors } = await hook(port, shell, '{}', 500);
        assert.deepEqual([code, output], [2, '']);
        assert.match(errors, /Holdfast does not answer/);
      });
    }

    it('stops the tool on noise, and where nobody listens', async (t) => {
      const noise = await listening(
        t,
        createSocketServer((socket) => socket.on('error', () => {}).end('\0\r\nx-holdfast pass\r\n\r\n{}')),
      );
      for (const port of [noise, 9]) {
        const { code, output, errors } = await hook(port, shell, '{}', 500);
        assert.deepEqual([code, output], [2, '']);
        assert.match(errors, /Holdfast does not answer/);
      }
    });
  });
}

describe('Codex’s tools in canonical words', () => {
  it('are shell, edit, read, mcp and others', () => {
    const patch =
      '*** Begin Patch\n*** Add File: a b.txt\n+x\n*** Update File: c\n*** Move to: d\n*** Delete File: e\n*** End Patch';
    assert.equal(namedCall('Bash', { command: 'ls' }).command, 'ls');
    assert.deepEqual(namedCall('apply_patch', { command: patch }).paths, ['a b.txt', 'c', 'd', 'e']);
    assert.deepEqual(namedCall('view_image', { path: 'x.png' }).paths, ['x.png']);
    const { tool, server, mcpTool } = namedCall('mcp__github__get', {});
    assert.deepEqual([tool, server, mcpTool], ['mcp', 'github', 'get']);
    assert.equal(namedCall('update_plan', {}).tool, 'other');
  });

  it('are no calls with another input than theirs [GUARD-2]', async () => {
    for (const [name, input] of [
      ['Bash', {}],
      ['Bash', 'ls'],
      ['Bash', { command: ['ls'] }],
      ['apply_patch', { command: 'x' }],
      ['view_image', null],
    ] as const)
      assert.equal(await outcomeOf(() => namedCall(name, input)), 'codec_shape');
  });
});
