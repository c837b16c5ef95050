// The payload's environment: cleared, then built from an allow-list. spec/sandbox.md [SANDBOX-7].

import { userInfo } from 'node:os';

/** Where the session's certificate bundle lies inside (etc-files.ts puts it there). */
export const bundlePath = '/etc/ssl/certs/ca-certificates.crt';

/** The same for Java. */
export const javaStorePath = '/etc/ssl/certs/java/cacerts';

/** How the usual clients are told which certificates to trust. */
const bundleVariables = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
  'DENO_CERT',
  'NIX_SSL_CERT_FILE',
  'PIP_CERT',
];

/** How they are told where the way out is. npm, yarn, pip, cargo, Go, git and curl read these. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/** Passed on from the caller, or from the daemon's own environment: they change how text looks and nothing else. */
const localeVariable = /^(LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;

export interface EnvironmentParts {
  /** Placeholders, `--pass-env`, and the caller's COLORTERM and locale. It cannot replace what this file sets. */
  readonly caller: Readonly<Record<string, string>>;
  readonly own: NodeJS.ProcessEnv;
  readonly home: string;
  readonly path: readonly string[];
  readonly shell: string;
  /** TERM; undefined without a terminal. */
  readonly term: string | undefined;
  /** Variables that the toolchain folders need to be found where they are mounted. */
  readonly toolchains: Readonly<Record<string, string>>;
  readonly doorPort: number;
  /** Loopback names that mean the host's services, because an operator granted something there: they go through the broker. */
  readonly brokered: readonly string[];
}

export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const door = `http://127.0.0.1:${parts.doorPort}`;
  // What runs inside is mounted read-only: a program that would update itself says that it failed.
  const environment: Record<string, string> = { LANG: 'C.UTF-8', DISABLE_AUTOUPDATER: '1' };
  for (const [name, value] of Object.entries(parts.own)) {
    if (localeVariable.test(name) && value !== undefined) environment[name] = value;
  }
  Object.assign(environment, parts.toolchains, parts.caller);

  const user = userInfo().username;
  Object.assign(environment, {
    HOME: parts.home,
    PATH: parts.path.join(':'),
    SHELL: parts.shell,
    USER: user,
    LOGNAME: user,
    TMPDIR: '/tmp',
    HOLDFAST_DOOR: door,
    NODE_USE_ENV_PROXY: '1',
    SSL_CERT_DIR: '/etc/ssl/certs',
  });
  if (parts.term !== undefined) environment['TERM'] = parts.term;
  for (const name of bundleVariables) environment[name] = bundlePath;
  for (const name of proxyVariables) environment[name] = environment[name.toLowerCase()] = door;
  const direct = directNames(parts.brokered);
  environment['NO_PROXY'] = environment['no_proxy'] = direct.join(',');
  environment['JAVA_TOOL_OPTIONS'] = [environment['JAVA_TOOL_OPTIONS'], ...javaOptions(parts.doorPort, direct)]
    .filter(Boolean)
    .join(' ');
  return environment;
}

/** What the payload serves to itself needs no proxy, and neither does the door; by the proxy the door answers as well. */
export function directNames(brokered: readonly string[]): readonly string[] {
  return ['localhost', '127.0.0.1', '::1'].filter((name) => !brokered.includes(name));
}

/** Java reads no proxy variables; this one every virtual machine reads, also those that bring a trust store of their own. The last wins. */
function javaOptions(doorPort: number, direct: readonly string[]): string[] {
  const proxy = ['http', 'https'].flatMap((scheme) => [`-D${scheme}.proxyHost=127.0.0.1`, `-D${scheme}.proxyPort=${doorPort}`]);
  // Without a list Java leaves out the proxy for every loopback name.
  const unproxied = direct.map((name) => (name === '::1' ? '[::1]' : name));
  return [...proxy, `-Dhttp.nonProxyHosts=${unproxied.join('|')}`, `-Djavax.net.ssl.trustStore=${javaStorePath}`];
}
