// node scripts/vectors/vault.ts: vectors of spec/fence.md, spec/vault.md and spec/handle.md. Formats as CBOR, decisions as facts.

import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { handleId, handleText, requestDigest } from '@holdfast/protocol/vault/handle';
import { placeholderFor, placeholderSecret } from '@holdfast/protocol/vault/placeholder';
import { writeVectors } from './write.ts';

type Expect = 'ok' | ErrorCode;
type Fields = { readonly [key: string]: Value };

const id = (fill: number) => new Uint8Array(16).fill(fill);
const plainFence: Fields = {
  hosts: [{ host: 'api.example.com', port: 443 }],
  methods: ['GET', 'HEAD'],
  paths: ['/v1/**'],
  allowPrivate: false,
};
const certificate = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(16)}\n-----END CERTIFICATE-----\n`;
const pin = (fill: number) => new Uint8Array(32).fill(fill);
const pinned = (...pins: Uint8Array[]): Fields => ({ ...plainFence, v: 2, pins });
const withHost = (host: string): Fields => ({ ...plainFence, hosts: [{ host, port: 443 }] });
const withPath = (glob: string): Fields => ({ ...plainFence, paths: [glob] });
const without = (fields: Fields, key: string): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));

const fences: readonly (readonly [string, string, Expect, Fields])[] = [
  ['example of the page', 'FENCE-1', 'ok', plainFence],
  ['certificates', 'FENCE-1', 'ok', { ...plainFence, ca: certificate + certificate }],
  ['an unknown field', 'FENCE-1', 'codec_shape', { ...plainFence, hours: 'office' }],
  [
    'an unknown field of a host',
    'FENCE-1',
    'codec_shape',
    { ...plainFence, hosts: [{ host: 'a.example', port: 443, tls: false }] },
  ],
  ['no allowPrivate', 'FENCE-1', 'codec_shape', without(plainFence, 'allowPrivate')],
  ['no hosts', 'FENCE-2', 'codec_shape', { ...plainFence, hosts: [] }],
  ['no methods', 'FENCE-2', 'codec_shape', { ...plainFence, methods: [] }],
  ['no paths', 'FENCE-2', 'codec_shape', { ...plainFence, paths: [] }],
  [
    '17 hosts',
    'FENCE-1',
    'codec_limit',
    { ...plainFence, hosts: Array.from({ length: 17 }, () => ({ host: 'a.example', port: 443 })) },
  ],
  ...['localhost', 'a_b.example', 'xn--bcher-kva.example', '1.example', '127.0.0.1', '[::1]', '[2001:db8::1:0:0:1]'].map(
    (host) => [`host ${host}`, 'FENCE-3', 'ok', withHost(host)] as const,
  ),
  ...[
    '',
    'API.example.com',
    'api.example.com.',
    '.example.com',
    'a..b',
    '*.example.com',
    'bücher.example',
    'a b',
    'a/b',
    'user@a.example',
    'a.example:443',
    '-a.example',
    '%61.example',
    `${'a'.repeat(64)}.example`,
  ].map((host) => [`host ${JSON.stringify(host)}`, 'FENCE-3', 'codec_shape', withHost(host)] as const),
  ...[
    '127.1',
    '127.0.0.01',
    '0x7f.0.0.1',
    '2130706433',
    '256.0.0.1',
    'a.0x',
    '::1',
    '[0:0:0:0:0:0:0:1]',
    '[::A]',
    '[1::2:3:4:5:6:7]',
    '[::ffff:127.0.0.1]',
    '[fe80::1%25eth0]',
    '[::1',
  ].map((host) => [`address ${host}`, 'FENCE-4', 'codec_shape', withHost(host)] as const),
  ...['/', '/**', '/v1/*/x', '/v1/a*b**', '/%C3%A4'].map((glob) => [`glob ${glob}`, 'FENCE-5', 'ok', withPath(glob)] as const),
  ...['v1', '/v1/***', '/v1/../**', '/v1//x', '/a;b', '/%2f', '/%2F', '/a%2F..', '/a?b', '/a b', '/%41'].map(
    (glob) => [`glob ${glob}`, 'FENCE-5', 'codec_shape', withPath(glob)] as const,
  ),
  ...['CONNECT', 'TRACE', 'TRACK', 'get', 'GET ', ''].map(
    (method) => [`method ${JSON.stringify(method)}`, 'FENCE-10', 'codec_shape', { ...plainFence, methods: [method] }] as const,
  ),
  [
    'a private key beside the certificates',
    'FENCE-15',
    'codec_shape',
    { ...plainFence, ca: `${certificate}-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n` },
  ],
  ['pins', 'FENCE-50', 'ok', pinned(pin(1), pin(2))],
  ['a pin twice', 'FENCE-50', 'codec_shape', pinned(pin(1), pin(2), pin(1))],
  ['no pin', 'FENCE-2', 'codec_shape', pinned()],
  ['17 pins', 'FENCE-1', 'codec_limit', pinned(...Array.from({ length: 17 }, (_, index) => pin(index)))],
  ['a pin of SHA-1', 'FENCE-1', 'codec_shape', pinned(new Uint8Array(20))],
  ['pins in a fence of version 1', 'FENCE-27', 'codec_shape', { ...plainFence, pins: [pin(1)] }],
  ['text around the certificates', 'FENCE-15', 'codec_shape', { ...plainFence, ca: `# ours\n${certificate}` }],
];
writeVectors(
  'fence/fences',
  'Encodings of fences, and what a reader makes of them.',
  fences.map(([name, clause, expect, value]) => ({ name, clause, expect, hex: encodeValue(value) })),
);

const get = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const path = (text: string) => ({ ...get, path: text });
const decisions: readonly (readonly [string, string, Expect, typeof get, paths?: readonly string[]])[] = [
  ['example of the page', 'FENCE-14', 'ok', get],
  ['the folder itself', 'FENCE-14', 'ok', path('/v1/')],
  ['deep below', 'FENCE-14', 'ok', path('/v1/a/b/c.d/')],
  ['an escape that is needed', 'FENCE-8', 'ok', path('/v1/a%20b%C3%A4')],
  ['three dots', 'FENCE-6', 'ok', path('/v1/...')],
  ['http', 'FENCE-11', 'fence_scheme', { ...get, scheme: 'http' }],
  ['another host', 'FENCE-12', 'fence_host', { ...get, host: 'evil.example' }],
  ['a host below', 'FENCE-12', 'fence_host', { ...get, host: 'x.api.example.com' }],
  ['a host that begins alike', 'FENCE-12', 'fence_host', { ...get, host: 'api.example.com.evil.example' }],
  ['upper case host', 'FENCE-12', 'fence_host', { ...get, host: 'API.example.com' }],
  ['another port', 'FENCE-12', 'fence_host', { ...get, port: 8443 }],
  ['another method', 'FENCE-13', 'fence_method', { ...get, method: 'POST' }],
  ['lower case method', 'FENCE-13', 'fence_method', { ...get, method: 'get' }],
  ['another path', 'FENCE-14', 'fence_path', path('/v2/me')],
  ['a path that begins alike', 'FENCE-14', 'fence_path', path('/v10/me')],
  ['the folder without its slash', 'FENCE-14', 'fence_path', path('/v1')],
  ...['', 'v1/me', '*', '/v1/../admin', '/v1/./me', '/v1/..', '/v1//me', '//v1/me', `/v1/${'a'.repeat(4096)}`].map(
    (text) => [`path ${text.slice(0, 20)}`, 'FENCE-6', 'path_unsafe', path(text)] as const,
  ),
  ['an encoded slash', 'FENCE-7', 'ok', path('/v1/@scope%2Fname')],
  ['encoded slashes', 'FENCE-7', 'ok', path('/v1/a%2Fb%2Fc/d%2Fe')],
  ['an encoded slash at the end', 'FENCE-7', 'ok', path('/v1/a%2F')],
  ['eight of them', 'FENCE-7', 'ok', path(`/v1/a${'%2Fb'.repeat(8)}`)],
  ['nine of them', 'FENCE-7', 'path_unsafe', path(`/v1/a${'%2Fb'.repeat(9)}`)],
  ['outside as it is sent', 'FENCE-14', 'fence_path', path('/v1%2Fme')],
  ['inside as it is sent alone', 'FENCE-14', 'fence_path', path('/@scope%2Fname'), ['/@scope%2F*']],
  ['inside when it is decoded alone', 'FENCE-14', 'fence_path', path('/@scope%2Fname'), ['/@scope/*']],
  ['inside both ways, by two globs', 'FENCE-14', 'ok', path('/@scope%2Fname'), ['/@scope%2F*', '/@scope/*']],
  ['inside both ways, by one glob', 'FENCE-14', 'ok', path('/@scope%2Fname'), ['/**']],
  ['more segments than the glob has', 'FENCE-14', 'fence_path', path('/p/a%2Fb/issues'), ['/p/*/issues']],
  ['another folder when it is decoded', 'FENCE-14', 'fence_path', path('/p/a%2Fadmin'), ['/p/*']],
  ...[
    '/v1/..%2Fadmin',
    '/v1/a%2F..',
    '/v1/a%2F..%2Fadmin',
    '/v1/.%2Fa',
    '/v1/%2F',
    '/v1%2F%2Fa',
    '/v1/%252Fa',
    '/v1/a%5Cb',
    '/v1/a%3Bb',
    '/v1/%252E',
  ].map((text) => [`path ${text}`, 'FENCE-7', 'path_unsafe', path(text)] as const),
  ...[
    '/v1/%2e%2e/admin',
    '/v1/%2E%2E/admin',
    '/v1/a%2fb',
    '/v1/%41',
    '/v1/%c3%a4',
    '/v1/%C0%AF',
    '/v1/%FF',
    '/v1/%',
    '/v1/%4',
    '/v1/%zz',
  ].map((text) => [`path ${text}`, 'FENCE-8', 'path_unsafe', path(text)] as const),
  ...[
    '/v1/a;b',
    '/v1/..;/admin',
    '/v1\\admin',
    '/v1/a b',
    '/v1/a?b',
    '/v1/a#b',
    '/v1/a\nb',
    '/v1/a\0',
    '/v1/%0A',
    '/v1/%00',
    '/v1/%7F',
    '/v1/ä',
    '/v1/a"b',
    '/v1/a|b',
  ].map((text) => [`path ${JSON.stringify(text)}`, 'FENCE-9', 'path_unsafe', path(text)] as const),
];
writeVectors(
  'fence/decisions',
  'Requests against the fence of the page, or one with other `paths`: ok is allow.',
  decisions.map(([name, clause, expect, facts, paths]) => ({ name, clause, expect, facts, ...(paths && { paths }) })),
);

const bearer: Value = { kind: 'bearer' };
const item: Fields = { id: id(1), name: 'demo', attach: bearer, fence: plainFence, env: 'DEMO_TOKEN' };
const sealed: Value = { encapsulated: new Uint8Array(1153), ciphertext: new Uint8Array(48) };
const grant: Fields = { grant: id(2), item: id(1), name: 'demo', agent: id(3), attach: bearer, fence: plainFence, sealed };
const budget: Fields = { id: id(5), agent: id(3) };
const egress: Fields = { id: id(4), agent: id(3), host: 'registry.npmjs.org', port: 443, allowPrivate: false };
const attached = (attach: Value): Fields => ({ ...item, attach });
const headers = [
  'Authorization',
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'expect',
  'cookie',
  'range',
  'accept-encoding',
  'proxy-authorization',
  'sec-fetch-site',
  'x-forwarded-for',
  'x-http-method-override',
  'x-original-url',
  'a b',
  'a:b',
  '',
];
const items: readonly (readonly [string, string, Expect, 'item' | 'grant' | 'egress' | 'budget', Fields])[] = [
  ['an item', 'VAULT-1', 'ok', 'item', item],
  ['an item without a variable', 'VAULT-1', 'ok', 'item', without(item, 'env')],
  ['an item with a purpose', 'VAULT-15', 'ok', 'item', { ...item, purpose: 'Reads the demo, für später' }],
  ['an empty purpose', 'VAULT-15', 'codec_shape', 'item', { ...item, purpose: '' }],
  ['a purpose of two lines', 'VAULT-15', 'codec_shape', 'item', { ...item, purpose: 'a\nb' }],
  ['a purpose for a terminal', 'VAULT-15', 'codec_shape', 'item', { ...item, purpose: 'a\u009b2J' }],
  ['a purpose of 257 characters', 'VAULT-15', 'codec_limit', 'item', { ...item, purpose: 'a'.repeat(257) }],
  ['a grant with a purpose', 'VAULT-15', 'ok', 'grant', { ...grant, purpose: 'reads the demo' }],
  ['an upper case name', 'VAULT-1', 'codec_shape', 'item', { ...item, name: 'Demo' }],
  ['a name that is a path', 'VAULT-1', 'codec_shape', 'item', { ...item, name: '../demo' }],
  ['an unknown field', 'VAULT-1', 'codec_shape', 'item', { ...item, hint: '' }],
  ['a secret in the clear', 'VAULT-2', 'codec_shape', 'item', { ...item, secret: new Uint8Array(8) }],
  ['an attachment that nobody knows', 'VAULT-1', 'codec_shape', 'item', attached({ kind: 'cookie', name: 'sid' })],
  ...['PATH', 'LD_PRELOAD', 'https_proxy', 'HOLDFAST_HOME', 'NODE_OPTIONS', 'A-B', '1A'].map(
    (env) => [`variable ${env}`, 'VAULT-3', 'codec_shape', 'item', { ...item, env }] as const,
  ),
  ['header x-api-key', 'VAULT-4', 'ok', 'item', attached({ kind: 'header', name: 'x-api-key' })],
  ['header authorization', 'VAULT-4', 'ok', 'item', attached({ kind: 'header', name: 'authorization' })],
  ...headers.map(
    (name) => [`header ${JSON.stringify(name)}`, 'VAULT-4', 'codec_shape', 'item', attached({ kind: 'header', name })] as const,
  ),
  ['basic', 'VAULT-1', 'ok', 'item', attached({ kind: 'basic', username: 'x-access-token' })],
  ['basic with a colon', 'VAULT-1', 'codec_shape', 'item', attached({ kind: 'basic', username: 'a:b' })],
  ['query', 'VAULT-1', 'ok', 'item', attached({ kind: 'query', name: 'api_key' })],
  ['query with an equals sign', 'VAULT-1', 'codec_shape', 'item', attached({ kind: 'query', name: 'a=b' })],
  ['body', 'VAULT-1', 'ok', 'item', attached({ kind: 'body', at: '/auth/a~1b' })],
  ...['', '/', 'key', '/a//b', '/a~2'].map(
    (at) => [`body at ${JSON.stringify(at)}`, 'VAULT-14', 'codec_shape', 'item', attached({ kind: 'body', at })] as const,
  ),
  ['a grant', 'VAULT-7', 'ok', 'grant', grant],
  ['a grant without its fence', 'VAULT-7', 'codec_shape', 'grant', without(grant, 'fence')],
  [
    'a grant with a short encapsulation',
    'VAULT-7',
    'codec_shape',
    'grant',
    { ...grant, sealed: { encapsulated: new Uint8Array(1152), ciphertext: new Uint8Array(48) } },
  ],
  [
    'a grant with a long ciphertext',
    'VAULT-7',
    'codec_limit',
    'grant',
    { ...grant, sealed: { encapsulated: new Uint8Array(1153), ciphertext: new Uint8Array(8192 + 17) } },
  ],
  ['a grant with the secret in the clear', 'VAULT-2', 'codec_shape', 'grant', { ...grant, secret: new Uint8Array(8) }],
  ['an egress rule', 'VAULT-8', 'ok', 'egress', egress],
  ['an egress rule with pins', 'VAULT-8', 'ok', 'egress', { ...egress, pins: [pin(1)] }],
  ['an egress rule with a pin twice', 'FENCE-50', 'codec_shape', 'egress', { ...egress, pins: [pin(1), pin(1)] }],
  ['an egress rule for every host', 'VAULT-8', 'codec_shape', 'egress', { ...egress, host: '*' }],
  ['a budget', 'VAULT-16', 'ok', 'budget', { ...budget, uses: { total: 500, windows: [{ max: 100, windowMs: 3_600_000 }] } }],
  ['a budget of bytes', 'VAULT-16', 'ok', 'budget', { ...budget, bytes: { total: 1_000_000, windows: [] } }],
  ['a budget of how many at once', 'VAULT-16', 'ok', 'budget', { ...budget, concurrent: 8 }],
  ['a budget of nothing', 'VAULT-16', 'codec_shape', 'budget', budget],
  ['a budget with a field of another day', 'VAULT-16', 'codec_shape', 'budget', { ...budget, concurrent: 8, cost: 5 }],
  ['a budget of no uses', 'FENCE-29', 'codec_shape', 'budget', { ...budget, uses: { windows: [] } }],
  ['a budget of none at once', 'VAULT-16', 'codec_shape', 'budget', { ...budget, concurrent: 0 }],
  ['a budget of nobody', 'VAULT-16', 'codec_shape', 'budget', { ...without(budget, 'agent'), concurrent: 8 }],
  ['an egress rule for port 0', 'VAULT-8', 'codec_shape', 'egress', { ...egress, port: 0 }],
];
writeVectors(
  'vault/items',
  'Encodings of vault items, granted items, egress rules and budgets, and what a reader makes of them.',
  items.map(([name, clause, expect, format, value]) => ({ name, clause, expect, format, hex: encodeValue(value) })),
);

const text = (value: string) => new Uint8Array(Buffer.from(value, 'latin1'));
const secrets: readonly (readonly [string, string, Expect, Value, Uint8Array])[] = [
  ['bearer of 8', 'VAULT-5', 'ok', bearer, text('abcd1234')],
  ['bearer of 7', 'VAULT-5', 'secret_unfit', bearer, text('abcd123')],
  ['nothing', 'VAULT-5', 'secret_unfit', bearer, text('')],
  ['bearer of 8193', 'VAULT-5', 'secret_unfit', bearer, text('a'.repeat(8193))],
  ['bearer with a line break', 'VAULT-6', 'secret_unfit', bearer, text('abcd1234\n')],
  ['bearer with a space', 'VAULT-6', 'secret_unfit', bearer, text('abcd 1234')],
  ['header with a space inside', 'VAULT-6', 'ok', { kind: 'header', name: 'x-api-key' }, text('token abcd1234')],
  ['header with a space at the end', 'VAULT-6', 'secret_unfit', { kind: 'header', name: 'x-api-key' }, text('abcd1234 ')],
  ['header with a carriage return', 'VAULT-6', 'secret_unfit', { kind: 'header', name: 'x-api-key' }, text('abcd\r1234')],
  ['header beyond ASCII', 'VAULT-6', 'secret_unfit', { kind: 'header', name: 'x-api-key' }, text('abcd1234é')],
  ['basic with a NUL', 'VAULT-6', 'secret_unfit', { kind: 'basic', username: '' }, text('abcd\x001234')],
  ['query of any bytes', 'VAULT-6', 'ok', { kind: 'query', name: 'key' }, text('\x00\xff\r\n12345678')],
  ['body of lines', 'VAULT-6', 'ok', { kind: 'body', at: '/key' }, text('-----BEGIN KEY-----\n"ab\\cd"\t\r\n')],
  ['body beyond ASCII', 'VAULT-6', 'secret_unfit', { kind: 'body', at: '/key' }, text('abcd1234\xe9')],
  ['body with a NUL', 'VAULT-6', 'secret_unfit', { kind: 'body', at: '/key' }, text('abcd\x001234')],
  ['too little that counts', 'VAULT-5', 'secret_unfit', { kind: 'query', name: 'key' }, text('ab, "cd", "efg"')],
];
writeVectors(
  'vault/secrets',
  'Secrets against the place where they are to stand.',
  secrets.map(([name, clause, expect, attach, secret]) => ({ name, clause, expect, attach, secret })),
);

const epochKey = new Uint8Array(32).fill(9);
const secret = placeholderSecret(nodePrimitives, epochKey);
writeVectors('vault/placeholders', 'The placeholder of a grant for an agent; what has another form is refused.', [
  {
    name: 'of a grant',
    clause: 'VAULT-10',
    expect: 'ok',
    secret,
    grant: id(2),
    placeholder: placeholderFor(nodePrimitives, secret, id(2)),
  },
  {
    name: 'of another grant',
    clause: 'VAULT-10',
    expect: 'ok',
    secret,
    grant: id(3),
    placeholder: placeholderFor(nodePrimitives, secret, id(3)),
  },
  {
    name: 'of the same grant, from the epoch key',
    clause: 'VAULT-12',
    expect: 'ok',
    epochKey,
    secret,
    grant: id(2),
    placeholder: placeholderFor(nodePrimitives, secret, id(2)),
  },
  { name: 'too short', clause: 'VAULT-11', expect: 'refused', placeholder: `hf_${'A'.repeat(42)}` },
  { name: 'too long', clause: 'VAULT-11', expect: 'refused', placeholder: `hf_${'A'.repeat(44)}` },
  { name: 'other digits', clause: 'VAULT-11', expect: 'refused', placeholder: `hf_${'A'.repeat(42)}+` },
  { name: 'bits left over', clause: 'VAULT-11', expect: 'refused', placeholder: `hf_${'A'.repeat(42)}B` },
  { name: 'another prefix', clause: 'VAULT-11', expect: 'refused', placeholder: `hx_${'A'.repeat(43)}` },
]);

const request = requestDigest(nodePrimitives, get);
const other = requestDigest(nodePrimitives, path('/v1/other'));
const by = { session: id(5), agent: id(3), grant: id(2), request, atMs: 1000 };
const presentations: readonly (readonly [string, string, Expect, readonly (typeof by)[]])[] = [
  ['at once', 'HANDLE-4', 'ok', [by]],
  ['a millisecond before its end', 'HANDLE-4', 'ok', [{ ...by, atMs: 1000 + 299_999 }]],
  ['at its end', 'HANDLE-4', 'handle_expired', [{ ...by, atMs: 1000 + 300_000 }]],
  ['much later', 'HANDLE-4', 'handle_expired', [{ ...by, atMs: 2 ** 50 }]],
  ['before it was minted', 'HANDLE-4', 'handle_expired', [{ ...by, atMs: 999 }]],
  ['twice', 'HANDLE-5', 'handle_used', [by, by]],
  ['after it expired', 'HANDLE-5', 'handle_used', [{ ...by, atMs: 2 ** 50 }, by]],
  ['another session', 'HANDLE-6', 'handle_foreign', [{ ...by, session: id(6) }]],
  ['another agent', 'HANDLE-6', 'handle_foreign', [{ ...by, agent: id(7) }]],
  ['another grant', 'HANDLE-6', 'handle_foreign', [{ ...by, grant: id(6) }]],
  ['another request', 'HANDLE-6', 'handle_foreign', [{ ...by, request: other }]],
  ['rightly after wrongly', 'HANDLE-5', 'handle_used', [{ ...by, request: other }, by]],
];
writeVectors(
  'handle/presentations',
  'A handle minted at 1000 ms for `binding`, presented one time after the other; what the last one yields.',
  presentations.map(([name, clause, expect, presented]) => ({
    name,
    clause,
    expect,
    binding: { session: id(5), agent: id(3), grant: id(2), request },
    presented,
  })),
);
const handle = new Uint8Array(32).fill(8);
writeVectors('handle/names', 'What names a handle and a request.', [
  { name: 'a handle', clause: 'HANDLE-2', expect: 'ok', handle, id: handleId(nodePrimitives, handle) },
  { name: 'the text of a handle', clause: 'HANDLE-12', expect: 'ok', handle, text: handleText(handle) },
  ...Object.entries({
    'the text of another prefix': handleText(handle).replace('hf_h_', 'hf_x_'),
    'a text that is too short': handleText(handle).slice(0, -1),
    'a text that is too long': `${handleText(handle)}A`,
    'a text with bits left over': `${handleText(handle).slice(0, -1)}J`,
    'a text with padding': `${handleText(handle)}=`,
    'a text with other digits': handleText(handle).replace('hf_h_C', 'hf_h_+'),
    'a placeholder': placeholderFor(nodePrimitives, secret, id(2)),
  }).map(([name, text]) => ({ name, clause: 'HANDLE-12', expect: 'refused' as const, text })),
  { name: 'a request', clause: 'HANDLE-3', expect: 'ok', facts: get, digest: request },
  { name: 'another request', clause: 'HANDLE-3', expect: 'ok', facts: path('/v1/other'), digest: other },
]);
