// Pairing against a relay in the middle: swapped, replayed, cut and foreign messages; wrong codes and words.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { pairingOffer, type PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { concat, equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { encode } from '@holdfast/protocol/codec/schema';
import { assertPairedWith } from '@holdfast/protocol/journal/state';
import {
  assertWords,
  formatPairingCode,
  makeAnswer,
  newPairingCode,
  openOffer,
  Pairing,
  pairingLifeMs,
  pairingUrl,
  parsePairingCode,
  rendezvousOf,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { hkdf } from '@holdfast/protocol/seal/hkdf';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World } from '@holdfast/testkit/world';

const terms = {
  agent: primitives.random(16),
  scope: 'main',
  machine: 'box',
  custody: 'software',
  capabilities: ['deploy'],
} as const;

/** Opens and closes messages as who knows the code can. */
async function reseal(
  code: Uint8Array,
  slot: 'offer' | 'answer',
  sealed: Uint8Array,
  change: (message: Value) => Value,
): Promise<Uint8Array> {
  const key = hkdf(primitives, { secret: code, info: utf8(`holdfast/v1 pairing ${slot}\0`), length: 32 });
  const message = await primitives.aeadOpen(key, sealed.subarray(0, 12), utf8(slot), sealed.subarray(12));
  const nonce = primitives.random(12);
  return concat(nonce, await primitives.aeadSeal(key, nonce, utf8(slot), encodeValue(change(decodeValue(message, 65_536)))));
}

interface Stage {
  readonly world: World;
  readonly holder: SoftwareKeyHolder;
  readonly code: Uint8Array;
  readonly pairing: Pairing;
  readonly opened: OpenedOffer<PairingOffer>;
  readonly answer: Uint8Array;
}

async function stageIn(world: World, holder: SoftwareKeyHolder): Promise<Stage> {
  const code = newPairingCode(primitives, agentPairing);
  const pairing = await Pairing.begin(primitives, agentPairing, holder, terms, { code: code.slice(), monotonicMs: 50 });
  const opened = await openOffer(primitives, agentPairing, code, pairing.sealedOffer);
  return { world, holder, code, pairing, opened, answer: await answerOf(world, code, opened) };
}

async function answerOf(
  world: World,
  code: Uint8Array,
  opened: OpenedOffer<PairingOffer>,
  change: Partial<Parameters<typeof makeAnswer>[3]> = {},
): Promise<Uint8Array> {
  const device = { id: world.operator.id, holder: world.operator.holder };
  const about = {
    code,
    fleet: world.fleet,
    genesis: world.genesis,
    control: { position: 2, hash: new Uint8Array(32).fill(7) },
    relay: world.relayKeys.publicKeys.sign,
  };
  return makeAnswer(primitives, device, opened, { ...about, ...change });
}

describe('pairing codes', () => {
  it('[PAIRING-1], [PAIRING-2]: are read however they are typed, and a slip of the keyboard is noticed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(27), fc.nat(30), (code, at, other) => {
        const text = formatPairingCode(primitives, agentPairing, code);
        assert.match(text, /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
        const typed = text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
        assert.deepEqual(parsePairingCode(primitives, agentPairing, ` ${typed}\n`).code, code);
        const plain = [...text.replaceAll('-', '')];
        const wrong = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[other] ?? '';
        if (plain[at] === wrong) return;
        plain[at] = wrong;
        let code2: Uint8Array | undefined;
        try {
          code2 = parsePairingCode(primitives, agentPairing, plain.join('')).code;
        } catch {
          return;
        }
        // One slip in 1,024 passes; then it is another code, never the same one in another spelling.
        assert.ok(!equalBytes(code2, code));
      }),
      { numRuns: 300 },
    );
  });

  it('[PAIRING-2]: refuses what is none', async () => {
    const text = formatPairingCode(primitives, agentPairing, newPairingCode(primitives, agentPairing));
    for (const typed of ['', 'hello', text.slice(0, -1), `${text}0`, text.replace(/.$/, 'U'), `ü${text}`]) {
      assert.equal(await outcomeOf(() => parsePairingCode(primitives, agentPairing, typed)), 'pairing_code_invalid');
    }
    const last = text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');
    assert.equal(await outcomeOf(() => parsePairingCode(primitives, agentPairing, last)), 'pairing_code_invalid');
  });

  it('[PAIRING-3]: travel in the fragment of an address', async () => {
    const code = newPairingCode(primitives, agentPairing);
    const url = pairingUrl(primitives, agentPairing, 'https://relay.example/base/', code);
    assert.equal(url, `https://relay.example/base/enroll#${formatPairingCode(primitives, agentPairing, code)}`);
    assert.deepEqual(parsePairingCode(primitives, agentPairing, ` ${url} `), { code, relayUrl: 'https://relay.example/base' });
    assert.equal(
      parsePairingCode(primitives, agentPairing, formatPairingCode(primitives, agentPairing, code)).relayUrl,
      undefined,
    );
    assert.equal(
      await outcomeOf(() => parsePairingCode(primitives, agentPairing, url.replace('/enroll#', '/other#'))),
      'pairing_code_invalid',
    );
    assert.equal(
      await outcomeOf(() => parsePairingCode(primitives, agentPairing, url.replace('https', 'ftp'))),
      'pairing_code_invalid',
    );
  });

  it('[PAIRING-4]: meeting place, keys and words tell nothing of each other', async () => {
    const code = newPairingCode(primitives, agentPairing);
    const rendezvous = rendezvousOf(primitives, agentPairing, code);
    assert.equal(rendezvous.length, 16);
    assert.ok(!equalBytes(rendezvous, code));
    assert.ok(!equalBytes(rendezvous, rendezvousOf(primitives, agentPairing, newPairingCode(primitives, agentPairing))));
    for (const slot of ['offer', 'answer']) {
      assert.ok(
        !equalBytes(hkdf(primitives, { secret: code, info: utf8(`holdfast/v1 pairing ${slot}\0`), length: 16 }), rendezvous),
      );
    }
  });
});

describe('pairing', () => {
  let world: World;
  let holder: SoftwareKeyHolder;
  before(async () => {
    world = await World.begin();
    holder = await SoftwareKeyHolder.generate(primitives);
  });

  it('both sides see the same offer and words, and the answer fits', async () => {
    const { pairing, opened, answer } = await stageIn(world, holder);
    assert.deepEqual(opened.words, pairing.words);
    assert.equal(opened.offer.machine, 'box');
    const got = await pairing.openAnswer(answer, 60);
    assert.deepEqual(got.fleet, world.fleet);
    assert.deepEqual(got.relay, world.relayKeys.publicKeys.sign);
  });

  describe('[PAIRING-7], [PAIRING-6]: an offer from elsewhere is not opened', () => {
    const refused = async (act: (stage: Stage) => Promise<readonly [Uint8Array, Uint8Array]>) => {
      const [code, sealed] = await act(await stageIn(world, holder));
      assert.equal(await outcomeOf(() => openOffer(primitives, agentPairing, code, sealed)), 'pairing_offer_invalid');
    };
    const withStatement =
      (change: (offer: PairingOffer) => unknown) =>
      (message: Value): Value => {
        const { statement, ...rest } = message as { statement: Uint8Array };
        const offer = decodeValue(statement, 65_536) as unknown as PairingOffer;
        return { ...rest, statement: encodeValue(change(offer) as Value) };
      };

    it('another code', () => refused(async ({ pairing }) => [newPairingCode(primitives, agentPairing), pairing.sealedOffer]));
    it('cut short', () => refused(async ({ code, pairing }) => [code, pairing.sealedOffer.slice(0, -1)]));
    it('empty', () => refused(async ({ code }) => [code, new Uint8Array(0)]));
    it('too long', () => refused(async ({ code }) => [code, new Uint8Array(40_000)]));
    it('the answer in its place', () => refused(async ({ code, answer }) => [code, answer]));
    it('any flipped bit', async () => {
      const { code, pairing } = await stageIn(world, holder);
      await fc.assert(
        fc.asyncProperty(fc.nat(pairing.sealedOffer.length - 1), fc.nat(7), async (at, bit) => {
          const sealed = pairing.sealedOffer.slice();
          sealed[at] = (sealed[at] ?? 0) ^ (1 << bit);
          assert.equal(await outcomeOf(() => openOffer(primitives, agentPairing, code, sealed)), 'pairing_offer_invalid');
        }),
        { numRuns: 50 },
      );
    });
    it('keys that the sender does not have', () =>
      refused(async ({ code, pairing }) => {
        const other = await SoftwareKeyHolder.generate(primitives);
        return [
          code,
          await reseal(
            code,
            'offer',
            pairing.sealedOffer,
            withStatement((offer) => ({ ...offer, keys: other.publicKeys })),
          ),
        ];
      }));
    it('a better key store than was signed', () =>
      refused(async ({ code, pairing }) => [
        code,
        await reseal(
          code,
          'offer',
          pairing.sealedOffer,
          withStatement((offer) => ({ ...offer, custody: 'tpm' })),
        ),
      ]));
    it('an unknown field', () =>
      refused(async ({ code, pairing }) => [
        code,
        await reseal(
          code,
          'offer',
          pairing.sealedOffer,
          withStatement((offer) => ({ ...offer, admin: true })),
        ),
      ]));
    it('the id of the control topic', () =>
      refused(async ({ code, holder: keys }) => [
        code,
        (
          await Pairing.begin(
            primitives,
            agentPairing,
            keys,
            { ...terms, agent: new Uint8Array(16) },
            { code: code.slice(), monotonicMs: 0 },
          )
        ).sealedOffer,
      ]));
  });

  it('[PAIRING-5]: changed keys change the words, and wrong words are refused', async () => {
    const { code, opened } = await stageIn(world, holder);
    const mallory = await SoftwareKeyHolder.generate(primitives);
    const statement = encode(pairingOffer, { ...opened.offer, keys: mallory.publicKeys });
    assert.ok(statement.length > 0);
    const swapped = await Pairing.begin(primitives, agentPairing, mallory, terms, { code: code.slice(), monotonicMs: 0 });
    const seen = await openOffer(primitives, agentPairing, code, swapped.sealedOffer);
    assert.notDeepEqual(seen.words, opened.words);
    assert.equal(await outcomeOf(() => assertWords(seen, opened.words.join(' '))), 'pairing_words_wrong');
    for (const typed of [
      '',
      opened.words.slice(1).join(' '),
      opened.words.toReversed().join(' '),
      `${opened.words.join(' ')} more`,
    ]) {
      if (typed === opened.words.join(' ')) continue;
      assert.equal(await outcomeOf(() => assertWords(opened, typed)), 'pairing_words_wrong');
    }
    assertWords(opened, `  ${opened.words.join(', ').toUpperCase()} \n`);
  });

  it('[PAIRING-5]: words are spread over the whole list', async () => {
    const seen = new Set<string>();
    const { code, holder: keys } = await stageIn(world, holder);
    for (let count = 0; count < 60; count += 1) {
      for (const word of (await Pairing.begin(primitives, agentPairing, keys, terms, { code: code.slice(), monotonicMs: 0 }))
        .words)
        seen.add(word);
    }
    assert.ok(seen.size > 150, `${seen.size} of 180 draws differ`);
  });

  describe('[PAIRING-10], [PAIRING-11], [PAIRING-12]: an answer from elsewhere is refused', () => {
    const refused = async (act: (stage: Stage) => Promise<Uint8Array>) => {
      const stage = await stageIn(world, holder);
      const sealed = await act(stage);
      assert.equal(await outcomeOf(() => stage.pairing.openAnswer(sealed, 60)), 'pairing_answer_invalid');
    };

    it('sealed by who does not know the code', () =>
      refused(async ({ opened }) => answerOf(world, newPairingCode(primitives, agentPairing), opened)));
    it('cut short', () => refused(async ({ answer }) => answer.slice(0, -1)));
    it('the offer sent back', () => refused(async ({ pairing }) => pairing.sealedOffer));
    it('to another offer under the same code', () =>
      refused(async ({ code }) => {
        const other = await Pairing.begin(primitives, agentPairing, holder, terms, { code: code.slice(), monotonicMs: 0 });
        return answerOf(world, code, await openOffer(primitives, agentPairing, code, other.sealedOffer));
      }));
    it('for another agent', () =>
      refused(async ({ code, opened }) =>
        answerOf(world, code, { ...opened, offer: { ...opened.offer, agent: primitives.random(16) } }),
      ));
    it("with another fleet's id", () =>
      refused(async ({ code, opened }) => answerOf(world, code, opened, { fleet: new Uint8Array(32).fill(1) })));
    it("with another fleet's genesis", () =>
      refused(async ({ code, opened }) => answerOf(world, code, opened, { genesis: (await World.begin()).genesis })));
    it('with an entry that is no genesis', () =>
      refused(async ({ code, opened }) => {
        const entry = await world.operator.forge({ kind: 'egress-end', rule: primitives.random(16) });
        return answerOf(world, code, opened, { genesis: entry.wire, fleet: entry.hash });
      }));
    it('by a device whose id is not of its key', () =>
      refused(async ({ code, opened }) => {
        const mallory = await SoftwareKeyHolder.generate(primitives);
        const about = {
          code,
          fleet: world.fleet,
          genesis: world.genesis,
          control: { position: 2, hash: world.fleet },
          relay: world.relayKeys.publicKeys.sign,
        };
        return makeAnswer(primitives, { id: world.operator.id, holder: mallory }, opened, about);
      }));
    it('by a device that the fleet does not know', () =>
      refused(async ({ code, opened }) => {
        const mallory = await SoftwareKeyHolder.generate(primitives);
        const about = {
          code,
          fleet: world.fleet,
          genesis: world.genesis,
          control: { position: 2, hash: world.fleet },
          relay: world.relayKeys.publicKeys.sign,
        };
        return makeAnswer(primitives, { id: primitives.random(16), holder: mallory }, opened, about);
      }));
    it('signed by another key', () =>
      refused(async ({ code, answer }) =>
        reseal(code, 'answer', answer, (message) => ({
          ...(message as { statement: Uint8Array }),
          signature: new Uint8Array(64).fill(1),
        })),
      ));
    it('with a head from before the enrolment', () =>
      refused(async ({ code, opened }) => answerOf(world, code, opened, { control: { position: 0, hash: world.fleet } })));
  });

  it('[PAIRING-8]: one answer, good or bad; then the code is used up', async () => {
    for (const first of ['good', 'bad']) {
      const { pairing, answer } = await stageIn(world, holder);
      const bad = answer.slice(1);
      assert.equal(
        await outcomeOf(() => pairing.openAnswer(first === 'good' ? answer : bad, 60)),
        first === 'good' ? 'ok' : 'pairing_answer_invalid',
      );
      assert.equal(await outcomeOf(() => pairing.openAnswer(answer, 60)), 'pairing_answer_invalid');
    }
  });

  it('[PAIRING-8]: two answers at once are one', async () => {
    const { pairing, answer } = await stageIn(world, holder);
    const both = await Promise.all([
      outcomeOf(() => pairing.openAnswer(answer, 60)),
      outcomeOf(() => pairing.openAnswer(answer, 60)),
    ]);
    assert.deepEqual(both, ['ok', 'pairing_answer_invalid']);
  });

  it('[PAIRING-9]: an answer that comes too late is refused', async () => {
    const late = await stageIn(world, holder);
    assert.equal(await outcomeOf(() => late.pairing.openAnswer(late.answer, 50 + pairingLifeMs + 1)), 'pairing_expired');
    const just = await stageIn(world, holder);
    assert.equal(await outcomeOf(() => just.pairing.openAnswer(just.answer, 50 + pairingLifeMs)), 'ok');
  });

  it('[PAIRING-12]: the fleet that is read is the one that was named', async () => {
    const { pairing, code, opened } = await stageIn(world, holder);
    const { position, hash } = world.operator.replica.state.control;
    const answer = await pairing.openAnswer(
      await answerOf(world, code, opened, { control: { position: position + 1, hash } }),
      60,
    );
    const { state } = world.operator.replica;
    const named = { ...answer, control: { position, hash } };
    assertPairedWith(state, named);
    const other = (await SoftwareKeyHolder.generate(primitives)).publicKeys;
    const wrong = [
      answer,
      { ...named, fleet: new Uint8Array(32) },
      { ...named, relay: other.sign },
      { ...named, device: { ...named.device, id: new Uint8Array(16) } },
      { ...named, device: { ...named.device, keys: { ...named.device.keys, sign: other.sign } } },
      { ...named, device: { ...named.device, keys: { ...named.device.keys, seal: other.seal } } },
    ];
    for (const each of wrong) assert.equal(await outcomeOf(() => assertPairedWith(state, each)), 'pairing_answer_invalid');
  });
});
