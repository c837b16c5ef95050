// One use of a credential that is approved per use, spec/approval.md: the request that an operator is shown and that the approval is bound to, the
// sealing that lets it go, and the key that opens it, once. Until an operator has sealed, no key of the agent's machine opens the secret.

import { equalBytes, utf8 } from '../codec/bytes.ts';
import { bytes, encode, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { principalId } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { openSealed, sealTo, type Sealed } from '../seal/hpke.ts';
import { SoftwareKeyHolder } from '../seal/software-key-holder.ts';
import { useRequest, type Ask } from './ask.ts';

const boundRequest = record({ agent: principalId, session: bytes(16), ...useRequest });
/** The request as it would go out, whose agent and session asked for it. */
export type BoundRequest = Infer<typeof boundRequest>;

/** Digest of a use, which an answer and its sealing are bound to. Throws `codec_*` for what can't be shown as a whole. [APPROVAL-14] */
export function useDigest(primitives: Primitives, request: BoundRequest): Uint8Array {
  const { agent, session, grant, item, name, method, host, port, path, query, headers, body } = request;
  const bound = { agent, session, grant, item, name, method, host, port, path, query, headers, body };
  return primitives.sha256(utf8('holdfast/v1 use\0'), encode(boundRequest, bound));
}

/** What a sealing for one use is bound to, beside the request. */
export interface UseTerms {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly session: Uint8Array;
  readonly ask: Uint8Array;
  /** Of the ask, by the wall clock. */
  readonly expiresAtMs: number;
}

const purposeOf = (
  { fleet, agent, session, ask, expiresAtMs }: UseTerms,
  { grant, item }: Pick<BoundRequest, 'grant' | 'item'>,
  call: Uint8Array,
) => ({ kind: 'use', fleet, agent, session, ask, grant, item, call, expiresAtMs }) as const;

/**
 * As an operator: the secret (it stays the caller's) for exactly what the ask shows. Throws `ask_mismatch` when that is not what its digest
 * names, and for an act that needs no secret. [APPROVAL-15]
 */
export async function sealUse(
  primitives: Primitives,
  {
    fleet,
    agent,
    ask,
    expiresAtMs,
  }: { readonly fleet: Uint8Array; readonly agent: Uint8Array; readonly ask: Ask; readonly expiresAtMs: number },
  secret: Uint8Array,
): Promise<Sealed> {
  const { act, session, call } = ask;
  if (act.kind !== 'use' || !equalBytes(useDigest(primitives, { ...act, agent, session }), call))
    throw new HoldfastError('ask_mismatch', 'the ask shows another request than it is bound to'); // [APPROVAL-15]
  return sealTo(primitives, act.key, purposeOf({ fleet, agent, session, ask: ask.ask, expiresAtMs }, act, call), secret);
}

/** The daemon's half: a key in memory that opens one sealing, and is no more. */
export class OneUseKey {
  readonly publicKey: Uint8Array;
  readonly #primitives: Primitives;
  #holder: SoftwareKeyHolder | undefined;

  /** Takes ownership of `holder`. */
  constructor(primitives: Primitives, holder: SoftwareKeyHolder) {
    this.#primitives = primitives;
    this.#holder = holder;
    this.publicKey = holder.publicKeys.seal;
  }

  static async make(primitives: Primitives): Promise<OneUseKey> {
    return new OneUseKey(primitives, await SoftwareKeyHolder.generate(primitives));
  }

  /**
   * The secret, which the caller owns and overwrites, for `request` as it is about to go out. Whatever comes of it, the key is overwritten. Throws
   * `approval_expired`, `open_failed` for another request than the approved one, `key_invalid` the second time. [APPROVAL-17]
   */
  async open(terms: UseTerms, request: BoundRequest, sealed: Sealed, nowMs: number): Promise<Uint8Array> {
    const holder = this.#holder;
    this.#holder = undefined; // before anything is awaited: of two at once, one opens
    if (holder === undefined) throw new HoldfastError('key_invalid', 'the key was used already');
    try {
      if (nowMs >= terms.expiresAtMs)
        throw new HoldfastError('approval_expired', 'the approval ended before the request went out');
      const call = useDigest(this.#primitives, request);
      return await openSealed(holder, this.#primitives, purposeOf(terms, request, call), sealed);
    } finally {
      holder.wipe();
    }
  }

  wipe(): void {
    this.#holder?.wipe();
    this.#holder = undefined;
  }
}
