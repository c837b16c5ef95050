// Fences, globs, hosts, handles and the command line's terms, over inputs that nobody thought of.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { egressFor, type EgressRule } from '@holdfast/protocol/vault/egress';
import { decide } from '@holdfast/protocol/vault/fence';
import { handleLifeMs, isPastLife, minted, present, type HandleState } from '@holdfast/protocol/vault/handle';
import { isCanonicalHost } from '@holdfast/protocol/vault/host';
import { globMatches, isCanonicalPath, isPathGlob } from '@holdfast/protocol/vault/path';
import { isPlaceholder, placeholderFor } from '@holdfast/protocol/vault/placeholder';
import {
  defaultMethods,
  parseAttach,
  parseCaBundle,
  parseFence,
  parseHost,
  parsePins,
  pinText,
} from '@holdfast/protocol/vault/terms';
import { templateForVariable, templateNamed } from '@holdfast/protocol/vault/templates';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 300, soak: 20_000 }) };
const usage = (act: () => unknown) => assert.throws(act, (thrown) => codeOf(thrown) === 'usage');

/** The meaning of a glob, slow and plain, to hold the matcher against. */
function means(glob: string, path: string): boolean {
  if (glob === '') return path === '';
  if (glob.startsWith('**')) return means(glob.slice(2), path) || (path !== '' && means(glob, path.slice(1)));
  if (glob.startsWith('*'))
    return means(glob.slice(1), path) || (path !== '' && !path.startsWith('/') && means(glob, path.slice(1)));
  return path.startsWith(glob[0] ?? '') && path !== '' && means(glob.slice(1), path.slice(1));
}

describe('globs', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 8 });
  it('match what they mean', () => {
    fc.assert(
      fc.property(letters, fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 }), (glob, path) => {
        const text = `/${glob.join('')}`.replace(/\*{3,}/g, '**');
        assert.equal(globMatches(text, `/${path.join('')}`), means(text, `/${path.join('')}`));
      }),
      runs,
    );
  });

  it('come to an end with an evil pattern, at which a backtracking matcher would not in this world: [FENCE-14]', () => {
    assert.equal(globMatches(`/${'a*'.repeat(120)}b`, `/${'a'.repeat(4000)}`), false);
    assert.equal(globMatches(`/${'**a'.repeat(80)}b`, `/${'a'.repeat(4000)}`), false);
  });
});

describe('paths', () => {
  it('that pass are those that a URL parser leaves alone and decodes to the same segments', () => {
    const piece = fc.constantFrom(
      '/',
      'a',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2F',
      '%20',
      '%',
      ';',
      '\\',
      '?',
      '%25',
      '%C3%A4',
      '%c3',
      '*',
      '\n',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        if (!isCanonicalPath(path)) return;
        assert.equal(new URL(`https://h${path}`).pathname, path);
        const segments = decodeURIComponent(path).split('/');
        assert.equal(segments.length, path.replaceAll('%2F', '/').split('/').length);
        for (const segment of ['.', '..']) assert.ok(!segments.includes(segment));
        assert.ok(!segments.slice(1, -1).includes(''));
      }),
      runs,
    );
  });
  it('[FENCE-14] with encoded slashes pass only if both of their readings are inside', () => {
    const glob = fc.constantFrom('/a/*', '/a%2F*', '/a/**', '/*', '/**', '/a/b', '/a%2Fb');
    const segment = fc.constantFrom('a', 'b', 'c');
    const joint = fc.constantFrom('/', '%2F');
    const facts = { scheme: 'https', host: 'a.example', port: 443, method: 'GET' };
    for (const paths of [['/a%2F*'], ['/a/*'], ['/*']])
      assert.equal(
        decide(parseFence({ hosts: ['a.example'], paths }), { ...facts, path: '/a%2Fb' }).kind,
        'refuse',
        paths.join(),
      );
    fc.assert(
      fc.property(
        fc.uniqueArray(glob, { minLength: 1 }),
        segment,
        fc.array(fc.tuple(joint, segment), { maxLength: 3 }),
        (paths, first, rest) => {
          const within = parseFence({ hosts: ['a.example'], paths });
          const path = `/${first}${rest.flat().join('')}`;
          const inside = (text: string) => paths.some((each) => globMatches(each, text));
          const expected = inside(path) && inside(path.replaceAll('%2F', '/'));
          assert.equal(decide(within, { ...facts, path }).kind === 'allow', expected, `${paths.join()} ${path}`);
        },
      ),
      runs,
    );
  });
  it('of any text never make a fence throw', () => {
    const within = parseFence({ hosts: ['a.example'] });
    fc.assert(
      fc.property(
        fc.record({ scheme: fc.string(), host: fc.string(), port: fc.integer(), method: fc.string(), path: fc.string() }),
        (facts) => {
          const decision = decide(within, facts);
          if (decision.kind === 'allow') assert.deepEqual([facts.scheme, facts.host, facts.port], ['https', 'a.example', 443]);
        },
      ),
      runs,
    );
  });
});

describe('hosts', () => {
  it('[FENCE-3, FENCE-4] that pass are those that a URL parser leaves alone', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '.',
      '-',
      '_',
      '1',
      '0x',
      '127',
      '[',
      ']',
      ':',
      '::',
      'ffff',
      '0',
      '%',
      '*',
      'ä',
      ' ',
      '/',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 9 }), (pieces) => {
        const host = pieces.join('');
        if (isCanonicalHost(host)) assert.equal(new URL(`https://${host}/`).hostname, host);
      }),
      runs,
    );
  });
  it('all IPv6 addresses pass in the form that a URL parser prints', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 }),
        (groups) => {
          const { hostname } = new URL(`https://[${groups.map((group) => group.toString(16)).join(':')}]/`);
          assert.ok(isCanonicalHost(hostname), hostname);
        },
      ),
      runs,
    );
  });
});

describe('egress', () => {
  it('[VAULT-9] covers the exact pair only', () => {
    const rule: EgressRule = {
      id: new Uint8Array(16),
      agent: new Uint8Array(16),
      host: 'a.example',
      port: 443,
      allowPrivate: false,
    };
    assert.equal(egressFor([rule], 'a.example', 443), rule);
    for (const [host, port] of [
      ['a.example', 444],
      ['b.example', 443],
      ['x.a.example', 443],
      ['A.example', 443],
      ['a.example.', 443],
    ] as const) {
      assert.equal(egressFor([rule], host, port), undefined);
    }
  });
});

describe('handles', () => {
  const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
  it('[HANDLE-5] are consumed at most once, in any order of presentations', () => {
    const time = fc.double({ min: 0, max: 2 * handleLifeMs });
    const presentation = fc.record({ right: fc.boolean(), atMs: time, wrong: id });
    fc.assert(
      fc.property(fc.array(presentation, { maxLength: 12 }), (presentations) => {
        const binding = {
          session: new Uint8Array(16).fill(1),
          agent: new Uint8Array(16).fill(2),
          grant: new Uint8Array(16).fill(3),
          request: new Uint8Array(32).fill(4),
        };
        let state: HandleState = minted(binding, 0);
        const verdicts = presentations.map(({ right, atMs, wrong }) => {
          const { next, verdict } = present(state, right ? binding : { ...binding, session: wrong }, atMs);
          state = next;
          return verdict.kind;
        });
        assert.ok(verdicts.filter((kind) => kind === 'consume').length <= 1);
        const first = presentations[0];
        assert.equal(verdicts[0] === 'consume', first !== undefined && first.right && first.atMs < handleLifeMs);
        assert.ok(!verdicts.slice(1).includes('consume'), 'only the first presentation can consume');
      }),
      runs,
    );
  });
  it('[HANDLE-4] die by a clock that makes no sense', () => {
    const state = minted(
      { session: new Uint8Array(16), agent: new Uint8Array(16), grant: new Uint8Array(16), request: new Uint8Array(32) },
      1000,
    );
    for (const nowMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 999])
      assert.ok(isPastLife(state, nowMs));
    assert.ok(!isPastLife(state, 1000));
  });
});

describe('placeholders', () => {
  it('[VAULT-10, VAULT-11] differ by agent and grant, and are recognised', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (secret, grant, another) => {
        const placeholder = placeholderFor(nodePrimitives, secret, grant);
        assert.ok(isPlaceholder(placeholder));
        assert.equal(placeholder.slice(3), Buffer.from(placeholder.slice(3), 'base64url').toString('base64url'));
        if (Buffer.compare(grant, another) !== 0) assert.notEqual(placeholderFor(nodePrimitives, secret, another), placeholder);
        if (Buffer.compare(secret, another) !== 0) assert.notEqual(placeholderFor(nodePrimitives, another, grant), placeholder);
      }),
      runs,
    );
  });
});

describe('what a person types', () => {
  it('[FENCE-2] gets its defaults written out', () => {
    assert.deepEqual(parseFence({ hosts: ['api.example.com'] }), {
      hosts: [{ host: 'api.example.com', port: 443 }],
      methods: [...defaultMethods],
      paths: ['/**'],
      allowPrivate: false,
    });
  });
  it('[FENCE-3, FENCE-4] gets hosts in canonical form', () => {
    assert.deepEqual(parseHost('API.Example.com:8443'), { host: 'api.example.com', port: 8443 });
    assert.deepEqual(parseHost('Bücher.example'), { host: 'xn--bcher-kva.example', port: 443 });
    assert.deepEqual(parseHost('[::1]:8443'), { host: '[::1]', port: 8443 });
    for (const typed of [
      '',
      '*.example.com',
      'https://a.example',
      'a.example/x',
      'a.example.',
      'a.example:0',
      'a.example:65536',
      'a.example:',
      'u@a.example',
      '127.1',
      '0x7f.1',
      '::1',
      '[0:0::1]',
      'a b',
      '%61.example',
    ]) {
      usage(() => parseHost(typed));
    }
  });
  it('[VAULT-4] gets attachments', () => {
    assert.deepEqual(parseAttach('bearer'), { kind: 'bearer' });
    assert.deepEqual(parseAttach('basic'), { kind: 'basic', username: '' });
    assert.deepEqual(parseAttach('basic:x'), { kind: 'basic', username: 'x' });
    assert.deepEqual(parseAttach('header:X-Api-Key'), { kind: 'header', name: 'x-api-key' });
    assert.deepEqual(parseAttach('query:key'), { kind: 'query', name: 'key' });
    assert.deepEqual(parseAttach('body:/auth/key'), { kind: 'body', at: '/auth/key' });
    for (const typed of [
      '',
      'bearer:x',
      'header',
      'header:',
      'header:Host',
      'query',
      'query:a=b',
      'body',
      'body:key',
      'body:/',
      'basic:a:b',
      'cookie:sid',
      'Bearer',
    ])
      usage(() => parseAttach(typed));
  });
  it('[FENCE-15] gets certificates, and a refusal for private keys', () => {
    const pem = '-----BEGIN CERTIFICATE-----\r\nQUJD\r\n-----END CERTIFICATE-----';
    assert.equal(parseCaBundle(`subject=x\r\n${pem}\r\n`), '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n');
    usage(() => parseCaBundle(`${pem}\n-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n`));
    usage(() => parseCaBundle('nothing'));
  });
  it('[FENCE-50, FENCE-51] gets pins in one spelling, and of what is none a refusal', () => {
    const pin = `sha256/${'+/'.repeat(21)}8=`;
    assert.deepEqual(parsePins([pin, `sha256//${'A'.repeat(43)}=`]).map(pinText), [pin, `sha256/${'A'.repeat(43)}=`]);
    for (const typed of [
      '',
      'sha256/',
      'sha256/AAAA',
      `sha1/${'A'.repeat(43)}=`,
      `sha256/${'A'.repeat(42)}B=`,
      `sha256/${'-'.repeat(43)}=`,
    ])
      usage(() => parsePins([typed]));
    usage(() => parsePins([]));
    usage(() => parsePins([pin, pin]));
  });
  it('[FENCE-5, FENCE-10] gets a refusal that says why', () => {
    usage(() => parseFence({ hosts: [] }));
    usage(() => parseFence({ hosts: ['a.example'], methods: ['TRACE'] }));
    usage(() => parseFence({ hosts: ['a.example'], paths: ['v1'] }));
    usage(() => parseFence({ hosts: ['a.example'], paths: ['/../x'] }));
  });
  it('[CLI-51] gets the terms of a template, of a service or a way to attach a secret anywhere', () => {
    for (const name of ['anthropic', 'github', 'npm', 'openai', 'pypi', 'slack', 'stripe']) {
      const { attach, ...terms } = templateNamed(name);
      assert.ok(parseAttach(attach) && parseFence(terms), name);
      assert.deepEqual(
        terms.variables.map(templateForVariable),
        terms.variables.map(() => name),
      );
    }
    for (const attach of ['bearer', 'basic', 'basic:me', 'header:x-key', 'query:key', 'body:/a/b'])
      assert.deepEqual(templateNamed(attach), { hosts: [], attach, paths: [], variables: [] });
    for (const typed of ['', 'nonsense', 'constructor', 'header', 'header:Host', 'body', 'bearer:x', 'bearers'])
      usage(() => templateNamed(typed));
  });
  it('is all there is: globs of the format are those of the command line', () => {
    assert.ok(isPathGlob('/v1/**'));
    assert.ok(!isPathGlob('/v1/***'));
  });
});
