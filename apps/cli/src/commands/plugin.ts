// `holdfast plugin …`: the guard in a Claude Code that is started by hand. The daemon opens the door and says what the settings have to hold; here they
// are written, and given back as they were. spec/guarded.md.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { askDaemon, findHome } from '../door-client.ts';
import { visible, type Output } from '../output.ts';
import { installManaged, isManaged, managedSettings, removeManaged } from '../plugin/managed-files.ts';
import type { Settings } from '../plugin/merge.ts';
import { install as installUser, installedPort, remove as removeUser, settingsFile } from '../plugin/user-settings.ts';

interface PluginOptions {
  readonly scope: string;
  readonly managed?: true;
}

const worth = {
  managed: [
    'No setting of a user, a repository or a plugin takes it away. It holds for every Claude Code of this machine; those of other users do nothing.',
    'Code that the agent runs is not asked, and needs nobody: what must hold against it runs sealed (holdfast run -- claude).',
  ],
  user: [
    'A repository, another plugin or the agent itself can switch it off: then nothing is held, and nothing is recorded. A change while a session runs',
    'raises an alarm and suspends that session. Root makes it hold with --managed; against the agent itself only holdfast run -- claude holds.',
  ],
} as const;

export async function install(output: Output, { scope, managed }: PluginOptions): Promise<void> {
  const paths = findHome();
  const modelUrl = process.env['ANTHROPIC_BASE_URL'];
  const request = { kind: 'guarded-open', scope, ...(modelUrl !== undefined && { modelUrl }) } as const;
  const { port, settings, files } = await askDaemon(paths, request, 'guarded-door');
  const file = managed === true ? managedSettings : settingsFile(process.env);
  const changed =
    managed === true ? installManaged(files, paths.home) : installUser(file, JSON.parse(settings) as Settings, paths.home);
  const kind = managed === true ? 'managed' : 'user';
  output.result({ scope, port, file, kind, changed }, [
    `${changed ? 'written' : 'unchanged'}: ${visible(file)}; Claude Code asks Holdfast at 127.0.0.1:${port} before each act`,
    ...worth[kind],
    'Sessions that run already go on as they were. While the daemon does not run, no act happens in new ones.',
  ]);
}

/** The settings first: a door that is closed while they name it lets nothing happen. */
export async function remove(output: Output, { scope, managed }: PluginOptions): Promise<void> {
  const file = managed === true ? managedSettings : settingsFile(process.env);
  const removed = managed === true ? removeManaged() : removeUser(file);
  const others = managed === true ? installedPort(settingsFile(process.env)) !== undefined : isManaged();
  const closed = !others && (await close(scope));
  output.result({ scope, file, removed, closed }, [
    removed ? `${visible(file)} is as it was` : `nothing of Holdfast is in ${visible(file)}`,
    ...(closed ? ['the door is closed: sessions that still name it do nothing'] : []),
    ...(others ? [`the door stays open for ${visible(managed === true ? settingsFile(process.env) : managedSettings)}`] : []),
  ]);
}

export async function status(output: Output, { scope }: PluginOptions): Promise<void> {
  const user = settingsFile(process.env);
  const asks = installedPort(user);
  const managed = isManaged();
  const { agents, sessions } = await askDaemon(findHome(), { kind: 'status' }, 'status');
  const agent = agents.find((each) => each.scope === scope);
  if (agent === undefined)
    throw new HoldfastError('scope_unknown', `no agent is enrolled for the scope ${scope}`, { next: 'see: holdfast agents' });
  const port = agent.guarded ?? null;
  const own = sessions.filter(({ mode, agent: of }) => mode === 'guarded' && Buffer.from(of).equals(agent.agent));
  const suspended = own.filter((each) => each.suspended !== undefined).length;
  const state = port === null ? 'closed' : `open at 127.0.0.1:${port}`;
  output.result(
    {
      scope,
      port,
      user: { file: user, installed: asks !== undefined, current: asks !== undefined && asks === port },
      managed: { file: managedSettings, installed: managed },
      sessions: own.length,
      suspended,
    },
    [
      `door of ${visible(scope)}: ${state}`,
      `user settings: ${asks === undefined ? 'not installed' : asks === port ? 'installed' : `they ask another port (${asks}); install again`}`,
      `managed settings: ${managed ? 'installed' : 'not installed'}`,
      `sessions: ${own.length}${suspended > 0 ? `, ${suspended} suspended: holdfast approvals` : ''}`,
    ],
  );
}

async function close(scope: string): Promise<boolean> {
  try {
    await askDaemon(findHome(), { kind: 'guarded-close', scope }, 'done');
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'daemon_unreachable' || codeOf(thrown) === 'scope_unknown') return false;
    throw thrown;
  }
}
