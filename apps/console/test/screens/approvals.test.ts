// Cards of what waits: which asks are one card, what stays where, what the sentences say, and what a standing grant would be.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import type { Act, Ask } from '@holdfast/protocol/approvals/ask';
import { grantItem } from '@holdfast/protocol/journal/compose';
import type { Agent, FleetState } from '@holdfast/protocol/journal/state';
import { decide } from '@holdfast/protocol/vault/fence';
import { World, type AgentActor } from '@holdfast/testkit/world';
import type { ShownAsk } from '../../src/fleet/fleet.ts';
import {
  deckAfter,
  firstOf,
  isOver,
  openCards,
  sameDeck,
  waitingIn,
  type Card,
  type Ending,
} from '../../src/screens/approvals/deck.ts';
import { sameness } from '../../src/screens/approvals/grouping.ts';
import { isHeld } from '../../src/screens/approvals/keys.ts';
import { candidates, narrowed } from '../../src/screens/approvals/narrowed.ts';
import { answerSentence, endingWords, requestLine, titleOf } from '../../src/screens/approvals/words.ts';
import { hostileTexts } from './hostile-texts.ts';

const push: Act = {
  kind: 'tool-call',
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  text: 'git push --force',
  directory: '/srv',
};
const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
let count = 0;

function asked(act: Act, change: Partial<Ask> = {}, agentByte = 2): ShownAsk {
  count += 1;
  const id = bytes(16, count);
  const agent = { id: bytes(16, agentByte), scope: 'main', machine: 'laptop' } as Agent;
  const ask: Ask = {
    kind: 'ask',
    v: 1,
    ask: id,
    session: bytes(16, 9),
    mode: 'sealed',
    program: 'claude',
    act,
    call: bytes(32, count),
    because: [{ rule: 'no-force-push', reason: 'It rewrites what others have pulled.' }],
    lifeMs: 120_000,
    ...change,
  };
  return { open: { agent, ask, expiresAtMs: 1_000_000 }, key: `${agentByte}:${count}`, unusual: [] };
}

const use = (change: Partial<Extract<Act, { kind: 'use' }>> = {}): Extract<Act, { kind: 'use' }> => ({
  ...{ kind: 'use', grant: bytes(16, 1), item: bytes(16, 2), name: 'bank', method: 'POST', host: 'api.bank.example', port: 443 },
  ...{ path: '/v1/payments', query: '', headers: [], body: '{"amount":10}', key: bytes(1249, 3) },
  ...change,
});

describe('asks that read the same', () => {
  it('are one card; whatever a person could see differ makes two', () => {
    assert.equal(sameness(asked(push)), sameness(asked(push)));
    const other: readonly ShownAsk[] = [
      asked({ ...push, text: 'git push --force ' }),
      asked({ ...push, text: 'git push --force\u200b' }),
      asked({ ...push, directory: '/tmp' }),
      asked({ ...push, subagent: 'research' }),
      asked(push, { mode: 'guarded' }),
      asked(push, { program: 'codex' }),
      asked(push, { because: [] }),
      asked(push, {}, 3),
      asked({ kind: 'access', method: 'GET', host: 'a.example', port: 443, path: '/', reason: 'git push --force' }),
      { ...asked(push), unusual: ['first-use'] },
    ];
    assert.equal(new Set([asked(push), ...other].map(sameness)).size, other.length + 1);
  });

  it('of a use the key that the answer is sealed to makes no difference, and every byte of the request does', () => {
    const same = sameness(asked(use()));
    assert.equal(sameness(asked(use({ key: bytes(1249, 4) }))), same);
    for (const change of [
      { body: '{"amount":11}' },
      { query: 'a' },
      { path: '/v1/payments/' },
      { headers: [{ name: 'a', value: 'b' }] },
    ])
      assert.notEqual(sameness(asked(use(change))), same);
  });
});

describe('the deck', () => {
  const none = new Set<string>();
  const still = (asks: readonly ShownAsk[], endings = new Map<string, Ending>()) => ({
    asks,
    endingOf: (ask: ShownAsk) => endings.get(ask.key),
    away: none,
    taken: none,
  });
  const keys = (cards: readonly Card[]): readonly string[] => cards.map(({ key }) => key);
  const ended: Ending = { outcome: 'denied', atMs: 5 };

  it('puts what is new at the end, and joins what reads the same', () => {
    const [one, other, again] = [asked(push), asked({ ...push, text: 'rm -r build' }), asked(push)];
    const first = deckAfter([], still([one]));
    const second = deckAfter(first, still([one, other, again]));
    assert.deepEqual(keys(second), [one.key, other.key]);
    assert.deepEqual(
      second[0]?.members.map(({ ask }) => ask.key),
      [one.key, again.key],
    );
    assert.ok(sameDeck(second, deckAfter(second, still([one, other, again]))));
    assert.ok(!sameDeck(first, second));
  });

  it('leaves what is over where it is until it is put away, and never lets a card be joined that is over or being answered', () => {
    const [one, other, again] = [asked(push), asked({ ...push, text: 'rm -r build' }), asked(push)];
    const first = deckAfter([], still([one, other]));
    const endings = new Map([[one.key, ended]]);
    const over = deckAfter(first, still([other], endings));
    assert.deepEqual(keys(over), [one.key, other.key], 'nothing moved');
    assert.deepEqual(over.map(isOver), [true, false]);
    const joined = deckAfter(over, still([other, again], endings));
    assert.deepEqual(keys(joined), [one.key, other.key, again.key]);
    const taken = { ...still([one, other, again]), taken: new Set([one.key]) };
    assert.deepEqual(keys(deckAfter(first, taken)), [one.key, other.key, again.key]);
    const away = { ...still([other, again], endings), away: new Set([one.key, other.key]) };
    assert.deepEqual(keys(deckAfter(joined, away)), [other.key, again.key], 'only what is over is put away');
  });

  it('of a group that is over in part the rest still waits, and is what the card is read by', () => {
    const [one, again] = [asked(push), asked(push)];
    const [card] = deckAfter(deckAfter([], still([one, again])), still([again], new Map([[one.key, ended]])));
    assert.ok(card !== undefined && !isOver(card));
    assert.deepEqual([firstOf(card).key, waitingIn(card).map(({ key }) => key)], [again.key, [again.key]]);
  });

  it('keeps at most twenty that are over, and all that wait', () => {
    const asks = Array.from({ length: 40 }, (_, at) => asked({ ...push, text: `echo ${at}` }));
    const before = deckAfter([], still(asks));
    const endings = new Map(asks.slice(0, 30).map((each) => [each.key, ended]));
    const after = deckAfter(before, still(asks.slice(30), endings));
    assert.deepEqual([after.filter(isOver).length, after.length], [20, 30]);
    const open = openCards(after, 3);
    assert.deepEqual(
      [open.length, open.filter((each) => !isOver(each)).length],
      [23, 3],
      'what is over hides nothing that waits',
    );
  });
});

describe('the words of a card', () => {
  it('say what is confirmed, whole or with how much is left out', () => {
    assert.equal(answerSentence(asked(push), 'once'), 'Let main on laptop run Bash “git push --force”, once');
    assert.match(
      answerSentence(asked(push), 'deny', { count: 3 }),
      /^Deny main on laptop to run Bash .*, 3 times, once for each of the 3 asks/,
    );
    const long = answerSentence(asked({ ...push, text: 'x'.repeat(500) }), 'once');
    assert.match(long, /“x{120}…” \(380 more characters, shown on the card\)/);
    assert.equal(requestLine(use({ query: 'a=b', port: 8443 })), 'POST https://api.bank.example:8443/v1/payments?a=b');
    const wish: Act = { kind: 'access', method: 'GET', host: 'a.example', port: 443, path: '/v1', reason: 'please' };
    assert.equal(
      answerSentence(asked(wish), 'once', { item: 'books' }),
      'Grant books to main on laptop for “GET https://a.example/v1”, and for nothing else',
    );
  });

  it('tell what became of it, by whom, and how long it took', () => {
    const allowed: Ending = { outcome: 'allowed', atMs: 10_800, letGoAfterMs: 12_400 };
    const own = { verdict: 'once' as const, sentAtMs: 10_000 };
    assert.equal(
      endingWords(allowed, own),
      "Approved, once. Unblocked 800 ms later. It had waited 12.4 s in all, by its machine's clock.",
    );
    assert.equal(endingWords({ outcome: 'allowed', atMs: 10_800 }, own), 'Approved, once. Unblocked 800 ms later.');
    assert.match(endingWords(allowed, undefined), /Answered on another device/);
    assert.match(endingWords({ outcome: 'denied', atMs: 1 }, own), /^Too late\. Denied\./);
    assert.match(endingWords({ outcome: 'expired', atMs: 1 }, undefined), /Nobody answered in time/);
    assert.match(endingWords(undefined, own), /waiting for the agent's word/);
    assert.match(endingWords(undefined, { ...own, silent: true }), /has not said that it heard it/);
    assert.equal(endingWords(undefined, undefined), '');
  });

  it('hold no character that a screen would obey or hide, whatever an agent is called or wants', () => {
    for (const text of hostileTexts) {
      const ask = asked({ ...push, name: text, text });
      const said = [answerSentence(ask, 'once'), titleOf(ask.open.ask.act), titleOf({ ...use(), name: text })];
      for (const each of said)
        assert.doesNotMatch(each, /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u, JSON.stringify(text));
    }
  });
});

describe('keys on cards', () => {
  it('that are held down are one press', () => {
    assert.deepEqual(
      ['a', 'd', 'D', 'j', 'k'].map((key) => isHeld({ key, repeat: true })),
      [true, true, true, false, false],
    );
    assert.equal(isHeld({ key: 'a', repeat: false }), false);
  });
});

describe('a standing grant made of an ask', () => {
  let world: World;
  let main: AgentActor;
  let act: Extract<Act, { kind: 'use' }>;
  const state = (): FleetState => world.operator.replica.state;
  const terms = (change: object = {}) => {
    const [item] = candidates(state(), main.id, act);
    return { item: item ?? assert.fail(), untilMs: 5_000_000, uses: { windows: [{ max: 20, windowMs: 3_600_000 }] }, ...change };
  };
  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    const item = await world.operator.keep('bank', bytes(20, 0x61));
    const { grant } = await world.operator.act((operator) =>
      grantItem(operator, { item, agent: main.id, secret: 'approved per use', limits: { approveWithinMs: 60_000 } }),
    );
    const [held] = state().items.values();
    const [place] = held?.fence.hosts ?? [];
    const [method = 'GET'] = held?.fence.methods ?? [];
    act = use({ grant, item, name: 'bank', method, host: place?.host ?? '', port: place?.port ?? 443, path: '/v1/one' });
  });

  it('lets through this method, host and path, and nothing beside them; and ends', () => {
    const made = narrowed(state(), main.id, act, terms()) ?? assert.fail();
    const { method, host, port } = act;
    const facts = { scheme: 'https', method, host, port, path: '/v1/one' };
    assert.equal(decide(made.fence, facts).kind, 'allow');
    for (const change of [
      { path: '/v1/one/more' },
      { path: '/v1' },
      { method: 'DELETE' },
      { host: 'other.example' },
      { port: 8443 },
    ])
      assert.equal(decide(made.fence, { ...facts, ...change }).kind, 'refuse');
    assert.deepEqual([made.fence.untilMs, made.fence.uses, made.fence.approveWithinMs], [5_000_000, terms().uses, undefined]);
    assert.ok(made.instead !== undefined);
  });

  it('is offered only where the grant is what the ask says, and never for a path that would be a pattern', () => {
    assert.equal(candidates(state(), main.id, act).length, 1);
    assert.deepEqual(candidates(state(), main.id, push), []);
    assert.deepEqual(candidates(state(), main.id, { ...act, path: '/v1/*' }), []);
    assert.deepEqual(candidates(state(), main.id, { ...act, grant: bytes(16, 7) }), []);
    assert.deepEqual(candidates(state(), main.id, { ...act, name: 'books' }), []);
    assert.deepEqual(candidates(state(), bytes(16, 8), act), []);
  });
});
