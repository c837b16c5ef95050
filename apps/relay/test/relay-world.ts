// A real relay on a free port with its own folder and clock, and members connected by real WebSockets.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { controlTopic, parseEntry } from '@holdfast/protocol/blind/entry';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import { codeOf, type HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { createFleet, putAccessList } from '@holdfast/protocol/exchange/relay-calls';
import type { Deadline, RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, worldStartMs, type Actor } from '../../../packages/testkit/src/fleet-world.ts';
import type { RelayLimits } from '../src/limits.ts';
import { startRelay, type Relay, type RelayOptions } from '../src/relay.ts';

const deadline: Deadline = (afterMs, expired) => {
  const timer = setTimeout(expired, afterMs);
  return () => clearTimeout(timer);
};

/** A connected client, and what it was pushed so far. */
export class Client {
  readonly pushes: RelayPush[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #closed = Promise.withResolvers<HoldfastError>();
  #exchange: RelayExchange | undefined;

  static async connect(url: string, options: { world?: FleetWorld; as?: Actor; relayKey?: Uint8Array } = {}): Promise<Client> {
    const client = new Client();
    client.#exchange = await connectRelay(url, {
      primitives,
      webSocket: WebSocket,
      deadline,
      answerWithinMs: 20_000,
      identity: options.as === undefined ? undefined : options.world?.identity(options.as),
      relayKey: options.relayKey,
      onPush: (push) => {
        client.pushes.push(push);
        for (const waiter of client.#waiters) waiter();
      },
      onClosed: (error) => client.#closed.resolve(error),
    });
    return client;
  }

  get exchange(): RelayExchange {
    if (this.#exchange === undefined) throw new Error('not connected');
    return this.#exchange;
  }

  /** Resolves with the reason once the connection is over. */
  get closed(): Promise<HoldfastError> {
    return this.#closed.promise;
  }

  /** Resolves once there are so many pushes. */
  async pushed(count: number): Promise<readonly RelayPush[]> {
    while (this.pushes.length < count) {
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
    return this.pushes;
  }

  /** Positions of one topic that were pushed, in the order of arrival. */
  positions(topic: Uint8Array = controlTopic): readonly number[] {
    const key = Buffer.from(topic).toString('hex');
    return this.pushes.flatMap((push) =>
      push.kind === 'push-entry' && Buffer.from(push.topic).toString('hex') === key
        ? [parseEntry(primitives, push.entry).statement.position]
        : [],
    );
  }
}

export class RelayWorld {
  readonly folder: string;
  readonly #test: TestContext;
  readonly #options: Pick<RelayOptions, 'limits' | 'maxStoreBytes' | 'push'>;
  readonly #cuts: string[] = [];
  #onCut: () => void = () => undefined;
  #relay: Relay | undefined;
  /** The relay's wall clock: tests move it. */
  nowMs = worldStartMs;

  private constructor(test: TestContext, options: Pick<RelayOptions, 'limits' | 'maxStoreBytes' | 'push'>) {
    this.folder = mkdtempSync(join(tmpdir(), 'holdfast-relay-'));
    this.#test = test;
    this.#options = options;
  }

  static async start(
    test: TestContext,
    limits: Partial<RelayLimits> = {},
    maxStoreBytes?: number,
    push?: RelayOptions['push'],
  ): Promise<RelayWorld> {
    const world = new RelayWorld(test, { limits, ...(maxStoreBytes !== undefined && { maxStoreBytes }), push });
    test.after(async () => {
      await world.#relay?.close();
      rmSync(world.folder, { recursive: true, force: true });
    });
    await world.#start();
    return world;
  }

  get relay(): Relay {
    return this.#relay ?? assert.fail('the relay is not up');
  }

  async #start(): Promise<void> {
    const clock = { wallMs: () => this.nowMs, elapsedMs: () => performance.now() };
    const info = (fields: Readonly<Record<string, string | number>>, message: string): void => {
      if (message !== 'connection cut') return;
      this.#cuts.push(String(fields['code']));
      this.#onCut();
    };
    const log = { info, warn: () => undefined, error: () => undefined };
    this.#relay = await startRelay({ port: 0, host: '127.0.0.1', folder: this.folder, clock, log, ...this.#options });
  }

  /** Closes the relay and starts one over what it left; with room for whatever it is given. */
  async restart(): Promise<void> {
    await this.relay.close();
    delete (this.#options as { maxStoreBytes?: number }).maxStoreBytes;
    await this.#start();
  }

  /** The code with which the relay cut its first connection, once it has. */
  async firstCut(): Promise<string> {
    if (this.#cuts.length === 0) await new Promise<void>((resolve) => (this.#onCut = resolve));
    return this.#cuts[0] ?? assert.fail();
  }

  /** A connection; ended with the test. */
  async client(options: { world?: FleetWorld; as?: Actor; relayKey?: Uint8Array } = {}): Promise<Client> {
    const client = await Client.connect(this.relay.url, options);
    this.#test.after(() => client.exchange.close());
    return client;
  }

  /** A fleet that the relay knows, with these agents in its access list, and its device connected. */
  async fleet(agents: readonly Actor[] = []): Promise<{ world: FleetWorld; device: Client }> {
    const world = await FleetWorld.make();
    const stranger = await this.client();
    await createFleet(stranger.exchange, world.access, world.genesis);
    stranger.exchange.close();
    const device = await this.client({ world, as: world.device });
    if (agents.length > 0) await putAccessList(device.exchange, await world.nextAccess(agents));
    return { world, device };
  }
}

export async function codeFrom(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'ok', codeOf);
}
