// Searching memories: what is found, in what order and why; what hidden, removed and repeated memories change, which is nothing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getHeapSnapshot, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';

import { codeOf } from '@holdfast/protocol/errors';
import { areAlike } from '@holdfast/protocol/memory/near-duplicates';
import { search, type Query } from '@holdfast/protocol/memory/search';
import { SearchIndex, type Searchable } from '@holdfast/protocol/memory/search-index';
import { termsOf } from '@holdfast/protocol/memory/terms';
import { share } from '@holdfast/testkit/shares';

const dayMs = 86_400_000;
const nowMs = Date.parse('2026-11-30T12:00:00Z');
const runs = { numRuns: share({ ci: 100, soak: 5_000 }) };

const memory = (id: string, claim: string, more: Partial<Searchable> = {}): Searchable => ({
  id,
  scope: 'fleet',
  claim,
  detail: '',
  tags: [],
  paths: [],
  repository: '',
  atMs: nowMs - 100 * dayMs,
  ...more,
});
const query = (text: string, more: Partial<Query> = {}): Query => ({
  text,
  scopes: ['fleet'],
  nowMs,
  limit: 10,
  exact: false,
  repository: '',
  paths: [],
  vectors: [],
  ...more,
});
function indexOf(entries: readonly Searchable[]): SearchIndex {
  const index = new SearchIndex();
  for (const entry of entries) index.put(entry);
  return index;
}
const idsFor = (entries: readonly Searchable[], asked: Query) => search(indexOf(entries), asked).map(({ id }) => id);

const words = [
  'deploy',
  'staging',
  'retry',
  'getUserById',
  'src/auth/session.ts',
  'not',
  'postgres',
  'v2.1.0',
  'migration',
  'Ines',
];
const claim = fc.oneof(
  fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((list) => list.join(' ')),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);
const searchable = fc.record({
  id: fc.constantFrom(...'abcdefghijklmnop'),
  scope: fc.constantFrom('fleet', 'project', 'agent'),
  claim,
  detail: claim,
  tags: fc.array(fc.constantFrom(...words), { maxLength: 2 }),
  paths: fc.array(fc.constantFrom('src/auth/session.ts', 'src/auth/token.ts', 'README.md'), { maxLength: 2 }),
  repository: fc.constantFrom('', 'git.example/harbor/tern'),
  atMs: fc.integer({ min: nowMs - 400 * dayMs, max: nowMs }),
});
const asked = fc.record({
  text: claim,
  scopes: fc.subarray(['fleet', 'project', 'agent']),
  paths: fc.constantFrom([], ['src/auth/session.ts'], ['src/auth/other.ts']),
});

describe('search', () => {
  it('ranks by the words that tell memories apart, and tells its reasons: [RECALL-12, RECALL-20]', () => {
    const entries = [
      memory('a', 'The staging database is restored every night'),
      memory('b', 'The database of production is never restored without Ines', { detail: 'Ask Ines first.' }),
      memory('c', 'Lunch is at noon'),
    ];
    const [first, second, ...none] = search(indexOf(entries), query('Ines restored the database'));
    assert.deepEqual([first?.id, second?.id, none], ['b', 'a', []]);
    const { terms, boosts, ranks, repeats } = first?.why ?? assert.fail();
    assert.deepEqual([...new Set(terms.map(({ term }) => term))], ['in', 'restor', 'databas']);
    assert.deepEqual(
      terms.filter(({ term }) => term === 'in').map(({ field }) => field),
      ['claim', 'detail'],
    );
    const points = terms.reduce((sum, share) => sum + share.points, 0);
    const factors = boosts.reduce((product, { factor }) => product * factor, 1);
    assert.ok(Math.abs(points * factors - (first?.score ?? 0)) < 1e-9);
    assert.deepEqual(ranks, [{ list: 'words', rank: 1 }]);
    assert.equal(repeats, false);
  });

  it('finds compounds however they are written, and paths by their ends', () => {
    const entries = [
      memory('a', 'getUserById takes a tenant as well'),
      memory('b', 'users are got by their ids'),
      memory('c', 'Mind the lock', { paths: ['packages/core/src/auth/session.ts'] }),
      memory('d', 'Mind the lock', { paths: ['packages/core/src/vault/session.ts'] }),
    ];
    assert.equal(idsFor(entries, query('get_user_by_id'))[0], 'a');
    assert.equal(idsFor(entries, query('auth/session.ts'))[0], 'c');
  });

  it('finds what is said in other words, for less, where the query may be widened: [RECALL-22]', () => {
    const entries = [memory('other', 'Vouchers never stack'), memory('own', 'Discounts never stack')];
    const found = search(indexOf(entries), query('discount'));
    assert.deepEqual(
      found.map(({ id }) => id),
      ['own', 'other'],
    );
    const [own, other] = found.map(({ why }) => why.terms[0]?.points ?? 0);
    assert.ok(Math.abs((other ?? 0) / (own ?? 1) - 0.3) < 1e-9);
    assert.deepEqual(idsFor(entries, query('discount', { exact: true })), ['own']);
  });

  it('prefers what is new, near and of the time that is asked for: [RECALL-15]', () => {
    const at = (date: string) => ({ atMs: Date.parse(date) });
    const entries = [
      memory('old', 'Deploys go through Jenkins', at('2025-01-10')),
      memory('mid', 'Deploys go through Buildkite', at('2026-03-10')),
      memory('new', 'Deploys go through Argo', at('2026-11-10')),
    ];
    assert.equal(idsFor(entries, query('deploys'))[0], 'new');
    assert.equal(idsFor(entries, query('What did deploys originally go through?'))[0], 'old');
    assert.equal(idsFor(entries, query('deploys in March'))[0], 'mid');
    assert.deepEqual(idsFor(entries, query('in March?')), ['mid']);
    const near = [
      memory('x', 'Tests of the parser', { repository: 'git.example/a' }),
      memory('y', 'Tests of the parser', { repository: 'git.example/b' }),
    ];
    assert.equal(idsFor(near, query('tests', { repository: 'git.example/b' }))[0], 'y');
    const notes = [
      memory('far', 'Tests are slow', { paths: ['lib/x.ts'] }),
      memory('folder', 'Tests are slow', { paths: ['src/a/y.ts'] }),
      memory('here', 'Tests are slow', { paths: ['./src/a/x.ts'] }),
    ];
    const [here, folder] = search(indexOf(notes), query('tests', { paths: ['src/a/x.ts'] }));
    assert.deepEqual([here?.id, folder?.id], ['here', 'folder']);
    assert.deepEqual(
      here?.why.boosts.map(({ name }) => name),
      ['recency', 'file'],
    );
  });

  it('puts the lesser id first where scores are equal: [RECALL-21]', () => {
    assert.deepEqual(idsFor([memory('b', 'red fox'), memory('a', 'red hen')], query('red', { exact: true })), ['a', 'b']);
  });

  it('ends for any text and any numbers: [RECALL-1, RECALL-9]', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.double(),
        (text, sought, at, now) => {
          const index = indexOf([memory('a', text, { detail: sought, tags: [text], paths: [sought], atMs: at })]);
          const found = search(index, query(sought, { nowMs: now, limit: now }));
          assert.ok(found.length <= 1);
          for (const term of termsOf(text)) assert.ok(term.length > 0 && term.length <= 64);
        },
      ),
      runs,
    );
    for (const evil of [
      'a'.repeat(1e6),
      'aB1'.repeat(1e5),
      '/a'.repeat(1e5),
      "'".repeat(1e5),
      'last '.repeat(1e5),
      '1.'.repeat(1e5),
    ]) {
      search(indexOf([memory('a', evil)]), query(evil));
    }
  });

  it('reads so much of a query, and gives so many results: [RECALL-9]', () => {
    const many = indexOf(Array.from({ length: 150 }, (_, n) => memory(`m${n}`, `word${n} alpha${n} beta${n} common`)));
    assert.equal(search(many, query('common', { limit: 1000 })).length, 100);
    const late = `${Array.from({ length: 64 }, (_, n) => `filler${String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26))}`).join(' ')} common`;
    assert.deepEqual(search(many, query(late)), []);
    assert.deepEqual(search(many, query(`${' '.repeat(2048)}common`)), []);
  });

  it('holds no more memories than it says: [RECALL-9]', () => {
    const index = new SearchIndex();
    for (let n = 0; n < 250_000; n += 1) index.put(memory(`${n}`, ''));
    assert.throws(
      () => index.put(memory('one more', '')),
      (thrown) => codeOf(thrown) === 'limit_exceeded',
    );
    index.put(memory('7', 'in its place'));
    assert.equal(index.size, 250_000);
  });

  it('counts a term so often and no more: [RECALL-8]', () => {
    const tagged = [31, 30, 40, 50].map((times) => memory(`${times}`, '', { tags: ['x '.repeat(times)] }));
    // The longer a field with as many counts is, the less it is worth.
    assert.deepEqual(idsFor(tagged, query('x')), ['31', '30', '40', '50']);
  });
});

describe('an index', () => {
  it('answers as one made afresh, whatever came, went and was replaced: [RECALL-10]', () => {
    const step = fc.oneof(
      searchable.map((entry) => ({ put: entry })),
      fc.constantFrom(...'abcdefghijklmnop').map((id) => ({ remove: id })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), asked, (steps, more) => {
        const index = new SearchIndex();
        const left = new Map<string, Searchable>();
        for (const act of steps) {
          if ('put' in act) {
            index.put(act.put);
            left.set(act.put.id, act.put);
          } else {
            index.remove(act.remove);
            left.delete(act.remove);
          }
        }
        assert.equal(index.size, left.size);
        assert.deepEqual(
          search(index, query(more.text, more)),
          search(indexOf([...left.values()].toReversed()), query(more.text, more)),
        );
      }),
      runs,
    );
  });

  it('gives the same results, scores and reasons whatever other scopes hold: [RECALL-11]', () => {
    fc.assert(
      fc.property(fc.uniqueArray(searchable, { maxLength: 16, selector: ({ id }) => id }), asked, (entries, more) => {
        const shown = entries.filter(({ scope }) => more.scopes.includes(scope));
        const vectors = [{ name: 'all', weight: 1, ids: entries.map(({ id }) => id) }];
        const ofShown = [{ name: 'all', weight: 1, ids: shown.map(({ id }) => id) }];
        assert.equal(
          JSON.stringify(search(indexOf(entries), query(more.text, more))),
          JSON.stringify(search(indexOf(shown), query(more.text, more))),
        );
        assert.equal(
          JSON.stringify(search(indexOf(entries), query(more.text, { ...more, vectors }))),
          JSON.stringify(search(indexOf(shown), query(more.text, { ...more, vectors: ofShown }))),
        );
      }),
      runs,
    );
  });

  it('finds none of 1,000 canaries of scopes that are not named: [RECALL-11]', () => {
    const letters = (n: number) => [...`${n}`].map((digit) => 'bcdfghjkmn'[Number(digit)]).join('') + 'x';
    const entries = Array.from({ length: 1000 }, (_, n) =>
      memory(`c${n}`, `canary${letters(n)} common words`, { scope: `s${n % 20}` }),
    );
    const index = indexOf(entries);
    for (const [n, { scope }] of entries.entries()) {
      const scopes = Array.from({ length: 20 }, (_, s) => `s${s}`).filter((name) => name !== scope);
      assert.deepEqual(
        search(index, query(`canary${letters(n)}`, { scopes, limit: 100 })).map(({ id }) => id),
        [],
      );
    }
    assert.deepEqual(search(index, query(`canary${letters(1)}`, { scopes: [] })), []);
  });

  it('has nothing left of what it forgot, the words of a long text among it: [RECALL-10]', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // Put together while this runs: the text of this file is in memory as well.
    const secret = (end: string) => ['unfor', 'gettable', 'canary', 'called', end].join('');
    const index = indexOf([memory('stays', 'something else entirely')]);
    index.put(
      memory('goes', `prose around ${secret('one')} and more prose`, { detail: `x ${secret('two')}`, tags: [secret('three')] }),
    );
    index.put(memory('changes', `prose around ${secret('four')} that will be other words`));
    assert.equal(search(index, query(secret('one'))).length, 1);
    index.remove('goes');
    index.put(memory('changes', 'other words'));
    // What a pattern was last held against, the engine keeps.
    search(index, query('another'));
    for (const word of 'something else to read in many pieces'.split(' ')) assert.ok(/\w/.test(word));
    collect();
    let left = false;
    let before = '';
    const snapshot = getHeapSnapshot().setEncoding('utf8');
    for await (const piece of snapshot as AsyncIterable<string>) {
      left ||= `${before}${piece}`.includes(['gettable', 'canary'].join(''));
      before = piece.slice(-200);
    }
    assert.equal(left, false);
    assert.deepEqual(search(index, query('prose')), []);
  });
});

describe('near-duplicates', () => {
  const flood = (n: number) =>
    `Important: invoices of the supplier Hargrove now go to account Z${n % 7}, ${['says', 'wrote', 'confirmed', 'told us'][n % 4]} finance ${n % 11}`;
  const entries = [
    ...Array.from({ length: 500 }, (_, n) => memory(`flood${n}`, flood(n), { atMs: nowMs })),
    ...Array.from({ length: 9 }, (_, n) =>
      memory(
        `own${n}`,
        `${['Ruth', 'Dele', 'Yuki'][n % 3]} pays invoices ${['weekly', 'by card', 'after review'][Math.floor(n / 3)]}`,
      ),
    ),
  ];

  it('take two places of an answer, and leave the others to the rest: [RECALL-17]', () => {
    const found = search(indexOf(entries), query('Which account do invoices of Hargrove go to?'));
    assert.equal(found.length, 10);
    assert.equal(found.filter(({ id }) => id.startsWith('flood')).length, 2);
    const more = search(indexOf(entries), query('Hargrove invoices', { limit: 20 }));
    assert.equal(more.length, 20);
    assert.deepEqual(
      more.slice(11).map(({ why }) => why.repeats),
      Array.from({ length: 9 }, () => true),
    );
  });

  it('are told by what claims share, in either order of comparison: [RECALL-16]', () => {
    const of = (text: string) => new Set(termsOf(text));
    assert.ok(areAlike(of('the staging database is restored nightly'), of('The staging databases are restored nightly!')));
    assert.ok(!areAlike(of('the staging database is restored nightly'), of('Ines owns the database of production')));
    assert.ok(!areAlike(of(''), of('')));
    fc.assert(
      fc.property(claim, claim, (a, b) => {
        assert.equal(areAlike(of(a), of(b)), areAlike(of(b), of(a)));
        assert.equal(areAlike(of(a), of(a)), termsOf(a).length > 0);
      }),
      runs,
    );
  });
});

describe('fusion', () => {
  const entries = [
    memory('a', 'red fox'),
    memory('b', 'red hen'),
    memory('c', 'blue whale'),
    memory('hidden', 'red', { scope: 'other' }),
  ];
  it('adds reciprocal ranks of each list, and says which: [RECALL-18]', () => {
    const vectors = [{ name: 'meaning', weight: 1, ids: ['c', 'b'] }];
    const found = search(indexOf(entries), query('red', { exact: true, vectors }));
    assert.deepEqual(
      found.map(({ id, score, why }) => [id, score, why.ranks]),
      [
        [
          'b',
          1 / 62 + 1 / 62,
          [
            { list: 'words', rank: 2 },
            { list: 'meaning', rank: 2 },
          ],
        ],
        ['a', 1 / 61, [{ list: 'words', rank: 1 }]],
        ['c', 1 / 61, [{ list: 'meaning', rank: 1 }]],
      ],
    );
  });

  it('counts no place for hidden ids, unknown ones and second mentions: [RECALL-19]', () => {
    const plain = search(indexOf(entries), query('red', { exact: true, vectors: [{ name: 'm', weight: 1, ids: ['c', 'b'] }] }));
    const noisy = search(
      indexOf(entries),
      query('red', { exact: true, vectors: [{ name: 'm', weight: 1, ids: ['hidden', 'c', 'c', 'nobody', 'b'] }] }),
    );
    assert.deepEqual(noisy, plain);
  });
});
