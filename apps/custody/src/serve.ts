// Custody's requests, one at a time and in order, spec/custody.md. Total: whatever comes in, what goes out is one answer of the wire's
// shapes, and no exception's own text.

import { logName, signLogHead } from '@holdfast/protocol/blind/log-note';
import { delegate } from '@holdfast/protocol/custody/delegation';
import { bindKey } from '@holdfast/protocol/custody/key-binding';
import { decodeRequest, type CustodyAnswer, type CustodyRequest } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

import type { Attester } from './attester.ts';
import { assertMayAttest, assertMayBind, assertMayOpen, assertMayPresent, assertMaySign, boundOf } from './policy.ts';
import { told, type Stores } from './stores.ts';

export interface Unlocking {
  readonly passphrase: Uint8Array | undefined;
  readonly pin: Uint8Array | undefined;
}

export interface CustodyPorts {
  /** Opens the key stores; called once. The passphrase is overwritten afterwards; the PIN is the stores' from then on. */
  openStores(given: Unlocking): Promise<Stores>;
  nowMs(): number;
  readonly primitives: Primitives;
  /** For how long something took. */
  monotonicMs(): number;
}

export class CustodyServer {
  readonly #ports: CustodyPorts;
  #stores: Stores | undefined;

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
    const stores = this.#stores;
    if (stores === undefined) throw new HoldfastError('custody_refused', 'the first request is unlock'); // [CUSTODY-4]
    const { id } = request;
    switch (request.kind) {
      case 'create':
        return { kind: 'key', id, key: (await stores.create(request.label, request.level)).description };
      case 'stores':
        return { kind: 'stores', id, stores: [...(await stores.probe(() => this.#ports.monotonicMs()))] };
      case 'list':
        return { kind: 'keys', id, keys: stores.list().map(({ description }) => description) };
      case 'public':
        return { kind: 'key', id, key: stores.find(request.key).key.description };
      case 'bind':
        assertMayBind(stores.find(request.key).key.description, request.binding);
        return { kind: 'key', id, key: (await stores.bind(request.key, request.binding)).description };
      case 'sign': {
        const { description, holder } = stores.find(request.key).key;
        assertMaySign(description, request.domain, request.statement, this.#ports.nowMs());
        return { kind: 'signature', id, signature: await holder.sign(request.domain, request.statement) };
      }
      case 'present': {
        const { description, holder } = stores.find(request.key).key;
        assertMayPresent(description, request.credential);
        return { kind: 'bound', id, token: await bindKey(this.#ports.primitives, holder, request, this.#ports.nowMs()) };
      }
      case 'delegate': {
        const { description, holder } = stores.find(request.key).key;
        assertMayPresent(description, request.credential);
        const terms = { ...request.terms, credential: request.credential };
        return { kind: 'bound', id, token: await delegate(this.#ports.primitives, holder, terms, this.#ports.nowMs()) };
      }
      case 'publish': {
        const { description, holder } = stores.find(request.key).key;
        const { fleet, agent } = boundOf(description);
        const origin = logName(this.#ports.primitives, fleet, agent); // [CUSTODY-33]
        return { kind: 'signature', id, signature: await signLogHead(holder, { ...request, origin }) };
      }
      case 'open': {
        const { description, holder } = stores.find(request.key).key;
        assertMayOpen(description, request.purpose);
        return { kind: 'one-time-key', id, ...(await holder.open(request.purpose, request.encapsulated)) }; // [CUSTODY-13]
      }
      case 'evidence':
        return { kind: 'evidence', id, evidence: await attesterOf(stores, request.key).evidence() };
      case 'prove':
        return { kind: 'proof', id, proof: await attesterOf(stores, request.key).prove(request.challenge, request.offer) };
      case 'destroy':
        await stores.destroy(request.key);
        return { kind: 'done', id };
      default:
        throw new HoldfastError('custody_refused', `no such request: ${String(request satisfies never)}`);
    }
  }

  async #unlock({ id, passphrase, pin }: Extract<CustodyRequest, { kind: 'unlock' }>): Promise<CustodyAnswer> {
    try {
      if (this.#stores !== undefined) throw new HoldfastError('custody_refused', 'the key store is open already'); // [CUSTODY-4]
      this.#stores = await this.#ports.openStores({ passphrase, pin });
      return { kind: 'unlocked', id, stores: [...this.#stores.states()] };
    } finally {
      passphrase?.fill(0);
    }
  }
}

/** Throws `attestation_absent`: the key store proves nothing. [CUSTODY-26] */
function attesterOf(stores: Stores, reference: Uint8Array): Attester {
  const { description, holder } = stores.find(reference).key;
  assertMayAttest(description);
  if (holder.attester === undefined) throw new HoldfastError('attestation_absent', 'this key store proves nothing of its keys');
  return holder.attester;
}

function errorAnswer(id: number, thrown: unknown): CustodyAnswer {
  return { kind: 'error', id, ...told(thrown) };
}
