// Operator keys of a browser that is not one: records in memory, a played authenticator, a clock that stands still, scrypt of OpenSSL at a small cost.

import { scrypt } from 'node:crypto';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { OperatorKeys, type Unlocked } from '../../src/keys/operator-keys.ts';
import type { Stretch } from '../../src/keys/passphrase.ts';
import type { Way } from '../../src/keys/ways.ts';
import { MemoryRecords } from '../store/memory-records.ts';
import { page, PlayedAuthenticator } from './played-authenticator.ts';

export const facts: OperatorFacts = {
  fleet: new Uint8Array(32).fill(0xf1),
  fleetName: 'home',
  device: new Uint8Array(16).fill(0xd1),
  relayUrl: 'http://127.0.0.1:7433',
  relayKey: new Uint8Array(65).fill(0x04),
};

export const stretch: Stretch = (passphrase, salt, logN) =>
  new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { N: 2 ** logN, r: 8, p: 1, maxmem: 320 * 1024 * 1024 }, (failed, key) =>
      failed ? reject(failed) : resolve(new Uint8Array(key)),
    );
  });

/** Vectors have the real cost; what is tested here is not how long a guess takes. */
const quick: Stretch = (passphrase, salt, logN) => stretch(passphrase, salt, logN - 7);

export const passkey: Way = { kind: 'passkey' };
export const phrase = (text = 'correct horse'): Way => ({ kind: 'passphrase', passphrase: utf8(text) });

export class KeyWorld {
  readonly records = new MemoryRecords();
  readonly authenticator = new PlayedAuthenticator();
  nowMs = 0;
  readonly keys = this.visit();

  /** The same browser, opened anew, or a copy of what it keeps beside another authenticator. */
  visit(authenticator: PlayedAuthenticator | undefined = this.authenticator): OperatorKeys {
    const { records } = this;
    const monotonicMs = (): number => this.nowMs;
    return new OperatorKeys({ primitives: webPrimitives, records, stretch: quick, authenticator, page, monotonicMs });
  }

  async made(way: Way = passkey): Promise<Unlocked> {
    return this.keys.save(await this.keys.make(way, 'home'), facts);
  }
}
