// Pairing of an operator device against a relay in the middle: what is made for an agent passes for no device and the other way round, and the call that
// comes before the entry is heard by whoever waits now.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { equalBytes, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { custodyDomains } from '@holdfast/protocol/custody/wire';
import { assertHere, encodeCall, encodeHere, readCall } from '@holdfast/protocol/identity/device-call';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import {
  assertWords,
  formatPairingCode,
  makeAnswer,
  newPairingCode,
  openOffer,
  openPart,
  Pairing,
  pairingLifeMs,
  pairingUrl,
  parsePairingCode,
  partRendezvous,
  rendezvousOf,
  sealPart,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World } from '@holdfast/testkit/world';

const terms = { name: 'phone', machine: 'box' };
const agentTerms = {
  agent: primitives.random(16),
  scope: 'main',
  machine: 'box',
  custody: 'software',
  capabilities: [],
} as const;

describe('pairing of a device', () => {
  let world: World;
  let holder: SoftwareKeyHolder;
  before(async () => {
    world = await World.begin();
    holder = await SoftwareKeyHolder.generate(primitives);
  });

  const begin = async (keys = holder) => {
    const code = newPairingCode(primitives, devicePairing);
    const pairing = await Pairing.begin(primitives, devicePairing, keys, terms, { code: code.slice(), monotonicMs: 0 });
    return { code, pairing, opened: await openOffer(primitives, devicePairing, code, pairing.sealedOffer) };
  };
  const about = (code: Uint8Array) => ({
    code,
    fleet: world.fleet,
    genesis: world.genesis,
    control: { position: 1, hash: new Uint8Array(32).fill(7) },
    relay: world.relayKeys.publicKeys.sign,
  });
  const answerTo = (code: Uint8Array, opened: OpenedOffer<DeviceOffer>) =>
    makeAnswer(primitives, { id: world.operator.id, holder: world.operator.holder }, opened, about(code));

  it('both sides see the same name and words, and the answer is for the id that follows from the key', async () => {
    const { code, pairing, opened } = await begin();
    assert.deepEqual([opened.offer.name, opened.words], ['phone', pairing.words]);
    const answer = await pairing.openAnswer(await answerTo(code, opened), 10);
    assert.deepEqual(answer.admitted, deviceIdOf(primitives, holder.publicKeys.sign));
    assert.deepEqual(answer.fleet, world.fleet);
  });

  it('[PAIRING-14] a code of one kind is none of the other, typed or as an address', async () => {
    const code = newPairingCode(primitives, devicePairing);
    const url = pairingUrl(primitives, devicePairing, 'https://relay.example', code);
    assert.deepEqual(parsePairingCode(primitives, devicePairing, url), { code, relayUrl: 'https://relay.example' });
    let taken = 0;
    for (let count = 0; count < 100; count += 1) {
      const text = formatPairingCode(primitives, agentPairing, newPairingCode(primitives, agentPairing));
      if ((await outcomeOf(() => parsePairingCode(primitives, devicePairing, text))) === 'ok') taken += 1;
    }
    assert.ok(taken < 5, `${taken} of 100: one in 1,024 by chance`);
    for (const [kind, path] of [
      [agentPairing, 'join'],
      [devicePairing, 'enroll'],
    ] as const) {
      const good = pairingUrl(primitives, kind, 'https://relay.example', code);
      const elsewhere = good.replace(/\/[a-z]+#/, `/${path}#`);
      assert.equal(await outcomeOf(() => parsePairingCode(primitives, kind, elsewhere)), 'pairing_code_invalid');
    }
  });

  it('[PAIRING-14] under one code they meet apart, and neither offer nor answer opens as the other', async () => {
    const { code, pairing, opened } = await begin();
    const agent = await Pairing.begin(primitives, agentPairing, holder, agentTerms, { code: code.slice(), monotonicMs: 0 });
    assert.ok(!equalBytes(agent.rendezvous, pairing.rendezvous));
    const part = partRendezvous(primitives, devicePairing, code, 'call');
    assert.ok(!equalBytes(part, partRendezvous(primitives, agentPairing, code, 'call')));
    assert.ok(!equalBytes(part, rendezvousOf(primitives, devicePairing, code)));
    const asAgent = () => openOffer(primitives, agentPairing, code, pairing.sealedOffer);
    const asDevice = () => openOffer(primitives, devicePairing, code, agent.sealedOffer);
    assert.deepEqual([await outcomeOf(asAgent), await outcomeOf(asDevice)], ['pairing_offer_invalid', 'pairing_offer_invalid']);
    const forDevice = await answerTo(code, opened);
    assert.equal(await outcomeOf(() => agent.openAnswer(forDevice, 10)), 'pairing_answer_invalid');
    const sealed = await sealPart(primitives, agentPairing, code, 'call', utf8('x'));
    assert.equal(await outcomeOf(() => openPart(primitives, devicePairing, code, 'call', sealed)), 'open_failed');
  });

  it('[PAIRING-14] who holds the code cannot turn the one into the other: what is signed differs, and custody signs none for a device', async () => {
    const { code, opened } = await begin();
    const posing = { ...devicePairing, offerDomain: 'pairing-offer', answerDomain: 'pairing-answer' } as const;
    const resigned = await Pairing.begin(primitives, posing, holder, terms, { code: code.slice(), monotonicMs: 0 });
    assert.equal(
      await outcomeOf(() => openOffer(primitives, devicePairing, code, resigned.sealedOffer)),
      'pairing_offer_invalid',
    );
    const again = await Pairing.begin(primitives, devicePairing, holder, terms, { code: code.slice(), monotonicMs: 0 });
    const seen = await openOffer(primitives, devicePairing, code, again.sealedOffer);
    const answer = await answerTo(code, { ...seen, kind: posing });
    assert.equal(await outcomeOf(() => again.openAnswer(answer, 10)), 'pairing_answer_invalid');
    assert.ok(!custodyDomains.some((domain) => domain.includes('device')));
    assert.ok(opened.words.length === 3);
  });

  it('[PAIRING-5] [PAIRING-7] swapped keys show other words, and an offer of keys that one does not have is refused', async () => {
    const { code, opened } = await begin();
    const mallory = await SoftwareKeyHolder.generate(primitives);
    const swapped = await Pairing.begin(primitives, devicePairing, mallory, terms, { code: code.slice(), monotonicMs: 0 });
    const seen = await openOffer(primitives, devicePairing, code, swapped.sealedOffer);
    assert.equal(await outcomeOf(() => assertWords(seen, opened.words.join(' '))), 'pairing_words_wrong');
    const posing = { publicKeys: holder.publicKeys, sign: mallory.sign.bind(mallory), open: mallory.open.bind(mallory) };
    const stolen = await Pairing.begin(primitives, devicePairing, posing, terms, { code: code.slice(), monotonicMs: 0 });
    assert.equal(await outcomeOf(() => openOffer(primitives, devicePairing, code, stolen.sealedOffer)), 'pairing_offer_invalid');
  });

  it('[PAIRING-8] [PAIRING-9] [PAIRING-10] a second answer, a late one, and one to another offer are refused', async () => {
    const twice = await begin();
    const answer = await answerTo(twice.code, twice.opened);
    await twice.pairing.openAnswer(answer, 10);
    assert.equal(await outcomeOf(() => twice.pairing.openAnswer(answer, 11)), 'pairing_answer_invalid');
    const late = await begin();
    const slow = await answerTo(late.code, late.opened);
    assert.equal(await outcomeOf(() => late.pairing.openAnswer(slow, pairingLifeMs + 1)), 'pairing_expired');
    const other = await begin();
    const again = await Pairing.begin(primitives, devicePairing, holder, terms, { code: other.code.slice(), monotonicMs: 0 });
    const toFirst = await answerTo(other.code, other.opened);
    assert.equal(await outcomeOf(() => again.openAnswer(toFirst, 10)), 'pairing_answer_invalid');
  });

  it('[DEVICES-7] a call is about one offer, and is answered to itself alone', async () => {
    const [first, second] = [await begin(), await begin()];
    const call = (offer: Uint8Array) =>
      encodeCall(primitives, { offer, fleet: world.fleet, fleetName: 'test', relay: world.relayKeys.publicKeys.sign });
    const ours = call(first.opened.hash);
    assert.equal(toHex(readCall(ours, first.pairing.offerHash).fleet), toHex(world.fleet));
    assert.equal(await outcomeOf(() => readCall(ours, second.pairing.offerHash)), 'pairing_answer_invalid');
    const here = encodeHere(primitives, ours);
    assertHere(primitives, here, ours);
    const replayed = call(first.opened.hash);
    assert.equal(await outcomeOf(() => assertHere(primitives, here, replayed)), 'pairing_offer_invalid');
  });
});
