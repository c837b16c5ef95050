// The daemon's side of custody, spec/custody.md: typed calls over the child's stdin and stdout, and a KeyHolder for each key. When custody
// ends, every call fails with `custody_unavailable` for good; whether to start another is the daemon's decision, not made here.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import type { DelegationTerms } from '@holdfast/protocol/custody/delegation';
import type { KeyBindingTerms } from '@holdfast/protocol/custody/key-binding';
import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import type { KeyChallenge, KeyEvidence, KeyProof } from '@holdfast/protocol/custody/attestation';
import {
  custodyDomains,
  decodeAnswer,
  encodeRequest,
  maxCustodyFrameBytes,
  type Binding,
  type CustodyAnswer,
  type CustodyRequest,
  type KeyDescription,
  type StoreState,
} from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Domain } from '@holdfast/protocol/keys/domain';
import type { KeyHolder, OneTimeKey, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import { kept } from '../sandbox/keeper.ts';

import { custodyCommand, findBubblewrap, treeProgram, type CustodyProgram, type Isolation, type Pkcs11Token } from './program.ts';

/** Longer than Argon2id takes on a slow machine, and than a TPM that is busy. Past it custody hangs, and is ended. */
const defaultCallTimeoutMs = 30_000;
/** What custody says on stderr is Node's own complaint when it cannot start; kept for the message. */
const maxComplaintChars = 2000;

/** Whose other end the shell holds that keeps bubblewrap. */
const lifelineDescriptor = 3;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
type AnswerOf<K extends CustodyAnswer['kind']> = Extract<CustodyAnswer, { kind: K }>;
type WithoutId<R> = R extends unknown ? Omit<R, 'id'> : never;

interface Pending {
  readonly resolve: (answer: CustodyAnswer) => void;
  readonly reject: (error: HoldfastError) => void;
  readonly timer: NodeJS.Timeout;
}

/** A sign of life that takes this long is worth a word. */
const slowMs = 1000;

export interface KeyStoreState extends StoreState {
  readonly slow: boolean;
}

export interface CustodyStart {
  /** Absolute path of a folder that exists and is ours alone. */
  readonly storeFolder: string;
  /** Seals the key store; overwritten by `start`. Absent: the store is labelled `software, unsealed`. */
  readonly passphrase?: Uint8Array;
  /** What is absent, this machine is taken not to have. */
  readonly tpm?: string;
  readonly pkcs11?: Pkcs11Token;
  /** Of the PKCS#11 token; overwritten by `start`. */
  readonly pin?: Uint8Array;
  readonly program?: CustodyProgram;
  /** Absent: namespaces where bubblewrap works, else Node's permissions. */
  readonly isolation?: Isolation;
  readonly callTimeoutMs?: number;
}

export class Custody {
  /** The best first; those with a code cannot be used. */
  readonly stores: readonly StoreState[];
  readonly isolation: Isolation;
  readonly #link: CustodyLink;
  #probing: Promise<AnswerOf<'stores'>> | undefined;

  private constructor(link: CustodyLink, stores: readonly StoreState[], isolation: Isolation) {
    this.#link = link;
    this.stores = stores;
    this.isolation = isolation;
  }

  /** Of the best store that can be used. */
  get level(): CustodyLevel {
    return this.stores.find(({ code }) => code === undefined)?.level ?? 'software, unsealed';
  }

  /** Starts custody and opens its key store. Throws `passphrase_wrong`, `store_failed`, `key_invalid`, `custody_unavailable`. */
  static async start(start: CustodyStart): Promise<Custody> {
    const { storeFolder, passphrase, pin, tpm, pkcs11, program = treeProgram(), callTimeoutMs = defaultCallTimeoutMs } = start;
    const bubblewrap = findBubblewrap();
    const tries: Isolation[] =
      start.isolation !== undefined
        ? [start.isolation]
        : bubblewrap !== undefined
          ? ['namespaces', 'permissions']
          : ['permissions'];
    try {
      for (;;) {
        const isolation = tries.shift() ?? 'permissions';
        const within = isolation === 'namespaces' ? bubblewrap : undefined;
        const command = custodyCommand(program, { storeFolder, tpm, pkcs11 }, within);
        const [file = '', ...args] = within === undefined ? command : kept('/bin/sh', lifelineDescriptor, command); // [CUSTODY-18]
        const env = isolation === 'namespaces' ? {} : { ...pkcs11?.environment }; // bubblewrap sets it inside
        const link = new CustodyLink(
          spawn(file, args, {
            env,
            cwd: '/',
            stdio: ['pipe', 'pipe', 'pipe', ...(within === undefined ? [] : (['pipe'] as const))],
            detached: true,
          }),
          callTimeoutMs,
        );
        try {
          const secrets = { ...(passphrase !== undefined && { passphrase }), ...(pin !== undefined && { pin }) };
          const { stores } = await link.call({ kind: 'unlock', ...secrets }, 'unlocked');
          return new Custody(link, stores, isolation);
        } catch (thrown) {
          await link.close();
          if (tries.length === 0 || !link.failedToStart) throw thrown;
        }
      }
    } finally {
      passphrase?.fill(0);
      pin?.fill(0);
    }
  }

  /** Of the process that was started: where there is bubblewrap, of the shell that keeps it. */
  get pid(): number {
    return this.#link.pid;
  }

  /** Resolves when custody has ended, for whatever reason. */
  get ended(): Promise<void> {
    return this.#link.ended;
  }

  /**
   * How the key stores are now. One that takes longer than `withinMs` is told as slow, with the state that it had: whoever looks at the status
   * does not wait for a chip.
   */
  async keyStores(withinMs: number): Promise<readonly KeyStoreState[]> {
    this.#probing ??= this.#link.call({ kind: 'stores' }, 'stores').finally(() => (this.#probing = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), withinMs);
    });
    try {
      const answer = await Promise.race([this.#probing, late]);
      if (answer !== undefined) return answer.stores.map((each) => ({ ...each, slow: (each.tookMs ?? 0) >= slowMs }));
      return this.stores.map((each) => ({ ...each, slow: !each.level.startsWith('software') }));
    } finally {
      clearTimeout(timer);
    }
  }

  /** In the store of that level; absent: in the best. Throws `key_store_*`, `store_failed`. */
  async create(label: string, level?: CustodyLevel): Promise<KeyDescription> {
    return (await this.#link.call({ kind: 'create', label, ...(level !== undefined && { level }) }, 'key')).key;
  }

  async list(): Promise<readonly KeyDescription[]> {
    return (await this.#link.call({ kind: 'list' }, 'keys')).keys;
  }

  /** Throws `key_unknown`. */
  async describe(key: Uint8Array): Promise<KeyDescription> {
    return (await this.#link.call({ kind: 'public', key }, 'key')).key;
  }

  /** Once for each key; the same binding again changes nothing. Throws `key_unknown`, `custody_refused`. */
  async bind(key: Uint8Array, binding: Binding): Promise<KeyDescription> {
    return (await this.#link.call({ kind: 'bind', key, binding }, 'key')).key;
  }

  /** What the key store can show of a key that is not bound yet. Throws `attestation_absent`, `key_store_*`. */
  async evidence(key: Uint8Array): Promise<KeyEvidence> {
    return (await this.#link.call({ kind: 'evidence', key }, 'evidence')).evidence;
  }

  /** The key store's word about both halves of the key, for one offer; after `evidence`. Throws `key_store_*`. */
  async prove(key: Uint8Array, offer: Uint8Array, challenge: KeyChallenge): Promise<KeyProof> {
    return (await this.#link.call({ kind: 'prove', key, offer, challenge }, 'proof')).proof;
  }

  async destroy(key: Uint8Array): Promise<void> {
    await this.#link.call({ kind: 'destroy', key }, 'done');
  }

  /** The key as the core takes it. Its calls throw `custody_refused`, `custody_unavailable`, and `open_failed` from `open`. */
  holder({ key, publicKeys }: KeyDescription): CustodyKeyHolder {
    return new CustodyKeyHolder(this.#link, key, publicKeys);
  }

  /** Ends custody: its stdin closes, and it exits. */
  async close(): Promise<void> {
    await this.#link.close();
  }
}

export class CustodyKeyHolder implements KeyHolder {
  readonly publicKeys: KeyDescription['publicKeys'];
  readonly #link: CustodyLink;
  readonly #key: Uint8Array;
  /** One-time keys handed out and, as far as we can see, not overwritten yet. */
  #lent: OneTimeKey[] = [];

  constructor(link: CustodyLink, key: Uint8Array, publicKeys: KeyDescription['publicKeys']) {
    this.#link = link;
    this.#key = key;
    this.publicKeys = publicKeys;
  }

  async sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array> {
    const asked = custodyDomains.find((each) => each === domain);
    if (asked === undefined) throw new HoldfastError('custody_refused', `no agent's key signs a ${domain}`);
    return (await this.#link.call({ kind: 'sign', key: this.#key, domain: asked, statement }, 'signature')).signature;
  }

  /** The proof of this key for one presentation; its time is custody's. Throws `custody_refused`, `custody_unavailable`. */
  async present({ audience, nonce, credential, harness }: KeyBindingTerms): Promise<string> {
    const more = harness === undefined ? {} : { harness };
    return (await this.#link.call({ kind: 'present', key: this.#key, audience, nonce, credential, ...more }, 'bound')).token;
  }

  /** Hands a credential of this key on. Throws `delegation_exceeded`, `custody_refused`, `custody_unavailable`. */
  async delegate(credential: string, terms: DelegationTerms): Promise<string> {
    return (await this.#link.call({ kind: 'delegate', key: this.#key, credential, terms }, 'bound')).token;
  }

  /** r‖s over the text that custody writes of them. Throws `custody_refused`, `custody_unavailable`. */
  async publish(size: number, root: Uint8Array): Promise<Uint8Array> {
    return (await this.#link.call({ kind: 'publish', key: this.#key, size, root }, 'signature')).signature;
  }

  async open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey> {
    const { key, nonce } = await this.#link.call({ kind: 'open', key: this.#key, purpose, encapsulated }, 'one-time-key');
    const lent = { key, nonce };
    this.#lent = [...this.#lent.filter((each) => each.key.some((byte) => byte !== 0)), lent];
    return lent;
  }

  /** Overwrites the one-time keys that are still about: those in use then open nothing any more. */
  wipe(): void {
    for (const { key, nonce } of this.#lent) {
      key.fill(0);
      nonce.fill(0);
    }
    this.#lent = [];
  }
}

/** Requests and answers over one child; matches them by id. */
class CustodyLink {
  readonly ended: Promise<void>;
  readonly #child: Child;
  readonly #callTimeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #frames = new FrameReader(maxCustodyFrameBytes);
  #nextId = 1;
  #answered = false;
  #complaint = '';
  #failure: HoldfastError | undefined;

  constructor(child: Child, callTimeoutMs: number) {
    this.#child = child;
    this.#callTimeoutMs = callTimeoutMs;
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        this.#fail('custody ended');
        resolve();
      });
      child.once('error', (cause) => {
        this.#fail('custody does not start', cause);
        resolve();
      });
    });
    child.once('exit', () => child.stdio[lifelineDescriptor]?.destroy());
    child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    child.stdout.on('error', (cause) => this.#fail('custody does not answer', cause));
    child.stdin.on('error', (cause) => this.#fail('custody does not listen', cause));
    child.stderr.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString('utf8')).slice(-maxComplaintChars);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** It never answered anything: the way it was started does not work here. */
  get failedToStart(): boolean {
    return !this.#answered;
  }

  async call<K extends CustodyAnswer['kind']>(request: WithoutId<CustodyRequest>, wanted: K): Promise<AnswerOf<K>> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = this.#nextId;
    this.#nextId += 1;
    const payload = encodeRequest({ ...request, id });
    const frame = framed(payload, maxCustodyFrameBytes);
    payload.fill(0);
    const answer = await new Promise<CustodyAnswer>((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('custody does not answer in time'), this.#callTimeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#child.stdin.write(frame, () => frame.fill(0));
    });
    if (answer.kind === 'error') {
      const next =
        answer.next ?? (answer.code === 'store_failed' ? 'free space on its disk and check its permissions' : undefined);
      throw new HoldfastError(answer.code, answer.message, next === undefined ? {} : { next });
    }
    if (answer.kind === wanted) return answer as AnswerOf<K>;
    throw this.#fail('custody answers another question');
  }

  async close(): Promise<void> {
    this.#fail('custody was closed');
    this.#child.stdin.destroy();
    await this.ended;
  }

  #receive(chunk: Buffer): void {
    try {
      for (const payload of this.#frames.push(chunk)) {
        const answer = decodeAnswer(payload);
        payload.fill(0); // it may hold a one-time key
        this.#settle(answer);
      }
    } catch (cause) {
      this.#fail('custody answers what is no answer', cause);
    } finally {
      chunk.fill(0);
    }
  }

  #settle(answer: CustodyAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) {
      this.#fail('custody answers what was not asked');
      return;
    }
    this.#answered = true;
    this.#pending.delete(answer.id);
    clearTimeout(pending.timer);
    pending.resolve(answer);
  }

  /** For good: the first reason stands, everything asked fails with it, and the child ends. */
  #fail(reason: string, cause?: unknown): HoldfastError {
    if (this.#failure === undefined) {
      const complaint = this.#complaint.trim();
      this.#failure = new HoldfastError('custody_unavailable', complaint === '' ? reason : `${reason}: ${complaint}`, {
        next: 'restart with `npm start`',
        cause,
      });
      if (reason !== 'custody was closed') this.#child.kill('SIGKILL');
    }
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#failure);
    }
    this.#pending.clear();
    return this.#failure;
  }
}
