// The real processes behind a relay that lies: what operator, daemon and a pairing make of it. What a reader does with each single lie is told
// in apps/daemon/test/link/hostile.test.ts.

import assert from 'node:assert/strict';
import { copyFile, cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { parseAccessList, signAccessList } from '../packages/protocol/src/blind/access-list.ts';
import { encodeRelayFrame } from '../packages/protocol/src/blind/frames.ts';
import { nodePrimitives } from '../packages/protocol/src/primitives/node.ts';
import { SoftwareKeyHolder } from '../packages/protocol/src/seal/software-key-holder.ts';
import * as attacks from '../packages/testkit/src/attacks.ts';
import { listenHostile, type ListeningRelay, type Script } from '../packages/testkit/src/hostile-relay.ts';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import { patienceMs } from '../packages/testkit/src/patience.ts';

interface Status {
  readonly agents: readonly {
    readonly relayState: string;
    readonly relayError?: string;
    readonly control: { position: number };
    readonly freshness: { refusal?: string };
  }[];
}

const errorOf = (ran: Ran): string => failureOf(ran).code;

describe('behind a hostile relay', () => {
  let holdfast: Installation;
  /** Between the operator and the relay, and between the daemon and the relay: each can lie alone. */
  let hostile: ListeningRelay;
  let toDaemon: ListeningRelay;

  before(async () => {
    holdfast = await Installation.create();
    hostile = await listenHostile(() => holdfast.url);
    toDaemon = await listenHostile(() => holdfast.url);
    holdfast.relayUrl = toDaemon.url;
    await holdfast.start();
    await holdfast.must(['init', '--name', 'besieged', '--relay', hostile.url, '--json']);
    await holdfast.enrol('main');
  });
  after(async () => {
    await holdfast.remove();
    await hostile.close();
    await toDaemon.close();
  });

  /** The relay turns hostile, for connections to come and for those there are. */
  const turn = (script: Script, { relay } = hostile): void => {
    relay.script = script;
    relay.cut();
  };
  const agent = async (): Promise<Status['agents'][number]> =>
    jsonOf<Status>(await holdfast.cli(['status', '--json'])).agents[0] ?? assert.fail();
  /** Until the daemon's view is so; `status` is asked again and again, for it has no event to wait for. */
  const seen = async (reached: (view: Status['agents'][number]) => boolean, what: string): Promise<void> => {
    const sinceMs = performance.now();
    while (performance.now() - sinceMs < patienceMs) {
      if (reached(await agent())) return;
      await later(100);
    }
    assert.fail(`${what}: ${JSON.stringify(await agent())}`);
  };
  const settled = async (): Promise<void> => {
    toDaemon.relay.script = {};
    await seen(({ relayState, freshness }) => relayState === 'connected' && freshness.refusal === undefined, 'settled');
  };
  /** Adds a secret; resolves with where the history ends then, once the daemon has read it. */
  const addedAt = async (name: string): Promise<number> => {
    const before = (await agent()).control.position;
    assert.equal((await addSecret(name)).code, 0);
    await seen(({ control }) => control.position > before, `the daemon has read of ${name}`);
    return (await agent()).control.position;
  };
  const file = (...names: readonly string[]): string => path.join(holdfast.home, ...names);
  const written = (): number =>
    hostile.relay.asked.filter(({ kind }) => kind === 'append' || kind === 'access-put' || kind === 'lockbox-put').length;
  const operator = (...words: readonly string[]): Promise<Ran> => holdfast.operator([...words, '--json']);
  const addSecret = (name: string): Promise<Ran> =>
    holdfast.operator(['vault', 'add', name, '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
      input: 'a-token-that-is-long-enough',
    });

  describe('the operator', () => {
    it('is refused an old history, a changed one and a relay with another key, and writes nothing there', async () => {
      const { position } = (await agent()).control;
      const lies: readonly (readonly [string, Script])[] = [
        ['entry_stale', attacks.cutShort(position - 1)],
        ['signature_invalid', attacks.flipped],
        ['relay_impostor', attacks.impostor((await SoftwareKeyHolder.generate(nodePrimitives)).publicKeys.sign)],
      ];
      for (const [code, script] of lies) {
        turn(script);
        const before = written();
        const ran = await addSecret('never');
        assert.deepEqual([errorOf(ran), ran.code, written() - before], [code, 4, 0]); // [OPKEY-6] [CLI-3]
      }
    });

    it('is not shown the end by something in between: entry_gap, from what the relay signed', async () => {
      turn({});
      await copyFile(file('operator', 'heads'), file('heads.before'));
      const position = await addedAt('later');
      await copyFile(file('heads.before'), file('operator', 'heads')); // as another device of this operator would have it
      turn(attacks.cutShort(position - 1));
      const ran = await operator('vault', 'list');
      assert.deepEqual([errorOf(ran), ran.code], ['entry_gap', 4]); // [OPKEY-8]
    });

    it('does not build on an access list that it did not sign, or on an old one', async () => {
      turn({});
      let inForce: Uint8Array | undefined;
      hostile.relay.script = { answer: (frame) => (frame.kind === 'access' ? ((inForce = frame.access), [frame]) : [frame]) };
      assert.equal((await operator('vault', 'list')).code, 0);
      const { statement } = parseAccessList(inForce ?? assert.fail());
      const stranger = await SoftwareKeyHolder.generate(nodePrimitives);
      const ours = { id: nodePrimitives.random(16), sign: stranger.publicKeys.sign };
      const forged = await signAccessList(stranger, ours.id, {
        ...statement,
        version: statement.version + 1,
        devices: [...statement.devices, ours],
        agents: [],
      });
      turn(attacks.accessLists(forged.wire));
      const before = written();
      const ran = await operator('vault', 'list');
      assert.deepEqual([errorOf(ran), ran.code, written() - before], ['access_forged', 4, 0]); // [ACCESS-9]
      turn({});
      await holdfast.enrol('second');
      turn(attacks.accessLists(inForce ?? assert.fail()));
      const writtenBefore = written();
      assert.deepEqual([errorOf(await operator('vault', 'list')), written() - writtenBefore], ['access_stale', 0]); // [ACCESS-9]
    });

    it('writing that is answered and lost: said so, sent again by the next command, and no second entry is signed for its place', async () => {
      turn(attacks.swallowing('append'));
      const lost = await addSecret('lost');
      assert.deepEqual([errorOf(lost), lost.code], ['entry_stale', 4]); // [OPKEY-8]
      const appended = hostile.relay.asked.filter((request) => request.kind === 'append').at(-1);
      turn({});
      const { items } = jsonOf<{ items: { name: string }[] }>(await operator('vault', 'list'));
      assert.ok(items.some(({ name }) => name === 'lost'));
      const again = hostile.relay.asked.filter((request) => request.kind === 'append').at(-1);
      assert.deepEqual(again?.kind === 'append' && again.entry, appended?.kind === 'append' && appended.entry); // [OPKEY-9]
    });

    it('a conflict that is none: relay_protocol, and the same entry is sent again', async () => {
      turn({
        answer: (frame, _line, asked) =>
          asked?.kind === 'append' && frame.kind === 'ok' ? [{ kind: 'conflict', id: frame.id }] : [frame],
      });
      hostile.relay.script = {
        ...hostile.relay.script,
        request: (request, line) =>
          request.kind === 'append' ? (line.toClient({ kind: 'conflict', id: request.id }), []) : [request],
      };
      const refused = await addSecret('refused');
      assert.deepEqual([errorOf(refused), refused.code], ['relay_protocol', 3]); // [OPKEY-9]
      const appends = (): Uint8Array[] =>
        hostile.relay.asked.flatMap((request) => (request.kind === 'append' ? [request.entry] : []));
      const signed = appends().at(-1);
      turn({});
      assert.equal((await operator('vault', 'list')).code, 0);
      assert.deepEqual(appends().at(-1), signed);
    });

    it('entries that were not asked for, for ever: relay_protocol', async () => {
      turn({ request: (request) => [request.kind === 'read' ? { ...request, from: 0 } : request] });
      hostile.relay.script = { ...hostile.relay.script, ...attacks.endless };
      assert.equal(errorOf(await operator('vault', 'list')), 'relay_protocol'); // [RELAY-14]
    });

    it('a revocation that is cut off in the middle is finished by the next command: access list and epoch', async () => {
      turn({ answer: (frame, line, asked) => (asked?.kind === 'append' && frame.kind === 'ok' ? (line.cut(), []) : [frame]) });
      const cut = await operator('revoke', 'second', '--reason', 'lost');
      assert.deepEqual([errorOf(cut), cut.code], ['relay_unreachable', 3]);
      turn({});
      const before = hostile.relay.asked.length;
      const { agents } = jsonOf<{ agents: { scope: string; state: string }[] }>(await operator('agents'));
      assert.equal(agents.find(({ scope }) => scope === 'second')?.state, 'revoked');
      const kinds = hostile.relay.asked.slice(before).map(({ kind }) => kind);
      assert.ok(kinds.includes('access-put') && kinds.includes('lockbox-put'), kinds.join(' ')); // [CLI-18]
    });
  });

  describe('the daemon', () => {
    it('another relay key and a replayed statement show in status by their codes, and go once the relay is honest', async () => {
      await settled();
      const stranger = await SoftwareKeyHolder.generate(nodePrimitives);
      const replayed = attacks.replayedFreshness();
      turn(replayed, toDaemon);
      await seen(({ relayState }) => relayState === 'connected', 'the first statement, which is true');
      for (const [code, script] of [
        ['freshness_forged', replayed],
        ['relay_impostor', attacks.impostor(stranger.publicKeys.sign)],
      ] as const) {
        turn(script, toDaemon);
        await seen(({ relayState, relayError }) => relayState !== 'connected' && relayError === code, code); // [FRESH-5] [RELAY-3]
      }
      await settled();
    });

    it('a flood of whole frames, of frames without an end and of frames larger than any: the daemon stays, and its memory is bounded', async () => {
      await settled();
      const { daemon } = await holdfast.parts();
      const peak = async (): Promise<number> =>
        Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${daemon}/status`, 'utf8'))?.[1]) / 1024;
      const before = await peak();
      const push = encodeRelayFrame({ kind: 'push-entry', topic: new Uint8Array(16).fill(7), entry: new Uint8Array(250 * 1024) });
      turn(
        { answer: (frame) => (frame.kind !== 'freshness' ? [frame] : [frame, ...Array.from({ length: 140 }, () => push)]) },
        toDaemon,
      );
      await seen(({ relayError }) => relayError === 'limit_exceeded', 'limit_exceeded'); // [RELAY-26]
      const claims = Uint8Array.of(0x82, 0x7f, 0, 0, 0x7f, 0, 0, 0, 0, 0); // RFC 6455 §5.2: a binary frame of 2^46 bytes
      turn({ answer: (frame, line) => (frame.kind === 'freshness' ? (line.toSocket(claims), [frame]) : [frame]) }, toDaemon);
      await seen(({ relayState }) => relayState !== 'connected', 'cut');
      await settled();
      assert.equal((await holdfast.parts()).daemon, daemon);
      assert.ok((await peak()) - before < 400, `${before} MiB, then ${await peak()} MiB`);
    });
  });

  describe('pairing', () => {
    /** An enrolment through this relay; resolves with what both sides said. */
    const enrol = async (scope: string): Promise<{ enrolled: Ran; approved: Ran | undefined }> => {
      let approval: Promise<Ran> | undefined;
      const enrolled = await holdfast.cli(['enroll', '--scope', scope, '--relay', toDaemon.url, '--json'], {
        onLine: (line) => {
          const { code, words } = JSON.parse(line) as { code?: string; words?: string[] };
          if (code !== undefined && words !== undefined) {
            approval ??= operator('approve', code, '--words', words.join(' ')).then((ran) => {
              if (ran.code !== 0) toDaemon.relay.cut(); // nobody will answer: the machine need not wait its ten minutes
              return ran;
            });
          }
        },
      });
      return { enrolled, approved: await approval };
    };
    const swap = (slot: 'offer' | 'answer', by: (body: Uint8Array) => Uint8Array): Script => ({
      request: (request) => [
        request.kind === 'rendezvous-put' && request.slot === slot ? { ...request, body: by(request.body) } : request,
      ],
    });
    const kept: { offer?: Uint8Array; answer?: Uint8Array } = {};

    it('an honest one, overheard', async () => {
      await settled();
      turn({});
      for (const { relay } of [hostile, toDaemon]) {
        relay.script = {
          request: (request) => {
            if (request.kind === 'rendezvous-put') kept[request.slot] = request.body;
            return [request];
          },
        };
      }
      const { enrolled, approved } = await enrol('third');
      assert.deepEqual([enrolled.code, approved?.code], [0, 0]);
      for (const body of [kept.offer, kept.answer])
        assert.ok(body !== undefined && !Buffer.from(body).includes('third'), 'sealed');
    });

    it('an offer of before: pairing_offer_invalid, and nobody is enrolled', async () => {
      toDaemon.relay.script = swap('offer', () => kept.offer ?? assert.fail());
      const before = written();
      const { enrolled, approved } = await enrol('fourth');
      assert.deepEqual(
        [approved && errorOf(approved), approved?.code, enrolled.code === 0, written() - before],
        ['pairing_offer_invalid', 4, false, 0],
      ); // [PAIRING-6]
    });

    const answers: Readonly<Record<string, (body: Uint8Array) => Uint8Array>> = {
      'an answer by somebody who knows no code': () => nodePrimitives.random(600),
      'an answer of before': () => kept.answer ?? assert.fail(),
    };
    for (const [name, by] of Object.entries(answers)) {
      it(`${name}: pairing_answer_invalid, and this machine keeps nothing of it`, async () => {
        toDaemon.relay.script = {};
        turn(swap('answer', by));
        const { enrolled } = await enrol('fifth');
        assert.deepEqual([errorOf(enrolled), enrolled.code], ['pairing_answer_invalid', 4]); // [PAIRING-8] [PAIRING-10]
        const { agents } = jsonOf<{ agents: { scope: string }[] }>(await holdfast.cli(['status', '--json']));
        assert.ok(!agents.some(({ scope }) => scope === 'fifth'));
      });
    }

    it('a rendezvous that somebody else has taken first: rendezvous_used on both sides of it, and nobody is enrolled', async () => {
      toDaemon.relay.script = {
        request: (request) =>
          request.kind === 'rendezvous-put' && request.slot === 'offer'
            ? [{ ...request, body: new Uint8Array(64), id: 2 ** 40 }, request]
            : [request],
        answer: (frame) => ('id' in frame && frame.id === 2 ** 40 ? [] : [frame]),
      };
      const { enrolled, approved } = await enrol('sixth');
      assert.deepEqual([errorOf(enrolled), approved], ['rendezvous_used', undefined]); // [RELAY-23]
    });
  });

  describe("yesterday's store", () => {
    it('is found out by daemon and operator, mints nothing, and its true successor is taken without a hand', async () => {
      turn({});
      await settled();
      await holdfast.stop();
      const store = file('relay');
      const yesterday = `${store}.yesterday`;
      const today = `${store}.today`;
      await cp(store, yesterday, { recursive: true });
      await holdfast.start();
      await settled();
      const position = await addedAt('today');
      await holdfast.stop();
      await cp(store, today, { recursive: true });
      await rm(store, { recursive: true });
      await cp(yesterday, store, { recursive: true });
      await holdfast.start();
      await seen(({ relayError }) => relayError === 'entry_stale', 'entry_stale'); // [FRESH-7]
      const view = await agent();
      assert.deepEqual([view.control.position, view.freshness.refusal], [position, 'stale_relay']);
      const ran = await addSecret('tomorrow');
      assert.deepEqual([errorOf(ran), ran.code], ['entry_stale', 4]); // [OPKEY-6]
      await holdfast.stop();
      await rm(store, { recursive: true });
      await cp(today, store, { recursive: true });
      await holdfast.start();
      await settled();
      assert.equal((await addSecret('tomorrow')).code, 0);
    });

    it('with an operator who was put back with it and writes on: two histories of the same length, entry_fork, and nothing is minted', async () => {
      await settled();
      await holdfast.stop();
      const places = ['relay', 'operator'] as const;
      const put = async (from: string, to: string): Promise<void> => {
        for (const place of places) {
          await rm(file(`${place}${to}`), { recursive: true, force: true });
          await cp(file(`${place}${from}`), file(`${place}${to}`), { recursive: true });
        }
      };
      await put('', '.before');
      await holdfast.start();
      await settled();
      const position = await addedAt('one-history');
      await holdfast.stop();
      await put('', '.first');
      await put('.before', '');
      await holdfast.start();
      assert.equal((await addSecret('another-history')).code, 0); // this operator has forgotten the first, and so has the relay
      await seen(({ relayError }) => relayError === 'entry_fork', 'entry_fork'); // [FRESH-7]
      await seen(({ freshness }) => freshness.refusal !== undefined, 'nothing is fresh');
      assert.equal((await agent()).control.position, position);
      await holdfast.stop();
      await put('.first', '');
      await holdfast.start();
      await settled();
      assert.equal((await addSecret('further')).code, 0);
    });
  });
});
