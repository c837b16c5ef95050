// Warrants, spec/authority.md: what an operator's device gave leave for, signed by itself, so that somebody who has neither the journal nor a key of the
// fleet can check it. No secret and no sealing stands in one. Trusts nothing: whose key verifies it, the reader knows from elsewhere.

import {
  bool,
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  literal,
  optional,
  record,
  union,
  type Infer,
} from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { statementHash, verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, fleetId, principalId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { grantTerms, grantId, type GrantedItem } from './item.ts';

/** A fence may bring 64 KiB of certificates. */
const maxStatementBytes = 96 * 1024;
/** With what stands around it, the signature above all. */
export const maxSignedWarrantBytes = maxStatementBytes + 128;
/** Of an approval, which stands in a record. */
export const maxApprovalBytes = 1024;

const by = {
  v: literal(1),
  fleet: fleetId,
  device: principalId,
  /** The device's word: of a grant and a rule set their entry's. */
  atMs: integer(wallClockMs),
};

const statement = union({
  /** `approve`: each use of it needs an approval as well. */
  grant: { ...by, terms: record({ ...grantTerms, approve: bool }) },
  rules: { ...by, version: integer({ min: 1 }), hash: digest },
  /** One act of one session. Of a use `grant` and `request`, as its handle is bound to it. */
  approval: {
    ...by,
    agent: principalId,
    session: bytes(16),
    ask: bytes(16),
    call: digest,
    grant: optional(grantId),
    request: optional(digest),
  },
}); // [AUTHORITY-1]
export type WarrantStatement = Infer<typeof statement>;
export type WarrantOf<K extends WarrantStatement['kind']> = Extract<WarrantStatement, { kind: K }>;

const signed = record({ statement: bytesUpTo(maxStatementBytes), signature });

export interface Warrant {
  readonly said: WarrantStatement;
  /** By which events name it. */
  readonly digest: Uint8Array;
  readonly wire: Uint8Array;
}

/** The terms of a grant as a third party may see them: without what is sealed. [AUTHORITY-3] */
export function termsOf({ sealed, ...terms }: GrantedItem): WarrantOf<'grant'>['terms'] {
  return { ...terms, approve: sealed === undefined };
}

/** Over the statement by itself. Throws `codec_*` for one that no reader would take. */
export function signWarrant(holder: Pick<KeyHolder, 'sign'>, said: WarrantStatement): Promise<Uint8Array> {
  return holder.sign('warrant', encode(statement, said));
}

/** `made`: by `signWarrant`. */
export function warrantOf(primitives: Primitives, said: WarrantStatement, made: Uint8Array): Warrant {
  const bare = encode(statement, said);
  return {
    said,
    digest: statementHash(primitives, 'warrant', bare),
    wire: encode(signed, { statement: bare, signature: made }),
  };
}

/** What it says, unverified. Throws `codec_*`. */
export function readWarrant(primitives: Primitives, wire: Uint8Array): Warrant {
  const read = decode(signed, wire, maxSignedWarrantBytes);
  const said = decode(statement, read.statement, maxStatementBytes);
  return { said, digest: statementHash(primitives, 'warrant', read.statement), wire };
}

/** That the device of this key signed it. Throws `warrant_invalid`. [AUTHORITY-2] */
export async function verifyWarrant(primitives: Primitives, { wire }: Warrant, publicKey: Uint8Array): Promise<void> {
  const { statement: bare, signature: made } = decode(signed, wire, maxSignedWarrantBytes);
  try {
    await verifySignature(primitives, { domain: 'warrant', statement: bare, signature: made, publicKey });
  } catch (cause) {
    throw new HoldfastError('warrant_invalid', 'the signature over the terms does not verify', { cause });
  }
}
