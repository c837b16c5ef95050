// The form of a grant: each limit that the command line has is signed as it is typed, and nothing else is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fence as fenceFormat, type Fence } from '@holdfast/protocol/vault/fence';
import { grantSentence } from '@holdfast/protocol/vault/sentence';
import { parseFence } from '@holdfast/protocol/vault/terms';
import { emptyGrantForm, formOf, readGrantForm, type GrantForm, type LimitField } from '../../../src/screens/vault/grant-form.ts';
import { leftOpen, notAllowed } from '../../../src/screens/vault/not-allowed.ts';

const within = parseFence({ hosts: ['api.github.com'], methods: ['GET'], paths: ['/repos/**'] });
const nowMs = Date.parse('2026-11-30T12:00:00Z');
const pin = `sha256/${'A'.repeat(43)}=`;

const typed: readonly (readonly [Partial<GrantForm>, Partial<Fence>])[] = [
  [
    { max: '20/h\n100/d' },
    {
      uses: {
        windows: [
          { max: 20, windowMs: 3_600_000 },
          { max: 100, windowMs: 86_400_000 },
        ],
      },
    },
  ],
  [{ total: '500' }, { uses: { windows: [], total: 500 } }],
  [{ bytes: '50MB/d' }, { bytes: { windows: [{ max: 50_000_000, windowMs: 86_400_000 }] } }],
  [{ bytesTotal: '1GB' }, { bytes: { windows: [], total: 1_000_000_000 } }],
  [{ concurrent: '4' }, { concurrent: 4 }],
  [{ until: '2h' }, { untilMs: nowMs + 7_200_000 }],
  [{ until: '2026-12-01T18:00Z' }, { untilMs: Date.parse('2026-12-01T18:00Z') }],
  [
    { hours: '09:00-18:00 Europe/Berlin Mon-Fri' },
    { hours: [{ days: [1, 2, 3, 4, 5], from: 540, to: 1080, zone: 'Europe/Berlin' }] },
  ],
  [{ dir: '/home/me/src/app' }, { directories: ['/home/me/src/app'] }],
  [{ repo: 'github.com/me/app' }, { repositories: ['github.com/me/app'] }],
  [
    { query: 'page<=100' },
    { query: { arguments: [{ at: '/page', optional: false, holds: { kind: 'number', min: '0', max: '100' } }], others: false } },
  ],
  [
    { body: '/amount<=3000' },
    {
      body: {
        arguments: [{ at: '/amount', optional: false, holds: { kind: 'number', min: '0', max: '3000' } }],
        others: false,
        format: 'json',
      },
    },
  ],
  [
    { bodyFormat: 'form', body: 'note#20' },
    {
      body: {
        arguments: [{ at: '/note', optional: false, holds: { kind: 'text', glob: '**', max: 20 } }],
        others: false,
        format: 'form',
      },
    },
  ],
  [{ pin }, { pins: [new Uint8Array(32)] }],
  [{ approve: true, approveWithin: '5m' }, { approveWithinMs: 300_000 }],
];

for (const [fields, limits] of typed)
  test(`${JSON.stringify(fields)} is signed as it is typed`, () => {
    const read = readGrantForm(within, { ...emptyGrantForm, ...fields }, nowMs);
    assert.ok(read.kind === 'read');
    assert.deepEqual(read.fence, { ...within, v: 2, ...limits });
    assert.deepEqual(fenceFormat.parse(read.fence, 'fence'), read.fence);
    assert.deepEqual(readGrantForm(within, formOf(read.fence, fields.approve === true), nowMs), read); // and the form is made of it again
  });

test('nothing typed is the fence of the credential itself', () => {
  assert.deepEqual(readGrantForm(within, emptyGrantForm, nowMs), { kind: 'read', limits: {}, fence: within });
});

test('a time for answers is signed only where each use is approved', () => {
  const read = readGrantForm(within, { ...emptyGrantForm, approveWithin: '5m' }, nowMs);
  assert.deepEqual(read, { kind: 'read', limits: {}, fence: within });
});

const wrong: Readonly<Record<LimitField, string>> = {
  approveWithin: '10m',
  max: 'often',
  total: '0',
  bytes: '5/h',
  bytesTotal: 'much',
  concurrent: '0',
  until: 'tomorrow',
  hours: 'mornings',
  dir: 'src',
  repo: 'app',
  query: 'page<=many',
  body: '/a\n/a',
  pin: 'sha256/abc',
};
for (const [field, text] of Object.entries(wrong))
  test(`what is wrong in ${field} is told there`, () => {
    const read = readGrantForm(within, { ...emptyGrantForm, approve: true, [field]: text }, nowMs);
    assert.ok(read.kind === 'wrong');
    assert.deepEqual(Object.keys(read.errors), [field]);
    assert.match(read.errors[field as LimitField] ?? '', /^[A-Z].*\.$/s);
    assert.doesNotMatch(read.errors[field as LimitField] ?? '', /--/);
  });

test('names with slashes and tildes in a query come back as they were typed', () => {
  const read = readGrantForm(within, { ...emptyGrantForm, query: 'a/b~c=open|closed\n**' }, nowMs);
  assert.ok(read.kind === 'read');
  assert.equal(formOf(read.fence, false).query, 'a/b~c=open|closed\n**');
});

test('beside the sentence stands what it does not allow, and what nobody limited', () => {
  const read = readGrantForm(within, { ...emptyGrantForm, max: '20/h', repo: 'github.com/me/app' }, nowMs);
  assert.ok(read.kind === 'read');
  assert.equal(
    grantSentence('main', { fence: read.fence, approve: false }).text,
    'main may call api.github.com, GET under /repos, 20 times an hour, in the working tree of github.com/me/app. It never sees the key.',
  );
  const not = notAllowed(read.fence, false).join('; ');
  assert.match(not, /any host but api\.github\.com/);
  assert.match(not, /send HEAD, POST, PUT, PATCH, DELETE or OPTIONS/);
  assert.match(not, /any other path/);
  assert.match(not, /any other working tree/);
  assert.deepEqual(leftOpen(read.fence), ['how many bytes', 'until when', 'at which hours']);
  assert.match(notAllowed(within, true)[0] ?? '', /before you approved/);
});
