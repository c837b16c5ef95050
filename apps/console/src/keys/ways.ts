// The ways to unlock: a passphrase, or a passkey with PRF. How a new one of either is made, and how a passkey is asked.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { Authenticator, PasskeyAsserted } from './authenticator.ts';
import { wrapMaster, writtenLogN, type PasskeyUnlock, type Unlock } from './key-record.ts';
import type { Stretch } from './passphrase.ts';

/** What the person shows. `passphrase` stays the caller's to overwrite. */
export type Way = { readonly kind: 'passphrase'; readonly passphrase: Uint8Array } | { readonly kind: 'passkey' };

/** Bytes; fewer are guessed whatever a guess costs. */
const minPassphraseBytes = 10;

export interface WayPorts {
  readonly primitives: Primitives;
  readonly stretch: Stretch;
  readonly authenticator: Authenticator | undefined;
}

/** A new way to the master key, which stays the caller's. Throws `usage`, `passkey_refused`, `passkey_unfit`. */
export async function addWay(
  ports: WayPorts,
  way: Way,
  userName: string,
  { unlocks, prfSalt }: { readonly unlocks: readonly Unlock[]; readonly prfSalt: Uint8Array },
  master: Uint8Array,
): Promise<Unlock> {
  const { primitives } = ports;
  if (way.kind === 'passkey') return addPasskey(ports, userName, unlocks, prfSalt, master);
  if (way.passphrase.length < minPassphraseBytes)
    throw new HoldfastError('usage', `a passphrase has at least ${minPassphraseBytes} characters`, {
      next: 'choose a longer one',
    });
  const salt = primitives.random(16);
  const stretched = await ports.stretch(way.passphrase, salt, writtenLogN);
  return wrapMaster(primitives, { kind: 'passphrase', salt, logN: writtenLogN }, { kind: 'passphrase', stretched }, master);
}

async function addPasskey(
  { primitives, authenticator }: WayPorts,
  userName: string,
  unlocks: readonly Unlock[],
  prfSalt: Uint8Array,
  master: Uint8Array,
): Promise<Unlock> {
  if (authenticator === undefined) throw noPasskeys();
  const existing = unlocks.flatMap((each) => (each.kind === 'passkey' ? [each.credential] : []));
  const user = primitives.random(32);
  const made = await authenticator.make({ userName, user, challenge: primitives.random(32), prfSalt, existing });
  const { credential, algorithm, publicKey } = made;
  let prf = made.prf;
  // many give the output only when they are asked the second time
  if (made.hasPrf && prf === undefined)
    ({ prf } = await authenticator.assert({ credentials: [credential], challenge: primitives.random(32), prfSalt }));
  if (prf?.length !== 32)
    throw new HoldfastError('passkey_unfit', 'this passkey cannot seal a key', { next: 'use another one, or a passphrase' }); // [BKEY-5]
  return wrapMaster(
    primitives,
    { kind: 'passkey', credential, algorithm, publicKey },
    { kind: 'passkey', credential, prf },
    master,
  );
}

/** One of `unlocks`, whatever the authenticator chose; nothing of it is verified. Throws `passkey_refused`. */
export async function askPasskey(
  authenticator: Authenticator | undefined,
  unlocks: readonly PasskeyUnlock[],
  challenge: Uint8Array,
  prfSalt?: Uint8Array,
): Promise<PasskeyAsserted> {
  if (authenticator === undefined || unlocks.length === 0) throw noPasskeys();
  const credentials = unlocks.map((each) => each.credential);
  return authenticator.assert({ credentials, challenge, ...(prfSalt !== undefined && { prfSalt }) });
}

function noPasskeys(): HoldfastError {
  return new HoldfastError('passkey_refused', 'there is no passkey here', { next: 'use the passphrase' });
}
