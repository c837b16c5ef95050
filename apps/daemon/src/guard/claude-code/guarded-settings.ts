// What Claude Code's settings have to say for sessions that are started by hand, spec/guarded.md: a part of a user's own settings, or, written by root,
// a managed file that nobody else overrides, with the mod beside it. What each is worth: docs/claude-code.md.

import { existsSync } from 'node:fs';
import { claudeCodePath } from './door.ts';
import { actTimeoutMs, hooksThatAsk } from './hooks.ts';
import { modFiles } from './mod-files.ts';
import { filledPlugin, marketplace, pluginFolder, pluginName, showingTools, statusLine } from './plugin.ts';
import { minimumVersion } from './version.ts';

export interface GuardedQuery {
  readonly doorPort: number;
  readonly key: string;
  /** Where the model is asked, as whoever installs has it; undefined: Claude Code's own default. */
  readonly modelUrl: string | undefined;
}

const managedFolder = '/etc/claude-code';
/** After others of that folder: the later one wins. */
const managedFile = `${managedFolder}/managed-settings.d/90-holdfast.json`;
const defaultModelUrl = 'https://api.anthropic.com';

/** JSON for a user's own settings. */
export function guardedSettings({ doorPort, key }: GuardedQuery): string {
  return JSON.stringify({
    hooks: hooksOf({ doorPort, key }),
    ...statusLine(shell(), pluginFolder, doorPort),
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: pluginFolder } } },
    enabledPlugins: { [pluginName]: true },
    pluginConfigs: { [pluginName]: { options: { port: String(doorPort), key } } },
  });
}

/** Files that root alone may write. @throws usage for a model's address that is none */
export function guardedFiles({
  doorPort,
  key,
  modelUrl,
}: GuardedQuery): readonly { readonly path: string; readonly text: string }[] {
  const door = `http://127.0.0.1:${doorPort}${claudeCodePath}`;
  const plugin = `${managedFolder}/holdfast/plugin`;
  const settings = {
    disableAllHooks: false,
    // Another hook could change a call after this one has seen it.
    allowManagedHooksOnly: true,
    requiredMinimumVersion: minimumVersion,
    hooks: hooksOf({ doorPort, key }),
    // The model's key would go wherever a repository says.
    env: { ANTHROPIC_BASE_URL: modelUrl ?? defaultModelUrl },
    permissions: { allow: showingTools },
    ...statusLine(shell(), plugin, doorPort),
    extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: `${managedFolder}/holdfast` } } },
    enabledPlugins: { 'guard@holdfast': true, [pluginName]: true },
    prependPlugins: ['guard@holdfast'],
    pluginConfigs: { 'cc-plugin-sec-default@builtin': { options: { allowManagedModsOnly: true } } },
  };
  const files: Readonly<Record<string, string>> = {
    [managedFile]: `${JSON.stringify(settings, undefined, 2)}\n`,
    ...marketplace(
      `${managedFolder}/holdfast`,
      modFiles({ door, key, deadlineMs: actTimeoutMs, modelUrl: modelUrl ?? defaultModelUrl }),
      filledPlugin(doorPort, key),
    ),
  };
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

function hooksOf({ doorPort, key }: Pick<GuardedQuery, 'doorPort' | 'key'>) {
  return hooksThatAsk({ doorPort, key, shell: shell(), node: process.execPath });
}

/** Of this machine. */
function shell(): string {
  return existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
}
