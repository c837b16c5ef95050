// Where a secret stands in a request, spec/vault.md: the one position at which the broker swaps the placeholder. Declared in the signed
// grant; a placeholder anywhere else is never swapped.

import { refine, text, union, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { pointer } from './arguments.ts';

/** Headers that frame, route or negotiate the message, or that the broker decides itself: never a place for a secret. */
const refusedHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'cookie2',
  'date',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'range',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);
const refusedHeaderPrefixes = ['proxy-', 'sec-', 'x-forwarded-'] as const;

/** Header names are compared without case, so the format holds them in lower case only. RFC 9110 §5.6.2 token. */
const headerName = refine(text({ min: 1, max: 64, pattern: /^[a-z0-9!#$%&'*+.^_`|~-]+$/ }), (name, path) => {
  if (refusedHeaders.has(name) || refusedHeaderPrefixes.some((prefix) => name.startsWith(prefix))) {
    throw new HoldfastError('codec_shape', `${path}: a secret cannot stand in the header ${name}`); // [VAULT-4]
  }
  return name;
});

export const attach = union({
  /** `Authorization: Bearer SECRET` */
  bearer: {},
  /** `Authorization: Basic base64(username:SECRET)`; RFC 7617 allows no colon in the user name. */
  basic: { username: text({ max: 256, pattern: /^[\x20-\x39\x3b-\x7e]*$/ }) },
  /** The whole value of this header. */
  header: { name: headerName },
  /** The whole value of this query parameter, percent-encoded by the broker. */
  query: { name: text({ min: 1, max: 64, pattern: /^[A-Za-z0-9._~-]+$/ }) },
  /** The whole value of this field of a body, of JSON or of a form as the request's type says. */
  body: { at: pointer }, // [VAULT-14]
});
export type Attach = Infer<typeof attach>;

/** Shorter ones cannot be told from ordinary text in a reply, and can be guessed. */
const minSecretBytes = 8;
export const maxSecretBytes = 8 * 1024;

/** Whether a reply is read by this byte, spec/broker.md §6: controls, white space, quotes, commas and backslashes are read over. */
const counts = (byte: number): boolean => byte > 0x20 && byte !== 0x7f && !`\\"',`.includes(String.fromCharCode(byte));

/** What a header field can carry unchanged: visible ASCII, and spaces that are not at either end (RFC 9110 §5.5). */
function fitsHeader(secret: Uint8Array): boolean {
  if (secret.at(0) === 0x20 || secret.at(-1) === 0x20) return false;
  return secret.every((byte) => byte >= 0x20 && byte <= 0x7e);
}

/** Refuses a secret that could not be attached as declared, before it is sealed. The bytes stay the caller's. Throws `secret_unfit`. */
export function assertSecretFits(secret: Uint8Array, place: Attach): void {
  const unfit = (message: string, next: string): never => {
    throw new HoldfastError('secret_unfit', message, { next });
  };
  if (secret.length < minSecretBytes) unfit(`the secret is shorter than ${minSecretBytes} bytes`, 'use a longer secret'); // [VAULT-5]
  if (secret.filter(counts).length < minSecretBytes)
    unfit(`fewer than ${minSecretBytes} characters of the secret tell it from other text`, 'use a longer secret'); // [VAULT-5]
  if (secret.length > maxSecretBytes)
    unfit(`the secret is longer than ${maxSecretBytes} bytes`, 'give the secret alone, not a file around it'); // [VAULT-5]
  switch (place.kind) {
    case 'bearer':
      if (!secret.every((byte) => byte > 0x20 && byte <= 0x7e))
        unfit('a bearer token is visible ASCII without spaces', 'check for line breaks in it'); // [VAULT-6]
      return;
    case 'basic':
    case 'header':
      if (!fitsHeader(secret)) unfit('a header cannot carry these bytes', 'check for line breaks and for spaces at the ends'); // [VAULT-6]
      return;
    case 'body':
      if (!secret.every((byte) => (byte >= 0x20 && byte <= 0x7e) || [0x09, 0x0a, 0x0d].includes(byte)))
        unfit('a field of a body carries ASCII, tabs and line ends', 'check for other bytes in it'); // [VAULT-6]
      return;
    case 'query':
      return;
    default:
      place satisfies never;
      throw new HoldfastError('internal', 'unknown attachment');
  }
}
