// Bodies that are judged before they go out, spec/broker.md §5: held whole, within bounds of one and of all at once. An upload that ends early is
// none.

import type { Readable } from 'node:stream';
import type { ReceivedBody } from './authority.ts';
import type { Limits } from './limits.ts';
import { refusal } from './refusal.ts';
import { valuesOf, type RequestHead } from './request-head.ts';

/** Of one session. */
export class HeldBodies {
  readonly #limits: Limits;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The whole body; what it takes is free again after `over`. Rejects with `limit_exceeded`, `request_cut`, `request_malformed`. [BROKER-33] */
  hold(head: RequestHead, body: Readable | undefined, over: Promise<void>): Promise<ReceivedBody> {
    const { maxJudgedBodyBytes, maxHeldBytes } = this.#limits;
    let held = 0;
    let isOver = false;
    void over.then(() => {
      isOver = true;
      return (this.#bytes -= held);
    });
    const take = (bytes: number): boolean => {
      if (isOver) return false;
      held += bytes;
      this.#bytes += bytes;
      return held <= maxJudgedBodyBytes && this.#bytes <= maxHeldBytes;
    };
    const described = {
      type: allOf(valuesOf(head.headers, 'content-type')),
      coding: allOf(valuesOf(head.headers, 'content-encoding')),
    };
    if (body === undefined) return Promise.resolve({ ...described, bytes: Buffer.alloc(0) });
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let trailed = false;
      body.once('trailers', () => (trailed = true)); // of HTTP/2
      const heard = (chunk: Buffer): void => {
        if (take(chunk.length)) {
          chunks.push(chunk);
          return;
        }
        body.off('data', heard).pause();
        reject(refusal('limit_exceeded'));
      };
      body.on('data', heard);
      body.once('end', () => {
        if (trailed || ('rawTrailers' in body && Array.isArray(body.rawTrailers) && body.rawTrailers.length > 0))
          reject(refusal('request_malformed'));
        else resolve({ ...described, bytes: Buffer.concat(chunks) });
      });
      for (const end of ['error', 'close']) body.once(end, () => reject(refusal('request_cut')));
    });
  }
}

/** Several lines of one header are no value that anybody means. */
const allOf = (values: readonly string[]): string | undefined => (values.length === 0 ? undefined : values.join(', '));
