// Domain separation of signatures, spec/keys.md: what is signed is never just bytes, it is bytes of a named kind.

import { concat, utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { isLowS } from '../primitives/p256-scalar.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { assertTokenInput, type TokenType } from './jws.ts';

/** [KEYS-7] Each kind of signed statement; a signature made for one is worthless for another. */
export type StatementDomain =
  | 'access-list'
  | 'audit-checkpoint'
  | 'custody-roots'
  | 'device-answer'
  | 'device-offer'
  | 'entry'
  | 'freshness'
  | 'pairing-answer'
  | 'pairing-offer'
  | 'pulse'
  | 'relay-auth'
  | 'session-key'
  | 'signal'
  | 'warrant'
  | 'witness-key';
/** Statements, tokens that people outside verify as JWS, and published checkpoints, which they verify as signed notes. */
export type Domain = StatementDomain | TokenType | 'log-note';

function isToken(domain: Domain): domain is TokenType {
  return domain.includes('+');
}

/** The exact bytes under a signature. Throws `signature_invalid` for a statement that is no token of its type. */
export function signingInput(domain: Domain, statement: Uint8Array): Uint8Array {
  if (domain === 'log-note') return assertLogNote(statement);
  if (!isToken(domain)) return concat(utf8(`holdfast/v1 ${domain}\0`), statement); // [KEYS-3]
  assertTokenInput(domain, statement); // [KEYS-9]
  return statement;
}

/** The hash by which other statements refer to this one: over what is signed, without the signature. */
export function statementHash(primitives: Primitives, domain: StatementDomain, statement: Uint8Array): Uint8Array {
  return primitives.sha256(signingInput(domain, statement)); // [KEYS-4]
}

/** [KEYS-10] Nothing else that is signed begins so: statements have a NUL in their first line, tokens a brace in Base64. */
function assertLogNote(text: Uint8Array): Uint8Array {
  if (/^holdfast\/log\/[0-9a-f]{64}\n[1-9]\d*\n[A-Za-z0-9+/]{43}=\n$/.test(new TextDecoder('latin1').decode(text))) return text;
  throw new HoldfastError('signature_invalid', 'not the text of a published checkpoint');
}

/** Returns nothing or throws `signature_invalid`: there is no false to overlook. */
export async function verifySignature(
  primitives: Primitives,
  {
    domain,
    statement,
    signature,
    publicKey,
  }: { domain: Domain; statement: Uint8Array; signature: Uint8Array; publicKey: Uint8Array },
): Promise<void> {
  const input = signingInput(domain, statement);
  if (signature.length !== 64 || !isLowS(signature) || !(await primitives.p256Verify(publicKey, input, signature))) {
    throw new HoldfastError('signature_invalid', `signature of the ${domain} does not verify`); // [KEYS-5] [KEYS-6]
  }
}
