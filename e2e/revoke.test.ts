// A revocation under load: 100 calls that the service has not answered yet, an open stream, as many more calls as the session can make, and proofs and
// delegations that custody still signs. Judged by order: the service gets no call but such as the daemon recorded as consumed before it recorded the
// revocation, and none once the daemon, with the entry in hand, has left its relay. What is milliseconds, from the moment at which the daemon was
// handed the entry and by the one clock of this machine, is told and not judged.

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
import { patienceMs } from '../packages/testkit/src/patience.ts';

const callsInFlight = 100;
const rounds = share({ ci: 10, soak: 100 });
/** Each with an agent of its own, whose key a machine keeps to open its log: 64 at most. */
const roundsOfMachine = 50;
const told: Outcome[] = [];
/** What the daemon has from the moment it is handed the entry: told of each round, and waited for before the service's calls are counted. */
const graceMs = 50;

interface Event {
  readonly kind: string;
  readonly atMs: number;
  readonly handle?: string;
  readonly request?: { readonly path: string };
  readonly code?: string;
  readonly sent?: boolean;
  readonly child?: string;
  readonly why?: string;
}

/** What became of one round; times in ms from the moment at which the relay handed the daemon the entry. */
interface Outcome {
  readonly calls: number;
  /** That came to the service more than the grace after it. */
  readonly callsAfterGrace: number;
  readonly lastCallMs: number;
  /** The daemon left its relay, which it does after cutting what runs. */
  readonly leftMs: number;
  /** The record of the revocation, by the daemon's own time. */
  readonly recordedMs: number;
  /** The stream and all that was unanswered had ended at the service. */
  readonly cutMs: number;
  readonly handles: number;
  readonly sent: number;
  readonly openedAndNotSent: number;
  readonly refused: number;
  readonly unused: number;
}

function spreadOf(told: readonly Outcome[]): Record<string, readonly (number | undefined)[]> {
  const [first] = told;
  if (first === undefined) return {};
  return Object.fromEntries(
    (Object.keys(first) as (keyof Outcome)[]).map((what) => {
      const all = told.map((each) => each[what]).toSorted((a, b) => a - b);
      return [what, [all[0], all[Math.floor((all.length - 1) / 2)], all.at(-1)]];
    }),
  );
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
  let calls = 0;
  /** Under a path of its own; anew where its connection ended before an answer, as on a machine that is too busy for it, and after the revocation. */
  const call = (what: string, tries = 5): Promise<Response> =>
    fetch(`${url}/${what}/${(calls += 1)}`).catch((thrown) => (tries > 1 ? call(what, tries - 1) : Promise.reject(thrown)));
  for (let count = 0; count < held; count += 1)
    void call('held').then(
      (reply) => (reply.ok ? say('answered') : undefined),
      () => undefined,
    );
  for (let count = 0; count < 4; count += 1) void again('calling', () => call('more'));
  void again('presented', () => post('presentations', { audience: new URL(url).origin, show: [] }));
  void again('delegated', () => post('delegations', { key: { kty, crv, x, y }, capabilities: [] }));
  const { body } = await call('stream');
  for await (const _ of body ?? []) say('streaming');
  say('stream ended');
}

function onOneMachine(first: number, last: number): void {
  let holdfast: Installation;
  let origin: Origin;
  let relay: ListeningRelay;
  const held: ServerResponse[] = [];
  let stream: ServerResponse | undefined;
  /** Every call that came to the service in this round, each under a path of its own. */
  let calls: { readonly path: string; readonly atMs: number }[] = [];
  let arrived: () => void = () => undefined;
  /** The agent of the next round, who has what it needs; made while the record of the round before is read. */
  let loaded: Promise<string> | undefined;
  const scopeOf = (round: number) => `load-${round}`;
  const prepare = async (round: number): Promise<string> => {
    const agent = await holdfast.enrol(scopeOf(round));
    await holdfast.must(['vault', 'grant', 'demo', '--to', scopeOf(round)]);
    return agent;
  };

  before(async () => {
    origin = await startOrigin((seen, _request, response) => {
      calls.push({ path: seen.url, atMs: Date.now() });
      if (seen.url.startsWith('/v1/held/')) held.push(response);
      else if (seen.url.startsWith('/v1/stream/')) {
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
    loaded = prepare(first);
  });
  after(async () => {
    await loaded?.catch(() => undefined);
    await holdfast.remove();
    await relay.close();
    await origin.close();
  });

  const within = async (what: Promise<unknown> | undefined, otherwise: string): Promise<void> => {
    const late = new AbortController();
    const limit = later(patienceMs, undefined, { signal: late.signal }).then(() => assert.fail(otherwise));
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

  for (let round = first; round <= last; round += 1)
    it(`round ${round}: nothing new reaches the service, what was on its way is cut, and the record tells of each`, async (t) => {
      const scope = scopeOf(round);
      const agent = await (loaded ?? prepare(round));
      loaded = undefined;
      held.length = 0;
      stream = undefined;
      calls = [];
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
          if (frame.kind === 'push-entry' && principal === agent) handedMs = Date.now();
          return [frame];
        },
      };
      const revoking = holdfast.operator(['revoke', scope, '--json']);
      await within(line?.ended, 'the daemon does not act');
      const leftMs = Date.now();
      await later(graceMs);
      for (let turns = 0; turns < 3; turns += 1) await turn(); // what the kernel has is read
      const count = calls.length;
      await within(Promise.all(cut), 'what was on its way is not cut');
      const cutMs = Date.now();
      assert.ok(held.every((response) => !response.writableEnded));

      const revoked = await revoking;
      assert.equal(jsonOf<{ applied: boolean }>(revoked).applied, true, revoked.stderr);
      assert.notEqual((await session.ended).code, 0);
      assert.equal(/answered|stream ended/.exec(session.said), null);
      assert.equal(calls.length, count, 'the service saw nothing more');

      if (round < last) loaded = prepare(round + 1);
      const shown = await holdfast.cli(['audit', 'show', '--agent', agent, '--json']);
      const { events } = jsonOf<{ events: Event[] }>(shown);
      const of = (...kinds: readonly string[]): Event[] => events.filter(({ kind }) => kinds.includes(kind));
      const recorded = events.findIndex(({ kind }) => kind === 'revoked');
      assert.notEqual(recorded, -1);
      assert.deepEqual(
        events.slice(recorded).filter(({ kind }) => ['minted', 'consumed', 'presented', 'delegated'].includes(kind)),
        [],
        'nothing was begun after it',
      );
      const used = new Set(of('consumed').map(({ handle }) => handle)); // all of them before it, then
      const consumed = new Set(of('minted').map(({ handle, request }) => used.has(handle) && request?.path));
      assert.deepEqual(
        calls.filter(({ path }) => !consumed.has(path)),
        [],
        'the service saw no call but such as were consumed before it',
      );
      const ends = new Set(of('credentialed', 'handle-refused', 'expired').map(({ handle }) => handle));
      assert.deepEqual(
        of('minted').filter(({ handle }) => !ends.has(handle)),
        [],
        'each call has an outcome',
      );
      const sent = of('credentialed').filter((each) => each.sent === true).length;
      assert.ok(sent >= count);
      told.push({
        calls: count,
        callsAfterGrace: calls.filter(({ atMs }) => atMs > handedMs + graceMs).length,
        lastCallMs: (calls.at(-1)?.atMs ?? 0) - handedMs,
        leftMs: leftMs - handedMs,
        recordedMs: (events[recorded]?.atMs ?? 0) - handedMs,
        cutMs: cutMs - handedMs,
        handles: of('minted').length,
        sent,
        openedAndNotSent: of('credentialed').length - sent,
        refused: of('handle-refused').length,
        unused: of('expired').length,
      });
      t.diagnostic(JSON.stringify(told.at(-1)));
      if (round === rounds) t.diagnostic(`of ${rounds} rounds, lowest, median, highest: ${JSON.stringify(spreadOf(told))}`);
      assert.equal(of('stream-cut').length, 1);
      const children = of('delegated').map(({ child }) => child);
      const gone = new Map(of('child-end').map(({ child, why }) => [child, why])); // also of those that were just being made
      assert.ok(children.length > 0);
      assert.ok(
        children.every((child) => gone.get(child) === 'agent'),
        'all its children ended with it',
      );
      if (round < last) return;
      const verified = await holdfast.cli(['audit', 'verify', '--agent', agent, '--json']);
      assert.equal(jsonOf<{ ok: boolean }>(verified).ok, true, verified.stderr);
    });
}

for (let first = 1; first <= rounds; first += roundsOfMachine) {
  const last = Math.min(first + roundsOfMachine - 1, rounds);
  describe(`a revocation under load, rounds ${first} to ${last}`, () => onOneMachine(first, last));
}
