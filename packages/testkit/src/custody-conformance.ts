// What any program must do that would be custody, spec/custody.md, asked of it over its stdin and stdout as the daemon asks: for key stores that
// were written for other systems. It makes keys and removes them again; nothing else in the store is touched.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

import { entryStatement, noHash, type EntryStatement } from '@holdfast/protocol/blind/entry';
import { pairingOffer, type CustodyLevel, type PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { relayAuthStatement } from '@holdfast/protocol/blind/relay-auth';
import { sessionKeyStatement } from '@holdfast/protocol/blind/session-key';
import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import { encode } from '@holdfast/protocol/codec/schema';
import {
  decodeAnswer,
  encodeRequest,
  maxCustodyFrameBytes,
  type CustodyAnswer,
  type CustodyDomain,
  type CustodyRequest,
  type KeyDescription,
} from '@holdfast/protocol/custody/wire';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { sealTo, type Sealed } from '@holdfast/protocol/seal/hpke';
import { HoldfastError } from '@holdfast/protocol/errors';

type WithoutId<R> = R extends unknown ? Omit<R, 'id'> : never;

export interface Subject {
  /** The program and its words. */
  readonly command: readonly string[];
  /** The key store to try; absent: the best that it has. */
  readonly level?: CustodyLevel;
  readonly passphrase?: Uint8Array;
  readonly pin?: Uint8Array;
}

export interface Verdict {
  readonly clause: string;
  readonly what: string;
  /** Absent: it does. */
  readonly fault?: string;
}

const answerWithinMs = 60_000;
const fleet = new Uint8Array(32).fill(0xf1);
const otherFleet = new Uint8Array(32).fill(0xf2);
const agent = new Uint8Array(16).fill(0xa1);
const otherAgent = new Uint8Array(16).fill(0xa2);
const nobody = new Uint8Array(16).fill(0xee);
const secret = utf8('conformance');

/** One running program: frames in, frames out, in order. */
class Talk {
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #frames = new FrameReader(maxCustodyFrameBytes);
  readonly #answers: CustodyAnswer[] = [];
  #wake: (() => void) | undefined;
  #fault: Error | undefined;
  #nextId = 1;

  constructor([file = '', ...words]: readonly string[]) {
    this.#child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = once(this.#child, 'close');
    this.ended.catch(() => {});
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (thrown) => this.#stop(thrown));
    this.#child.on('close', () => this.#stop(new Error('the program ended')));
    this.#child.stdout.on('data', (chunk: Buffer) => {
      try {
        for (const payload of this.#frames.push(chunk)) this.#answers.push(decodeAnswer(payload));
      } catch (thrown) {
        this.#stop(thrown);
        this.#child.kill('SIGKILL'); // what it says is no answer: nothing more is to be had of it
      }
      this.#wake?.();
    });
  }

  /** The answer to a request; its id must be the request's. */
  async ask(request: WithoutId<CustodyRequest>): Promise<CustodyAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = await this.raw(framed(encodeRequest({ ...request, id }), maxCustodyFrameBytes));
    if (answer.id !== id) throw new Error(`the answer has the id ${answer.id}, not ${id}`);
    return answer;
  }

  async raw(bytes: Uint8Array): Promise<CustodyAnswer> {
    this.#child.stdin.write(bytes);
    const deadline = performance.now() + answerWithinMs;
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#fault !== undefined) throw this.#fault;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error('it does not answer');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Closes its stdin, and waits for its end. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), answerWithinMs);
    await this.ended.catch(() => {});
    clearTimeout(timer);
    if (this.#child.signalCode === 'SIGKILL') throw new Error('it goes on after its stdin has ended');
  }

  #stop(thrown: unknown): void {
    this.#fault ??= thrown instanceof Error ? thrown : new Error('the program cannot be spoken to');
    this.#wake?.();
  }
}

function outcome(answer: CustodyAnswer): string {
  return answer.kind === 'error' ? answer.code : answer.kind;
}

function expect(answer: CustodyAnswer, wanted: string): void {
  if (outcome(answer) !== wanted) throw new Error(`answered ${outcome(answer)}, not ${wanted}`);
}

function keyOf(answer: CustodyAnswer): KeyDescription {
  if (answer.kind !== 'key') throw new Error(`answered ${outcome(answer)}, not key`);
  return answer.key;
}

const entry: EntryStatement = {
  v: 1,
  fleet,
  topic: agent,
  position: 0,
  previous: noHash,
  id: nobody,
  author: agent,
  atMs: 1_767_225_600_000,
  audience: 'fleet',
  epoch: 1,
  keyCommitment: new Uint8Array(32),
  sealed: new Uint8Array(32),
};

function offerOf({ publicKeys: keys, custody }: KeyDescription, change: Partial<PairingOffer> = {}): Uint8Array {
  const offer: PairingOffer = {
    v: 1,
    agent,
    scope: 'main',
    machine: 'm',
    keys,
    custody,
    capabilities: [],
    nonce: nobody,
    ...change,
  };
  return encode(pairingOffer, offer);
}

function sessionOf(change: { fleet?: Uint8Array; agent?: Uint8Array; fromMs?: number; forMs?: number } = {}): Uint8Array {
  const { fromMs = Date.now() - 1000, forMs = 300_000, ...named } = change;
  const point = Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 4 : 1));
  const key = knownPoint ?? point;
  return encode(sessionKeyStatement, { v: 1, fleet, agent, ...named, key, notBeforeMs: fromMs, notAfterMs: fromMs + forMs });
}
/** Any point of the curve: the one of the key that is tried. */
let knownPoint: Uint8Array | undefined;

const relayAuth = (change: { fleet?: Uint8Array; principal?: Uint8Array } = {}) =>
  encode(relayAuthStatement, {
    v: 1,
    fleet,
    principal: agent,
    nonce: new Uint8Array(32),
    relay: knownPoint ?? new Uint8Array(65),
    ...change,
  });

/** Tries everything, in order; what went wrong stands in the verdicts. */
export async function conformance(subject: Subject): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const check = async (clause: string, what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
      verdicts.push({ clause, what });
    } catch (thrown) {
      verdicts.push({ clause, what, fault: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  };
  const unlock = (): WithoutId<CustodyRequest> => ({
    kind: 'unlock',
    ...(subject.passphrase !== undefined && { passphrase: subject.passphrase.slice() }),
    ...(subject.pin !== undefined && { pin: subject.pin.slice() }),
  });
  const create = (label: string): WithoutId<CustodyRequest> => ({
    kind: 'create',
    label,
    ...(subject.level !== undefined && { level: subject.level }),
  });

  let talk = new Talk(subject.command);
  await check('CUSTODY-4', 'answers nothing before it is unlocked', async () =>
    expect(await talk.ask({ kind: 'list' }), 'custody_refused'),
  );
  await check('CUSTODY-2', 'answers a frame that is no request under id 0, and goes on', async () => {
    const answer = await talk.raw(framed(Uint8Array.of(0xff), maxCustodyFrameBytes));
    if (answer.id !== 0 || !outcome(answer).startsWith('codec_')) throw new Error(`answered ${outcome(answer)}, id ${answer.id}`);
  });
  await check('CUSTODY-4', 'is unlocked once', async () => {
    expect(await talk.ask(unlock()), 'unlocked');
    expect(await talk.ask(unlock()), 'custody_refused');
  });
  await check('CUSTODY-21', 'tells how its stores are', async () => expect(await talk.ask({ kind: 'stores' }), 'stores'));

  let made: KeyDescription | undefined;
  await check('CUSTODY-19', 'makes a key in the store that was asked for', async () => {
    made = keyOf(await talk.ask(create('conformance')));
    if (subject.level !== undefined && made.custody.split(',')[0] !== subject.level.split(',')[0])
      throw new Error(`the key is in ${made.custody}`);
  });
  if (made === undefined) {
    await talk.end().catch(() => {});
    return verdicts;
  }
  const ours = made;
  const { key, publicKeys } = ours;
  knownPoint = publicKeys.sign;
  const sign = (domain: CustodyDomain, statement: Uint8Array) => talk.ask({ kind: 'sign', key, domain, statement });
  const signs = async (domain: CustodyDomain, statement: Uint8Array): Promise<void> => {
    const answer = await sign(domain, statement);
    if (answer.kind !== 'signature') throw new Error(`answered ${outcome(answer)}, not signature`);
    await verifySignature(primitives, { domain, statement, signature: answer.signature, publicKey: publicKeys.sign }); // low-S, too
  };
  const refuses = async (domain: CustodyDomain, statement: Uint8Array): Promise<void> =>
    expect(await sign(domain, statement), 'custody_refused');
  const offer = offerOf(ours);
  const grant = { kind: 'grant', fleet, grant: nobody, item: nobody, agent } as const;
  const open = ({ encapsulated }: Sealed, purpose: Extract<WithoutId<CustodyRequest>, { kind: 'open' }>['purpose'] = grant) =>
    talk.ask({ kind: 'open', key, purpose, encapsulated });
  const sealed = await sealTo(primitives, publicKeys.seal, grant, secret);

  await check('CUSTODY-10', 'signs the offer of its own keys', async () => signs('pairing-offer', offer));
  await check('CUSTODY-10', 'signs no offer of other keys', async () => {
    const other = keyOf(await talk.ask(create('other')));
    await refuses('pairing-offer', offerOf(other));
    expect(await talk.ask({ kind: 'destroy', key: other.key }), 'done');
  });
  await check('CUSTODY-11', 'signs no offer that states another store', async () =>
    refuses('pairing-offer', offerOf({ ...ours, custody: ours.custody === 'secure-enclave' ? 'tpm' : 'secure-enclave' })),
  );
  await check('CUSTODY-6', 'signs and opens nothing else before the key is bound', async () => {
    await refuses('entry', encode(entryStatement, entry));
    await refuses('session-key', sessionOf());
    await refuses('relay-auth', relayAuth());
    expect(await open(sealed), 'custody_refused');
  });
  await check('CUSTODY-6', 'binds a key once', async () => {
    const { binding } = keyOf(await talk.ask({ kind: 'bind', key, binding: { fleet, agent } }));
    if (binding === undefined || !equalBytes(binding.agent, agent)) throw new Error('the description does not say so');
    keyOf(await talk.ask({ kind: 'bind', key, binding: { fleet, agent } }));
    expect(await talk.ask({ kind: 'bind', key, binding: { fleet, agent: otherAgent } }), 'custody_refused');
    expect(await talk.ask({ kind: 'bind', key, binding: { fleet: otherFleet, agent } }), 'custody_refused');
  });
  await check('CUSTODY-10', 'signs no offer any more', async () => refuses('pairing-offer', offer));
  await check('CUSTODY-7', 'signs for its own fleet and agent, in three statements', async () => {
    await signs('entry', encode(entryStatement, entry));
    await signs('session-key', sessionOf());
    await signs('relay-auth', relayAuth());
  });
  await check('CUSTODY-7', 'signs for no other fleet or agent', async () => {
    for (const change of [{ fleet: otherFleet }, { author: otherAgent }])
      await refuses('entry', encode(entryStatement, { ...entry, ...change }));
    for (const change of [{ fleet: otherFleet }, { agent: otherAgent }]) await refuses('session-key', sessionOf(change));
    for (const change of [{ fleet: otherFleet }, { principal: otherAgent }]) await refuses('relay-auth', relayAuth(change));
  });
  await check('CUSTODY-8', "signs no entry of another topic than the agent's", async () =>
    refuses('entry', encode(entryStatement, { ...entry, topic: otherAgent })),
  );
  await check('CUSTODY-9', 'certifies no session key for later, or for what is over', async () => {
    await refuses('session-key', sessionOf({ fromMs: Date.now() + 3_600_000 }));
    await refuses('session-key', sessionOf({ fromMs: Date.now() - 3_600_000 }));
  });
  await check('CUSTODY-5', 'signs nothing that is no statement of its domain', async () => {
    const statement = encode(entryStatement, entry);
    const changed = [new Uint8Array(0), statement.subarray(0, -1), Uint8Array.from([...statement, 0]), utf8('sign this')];
    for (const each of changed) {
      const found = outcome(await sign('entry', each));
      if (!found.startsWith('codec_')) throw new Error(`answered ${found}`);
    }
    const crossed = outcome(await sign('relay-auth', statement));
    if (!crossed.startsWith('codec_')) throw new Error(`answered ${crossed} to an entry as a relay proof`);
  });
  await check('CUSTODY-13', 'gives the key of one sealing, which opens that one', async () => {
    const answer = await open(sealed);
    if (answer.kind !== 'one-time-key') throw new Error(`answered ${outcome(answer)}`);
    const opened = await primitives.aeadOpen(answer.key, answer.nonce, new Uint8Array(0), sealed.ciphertext);
    if (!equalBytes(opened, secret)) throw new Error('it opens to something else');
  });
  await check('CUSTODY-12', 'opens for no other fleet or agent', async () => {
    for (const purpose of [
      { ...grant, fleet: otherFleet },
      { ...grant, agent: otherAgent },
      { kind: 'lockbox', fleet, audience: 'fleet', epoch: 1, member: otherAgent } as const,
      { ...grant, kind: 'use', session: agent, ask: agent, call: fleet, expiresAtMs: 1 } as const,
    ])
      expect(await open(sealed, purpose), 'custody_refused');
  });
  await check('CUSTODY-13', 'opens no point off the curve', async () => {
    const encapsulated = sealed.encapsulated.map((byte, at) => (at === sealed.encapsulated.length - 1 ? byte ^ 1 : byte));
    expect(await open({ ...sealed, encapsulated }), 'open_failed');
  });
  await check('CUSTODY-3', 'knows no key that it did not make', async () => {
    for (const request of [
      { kind: 'public', key: nobody },
      { kind: 'sign', key: nobody, domain: 'entry', statement: encode(entryStatement, entry) },
      { kind: 'destroy', key: nobody },
    ] as const)
      expect(await talk.ask(request), 'key_unknown');
  });
  await check('CUSTODY-16', 'ends when its stdin does', async () => talk.end());

  talk = new Talk(subject.command);
  await check('CUSTODY-14', 'finds the key again, bound as it was', async () => {
    expect(await talk.ask(unlock()), 'unlocked');
    const again = keyOf(await talk.ask({ kind: 'public', key }));
    if (!equalBytes(again.publicKeys.seal, publicKeys.seal) || again.binding === undefined)
      throw new Error('it is another, or unbound');
    await signs('entry', encode(entryStatement, entry));
    const listed = await talk.ask({ kind: 'list' });
    if (listed.kind !== 'keys' || !listed.keys.some((each) => equalBytes(each.key, key)))
      throw new Error('it is not in the list');
  });
  await check('CUSTODY-14', 'destroys it for good', async () => {
    expect(await talk.ask({ kind: 'destroy', key }), 'done');
    expect(await sign('entry', encode(entryStatement, entry)), 'key_unknown');
  });
  await check('CUSTODY-1', 'answers a frame that is too large, and ends', async () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, maxCustodyFrameBytes + 1);
    expect(await talk.raw(header), 'codec_limit');
    await talk.ended;
  });
  await talk.end();
  return verdicts;
}

/** Throws `usage` for a store that nobody knows. */
export function levelOf(typed: string): CustodyLevel {
  const known = (['software, unsealed', 'software', 'tpm', 'pkcs11', 'secure-enclave'] as const).find((each) => each === typed);
  if (known === undefined) throw new HoldfastError('usage', `there is no key store ${typed}`);
  return known;
}
