// Which of the usual clients are here, and how a sealed session makes each use the broker and trust its authority: docs/clients.md.

import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ok, warn, type Check } from './check.ts';

const run = promisify(execFile);
const answerWithinMs = 10_000;

interface Trust {
  readonly by: string;
  /** What it says when it does not trust the session's authority. */
  readonly says: string;
  /** What then to mend: mostly, what names authorities of its own. */
  readonly mend: string;
}

const trust: Readonly<Record<string, Trust>> = {
  curl: {
    by: 'CURL_CA_BUNDLE and the bundle over the system one',
    says: 'curl: (60)',
    mend: 'leave --cacert and --capath out; no --insecure is needed',
  },
  git: {
    by: 'GIT_SSL_CAINFO; over HTTPS only, SSH does not pass',
    says: 'certificate verification failed',
    mend: 'keep GIT_SSL_CAINFO where something clears the environment; it stands above http.sslCAInfo',
  },
  npm: {
    by: 'NODE_EXTRA_CA_CERTS; scoped packages of a host that has a credential need a path such as /** in its fence',
    says: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    mend: 'take ca and cafile out of .npmrc: they replace it',
  },
  python3: {
    by: 'SSL_CERT_FILE and REQUESTS_CA_BUNDLE; libraries that read no proxy variables reach nothing',
    says: 'CERTIFICATE_VERIFY_FAILED',
    mend: 'hand the file of SSL_CERT_FILE to code that names one itself (verify=, cafile=, certifi.where())',
  },
  pip: { by: 'PIP_CERT', says: 'CERTIFICATE_VERIFY_FAILED', mend: 'leave --cert out: it replaces PIP_CERT' },
  node: {
    by: 'NODE_EXTRA_CA_CERTS and NODE_USE_ENV_PROXY',
    says: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    mend: 'hand the file of NODE_EXTRA_CA_CERTS to code that sets ca itself',
  },
  go: {
    by: 'SSL_CERT_FILE; Go asks no proxy for localhost and 127.0.0.1',
    says: 'x509: certificate signed by unknown authority',
    mend: 'read the file of SSL_CERT_FILE into RootCAs where a program sets them itself',
  },
  java: {
    by: 'a store of its own through JAVA_TOOL_OPTIONS, which each start announces on stderr',
    says: 'PKIX path building failed',
    mend: 'take javax.net.ssl.trustStore out of the command line, MAVEN_OPTS and GRADLE_OPTS',
  },
  wget: {
    by: 'the bundle over the system one',
    says: 'is not trusted',
    mend: 'leave --ca-certificate out',
  },
  cargo: {
    by: 'CARGO_HTTP_CAINFO',
    says: 'SSL certificate problem',
    mend: 'leave http.cainfo out of --config; a Rust program with webpki-roots brings authorities of its own: build it with native roots, which read SSL_CERT_FILE',
  },
};

/** `searched` is a PATH. */
export async function clientChecks(searched: string): Promise<Check[]> {
  const checks = Object.entries(trust).map(([name, { by, says, mend }]) => {
    const file = locate(name, searched);
    const told = `${file}; trusts by ${by}; should it say ${JSON.stringify(says)}: ${mend}`;
    return ok(`client-${name}`, file === undefined ? 'not installed' : told);
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
