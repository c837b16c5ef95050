// What a relay tells everybody by plain HTTP, spec/relay.md §1: that it is there, the fleets' status lists, which
// their operators signed, and the newest checkpoint of each log that it is a witness of, to whoever knows the log's name (c2sp.org/tlog-witness).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { Log } from './connection.ts';
import { Bucket, type Clock, type RelayLimits } from './limits.ts';
import type { Store } from './store.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
}

const json = (status: number, ok: boolean): Answer => ({ status, type: 'application/json', body: JSON.stringify({ ok }) });

export class PublicHttp {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #reads: Bucket;

  constructor(
    { store, clock, limits }: { readonly store: Store; readonly clock: Clock; readonly limits: RelayLimits },
    log: Log,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#reads = new Bucket(limits.statusReads, clock.elapsedMs());
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#answerTo(request).catch((thrown: unknown) => {
      this.#log.error({ code: codeOf(thrown) }, 'a public question could not be answered');
      return json(503, false);
    });
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store', // a stored list would outlive a revocation
      'access-control-allow-origin': '*',
      'content-length': Buffer.byteLength(body),
      'x-content-type-options': 'nosniff',
    });
    response.end(body);
  }

  async #answerTo({ method, url }: IncomingMessage): Promise<Answer> {
    if (method !== 'GET') return json(404, false);
    if (url === '/health') return json(200, true);
    const log = /^\/witness\/([0-9a-f]{64})\/checkpoint$/.exec(url ?? '')?.[1];
    if (log !== undefined) return this.#witnessed(log);
    const fleet = fromHex(/^\/status\/([0-9a-f]{64})$/.exec(url ?? '')?.[1] ?? '');
    if (fleet?.length !== 32) return json(404, false);
    if (!this.#reads.take(1, this.#clock.elapsedMs())) return json(429, false); // [RELAY-27]
    const list = await this.#store.status(fleet);
    return list === undefined ? json(404, false) : { status: 200, type: 'application/statuslist+jwt', body: list }; // [STATUS-6]
  }

  /** [WITNESS-9] */
  async #witnessed(log: string): Promise<Answer> {
    if (!this.#reads.take(1, this.#clock.elapsedMs())) return json(429, false);
    const note = await this.#store.witnessed(log);
    return note === undefined ? json(404, false) : { status: 200, type: 'text/plain; charset=utf-8', body: note };
  }
}
