// Asking the daemon of this machine, spec/door.md.

import { connect, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { homedir } from 'node:os';
import { defaultHome, homePaths, type HomePaths } from '@holdfast/protocol/door/paths';
import { decodeDoorReply, encodeDoorRequest, maxDoorFrameBytes, type DoorReply, type DoorReplyOf, type DoorRequest } from '@holdfast/protocol/door/wire';
import { FrameReader } from '@holdfast/protocol/codec/framing';
import { HoldfastError, parseCode } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

/** Where this user's Holdfast lies; the same answer as the daemon's. */
export function findHome(): HomePaths {
  const home = path.resolve(defaultHome(process.env, homedir()));
  return homePaths(nodePrimitives, home, path.join(tmpdir(), `holdfast-${userInfo().uid}`));
}

export class DoorCall {
  private readonly socket: Socket;
  private readonly frames = new FrameReader(maxDoorFrameBytes);

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Throws `daemon_unreachable`. */
  static async open(paths: HomePaths): Promise<DoorCall> {
    const socket = connect(paths.doorSocket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) =>
        reject(
          new HoldfastError('daemon_unreachable', 'no daemon answers on this machine', { cause, next: 'start it: npm start (in the clone), in another terminal' }),
        ),
      );
    });
    socket.on('error', () => socket.destroy());
    return new DoorCall(socket);
  }

  /** False: wait for `onDrain` before sending more. */
  send(request: DoorRequest): boolean {
    return !this.socket.destroyed && this.socket.write(encodeDoorRequest(request));
  }

  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  /** Everything the daemon says until it ends the connection. Throws the daemon's own coded error for a `failed` reply. */
  async *replies(): AsyncGenerator<DoorReply> {
    for await (const chunk of this.socket) {
      for (const payload of this.frames.push(chunk as Buffer)) {
        const reply = decodeDoorReply(payload);
        if (reply.kind === 'failed') throw new HoldfastError(parseCode(reply.code), reply.message, reply.next === undefined ? {} : { next: reply.next });
        yield reply;
      }
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** One question, one answer. Throws `daemon_unreachable` or the daemon's own error. */
export async function askDaemon<K extends DoorReply['kind']>(paths: HomePaths, request: DoorRequest, wanted: K): Promise<DoorReplyOf<K>> {
  const call = await DoorCall.open(paths);
  try {
    call.send(request);
    for await (const reply of call.replies()) {
      if (reply.kind === wanted) return reply as DoorReplyOf<K>;
    }
    throw new HoldfastError('daemon_unreachable', 'the daemon ended the call without an answer', { next: 'see whether it still runs: holdfast status' });
  } finally {
    call.close();
  }
}
