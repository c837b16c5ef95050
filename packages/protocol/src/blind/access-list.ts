// The access list, spec/access-list.md: which keys may use a fleet's topics at a relay. Random ids and keys, no names: it is all
// that a relay knows about a fleet's members. Signed by a device of the version before, so that a relay can neither add nor keep anybody.

import { compareBytes, equalBytes, toHex } from '../codec/bytes.ts';
import { bytesUpTo, decode, encode, integer, list, literal, optional, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId, principalId, signature, signPublicKey, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { controlTopic, noHash, verifyEntry, type UnverifiedEntry, type Verified } from './entry.ts';

/** An operator's devices; more would make the list of who may change it hard to read. */
export const maxDevices = 64;
/** Live agents of one fleet; revoked ones leave the list. */
export const maxAgents = 4096;
export const maxAccessListBytes = 448 * 1024;

const member = record({ id: principalId, sign: signPublicKey });
export type AccessMember = Infer<typeof member>;

export const accessListStatement = refine(
  record({
    v: literal(1),
    fleet: fleetId,
    version: integer({ min: 1, max: 2 ** 48 }),
    atMs: integer(wallClockMs),
    devices: list(member, { min: 1, max: maxDevices }),
    agents: list(member, { max: maxAgents }),
    /** The recovery code: may write control and the next list, and reads like a device. */
    recovery: optional(member),
  }),
  (statement) => {
    assertMembers(statement.devices);
    assertMembers(statement.agents);
    const devices = new Set(statement.devices.map(({ id }) => toHex(id)));
    if (statement.agents.some(({ id }) => devices.has(toHex(id))))
      throw new HoldfastError('codec_shape', 'an id is both device and agent'); // [ACCESS-3]
    const { recovery } = statement;
    if (recovery !== undefined) {
      const id = toHex(recovery.id);
      const taken = devices.has(id) || statement.agents.some((agent) => toHex(agent.id) === id);
      if (taken || equalBytes(recovery.id, controlTopic))
        throw new HoldfastError('codec_shape', 'the recovery code has an id of its own'); // [ACCESS-3]
    }
    return statement;
  },
);
export type AccessListStatement = Infer<typeof accessListStatement>;

/** The control topic's id is nobody's: an agent of that id would own the topic that only devices write. */
function assertMembers(members: readonly AccessMember[]): void {
  let previous = controlTopic;
  for (const { id } of members) {
    if (compareBytes(previous, id) >= 0)
      throw new HoldfastError('codec_shape', 'ids are not in ascending order, repeat, or are zero'); // [ACCESS-2] [ACCESS-3]
    previous = id;
  }
}

const signedAccessList = record({ author: principalId, statement: bytesUpTo(maxAccessListBytes), signature });

/** An access list whose shape is right and whose signature is still to be checked. */
export interface AccessList {
  readonly statement: AccessListStatement;
  readonly author: Uint8Array;
  /** The exact bytes that were received. */
  readonly wire: Uint8Array;
  readonly statementBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws `codec_*`. [ACCESS-1] */
export function parseAccessList(wire: Uint8Array): AccessList {
  const outer = decode(signedAccessList, wire, maxAccessListBytes);
  const statement = decode(accessListStatement, outer.statement, maxAccessListBytes);
  return { statement, author: outer.author, wire, statementBytes: outer.statement, signature: outer.signature };
}

/** Signs a list as the device `author`; sorts the members, so that callers need not. Throws `codec_*`. */
export async function signAccessList(
  holder: Pick<KeyHolder, 'sign'>,
  author: Uint8Array,
  statement: AccessListStatement,
): Promise<AccessList> {
  const sorted = { ...statement, devices: sortMembers(statement.devices), agents: sortMembers(statement.agents) };
  const statementBytes = encode(accessListStatement, sorted);
  const signed = { author, statement: statementBytes, signature: await holder.sign('access-list', statementBytes) };
  return parseAccessList(encode(signedAccessList, signed));
}

function sortMembers(members: readonly AccessMember[]): readonly AccessMember[] {
  return members.toSorted((a, b) => compareBytes(a.id, b.id));
}

/**
 * The first list of a fleet. `genesis` is the entry whose hash is the fleet's id: only who made it can make the list, so nobody
 * can take another's fleet id at a relay. Throws `access_forged`, or `access_stale` when it is not version 1.
 */
export async function verifyFirstAccessList(
  primitives: Primitives,
  list: AccessList,
  genesis: UnverifiedEntry,
): Promise<{ readonly list: Verified<AccessList>; readonly genesis: Verified<UnverifiedEntry> }> {
  const { statement } = list;
  if (statement.version !== 1) throw new HoldfastError('access_stale', 'the first access list of a fleet is version 1'); // [ACCESS-6]
  if (statement.devices.length !== 1 || statement.agents.length > 0) {
    throw new HoldfastError('access_forged', 'the first access list names its author and nobody else'); // [ACCESS-6]
  }
  const { fleet, topic, position, previous, author } = genesis.statement;
  // [ENTRY-4]
  const isGenesis =
    equalBytes(fleet, noHash) && equalBytes(topic, controlTopic) && position === 0 && equalBytes(previous, noHash);
  if (!isGenesis || !equalBytes(genesis.hash, statement.fleet) || !equalBytes(author, list.author)) {
    throw new HoldfastError('access_forged', 'the access list does not belong to this genesis entry'); // [ACCESS-7]
  }
  const key = keyOf(statement.devices, list.author);
  const verifiedList = await verifyBy(primitives, list, key);
  try {
    return { list: verifiedList, genesis: await verifyEntry(primitives, genesis, key) };
  } catch (cause) {
    throw new HoldfastError('access_forged', "the genesis entry is not signed by the list's author", { cause }); // [ACCESS-7]
  }
}

/** The successor of a list that was verified before. Throws `access_forged` or `access_stale`. */
export async function verifyNextAccessList(
  primitives: Primitives,
  previous: Verified<AccessList>,
  list: AccessList,
): Promise<Verified<AccessList>> {
  if (!equalBytes(previous.statement.fleet, list.statement.fleet))
    throw new HoldfastError('access_forged', 'the access list is of another fleet'); // [ACCESS-8]
  if (list.statement.version !== previous.statement.version + 1) {
    throw new HoldfastError('access_stale', `the access list must be version ${previous.statement.version + 1}`); // [ACCESS-5]
  }
  const verified = await verifyBy(primitives, list, keyOf(authorsOf(previous.statement), list.author));
  assertRecoveryStays(previous.statement, list);
  return verified;
}

/** [ACCESS-10] Whoever has stolen a device can take neither the recovery code's way to the relay nor its place. */
function assertRecoveryStays({ recovery: before }: AccessListStatement, { statement, author }: AccessList): void {
  if (before === undefined || equalBytes(author, before.id)) return;
  const { recovery: after } = statement;
  if (after === undefined || !equalBytes(after.id, before.id) || !equalBytes(after.sign, before.sign))
    throw new HoldfastError('access_forged', 'only the recovery code replaces itself'); // [ACCESS-10]
}

function authorsOf({ devices, recovery }: AccessListStatement): readonly AccessMember[] {
  return recovery === undefined ? devices : [...devices, recovery];
}

/**
 * The list that a relay says is in force, for a device that is about to make the next one: of this fleet, signed by one of `authors`, the
 * devices and recovery codes that the fleet has and had, and no older than `seen`, the version that was last seen or put. Throws `access_forged` or `access_stale`.
 */
export async function verifyAccessListInForce(
  primitives: Primitives,
  list: AccessList,
  known: { readonly fleet: Uint8Array; readonly authors: readonly AccessMember[]; readonly seen: number },
): Promise<Verified<AccessList>> {
  if (!equalBytes(known.fleet, list.statement.fleet))
    throw new HoldfastError('access_forged', 'the access list is of another fleet'); // [ACCESS-9]
  const verifiedList = await verifyBy(primitives, list, keyOf(known.authors, list.author)); // [ACCESS-9]
  if (list.statement.version < known.seen)
    throw new HoldfastError('access_stale', 'the relay shows an older access list than was seen before'); // [ACCESS-9]
  return verifiedList;
}

function keyOf(devices: readonly AccessMember[], author: Uint8Array): Uint8Array {
  const device = devices.find(({ id }) => equalBytes(id, author));
  if (device === undefined)
    throw new HoldfastError('access_forged', 'the author of the access list is not a device of the fleet'); // [ACCESS-4]
  return device.sign;
}

async function verifyBy(primitives: Primitives, list: AccessList, publicKey: Uint8Array): Promise<Verified<AccessList>> {
  const { statementBytes: statement, signature } = list;
  try {
    await verifySignature(primitives, { domain: 'access-list', statement, signature, publicKey });
  } catch (cause) {
    throw new HoldfastError('access_forged', 'the signature of the access list does not verify', { cause }); // [ACCESS-4]
  }
  return list as Verified<AccessList>;
}
