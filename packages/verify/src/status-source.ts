// Where a verifier gets a fleet's status list, spec/status-list.md [STATUS-7]: over plain HTTP from whoever serves it, because it is signed. Bounded in
// size and time, kept for seconds, never older than one that was seen; and when there is none, nobody is let in.

import { maxStatusListBytes } from '@holdfast/protocol/blind/status-token';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { StatusList } from '@holdfast/protocol/identity/status-list';
import type { FleetRoot } from '@holdfast/protocol/identity/token';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

const answerWithinMs = 5000;
const listType = 'application/statuslist+jwt';

export interface StatusSourceOptions {
  readonly primitives: Primitives;
  readonly root: FleetRoot;
  readonly fetch: typeof globalThis.fetch;
  readonly nowMs: () => number;
  /** A clock that is never set back. */
  readonly monotonicMs: () => number;
  /** How long a list that was fetched is good, at most; its own `ttl` may be shorter. 0: each presentation asks. */
  readonly maxAgeMs: number;
}

interface Held {
  readonly list: StatusList;
  readonly askedAtMs: number;
}

export class StatusSource {
  readonly #options: StatusSourceOptions;
  readonly #held = new Map<string, Held>();
  readonly #asking = new Map<string, Promise<Held>>();

  constructor(options: StatusSourceOptions) {
    this.#options = options;
  }

  /** Throws `credential_revoked`, `credential_suspended`, `delegation_revoked`, `status_forged`, `status_stale`, `status_unavailable`. */
  async assertInForce(
    { index, uri }: { readonly index: number; readonly uri: string },
    children: readonly string[],
  ): Promise<void> {
    const { nowMs, monotonicMs, maxAgeMs } = this.#options;
    const held = this.#held.get(uri);
    const isGood = held !== undefined && monotonicMs() - held.askedAtMs < Math.min(maxAgeMs, held.list.ttlMs);
    const { list } = isGood ? held : await this.#ask(uri);
    list.assertFresh(nowMs());
    list.assertInForce(index, children);
  }

  /** One question at a time: whoever comes while it is open gets its answer, which is newer than their asking. */
  async #ask(uri: string): Promise<Held> {
    const open = this.#asking.get(uri);
    if (open !== undefined && this.#options.maxAgeMs > 0) return open;
    const asking = this.#fetch(uri).finally(() => this.#asking.delete(uri));
    this.#asking.set(uri, asking);
    return asking;
  }

  async #fetch(uri: string): Promise<Held> {
    const { primitives, root, nowMs, monotonicMs } = this.#options;
    const askedAtMs = monotonicMs();
    const token = await this.#read(uri);
    const list = await StatusList.verify(primitives, token, { root, uri, nowMs: nowMs() });
    const before = this.#held.get(uri);
    if (before !== undefined && list.isBefore(before.list))
      throw new HoldfastError('status_stale', 'an older status list is served than one that was seen'); // [STATUS-7]
    const held = { list, askedAtMs };
    this.#held.set(uri, held);
    return held;
  }

  async #read(uri: string): Promise<string> {
    try {
      if (!/^https?:$/.test(new URL(uri).protocol)) throw new Error('not an http address');
      const answer = await this.#options.fetch(uri, {
        headers: { accept: listType },
        redirect: 'error',
        signal: AbortSignal.timeout(answerWithinMs), // [STATUS-7]
      });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      if (answer.headers.get('content-type')?.split(';')[0]?.trim() !== listType) throw new Error('another type');
      return await textUpTo(answer, maxStatusListBytes);
    } catch (cause) {
      if (codeOf(cause) === 'status_forged') throw cause;
      throw new HoldfastError('status_unavailable', 'the status list of the credential could not be had', {
        cause,
        next: 'see whether its address can be reached from here',
      }); // [STATUS-7]
    }
  }
}

async function textUpTo(answer: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    const piece = part as Uint8Array;
    bytes += piece.length;
    if (bytes > maxBytes) throw new HoldfastError('status_forged', 'the status list is too large'); // [STATUS-7]
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
