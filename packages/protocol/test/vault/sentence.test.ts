// Sentences of signed terms: nothing of a fence is left out, and what differs between two is told.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { instant, listed } from '@holdfast/protocol/codec/shown';
import { parseBodyLimits, parseFormLimits, parseQueryLimits } from '@holdfast/protocol/vault/argument-terms';
import { parseBytes, parseHours, parseUses } from '@holdfast/protocol/vault/circumstance-terms';
import { fence, fenceFields, withLimits, type Fence } from '@holdfast/protocol/vault/fence';
import { fenceChanges } from '@holdfast/protocol/vault/fence-changes';
import { attachWords, budgetSentence, egressSentence, fenceParts, grantSentence } from '@holdfast/protocol/vault/sentence';
import { parseAttach, parseFence } from '@holdfast/protocol/vault/terms';

const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const bare = parseFence({ hosts: ['api.github.com'], methods: ['GET'], paths: ['/repos/**'] });
const whole: Fence = withLimits(
  parseFence({
    hosts: ['api.github.com', 'ghe.example:8443'],
    methods: ['GET', 'HEAD'],
    paths: ['/repos/**', '/user'],
    allowPrivate: true,
    ca: certificate,
  }),
  {
    query: parseQueryLimits(['page', 'state=open|closed']),
    body: parseBodyLimits(['/amount<=3000', '/payee=acct_1', '/note?#200', '/items/**']),
    uses: parseUses(['20/h', '3/10m'], '500'),
    bytes: parseBytes(['50MB/d'], '1GB'),
    concurrent: 4,
    untilMs: Date.UTC(2026, 11, 1, 18),
    approveWithinMs: 120_000,
    hours: parseHours(['09:00-18:00 Europe/Berlin Mon-Fri', '22:00-06:00 UTC Sat']),
    directories: ['/home/ada/src/app'],
    repositories: ['github.com/ada/app'],
    pins: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
  },
);

describe('a grant as a sentence', () => {
  it('reads as one', () => {
    const limits = {
      uses: parseUses(['20/h'], undefined),
      directories: ['/home/ada/src/app'],
      hours: parseHours(['09:00-18:00 Europe/Berlin Mon-Fri']),
    };
    assert.equal(
      grantSentence('main', { fence: withLimits(bare, limits), approve: false }, { home: '/home/ada' }).text,
      'main may call api.github.com, GET under /repos, 20 times an hour, from ~/src/app, on weekdays 9–18 Berlin time. It never sees the key.',
    );
    assert.equal(
      grantSentence('main', { fence: parseFence({ hosts: ['api.example.com'] }), approve: true }).text,
      'main may ask to call api.example.com, any usual method anywhere; you approve each use. It never sees the key.',
    );
  });

  it('says all of it', () => {
    fence.parse(whole, 'fence');
    assert.deepEqual(
      fenceFields.toSorted(),
      Object.keys(whole).toSorted(),
      'the fence of this test has every field that there is',
    );
    const said = new Map<string, string>(fenceParts(whole).map(({ of, text }) => [of, text]));
    for (const field of fenceFields) if (field !== 'v') assert.ok(said.get(field), `${field} has no words`);
    assert.deepEqual(Object.fromEntries(said), {
      hosts: 'api.github.com or ghe.example:8443',
      methods: 'GET or HEAD',
      paths: 'under /repos or at /user',
      query: 'with the query optional page of any value and state "open" or "closed" alone',
      body: 'with a JSON body of amount up to 3000, payee "acct_1", optional note of 200 characters at most and optional items with anything in it alone',
      uses: '20 times an hour, 3 times in 10 minutes and 500 times in all',
      bytes: '50MB at most a day and 1GB at most in all',
      concurrent: '4 at once at most',
      directories: 'from /home/ada/src/app',
      repositories: 'in the working tree of github.com/ada/app',
      hours: 'on weekdays 9–18 Berlin time or on Sat 22–6 the next day UTC',
      untilMs: 'until 2026-12-01 18:00 UTC',
      approveWithinMs: 'waiting 2 minutes at most for your answer',
      allowPrivate: 'also where the name leads to a private address',
      ca: 'trusting a certificate of yours there and no public certificate authority',
      pins: 'only where one of the 2 keys that you named answers',
    });
  });

  it('says that nothing else goes with a request of which one side is limited', () => {
    const [query, form] = [parseQueryLimits(['page']), parseFormLimits(['**'])];
    const textOf = (limits: Parameters<typeof withLimits>[1], of: string) =>
      fenceParts(withLimits(bare, limits)).find((part) => part.of === of)?.text;
    assert.equal(textOf({ query }, 'body'), 'without a body');
    assert.equal(textOf({ body: form }, 'query'), 'without a query');
    assert.equal(textOf({ body: form }, 'body'), 'with a form of whatever it likes');
  });

  it('says where the secret goes', () => {
    const texts = ['bearer', 'basic', 'basic:me', 'header:x-api-key', 'query:key', 'body:/token'].map((typed) =>
      attachWords(parseAttach(typed)),
    );
    assert.deepEqual(texts, [
      'as a bearer token',
      'as a password without a user name',
      'as the password of me',
      'in the header x-api-key',
      'in the query, as key',
      'in the body, at /token',
    ]);
  });
});

describe('what is no grant', () => {
  it('is told as well', () => {
    assert.equal(
      egressSentence('main', { host: 'deb.debian.org', port: 443, allowPrivate: false }).text,
      'main may send anything to deb.debian.org, without a credential.',
    );
    assert.equal(
      egressSentence('main', { host: 'ci.local', port: 8443, allowPrivate: true, ca: certificate }).text,
      'main may send anything to ci.local:8443, without a credential, also where the name leads to a private address, trusting a certificate of yours there and no public certificate authority.',
    );
    assert.equal(
      budgetSentence('main', { uses: parseUses(['100/d'], undefined), concurrent: 1 }).text,
      'main may use all of its credentials together 100 times a day, one at a time.',
    );
  });
});

describe('two fences', () => {
  it('differ by what one allows and the other does not', () => {
    const day = Date.UTC(2026, 0, 1);
    const changed = (before: Fence, after: Fence) => {
      const { direction, changes } = fenceChanges(before, after);
      return [direction, ...changes.map((each) => `${each.of} ${each.direction}`)];
    };
    assert.deepEqual(changed(whole, { ...whole }), [undefined]);
    assert.deepEqual(changed(bare, withLimits(bare, { untilMs: day })), ['narrower', 'untilMs narrower']);
    assert.deepEqual(changed(withLimits(bare, { untilMs: day }), withLimits(bare, { untilMs: day + 1 })), [
      'wider',
      'untilMs wider',
    ]);
    assert.deepEqual(changed({ ...bare, methods: ['POST', 'GET'] }, { ...bare, methods: ['GET', 'POST'] }), [undefined]);
    assert.deepEqual(changed(bare, { ...bare, methods: ['GET', 'POST'] }), ['wider', 'methods wider']);
    assert.deepEqual(changed(bare, { ...bare, methods: ['POST'], allowPrivate: true }), [
      'other',
      'methods other',
      'allowPrivate wider',
    ]);
    assert.deepEqual(fenceChanges(bare, { ...bare, paths: ['/repos/a', '/repos/**'] }).changes, [
      { of: 'paths', direction: 'wider', before: 'under /repos', after: 'at /repos/a or under /repos' },
    ]);
  });

  it('are the other way round when they change places', () => {
    const limits = fc.record(
      { untilMs: fc.nat(), concurrent: fc.integer({ min: 1, max: 8 }), directories: fc.subarray(['/a', '/b'], { minLength: 1 }) },
      { requiredKeys: [] },
    );
    const opposite = { narrower: 'wider', wider: 'narrower', other: 'other' };
    fc.assert(
      fc.property(limits, limits, (one, other) => {
        const [there, back] = [fenceChanges({ ...bare, ...one }, { ...bare, ...other }), fenceChanges({ ...bare, ...other }, { ...bare, ...one })]; // prettier-ignore
        assert.equal(back.direction, there.direction && opposite[there.direction]);
      }),
    );
  });
});

describe('plain words', () => {
  it('list things and name moments in the reader’s zone', () => {
    assert.deepEqual(
      [listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'], 'or')],
      ['', 'a', 'a and b', 'a, b or c'],
    );
    assert.equal(instant(Date.UTC(2026, 6, 1, 22, 30, 5)), '2026-07-01 22:30:05 UTC');
    assert.equal(instant(Date.UTC(2026, 6, 1, 22, 30), 'Europe/Berlin'), '2026-07-02 00:30 GMT+2');
  });
});
