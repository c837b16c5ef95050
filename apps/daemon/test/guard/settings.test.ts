// What Claude Code finds in a sealed session. That it holds in the real one is the stories' to show (e2e/claude/).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ownPort } from '@holdfast/testkit/own-port';
import { claudeCodeFiles, type SettingsQuery } from '../../src/guard/claude-code/settings.ts';

const query: SettingsQuery = {
  doorPort: 23456,
  shell: '/bin/bash',
  node: process.execPath,
  direct: ['localhost', '::1'],
  modelUrl: undefined,
};

interface Hook {
  readonly type: string;
  readonly url?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly timeout?: number;
  readonly onFailure?: string;
}

function settingsOf(change: Partial<SettingsQuery> = {}) {
  const files = new Map(claudeCodeFiles({ ...query, ...change }).map(({ path, data }) => [path, Buffer.from(data).toString()]));
  const managed = JSON.parse(files.get('/etc/claude-code/managed-settings.json') ?? '') as Record<string, unknown> & {
    readonly hooks: Readonly<Record<string, readonly { readonly matcher?: string; readonly hooks: readonly Hook[] }[]>>;
  };
  return { files, managed };
}

// [GUARD-10]
test('every event that carries an effect or a context asks the door, and a failure blocks', () => {
  const { managed } = settingsOf();
  const { SessionStart: start, ...asking } = managed.hooks;
  assert.deepEqual(Object.keys(asking).toSorted(), [
    'ConfigChange',
    'InstructionsLoaded',
    'PostToolUse',
    'PostToolUseFailure',
    'PreCompact',
    'PreToolUse',
    'SubagentStart',
    'SubagentStop',
    'UserPromptExpansion',
    'UserPromptSubmit',
  ]);
  for (const [event, groups] of Object.entries(asking)) {
    assert.equal(groups.length, 1, event);
    const [{ matcher, hooks } = assert.fail()] = groups;
    const [{ timeout, ...hook } = assert.fail(), ...more] = hooks;
    assert.deepEqual([matcher, more], ['*', []], event);
    assert.deepEqual(hook, { type: 'http', url: 'http://127.0.0.1:23456/v1/hook/claude-code', onFailure: 'block' }, event);
    assert.ok((timeout ?? 0) > 0, event);
  }
  assert.equal(start?.[0]?.hooks[0]?.type, 'command');
  const { hooks: _hooks, env, ...locks } = managed;
  assert.deepEqual(locks, {
    disableAllHooks: false,
    allowManagedHooksOnly: true,
    requiredMinimumVersion: '2.1.295',
    allowedHttpHookUrls: ['http://127.0.0.1:23456/v1/hook/claude-code'],
    httpHookAllowedEnvVars: [],
    permissions: {
      allow: [
        'mcp__plugin_holdfast_holdfast__whoami',
        'mcp__plugin_holdfast_holdfast__vault_list',
        'mcp__plugin_holdfast_holdfast__rules_status',
      ],
    },
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: '/etc/claude-code/holdfast' } } },
    enabledPlugins: { 'guard@holdfast': true, 'holdfast@holdfast': true },
    statusLine: {
      type: 'command',
      command: '/bin/bash --norc --noprofile -p /etc/claude-code/holdfast/plugin/status-line.sh http://127.0.0.1:23456',
    },
    prependPlugins: ['guard@holdfast'],
    pluginConfigs: { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } },
  });
  const proxy = 'http://127.0.0.1:23456';
  const unproxied = 'localhost,::1,127.0.0.1:23456';
  assert.deepEqual(env, {
    ANTHROPIC_BASE_URL: 'https://api.anthropic.com',
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: unproxied,
    no_proxy: unproxied,
    CLAUDE_CODE_SHELL: '/etc/claude-code/holdfast/shell/bash',
  });
});

test('the model is where the caller said, by its origin; an address that is none is refused', () => {
  const { files, managed } = settingsOf({ modelUrl: 'https://gateway.example:8443/anthropic' });
  assert.equal((managed['env'] as Record<string, string>)['ANTHROPIC_BASE_URL'], 'https://gateway.example:8443/anthropic');
  assert.match(files.get('/etc/claude-code/holdfast/guard/hooks/door.ts') ?? '', /model = "https:\/\/gateway\.example:8443";/);
  assert.throws(() => settingsOf({ modelUrl: 'gateway' }), { code: 'usage' });
});

// [GUARD-12]
test('the mod is there, as JavaScript, and every gate of it has a catch', () => {
  const { files } = settingsOf();
  const mod = files.get('/etc/claude-code/holdfast/guard/hooks/register.ts') ?? '';
  assert.ok(!/\binterface\b/.test(mod));
  const gates = mod.match(/\bon\('[\w.]+'/g) ?? [];
  assert.deepEqual(gates, ["on('tool.check'", "on('prompt.mention'", "on('http.fetch'", "on('plugin.register'"]);
  assert.equal(mod.match(/\)\.catch\(async \(\) => \(\{ (?:decision: 'deny'|deny: |refuse: )/g)?.length, gates.length);
});

test('the plugin is there, with the address of this session in place of what a person would be asked for', () => {
  const { files } = settingsOf();
  const of = (file: string) => files.get(`/etc/claude-code/holdfast/plugin/${file}`) ?? '';
  const manifest = JSON.parse(of('.claude-plugin/plugin.json')) as Record<string, unknown>;
  assert.deepEqual([manifest['name'], manifest['userConfig']], ['holdfast', undefined]);
  assert.deepEqual(JSON.parse(of('.mcp.json')), {
    mcpServers: { holdfast: { type: 'http', url: 'http://127.0.0.1:23456/mcp' } },
  });
  for (const skill of ['status', 'vault', 'rules']) assert.match(of(`skills/${skill}/SKILL.md`), /^---\ndescription: /);
  assert.equal(settingsOf({ shell: '/bin/sh' }).managed['statusLine'], undefined);
});

test('the status line is what the door says, and says so where nobody answers', async (t) => {
  let reply = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nHoldfast: main, sealed\n';
  const server = createTcpServer((socket) => socket.once('data', () => socket.end(reply)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const script = fileURLToPath(new URL('../../../../plugin/status-line.sh', import.meta.url));
  const shown = async (...words: string[]) => {
    const child = spawn('/bin/bash', [script, ...words], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => {}).end('{"session_id":"x"}');
    return text(child.stdout);
  };
  const absent = 'Holdfast does not answer\n';
  assert.equal(await shown(`http://127.0.0.1:${port}`), 'Holdfast: main, sealed\n');
  for (const other of ['HTTP/1.1 404 Not Found\r\n\r\nno\n', 'HTTP/1.1 200 OK\r\n\r\n', 'SSH-2.0\r\n', '']) {
    reply = other;
    assert.equal(await shown(`http://127.0.0.1:${port}`), absent, other);
  }
  for (const words of [[], ['http://127.0.0.1:x; touch here'], ['http://example.com:80'], ['http://127.0.0.1:1']])
    assert.equal(await shown(...words), absent, words.join());
});

// [GUARD-13]
test('a context’s start asks the door and passes the answer on, by bash or by Node, whatever the session wrote', async (t) => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    const answer = (body: string) => {
      heard.push(body);
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end('{"hookSpecificOutput":{"additionalContext":"größer"}}\n');
    };
    void text(request).then(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port: doorPort } = server.address() as AddressInfo;
  const event = '{"hook_event_name":"SessionStart","cwd":"/größe"}';
  const ask = async (shell: string, port = doorPort) => {
    const { command = '', args = [] } = settingsOf({ shell, doorPort: port }).managed.hooks['SessionStart']?.[0]?.hooks[0] ?? {};
    const child = spawn(command, args, { env: { BASH_ENV: '/tmp/none', ENV: '/tmp/none' }, stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.end(event);
    const [said, code] = await Promise.all([text(child.stdout), new Promise((resolve) => child.on('close', resolve))]);
    return { said, code };
  };
  for (const shell of ['/bin/bash', '/bin/sh']) {
    assert.deepEqual(await ask(shell), { said: '{"hookSpecificOutput":{"additionalContext":"größer"}}\n', code: 0 }, shell);
    assert.equal(heard.at(-1), event, shell);
  }
  const port = await ownPort(); // nobody comes to listen there
  for (const shell of ['/bin/bash', '/bin/sh']) {
    const { said, code } = await ask(shell, port);
    assert.equal(said, '', shell);
    assert.notEqual(code, 0, shell);
  }
});
