// What the settings say for sessions that are started by hand. That it holds in the real one is the stories' to show (e2e/claude/).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardedFiles, guardedSettings } from '../../src/guard/claude-code/guarded-settings.ts';
import { claudeCodeFiles } from '../../src/guard/claude-code/settings.ts';

const key = 'ab'.repeat(32);
const query = { doorPort: 41_703, key, modelUrl: undefined };
const url = 'http://127.0.0.1:41703/v1/hook/claude-code';

interface Hook {
  readonly type: string;
  readonly url?: string;
  readonly headers?: object;
  readonly onFailure?: string;
  readonly args?: readonly string[];
}
type Hooks = Readonly<Record<string, readonly { readonly hooks: readonly Hook[] }[]>>;

function managed(modelUrl?: string) {
  const files = new Map(guardedFiles({ ...query, modelUrl }).map(({ path, text }) => [path, text]));
  const settings = JSON.parse(files.get('/etc/claude-code/managed-settings.d/90-holdfast.json') ?? '') as Record<string, unknown>;
  return { files, settings };
}

test('a user’s settings have the hooks of a sealed session, each with the key, and each failure blocks', () => {
  const { hooks } = JSON.parse(guardedSettings(query)) as { hooks: Hooks };
  const sealed = claudeCodeFiles({ doorPort: 1, shell: '/bin/bash', node: process.execPath, direct: [], modelUrl: undefined });
  const file = sealed.find(({ path }) => path.endsWith('managed-settings.json')) ?? assert.fail();
  const wanted = (JSON.parse(Buffer.from(file.data).toString('utf8')) as { hooks: Hooks }).hooks;
  assert.deepEqual(Object.keys(hooks), Object.keys(wanted));
  const { SessionStart: start, ...asking } = hooks;
  for (const [event, groups] of Object.entries(asking)) {
    const [{ type, url: at, headers, onFailure } = assert.fail()] = groups.flatMap((group) => group.hooks);
    assert.deepEqual([type, at, headers, onFailure], ['http', url, { authorization: `Bearer ${key}` }, 'block'], event);
  }
  assert.match(start?.[0]?.hooks[0]?.args?.at(-1) ?? '', new RegExp(`Authorization: Bearer ${key}`));
});

// [GUARDED-14]
test('managed settings can’t be switched off, let no other hook run, hold the model’s address, and bring the mod', () => {
  const { files, settings } = managed();
  const { hooks: _hooks, statusLine: _line, permissions: _permissions, ...locks } = settings;
  assert.deepEqual(locks, {
    disableAllHooks: false,
    allowManagedHooksOnly: true,
    requiredMinimumVersion: '2.1.295',
    env: { ANTHROPIC_BASE_URL: 'https://api.anthropic.com' },
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: '/etc/claude-code/holdfast' } } },
    enabledPlugins: { 'guard@holdfast': true, 'holdfast@holdfast': true },
    prependPlugins: ['guard@holdfast'],
    pluginConfigs: { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } },
  });
  const door = files.get('/etc/claude-code/holdfast/guard/hooks/door.ts') ?? '';
  assert.match(door, new RegExp(`headers = \\{"content-type":"application/json","authorization":"Bearer ${key}"\\};`));
  assert.ok(files.has('/etc/claude-code/holdfast/guard/hooks/register.ts'));
  assert.deepEqual(JSON.parse(files.get('/etc/claude-code/holdfast/plugin/.mcp.json') ?? ''), {
    mcpServers: {
      holdfast: { type: 'http', url: 'http://127.0.0.1:41703/mcp', headers: { Authorization: `Bearer ${key}` } },
    },
  });
  const elsewhere = managed('https://gateway.example/a');
  assert.deepEqual(elsewhere.settings['env'], { ANTHROPIC_BASE_URL: 'https://gateway.example/a' });
  assert.throws(() => managed('gateway'), { code: 'usage' });
});
