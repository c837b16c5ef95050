// The device that made a fleet: its id follows from its key, and the fleet's id from the genesis entry that names it. spec/credential.md.

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { decode } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { controlTopic, entryStatement, maxEntryBytes, noHash, type EntryStatement } from '../blind/entry.ts';
import { statementHash } from '../keys/domain.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** [CREDENTIAL-3] The id of the device that makes a fleet: it follows from the device's key, so the genesis entry's hash binds both. */
export function deviceIdOf(primitives: Primitives, signKey: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 device\0'), signKey).slice(0, 16);
}

function invalid(message: string, cause?: unknown): never {
  throw new HoldfastError('genesis_invalid', message, { cause });
}

/**
 * Checks a genesis statement against the fleet's id and a device: only the device whose key made the fleet fits.
 * Throws `genesis_invalid`.
 */
export function assertGenesisDevice(
  primitives: Primitives,
  genesis: Uint8Array,
  { fleet, device, sign }: { fleet: Uint8Array; device: Uint8Array; sign: Uint8Array },
): void {
  if (!equalBytes(statementHash(primitives, 'entry', genesis), fleet)) invalid("the genesis entry is not this fleet's");
  let statement: EntryStatement;
  try {
    statement = decode(entryStatement, genesis, maxEntryBytes);
  } catch (cause) {
    return invalid('the genesis entry is none', cause);
  }
  const first = statement.position === 0 && equalBytes(concat(statement.fleet, statement.previous), concat(noHash, noHash));
  if (!first || !equalBytes(statement.topic, controlTopic)) invalid('the genesis entry is none');
  if (!equalBytes(statement.author, device) || !equalBytes(deviceIdOf(primitives, sign), device)) {
    invalid('the device did not make this fleet'); // [CREDENTIAL-3]
  }
}
