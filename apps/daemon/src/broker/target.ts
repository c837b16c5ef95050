// Where a request goes, spec/broker.md §2: the one spelling of host and port that decisions, name resolution, TLS and the Host header
// all use. Trusts nothing: every text here was written by the session.

import { HoldfastError } from '@holdfast/protocol/errors';

/** `host` is canonical: lower-case without a trailing dot, a dotted IPv4 address, or an IPv6 address in brackets. */
export interface Target {
  readonly scheme: 'https' | 'http';
  readonly host: string;
  readonly port: number;
}

const maxHostCharacters = 253;
const plainHost = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/;
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

const defaultPort = (scheme: Target['scheme']): number => (scheme === 'https' ? 443 : 80);

/**
 * The one spelling of a host by the WHATWG URL rules (`0x7f.1` is 127.0.0.1), or undefined. Percent signs, user information, zone ids and
 * bytes beyond ASCII are not interpreted: they make it no host. [BROKER-2]
 */
export function canonicalHost(text: string): string | undefined {
  if (text.length > maxHostCharacters + 1 || !plainHost.test(text)) return undefined;
  const parsed = URL.parse(`http://${text}/`);
  if (parsed === null || parsed.port !== '' || parsed.pathname !== '/') return undefined;
  const host = parsed.hostname.endsWith('.') ? parsed.hostname.slice(0, -1) : parsed.hostname;
  if (host.startsWith('[')) return host;
  return host.length <= maxHostCharacters && host.split('.').every((each) => label.test(each)) ? host : undefined;
}

function portOf(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** `host[:port]` of a CONNECT target, a Host header or an absolute form. Throws `request_malformed`. */
export function parseAuthority(text: string, scheme: Target['scheme'], withoutPort?: number): Target {
  const parts = /^(\[[^\]]*\]|[^:[\]]+)(?::([0-9]+))?$/.exec(text);
  const host = canonicalHost(parts?.[1] ?? '');
  const port = parts?.[2] === undefined ? withoutPort : portOf(parts[2]);
  if (host === undefined || port === undefined)
    throw new HoldfastError('request_malformed', 'the request names no usable host and port');
  return { scheme, host, port };
}

/** `http://host[:port]/path?query`, nothing more: no user information, no fragment. Throws `request_malformed`. */
export function parseAbsoluteForm(url: string): { readonly target: Target; readonly originForm: string } {
  const parts = /^http:\/\/([^/?#@\\]+)(\/[^?#]*)?(\?[^#]*)?$/i.exec(url);
  if (parts?.[1] === undefined)
    throw new HoldfastError('request_malformed', 'a proxy takes http://host/path; for https use CONNECT');
  return { target: parseAuthority(parts[1], 'http', 80), originForm: `${parts[2] ?? '/'}${parts[3] ?? ''}` };
}

/** Whether the Host header says the same host and port. A Host header that cannot be read says something else. [BROKER-4] */
export function hostHeaderMatches(header: string, target: Target): boolean {
  try {
    const named = parseAuthority(header, target.scheme, defaultPort(target.scheme));
    return named.host === target.host && named.port === target.port;
  } catch {
    return false;
  }
}

/** The Host header that goes upstream: made from the target, never copied. */
export function hostHeader(target: Target): string {
  return target.port === defaultPort(target.scheme) ? target.host : `${target.host}:${target.port}`;
}
