// Host names as fences and egress rules hold them, spec/fence.md: one text for one host. Names are compared as text, so whatever has a
// second spelling is refused. Nothing here resolves anything, and nothing depends on a platform's Unicode tables.

import { integer, refine, text } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';

/** RFC 1035 §2.3.4 */
const maxHostCharacters = 253;

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const decimalOctet = /^(?:0|[1-9][0-9]{0,2})$/;

function isCanonicalIpv4(labels: readonly string[]): boolean {
  return labels.length === 4 && labels.every((octet) => decimalOctet.test(octet) && Number(octet) <= 255);
}

/** RFC 5952 §4 without the dotted tail, as URL parsers print it: lower-case, no leading zeros, the first longest run of zeros shortened. */
function isCanonicalIpv6(inside: string): boolean {
  const halves = inside.split('::');
  if (halves.length > 2) return false;
  const [before = [], after = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = [...before, ...after];
  if (!given.every((group) => /^(?:0|[1-9a-f][0-9a-f]{0,3})$/.test(group))) return false;
  const missing = 8 - given.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return false;
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  return shortened(groups) === inside;
}

function shortened(groups: readonly string[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** True for the one spelling of a host: a lower-case ASCII name without a trailing dot, `127.0.0.1`, or `[::1]`. */
export function isCanonicalHost(host: string): boolean {
  if (host.length === 0 || host.length > maxHostCharacters) return false;
  if (host.startsWith('[')) return host.endsWith(']') && isCanonicalIpv6(host.slice(1, -1)); // [FENCE-4]
  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) return isCanonicalIpv4(labels); // [FENCE-4] what a URL parser would take for an address
  return labels.every((each) => label.test(each)); // [FENCE-3]
}

export const hostName = refine(text({ min: 1, max: maxHostCharacters }), (host, path) => {
  if (!isCanonicalHost(host)) throw new HoldfastError('codec_shape', `${path}: host name in canonical form expected`); // [FENCE-3]
  return host;
});

export const portNumber = integer({ min: 1, max: 65_535 });
