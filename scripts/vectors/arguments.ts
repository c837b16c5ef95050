// node scripts/vectors/arguments.ts: vectors of spec/fence.md's arguments. Limits as CBOR, requests as text, and what goes out.

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { writeVectors } from './write.ts';

type Expect = 'ok' | ErrorCode;
type Fields = { readonly [key: string]: Value };

const plain: Fields = {
  hosts: [{ host: 'api.example.com', port: 443 }],
  methods: ['POST'],
  paths: ['/v1/payments'],
  allowPrivate: false,
};
const amount: Fields = { at: '/amount', optional: false, holds: { kind: 'number', min: '0', max: '3000' } };
const payee: Fields = { at: '/payee', optional: false, holds: { kind: 'oneOf', values: ['"acct_1"'] } };
const note: Fields = { at: '/note', optional: true, holds: { kind: 'text', glob: 'inv-*', max: 16 } };
const limited = (change: Fields = {}): Fields => ({ format: 'json', others: false, arguments: [amount, payee, note], ...change });
const hourly: Fields = { max: 20, windowMs: 3_600_000 };
const office: Fields = { days: [1, 2, 3, 4, 5], from: 540, to: 1080, zone: 'Europe/Berlin' };
const withBody = (body: Value): Fields => ({ ...plain, v: 2, body });
const one = (argument: Value): Fields => withBody(limited({ arguments: [argument] }));
const holding = (holds: Value): Fields => one({ at: '/a', optional: false, holds });

const formats: readonly (readonly [string, string, Expect, Fields])[] = [
  ['limits of the page', 'FENCE-27', 'ok', withBody(limited())],
  ['limits of a query', 'FENCE-27', 'ok', { ...plain, v: 2, query: { others: true, arguments: [] } }],
  ['limits without a version', 'FENCE-27', 'codec_shape', { ...plain, body: limited() }],
  ['version 2 without limits', 'FENCE-27', 'codec_shape', { ...plain, v: 2 }],
  ['another version', 'FENCE-27', 'codec_shape', { ...withBody(limited()), v: 3 }],
  ['a limit that nobody knows', 'FENCE-1', 'codec_shape', { ...withBody(limited()), headers: [] }],
  ['a kind that nobody knows', 'FENCE-1', 'codec_shape', holding({ kind: 'regex', pattern: '.*' })],
  ['a body of another format', 'FENCE-1', 'codec_shape', withBody(limited({ format: 'xml' }))],
  ...['', '/', 'a', '/a/', '/a//b', '/a~2b', '/a~'].map(
    (at) => [`pointer ${JSON.stringify(at)}`, 'FENCE-17', 'codec_shape', one({ ...amount, at })] as const,
  ),
  ['a pointer with both escapes', 'FENCE-17', 'ok', one({ ...amount, at: '/a~1b~0c/d' })],
  ['a place twice', 'FENCE-17', 'codec_shape', withBody(limited({ arguments: [amount, amount] }))],
  [
    'a place inside of another',
    'FENCE-17',
    'codec_shape',
    withBody(limited({ arguments: [amount, { ...amount, at: '/amount/value' }] })),
  ],
  [
    'a form with keys in keys',
    'FENCE-17',
    'codec_shape',
    withBody(limited({ format: 'form', arguments: [{ ...amount, at: '/a/b' }] })),
  ],
  [
    'a form with anything',
    'FENCE-17',
    'codec_shape',
    withBody(limited({ format: 'form', arguments: [{ at: '/a', optional: true, holds: { kind: 'any' } }] })),
  ],
  ...['3e3', '-0', '+1', '007', '.5', '1.', '1234567890123456', '', 'NaN'].map(
    (max) => [`bound ${JSON.stringify(max)}`, 'FENCE-19', 'codec_shape', holding({ kind: 'number', min: '-9', max })] as const,
  ),
  ['bounds the wrong way round', 'FENCE-19', 'codec_shape', holding({ kind: 'number', min: '2', max: '1' })],
  ['a value that is no scalar', 'FENCE-24', 'codec_shape', holding({ kind: 'oneOf', values: ['[1]'] })],
  ['a value in another spelling', 'FENCE-24', 'codec_shape', holding({ kind: 'oneOf', values: ['"\\u0061"'] })],
  ['no values', 'FENCE-24', 'codec_shape', holding({ kind: 'oneOf', values: [] })],
  ['a time for the answer', 'APPROVAL-7', 'ok', { ...plain, v: 2, approveWithinMs: 30_000 }],
  ['ten minutes for the answer', 'APPROVAL-7', 'codec_shape', { ...plain, v: 2, approveWithinMs: 600_000 }],
  ['a total', 'FENCE-29', 'ok', { ...plain, v: 2, uses: { total: 1, windows: [] } }],
  [
    'windows, and a last moment',
    'FENCE-29',
    'ok',
    { ...plain, v: 2, uses: { windows: [hourly, { max: 1, windowMs: 1000 }] }, untilMs: 1_790_000_000_000 },
  ],
  ['no uses at all', 'FENCE-29', 'codec_shape', { ...plain, v: 2, uses: { windows: [] } }],
  ['a total of none', 'FENCE-29', 'codec_shape', { ...plain, v: 2, uses: { total: 0, windows: [] } }],
  ['a span twice', 'FENCE-29', 'codec_shape', { ...plain, v: 2, uses: { windows: [hourly, { ...hourly, max: 5 }] } }],
  [
    'a span of 32 days',
    'FENCE-29',
    'codec_shape',
    { ...plain, v: 2, uses: { windows: [{ max: 1, windowMs: 32 * 24 * 3_600_000 }] } },
  ],
  ['uses without a version', 'FENCE-27', 'codec_shape', { ...plain, uses: { total: 1, windows: [] } }],
  ['four at once', 'FENCE-37', 'ok', { ...plain, v: 2, concurrent: 4 }],
  ['none at once', 'FENCE-37', 'codec_shape', { ...plain, v: 2, concurrent: 0 }],
  ['1,025 at once', 'FENCE-37', 'codec_shape', { ...plain, v: 2, concurrent: 1025 }],
  ['at once without a version', 'FENCE-27', 'codec_shape', { ...plain, concurrent: 4 }],
  ['bytes in all', 'FENCE-29', 'ok', { ...plain, v: 2, bytes: { total: 1_000_000_000_000_000, windows: [] } }],
  ['bytes in a window', 'FENCE-29', 'ok', { ...plain, v: 2, bytes: { windows: [{ max: 50_000_000, windowMs: 3_600_000 }] } }],
  ['no bytes at all', 'FENCE-29', 'codec_shape', { ...plain, v: 2, bytes: { windows: [] } }],
  ['a total of no bytes', 'FENCE-29', 'codec_shape', { ...plain, v: 2, bytes: { total: 0, windows: [] } }],
  [
    'more bytes than there are',
    'FENCE-29',
    'codec_shape',
    { ...plain, v: 2, bytes: { total: 1_000_000_000_000_001, windows: [] } },
  ],
  ['bytes within a span twice', 'FENCE-29', 'codec_shape', { ...plain, v: 2, bytes: { windows: [hourly, hourly] } }],
  ['bytes without a version', 'FENCE-27', 'codec_shape', { ...plain, bytes: { total: 1, windows: [] } }],
  ['hours', 'FENCE-33', 'ok', { ...plain, v: 2, hours: [office] }],
  ['hours on no day', 'FENCE-33', 'codec_shape', { ...plain, v: 2, hours: [{ ...office, days: [] }] }],
  ['hours on days out of order', 'FENCE-33', 'codec_shape', { ...plain, v: 2, hours: [{ ...office, days: [2, 1] }] }],
  ['hours from 24:00', 'FENCE-33', 'codec_shape', { ...plain, v: 2, hours: [{ ...office, from: 1440 }] }],
  ['hours in no zone', 'FENCE-33', 'codec_shape', { ...plain, v: 2, hours: [{ ...office, zone: '+01:00' }] }],
  ['a folder', 'FENCE-34', 'ok', { ...plain, v: 2, directories: ['/home/me/src/app', '/home/me/..a'] }],
  ...['', '/', 'src', '/a/', '//a', '/a//b', '/a/.', '/a/..', '/./a', '/../a', '/a\0'].map(
    (folder) =>
      [`folder ${JSON.stringify(folder)}`, 'FENCE-34', 'codec_shape', { ...plain, v: 2, directories: [folder] }] as const,
  ),
  ['a repository', 'FENCE-35', 'ok', { ...plain, v: 2, repositories: ['github.com/me/app'] }],
  ...[
    'github.com',
    'https://github.com/me/app',
    'GitHub.com/me/app',
    'me@github.com/me/app',
    'github.com//app',
    'github.com/me app',
  ].map(
    (repository) =>
      [`repository ${repository}`, 'FENCE-35', 'codec_shape', { ...plain, v: 2, repositories: [repository] }] as const,
  ),
  ['three stars', 'FENCE-23', 'codec_shape', holding({ kind: 'text', glob: 'a***', max: 9 })],
];
writeVectors(
  'fence/limits',
  'Encodings of fences with limits, and what a reader makes of them.',
  formats.map(([name, clause, expect, value]) => ({ name, clause, expect, hex: encodeValue(value) })),
);

interface Judged {
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly coding?: string;
  readonly query?: string;
  readonly limits?: Fields;
  readonly sent?: string;
}
const good = '{"amount":3000,"payee":"acct_1"}';
const deepest = `{"amount":1,"payee":"acct_1","memo":${'['.repeat(31)}1${']'.repeat(31)}}`;
const json = (body: string | Uint8Array): Judged => ({ body, type: 'application/json' });
const open: Fields = { body: limited({ others: true }) };
const form: Fields = { body: limited({ format: 'form' }) };
const nested: Fields = {
  body: limited({
    arguments: [
      { ...amount, at: '/order/amount' },
      { ...payee, at: '/order/payee', optional: true },
    ],
  }),
};
const query: Fields = {
  query: {
    others: false,
    arguments: [
      { at: '/limit', optional: false, holds: { kind: 'number', min: '1', max: '100' } },
      { at: '/q', optional: true, holds: { kind: 'scalar' } },
    ],
  },
};
const bothLimits: Fields = { ...query, body: limited() };
const urlencoded = (body: string, more: Judged = {}): Judged => ({
  body,
  type: 'application/x-www-form-urlencoded',
  limits: form,
  ...more,
});
const bad = (clause: string, texts: readonly string[], more: Judged = {}) =>
  texts.map(
    (body) =>
      [
        `${more.limits === undefined ? '' : more.limits === open ? 'others: ' : 'nested: '}${body.slice(0, 70)}`,
        clause,
        'fence_body',
        { ...json(body), ...more },
      ] as const,
  );
const paying = (digits: string): string => `{"amount":${digits},"payee":"acct_1"}`;

const judgements: readonly (readonly [string, string, Expect, Judged])[] = [
  ['within', 'FENCE-16', 'ok', { ...json(good), sent: good }],
  [
    'written anew',
    'FENCE-16',
    'ok',
    { ...json(' { "payee" : "acct\\u005f1",\n"amount":10.50 } '), sent: '{"payee":"acct_1","amount":10.50}' },
  ],
  ['without limits', 'FENCE-16', 'ok', { query: 'a=%61&a', limits: {}, sent: 'a=%61&a' }],
  [
    'all that may be there',
    'FENCE-18',
    'ok',
    { ...json('{"amount":0,"payee":"acct_1","note":"inv-7"}'), sent: '{"amount":0,"payee":"acct_1","note":"inv-7"}' },
  ],
  ...bad('FENCE-18', ['{}', '{"amount":1}', '{"payee":"acct_1"}']),
  ...['0', '2999.99', '3000.00', '0.5', '1'].map(
    (digits) => [`amount ${digits}`, 'FENCE-19', 'ok', { ...json(paying(digits)), sent: paying(digits) }] as const,
  ),
  ...bad(
    'FENCE-19',
    [
      '3000.01',
      '3000.0000000001',
      '3000.0000000000001',
      '3001',
      '-1',
      '-0',
      '-0.0',
      '3e3',
      '3e3+1',
      '3E0',
      '1e400',
      '-1e400',
      '1e-400',
      '9007199254740993',
      '0x10',
      '01',
      '+1',
      '.5',
      '1.',
      'NaN',
      'Infinity',
      'null',
      'true',
      '"3000"',
      '""',
    ].map(paying),
  ),
  ...bad('FENCE-20', ['[3000]', '[]', '{}', '{"value":1}'].map(paying)),
  ...bad('FENCE-20', ['[]', '3000', '"amount"', 'null', `[${good}]`, '{"amount":1,"payee":["acct_1"]}']),
  ...bad(
    'FENCE-21',
    [
      'Amount',
      'AMOUNT',
      'amount ',
      ' amount',
      'аmount',
      'amount\\u200b',
      'amount\\u0000',
      'ａmount',
      'amount[]',
      'currency',
      '__proto__',
      'constructor',
    ].map((key) => `{"amount":1,"payee":"acct_1","${key}":9000}`),
  ),
  ...bad(
    'FENCE-22',
    [
      'Amount',
      'a_mount',
      'amount ',
      'аmount',
      'amount\\u200b',
      'amount\\u0000',
      'amount[]',
      'amount[0]',
      'amount.value',
      '[amount]',
      '',
    ].map((key) => `{"amount":1,"payee":"acct_1","${key}":9000}`),
    { limits: open },
  ),
  [
    'another beside',
    'FENCE-22',
    'ok',
    {
      ...json('{"amount":1,"payee":"acct_1","memo":[{"amount":1e9}]}'),
      limits: open,
      sent: '{"amount":1,"payee":"acct_1","memo":[{"amount":1e9}]}',
    },
  ],
  ...bad(
    'FENCE-23',
    ['"inv-\\u0000"', '"inv-1\\n"', '"INV-1"', '"xinv-1"', '"inv-1234567890123"', '7', 'true', 'null'].map(
      (text) => `{"amount":1,"payee":"acct_1","note":${text}}`,
    ),
  ),
  ...bad(
    'FENCE-24',
    ['"acct_2"', '"acct_1 "', '"ACCT_1"', '"аcct_1"', '"acct_1\\u0000"', '"acct_1\' OR 1=1 --"', '"../acct_1"', '1'].map(
      (text) => `{"amount":1,"payee":${text}}`,
    ),
  ),
  ...[
    'text/plain',
    'text/json',
    'application/json-patch+json',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json; boundary=x',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ].map((type) => [`type ${type}`, 'FENCE-25', 'fence_body', { ...json(good), type }] as const),
  ['no type', 'FENCE-25', 'fence_body', { body: good }],
  ['no body', 'FENCE-25', 'fence_body', {}],
  ['a charset that may stand', 'FENCE-25', 'ok', { ...json(good), type: 'Application/JSON; charset="UTF-8"', sent: good }],
  ...['gzip', 'identity', 'deflate, gzip'].map(
    (coding) => [`coding ${coding}`, 'FENCE-25', 'fence_body', { ...json(good), coding }] as const,
  ),
  ...bad('FENCE-28', [
    '',
    ' ',
    '{',
    '{"amount":1,"amount":1,"payee":"acct_1"}',
    '{"amount":1,"\\u0061mount":9000,"payee":"acct_1"}',
    `${good}{}`,
    `${good},`,
    '{"amount":1,"payee":"acct_1",}',
    "{'amount':1}",
    '{amount:1,"payee":"acct_1"}',
    '{"amount":1/**/,"payee":"acct_1"}',
    '{"amount":1,"payee":"acct_1"}\u0000',
    '\ufeff{"amount":1,"payee":"acct_1"}',
  ]),
  ...bad(
    'FENCE-28',
    ['"\\ud800"', `${'['.repeat(32)}${']'.repeat(32)}`, '"\t"'].map((value) => `{"amount":1,"payee":"acct_1","memo":${value}}`),
    { limits: open },
  ),
  ['as deep as may be', 'FENCE-28', 'ok', { ...json(deepest), limits: open, sent: deepest }],
  [
    'no UTF-8',
    'FENCE-28',
    'fence_body',
    { ...json(new Uint8Array(Buffer.from('{"amount":1,"payee":"acct_1","memo":"\xff"}', 'latin1'))), limits: open },
  ],
  ['UTF-16', 'FENCE-28', 'fence_body', json(new Uint8Array(Buffer.from(good, 'utf16le')))],
  ['keys in keys', 'FENCE-20', 'ok', { ...json('{"order":{"amount":1}}'), limits: nested, sent: '{"order":{"amount":1}}' }],
  ...bad('FENCE-20', ['{"order":1}', '{"order":[{"amount":1}]}', '{"order":null}'], { limits: nested }),
  ...bad('FENCE-18', ['{}', '{"order":{}}'], { limits: nested }),
  ...bad('FENCE-21', ['{"order":{"amount":1},"amount":2}', '{"order":{"amount":1,"tip":2}}'], { limits: nested }),
  ['a form', 'FENCE-26', 'ok', urlencoded('amount=3000&payee=acct%5F1', { sent: 'amount=3000&payee=acct_1' })],
  ...[
    'amount=3001&payee=acct_1',
    'amount=3e3&payee=acct_1',
    'amount=&payee=acct_1',
    'amount=1&amount=1&payee=acct_1',
    'amount=1&%61mount=9&payee=acct_1',
    'amount=1;amount=9&payee=acct_1',
    'amount[]=1&payee=acct_1',
    'amount&payee=acct_1',
    'amount=1=2&payee=acct_1',
    'amount=1&payee=acct_1&',
    '&amount=1&payee=acct_1',
    'amount=1&payee=acct_1&=1',
    'amount=1&payee=%FF',
    'amount=1&payee=%C0%AF',
    'amount=1&payee=acct_1%00',
    'amount=1&payee=acct_1%',
    'amount=1&payee=ä',
    '+amount=1&payee=acct_1',
    good,
    '',
  ].map((body) => [`form ${body}`, 'FENCE-26', 'fence_body', urlencoded(body)] as const),
  ['a query', 'FENCE-26', 'ok', { query: 'limit=5&q=a+b%2bc', limits: query, sent: 'limit=5&q=a%20b%2Bc' }],
  ...[
    '',
    'limit=0',
    'limit=101',
    'limit=5&limit=5',
    'limit=5&Limit=900',
    'limit=5&page=2',
    'limit=5;page=2',
    'limit=%35&q',
    'limit=5#x',
    'limit=5&q=%E0%80%AF',
    'limit[]=5',
  ].map((text) => [`query ${text}`, 'FENCE-26', 'fence_query', { query: text, limits: query }] as const),
  ...['amount=9000', 'x', '&'].map(
    (text) => [`query ${text} beside a body`, 'FENCE-36', 'fence_query', { ...json(good), query: text }] as const,
  ),
  [
    'a query beside a form',
    'FENCE-36',
    'fence_query',
    { ...urlencoded('amount=3000&payee=acct_1'), query: 'amount=9000&payee=acct_2' },
  ],
  ['a query that may be there', 'FENCE-36', 'ok', { ...json(good), query: 'limit=5', limits: bothLimits, sent: good }],
  ['a form beside a query', 'FENCE-36', 'fence_body', { query: 'limit=5', ...urlencoded('limit=900', { limits: query }) }],
  ['a text beside a query', 'FENCE-36', 'fence_body', { query: 'limit=5', body: 'x', type: 'text/plain', limits: query }],
  ['an empty body beside a query', 'FENCE-36', 'ok', { query: 'limit=5', body: '', limits: query, sent: 'limit=5' }],
];
writeVectors(
  'fence/arguments',
  'Requests against the limits of the page (with an optional note), or others: ok is `sent`, the query where there is no body.',
  judgements.map(([name, clause, expect, { body, limits, ...rest }]) => ({
    name,
    clause,
    expect,
    hex: encodeValue(
      limits === undefined ? withBody(limited()) : Object.keys(limits).length === 0 ? plain : { ...plain, v: 2, ...limits },
    ),
    ...(body !== undefined && { body: typeof body === 'string' ? utf8(body) : body }),
    ...rest,
  })),
);

const holder = 'hf_0123456789abcdefghijklmnopqrstuvwxyzABCDEFA';
interface Fielded {
  readonly at?: string;
  readonly type?: string;
  readonly coding?: string;
  readonly body?: string;
  readonly limits?: Value;
  /** The secret as `<>`. */
  readonly sent?: string;
}
const inJson = (body: string, sent?: string): Fielded => ({
  type: 'application/json',
  body,
  ...(sent !== undefined && { sent }),
});
const inForm = (body: string, sent?: string): Fielded => ({
  type: 'application/x-www-form-urlencoded',
  body,
  ...(sent !== undefined && { sent }),
});
const deep = { at: '/auth/key' };
const fielded: readonly (readonly [string, string, Expect, Fielded])[] = [
  ['a placeholder', 'FENCE-40', 'ok', inJson(` { "key": "${holder}", "a" : 1.0 } `, '{"key":"<>","a":1.0}')],
  ['a placeholder, escaped', 'FENCE-40', 'ok', inJson(`{"\\u006bey":"\\u0068${holder.slice(1)}"}`, '{"key":"<>"}')],
  ['nothing there', 'FENCE-40', 'ok', inJson('{"a":[1]}', '{"a":[1],"key":"<>"}')],
  ['an empty object', 'FENCE-40', 'ok', inJson('{}', '{"key":"<>"}')],
  [
    'deeper',
    'FENCE-40',
    'ok',
    { ...inJson(`{"auth":{"key":"${holder}","b":"\\u0000"},"c":null}`, '{"auth":{"key":"<>","b":"\\u0000"},"c":null}'), ...deep },
  ],
  ['deeper, and nothing there', 'FENCE-40', 'ok', { ...inJson('{"c":1}', '{"c":1,"auth":{"key":"<>"}}'), ...deep }],
  ['a form', 'FENCE-40', 'ok', inForm(`a=%00&key=${holder}&b=c+d`, 'a=%00&key=<>&b=c%20d')],
  ['a form, and nothing there', 'FENCE-40', 'ok', inForm('a=b', 'a=b&key=<>')],
  ['a form for a deeper field', 'FENCE-40', 'fence_body', { ...inForm('a=b'), ...deep }],
  ...['[]', '[{}]', '"x"', 'null', '7', '', '{"key":', '{"key":"a","key":"b"}', '{"a":1,"\\u0061":2}'].map(
    (body) => [`body ${body}`, 'FENCE-40', 'fence_body', inJson(body)] as const,
  ),
  ...['[]', '[{"key":"x"}]', '"x"', 'null', '7'].map(
    (auth) => [`${auth} on the way`, 'FENCE-40', 'fence_body', { ...inJson(`{"auth":${auth}}`), ...deep }] as const,
  ),
  ...['', 'key', 'key=a=b', 'key=a&key=b', 'key=a;b=c', 'key=%FF'].map(
    (body) => [`form ${body}`, 'FENCE-40', 'fence_body', inForm(body)] as const,
  ),
  ...['text/plain', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'application/json, text/plain'].map(
    (type) => [`type ${type}`, 'FENCE-40', 'fence_body', { ...inJson('{}'), type }] as const,
  ),
  ['no type', 'FENCE-40', 'fence_body', { body: '{}' }],
  ['no body', 'FENCE-40', 'fence_body', {}],
  ['a coding', 'FENCE-40', 'fence_body', { ...inJson('{}'), coding: 'gzip' }],
  ...['"mine"', '""', 'null', '7', 'true', '[]', '{}', `["${holder}"]`, `"${holder} "`, `"x${holder}"`].map(
    (key) => [`${key} in the field`, 'FENCE-41', 'client_auth_refused', inJson(`{"key":${key}}`)] as const,
  ),
  ...['Key', 'KEY', 'ke_y', 'key[]', 'key.a', 'kéy', ' key'].map(
    (beside) => [`${beside} beside it`, 'FENCE-41', 'client_auth_refused', inJson(`{"${beside}":"mine"}`)] as const,
  ),
  ['Auth beside what it is in', 'FENCE-41', 'client_auth_refused', { ...inJson('{"Auth":{"key":"mine"}}'), ...deep }],
  ['a form with an own one', 'FENCE-41', 'client_auth_refused', inForm('key=mine')],
  ['a form with key[]', 'FENCE-41', 'client_auth_refused', inForm('key[]=mine')],
  ['other keys', 'FENCE-41', 'ok', inJson('{"keys":1,"key_id":2}', '{"keys":1,"key_id":2,"key":"<>"}')],
  [
    'within limits that do not name it',
    'FENCE-42',
    'ok',
    {
      ...inJson(`{"amount":1,"key":"${holder}","payee":"acct_1"}`, '{"amount":1,"key":"<>","payee":"acct_1"}'),
      limits: limited(),
    },
  ],
  [
    'within limits, deeper',
    'FENCE-42',
    'ok',
    {
      ...inJson(`{"amount":1,"auth":{"key":"${holder}"},"payee":"acct_1"}`, '{"amount":1,"auth":{"key":"<>"},"payee":"acct_1"}'),
      limits: limited(),
      ...deep,
    },
  ],
  [
    'something beside it that limits do not name',
    'FENCE-42',
    'fence_body',
    { ...inJson(`{"amount":1,"auth":{"key":"${holder}","a":1},"payee":"acct_1"}`), limits: limited(), ...deep },
  ],
  ['outside of limits', 'FENCE-42', 'fence_body', { ...inJson('{"amount":3001,"payee":"acct_1"}'), limits: limited() }],
  ['another format than the limits', 'FENCE-42', 'fence_body', { ...inForm('amount=1&payee=acct_1'), limits: limited() }],
];
writeVectors(
  'fence/fields',
  'Bodies for a secret that stands in the field `at`: ok is `sent`, with the secret as `<>`. The placeholder is that of the file.',
  fielded.map(([name, clause, expect, { at = '/key', body, limits, ...rest }]) => ({
    name,
    clause,
    expect,
    hex: encodeValue(limits === undefined ? plain : withBody(limits)),
    placeholder: holder,
    at,
    ...(body !== undefined && { body: utf8(body) }),
    ...rest,
  })),
);
