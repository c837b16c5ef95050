// Which addresses a session may reach, spec/broker.md §5: names are resolved by the broker, once, and every answer is judged before the
// first packet goes to any. Trusts the resolver for nothing but an answer.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { refusal } from './refusal.ts';
import type { Target } from './target.ts';

export type Resolve = (host: string) => Promise<readonly string[]>;

/** The machine's own resolver: hosts file, then name service. */
export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

const maxAddresses = 16;

/** Ranges of one organisation or one machine: reachable where an operator allows private addresses. */
const privateRanges: ReadonlySet<string> = new Set(['carrierGradeNat', 'loopback', 'private', 'uniqueLocal']);
/** Public by its number, a metadata service by its use (Azure). */
const metadata: ReadonlySet<string> = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254']);
const globalUnicast6 = ipaddr.parseCIDR('2000::/3');

type Reach = 'public' | 'private' | 'never';

function reachOf4(address: ipaddr.IPv4): Reach {
  if (metadata.has(address.toString())) return 'never';
  const range = address.range();
  if (range === 'unicast') return 'public';
  return privateRanges.has(range) ? 'private' : 'never';
}

/** `never`: multicast, broadcast, unspecified, link-local, metadata, reserved, and IPv6 forms that carry an IPv4 address past a check. [BROKER-7] */
export function reachOf(text: string): Reach {
  // `::1.2.3.4` is read as mapped by some and as its own range by others.
  if (!ipaddr.isValid(text) || (text.includes(':') && text.includes('.') && !/^::ffff:/i.test(text))) return 'never';
  const address = ipaddr.parse(text);
  if (address.kind() === 'ipv4') return reachOf4(address as ipaddr.IPv4);
  const six = address as ipaddr.IPv6;
  if (six.zoneId !== undefined && six.zoneId !== '') return 'never';
  if (six.isIPv4MappedAddress()) return reachOf4(six.toIPv4Address());
  if (metadata.has(six.toString())) return 'never';
  const range = six.range();
  if (range === 'unicast' && six.match(globalUnicast6)) return 'public';
  return privateRanges.has(range) ? 'private' : 'never';
}

/** The literal without brackets, or undefined for a name. */
export function literalAddress(host: string): string | undefined {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? undefined : bare;
}

/** Every address of the target, all of them allowed. Throws `address_refused` if one is not, `upstream_unreachable` if there is none. [BROKER-7] */
export async function allowedAddresses(target: Target, allowPrivate: boolean, resolve: Resolve): Promise<readonly string[]> {
  const literal = literalAddress(target.host);
  const addresses = literal === undefined ? await resolved(target.host, resolve) : [literal];
  for (const address of addresses) {
    const reach = reachOf(address);
    if (reach === 'never' || (reach === 'private' && !allowPrivate)) throw refusal('address_refused');
  }
  return addresses;
}

async function resolved(host: string, resolve: Resolve): Promise<readonly string[]> {
  let addresses: readonly string[];
  try {
    addresses = await resolve(host);
  } catch (cause) {
    throw refusal('upstream_unreachable', cause);
  }
  if (addresses.length === 0 || addresses.length > maxAddresses) throw refusal('upstream_unreachable');
  return addresses;
}
