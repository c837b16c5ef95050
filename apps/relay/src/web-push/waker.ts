// Wakes devices that are away, spec/web-push.md: seldom, with nothing in the message, at push services alone. Nothing waits for it, and what fails is
// not tried again: the device reads for itself whenever it comes.

import { request } from 'node:https';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { Clock } from '../limits.ts';
import type { Store } from '../store.ts';
import { parseEndpoint, publicOnly } from './endpoint.ts';
import type { Vapid } from './vapid.ts';

const withinMs = 10_000;
const maxUnderWay = 64;
/** As long as an ask lives. */
const ttlS = 600;

/** A push service that the relay's operator named; `ca`: the authority that it is known by, PEM. */
export interface NamedService {
  readonly origin: string;
  readonly ca?: string | undefined;
}

/** Ids and codes only. */
interface Log {
  info(fields: Readonly<Record<string, string | number>>, message: string): void;
  warn(fields: Readonly<Record<string, string | number>>, message: string): void;
}

/** A device of a fleet as the waker sees it. */
export interface Sleeper {
  readonly fleet: Uint8Array;
  readonly device: Uint8Array;
  /** It is of the fleet still, and has no connection. */
  isAway(): boolean;
}

export interface WakerParts {
  readonly vapid: Vapid;
  readonly store: Pick<Store, 'pushEndpoint'>;
  /** The service does not know the endpoint any more. Never throws. */
  readonly forget: (fleet: Uint8Array, device: Uint8Array, endpoint: string) => Promise<void>;
  readonly services: readonly NamedService[];
  readonly gapMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class Waker {
  readonly #parts: WakerParts;
  readonly #named: ReadonlySet<string>;
  /** Devices that were woken just now; with whom to wake at the end of their time. */
  readonly #waiting = new Map<string, { readonly timer: NodeJS.Timeout; again: Sleeper | undefined }>();
  readonly #over = new AbortController();
  #underWay = 0;

  constructor(parts: WakerParts) {
    this.#parts = parts;
    this.#named = new Set(parts.services.map(({ origin }) => origin));
  }

  get publicKey(): Uint8Array {
    return this.#parts.vapid.publicKey;
  }

  /** Throws `address_refused`. */
  assertEndpoint(endpoint: string): void {
    parseEndpoint(endpoint, this.#named);
  }

  /** Returns at once, and never throws. */
  wake(sleeper: Sleeper): void {
    if (this.#over.signal.aborted || !sleeper.isAway()) return;
    const key = `${toHex(sleeper.fleet)} ${toHex(sleeper.device)}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.again = sleeper;
      return;
    }
    const timer = setTimeout(() => {
      const { again } = this.#waiting.get(key) ?? {};
      this.#waiting.delete(key);
      if (again !== undefined) this.wake(again);
    }, this.#parts.gapMs).unref(); // [WEBPUSH-4]
    this.#waiting.set(key, { timer, again: undefined });
    this.#send(sleeper).catch((thrown: unknown) =>
      this.#parts.log.info({ code: codeOf(thrown), errno: errnoOf(thrown) }, 'a device could not be woken'),
    );
  }

  close(): void {
    this.#over.abort();
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  async #send({ fleet, device }: Sleeper): Promise<void> {
    const { store, vapid, clock, log, forget } = this.#parts;
    if (this.#underWay >= maxUnderWay) return log.warn({}, 'too many devices to wake at once');
    this.#underWay += 1;
    try {
      const endpoint = await store.pushEndpoint(fleet, device);
      if (endpoint === undefined) return;
      const { url, isNamed } = parseEndpoint(endpoint, this.#named); // as it is allowed now [WEBPUSH-2]
      const status = await this.#post(url, isNamed, await vapid.authorization(url.origin, clock.wallMs()));
      if (status === 404 || status === 410) await forget(fleet, device, endpoint); // [WEBPUSH-6]
      else if (status < 200 || status > 299) log.info({ status }, 'a push service refused a message');
    } finally {
      this.#underWay -= 1;
    }
  }

  /** An empty message; the status of the answer, of which nothing else is read. [WEBPUSH-3] [WEBPUSH-5] */
  async #post(url: URL, isNamed: boolean, authorization: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const ca = this.#parts.services.find(({ origin }) => origin === url.origin)?.ca;
    const headers = { ttl: ttlS, urgency: 'high', topic: 'holdfast', 'content-length': 0, authorization };
    const asked = request(url, {
      method: 'POST',
      headers,
      agent: false,
      signal: AbortSignal.any([this.#over.signal, AbortSignal.timeout(withinMs)]),
      ...(ca !== undefined && { ca }),
      ...(!isNamed && { lookup: publicOnly }),
    });
    asked.once('response', (answer) => {
      resolve(answer.statusCode ?? 0);
      answer.on('error', () => undefined); // of being cut off
      answer.destroy();
    });
    asked.on('error', reject);
    asked.end();
    return promise;
  }
}

function errnoOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
