// Asking the daemon of this machine, spec/door.md.

import { lstatSync } from 'node:fs';
import { request as askHttp } from 'node:http';
import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { homedir, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { defaultHome, homePaths, type HomePaths } from '@holdfast/protocol/door/paths';
import {
  decodeDoorReply,
  encodeDoorRequest,
  maxDoorFrameBytes,
  type DoorReply,
  type DoorReplyOf,
  type DoorRequest,
} from '@holdfast/protocol/door/wire';
import { FrameReader } from '@holdfast/protocol/codec/framing';
import { HoldfastError, parseCode } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

/** Beyond what a request itself asks the daemon to wait. */
const answerWithinMs = 30_000;

/** Where this user's Holdfast lies; the same answer as the daemon's. */
export function findHome(): HomePaths {
  const home = path.resolve(defaultHome(process.env, homedir()));
  return homePaths(nodePrimitives, home, path.join(tmpdir(), `holdfast-${userInfo().uid}`));
}

/** [CLI-4] */
function unreachable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('daemon_unreachable', message, {
    cause,
    next: 'start it: npm start (in the clone), in another terminal',
  });
}

/** A socket in a folder that others can enter may be anybody's. Throws `home_unsafe`. */
function assertPrivate(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  const { uid } = userInfo();
  // Root, who writes for a user's daemon, could be that user.
  const owned = found?.uid === uid || uid === 0;
  if (found === undefined || (found.isDirectory() && owned && (found.mode & 0o022) === 0)) return;
  throw new HoldfastError('home_unsafe', `${folder} is not this user's alone`, {
    next: 'remove it, or choose another HOLDFAST_HOME',
  }); // [DOOR-1]
}

/** The two directions of a call. */
interface Line {
  readonly input: Readable;
  readonly output: Writable;
  close(): void;
}

const conversationType = 'application/vnd.holdfast.door';

export class DoorCall {
  private readonly line: Line;
  private readonly frames = new FrameReader(maxDoorFrameBytes);

  private constructor(line: Line) {
    this.line = line;
  }

  /** From inside a sealed session: at the door that it has, where it starts children and nothing else. Throws what the door says, `daemon_unreachable`. */
  static async inside(door: string): Promise<DoorCall> {
    const { hostname, port } = new URL('/', door);
    const tag = callTag();
    const asked = askHttp({
      createConnection: () => connect(Number(port), hostname), // no proxy in between
      method: 'POST',
      path: '/v1/children',
      headers: {
        host: `${hostname}:${port}`,
        'content-type': conversationType,
        connection: 'close',
        ...(tag !== undefined && { 'x-holdfast-call': tag }),
      },
    });
    asked.flushHeaders();
    const reply = await new Promise<Readable & { statusCode?: number | undefined }>((resolve, reject) => {
      asked.once('response', resolve);
      asked.once('error', (cause) => reject(unreachable("the session's door does not answer", cause)));
    });
    asked.on('error', () => asked.destroy());
    if (reply.statusCode !== 200) throw await refusedBy(reply);
    // A body that breaks off would be told as a malformed request.
    return new DoorCall({ input: reply, output: asked, close: () => void asked.end(() => asked.destroy()) });
  }

  /** Throws `daemon_unreachable`, `home_unsafe`. */
  static async open(paths: HomePaths): Promise<DoorCall> {
    assertPrivate(path.dirname(paths.doorSocket));
    const socket = connect(paths.doorSocket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) => reject(unreachable('no daemon answers on this machine', cause)));
    });
    socket.on('error', () => socket.destroy());
    return new DoorCall({ input: socket, output: socket, close: () => socket.destroy() });
  }

  /** Throws `codec_*` for a request that no daemon would take. After the daemon is gone nothing happens: `replies` ends. */
  send(request: DoorRequest): void {
    const frame = encodeDoorRequest(request);
    const { output } = this.line;
    if (!output.destroyed && !output.writableEnded) output.write(frame);
  }

  /** Everything the daemon says until it ends the connection or is gone. Throws the daemon's own coded error for a `failed` reply. */
  async *replies(): AsyncGenerator<DoorReply> {
    for await (const chunk of chunksOf(this.line.input)) {
      for (const payload of this.frames.push(chunk)) {
        const reply = decodeDoorReply(payload);
        if (reply.kind === 'failed')
          throw new HoldfastError(parseCode(reply.code), reply.message, reply.next === undefined ? {} : { next: reply.next });
        yield reply;
      }
    }
  }

  close(): void {
    this.line.close();
  }
}

/** Which of the session's calls runs us, as its shell told its programs by the proxy's address. [GUARD-30] */
function callTag(): string | undefined {
  const proxy = process.env['HTTPS_PROXY'] ?? '';
  const { username } = URL.canParse(proxy) ? new URL(proxy) : { username: '' };
  return username === '' ? undefined : username;
}

/** What the door said instead of taking a call. */
async function refusedBy(reply: Readable): Promise<HoldfastError> {
  let said = '';
  for await (const chunk of reply) said = (said + String(chunk)).slice(0, 16 * 1024);
  try {
    const { error } = JSON.parse(said) as { error: { code: string; message: string; next?: string } };
    return new HoldfastError(parseCode(error.code), error.message, error.next === undefined ? {} : { next: error.next });
  } catch (cause) {
    return unreachable("the session's door does not answer as one", cause);
  }
}

/** A daemon that was killed resets its connections: to its callers that is an end like any other. */
async function* chunksOf(input: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch {
    // ECONNRESET and its like
  }
}

/** One question, one answer. Throws `daemon_unreachable` or the daemon's own error. */
export async function askDaemon<K extends DoorReply['kind']>(
  paths: HomePaths,
  request: DoorRequest,
  wanted: K,
): Promise<DoorReplyOf<K>> {
  const call = await DoorCall.open(paths);
  const deadline = setTimeout(() => call.close(), answerWithinMs + ('timeoutMs' in request ? request.timeoutMs : 0));
  try {
    call.send(request);
    for await (const reply of call.replies()) {
      if (reply.kind === wanted) return reply as DoorReplyOf<K>;
    }
    throw unreachable('the daemon ended the call without an answer');
  } finally {
    clearTimeout(deadline);
    call.close();
  }
}
