// What Claude Code finds in /etc/claude-code in a sealed session, read-only: managed settings that it cannot be talked out of, and the mod.
// spec/guard.md [GUARD-10] to [GUARD-13]. Measured with 2.1.330; `onFailure` is known from 2.1.295 on.

import { claudeCodePath } from './door.ts';
import { actTimeoutMs, eventTimeoutMs, hooksThatAsk, type Timeouts } from './hooks.ts';
import { modFiles } from './mod-files.ts';
import { filledPlugin, marketplace, pluginName, showingTools, statusLine } from './plugin.ts';
import { callShell } from './tagged.ts';
import { minimumVersion } from './version.ts';

export interface SettingsQuery {
  readonly doorPort: number;
  readonly shell: string;
  readonly node: string;
  /** Loopback names that need no proxy. */
  readonly direct: readonly string[];
  /** Where the session's model is asked; undefined: Claude Code's own default. */
  readonly modelUrl: string | undefined;
  /** Shorter ones are for tests of what happens when nobody answers. */
  readonly timeoutsMs?: Timeouts;
}

interface ManagedFile {
  readonly path: string;
  readonly data: Uint8Array;
  readonly executable?: true;
}

const folder = '/etc/claude-code';
const plugin = `${folder}/holdfast/plugin`;
const callShellPath = `${folder}/holdfast/shell/bash`;
const defaultModelUrl = 'https://api.anthropic.com';

/** @throws usage for a model's address that is none */
export function claudeCodeFiles(query: SettingsQuery): readonly ManagedFile[] {
  const { doorPort, modelUrl = defaultModelUrl, timeoutsMs = { act: actTimeoutMs, event: eventTimeoutMs } } = query;
  const door = `http://127.0.0.1:${doorPort}${claudeCodePath}`;
  const files: Readonly<Record<string, string>> = {
    [`${folder}/managed-settings.json`]: JSON.stringify(managedSettings(query, door, modelUrl, timeoutsMs), undefined, 2),
    ...marketplace(`${folder}/holdfast`, modFiles({ door, deadlineMs: timeoutsMs.act, modelUrl }), filledPlugin(doorPort)),
  };
  const shells = isBash(query.shell)
    ? [{ path: callShellPath, data: Buffer.from(callShell(query.shell)), executable: true as const }]
    : [];
  return [...Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text) })), ...shells];
}

/** The only shell beside zsh that Claude Code runs a command in. */
function isBash(shell: string): boolean {
  return shell.endsWith('/bash');
}

function managedSettings(
  { doorPort, shell, node, direct }: SettingsQuery,
  door: string,
  modelUrl: string,
  timeoutsMs: Timeouts,
): object {
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
    hooks: hooksThatAsk({ doorPort, shell, node, timeoutsMs }),
    // A repository's settings may name others, and hooks obey them.
    env: {
      ANTHROPIC_BASE_URL: modelUrl,
      ...Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => [name, proxy])),
      ...Object.fromEntries(['NO_PROXY', 'no_proxy'].map((name) => [name, unproxied])),
      ...(isBash(shell) && { CLAUDE_CODE_SHELL: callShellPath }), // [GUARD-30]
    },
    permissions: { allow: showingTools },
    ...statusLine(shell, plugin, doorPort),
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: `${folder}/holdfast` } } },
    enabledPlugins: { 'guard@holdfast': true, [pluginName]: true },
    prependPlugins: ['guard@holdfast'],
    pluginConfigs: { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } },
  };
}
