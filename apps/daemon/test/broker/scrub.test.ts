import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { base64Core } from '../../src/broker/encode.ts';
import { Fingerprints } from '../../src/broker/fingerprints.ts';
import { Scrubber } from '../../src/broker/scrub.ts';
import { ownCopy } from './world.ts';

/** Encoders that are not ours, so that the scrubber is not checked against itself. */
const encoders: Record<string, (text: string) => string> = {
  exact: (text) => text,
  reversed: (text) => [...text].toReversed().join(''),
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  component: (text) => encodeURIComponent(text),
  componentLower: (text) =>
    encodeURIComponent(text)
      .replaceAll(/%../g, (escape) => escape.toLowerCase())
      .replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`),
  componentPlus: (text) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`),
  form: (text) => new URLSearchParams([['', text]]).toString().slice(1),
  percentAll: (text) => [...text].map((character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
  percentAllUpper: (text) =>
    [...text].map((character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  json: (text) => JSON.stringify(text).slice(1, -1),
  jsonSlash: (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  jsonUnicode: (text) => [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  jsonUnicodeUpper: (text) =>
    [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`).join(''),
  html: (text) => html(text, '&quot;', '&#39;'),
  htmlNumbers: (text) => html(text, '&#34;', '&#39;'),
  htmlHex: (text) => html(text, '&quot;', '&#x27;'),
};
const html = (text: string, quote: string, apostrophe: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', quote)
    .replaceAll("'", apostrophe);
const base64s: Record<string, (text: string) => string> = {
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
};

function printsOf(...secrets: string[]): Fingerprints {
  const prints = new Fingerprints(16);
  for (const secret of secrets) prints.add(ownCopy(secret));
  return prints;
}

/** The scrubbed text when `text` arrives in pieces cut at `cuts`. */
function scrubbed(prints: Fingerprints, text: string, cuts: readonly number[] = []): string {
  const scrubber = new Scrubber(prints);
  const bytes = Buffer.from(text, 'latin1');
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  const out = edges
    .slice(1)
    .map((edge, index) => scrubber.push(ownCopy(bytes.toString('latin1', edges[index] ?? 0, edge))).toString('latin1'));
  return out.join('') + scrubber.end().toString('latin1');
}

const secretArbitrary = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 60,
});
const around = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 40 });
const cutsArbitrary = fc.array(fc.nat(1_000), { maxLength: 12 });

// [BROKER-21]
for (const [name, encode] of Object.entries(encoders)) {
  test(`finds the secret ${name}, wherever chunks are cut, at equal length`, () => {
    fc.assert(
      fc.property(secretArbitrary, around, around, cutsArbitrary, (secret, before, after, cuts) => {
        const encoded = encode(secret);
        const out = scrubbed(printsOf(secret), before + encoded + after, cuts);
        assert.equal(out.length, before.length + encoded.length + after.length);
        assert.ok(!out.includes(encoded), out);
      }),
      { numRuns: 60 },
    );
  });
}

for (const [name, encode] of Object.entries(base64s)) {
  test(`finds the secret in ${name} at each offset`, () => {
    fc.assert(
      fc.property(secretArbitrary, around, around, cutsArbitrary, (secret, before, after, cuts) => {
        const encoded = encode(before + secret + after);
        const out = scrubbed(printsOf(secret), encoded, cuts);
        assert.equal(out.length, encoded.length);
        const core = base64Core(Buffer.from(secret), before.length % 3, name === 'base64' ? 'standard' : 'url').toString(
          'latin1',
        );
        assert.ok(encoded.includes(core), 'the core stands in the encoding of the whole');
        assert.ok(!out.includes(core), out);
        // A character at either end may carry bits of the secret as well; one that was sent before the rest came is gone.
        const [first, last] = [Math.floor((before.length * 4) / 3), Math.ceil(((before.length + secret.length) * 4) / 3)];
        assert.match(scrubbed(printsOf(secret), encoded).slice(first, last), /^[x*]+$/);
      }),
      { numRuns: 100 },
    );
  });
}

test('leaves other text as it is, and finds several secrets side by side', () => {
  const prints = printsOf('first-secret-1', 'second-secret-2');
  const text = 'nothing to see: first-secret-2, second-secret-1, Zmlyc3Q=';
  assert.equal(scrubbed(prints, text, [3, 20, 21, 22, 40]), text);
  assert.equal(scrubbed(prints, 'afirst-secret-1second-secret-2z'), `a${'*'.repeat(14)}${'*'.repeat(15)}z`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), cutsArbitrary, (bytes, cuts) => {
      const text = Buffer.from(bytes).toString('latin1');
      const scrubber = new Scrubber(prints);
      const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const parts = edges.slice(1).map((edge, index) => scrubber.push(Buffer.from(bytes.slice(edges[index], edge))));
      assert.equal(Buffer.concat([...parts.map((part) => Buffer.from(part)), scrubber.end()]).toString('latin1'), text);
    }),
  );
});

// [BROKER-22]
test('holds back only what could begin a secret: events and JSON go out whole', () => {
  const scrubber = new Scrubber(printsOf('sk-live_0123456789abcdef'));
  for (const text of ['data: {"delta":"hello"}\n\n', '{"done":true}', 'progress: 50 %)', '\r\n'])
    assert.equal(scrubber.push(ownCopy(text)).toString(), text);
  // A true beginning stays until it is decided.
  assert.equal(scrubber.push(ownCopy('token: sk-live_0123')).toString(), 'token: ');
  assert.equal(scrubber.push(ownCopy('!')).toString(), 'sk-live_0123!');
  assert.equal(scrubber.push(ownCopy('token: sk-live_0123')).toString(), 'token: ');
  assert.equal(scrubber.push(ownCopy('456789abcdef!')).toString(), `${'*'.repeat(24)}!`);
});

test('keeps no copy of a secret, and refuses more than it may hold', () => {
  const prints = printsOf('a-secret-to-forget');
  const seen = JSON.stringify(prints, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
  assert.ok(!seen.includes('forget'));
  const few = new Fingerprints(1);
  few.add(ownCopy('first-secret'));
  few.add(ownCopy('first-secret'));
  assert.throws(() => few.add(ownCopy('other-secret')), { code: 'limit_exceeded' });
});

test('overwrites the chunk in place: what was held is not left in the buffers that came in', () => {
  const scrubber = new Scrubber(printsOf('sk-live_0123456789abcdef'));
  const first = ownCopy('x sk-live_01234567');
  const second = ownCopy('89abcdef y');
  scrubber.push(first);
  scrubber.push(second);
  assert.ok(!first.toString('latin1').includes('sk-live'));
  assert.ok(!second.toString('latin1').includes('abcdef'));
});
