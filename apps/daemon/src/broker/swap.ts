// Puts the secret where the marker stands, as bytes, spec/broker.md §5. Node's HTTP client writes the head with a random marker; the
// marker becomes the secret in the one Buffer that goes to the socket, and every Buffer that held it is overwritten.

import { randomBytes } from 'node:crypto';
import type { Attach, Judged, Use } from './authority.ts';
import { base64, joined, jsonText, ownBuffer, percent, unreservedOnly } from './encode.ts';
import { minSecretBytes, type Fingerprints } from './fingerprints.ts';
import { HoldfastError } from '@holdfast/protocol/errors';

/** Unguessable, so that nothing a client writes is ever taken for it; fits headers and queries as it is, and a Content-Length for Node's client. */
export const makeMarker = (): string => `hfm-${randomBytes(24).toString('hex')}`;

const maxSecretBytes = 8 * 1024;
const colon = 0x3a;

/** The secret as it stands in the request; memory of its own, the caller's to overwrite. Throws `secret_unfit`. [BROKER-23] */
export function encodedSecret(attach: Attach, secret: Buffer, body?: Judged['body']): Buffer {
  const unfit = (): HoldfastError =>
    new HoldfastError('secret_unfit', 'The credential cannot be attached as declared.', {
      next: 'Have the operator add it anew.',
    });
  if (secret.length < minSecretBytes || secret.length > maxSecretBytes) throw unfit();
  switch (attach.kind) {
    case 'bearer':
      if (secret.some((byte) => byte <= 0x20 || byte > 0x7e)) throw unfit();
      return joined(secret);
    case 'header':
      if (secret.some((byte) => byte < 0x20 || byte > 0x7e) || secret.at(0) === 0x20 || secret.at(-1) === 0x20) throw unfit();
      return joined(secret);
    case 'basic': {
      if (attach.username === '') return base64(secret);
      const pair = joined(Buffer.from(`${attach.username}:`), secret);
      const encoded = base64(pair);
      pair.fill(0);
      return encoded;
    }
    case 'body':
      if (body?.secret === undefined || secret.some((byte) => byte > 0x7e)) throw unfit();
      return body.secret.format === 'json' ? jsonText(secret) : percent(secret, unreservedOnly);
    case 'query':
      return percent(secret, unreservedOnly);
    default:
      attach satisfies never;
      throw unfit();
  }
}

/** The body with the secret's text in it; memory of its own, the caller's to overwrite. */
export function filledBody(body: NonNullable<Judged['body']>, encoded: Uint8Array): Buffer {
  const { from, to } = body.secret ?? { from: body.bytes.length, to: body.bytes.length };
  return joined(body.bytes.subarray(0, from), encoded, body.bytes.subarray(to));
}

/** Fingerprints of the secret and, where it is a pair, of the password in it. A password too short to find is refused. */
function remember(attach: Attach, secret: Buffer, prints: Fingerprints): void {
  prints.add(secret);
  const at = attach.kind === 'basic' && attach.username === '' ? secret.indexOf(colon) : -1;
  if (at < 0) return;
  if (secret.length - at - 1 < minSecretBytes)
    throw new HoldfastError('secret_unfit', 'The password in the credential is too short to be kept from replies.');
  const password = joined(secret.subarray(at + 1));
  try {
    prints.add(password);
  } finally {
    password.fill(0);
  }
}

/** One use on one connection. */
export class Swap {
  readonly #attach: Attach;
  readonly #use: Use;
  readonly #prints: Fingerprints;
  readonly #marker: string;
  #open = false;

  constructor(attach: Attach, use: Use, prints: Fingerprints, marker: string) {
    this.#attach = attach;
    this.#use = use;
    this.#prints = prints;
    this.#marker = marker;
  }

  /** Whether the body goes out with the head: the secret stands in it. */
  get fillsBody(): boolean {
    return this.#use.judged.body?.secret !== undefined;
  }

  /**
   * The head with the secret in it, or with the body behind it that has it; memory of its own. Call `wiped` once it is overwritten. The secret
   * itself is overwritten already. [BROKER-19]
   */
  async fill(head: Buffer): Promise<Buffer> {
    const at = head.indexOf(this.#marker, 0, 'latin1');
    if (at < 0 || head.includes(this.#marker, at + 1, 'latin1'))
      throw new HoldfastError('internal', 'the marker stands in the head exactly once');
    const secret = await this.#use.open();
    this.#open = true;
    const { body } = this.#use.judged;
    let encoded = ownBuffer(0);
    let filled = ownBuffer(0);
    try {
      // The fingerprints come first: no reply may come before them. [BROKER-21]
      remember(this.#attach, secret, this.#prints);
      encoded = encodedSecret(this.#attach, secret, body);
      const [before, after] = [head.subarray(0, at), head.subarray(at + this.#marker.length)];
      if (body?.secret === undefined) return joined(before, encoded, after);
      filled = filledBody(body, encoded);
      return joined(before, Buffer.from(String(filled.length)), after, filled); // [BROKER-42]
    } catch (error) {
      this.wiped(false);
      throw error;
    } finally {
      secret.fill(0);
      encoded.fill(0);
      filled.fill(0);
    }
  }

  /** Nothing holds the secret any more. */
  wiped(sent: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    this.#use.wiped(sent);
  }
}
