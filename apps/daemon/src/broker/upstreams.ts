// Connections to upstreams, spec/broker.md §5: one request at a time on each, kept for reuse only by the same grant (or none) and target.

import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { dial, Trust, type Dial } from './dial.ts';
import type { Limits } from './limits.ts';
import type { Resolve } from './addresses.ts';
import { UpstreamSocket } from './upstream-socket.ts';

/** Node's bookkeeping for one socket that is connected already. */
class OneSocketAgent extends Agent {
  readonly #socket: UpstreamSocket;

  constructor(socket: UpstreamSocket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }
}

export interface Upstream {
  readonly socket: UpstreamSocket;
  readonly agent: Agent;
}

interface Kept extends Upstream {
  readonly key: string;
  readonly grantId: string | undefined;
  idle: NodeJS.Timeout | undefined;
  /** What it was opened for has ended: it is not used again. */
  ended: boolean;
}

export class Upstreams {
  readonly #all = new Set<Kept>();
  readonly #resolve: Resolve;
  readonly #limits: Limits;
  readonly #trust = new Trust();

  constructor(resolve: Resolve, limits: Limits) {
    this.#resolve = resolve;
    this.#limits = limits;
  }

  /** An idle connection of the same grant and target, or a new one. Throws as `dial` does. [BROKER-20] */
  async take(to: Dial, grantId: string | undefined, signal: AbortSignal): Promise<Upstream> {
    const { target, allowPrivate, ca, pins } = to;
    const pinned = pins?.map((pin) => Buffer.from(pin).toString('hex'));
    const key = JSON.stringify([target.scheme, target.host, target.port, grantId ?? '', allowPrivate, ca ?? '', pinned ?? '']);
    for (const kept of this.#all) {
      if (kept.key !== key || kept.idle === undefined || kept.socket.destroyed) continue;
      clearTimeout(kept.idle);
      kept.idle = undefined;
      kept.socket.ref();
      return kept;
    }
    const transport = await dial(
      to,
      { resolve: this.#resolve, trust: this.#trust, timeoutMs: this.#limits.connectTimeoutMs },
      signal,
    );
    const socket = new UpstreamSocket(transport, this.#limits.maxHeadBytes);
    const kept: Kept = { socket, agent: new OneSocketAgent(socket), key, grantId, idle: undefined, ended: false };
    this.#all.add(kept);
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(kept.idle);
      this.#all.delete(kept);
    });
    // Node says so once request and reply are both complete and neither end asked to close.
    socket.on('free', () => this.#keep(kept));
    return kept;
  }

  #keep(kept: Kept): void {
    if (kept.socket.destroyed) return;
    const idle = [...this.#all].filter((other) => other.idle !== undefined).length;
    if (kept.ended || idle >= this.#limits.maxIdleUpstreams) {
      kept.socket.destroy();
      return;
    }
    kept.socket.rest();
    if (kept.socket.destroyed) return;
    kept.idle = setTimeout(() => kept.socket.destroy(), this.#limits.idleUpstreamMs);
    kept.idle.unref();
  }

  /** Closes connections that carry a credential: of this grant, or of any. Those of `inUse` as soon as they are free. */
  cut(grantId: string | undefined, inUse: (socket: UpstreamSocket) => boolean): void {
    for (const kept of this.#all) {
      if (kept.grantId === undefined || (grantId !== undefined && kept.grantId !== grantId)) continue;
      if (inUse(kept.socket)) kept.ended = true;
      else kept.socket.destroy();
    }
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy();
  }
}
