// Which build a sealed session was started with: the SHA-256 of its program's file. Measured when it is first asked for, of the file that was there at the
// start, or not known. What the program loads, and what runs beside it, is not in it. spec/presentation.md [PRESENT-13].

import { createHash } from 'node:crypto';
import { statSync, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** What a writer of the file cannot leave as it was. */
const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs, ctimeNs].join(' ');

export class Harness {
  readonly #program: string;
  readonly #stamp: string | undefined;
  #measured: Promise<Uint8Array | undefined> | undefined;

  /** `program`: the path that is executed, links followed. Before it is. */
  constructor(program: string) {
    this.#program = program;
    const found = statSync(program, { bigint: true, throwIfNoEntry: false });
    this.#stamp = found && stampOf(found);
  }

  /** 32 bytes; undefined where the file is another by now, or cannot be read. */
  digest(): Promise<Uint8Array | undefined> {
    return (this.#measured ??= this.#measure().catch(() => undefined));
  }

  async #measure(): Promise<Uint8Array | undefined> {
    const file = await open(this.#program, 'r');
    try {
      const hash = createHash('sha256');
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
      return (await this.#isSame(file)) ? new Uint8Array(hash.digest()) : undefined;
    } finally {
      await file.close();
    }
  }

  async #isSame(file: FileHandle): Promise<boolean> {
    return stampOf(await file.stat({ bigint: true })) === this.#stamp;
  }
}
