// The growing end of an audit log: the segment that is being written, what of it is synced, and how it goes on after the disk failed. One call
// at a time; the writer sees to that. Records since the last sync stay in memory, so that a failed sync loses nothing that was acknowledged.

import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import {
  maxBatch,
  SegmentSealer,
  segmentName,
  type Frame,
  type SegmentId,
  type SegmentSecrets,
} from '@holdfast/protocol/audit/segment';
import { Frontier, leafHash } from '@holdfast/protocol/primitives/merkle';
import type { AppendFile, AuditFiles } from './files.ts';
import { writeMark, type NewestCheckpoint, type StoredLog } from './stored-log.ts';

/** Bounds what is held in memory of the current segment, and the work of opening one. */
const maxSegmentBytes = 4 * 1024 * 1024;

/** Of the newest file: its number, -1 where there is none, and how many bytes are synced; undefined: it grows no more, and all are. */
export interface SyncedEnd {
  readonly ordinal: number;
  readonly bytes: number | undefined;
}

interface Current {
  readonly id: SegmentId;
  readonly file: AppendFile;
  readonly sealer: SegmentSealer;
  bytes: number;
  syncedBytes: number;
}

export class Tail {
  private readonly files: AuditFiles;
  private readonly secrets: SegmentSecrets;
  private readonly frontier: Frontier;
  private readonly ids: SegmentId[];
  private current: Current | undefined;
  /** A call failed: the file's end is unknown, its sealer must seal nothing more. */
  private broken = false;
  /** A segment that was begun and must be removed before it is begun again. */
  private leftover: string | undefined;
  /** Records of the current segment, the last ones perhaps unsynced; `heldFirst` is the number of the first. */
  private held: Uint8Array[] = [];
  private heldFirst: number;
  /** Synced checkpoints of the current segment. */
  private heldCheckpoints: Uint8Array[] = [];
  private syncedTree: ReturnType<Frontier['state']>;
  private readonly unsyncedCheckpoints: Uint8Array[] = [];
  /** The newest synced one. */
  checkpoint: NewestCheckpoint | undefined;

  constructor(files: AuditFiles, secrets: SegmentSecrets, stored: StoredLog) {
    this.files = files;
    this.secrets = secrets;
    this.frontier = stored.frontier;
    this.ids = [...stored.segments];
    this.checkpoint = stored.checkpoint;
    this.heldFirst = stored.frontier.size;
    this.syncedTree = stored.frontier.state();
  }

  get size(): number {
    return this.frontier.size;
  }

  get syncedSize(): number {
    return this.syncedTree.size;
  }

  /** What would survive a power loss. */
  get synced(): { readonly size: number; readonly root: Uint8Array } {
    return { size: this.syncedTree.size, root: new Frontier(this.secrets.primitives, this.syncedTree).root() };
  }

  get isSynced(): boolean {
    return this.syncedTree.size === this.size && this.unsyncedCheckpoints.length === 0;
  }

  get syncedEnd(): SyncedEnd {
    return { ordinal: this.ids.length - 1, bytes: this.current?.syncedBytes };
  }

  /** Of the growing segment as many bytes as are synced, of the others all. */
  syncedPart(ordinal: number): { readonly id: SegmentId; readonly bytes: number | undefined } | undefined {
    const id = this.ids[ordinal];
    return id && { id, bytes: this.current?.id === id ? this.current.syncedBytes : undefined };
  }

  /** Segments before the held records, and those records: everything there is. Both as they are now, whatever is begun while they are read. */
  get closed(): readonly SegmentId[] {
    return this.ids.slice(0, this.current === undefined ? undefined : -1);
  }

  get recent(): { readonly first: number; readonly records: readonly Uint8Array[]; readonly checkpoints: readonly Uint8Array[] } {
    return { first: this.heldFirst, records: this.held, checkpoints: this.heldCheckpoints };
  }

  /** Appends up to `maxBatch` records. When it throws, none of them is in the log. */
  async write(records: readonly Uint8Array[]): Promise<void> {
    await this.append({ kind: 'records', first: this.size, records });
    for (const record of records) {
      this.held.push(record);
      this.frontier.append(leafHash(this.secrets.primitives, record));
    }
  }

  async writeCheckpoint(wire: Uint8Array): Promise<void> {
    await this.append({ kind: 'checkpoint', wire });
    this.unsyncedCheckpoints.push(wire);
  }

  private async append(content: Frame): Promise<void> {
    const current = await this.ready();
    await this.guarded(async () => {
      const sealed = await current.sealer.seal(content);
      await current.file.append(sealed);
      current.bytes += sealed.length;
    });
  }

  /** Makes all that was written survive a power loss. When it throws, the same holds after a later call that does not. */
  async sync(): Promise<void> {
    if (this.broken) return void (await this.ready());
    const { current } = this;
    if (current === undefined || this.isSynced) return;
    await this.guarded(() => current.file.sync());
    await this.settle(current);
  }

  /** Remembers that everything is synced. */
  private async settle(current: Current): Promise<void> {
    current.syncedBytes = current.bytes;
    this.syncedTree = this.frontier.state();
    const newest = this.unsyncedCheckpoints.at(-1);
    if (newest !== undefined) this.checkpoint = { wire: newest, ...readCheckpoint(this.secrets.primitives, newest) };
    this.heldCheckpoints.push(...this.unsyncedCheckpoints.splice(0));
    // The mark only tells damage from a torn tail; an older one is safe, so a failure to write it is no failure of the log.
    const mark = { records: this.syncedTree.size, checkpoint: this.checkpoint?.statement.size ?? 0 };
    await writeMark(this.files, this.secrets.primitives, mark).catch(() => {});
  }

  private async guarded<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (cause) {
      this.broken = true;
      throw cause;
    }
  }

  /** The segment to append to; begins one at the start, when the current one is full, and after a failure. */
  private async ready(): Promise<Current> {
    if (this.current !== undefined && !this.broken && this.current.bytes < maxSegmentBytes) return this.current;
    if (!this.broken) await this.sync();
    return this.guarded(async () => {
      await this.retire();
      const current = await this.begin();
      this.broken = false;
      return current;
    });
  }

  /** Ends the current segment with what of it is synced; what is not stays held. */
  private async retire(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    await current.file.close().catch(() => {}); // it may have failed before
    if (current.bytes > current.syncedBytes || this.broken) {
      await this.files.truncate(segmentName(current.id), current.syncedBytes);
    }
    this.held = this.held.slice(this.syncedTree.size - this.heldFirst);
    this.heldFirst = this.syncedTree.size;
    this.heldCheckpoints = [];
    this.current = undefined;
  }

  /** A new segment with its own key, holding what was not synced; synced before anything else goes into it. */
  private async begin(): Promise<Current> {
    const id = { ordinal: this.ids.length, first: this.syncedTree.size };
    const name = segmentName(id);
    if (this.leftover === name) await this.files.remove(name);
    this.leftover = name;
    const file = await this.files.create(name);
    const sealer = new SegmentSealer(this.secrets, id);
    const { size, peaks } = this.syncedTree;
    const frames: Frame[] = [
      { kind: 'start', v: 1, size, peaks, ...(this.checkpoint !== undefined && { checkpoint: this.checkpoint.wire }) },
    ];
    for (let at = 0; at < this.held.length; at += maxBatch) {
      frames.push({ kind: 'records', first: this.heldFirst + at, records: this.held.slice(at, at + maxBatch) });
    }
    for (const wire of this.unsyncedCheckpoints) frames.push({ kind: 'checkpoint', wire });
    const current: Current = { id, file, sealer, bytes: 0, syncedBytes: 0 };
    try {
      for (const bytes of [sealer.header, ...(await this.sealAll(sealer, frames))]) {
        await file.append(bytes);
        current.bytes += bytes.length;
      }
      await file.sync();
    } catch (cause) {
      await file.close().catch(() => {});
      throw cause;
    }
    this.ids.push(id);
    this.leftover = undefined;
    this.current = current;
    await this.settle(current);
    return current;
  }

  private async sealAll(sealer: SegmentSealer, frames: readonly Frame[]): Promise<Uint8Array[]> {
    const sealed: Uint8Array[] = [];
    for (const frame of frames) sealed.push(await sealer.seal(frame));
    return sealed;
  }

  async close(): Promise<void> {
    await this.current?.file.close();
  }
}
