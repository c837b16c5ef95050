// What a person types about a credential, turned into the signed terms: hosts, methods, paths, attachment, certificates. Pure; every refusal
// is `usage` and says what would be right. Here, and only here, hosts are brought into canonical form; formats accept nothing else.

import { fromBase64, toBase64 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { attach, type Attach } from './attach.ts';
import { caBundle, fence, keyPins, type Fence } from './fence.ts';
import { isCanonicalHost } from './host.ts';

/** Written into the fence when no method is named: what ordinary clients send. */
export const defaultMethods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Written into the fence when no path is named. */
const defaultPaths: readonly string[] = ['/**'];
const httpsPort = 443;

function usage(message: string, next: string, cause?: unknown): never {
  throw new HoldfastError('usage', message, { next, cause });
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `api.example.com`, `Bücher.example:8443`, `127.0.0.1`, `[::1]:8443`. Case and Unicode are brought to the one form; addresses must be in it. */
export function parseHost(typed: string): HostAndPort {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(typed);
  const name = parts?.[1] ?? '';
  const port = parts?.[2] === undefined ? httpsPort : Number(parts[2]);
  if (name === '' || /[\s/?#@\\%*]/.test(name))
    usage(`not a host: ${JSON.stringify(typed)}`, 'write HOST or HOST:PORT, no scheme, path or wildcard'); // [FENCE-3]
  if (name.endsWith('.')) usage(`host ends with a dot: ${name}`, 'leave the dot out'); // [FENCE-3]
  if (port < 1 || port > 65_535) usage(`not a port: ${port}`, 'write a port from 1 to 65535');
  const host = urlHost(name);
  if (!isCanonicalHost(host))
    usage(`not a host: ${JSON.stringify(typed)}`, 'write a name, an IPv4 address, or an IPv6 address in brackets');
  const isAddress = host.startsWith('[') || /^[0-9.]+$/.test(host);
  if (isAddress && host !== name) usage(`address is not in its usual form: ${name}`, `write ${host}`); // [FENCE-4]
  return { host, port };
}

/** Lower-case and punycode by the URL rules, as clients will write it. */
function urlHost(name: string): string {
  try {
    return new URL(`https://${name}/`).hostname;
  } catch (cause) {
    return usage(`not a host: ${JSON.stringify(name)}`, 'write a name, an IPv4 address, or an IPv6 address in brackets', cause);
  }
}

/** `bearer`, `basic`, `basic:USER`, `header:NAME`, `query:NAME`, `body:/POINTER`. */
export function parseAttach(typed: string): Attach {
  const [kind = '', rest] = typed.split(/:(.*)/s, 2);
  const wanted =
    kind === 'basic'
      ? { kind, username: rest ?? '' }
      : rest === undefined
        ? { kind }
        : kind === 'body'
          ? { kind, at: rest }
          : { kind, name: kind === 'header' ? rest.toLowerCase() : rest };
  try {
    return attach.parse(wanted, '--attach');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    return usage(
      `not a way to attach a secret: ${typed} (${why})`,
      'write bearer, basic, basic:USER, header:NAME, query:NAME or body:/POINTER',
      cause,
    );
  }
}

/** PEM certificates out of a file's text: line ends and text around the certificates are dropped, private keys refused. */
export function parseCaBundle(pem: string): string {
  if (/PRIVATE KEY/.test(pem)) usage('the CA file holds a private key', 'give a file with certificates only'); // [FENCE-15]
  const blocks =
    pem.replaceAll('\r\n', '\n').match(/-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]*\n-----END CERTIFICATE-----/g) ?? [];
  try {
    return caBundle.parse(blocks.map((block) => `${block}\n`).join(''), '--ca');
  } catch (cause) {
    return usage('the CA file holds no PEM certificates, or too many', 'give certificates in PEM, 64 KiB at most', cause);
  }
}

/** `--pin`: `sha256/BASE64`, as RFC 7469 and curl's `--pinnedpubkey` write it, the slashes apart. Throws `usage`. */
export function parsePins(typed: readonly string[]): readonly Uint8Array[] {
  try {
    return keyPins.parse(
      typed.map((each) => {
        const [, base64 = ''] = /^sha256\/\/?([A-Za-z0-9+/]{43}=)$/.exec(each) ?? [];
        return fromBase64(base64) ?? new Uint8Array();
      }),
      '--pin',
    );
  } catch (cause) {
    return usage(
      `not pins: ${typed.join(', ')}`,
      'write at most 16 different ones like sha256/BASE64, of the SHA-256 of a SubjectPublicKeyInfo',
      cause,
    );
  }
}

/** As it would be typed. */
export const pinText = (pin: Uint8Array): string => `sha256/${toBase64(pin)}`;

/** The whole fence of one `vault add`. `ca` is the file's text. Throws `usage`. */
export function parseFence(typed: {
  readonly hosts: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
  readonly allowPrivate?: boolean;
  readonly ca?: string;
}): Fence {
  const { hosts, methods = [], paths = [], allowPrivate = false, ca } = typed;
  if (hosts.length === 0) usage('a credential needs at least one host', 'add --host HOST');
  const wanted = {
    hosts: hosts.map((each) => ({ ...parseHost(each) })),
    methods: methods.length > 0 ? methods.map((each) => each.toUpperCase()) : defaultMethods, // [FENCE-2]
    paths: paths.length > 0 ? paths : defaultPaths, // [FENCE-2]
    allowPrivate,
    ...(ca !== undefined && { ca: parseCaBundle(ca) }),
  };
  try {
    return fence.parse(wanted, 'fence');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    return usage(`not a fence: ${why}`, "write paths like '/v1/**' and methods like GET; see spec/fence.md", cause);
  }
}
