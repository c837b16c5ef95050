// What Node's HTTP client takes for its socket, spec/broker.md §5 and §6: a duplex over the real one that swaps the marker on the way out
// and cleans reply heads on the way in, before Node's parser makes strings of them. Where bytes are limited, all pass by their meter here.

import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { joined } from './encode.ts';
import type { Fingerprints } from './fingerprints.ts';
import { refusal } from './refusal.ts';
import { scrubWhole } from './scrub.ts';
import type { Meter } from './authority.ts';
import type { Swap } from './swap.ts';

type Written = (error?: Error | null) => void;

/** What one request brings along. */
interface Passing {
  readonly prints: Fingerprints | undefined;
  readonly swap: Swap | undefined;
  readonly meter: Meter | undefined;
}

const endOfHead = '\r\n\r\n';

export class UpstreamSocket extends Duplex {
  readonly #transport: Socket;
  readonly #maxHeadBytes: number;
  #swap: Swap | undefined;
  #prints: Fingerprints | undefined;
  #meter: Meter | undefined;
  /** The reader has enough for now. */
  #full = false;
  /** A chunk waits for its meter. */
  #metering = false;
  /** The other side has said all. */
  #over = false;
  /** `idle` between requests; `head` until the reply's final head is whole; then `body`. */
  #phase: 'idle' | 'head' | 'body' = 'idle';
  #head: Buffer = Buffer.alloc(0);

  /** Takes over a connected socket. */
  constructor(transport: Socket, maxHeadBytes: number) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    this.#maxHeadBytes = maxHeadBytes;
    transport.on('data', (chunk: Buffer) => this.#received(chunk));
    transport.on('end', () => {
      this.#over = true;
      if (!this.#metering) this.#ended(); // a socket that is paused ends all the same
    });
    transport.on('error', (error) => this.destroy(error));
    // What it sent before it ended is still read; a client may be slow.
    transport.on('close', () => {
      if (transport.readableEnded && !this.readableEnded) this.once('end', () => this.destroy());
      else this.destroy();
    });
  }

  /** One request at a time: the next head that is written is this request's, the next reply answers it. [BROKER-20] */
  begin({ prints, swap, meter }: Passing): void {
    if (this.#phase !== 'idle') throw new Error('one request at a time');
    this.#phase = 'head';
    this.#prints = prints;
    this.#swap = swap;
    this.#meter = meter;
  }

  /** The reply is complete; what came after it belongs to nothing. [BROKER-20] */
  rest(): void {
    this.#phase = 'idle';
    this.#prints = undefined;
    this.#meter = undefined;
    if (this.readableLength > 0 || this.#metering) this.destroy();
  }

  /** What comes from now on is no HTTP: whoever reads it cleans it, and overwrites it. [BROKER-32] */
  switched(): void {
    this.#phase = 'body';
    this.#prints = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Written): void {
    const swap = this.#swap;
    if (swap === undefined) {
      this.#send(chunk, done);
      return;
    }
    this.#swap = undefined;
    void this.#writeSwapped(swap, chunk).then(
      () => done(),
      (error: unknown) => done(error instanceof Error ? error : refusal('internal', error)),
    );
  }

  /** Corked writes reach here only when no secret is among them: a gathered write leaves copies behind. */
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: Written): void {
    const [first, ...rest] = chunks;
    if (first === undefined) return done();
    const others = rest.map(({ chunk }) => chunk);
    if (this.#swap === undefined) this.#send(joined(first.chunk, ...others), done);
    else
      this._write(first.chunk, first.encoding, (error) =>
        error || others.length === 0 ? done(error) : this.#send(joined(...others), done),
      );
  }

  /** [BROKER-44] */
  #send(bytes: Buffer, done: Written): void {
    const waits = this.#meter?.take(bytes.length);
    if (waits === undefined) this.#transport.write(bytes, done);
    else waits.then(() => this.#transport.write(bytes, done), done);
  }

  /** One Buffer, one write on an established connection, overwritten when the socket has taken it. [BROKER-19] */
  async #writeSwapped(swap: Swap, head: Buffer): Promise<void> {
    await this.#meter?.ready(head.length); // while the secret is still sealed
    const whole = await swap.fill(head);
    let sent = false;
    try {
      await this.#meter?.take(whole.length); // [BROKER-44]
      if (this.destroyed || this.#transport.destroyed) throw refusal('request_cut');
      sent = true;
      await new Promise<void>((done, fail) => this.#transport.write(whole, (error) => (error ? fail(error) : done())));
    } finally {
      whole.fill(0);
      swap.wiped(sent);
    }
  }

  /** Node's parser copies what it takes out of a chunk; the chunk, with what it may hold of a secret, is overwritten behind it. [BROKER-19] */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const heard = super.emit(event, ...args);
    const [chunk] = args;
    if (event === 'data' && this.#prints !== undefined && Buffer.isBuffer(chunk)) chunk.fill(0);
    return heard;
  }

  override _final(done: Written): void {
    this.#transport.end();
    done();
  }

  override _read(): void {
    this.#full = false;
    if (!this.#metering) this.#transport.resume();
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#head.fill(0);
    this.#transport.destroy();
    done(error);
  }

  /** Nothing follows a chunk that waits for its meter. [BROKER-44] */
  #received(chunk: Buffer): void {
    const waits = this.#meter?.take(chunk.length);
    if (waits === undefined) this.#pass(chunk);
    else void this.#passAfter(waits, chunk);
  }

  async #passAfter(waits: Promise<void>, chunk: Buffer): Promise<void> {
    this.#metering = true;
    this.#transport.pause();
    try {
      await waits;
    } catch (error) {
      this.destroy(error instanceof Error ? error : refusal('internal', error));
    }
    this.#metering = false;
    if (this.destroyed) {
      chunk.fill(0);
      return;
    }
    this.#pass(chunk);
    if (this.#over) this.#ended();
    else if (!this.#full) this.#transport.resume();
  }

  #ended(): void {
    if (this.#phase === 'idle') this.destroy();
    else this.push(null);
  }

  #pass(chunk: Buffer): void {
    if (this.#phase === 'body' || this.#prints === undefined) this.#deliver(chunk);
    else this.#receivedHead(chunk, this.#prints);
  }

  #deliver(chunk: Buffer): void {
    if (chunk.length === 0) return;
    // Node's parser lets go of its socket when the reply is whole; what comes then would be taken for the next reply. [BROKER-20]
    if (this.listenerCount('data') === 0) this.destroy(refusal('reply_refused'));
    else if (!this.push(chunk)) {
      this.#full = true;
      this.#transport.pause();
    }
  }

  /** Collects a head, cleans it whole, passes it on; interim replies (1xx) are followed by another head. [BROKER-21] */
  #receivedHead(chunk: Buffer, prints: Fingerprints): void {
    const whole = joined(this.#head, chunk);
    this.#head.fill(0);
    chunk.fill(0);
    const end = whole.indexOf(endOfHead);
    if (end < 0) {
      this.#head = whole;
      if (whole.length > this.#maxHeadBytes) this.destroy(refusal('reply_refused'));
      return;
    }
    this.#head = Buffer.alloc(0);
    const head = whole.subarray(0, end + endOfHead.length);
    const rest = whole.subarray(head.length);
    if (head.length > this.#maxHeadBytes) {
      whole.fill(0);
      this.destroy(refusal('reply_refused'));
      return;
    }
    scrubWhole(prints, head);
    const interim = /^HTTP\/1\.[01] 1[0-9][0-9]/.test(head.toString('latin1', 0, 12)) && head.toString('latin1', 9, 12) !== '101';
    this.#deliver(head);
    if (interim) {
      if (rest.length > 0) this.#receivedHead(rest, prints);
      return;
    }
    this.#phase = 'body';
    this.#deliver(rest);
  }

  // What Node's client asks of a socket.
  destroySoon(): void {
    this.end();
    this.destroy();
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    this.#transport.ref();
    return this;
  }
  unref(): this {
    this.#transport.unref();
    return this;
  }
}
