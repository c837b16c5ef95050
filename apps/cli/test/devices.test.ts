// `devices add` and `devices join` against a real relay, with one side played: what a stranger, a relay in between or an old screen could do.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { encodeCall, encodeHere } from '@holdfast/protocol/identity/device-call';
import {
  formatPairingCode,
  newPairingCode,
  openOffer,
  openPart,
  Pairing,
  pairingLifeMs,
  parsePairingCode,
  partRendezvous,
  rendezvousOf,
  sealPart,
} from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { LiveProgram } from '../../../packages/testkit/src/live-program.ts';
import { commandLine, newHome } from './cli.ts';
import { operatorAt, type OperatorAt } from './operator-at.ts';

let operator: OperatorAt;
before(async () => {
  operator = await operatorAt();
});
after(() => operator.end());

async function stranger(t: TestContext): Promise<RelayExchange> {
  const exchange = await connectRelay(operator.url, {
    webSocket: WebSocket,
    primitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs: 60_000,
    onPush: () => {},
    onClosed: () => {},
  });
  t.after(() => exchange.close());
  return exchange;
}

/** A device that waits behind a code, played. */
async function waiting(t: TestContext) {
  const relay = await stranger(t);
  const holder = await SoftwareKeyHolder.generate(primitives);
  const code = newPairingCode(primitives, devicePairing);
  const timing = { code: code.slice(), monotonicMs: 0 };
  const pairing = await Pairing.begin(primitives, devicePairing, holder, { name: 'phone', machine: 'box' }, timing);
  await putRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
  return { relay, code, text: formatPairingCode(primitives, devicePairing, code), words: pairing.words.join(' ') };
}

const names = async (): Promise<readonly string[]> =>
  operator
    .json<{ devices: { name: string }[] }>(await operator.run(['devices', 'list', '--json']))
    .devices.map(({ name }) => name);

const place = (code: Uint8Array, part: 'call' | 'here') =>
  ({ rendezvous: partRendezvous(primitives, devicePairing, code, part), slot: 'offer' }) as const;

test('words that the device does not show, and the code of a machine: nobody is added', async (t) => {
  const { text, words } = await waiting(t);
  const wrong = await operator.run(['devices', 'add', text, '--words', words.split(' ').toReversed().join(' '), '--json']);
  assert.equal(operator.code(wrong), 'pairing_words_wrong');
  const again = await operator.run(['devices', 'add', text, '--words', words, '--json']);
  assert.equal(operator.code(again), 'rendezvous_used'); // the code works once
  const machine = formatPairingCode(primitives, agentPairing, new Uint8Array(16).fill(1));
  assert.equal(
    operator.code(await operator.run(['devices', 'add', machine, '--words', 'a b c', '--json'])),
    'pairing_code_invalid',
  );
  assert.equal((await names()).length, 1);
});

/** `devices add --show` and what it shows; words are written to it. */
async function showing(t: TestContext) {
  const parameters = ['devices', 'add', '--show', '--words', '-', '--passphrase-file', operator.phraseFile, '--json'];
  const [file, words] = commandLine(parameters);
  const program = new LiveProgram(file, words, { environment: { ...process.env, HOLDFAST_HOME: operator.home } });
  t.after(() => program.end());
  const [line] = await program.waitFor(/.*\n/);
  return { program, shown: JSON.parse(line) as { code: string; url: string; expiresAtMs: number } };
}

test('[PAIRING-16] a code that the operator made admits who comes to it and shows the words that are typed, once', async (t) => {
  const before = await names();
  const { program, shown } = await showing(t);
  assert.deepEqual(parsePairingCode(primitives, devicePairing, shown.url), {
    code: parsePairingCode(primitives, devicePairing, shown.code).code,
    relayUrl: operator.url,
  });
  const home = newHome(t);
  const parameters = ['devices', 'join', shown.url, '--name', 'tablet', '--passphrase-file', operator.phraseFile, '--json'];
  const [file, words] = commandLine(parameters);
  const newcomer = new LiveProgram(file, words, { environment: { ...process.env, HOLDFAST_HOME: home } });
  t.after(() => newcomer.end());
  const [line] = await newcomer.waitFor(/.*\n/);
  program.write(`${(JSON.parse(line) as { words: string[] }).words.join(' ')}\n`);
  program.closeInput();
  await newcomer.waitFor(/"fleetName":"test"/);
  assert.deepEqual([(await program.ended).code, (await newcomer.ended).code], [0, 0]);
  assert.deepEqual(await names(), [...before, 'tablet']);
  const again = await operator.run(['devices', 'join', shown.code, '--relay', operator.url, '--json'], { home: newHome(t) });
  assert.equal(operator.code(again), 'rendezvous_used', 'the code works once');
  const removed = await operator.run(['devices', 'remove', 'tablet', '--json']);
  assert.equal(removed.code, 0, removed.stdout);
});

test('[PAIRING-16] who sees the code and comes first has other words: nobody is added', async (t) => {
  const { program, shown } = await showing(t);
  const relay = await stranger(t);
  const holder = await SoftwareKeyHolder.generate(primitives);
  const { code } = parsePairingCode(primitives, devicePairing, shown.code);
  const terms = { name: 'phone', machine: 'box' };
  const theirs = await Pairing.begin(primitives, devicePairing, holder, terms, { code, monotonicMs: 0 });
  await putRendezvous(relay, { rendezvous: theirs.rendezvous, slot: 'offer' }, theirs.sealedOffer, pairingLifeMs);
  program.write(`${theirs.words.toReversed().join(' ')}\n`);
  program.closeInput();
  await program.ended;
  assert.match(program.said, /"pairing_words_wrong"/);
  assert.equal((await names()).includes('phone'), false);
});

test('a code is given or shown, not both and not neither', async () => {
  for (const parameters of [
    ['devices', 'add', '--json'],
    ['devices', 'add', 'CODE', '--show', '--json'],
  ])
    assert.equal(operator.code(await operator.run(parameters)), 'usage');
});

test('[DEVICES-7] a device that does not answer this call is not added, whoever answered another one', async (t) => {
  const { relay, code, text, words } = await waiting(t);
  const other = encodeHere(primitives, Uint8Array.of(1));
  await putRendezvous(relay, place(code, 'here'), await sealPart(primitives, devicePairing, code, 'here', other), pairingLifeMs);
  const ran = await operator.run(['devices', 'add', text, '--words', words, '--json']);
  assert.deepEqual([operator.code(ran), ran.code], ['pairing_offer_invalid', 4]);
  assert.equal((await names()).length, 1);
});

/** `devices join` in a home of its own, and what it shows. */
async function joining(t: TestContext, home = newHome(t)) {
  const [file, words] = commandLine([
    'devices',
    'join',
    '--name',
    'phone',
    '--relay',
    operator.url,
    '--passphrase-file',
    operator.phraseFile,
    '--json',
  ]);
  const program = new LiveProgram(file, words, { environment: { ...process.env, HOLDFAST_HOME: home } });
  t.after(() => program.end());
  const [line] = await program.waitFor(/.*\n/);
  const shown = JSON.parse(line) as { code: string; words: string[] };
  return { home, program, ...shown, bytes: parsePairingCode(primitives, devicePairing, shown.code).code };
}

test('[DEVICES-6] [DEVICES-8] killed when its keys are on disk: before it was admitted the next join starts anew, after that it ends what was begun', async (t) => {
  const relay = await stranger(t);
  const old = readFileSync(path.join(operator.home, 'operator', 'heads'));
  const { home, program, bytes: code } = await joining(t);
  const sealed = await takeRendezvous(
    relay,
    { rendezvous: rendezvousOf(primitives, devicePairing, code), slot: 'offer' },
    10_000,
  );
  const { hash } = await openOffer(primitives, devicePairing, code, sealed ?? assert.fail());
  const { relayKey } = await relay.ready;
  const fleet = primitives.random(32);
  const call = encodeCall(primitives, { offer: hash, fleet, fleetName: 'lure', relay: relayKey });
  await putRendezvous(relay, place(code, 'call'), await sealPart(primitives, devicePairing, code, 'call', call), pairingLifeMs);
  const here = await takeRendezvous(relay, place(code, 'here'), 60_000);
  await openPart(primitives, devicePairing, code, 'here', here ?? assert.fail());
  const key = path.join(home, 'operator', 'operator.key');
  assert.ok(existsSync(key), 'on disk before it answers');
  program.kill('SIGKILL');
  await program.ended;
  const before = readFileSync(key);

  const second = await joining(t, home);
  assert.equal(existsSync(key), false, 'what nobody admitted is forgotten');
  const added = await operator.run(['devices', 'add', second.code, '--words', second.words.join(' '), '--json']);
  const { device } = operator.json<{ device: string }>(added);
  await second.program.waitFor(/"fleetName":"test"/);
  await second.program.ended;
  assert.notDeepEqual(readFileSync(key), before);
  const folder = path.join(home, 'operator');
  rmSync(path.join(folder, 'heads')); // as when it is killed before it hears of it
  const ended = await operator.run(['devices', 'join', '--relay', operator.url, '--json'], { home });
  assert.deepEqual([operator.json(ended)['device'], operator.json(ended)['fleetName']], [device, 'test']);
  const third = await operator.run(['devices', 'join', '--relay', operator.url, '--json'], { home });
  assert.equal(operator.code(third), 'operator_exists');

  writeFileSync(path.join(operator.home, 'operator', 'heads'), old); // as another device of this operator has it
  const told = await operator.run(['devices', 'list']);
  assert.match(told.stderr, /new operator device: phone/);
});
