// Who a relay is to push services, RFC 8292: a key of its own, and a token for each service that says how to reach whoever runs it. Nobody pins the
// key: a relay that lost it has its devices subscribe anew.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBase64url, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, literal, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { drawScalar, writeKeyFile } from '../relay-key.ts';

const fileName = 'push.key';
const keyFile = record({ v: literal(1), sign: bytes(32) });
/** RFC 8292 allows a day. */
const lifeS = 12 * 3600;
/** A token is used while it is good for so long. */
const marginS = 3600;
/** Services that devices use at once. */
const maxTokens = 64;

export interface Vapid {
  /** SEC1 uncompressed, 65 bytes: what browsers subscribe with. */
  readonly publicKey: Uint8Array;
  /** The `Authorization` for a service at that origin. [WEBPUSH-7] */
  authorization(origin: string, nowMs: number): Promise<string>;
}

/** Reads the key of the folder, or makes it. The caller holds the store's lock. Throws `store_failed`, `usage` for a contact that is none. */
export async function openVapid(primitives: Primitives, folder: string, contact: string): Promise<Vapid> {
  if (!/^(mailto:[\x21-\x7e]+@[\x21-\x7e]+|https:\/\/[\x21-\x7e]+)$/.test(contact) || contact.length > 256)
    throw new HoldfastError('usage', 'a contact for push services looks like mailto:you@example.com');
  const path = join(folder, fileName);
  if (!existsSync(path)) writeKeyFile(folder, fileName, encode(keyFile, { v: 1, sign: await drawScalar(primitives) }));
  const scalar = readScalar(path);
  const publicKey = await primitives.p256PublicKey(scalar);
  const tokens = new Map<string, { readonly token: string; readonly untilS: number }>();
  return {
    publicKey,
    async authorization(origin, nowMs) {
      const nowS = Math.floor(nowMs / 1000);
      let held = tokens.get(origin);
      if (held === undefined || held.untilS < nowS + marginS || held.untilS > nowS + lifeS) {
        const exp = nowS + lifeS;
        const part = (value: object): string => toBase64url(utf8(JSON.stringify(value)));
        const input = `${part({ typ: 'JWT', alg: 'ES256' })}.${part({ aud: origin, exp, sub: contact })}`;
        const signature = await primitives.p256Sign(scalar, utf8(input));
        held = { token: `${input}.${toBase64url(signature)}`, untilS: exp };
        if (tokens.size >= maxTokens) tokens.clear();
        tokens.set(origin, held);
      }
      return `vapid t=${held.token}, k=${toBase64url(publicKey)}`;
    },
  };
}

function readScalar(path: string): Uint8Array {
  try {
    return decode(keyFile, readFileSync(path), 128).sign;
  } catch (cause) {
    throw new HoldfastError('store_failed', 'push.key cannot be read', {
      cause,
      next: 'restore it from a backup, or remove it: devices subscribe anew',
    });
  }
}
