// node scripts/vectors/pairing.ts: vectors of spec/pairing.md and spec/recovery.md.

import { consoleUrl, formatPairingCode, makeAnswer, openOffer, Pairing, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { World } from '@holdfast/testkit/world';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('pairing vectors');
const code = primitives.random(16);
const text = formatPairingCode(primitives, agentPairing, code);
const slip = (text.startsWith('7') ? '8' : '7') + text.slice(1);

const inConsole = consoleUrl(
  'http://localhost:7434/',
  'pair',
  pairingUrl(primitives, agentPairing, 'https://relay.example:7433/fleet', code),
);

writeVectors('pairing/codes', 'Codes as typed, and the 16 bytes in them.', [
  { name: 'as shown', clause: 'PAIRING-1', expect: 'ok', typed: text, code },
  {
    name: 'in lower case with spaces',
    clause: 'PAIRING-1',
    expect: 'ok',
    typed: ` ${text.toLowerCase().replaceAll('-', ' ')}\n`,
    code,
  },
  {
    name: 'with O for 0 and l for 1',
    clause: 'PAIRING-1',
    expect: 'ok',
    typed: text.replaceAll('0', 'O').replaceAll('1', 'l'),
    code,
  },
  {
    name: 'as an address',
    clause: 'PAIRING-3',
    expect: 'ok',
    typed: pairingUrl(primitives, agentPairing, 'https://relay.example', code),
    code,
    relayUrl: 'https://relay.example',
  },
  {
    name: 'as an address of a console',
    clause: 'PAIRING-15',
    expect: 'ok',
    typed: inConsole,
    code,
    relayUrl: 'https://relay.example:7433/fleet',
  },
  {
    name: 'as an address of a console, with another page',
    clause: 'PAIRING-15',
    expect: 'pairing_code_invalid',
    typed: inConsole.replace('/pair#', '/other#'),
  },
  {
    name: 'as an address of a console that is not encoded',
    clause: 'PAIRING-15',
    expect: 'pairing_code_invalid',
    typed: decodeURIComponent(inConsole),
  },
  {
    name: "a device's address, in a console's",
    clause: 'PAIRING-15',
    expect: 'pairing_code_invalid',
    typed: consoleUrl('http://localhost:7434', 'join', pairingUrl(primitives, devicePairing, 'https://relay.example', code)),
  },
  {
    name: "a console's address in a console's",
    clause: 'PAIRING-15',
    expect: 'pairing_code_invalid',
    typed: consoleUrl('http://localhost:7434', 'pair', inConsole),
  },
  {
    name: 'an address of something else',
    clause: 'PAIRING-3',
    expect: 'pairing_code_invalid',
    typed: `https://relay.example/other#${text}`,
  },
  { name: 'one slip', clause: 'PAIRING-2', expect: 'pairing_code_invalid', typed: slip },
  { name: 'cut short', clause: 'PAIRING-2', expect: 'pairing_code_invalid', typed: text.slice(0, -1) },
  { name: 'too long', clause: 'PAIRING-2', expect: 'pairing_code_invalid', typed: `${text}0` },
  { name: 'a letter that no code has', clause: 'PAIRING-2', expect: 'pairing_code_invalid', typed: text.replace(/.$/, 'U') },
  { name: 'empty', clause: 'PAIRING-2', expect: 'pairing_code_invalid', typed: '' },
]);

const world = await World.begin(primitives);
const { operator } = world;
const seed = 'the machine of the vectors';
const begin = async (): Promise<Pairing> => {
  const own = seededPrimitives(seed);
  const holder = await SoftwareKeyHolder.generate(own);
  const terms = { agent: own.random(16), scope: 'main', machine: 'box', custody: 'software', capabilities: ['deploy'] } as const;
  return Pairing.begin(own, agentPairing, holder, terms, { code: code.slice(), monotonicMs: 0 });
};
const pairing = await begin();
const opened = await openOffer(primitives, agentPairing, code, pairing.sealedOffer);
const rendezvous = pairing.rendezvous;

writeVectors('pairing/offers', 'An offer as sealed, with the code that opens it, and the words that both sides see.', [
  {
    name: 'good',
    clause: 'PAIRING-5',
    expect: 'ok',
    code,
    sealed: pairing.sealedOffer,
    rendezvous,
    words: opened.words,
    hash: opened.hash,
  },
  {
    name: 'another code',
    clause: 'PAIRING-6',
    expect: 'pairing_offer_invalid',
    code: primitives.random(16),
    sealed: pairing.sealedOffer,
  },
  {
    name: 'a flipped bit',
    clause: 'PAIRING-6',
    expect: 'pairing_offer_invalid',
    code,
    sealed: flipped(pairing.sealedOffer, 999),
  },
  { name: 'cut short', clause: 'PAIRING-6', expect: 'pairing_offer_invalid', code, sealed: pairing.sealedOffer.slice(0, -1) },
  { name: 'signed by another key', clause: 'PAIRING-7', expect: 'pairing_offer_invalid', code, sealed: await stolenOffer() },
]);

/** Offers keys that the sender does not have. */
async function stolenOffer(): Promise<Uint8Array> {
  const mallory = await SoftwareKeyHolder.generate(primitives);
  const holder = { publicKeys: opened.offer.keys, sign: mallory.sign.bind(mallory), open: mallory.open.bind(mallory) };
  const { scope, machine, custody, capabilities, agent } = opened.offer;
  return (
    await Pairing.begin(
      primitives,
      agentPairing,
      holder,
      { agent, scope, machine, custody, capabilities },
      { code: code.slice(), monotonicMs: 0 },
    )
  ).sealedOffer;
}

const device = { id: operator.id, holder: operator.holder };
const about = {
  code,
  fleet: world.fleet,
  genesis: world.genesis,
  control: { position: 2, hash: new Uint8Array(32).fill(7) },
  relay: world.relayKeys.publicKeys.sign,
};
const answer = await makeAnswer(primitives, device, opened, about);
const theirs = await World.begin(primitives);
const mallory = await SoftwareKeyHolder.generate(primitives);

writeVectors(
  'pairing/answers',
  `Answers to the good offer of pairing/offers. The machine is made from testkit's seededPrimitives('${seed}'): keys, agent id, then the offer's nonce.`,
  [
    { name: 'good', clause: 'PAIRING-10', expect: 'ok', code, sealed: answer, seed, afterMs: 1000, fleet: world.fleet },
    { name: 'too late', clause: 'PAIRING-9', expect: 'pairing_expired', code, sealed: answer, seed, afterMs: 600_001 },
    {
      name: 'a flipped bit',
      clause: 'PAIRING-6',
      expect: 'pairing_answer_invalid',
      code,
      sealed: flipped(answer, 999),
      seed,
      afterMs: 1000,
    },
    {
      name: 'the offer sent back',
      clause: 'PAIRING-6',
      expect: 'pairing_answer_invalid',
      code,
      sealed: pairing.sealedOffer,
      seed,
      afterMs: 1000,
    },
    {
      name: 'to another offer',
      clause: 'PAIRING-10',
      expect: 'pairing_answer_invalid',
      code,
      seed,
      afterMs: 1000,
      sealed: await makeAnswer(primitives, device, { ...opened, hash: new Uint8Array(32) }, about),
    },
    {
      name: 'for another agent',
      clause: 'PAIRING-10',
      expect: 'pairing_answer_invalid',
      code,
      seed,
      afterMs: 1000,
      sealed: await makeAnswer(primitives, device, { ...opened, offer: { ...opened.offer, agent: operator.id } }, about),
    },
    {
      name: "another fleet's genesis",
      clause: 'PAIRING-11',
      expect: 'pairing_answer_invalid',
      code,
      seed,
      afterMs: 1000,
      sealed: await makeAnswer(primitives, device, opened, { ...about, genesis: theirs.genesis }),
    },
    {
      name: 'by a stranger',
      clause: 'PAIRING-11',
      expect: 'pairing_answer_invalid',
      code,
      seed,
      afterMs: 1000,
      sealed: await makeAnswer(primitives, { id: operator.id, holder: mallory }, opened, about),
    },
    {
      name: 'a head before the enrolment',
      clause: 'PAIRING-12',
      expect: 'pairing_answer_invalid',
      code,
      seed,
      afterMs: 1000,
      sealed: await makeAnswer(primitives, device, opened, { ...about, control: { position: 0, hash: world.fleet } }),
    },
  ],
);

const recovery = await makeRecoveryCode(primitives);
const { sign, seal } = recovery.keys.publicKeys;
writeVectors(
  'recovery/codes',
  'Recovery codes as typed, the public signing key that they make, and the SHA-256 of the sealing key.',
  [
    { name: 'as shown', clause: 'RECOVERY-1', expect: 'ok', typed: recovery.code, sign, seal: primitives.sha256(seal) },
    {
      name: 'as typed',
      clause: 'RECOVERY-2',
      expect: 'ok',
      typed: recovery.code.toLowerCase().replaceAll('-', ' '),
      sign,
      seal: primitives.sha256(seal),
    },
    {
      name: 'one slip',
      clause: 'RECOVERY-2',
      expect: 'recovery_code_invalid',
      typed: (recovery.code.startsWith('7') ? '8' : '7') + recovery.code.slice(1),
    },
    { name: 'cut short', clause: 'RECOVERY-2', expect: 'recovery_code_invalid', typed: recovery.code.slice(0, -5) },
    { name: 'a pairing code', clause: 'RECOVERY-2', expect: 'recovery_code_invalid', typed: text },
  ],
);

const deviceSeed = 'the device of the vectors';
const beginDevice = async (): Promise<Pairing> => {
  const own = seededPrimitives(deviceSeed);
  const holder = await SoftwareKeyHolder.generate(own);
  return Pairing.begin(own, devicePairing, holder, { name: 'phone', machine: 'box' }, { code: code.slice(), monotonicMs: 0 });
};
const joining = await beginDevice();
const joiner = await openOffer(primitives, devicePairing, code, joining.sealedOffer);
const posing = { ...devicePairing, offerDomain: 'pairing-offer', answerDomain: 'pairing-answer' } as const;
const resigned = await Pairing.begin(
  primitives,
  posing,
  await SoftwareKeyHolder.generate(primitives),
  { name: 'phone', machine: 'box' },
  { code: code.slice(), monotonicMs: 0 },
);

writeVectors(
  'pairing/device-offers',
  "A device's offer as sealed, with the code that opens it, and the words that both sides see.",
  [
    {
      name: 'good',
      clause: 'PAIRING-5',
      expect: 'ok',
      code,
      sealed: joining.sealedOffer,
      rendezvous: joining.rendezvous,
      words: joiner.words,
      hash: joiner.hash,
    },
    { name: "an agent's", clause: 'PAIRING-14', expect: 'pairing_offer_invalid', code, sealed: pairing.sealedOffer },
    { name: "signed as an agent's", clause: 'PAIRING-14', expect: 'pairing_offer_invalid', code, sealed: resigned.sealedOffer },
  ],
);

writeVectors(
  'pairing/device-answers',
  `Answers to the good offer of pairing/device-offers. The device is made from testkit's seededPrimitives('${deviceSeed}'): keys, then the offer's nonce.`,
  [
    {
      name: 'good',
      clause: 'PAIRING-10',
      expect: 'ok',
      code,
      sealed: await makeAnswer(primitives, device, joiner, about),
      seed: deviceSeed,
      afterMs: 1000,
      fleet: world.fleet,
    },
    {
      name: "an agent's",
      clause: 'PAIRING-14',
      expect: 'pairing_answer_invalid',
      code,
      sealed: answer,
      seed: deviceSeed,
      afterMs: 1000,
    },
    {
      name: "signed as an agent's",
      clause: 'PAIRING-14',
      expect: 'pairing_answer_invalid',
      code,
      sealed: await makeAnswer(primitives, device, { ...joiner, kind: posing }, about),
      seed: deviceSeed,
      afterMs: 1000,
    },
  ],
);
