// What the console's server answers whom, spec/console.md.

import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { answerer, type Answer } from '../serve/answer.ts';
import { bundleHash } from '../serve/bundle.ts';

const bundle = new Map(
  Object.entries({
    'index.html': '<!doctype html>',
    'sw.js': 'worker',
    'assets/index-a1b2.js': 'code',
    'manifest.webmanifest': '{}',
  }).map(([name, text]) => [name, Buffer.from(text)] as const),
);
const origins = ['http://localhost:7434', 'https://console.example'];
const answer = answerer({ bundle, relay: 'http://127.0.0.1:7433', origins });
const own = { host: 'localhost:7434' };

function get(target: string, headers: Readonly<Record<string, string>> = own, method = 'GET'): Answer {
  return answer({ method, target, headers });
}
const bodyOf = ({ body }: Answer): string => Buffer.from(body).toString();

const refusals: Readonly<Record<string, readonly [number, Answer]>> = {
  'another method': [405, get('/', own, 'POST')],
  'another host': [421, get('/', { host: 'evil.example' })],
  'no such file': [404, get('/none.js')],
  'no path': [400, get('http://localhost:7434/')],
  'another origin': [403, get('/', { ...own, origin: 'http://localhost:9999' })],
};

test('[CONSOLE-8, CONSOLE-9] every answer carries the headers, and the policy names the WebSocket of the relay and nothing wider', () => {
  for (const each of [
    get('/'),
    get('/assets/index-a1b2.js'),
    get('/relay.json'),
    ...Object.values(refusals).map(([, one]) => one),
  ]) {
    const own = ['allow', 'cache-control', 'content-type', 'vary'];
    const always = Object.fromEntries(Object.entries(each.headers).filter(([name]) => !own.includes(name)));
    assert.ok('cache-control' in each.headers && 'content-type' in each.headers);
    assert.deepEqual(always, {
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://127.0.0.1:7433; img-src 'self' data:; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types holdfast-templates holdfast-worker",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'permissions-policy':
        'camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), microphone=(), payment=(), usb=()',
    });
  }
  const tls = answerer({ bundle, relay: 'https://relay.example:8443', origins })({ method: 'GET', target: '/', headers: own });
  assert.match(tls.headers['content-security-policy'] ?? '', /connect-src 'self' wss:\/\/relay\.example:8443;/);
});

for (const [what, [status, refusal]] of Object.entries(refusals)) {
  test(`${what} is ${status}, with nothing of the bundle`, () => {
    assert.equal(refusal.status, status);
    assert.doesNotMatch(bodyOf(refusal), /doctype|code|worker/);
  });
}

test('[CONSOLE-4] it answers under its own names and no other', () => {
  for (const host of ['localhost:7434', 'LOCALHOST:7434', 'console.example']) assert.equal(get('/', { host }).status, 200, host);
  const others = [
    'localhost',
    'localhost:7435',
    '127.0.0.1:7434',
    '[::1]:7434',
    'localhost.:7434',
    'a.localhost:7434',
    'console.example:8443',
    '',
  ];
  for (const host of others) assert.equal(get('/', { host }).status, 421, host);
  assert.equal(get('/', {}).status, 421);
});

test('[CONSOLE-5] an origin other than its own is refused, and null is another', () => {
  for (const origin of origins) assert.equal(get('/', { ...own, origin }).status, 200, origin);
  for (const origin of ['null', 'http://localhost:9999', 'https://localhost:7434', 'http://localhost:7434.evil.example', ''])
    assert.equal(get('/', { ...own, origin }).status, 403, origin);
});

test('[CONSOLE-6] of other sites and ports only a navigation of a whole window is answered', () => {
  const from = (site: string, mode: string, dest: string): number =>
    get('/', { ...own, 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }).status;
  for (const site of ['cross-site', 'same-site', 'something-new']) {
    assert.equal(from(site, 'navigate', 'document'), 200, site);
    for (const dest of ['iframe', 'frame', 'object', 'embed']) assert.equal(from(site, 'navigate', dest), 403, dest);
    assert.equal(from(site, 'no-cors', 'script'), 403);
    assert.equal(from(site, 'cors', 'empty'), 403);
    assert.equal(from(site, 'websocket', 'websocket'), 403);
  }
  assert.equal(from('none', 'navigate', 'document'), 200);
  assert.equal(from('same-origin', 'cors', 'script'), 200);
});

test('[CONSOLE-2] only GET and HEAD', () => {
  assert.equal(get('/', own, 'HEAD').status, 200);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT', 'get', '']) {
    assert.equal(get('/', own, method).status, 405, method);
    assert.equal(get('/', own, method).headers['allow'], 'GET, HEAD');
  }
});

test('[CONSOLE-1] files are those of the list, a screen is the index, and no path names a file of the disk', () => {
  for (const target of ['/', '/agents', '/agents/abc', '/?a=b', '/agents?q=a.b', '/assets/', '/..']) {
    const found = get(target);
    if (target === '/..') assert.equal(found.status, 404);
    else assert.equal(bodyOf(found), '<!doctype html>', target);
  }
  for (const target of [
    '/../package.json',
    '/..%2fpackage.json',
    '/assets/../sw.js',
    '/assets/%69ndex-a1b2.js',
    '/.git/config.x',
    '//sw.js',
  ])
    assert.notEqual(get(target).status, 200, target);
  for (const target of ['*', 'sw.js', 'http://evil.example/sw.js', `/${'a'.repeat(2048)}`]) assert.equal(get(target).status, 400);
  assert.equal(bodyOf(get('/sw.js?v=1')), 'worker');
});

test('[CONSOLE-10] no answer sets a cookie, and a cookie changes no answer', () => {
  assert.deepEqual(get('/', { ...own, cookie: 'a=b' }), get('/'));
  for (const each of [get('/'), ...Object.values(refusals).map(([, one]) => one)])
    assert.equal('set-cookie' in each.headers, false);
});

test('[CONSOLE-11] what has its hash in its name is kept for good, the rest is asked for again', () => {
  assert.equal(get('/assets/index-a1b2.js').headers['cache-control'], 'public, max-age=31536000, immutable');
  for (const target of ['/', '/agents', '/sw.js', '/manifest.webmanifest'])
    assert.equal(get(target).headers['cache-control'], 'no-cache');
  assert.equal(get('/relay.json').headers['cache-control'], 'no-store');
});

test('[CONSOLE-3] relay.json names the relay and the bundle', () => {
  assert.deepEqual(JSON.parse(bodyOf(get('/relay.json'))), { relay: 'http://127.0.0.1:7433', bundle: bundleHash(bundle) });
});

test('types are named, and who can take it gets it compressed', () => {
  assert.equal(get('/manifest.webmanifest').headers['content-type'], 'application/manifest+json');
  assert.equal(get('/assets/index-a1b2.js').headers['content-type'], 'text/javascript; charset=utf-8');
  const zipped = get('/', { ...own, 'accept-encoding': 'br, gzip' });
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(zipped.body).toString(), '<!doctype html>');
});
