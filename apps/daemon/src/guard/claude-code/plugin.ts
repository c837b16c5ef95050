// The plugin for Claude Code as it stands in the installation: commands, the server of tools, the status line. There is no logic in it; here is where
// it lies, and what of it a sealed session gets. The hooks are not in it: managed settings name them.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mcpPath } from '../../mcp/door.ts';

export const pluginFolder = fileURLToPath(new URL('../../../../../plugin', import.meta.url)).replace(/\/$/, '');

/** Plugin, and the marketplace that it comes from. */
export const pluginName = 'holdfast@holdfast';

/** As rules and permissions name a tool of ours, in both modes. */
const mcpTool = (name: string): string => `mcp__plugin_holdfast_holdfast__${name}`;

/** They show and do nothing: a harness need not ask for leave. The guard is asked all the same. */
export const showingTools = ['whoami', 'vault_list', 'rules_status'].map(mcpTool);

const manifestFile = '.claude-plugin/plugin.json';
const statusLineFile = 'status-line.sh';

/** The files as they lie where root alone may write, with the door's address filled in, by their path in the plugin. */
export function filledPlugin(doorPort: number, key?: string): Readonly<Record<string, string>> {
  const skills = readdirSync(path.join(pluginFolder, 'skills')).map((name) => `skills/${name}/SKILL.md`);
  const { userConfig: _asked, ...manifest } = JSON.parse(text(manifestFile)) as Record<string, unknown>;
  const headers = key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } };
  const server = { type: 'http', url: `http://127.0.0.1:${doorPort}${mcpPath}`, ...headers };
  return {
    [manifestFile]: JSON.stringify(manifest),
    '.mcp.json': JSON.stringify({ mcpServers: { holdfast: server } }),
    ...Object.fromEntries([...skills, statusLineFile].map((file) => [file, text(file)])),
  };
}

/** Where root alone may write: the marketplace of both plugins of ours, by path. `folder`: of the marketplace. */
export function marketplace(folder: string, guard: Files, plugin: Files): Files {
  const plugins = [
    { name: 'guard', source: './guard' },
    { name: 'holdfast', source: './plugin' },
  ];
  return {
    [`${folder}/.claude-plugin/marketplace.json`]: JSON.stringify({ name: 'holdfast', owner: { name: 'holdfast' }, plugins }),
    ...under(`${folder}/guard`, guard),
    // The server of tools comes by it: managed settings themselves take servers over https only.
    ...under(`${folder}/plugin`, plugin),
  };
}

type Files = Readonly<Record<string, string>>;

function under(place: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([file, text]) => [`${place}/${file}`, text]));
}

/** The words of the status line, where there is a bash to run it. `folder`: where the plugin lies. */
export function statusLine(shell: string, folder: string, doorPort: number): { readonly statusLine?: object } {
  if (shell !== '/bin/bash') return {};
  const words = [shell, '--norc', '--noprofile', '-p', quoted(path.join(folder, statusLineFile)), `http://127.0.0.1:${doorPort}`];
  return { statusLine: { type: 'command', command: words.join(' ') } };
}

function text(file: string): string {
  return readFileSync(path.join(pluginFolder, file), 'utf8');
}

/** For a shell. */
function quoted(word: string): string {
  return /^[\w/.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
