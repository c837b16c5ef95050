// Pairing and joining through the console's own code, with a relay that lies, and strangers who have a code: who is lured, what is forged, replayed or
// withheld admits nobody, and costs a browser nothing that it had.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import type { RelayRequest } from '@holdfast/protocol/blind/frames';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { putRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import { encodeCall } from '@holdfast/protocol/identity/device-call';
import { newPairingCode, Pairing, pairingLifeMs, partRendezvous, rendezvousOf } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing, type AnyOffer, type PairingKind } from '@holdfast/protocol/identity/pairing-kind';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { putPart, takeOffer } from '@holdfast/protocol/operator/admit';
import { composeFleet, foundFleet } from '@holdfast/protocol/operator/found';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { impostor } from '@holdfast/testkit/attacks';
import { listenHostile, type ListeningRelay, type Script } from '@holdfast/testkit/hostile-relay';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { beginRecovery, joinAsDevice, prepareFleet } from '../../src/enter/enter.ts';
import type { ThisBrowser } from '../../src/keys/this-browser.ts';
import { browserPorts } from '../../src/fleet/ports.ts';
import { addingFlow } from '../../src/screens/devices/adding.ts';
import { pairingFlow, type PairingFlow, type Stage } from '../../src/screens/pair/pairing.ts';
import { stoppedWords } from '../../src/screens/pair/words.ts';
import { memoryStore, PlayedRelay } from '../fleet/played-relay.ts';
import { passkey } from '../keys/key-world.ts';
import { playedBrowser } from './played-browser.ts';

const relay = new PlayedRelay();
let between: ListeningRelay;
let facts: OperatorFacts;
let session: OperatorSession;
let recoveryCode = '';
/** Thrown instead of the next confirmations. */
const refusals: HoldfastError[] = [];
const fleet = {
  session: () => session,
  async act<T>(_what: string, work: (session: OperatorSession) => Promise<T>): Promise<T> {
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    return work(session);
  },
};

before(async () => {
  await relay.start();
  between = await listenHostile(() => relay.url);
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const recovery = await makeRecoveryCode(webPrimitives);
  recoveryCode = recovery.code;
  const ports = browserPorts(memoryStore());
  const terms = { relayUrl: between.url, name: 'home', deviceName: 'first', holder, recovery: recovery.keys.publicKeys };
  const composed = await composeFleet(ports, terms);
  await foundFleet(ports, composed);
  facts = composed.facts;
  session = new OperatorSession(await readFleet(ports, facts, holder));
});
beforeEach(() => {
  between.relay.script = {};
});
after(async () => {
  session.disconnect();
  await between.close();
  await relay.remove();
});

const position = (): number => session.head.position;
const deviceNames = (): readonly string[] => [...session.state.devices.values()].map(({ name }) => name);

/** Answers whoever looks there with `body`, or that nothing came; the relay is not asked. */
function planted(place: { readonly rendezvous: Uint8Array; readonly slot: string }, body: Uint8Array | undefined): Script {
  const looksThere = (request: RelayRequest): boolean =>
    request.kind === 'rendezvous-take' && request.slot === place.slot && equalBytes(request.rendezvous, place.rendezvous);
  return {
    request(request, line) {
      if (!looksThere(request)) return [request];
      line.toClient({ kind: 'taken', id: request.id, ...(body !== undefined && { body }) });
      return [];
    },
  };
}

const partPlace = (code: Uint8Array, part: 'call' | 'here') =>
  ({ rendezvous: partRendezvous(webPrimitives, devicePairing, code, part), slot: 'offer' }) as const;
const placeOf = (kind: PairingKind<AnyOffer>, code: Uint8Array, slot: 'offer' | 'answer') =>
  ({ rendezvous: rendezvousOf(webPrimitives, kind, code), slot }) as const;

/** Somebody who waits behind a code, and whose pairing goes on nowhere. */
async function waiting(scope = 'main', given = newPairingCode(webPrimitives, agentPairing)) {
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const terms = { agent: randomBytes(16), scope, machine: 'box', custody: 'software', capabilities: [] } as const;
  const timing = { code: given.slice(), monotonicMs: 0 };
  const pairing = await Pairing.begin(webPrimitives, agentPairing, holder, terms, timing);
  return { pairing, code: given, words: pairing.words.join(' ') };
}

type Waiting = Awaited<ReturnType<typeof waiting>>;

const put = ({ pairing }: Waiting): Promise<void> =>
  putRendezvous(session.relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);

/** Where a flow comes to rest. */
async function rest(flow: PairingFlow): Promise<Stage> {
  while (flow.stage().kind === 'admitting') await new Promise((resolve) => setImmediate(resolve));
  return flow.stage();
}
const errorOf = (stage: Stage): string => (stage.kind === 'over' ? stage.error.code : stage.kind);

async function looked(kind: 'agent' | 'device', code: Uint8Array): Promise<PairingFlow> {
  const flow = pairingFlow(fleet);
  await flow.look({ kind, code: code.slice(), relayUrl: undefined });
  return flow;
}

/** A browser on its way to be a device: it shows its words, and `outcome` is what comes of it. */
async function joining(browser: ThisBrowser = playedBrowser()) {
  const code = newPairingCode(webPrimitives, devicePairing);
  const shown = Promise.withResolvers<readonly string[]>();
  const terms = { name: 'second', relayUrl: between.url, way: passkey, machine: 'box', code: code.slice(), show: shown.resolve };
  const outcome = outcomeOf(() => joinAsDevice(browser, terms));
  const words = await Promise.race([shown.promise, outcome]);
  return { browser, code, outcome, words: Array.isArray(words) ? words.join(' ') : '' };
}

const lies: Readonly<Record<string, (offer: Uint8Array) => Uint8Array>> = {
  'what is no message': () => randomBytes(400),
  'a message cut short': (offer) => offer.slice(0, -1),
  'a message with one bit of it flipped': (offer) => offer.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
  nothing: () => new Uint8Array(0),
  'more than any message': () => randomBytes(40_000),
};

for (const [name, lie] of Object.entries(lies)) {
  test(`the relay puts ${name} in the place of an offer: refused, nothing written, and told in words`, async () => {
    const machine = await waiting();
    between.relay.script = planted(placeOf(agentPairing, machine.code, 'offer'), lie(machine.pairing.sealedOffer));
    const began = position();
    const { stage } = await looked('agent', machine.code);
    const last = stage();
    assert.ok(last.kind === 'over' && last.error.code === 'pairing_offer_invalid');
    assert.ok(stoppedWords(last.error, last.of)?.includes('Nobody waits behind this code'));
    assert.equal(position(), began);
  });
}

test('the relay swaps the offers of two machines that wait: neither is shown as the other', async () => {
  const [one, other] = [await waiting('one'), await waiting('other')];
  between.relay.script = planted(placeOf(agentPairing, one.code, 'offer'), other.pairing.sealedOffer);
  assert.equal(errorOf((await looked('agent', one.code)).stage()), 'pairing_offer_invalid');
});

test('[PAIRING-5] who saw the code and offers a machine of their own has other words: three tries, nothing written', async () => {
  const mine = await waiting('main');
  const theirs = await waiting('main', mine.code);
  await put(theirs);
  const began = position();
  const flow = await looked('agent', mine.code);
  assert.equal(flow.stage().kind, 'shown');
  assert.deepEqual(
    [mine, mine, mine].map(({ words }) => flow.words(words)),
    ['again', 'again', 'over'],
  );
  assert.equal(flow.words(theirs.words), 'over', 'a lure that comes after it');
  assert.equal(errorOf(flow.stage()), 'pairing_words_wrong');
  assert.equal(position(), began);
});

test('a code is good once: used again it is refused by an honest relay, and by the fleet where the relay helps', async () => {
  const machine = await waiting('used');
  await put(machine);
  const flow = await looked('agent', machine.code);
  flow.words(machine.words);
  assert.equal(errorOf(await rest(flow)), 'admitted');
  assert.equal(errorOf((await looked('agent', machine.code)).stage()), 'rendezvous_used');
  between.relay.script = planted(placeOf(agentPairing, machine.code, 'offer'), machine.pairing.sealedOffer);
  const began = position();
  const again = await looked('agent', machine.code);
  again.words(machine.words);
  assert.equal(errorOf(await rest(again)), 'agent_taken');
  assert.equal(position(), began);
});

/** A device that waits behind a code, and whose pairing goes on nowhere. */
async function waitingDevice() {
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const code = newPairingCode(webPrimitives, devicePairing);
  const timing = { code: code.slice(), monotonicMs: 0 };
  const pairing = await Pairing.begin(webPrimitives, devicePairing, holder, { name: 'lurer', machine: 'box' }, timing);
  await putRendezvous(session.relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
  return { code, pairing, words: pairing.words.join(' ') };
}

test('[DEVICES-7] a device that has gone is not added by whatever the relay says in its place', async () => {
  for (const body of [randomBytes(100), new Uint8Array(0), randomBytes(40_000)]) {
    const gone = await waitingDevice();
    between.relay.script = planted(partPlace(gone.code, 'here'), body);
    const began = position();
    const flow = await looked('device', gone.code);
    flow.words(gone.words);
    assert.equal(errorOf(await rest(flow)), body.length > 32 * 1024 ? 'codec_limit' : 'open_failed');
    assert.equal(position(), began);
    assert.ok(!deviceNames().includes('lurer'));
  }
});

test('a device joins; a confirmation that was refused may be given once more, and calls it once', async () => {
  const newcomer = await joining();
  const flow = await looked('device', newcomer.code);
  refusals.push(new HoldfastError('step_up_needed', 'no'));
  flow.words(newcomer.words);
  assert.equal((await rest(flow)).kind, 'shown');
  flow.words(newcomer.words);
  assert.equal(errorOf(await rest(flow)), 'admitted');
  assert.equal(await newcomer.outcome, 'ok');
  assert.ok(deviceNames().includes('second'));
  assert.equal(newcomer.browser.session.unlocked?.facts.fleetName, 'home');
});

test('a browser that is a device already forgets nothing, wherever a link leads it', async () => {
  const { browser, code, words, outcome } = await joining();
  const flow = await looked('device', code);
  flow.words(words);
  await rest(flow);
  assert.equal(await outcome, 'ok');
  const { records } = browser as ReturnType<typeof playedBrowser>;
  const [kept, connections] = [new Map(records.kept), between.relay.connections];
  const relayUrl = between.url;
  const ways: Readonly<Record<string, () => Promise<string>>> = {
    join: async () => {
      const begun = await joining(browser);
      return begun.words === '' ? begun.outcome : 'it asks to join';
    },
    welcome: () => outcomeOf(() => prepareFleet(browser, { name: 'theirs', deviceName: 'mine', relayUrl, way: passkey })),
    recover: () =>
      outcomeOf(() => beginRecovery(browser, { code: recoveryCode, fleet: randomBytes(32), relayUrl, deviceName: 'mine' })),
  };
  for (const [name, way] of Object.entries(ways)) assert.equal(await way(), 'operator_exists', name);
  assert.deepEqual(records.kept, kept);
  assert.equal(between.relay.connections, connections, 'and no relay heard of it');
});

test('a call that is none: the browser that asked to join keeps nothing', async () => {
  for (const body of [randomBytes(200), new Uint8Array(0), randomBytes(40_000)]) {
    const browser = playedBrowser();
    const script: Script = {
      request(request, line) {
        if (request.kind !== 'rendezvous-take' || request.slot !== 'offer') return [request];
        line.toClient({ kind: 'taken', id: request.id, body });
        return [];
      },
    };
    between.relay.script = script;
    const { outcome } = await joining(browser);
    assert.equal(await outcome, body.length > 32 * 1024 ? 'codec_limit' : 'open_failed');
    assert.deepEqual([...browser.records.kept.keys()], []);
  }
});

/** The operator's device calls, as far as a relay that lies lets it. */
async function call(code: Uint8Array, relayKey = facts.relayKey): Promise<void> {
  const { hash } = await takeOffer(session, devicePairing, { code, relayUrl: undefined });
  const about = { offer: hash, fleet: facts.fleet, fleetName: facts.fleetName, relay: relayKey };
  await putPart(session.relay, { kind: devicePairing, code, part: 'call' }, encodeCall(webPrimitives, about));
}

test('a relay that is not the one which the call names is left, and nothing is kept', async () => {
  between.relay.script = impostor(Uint8Array.of(4, ...randomBytes(64)));
  const { browser, code, outcome } = await joining();
  between.relay.script = {};
  await call(code);
  assert.equal(await outcome, 'relay_impostor');
  assert.deepEqual([...(browser as ReturnType<typeof playedBrowser>).records.kept.keys()], []);
});

test('an answer that is none is refused; a key that has not read its fleet gives way to the next try [DEVICES-6]', async () => {
  const browser = playedBrowser();
  const first = await joining(browser);
  between.relay.script = planted(placeOf(devicePairing, first.code, 'answer'), randomBytes(600));
  await call(first.code);
  assert.equal(await first.outcome, 'pairing_answer_invalid');
  assert.equal(await browser.store().seen(), undefined);
  between.relay.script = {};
  const next = await joining(browser);
  const flow = await looked('device', next.code);
  flow.words(next.words);
  assert.equal(errorOf(await rest(flow)), 'admitted');
  assert.equal(await next.outcome, 'ok');
});

test('an answer that is withheld: what the fleet itself says admits the device', async () => {
  const newcomer = await joining();
  between.relay.script = planted(placeOf(devicePairing, newcomer.code, 'answer'), undefined);
  const flow = await looked('device', newcomer.code);
  flow.words(newcomer.words);
  assert.equal(errorOf(await rest(flow)), 'admitted');
  assert.equal(await newcomer.outcome, 'ok');
});

/** A clock whose ten minutes are over when the test says so. */
function played(): { readonly wait: () => Promise<void>; readonly over: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: () => promise, over: resolve };
}

test('[PAIRING-16] a code of our own is fresh, takes one offer, and is overwritten after ten minutes, also when somebody has come', async () => {
  const clock = played();
  const flow = addingFlow(fleet, clock.wait);
  assert.notEqual(toHex(flow.code), toHex(addingFlow(fleet, clock.wait).code));
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const timing = { code: flow.code.slice(), monotonicMs: 0 };
  const came = await Pairing.begin(webPrimitives, devicePairing, holder, { name: 'late', machine: 'box' }, timing);
  const place = { rendezvous: came.rendezvous, slot: 'offer' } as const;
  await putRendezvous(session.relay, place, came.sealedOffer, pairingLifeMs);
  await flow.listen();
  assert.equal(flow.stage().kind, 'offered');
  assert.equal(await outcomeOf(() => putRendezvous(session.relay, place, came.sealedOffer, pairingLifeMs)), 'rendezvous_used');
  clock.over();
  await clock.wait();
  const last = flow.stage();
  assert.equal(last.kind === 'over' && codeOf(last.error), 'pairing_expired');
  assert.ok(flow.code.every((byte) => byte === 0));
  await flow.words(came.words.join(' '));
  assert.ok(!deviceNames().includes('late'));
});

test('[PAIRING-16] words that the new device does not show, three times: over, overwritten, nobody added', async () => {
  const flow = addingFlow(fleet, played().wait);
  const holder = await SoftwareKeyHolder.generate(webPrimitives);
  const timing = { code: flow.code.slice(), monotonicMs: 0 };
  const theirs = await Pairing.begin(webPrimitives, devicePairing, holder, { name: 'theirs', machine: 'box' }, timing);
  await putRendezvous(session.relay, { rendezvous: theirs.rendezvous, slot: 'offer' }, theirs.sealedOffer, pairingLifeMs);
  await flow.listen();
  for (const left of [true, true, false]) {
    await flow.words('abandon ability able');
    assert.equal(flow.stage().kind, left ? 'offered' : 'over');
  }
  assert.ok(flow.code.every((byte) => byte === 0));
  await flow.words(theirs.words.join(' '));
  assert.ok(!deviceNames().includes('theirs'));
});

test('with the recovery code of its own fleet a browser whose key nobody can unlock gets another one', async () => {
  const { browser, code, words, outcome } = await joining();
  const flow = await looked('device', code);
  flow.words(words);
  await rest(flow);
  assert.equal(await outcome, 'ok');
  const before = (await browser.session.keys.record())?.device ?? assert.fail();
  const terms = { fleet: facts.fleet, relayUrl: between.url, deviceName: 'again' };
  const recovering = await beginRecovery(browser, { ...terms, code: recoveryCode });
  await recovering.recover(passkey, new Set([toHex(facts.device)]), async () => {});
  const now = (await browser.session.keys.record())?.device ?? assert.fail();
  assert.notEqual(toHex(now), toHex(before));
  assert.equal(toHex(browser.session.unlocked?.facts.device ?? assert.fail()), toHex(now));
});
