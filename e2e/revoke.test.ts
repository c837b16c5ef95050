// A revocation under load: 100 calls that the service has not answered yet, an open stream, as many more calls as the session can make, and proofs and
// delegations that custody still signs. Judged by the service: it counts what it got, and the moment is the one at which the daemon, with the entry
// in hand, leaves its relay. What is milliseconds is told and not judged: bench/revoke.ts measures it.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn, setTimeout as later } from 'node:timers/promises';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { listenHostile, type ListeningRelay } from '../packages/testkit/src/hostile-relay.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { share } from '../packages/testkit/src/shares.ts';

const callsInFlight = 100;
const rounds = share({ ci: 10, soak: 100 });
/** Long for a machine with two busy cores. */
const limitMs = 60_000;
/** What issue and spec leave the daemon, from the moment it has the entry. */
const graceMs = 50;

interface Event {
  readonly kind: string;
  readonly handle?: string;
  readonly code?: string;
  readonly sent?: boolean;
  readonly child?: string;
  readonly why?: string;
}

/** Opens a stream, asks what is never answered, and calls and asks for proofs and children until it is ended; says each kind's first success. */
async function load({ url, held }: { url: string; held: number }): Promise<void> {
  const told = new Set<string>();
  const say = (what: string): void => {
    if (!told.has(what)) process.stdout.write(`${what}\n`);
    told.add(what);
  };
  const { publicKey } = await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ]);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', publicKey);
  const post = (what: string, body: unknown): Promise<Response> =>
    fetch(`${process.env['HOLDFAST_DOOR']}/v1/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  /** Until it is refused: what a session may have of proofs and children is bounded. */
  const again = async (what: string, ask: () => Promise<Response>): Promise<void> => {
    for (let isGood = true; isGood;) {
      const reply = await ask().catch(() => undefined);
      await reply?.text().catch(() => undefined);
      isGood = reply?.ok === true;
      if (isGood) say(what);
    }
  };
  for (let count = 0; count < held; count += 1)
    void fetch(`${url}/held`).then(
      (reply) => (reply.ok ? say('answered') : undefined),
      () => undefined,
    );
  for (let count = 0; count < 4; count += 1) void again('calling', () => fetch(`${url}/more`));
  void again('presented', () => post('presentations', { audience: new URL(url).origin, show: [] }));
  void again('delegated', () => post('delegations', { key: { kty, crv, x, y }, capabilities: [] }));
  const { body } = await fetch(`${url}/stream`);
  for await (const _ of body ?? []) say('streaming');
  say('stream ended');
}

describe('a revocation under load', () => {
  let holdfast: Installation;
  let origin: Origin;
  let relay: ListeningRelay;
  const held: ServerResponse[] = [];
  let stream: ServerResponse | undefined;
  let arrived: () => void = () => undefined;
  /** The agent of the next round, who has what it needs; made while the record of the round before is read. */
  let loaded: Promise<string>;
  const scopeOf = (round: number) => `load-${round}`;
  const prepare = async (round: number): Promise<string> => {
    const agent = await holdfast.enrol(scopeOf(round));
    await holdfast.must(['vault', 'grant', 'demo', '--to', scopeOf(round)]);
    return agent;
  };

  before(async () => {
    origin = await startOrigin((seen, _request, response) => {
      if (seen.url === '/v1/held') held.push(response);
      else if (seen.url === '/v1/stream') {
        stream = response;
        const timer = setInterval(() => response.write('data\n'), 20);
        response.once('close', () => clearInterval(timer));
      } else response.end('more\n');
      arrived();
    });
    holdfast = await Installation.create();
    relay = await listenHostile(() => holdfast.url);
    holdfast.relayUrl = relay.url;
    await holdfast.start();
    await holdfast.must(['init', '--name', 'loaded']);
    await holdfast.addCredential('demo', newCanary(), origin, { paths: ['/v1/**'], methods: ['GET'] });
    loaded = prepare(1);
  });
  after(async () => {
    await loaded?.catch(() => undefined);
    await holdfast.remove();
    await relay.close();
    await origin.close();
  });

  const within = async (what: Promise<unknown> | undefined, otherwise: string): Promise<void> => {
    const late = new AbortController();
    const limit = later(limitMs, undefined, { signal: late.signal }).then(() => assert.fail(otherwise));
    await Promise.race([what, limit]).finally(() => {
      limit.catch(() => undefined);
      late.abort();
    });
  };
  const until = (reached: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      arrived = () => void (reached() && resolve());
      arrived();
    });

  for (let round = 1; round <= rounds; round += 1)
    it(`round ${round}: nothing new reaches the service, what was on its way is cut, and the record tells of each`, async (t) => {
      const scope = scopeOf(round);
      const agent = await loaded;
      held.length = 0;
      stream = undefined;
      const before = origin.seen.length;
      const words = [process.execPath, '-e', scriptOf(load, { url: `https://localhost:${origin.port}/v1`, held: callsInFlight })];
      const session = holdfast.live(['run', '--scope', scope, '--', ...words]);
      t.after(() => session.end());
      await Promise.all([
        ...[/streaming/, /calling/, /presented/, /delegated/].map((what) => session.waitFor(what)),
        until(() => held.length === callsInFlight),
      ]);
      const cut = [...held, stream ?? assert.fail()].map((response) => new Promise<void>((done) => response.once('close', done)));

      let handedMs = 0;
      const [line, ...others] = relay.relay.linesOf(agent);
      assert.deepEqual(others, []);
      relay.relay.script = {
        answer: (frame, { principal }) => {
          if (frame.kind === 'push-entry' && principal === agent) handedMs = performance.now();
          return [frame];
        },
      };
      const revoking = holdfast.operator(['revoke', scope, '--json']);
      await within(line?.ended, 'the daemon does not act');
      const leftMs = performance.now();
      await later(graceMs);
      for (let turns = 0; turns < 3; turns += 1) await turn(); // what the kernel has is read
      const count = origin.seen.length;
      await within(Promise.all(cut), 'what was on its way is not cut');
      const cutMs = performance.now();
      assert.ok(held.every((response) => !response.writableEnded));

      const revoked = await revoking;
      assert.equal(jsonOf<{ applied: boolean }>(revoked).applied, true, revoked.stderr);
      assert.notEqual((await session.ended).code, 0);
      assert.equal(/answered|stream ended/.exec(session.said), null);
      assert.equal(origin.seen.length, count, 'the service saw nothing more');
      t.diagnostic(
        `${count - before} calls; the daemon left ${(leftMs - handedMs).toFixed(1)} ms after it was handed the entry, all was cut ${(cutMs - handedMs).toFixed(1)} ms after`,
      );

      if (round < rounds) loaded = prepare(round + 1);
      const shown = await holdfast.cli(['audit', 'show', '--agent', agent, '--json']);
      const { events } = jsonOf<{ events: Event[] }>(shown);
      const of = (...kinds: readonly string[]): Event[] => events.filter(({ kind }) => kinds.includes(kind));
      const after = events.slice(events.findIndex(({ kind }) => kind === 'revoked'));
      assert.deepEqual(
        after.filter(({ kind }) => ['minted', 'consumed', 'presented', 'delegated'].includes(kind)),
        [],
        'nothing was begun after it',
      );
      const ends = new Set(of('credentialed', 'handle-refused', 'expired').map(({ handle }) => handle));
      assert.deepEqual(
        of('minted').filter(({ handle }) => !ends.has(handle)),
        [],
        'each call has an outcome',
      );
      const sent = of('credentialed').filter((each) => each.sent === true).length;
      assert.ok(sent >= count - before);
      t.diagnostic(
        `${of('minted').length} handles: ${sent} sent, ${of('credentialed').length - sent} opened and not sent, ${of('handle-refused').length} refused, ${of('expired').length} unused`,
      );
      assert.equal(of('stream-cut').length, 1);
      const children = of('delegated').map(({ child }) => child);
      const gone = new Map(of('child-end').map(({ child, why }) => [child, why])); // also of those that were just being made
      assert.ok(children.length > 0);
      assert.ok(
        children.every((child) => gone.get(child) === 'agent'),
        'all its children ended with it',
      );
      if (round < rounds) return;
      const verified = await holdfast.cli(['audit', 'verify', '--agent', agent, '--json']);
      assert.equal(jsonOf<{ ok: boolean }>(verified).ok, true, verified.stderr);
    });
});
