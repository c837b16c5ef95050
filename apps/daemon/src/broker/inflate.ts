// What replies are unpacked with where Node has no decoder that would do, spec/broker.md §6: `deflate` as both sorts of servers write it,
// and a limit to what a small reply may become.

import { Transform, type TransformCallback } from 'node:stream';
import { createInflate, createInflateRaw, type Inflate, type InflateRaw } from 'node:zlib';
import { refusal } from './refusal.ts';

/** So many bytes for each that came, beyond what any reply may have: nothing that people pack in earnest shrinks as much. [BROKER-24] */
const maxExpansion = 256;
const freeBytes = 16 * 1024 * 1024;

/** Two stages, before and after the decoders. The second fails with `reply_refused` when far more comes out than went in. */
export function expansionLimit(): { readonly packed: Transform; readonly unpacked: Transform } {
  let taken = 0;
  let given = 0;
  const packed = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      taken += chunk.length;
      done(null, chunk);
    },
  });
  const unpacked = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      given += chunk.length;
      if (given > freeBytes + taken * maxExpansion) done(refusal('reply_refused'));
      else done(null, chunk);
    },
  });
  return { packed, unpacked };
}

const zlibMethod = 8;

/** `deflate`: the zlib format, as RFC 9110 has it, or the bare one, as some servers send. Its first byte tells. */
export class AnyInflate extends Transform {
  #inflate: Inflate | InflateRaw | undefined;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) return done();
    this.#inflate ??= this.#start((chunk[0] ?? 0) & 0x0f);
    if (this.#inflate.write(chunk)) done();
    else this.#inflate.once('drain', done);
  }

  #start(method: number): Inflate | InflateRaw {
    const inflate = method === zlibMethod ? createInflate() : createInflateRaw();
    inflate.on('data', (piece: Buffer) => {
      if (!this.push(piece)) inflate.pause();
    });
    inflate.on('error', (error) => this.destroy(error));
    return inflate;
  }

  override _read(size: number): void {
    this.#inflate?.resume();
    super._read(size);
  }

  override _flush(done: TransformCallback): void {
    if (this.#inflate === undefined) return done();
    this.#inflate.once('end', done);
    this.#inflate.end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inflate?.destroy();
    done(error);
  }
}
