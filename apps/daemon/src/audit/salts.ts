// The keys that the commitments in one agent's log stand on, spec/commitments.md: apart from the log, one a subject, on disk before a record
// needs them, and gone when an operator erases the subject.

import { isSubject, subjectKeyBytes, subjectName } from '@holdfast/protocol/audit/commitment';
import type { SegmentSecrets } from '@holdfast/protocol/audit/segment';
import { concat, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, integer, literal, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { hkdf } from '@holdfast/protocol/seal/hkdf';
import type { AuditFiles } from './files.ts';

const nonceBytes = 12;
const maxFileBytes = 1024;
/** `erasures`: how often the subject had been erased when the key was made. */
const saltFile = record({ v: literal(1), subject: subjectName, erasures: integer(), key: bytes(subjectKeyBytes) });

interface SubjectKey {
  readonly subject: string;
  readonly erasures: number;
  readonly key: Uint8Array;
  readonly name: string;
  isStored: boolean;
}

export interface SaltOptions {
  readonly files: AuditFiles;
  readonly secrets: SegmentSecrets;
  /** By subject, as the fleet's state has them now. */
  readonly erasures: () => ReadonlyMap<string, number>;
}

const noAssociated = new Uint8Array(0);

export class SaltStore {
  private readonly options: SaltOptions;
  private keys: SubjectKey[] = [];
  /** One thing at a time is done to the files. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(options: SaltOptions) {
    this.options = options;
  }

  /** Takes over `files`. Throws what the file system says. */
  static async open(options: SaltOptions): Promise<SaltStore> {
    const store = new SaltStore(options);
    for (const name of await options.files.list()) {
      const key = await store.read(name);
      if (key !== undefined) store.keys.push(key); // [COMMIT-4]
    }
    return store;
  }

  /** A new one is made, and is on disk once `settle` resolves. */
  keyOf(subject: string): Uint8Array {
    const erasures = this.options.erasures().get(subject) ?? 0;
    const known = this.keys.find((each) => each.subject === subject && each.erasures === erasures);
    if (known !== undefined) return known.key;
    if (!isSubject(subject)) throw new HoldfastError('internal', 'no subject');
    const { primitives } = this.options.secrets;
    const key = primitives.random(subjectKeyBytes); // [COMMIT-3]
    const name = `${toHex(primitives.random(16))}.salt`;
    this.keys.push({ subject, erasures, key, name, isStored: false });
    return key;
  }

  /** All that there are of a subject. */
  keysOf(subject: string): readonly Uint8Array[] {
    return this.keys.filter((each) => each.subject === subject).map(({ key }) => key);
  }

  /** Every key that was given out would survive a power loss. Rejects with what the disk says. [COMMIT-3] */
  settle(): Promise<void> {
    if (this.keys.every(({ isStored }) => isStored)) return Promise.resolve();
    return this.inTurn(async () => {
      for (const key of this.keys) if (!key.isStored) await this.write(key);
    });
  }

  /** Subjects that were erased since their keys were made. */
  erased(): readonly string[] {
    return [...new Set(this.keys.filter((key) => this.isErased(key)).map(({ subject }) => subject))];
  }

  /** What stands on the keys of an erased subject can't be proven any more. Rejects with what the disk says; then it is to be done again. [COMMIT-11] */
  destroy(subject: string): Promise<void> {
    return this.inTurn(async () => {
      for (const key of this.keys.filter((each) => each.subject === subject && this.isErased(each))) {
        await this.wipe(key.name); // also what a try that failed left
        key.key.fill(0);
        this.keys = this.keys.filter((each) => each !== key);
      }
    });
  }

  async close(): Promise<void> {
    await this.last;
    for (const { key } of this.keys) key.fill(0);
    this.keys = [];
    await this.options.files.close();
  }

  private isErased({ subject, erasures }: SubjectKey): boolean {
    return erasures < (this.options.erasures().get(subject) ?? 0);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => {});
    return done;
  }

  private async wipe(name: string): Promise<void> {
    const { files, secrets } = this.options;
    const { length } = (await files.read(name)) ?? noAssociated;
    if (length > 0) {
      await files.overwrite(name, secrets.primitives.random(length));
      await files.truncate(name, length); // it is on the disk now
    }
    await files.remove(name);
  }

  private sealingKey(name: string): Uint8Array {
    const { primitives, key, fleet, agent } = this.options.secrets;
    const info = concat(utf8('holdfast/v1 salts\0'), fleet, agent, utf8(name));
    return hkdf(primitives, { secret: key, info, length: 32 }); // [COMMIT-4]
  }

  private async write(subjectKey: SubjectKey): Promise<void> {
    const { files, secrets } = this.options;
    const { name, subject, erasures, key } = subjectKey;
    const plain = encode(saltFile, { v: 1, subject, erasures, key });
    const nonce = secrets.primitives.random(nonceBytes);
    const sealed = await secrets.primitives.aeadSeal(this.sealingKey(name), nonce, noAssociated, plain);
    plain.fill(0);
    await files.remove(name); // what an earlier try left
    const file = await files.create(name);
    try {
      await file.append(concat(nonce, sealed));
      await file.sync();
    } finally {
      await file.close();
    }
    subjectKey.isStored = true;
  }

  /** Undefined for a file that is none of ours, or does not open. */
  private async read(name: string): Promise<SubjectKey | undefined> {
    const { files, secrets } = this.options;
    const file = await files.read(name);
    if (file === undefined || file.length <= nonceBytes || file.length > maxFileBytes) return undefined;
    try {
      const [nonce, sealed] = [file.subarray(0, nonceBytes), file.subarray(nonceBytes)];
      const plain = await secrets.primitives.aeadOpen(this.sealingKey(name), nonce, noAssociated, sealed);
      const { subject, erasures, key } = decode(saltFile, plain, maxFileBytes);
      return { subject, erasures, key: key.slice(), name, isStored: true };
    } catch (thrown) {
      if (thrown instanceof HoldfastError) return undefined;
      throw thrown;
    }
  }
}
