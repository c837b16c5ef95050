// Where a relay may send a Web Push message, spec/web-push.md: a device names an address, and whoever has a device's key could name any. So only the
// push services of browsers are spoken to, and what the relay's operator named.

import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIPv6 } from 'node:net';
import { HoldfastError } from '@holdfast/protocol/errors';

const services = ['fcm.googleapis.com', 'updates.push.services.mozilla.com'];
const serviceDomains = ['.push.apple.com', '.notify.windows.com'];

/** The endpoint taken apart. `named`: origins that the relay's operator trusts besides. Throws `address_refused`. [WEBPUSH-2] */
export function parseEndpoint(endpoint: string, named: ReadonlySet<string>): { readonly url: URL; readonly isNamed: boolean } {
  const refused = (): HoldfastError =>
    new HoldfastError('address_refused', 'this is no address of a push service that the relay speaks to', {
      next: 'ask whoever runs the relay to name it',
    });
  if (!/^https:\/\/[\x21-\x7e]+$/.test(endpoint) || !URL.canParse(endpoint)) throw refused();
  const url = new URL(endpoint);
  const { hostname, port, username, password, hash, origin } = url;
  if (username !== '' || password !== '' || hash !== '') throw refused();
  if (named.has(origin)) return { url, isNamed: true };
  const isService = services.includes(hostname) || serviceDomains.some((domain) => hostname.endsWith(domain));
  if (!isService || port !== '') throw refused();
  return { url, isNamed: false };
}

/** Networks that no push service is in. */
const special = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(net, bits, 'ipv4');

/** Of IPv6 only what is given out to the world, and neither tunnels nor documentation. */
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  special6.addSubnet(net, bits, 'ipv6');

export function isPublic(address: string): boolean {
  if (!isIPv6(address)) return !special.check(address, 'ipv4');
  return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** As `dns.lookup`; one special address among them, and none is used. [WEBPUSH-5] */
export function publicOnly(hostname: string, options: LookupOptions, found: Found): void {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return found(error, []);
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublic(address)))
      return found(Object.assign(new Error('the push service is at a special address'), { code: 'EACCES' }), []);
    if (options.all === true) found(null, addresses);
    else found(null, first.address, first.family);
  });
}
