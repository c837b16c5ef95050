// The client's machine against a relay that is played by a script: what an honest one does, and everything that it must not do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import {
  encodeRelayFrame,
  parseRequest,
  type RelayFrame,
  type RelayPush,
  type RelayRequest,
} from '@holdfast/protocol/blind/frames';
import { signFreshness } from '@holdfast/protocol/blind/freshness';
import { verifyRelayAuth } from '@holdfast/protocol/blind/relay-auth';
import { codeOf, type HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay, relaySocketUrl } from '@holdfast/protocol/exchange/connect-relay';
import { appendEntry, askFreshness, readTopic } from '@holdfast/protocol/exchange/relay-calls';
import { RelayExchange, type RelayExchangeOptions } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter, newActor, worldStartMs, type Actor } from '../../../testkit/src/fleet-world.ts';

const relayActor = await newActor();
const relayKey = relayActor.holder.publicKeys.sign;
const world = await FleetWorld.make();

interface Deadline {
  readonly afterMs: number;
  readonly expire: () => void;
  cancelled: boolean;
}

/** A relay without a mind of its own: the test says what it sends, and sees what it was sent. */
class ScriptedRelay {
  readonly sent: RelayRequest[] = [];
  readonly pushes: RelayPush[] = [];
  readonly closed: HoldfastError[] = [];
  readonly deadlines: Deadline[] = [];
  readonly nonce = primitives.random(32);
  wireClosed = false;
  readonly exchange: RelayExchange;
  #onRequest: (request: RelayRequest) => void = () => undefined;

  constructor(options: Partial<RelayExchangeOptions> = {}) {
    this.exchange = new RelayExchange({
      primitives,
      wire: {
        send: (frame) => {
          const request = parseRequest(frame);
          this.sent.push(request);
          this.#onRequest(request);
        },
        close: () => (this.wireClosed = true),
      },
      deadline: (afterMs, expire) => {
        const deadline = { afterMs, expire, cancelled: false };
        this.deadlines.push(deadline);
        return () => (deadline.cancelled = true);
      },
      answerWithinMs: 1000,
      onPush: (push) => this.pushes.push(push),
      onClosed: (error) => this.closed.push(error),
      ...options,
    });
  }

  send(frame: RelayFrame): void {
    this.exchange.receive(encodeRelayFrame(frame));
  }

  welcome(): void {
    this.send({ kind: 'welcome', v: 1, relay: relayKey, nonce: this.nonce });
  }

  /** Answers each request on its own. */
  answering(answer: (request: RelayRequest) => RelayFrame | Promise<RelayFrame>): this {
    const respond = async (request: RelayRequest): Promise<void> => this.send(await answer(request));
    this.#onRequest = (request) => void respond(request);
    return this;
  }

  get endedWith(): string | undefined {
    return this.closed[0]?.code;
  }
}

async function codeFrom(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'ok', codeOf);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

test('greets, proves who it is over the nonce and key of this welcome, and asks', async () => {
  const relay = new ScriptedRelay({ identity: world.identity(world.device), relayKey }).answering(({ id }) => ({
    kind: 'ok',
    id,
  }));
  relay.welcome();
  assert.deepEqual((await relay.exchange.ready).relayKey, relayKey);
  const [auth] = relay.sent;
  assert.ok(auth?.kind === 'auth');
  const statement = { fleet: world.fleet, principal: world.device.id, nonce: relay.nonce, relay: relayKey };
  await verifyRelayAuth(primitives, statement, auth.signature, world.device.holder.publicKeys.sign); // [RELAY-6]
  const entry = await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis) });
  assert.deepEqual(await appendEntry(relay.exchange, entry), { kind: 'appended' });
  assert.ok(relay.deadlines.every(({ cancelled }) => cancelled));
});

test('another relay key than the pinned one ends it before anything is proved', async () => {
  const pinned = (await newActor()).holder.publicKeys.sign;
  const relay = new ScriptedRelay({ identity: world.identity(world.device), relayKey: pinned });
  relay.welcome();
  assert.deepEqual([relay.endedWith, relay.wireClosed], ['relay_impostor', true]); // [RELAY-3]
  assert.equal(await codeFrom(relay.exchange.ready), 'relay_impostor');
  assert.equal(relay.sent.length, 0);
});

test("the relay's refusals come with their codes; unknown codes deny", async () => {
  const relay = new ScriptedRelay().answering(({ id, kind }) => ({
    kind: 'error',
    id,
    code: kind === 'pulse-get' ? 'relay_refused' : 'no_such_code',
    message: 'no',
  }));
  relay.welcome();
  assert.equal(await codeFrom(relay.exchange.request({ kind: 'pulse-get' })), 'relay_refused');
  assert.equal(await codeFrom(relay.exchange.request({ kind: 'access-get' })), 'internal');
  assert.equal(relay.closed.length, 0);
});

test('a refused proof ends the connection with the reason', async () => {
  const relay = new ScriptedRelay({ identity: world.identity(world.device) }).answering(({ id }) => ({
    kind: 'error',
    id,
    code: 'relay_refused',
    message: 'the relay does not know this principal',
  }));
  relay.welcome();
  assert.equal(await codeFrom(relay.exchange.ready), 'relay_refused'); // [RELAY-7]
  assert.equal(relay.endedWith, 'relay_refused');
});

const breaches: Readonly<Record<string, (relay: ScriptedRelay) => void>> = {
  'what is no frame': (relay) => relay.exchange.receive(Uint8Array.of(0xff)),
  'an answer to nothing': (relay) => relay.send({ kind: 'ok', id: 99 }),
  'a second answer': (relay) => {
    relay.send({ kind: 'pulse', id: 1 });
    relay.send({ kind: 'pulse', id: 1 });
  },
  'an answer of another kind': (relay) => relay.send({ kind: 'ok', id: 1 }),
  'a second welcome': (relay) => relay.welcome(),
};
for (const [name, breach] of Object.entries(breaches)) {
  test(`${name} ends the connection`, async () => {
    const relay = new ScriptedRelay();
    relay.welcome();
    const asked = codeFrom(relay.exchange.request({ kind: 'pulse-get' }));
    const second = codeFrom(relay.exchange.request({ kind: 'access-get' }));
    breach(relay);
    assert.equal(relay.endedWith, 'relay_protocol'); // [RELAY-5]
    assert.ok(relay.wireClosed);
    assert.equal(relay.closed.length, 1);
    assert.equal(await second, 'relay_unreachable');
    assert.equal(await asked, name === 'a second answer' ? 'ok' : 'relay_unreachable');
    assert.equal(await codeFrom(relay.exchange.request({ kind: 'pulse-get' })), 'relay_protocol');
  });
}

test('a push before the welcome ends the connection; later ones arrive in order', () => {
  const early = new ScriptedRelay();
  early.send({ kind: 'push-pulse', pulse: new Uint8Array(1) });
  assert.deepEqual([early.endedWith, early.pushes.length], ['relay_protocol', 0]);
  const relay = new ScriptedRelay();
  relay.welcome();
  for (let index = 0; index < 5; index += 1) relay.send({ kind: 'push-entry', topic: controlTopic, entry: Uint8Array.of(index) });
  assert.deepEqual(
    relay.pushes.map((push) => (push.kind === 'push-entry' ? push.entry[0] : undefined)),
    [0, 1, 2, 3, 4],
  );
});

test('a wire that ends fails what was asked with relay_unreachable, once', async () => {
  const relay = new ScriptedRelay();
  relay.welcome();
  const asked = codeFrom(relay.exchange.request({ kind: 'pulse-get' }));
  relay.exchange.closed();
  relay.exchange.closed();
  relay.exchange.close();
  assert.equal(await asked, 'relay_unreachable');
  assert.deepEqual(
    relay.closed.map(({ code }) => code),
    ['relay_unreachable'],
  );
});

test('a relay that does not greet or answer in time is given up; a wait that was asked for is added', async () => {
  const silent = new ScriptedRelay();
  silent.deadlines[0]?.expire();
  assert.equal(await codeFrom(silent.exchange.ready), 'relay_unreachable');
  const relay = new ScriptedRelay();
  relay.welcome();
  const asked = codeFrom(
    relay.exchange.request({ kind: 'rendezvous-take', rendezvous: primitives.random(16), slot: 'offer', waitMs: 30_000 }),
  );
  assert.equal(relay.deadlines[1]?.afterMs, 31_000);
  relay.deadlines[1]?.expire();
  assert.equal(await asked, 'relay_unreachable');
  assert.ok(relay.wireClosed);
});

test('reading goes on to the head, and a relay that withholds what it claims is refused', async () => {
  const entries = [0, 1, 2, 3, 4].map((index) => Uint8Array.of(index));
  const head = { position: 4, hash: new Uint8Array(32) };
  const honest = new ScriptedRelay().answering((request) => {
    assert.ok(request.kind === 'read');
    return { kind: 'entries', id: request.id, entries: entries.slice(request.from, request.from + 2), head };
  });
  honest.welcome();
  assert.deepEqual(await collect(readTopic(honest.exchange, controlTopic, 1)), entries.slice(1));
  const hostile = new ScriptedRelay().answering(({ id }) => ({ kind: 'entries', id, entries: [], head }));
  hostile.welcome();
  assert.equal(await codeFrom(collect(readTopic(hostile.exchange, controlTopic, 0))), 'relay_protocol'); // [RELAY-14]
});

test('freshness is verified against the own nonce: a replayed or forged statement is refused', async () => {
  let stale: Uint8Array | undefined;
  const script = (by: Actor, replay: boolean): ScriptedRelay => {
    const relay = new ScriptedRelay();
    relay.welcome();
    return relay.answering(async (request) => {
      assert.ok(request.kind === 'fresh');
      const heads = [{ topic: controlTopic, ...headAfter(world.genesis) }];
      const fresh = await signFreshness(by.holder, { v: 1, fleet: world.fleet, nonce: request.nonce, atMs: worldStartMs, heads });
      stale ??= fresh;
      return { kind: 'freshness', id: request.id, freshness: replay ? stale : fresh };
    });
  };
  const ask = { fleet: world.fleet, relayKey, topics: [] };
  const statement = await askFreshness(script(relayActor, false).exchange, ask);
  assert.equal(statement.heads.length, 1);
  assert.equal(await codeFrom(askFreshness(script(relayActor, true).exchange, ask)), 'freshness_forged'); // [FRESH-5]
  assert.equal(await codeFrom(askFreshness(script(world.device, false).exchange, ask)), 'freshness_forged'); // [FRESH-3]
});

test('only plain relay addresses are taken', async () => {
  assert.equal(relaySocketUrl('https://relay.example'), 'wss://relay.example/v1');
  assert.equal(relaySocketUrl('http://127.0.0.1:7433/'), 'ws://127.0.0.1:7433/v1');
  assert.equal(relaySocketUrl('http://[::1]:7433'), 'ws://[::1]:7433/v1');
  for (const url of [
    'ftp://relay.example',
    'https://user:pw@relay.example',
    'https://relay.example/x',
    'relay.example',
    'https://a b',
    '',
  ]) {
    assert.throws(() => relaySocketUrl(url), { code: 'usage' }, url); // [RELAY-2]
  }
  const options = {
    primitives,
    deadline: () => () => undefined,
    answerWithinMs: 1000,
    onPush: () => undefined,
    onClosed: () => undefined,
  };
  assert.equal(await codeFrom(connectRelay('nowhere', { ...options, webSocket: WebSocket })), 'usage');
});
