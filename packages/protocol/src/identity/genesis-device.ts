// Ids that follow from keys, spec/credential.md, and the entry that a fleet begins with, whose hash is the fleet's id.

import { equalBytes, utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { controlTopic, noHash, type UnverifiedEntry } from '../blind/entry.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** [CREDENTIAL-3] [DEVICES-1] The id of an operator device follows from its key: so the genesis entry's hash binds both for the one that makes a fleet. */
export function deviceIdOf(primitives: Primitives, signKey: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 device\0'), signKey).slice(0, 16);
}

/** [PAIRING-11] Asked before anything of the fleet is read; its author and signature are asked with the journal. Throws `genesis_invalid`. */
export function assertGenesisPlace({ statement, hash }: UnverifiedEntry, fleet: Uint8Array): void {
  const { position, fleet: named, previous, topic } = statement;
  const first = position === 0 && equalBytes(named, noHash) && equalBytes(previous, noHash) && equalBytes(topic, controlTopic);
  if (!first || !equalBytes(hash, fleet)) throw new HoldfastError('genesis_invalid', "the genesis entry is not this fleet's");
}
