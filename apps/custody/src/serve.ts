// Custody's requests, one at a time and in order, spec/custody.md. Total: whatever comes in, what goes out is one answer of the wire's
// shapes, and no exception's own text.

import { decodeRequest, type CustodyAnswer, type CustodyRequest } from '@holdfast/protocol/custody/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';

import { assertMayBind, assertMayOpen, assertMaySign } from './policy.ts';
import type { KeyStore } from './store.ts';

export interface CustodyPorts {
  /** Opens the key store; called once. `passphrase` is overwritten afterwards. */
  openStore(passphrase: Uint8Array | undefined): Promise<KeyStore>;
  nowMs(): number;
}

export class CustodyServer {
  readonly #ports: CustodyPorts;
  #store: KeyStore | undefined;

  constructor(ports: CustodyPorts) {
    this.#ports = ports;
  }

  /** Never throws. `payload` is overwritten: it may hold a passphrase. */
  async answer(payload: Uint8Array): Promise<CustodyAnswer> {
    let request: CustodyRequest;
    try {
      request = decodeRequest(payload); // [CUSTODY-2]
    } catch (thrown) {
      return errorAnswer(0, thrown);
    } finally {
      payload.fill(0);
    }
    try {
      return await this.#perform(request);
    } catch (thrown) {
      return errorAnswer(request.id, thrown); // [CUSTODY-3]
    }
  }

  async #perform(request: CustodyRequest): Promise<CustodyAnswer> {
    if (request.kind === 'unlock') return this.#unlock(request);
    const store = this.#store;
    if (store === undefined) throw new HoldfastError('custody_refused', 'the first request is unlock'); // [CUSTODY-4]
    const { id } = request;
    switch (request.kind) {
      case 'create':
        return { kind: 'key', id, key: (await store.create(request.label)).description };
      case 'list':
        return { kind: 'keys', id, keys: store.list().map(({ description }) => description) };
      case 'public':
        return { kind: 'key', id, key: store.find(request.key).description };
      case 'bind':
        assertMayBind(store.find(request.key).description, request.binding);
        return { kind: 'key', id, key: (await store.bind(request.key, request.binding)).description };
      case 'sign': {
        const { description, holder } = store.find(request.key);
        assertMaySign(description, request.domain, request.statement, { level: store.level, nowMs: this.#ports.nowMs() });
        return { kind: 'signature', id, signature: await holder.sign(request.domain, request.statement) };
      }
      case 'open': {
        const { description, holder } = store.find(request.key);
        assertMayOpen(description, request.purpose);
        return { kind: 'one-time-key', id, ...(await holder.open(request.purpose, request.encapsulated)) }; // [CUSTODY-13]
      }
      case 'destroy':
        await store.destroy(request.key);
        return { kind: 'done', id };
      default:
        throw new HoldfastError('custody_refused', `no such request: ${String(request satisfies never)}`);
    }
  }

  async #unlock({ id, passphrase }: Extract<CustodyRequest, { kind: 'unlock' }>): Promise<CustodyAnswer> {
    try {
      if (this.#store !== undefined) throw new HoldfastError('custody_refused', 'the key store is open already'); // [CUSTODY-4]
      this.#store = await this.#ports.openStore(passphrase);
      return { kind: 'unlocked', id, level: this.#store.level };
    } finally {
      passphrase?.fill(0);
    }
  }
}

/** Our own messages name no secret; what is not ours says nothing at all. */
function errorAnswer(id: number, thrown: unknown): CustodyAnswer {
  const code = codeOf(thrown);
  const message = code !== 'internal' && thrown instanceof Error ? thrown.message.slice(0, 1024) : 'unexpected fault';
  return { kind: 'error', id, code, message };
}
