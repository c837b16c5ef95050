// What Claude Code finds in /etc/claude-code in a sealed session, read-only: managed settings that it cannot be talked out of, and the mod.
// spec/guard.md [GUARD-10] to [GUARD-13]. Measured with 2.1.330; `onFailure` is known from 2.1.295 on.

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '@holdfast/protocol/errors';
import { claudeCodePath } from './door.ts';
import { pluginName, sealedPlugin, showingTools, statusLine } from './plugin.ts';
import { minimumVersion } from './version.ts';

/** The operator's word may take this long; then it is a no. */
export const actTimeoutMs = 330_000;
/** For events that nobody is asked about. */
const eventTimeoutMs = 10_000;

/** Acts: they wait for a verdict. */
const acts = ['PreToolUse', 'UserPromptExpansion'];
/** What has an effect, takes context or brings something into it. */
const others = [
  'PostToolUse',
  'PostToolUseFailure',
  'UserPromptSubmit',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'ConfigChange',
  'InstructionsLoaded',
];

export interface SettingsQuery {
  readonly doorPort: number;
  readonly shell: string;
  readonly node: string;
  /** Loopback names that need no proxy. */
  readonly direct: readonly string[];
  /** Where the session's model is asked; undefined: Claude Code's own default. */
  readonly modelUrl: string | undefined;
  /** Shorter ones are for tests of what happens when nobody answers. */
  readonly timeoutsMs?: { readonly act: number; readonly event: number };
}

interface ManagedFile {
  readonly path: string;
  readonly data: Uint8Array;
}

const folder = '/etc/claude-code';
const plugin = `${folder}/holdfast/plugin`;
const defaultModelUrl = 'https://api.anthropic.com';

/** @throws usage for a model's address that is none */
export function claudeCodeFiles(query: SettingsQuery): readonly ManagedFile[] {
  const { doorPort, modelUrl = defaultModelUrl, timeoutsMs = { act: actTimeoutMs, event: eventTimeoutMs } } = query;
  const door = `http://127.0.0.1:${doorPort}${claudeCodePath}`;
  const mod = `${folder}/holdfast/guard`;
  const files: Readonly<Record<string, string>> = {
    [`${folder}/managed-settings.json`]: JSON.stringify(managedSettings(query, door, modelUrl, timeoutsMs), undefined, 2),
    [`${folder}/holdfast/.claude-plugin/marketplace.json`]: JSON.stringify({
      name: 'holdfast',
      owner: { name: 'holdfast' },
      plugins: [
        { name: 'guard', source: './guard' },
        { name: 'holdfast', source: './plugin' },
      ],
    }),
    [`${mod}/.claude-plugin/plugin.json`]: JSON.stringify({
      name: 'guard',
      version: '1.0.0',
      description: 'Asks Holdfast where hooks do not reach',
    }),
    [`${mod}/hooks/hooks.json`]: JSON.stringify({ modules: ['./register.ts'] }),
    [`${mod}/hooks/register.ts`]: modText(),
    [`${mod}/hooks/door.ts`]: [
      `export const door = ${JSON.stringify(door)};`,
      `export const deadlineMs = ${timeoutsMs.act};`,
      `export const model = ${JSON.stringify(originOf(modelUrl))};`,
    ].join('\n'),
    // The server of tools comes by it, too: managed settings themselves take servers over https only.
    ...Object.fromEntries(Object.entries(sealedPlugin(doorPort)).map(([file, text]) => [`${plugin}/${file}`, text])),
  };
  return Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text) }));
}

function originOf(modelUrl: string): string {
  if (!URL.canParse(modelUrl)) throw new HoldfastError('usage', 'ANTHROPIC_BASE_URL is no address');
  return new URL(modelUrl).origin;
}

function managedSettings(
  { doorPort, shell, node, direct }: SettingsQuery,
  door: string,
  modelUrl: string,
  timeoutsMs: { readonly act: number; readonly event: number },
): object {
  const ask = (timeoutMs: number) => [
    { matcher: '*', hooks: [{ type: 'http', url: door, timeout: timeoutMs / 1000, onFailure: 'block' }] },
  ];
  const start = { type: 'command', ...startCommand(doorPort, shell, node), timeout: timeoutsMs.event / 1000 };
  const proxy = `http://127.0.0.1:${doorPort}`;
  // Hooks would go through a tunnel otherwise, where only services are; also where 127.0.0.1 means the host's.
  const unproxied = [...direct, `127.0.0.1:${doorPort}`].join(',');
  return {
    // A repository that says `true` would switch hooks off otherwise.
    disableAllHooks: false,
    allowManagedHooksOnly: true,
    requiredMinimumVersion: minimumVersion,
    allowedHttpHookUrls: [door],
    httpHookAllowedEnvVars: [],
    hooks: {
      ...Object.fromEntries(acts.map((event) => [event, ask(timeoutsMs.act)])),
      ...Object.fromEntries(others.map((event) => [event, ask(timeoutsMs.event)])),
      // An http hook is silently not called on this one.
      SessionStart: [{ hooks: [start] }],
    },
    // A repository's settings may name others, and hooks obey them.
    env: {
      ANTHROPIC_BASE_URL: modelUrl,
      ...Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => [name, proxy])),
      ...Object.fromEntries(['NO_PROXY', 'no_proxy'].map((name) => [name, unproxied])),
    },
    permissions: { allow: showingTools },
    ...statusLine(shell, plugin, doorPort),
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: `${folder}/holdfast` } } },
    enabledPlugins: { 'guard@holdfast': true, [pluginName]: true },
    prependPlugins: ['guard@holdfast'],
    pluginConfigs: { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } },
  };
}

/**
 * Passes its input to the door and the answer on. Bash by itself takes 3 ms, Node 40: no other program is certain to be there. `-p` and the rest:
 * no file and no variable that a session may write is read first.
 */
function startCommand(
  doorPort: number,
  shell: string,
  node: string,
): { readonly command: string; readonly args: readonly string[] } {
  if (shell !== '/bin/bash') return { command: node, args: ['-e', nodeText(doorPort)] };
  return { command: shell, args: ['--norc', '--noprofile', '-p', '-c', bashText(doorPort)] };
}

function bashText(doorPort: number): string {
  return `LC_ALL=C
IFS= read -r -d '' body
exec 3<>/dev/tcp/127.0.0.1/${doorPort} || exit 2
printf 'POST ${claudeCodePath} HTTP/1.0\\r\\nHost: 127.0.0.1:${doorPort}\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "\${#body}" "$body" >&3
while IFS= read -r line <&3; do [ "$line" = $'\\r' ] && break; done
while IFS= read -r line <&3 || [ -n "$line" ]; do printf '%s\\n' "$line"; done`;
}

function nodeText(doorPort: number): string {
  return `let body = '';
process.stdin.on('data', (chunk) => (body += chunk)).on('end', () => {
  const options = { host: '127.0.0.1', port: ${doorPort}, path: '${claudeCodePath}', method: 'POST', headers: { 'content-type': 'application/json' } };
  require('node:http').request(options, (reply) => reply.pipe(process.stdout)).on('error', () => process.exit(2)).end(body);
});`;
}

let mod: string | undefined;

/** As JavaScript, which every version reads alike; the name stays, for the import beside it. */
function modText(): string {
  if (mod !== undefined) return mod;
  const source = readFileSync(fileURLToPath(new URL('mod/register.ts', import.meta.url)), 'utf8');
  // Node would warn, on the daemon's terminal, that the function is not yet stable.
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    mod = stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
  return mod;
}
