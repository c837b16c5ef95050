// What a person pasted, scanned or followed, and the three tries for the three words.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { HoldfastError } from '@holdfast/protocol/errors';
import { formatPairingCode, newPairingCode, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { readGiven } from '../../src/screens/pair/given.ts';
import { WordTries } from '../../src/screens/pair/tries.ts';
import { agentConsequences, stoppedWords } from '../../src/screens/pair/words.ts';
import { hostileTexts } from './hostile-texts.ts';

const relay = 'http://127.0.0.1:7433';

describe('a code as it is given', () => {
  it('is read from its text, its address, and this console with either behind it', () => {
    for (const [name, kind] of [
      ['agent', agentPairing],
      ['device', devicePairing],
    ] as const) {
      const code = newPairingCode(nodePrimitives, kind);
      const text = formatPairingCode(nodePrimitives, kind, code);
      const url = pairingUrl(nodePrimitives, kind, relay, code);
      const shapes = [
        [text, undefined],
        [` ${text.toLowerCase().replaceAll('-', ' ')} `, undefined],
        [url, relay],
        [`http://localhost:7434/pair#${text}`, undefined],
        [`https://console.example/pair#${url}`, relay],
        [`https://console.example/pair#${encodeURIComponent(url)}`, relay],
        [`#${url}`, relay],
        [`#${text}`, undefined],
      ] as const;
      for (const [given, at] of shapes)
        assert.deepEqual(readGiven(nodePrimitives, given), { kind: name, code, relayUrl: at }, given);
    }
  });

  it('is refused whatever else it is', async () => {
    const code = formatPairingCode(nodePrimitives, agentPairing, newPairingCode(nodePrimitives, agentPairing));
    const wrong = code.slice(0, -1) + (code.endsWith('0') ? '1' : '0');
    const texts = [
      ...hostileTexts,
      wrong,
      `${relay}/join#${code}`,
      `#%E0%A4%A`,
      `javascript:#${code}`,
      `http://x/pair#http://x/pair#${code}`,
    ];
    for (const text of texts) assert.equal(await outcomeOf(() => readGiven(nodePrimitives, text)), 'pairing_code_invalid', text);
  });
});

describe('the three words', () => {
  const opened = { kind: agentPairing, words: ['abandon', 'ability', 'able'] };
  it('are right in any case and spacing', () => {
    assert.equal(new WordTries(opened).try(' Abandon, ABILITY  able').kind, 'right');
  });
  it('are asked for three times, and then it is over for good; nothing typed is no try', () => {
    const tries = new WordTries(opened);
    assert.deepEqual(
      [tries.try('no'), tries.try(' ')],
      [
        { kind: 'again', left: 2 },
        { kind: 'again', left: 2 },
      ],
    );
    assert.deepEqual(tries.try('ability abandon able'), { kind: 'again', left: 1 });
    const last = tries.try('abandon ability');
    assert.equal(last.kind === 'over' && last.error.code, 'pairing_words_wrong');
    assert.equal(tries.try('abandon ability able').kind, 'over', 'the right ones come too late');
  });
});

describe('what pairing says', () => {
  it('names machine and fleet with what a screen would obey written out', () => {
    for (const machine of hostileTexts) {
      const offer = {
        v: 1 as const,
        agent: new Uint8Array(16),
        scope: 'main',
        machine,
        custody: 'tpm' as const,
        capabilities: [],
      };
      const said = agentConsequences(
        { ...offer, keys: { sign: new Uint8Array(), seal: new Uint8Array() }, nonce: new Uint8Array(16) },
        machine,
      );
      for (const each of said) assert.doesNotMatch(each, /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
    }
  });
  it('has a reason and a next step for a code that was used, and leaves other errors their own words', () => {
    assert.match(stoppedWords(new HoldfastError('rendezvous_used', 'x'), 'agent') ?? '', /used already.*holdfast enroll/);
    assert.match(stoppedWords(new HoldfastError('pairing_offer_invalid', 'x'), 'device') ?? '', /ten minutes.*new code/);
    assert.equal(stoppedWords(new HoldfastError('pairing_words_wrong', 'x'), 'agent'), undefined);
  });
});
