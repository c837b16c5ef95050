import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { reachOf } from '../../src/broker/addresses.ts';
import { canonicalPath, splitOriginForm } from '../../src/broker/path.ts';
import { canonicalHost, hostHeaderMatches, parseAbsoluteForm, parseAuthority } from '../../src/broker/target.ts';

const vectors = resolve(process.env['HOLDFAST_VECTORS'] ?? '../shared/vectors');
const withoutVectors = (file: string): string | false =>
  existsSync(join(vectors, file)) ? false : `no ${file} in ${vectors}: set HOLDFAST_VECTORS`;

// [BROKER-2]
test('a host has one spelling, or is refused', () => {
  const spellings: Record<string, string | undefined> = {
    'API.Example.COM': 'api.example.com',
    'api.example.com.': 'api.example.com',
    '0x7f.1': '127.0.0.1',
    '2130706433': '127.0.0.1',
    '017700000001': '127.0.0.1',
    '[::FFFF:7F00:1]': '[::ffff:7f00:1]',
    '[0:0:0:0:0:0:0:1]': '[::1]',
    'xn--bcher-kva.example': 'xn--bcher-kva.example',
  };
  for (const [given, canonical] of Object.entries(spellings)) assert.equal(canonicalHost(given), canonical, given);
  for (const given of [
    '',
    '.',
    'a..b',
    'a.b..',
    'a b',
    'user@host',
    'host/x',
    'host\\x',
    'h%6Fst',
    'bücher.example',
    '[::1',
    '[fe80::1%25eth0]',
    '256.256.256.256',
    'a:b',
    '-a.b',
    'a'.repeat(64),
  ]) {
    assert.equal(canonicalHost(given), undefined, given);
  }
  for (const given of ['host', 'host:', 'host:0', 'host:65536', 'host:0443', 'host:443:443', ':443', 'u@host:443', 'host:443/']) {
    assert.throws(() => parseAuthority(given, 'https'), { code: 'request_malformed' }, given);
  }
});

test(
  'what the URL vectors parse to is what we parse to, or we refuse',
  { skip: withoutVectors('wpt-url/urltestdata.json') },
  () => {
    const cases = (JSON.parse(readFileSync(join(vectors, 'wpt-url/urltestdata.json'), 'utf8')) as unknown[]).filter(
      (each) => typeof each === 'object',
    ) as {
      input: string;
      failure?: boolean;
      protocol?: string;
      hostname?: string;
      port?: string;
    }[];
    let taken = 0;
    for (const { input, failure, protocol, hostname, port } of cases) {
      let parsed: ReturnType<typeof parseAbsoluteForm>['target'];
      try {
        parsed = parseAbsoluteForm(input).target;
      } catch {
        continue;
      }
      taken += 1;
      assert.ok(failure !== true, `${input} is no URL`);
      assert.deepEqual(
        { protocol: 'http:', host: parsed.host, port: parsed.port },
        { protocol, host: hostname?.replace(/\.$/, ''), port: port === '' ? 80 : Number(port) },
        input,
      );
    }
    assert.ok(cases.length > 800 && taken > 40, `${taken} of ${cases.length} taken`);
  },
);

test('canonical hosts are fixed points', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.domain(),
        fc.ipV4Extended(),
        fc.ipV6().map((six) => `[${six}]`),
        fc.string({ maxLength: 20 }),
      ),
      (given) => {
        const host = canonicalHost(given);
        if (host !== undefined) assert.equal(canonicalHost(host), host);
      },
    ),
  );
});

// [BROKER-4]
test('the Host header must name the target', () => {
  const target = { scheme: 'https', host: 'api.example.com', port: 443 } as const;
  for (const header of ['api.example.com', 'API.example.com:443', 'api.example.com.'])
    assert.ok(hostHeaderMatches(header, target), header);
  for (const header of [
    '',
    'example.com',
    'api.example.com:80',
    'api.example.com, evil.example',
    'evil@api.example.com',
    'api.example.com/',
  ])
    assert.ok(!hostHeaderMatches(header, target), header);
});

// [BROKER-9]
test('a path is canonical or refused', () => {
  const paths: Record<string, string> = {
    '/': '/',
    '/v1/%6De': '/v1/me',
    '/v1/a%c3%a9': '/v1/a%C3%A9',
    '/v1/x/': '/v1/x/',
    '/@scope%2fname': '/@scope%2Fname',
    '/v1/x%2f': '/v1/x%2F',
    "/v1/o('a'),b=c:@!$&*+": "/v1/o('a'),b=c:@!$&*+",
  };
  for (const [given, canonical] of Object.entries(paths)) assert.equal(canonicalPath(given), canonical, given);
  for (const given of [
    '',
    'v1',
    '/v1/../admin',
    '/v1/%2e%2E/admin',
    '/v1/.%2e/admin',
    '/v1/./x',
    '/v1//x',
    '//x',
    '/v1/..%2fx',
    '/v1/x%2f..%2fy',
    '/v1/x%2F%2fy',
    '/v1%2f/x',
    '/v1/x%252fy',
    `/v1/x${'%2fy'.repeat(9)}`,
    '/v1%5Cx',
    '/v1\\x',
    '/v1;x=1/y',
    '/v1%3bx',
    '/v1/%252e',
    '/v1/%00',
    '/v1/%0d%0a',
    '/v1/%7f',
    '/v1/%c0%ae',
    '/v1/%zz',
    '/v1/%',
    '/v1/{x}',
    `/${'a'.repeat(5000)}`,
  ]) {
    assert.equal(canonicalPath(given), undefined, given);
  }
  fc.assert(
    fc.property(fc.webPath(), (given) => {
      const canonical = canonicalPath(given);
      if (canonical !== undefined) assert.equal(canonicalPath(canonical), canonical);
    }),
  );
  for (const given of ['*', 'http://x/', '/a#b', '/a b', '/a\u00e9', '/a?b#c'])
    assert.equal(splitOriginForm(given), undefined, given);
  assert.deepEqual(splitOriginForm('/a?b?c'), { path: '/a', query: 'b?c' });
});

// [BROKER-7]
test('addresses: what is public, what is private, what is never reached', () => {
  const reaches = {
    public: ['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8'],
    private: [
      '127.0.0.1',
      '127.8.8.8',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
      'fd12::1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
    ],
    never: [
      '0.0.0.0',
      '::',
      '169.254.169.254',
      '169.254.1.1',
      'fe80::1',
      '224.0.0.1',
      'ff02::1',
      '255.255.255.255',
      '240.0.0.1',
      '168.63.129.16',
      '100.100.100.200',
      'fd00:ec2::254',
      '64:ff9b::a9fe:a9fe',
      '64:ff9b::808:808',
      '64:ff9b:1::1',
      '2002:7f00:1::',
      '2001::1',
      '::127.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '::ffff:169.254.169.254',
      'fe80::1%eth0',
      'localhost',
      '',
    ],
  };
  for (const [reach, addresses] of Object.entries(reaches))
    for (const address of addresses) assert.equal(reachOf(address), reach, address);
});
