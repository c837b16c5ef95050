// Which of the usual clients are here, and how a sealed session makes each use the broker and trust its authority: docs/clients.md.

import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ok, warn, type Check } from './check.ts';

const run = promisify(execFile);
const answerWithinMs = 10_000;

const trust: Readonly<Record<string, string>> = {
  curl: 'CURL_CA_BUNDLE and the bundle over the system one',
  git: 'GIT_SSL_CAINFO; over HTTPS only, SSH does not pass',
  npm: 'NODE_EXTRA_CA_CERTS; scoped packages of a host that has a credential need a path such as /** in its fence',
  python3: 'SSL_CERT_FILE and REQUESTS_CA_BUNDLE; libraries that read no proxy variables reach nothing',
  pip: 'PIP_CERT',
  node: 'NODE_EXTRA_CA_CERTS and NODE_USE_ENV_PROXY',
  go: 'SSL_CERT_FILE; Go asks no proxy for localhost and 127.0.0.1',
  java: 'a store of its own through JAVA_TOOL_OPTIONS, which each start announces on stderr',
  wget: 'the bundle over the system one',
};

/** `searched` is a PATH. */
export async function clientChecks(searched: string): Promise<Check[]> {
  const checks = Object.entries(trust).map(([name, how]) => {
    const file = locate(name, searched);
    return ok(`client-${name}`, file === undefined ? 'not installed' : `${file}; trusts by ${how}`);
  });
  const node = locate('node', searched);
  const version = node && (await answer(node, ['--version']));
  const others = checks.map((check) =>
    check.name === 'client-node' && version !== undefined ? nodeCheck(version, check) : check,
  );
  const git = locate('git', searched);
  return git === undefined
    ? others
    : [...others, bareRepositories(await answer(git, ['config', '--global', 'safe.bareRepository']))];
}

/** `fetch` and `https` of 22.21, 24.5 and later read the proxy variables; no other Node's do. */
export function nodeCheck(version: string, usual: Check): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)) return usual;
  return warn(
    usual.name,
    `${version} ignores the proxy: its fetch and https reach nothing from a session; npm works`,
    'install Node 22.21, 24.5 or later, or use a library that reads HTTPS_PROXY',
  );
}

/** Without it, git obeys the configuration of any bare repository that a session left in a working tree. */
export function bareRepositories(setting: string | undefined): Check {
  if (setting === 'explicit') return ok('git-bare-repositories', 'git enters a bare repository only when it is told to');
  return warn(
    'git-bare-repositories',
    'git would obey the configuration of a bare repository that an agent hid in a working tree',
    'git config --global safe.bareRepository explicit',
  );
}

function locate(name: string, searched: string): string | undefined {
  return searched
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

async function answer(file: string, parameters: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(file, [...parameters], { timeout: answerWithinMs, cwd: '/' })).stdout.trim();
  } catch {
    return undefined;
  }
}
