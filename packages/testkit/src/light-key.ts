// An operator key that costs little to open, so that stories of many commands spend their time on what they tell.

import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { decodeValue, encodeValue, type Value } from '@holdfast/protocol/codec/cbor';

/** The least that a reader takes [OPKEY-1]: an eighth of what is written. */
const leastLogN = 14;

function stretched(passphrase: string, file: Readonly<Record<string, Value>>): Buffer {
  const { salt, logN } = file as { salt: Uint8Array; logN: number };
  return scryptSync(passphrase, salt, 32, { r: 8, p: 1, N: 2 ** logN, maxmem: 288 * 1024 * 1024 });
}

/**
 * Seals the operator key in `home` once more as spec/operator-key.md has it, under the same passphrase and the least `logN` there is. Called
 * when no command runs there. Throws when there is no key, or `passphrase` does not open it.
 */
export function lightenKey(home: string, passphrase: string): void {
  const name = path.join(home, 'operator', 'operator.key');
  const file = decodeValue(readFileSync(name), 8 * 1024) as Readonly<Record<string, Value>>;
  const { sealed, nonce } = file as { sealed: Uint8Array; nonce: Uint8Array };
  const opened = createDecipheriv('aes-256-gcm', stretched(passphrase, file), nonce);
  opened.setAAD(encodeValue({ ...file, sealed: new Uint8Array(0) }));
  opened.setAuthTag(sealed.subarray(-16));
  const secret = Buffer.concat([opened.update(sealed.subarray(0, -16)), opened.final()]);

  const light = { ...file, logN: leastLogN };
  // The nonce stays: with another cost the key is another.
  const cipher = createCipheriv('aes-256-gcm', stretched(passphrase, light), nonce);
  cipher.setAAD(encodeValue({ ...light, sealed: new Uint8Array(0) }));
  const again = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  writeFileSync(name, encodeValue({ ...light, sealed: new Uint8Array(again) }));
}
