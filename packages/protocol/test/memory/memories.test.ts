// Memories as readers reduce them: who may say what, what is shown and what it is worth, what a hold takes along. And that it is the same whatever came first.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { Memories } from '@holdfast/protocol/memory/memories';
import { Standings, usualPolicy, type MemoryPolicy } from '@holdfast/protocol/memory/standing';
import { openText, sealText } from '@holdfast/protocol/memory/text';
import {
  decodeBatch,
  encodeBatch,
  maxBatch,
  memoryTopic,
  sources,
  type Heard,
  type Said,
  type SaidBy,
  type SaidOf,
} from '@holdfast/protocol/memory/version';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { share } from '@holdfast/testkit/shares';

const fleet = new Uint8Array(32).fill(1);
const nowMs = 1_790_000_000_000;
const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const operator = { author: id(9), role: 'operator' } as const;
const agent = { author: id(2), role: 'agent' } as const;
const other = { author: id(3), role: 'agent' } as const;

let count = 0;
const nonce = (): Uint8Array => new Uint8Array(16).fill(7).map((_, at) => (at < 4 ? (count += 1) & 0xff : 7));
type Author = Pick<SaidBy, 'author' | 'role'>;

/** Said in an entry, and read out of it. */
function say(by: Author, said: Said, { atMs = nowMs, audience = 'fleet' }: Partial<SaidBy> = {}): Heard {
  const { body } = encodeBatch(primitives, { fleet, author: by.author }, [said]);
  const [heard] = decodeBatch(primitives, fleet, { ...by, atMs, audience }, body);
  return heard ?? assert.fail();
}

type Terms = Partial<SaidOf<'write'>> & Partial<Pick<SaidBy, 'atMs' | 'audience'>>;

function write(by: Author, { atMs, audience, ...more }: Terms = {}): Heard {
  const said: SaidOf<'write'> = {
    ...{ kind: 'write', nonce: nonce(), before: [], of: 'fact', source: by.role, lineage: [], supersedes: [] },
    ...{ text: new Uint8Array(32) },
    ...more,
  };
  return say(by, said, { ...(atMs !== undefined && { atMs }), ...(audience !== undefined && { audience }) });
}

const mark = (by: Author, kind: 'forget' | 'hold' | 'release', memory: Uint8Array, atMs = nowMs): Heard =>
  say(by, kind === 'release' ? { kind, nonce: nonce(), memory } : { kind, nonce: nonce(), memory, reason: '' }, { atMs });
const accept = (by: Author, version: Uint8Array): Heard => say(by, { kind: 'accept', nonce: nonce(), version });
const restore = (by: Author, before: Uint8Array, version: Uint8Array, atMs = nowMs): Heard =>
  say(by, { kind: 'restore', nonce: nonce(), before: [before], version }, { atMs });

const taken = (...all: readonly Heard[]): Memories => {
  const memories = new Memories();
  for (const each of all) memories.take(each);
  return memories;
};
const stood = (memories: Memories, { id: memory }: Heard, policy: MemoryPolicy = usualPolicy, at = nowMs) => {
  const found = new Standings(memories, policy, at).of(toHex(memory));
  return found && [found.standing, found.trust, found.version.id];
};

describe('what memory topics say', () => {
  it('[MEMORY-1] each author has a topic of its own', () => {
    assert.notDeepEqual(memoryTopic(primitives, id(1)), memoryTopic(primitives, id(2)));
    assert.equal(memoryTopic(primitives, id(1)).length, 16);
  });

  it('[MEMORY-2] a body that is not of the form counts for nothing as a whole', () => {
    const good = write(agent).said;
    const by = { ...agent, atMs: nowMs, audience: 'fleet' };
    const { body } = encodeBatch(primitives, { fleet, author: agent.author }, [good, good]);
    for (const wrong of [body.slice(0, -1), Uint8Array.of(...body, 0), Uint8Array.of(0xa0)])
      assert.throws(() => decodeBatch(primitives, fleet, by, wrong), (thrown) => codeOf(thrown).startsWith('codec_')); // prettier-ignore
    const many = Array.from({ length: maxBatch + 1 }, () => good);
    assert.throws(() => encodeBatch(primitives, { fleet, author: agent.author }, many), (thrown) => codeOf(thrown) === 'codec_limit'); // prettier-ignore
  });

  it('[MEMORY-3] an id is of who says what: another author, fleet or word has another one, and twice is once', () => {
    const said = write(agent).said;
    const one = say(agent, said);
    assert.deepEqual(say(agent, said).id, one.id);
    assert.notDeepEqual(say(other, said).id, one.id);
    const memories = taken(one, one, say(agent, said));
    assert.equal(memories.memory(toHex(one.id))?.versions.length, 1);
  });

  it('[MEMORY-4, MEMORY-5] a text opens where it was sealed for, and with not one bit changed', async () => {
    const key = primitives.random(32);
    const place = { fleet, audience: 'fleet', nonce: nonce() };
    const said = { claim: 'deploys go through make ship', detail: 'since\tMay', tags: ['deploy'], paths: ['Makefile'] };
    const { sealed, hash } = await sealText(primitives, key, place, said);
    assert.deepEqual(await openText(primitives, key, place, { sealed, hash }), said);
    const bent = sealed.map((byte, at) => (at === 5 ? byte ^ 1 : byte));
    await assert.rejects(openText(primitives, key, place, { sealed: bent, hash }), { code: 'memory_altered' });
    for (const elsewhere of [
      { ...place, audience: agentAudience(id(2)) },
      { ...place, nonce: nonce() },
      { ...place, fleet: new Uint8Array(32) },
    ])
      await assert.rejects(openText(primitives, key, elsewhere, { sealed, hash }), { code: 'open_failed' });
    await assert.rejects(sealText(primitives, key, place, { ...said, claim: 'a\u001b[2Jb' }), (thrown) =>
      codeOf(thrown).startsWith('codec_'),
    );
    await assert.rejects(sealText(primitives, key, place, { ...said, detail: 'é'.repeat(16_001) }), { code: 'codec_limit' });
  });
});

describe('what counts', () => {
  it('[MEMORY-6] a memory stays in its scope, and an agent in its own', () => {
    const first = write(agent);
    const moved = write(agent, { before: [first.id], audience: agentAudience(agent.author) });
    const held = say(
      operator,
      { kind: 'hold', nonce: nonce(), memory: first.id, reason: '' },
      { audience: agentAudience(agent.author) },
    );
    const memories = taken(first, moved, held);
    assert.deepEqual([memories.fateOf(moved.id), memories.fateOf(held.id)], ['memory_scope', 'memory_scope']);
    assert.equal(new Memories().take(write(agent, { audience: agentAudience(other.author) })), 'memory_scope');
    const [a, b] = [write(agent), write(agent)];
    assert.equal(taken(a, b).take(write(agent, { before: [a.id, b.id] })), 'memory_scope', 'of two memories');
  });

  it('[MEMORY-7] nobody takes an operator\u2019s word, and an agent changes, marks and forgets what is its own', () => {
    assert.equal(new Memories().take(write(agent, { source: 'operator' })), 'memory_denied');
    assert.equal(new Memories().take(write(operator, { source: 'agent' })), 'memory_denied');
    const [theirs, own] = [write(operator), write(agent)];
    const memories = taken(theirs, own);
    const denied = [
      ...[write(agent, { before: [theirs.id] }), restore(agent, theirs.id, theirs.id), mark(agent, 'forget', theirs.id)],
      ...[mark(other, 'forget', own.id), mark(agent, 'hold', own.id), mark(agent, 'release', own.id), accept(agent, own.id)],
    ];
    for (const each of denied) assert.equal(memories.take(each), 'memory_denied', each.said.kind);
    assert.equal(memories.take(write(other, { before: [own.id] })), 'counts', 'another agent writes on, and the history stays');
    assert.equal(memories.take(mark(agent, 'forget', own.id)), 'counts');
  });

  it('what refers to what counts for nothing counts for nothing, also where it came first', () => {
    const wrong = write(agent, { source: 'operator' });
    const next = write(agent, { before: [wrong.id] });
    const after = write(agent, { before: [next.id] });
    for (const order of [
      [wrong, next, after],
      [after, next, wrong],
    ]) {
      const memories = taken(...order);
      assert.deepEqual(
        order.map((each) => String(memories.fateOf(each.id))).toSorted((a, b) => (a < b ? -1 : 1)),
        ['memory_denied', 'memory_unknown', 'memory_unknown'],
      );
    }
    const first = write(agent);
    const held = mark(operator, 'hold', first.id);
    assert.equal(taken(first, held).take(write(operator, { before: [held.id] })), 'memory_unknown', 'a mark is no version');
    assert.equal(new Memories().take(next), 'waits');
  });
});

describe('what is shown', () => {
  it('[MEMORY-8] the latest head; what was written apart stays in the history', () => {
    const first = write(agent);
    const [mine, yours] = [
      write(agent, { before: [first.id], atMs: nowMs + 1 }),
      write(other, { before: [first.id], atMs: nowMs + 2 }),
    ];
    const memories = taken(first, mine, yours);
    assert.equal(stood(memories, first)?.[2], toHex(yours.id));
    assert.deepEqual(
      memories.memory(toHex(first.id))?.heads.map(({ id: head }) => head),
      [toHex(yours.id), toHex(mine.id)],
    );
    const joined = write(operator, { before: [mine.id, yours.id], atMs: nowMs - 5 });
    memories.take(joined);
    assert.deepEqual(stood(memories, first), ['shown', 'operator', toHex(joined.id)]);
  });

  it('[MEMORY-9] it is worth the least of what it was made from and what was in context; recall raises nothing', () => {
    const web = write(agent, { source: 'untrusted' });
    const derived = write(agent, { lineage: [web.id] });
    const edited = write(agent, { before: [derived.id] });
    const memories = taken(web, derived, edited);
    assert.equal(stood(memories, derived)?.[1], 'untrusted');
    assert.equal(stood(taken(write(agent, { lineage: [id(77)] })), web), undefined);
    const lost = write(agent, { lineage: [id(77)] });
    assert.equal(stood(taken(lost), lost)?.[1], 'untrusted', 'of what nobody knows');
    const said = write(operator, { before: [edited.id], lineage: [web.id] });
    memories.take(said);
    assert.equal(stood(memories, derived)?.[1], 'operator', 'an operator\u2019s words rest on nothing else');
    const back = restore(operator, said.id, edited.id, nowMs + 1);
    memories.take(back);
    assert.deepEqual(stood(memories, derived)?.slice(1), ['untrusted', toHex(back.id)], 'and going back raises nothing');
  });

  it('[MEMORY-10] what needs review is pending until that very version is accepted', () => {
    const first = write(agent, { source: 'untrusted' });
    const memories = taken(first);
    assert.equal(stood(memories, first)?.[0], 'pending');
    assert.equal(stood(memories, first, { ...usualPolicy, untrusted: 'show' })?.[0], 'shown');
    memories.take(accept(operator, first.id));
    assert.equal(stood(memories, first)?.[0], 'shown');
    memories.take(write(agent, { before: [first.id], source: 'untrusted' }));
    assert.equal(stood(memories, first)?.[0], 'pending', 'the next one was read by nobody');
    const own = write(operator);
    assert.equal(stood(taken(own), own, { untrusted: 'review', tool: 'review', agent: 'review' })?.[0], 'shown');
  });

  it('[MEMORY-11] a hold takes along what was written under its influence, until a later release', () => {
    const poison = write(agent, { source: 'tool' });
    const child = write(other, { lineage: [poison.id] });
    const edit = write(agent, { before: [poison.id] });
    const grandchild = write(other, { lineage: [child.id] });
    const apart = write(other);
    const memories = taken(poison, child, edit, grandchild, apart, mark(operator, 'hold', poison.id, nowMs + 10));
    assert.deepEqual(
      [poison, child, grandchild, apart].map((each) => stood(memories, each)?.[0]),
      ['held', 'held', 'held', 'shown'],
    );
    assert.deepEqual([...memories.influencedBy(toHex(poison.id))].toSorted(), [toHex(child.id), toHex(grandchild.id)].toSorted());
    assert.equal(new Standings(memories, usualPolicy, nowMs).of(toHex(grandchild.id))?.heldFor, toHex(poison.id));
    memories.take(mark(operator, 'release', child.id, nowMs + 20));
    assert.deepEqual(
      [poison, child, grandchild].map((each) => stood(memories, each)?.[0]),
      ['held', 'shown', 'shown'],
    );
    memories.take(mark(operator, 'hold', poison.id, nowMs + 30));
    assert.equal(stood(memories, child)?.[0], 'held', 'held anew');
    memories.take(mark(operator, 'release', poison.id, nowMs + 40));
    assert.deepEqual(
      [poison, child, grandchild].map((each) => stood(memories, each)?.[0]),
      ['shown', 'shown', 'shown'],
    );
  });

  it('[MEMORY-12] one that is worth less supersedes nothing; of two that are worth the same the later one stays', () => {
    const said = write(operator);
    const claim = write(agent, { supersedes: [said.id], atMs: nowMs + 5 });
    assert.equal(stood(taken(said, claim), said)?.[0], 'shown');
    const now = write(operator, { supersedes: [said.id], atMs: nowMs + 6 });
    assert.equal(stood(taken(said, claim, now), said)?.[0], 'superseded');
    const back = write(agent, { atMs: nowMs });
    const forth = write(agent, { supersedes: [back.id], atMs: nowMs + 1 });
    const again = write(agent, { before: [back.id], supersedes: [forth.id], atMs: nowMs + 2 });
    const memories = taken(back, forth, again);
    assert.deepEqual([stood(memories, back)?.[0], stood(memories, forth)?.[0]], ['shown', 'superseded']);
    const early = write(agent, { validFromMs: nowMs + 1000, supersedes: [back.id] });
    assert.equal(stood(taken(back, early), back)?.[0], 'shown', 'what is not shown itself supersedes nothing');
  });

  it('has a time: before it and after it nobody sees it', () => {
    const first = write(agent, { validFromMs: nowMs, validUntilMs: nowMs + 20, expiresAtMs: nowMs + 10 });
    const memories = taken(first);
    for (const [at, standing] of [
      [-1, 'early'],
      [0, 'shown'],
      [9, 'shown'],
      [10, 'expired'],
    ] as const)
      assert.equal(stood(memories, first, usualPolicy, nowMs + at)?.[0], standing);
  });

  it('[MEMORY-13] forgotten it stays so, whatever is written to it', () => {
    const first = write(agent);
    const memories = taken(first, mark(agent, 'forget', first.id), write(operator, { before: [first.id], atMs: nowMs + 9 }));
    assert.equal(stood(memories, first)?.[0], 'forgotten');
    assert.equal(memories.memory(toHex(first.id))?.versions.length, 2, 'what is left of it');
  });
});

describe('whatever came first', () => {
  /** A history of three authors who have seen parts of each other's: each act refers to earlier ones, and to some that nobody ever says. */
  const history = fc
    .array(
      fc.record({
        who: fc.nat(2),
        what: fc.nat(6),
        at: fc.nat(9),
        from: fc.array(fc.nat(40), { maxLength: 3 }),
        source: fc.nat(3),
      }),
      { minLength: 1, maxLength: 40 },
    )
    .map((acts) => {
      const all: Heard[] = [];
      for (const { who, what, at, from, source } of acts) {
        const by = [operator, agent, other][who] ?? operator;
        const named = from.map((each) => all[each]?.id ?? id(each + 100));
        const [one = id(99)] = named;
        const atMs = nowMs + at;
        const kinds = [
          () => write(by, { atMs, source: by.role === 'operator' ? 'operator' : (sources[source] ?? 'agent'), lineage: named }),
          () => write(by, { atMs, before: named, source: by.role }),
          () => write(by, { atMs, before: [one], supersedes: named, source: by.role }),
          () => restore(by, one, named[1] ?? one, atMs),
          () => mark(by, 'hold', one, atMs),
          () => mark(by, source === 0 ? 'forget' : 'release', one, atMs),
          () => accept(by, one),
        ];
        all.push((kinds[what] ?? (() => write(by)))());
      }
      return all;
    });
  const views = (memories: Memories): readonly unknown[] => {
    const standings = new Standings(memories, usualPolicy, nowMs + 5);
    return [...memories.ids].toSorted().map((each) => {
      const found = standings.of(each);
      const heads = found?.memory.heads.map(({ id: head }) => head);
      return [each, found?.standing, found?.trust, found?.version.id, found?.heldFor, heads];
    });
  };

  it('all replicas show the same, and nothing is lost: every version that counts is in its memory', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (all, chances) => {
        const inOrder = taken(...all);
        const shuffled = all
          .map((heard, at) => ({ heard, chance: chances[at] ?? 0 }))
          .toSorted((a, b) => a.chance - b.chance)
          .map(({ heard }) => heard);
        const elsewhere = taken(...shuffled);
        assert.deepEqual(views(elsewhere), views(inOrder));
        for (const each of all) {
          assert.equal(elsewhere.fateOf(each.id), inOrder.fateOf(each.id));
          const isVersion = each.said.kind === 'write' || each.said.kind === 'restore';
          if (!isVersion || inOrder.fateOf(each.id) !== 'counts') continue;
          const version = inOrder.version(toHex(each.id)) ?? assert.fail();
          assert.ok(inOrder.memory(version.memory)?.versions.includes(version));
        }
      }),
      { numRuns: share({ ci: 300, soak: 30_000 }) },
    );
  });
});
