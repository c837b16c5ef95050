// How far one agent's log has come in one collector, spec/audit-export.md [EXPORT-7]: a small file of this user's, written whole and synced before
// the next batch goes out.

import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decode, encode, integer, literal, optional, record, type Infer } from '@holdfast/protocol/codec/schema';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { digest, fleetId, principalId } from '@holdfast/protocol/keys/public-keys';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { isAbsent, writeAtomically } from '../operator/key-file.ts';
import { takeTurn } from '../operator/turn.ts';
import type { LogName } from './exported.ts';

const positionFile = record({
  v: literal(1),
  fleet: fleetId,
  agent: principalId,
  /** The number of the first event that the collector has not. */
  next: integer(),
  /** Leaf hash of the event before it. */
  leaf: optional(digest),
});
type Position = Infer<typeof positionFile>;

export class StreamPosition {
  private readonly file: string;
  private readonly release: () => void;
  private position: Position;

  private constructor(file: string, release: () => void, position: Position) {
    this.file = file;
    this.release = release;
    this.position = position;
  }

  /** Of this agent and this collector, for one process at a time: else `already_running`. Throws `store_failed`. [EXPORT-10] */
  static async take(streams: string, { fleet, agent }: LogName, url: URL): Promise<StreamPosition> {
    const where = toHex(nodePrimitives.sha256(utf8(`${toHex(fleet)} ${toHex(agent)} ${url.href}`))).slice(0, 32);
    const folder = path.join(streams, where);
    makeFolder(folder);
    const release = await takeTurn(folder, 'another stream of this agent to this collector', 0);
    const file = path.join(folder, 'position');
    try {
      return new StreamPosition(file, release, positionOf(file) ?? { v: 1, fleet, agent, next: 0 });
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  get next(): number {
    return this.position.next;
  }

  get leaf(): Uint8Array | undefined {
    return this.position.leaf;
  }

  /** Throws `store_failed`; then it is as it was. */
  move(next: number, leaf: Uint8Array): void {
    const moved = { ...this.position, next, leaf };
    writeAtomically(this.file, encode(positionFile, moved));
    this.position = moved;
  }

  close(): void {
    this.release();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new HoldfastError('store_failed', `${folder} could not be made`, {
      cause,
      next: 'free space and check its permissions',
    });
  }
}

function positionOf(file: string): Position | undefined {
  try {
    return decode(positionFile, new Uint8Array(readFileSync(file)), 256);
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new HoldfastError('store_failed', `${file} cannot be read`, {
      cause,
      next: 'remove it: the stream then begins with event 0 again',
    });
  }
}
