import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { reflections } from '@holdfast/testkit/reflections';
import { share } from '@holdfast/testkit/shares';
import { Fingerprints } from '../../src/broker/fingerprints.ts';
import { Scrubber } from '../../src/broker/scrub.ts';
import { ownCopy } from './world.ts';

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

const printable = (from: number): fc.Arbitrary<string> =>
  fc.integer({ min: from, max: 0x7e }).map((code) => String.fromCharCode(code));
/** Of any length and any printable characters, but for both ends, and with enough that counts. */
const secretArbitrary = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9]{2}$/),
    fc.string({ unit: printable(0x21), minLength: 8, maxLength: 60 }),
    fc.stringMatching(/^[A-Za-z0-9]$/),
  )
  .map((parts) => parts.join(''))
  .filter(fits);
const around = fc.string({ unit: printable(0x20), maxLength: 40 });
const cutsArbitrary = fc.array(fc.nat(1_000), { maxLength: 12 });

function fits(secret: string): boolean {
  try {
    printsOf(secret);
    return true;
  } catch {
    return false;
  }
}

/** Fills. Beside base64 one character may have been sent before the form began to come, and of a broken text a short first line. */
function nothingOf(name: string): RegExp {
  if (name.startsWith('base64')) return /^.?[*x01\r\n]*$/s;
  return name.includes('lines') ? /^(?:(?:["'\\,]*[^*]){1,3}["'\\,=]*\r?\n\s*)?[*x01]+$/ : /^[*x01]+$/;
}
const isLayered = (name: string): boolean => /twice|inside|at once/.test(name);
/** What the encoding of a whole text leaves of its own escapes before a secret; with several layers, of any. */
function beforeIn(name: string, before: string): string {
  if (isLayered(name)) return before.replaceAll(/[%\\&=]/g, '.');
  const own = name.startsWith('percent') ? '%' : /^json|escapes$/.test(name) ? '\\' : name.startsWith('html') ? '&' : '';
  return own === '' ? before : before.replaceAll(own, '.');
}

// [BROKER-21] [BROKER-40]
for (const [name, reflect] of Object.entries(reflections)) {
  test(`finds the secret: ${name}, wherever chunks are cut, at equal length`, () => {
    fc.assert(
      fc.property(secretArbitrary, around, around, cutsArbitrary, fc.nat(), (secret, front, end, cuts, seed) => {
        const before = beforeIn(name, front);
        const after = isLayered(name) ? ` ${end}` : end;
        const reflected = reflect(secret, chanceFrom(seed));
        const text = [
          before,
          ...[reflected.before, reflected.form, reflected.after].map((part) => part.toString('latin1')),
          after,
        ];
        const out = scrubbed(printsOf(secret), text.join(''), cuts);
        assert.equal(out.length, text.join('').length);
        const from = before.length + reflected.before.length;
        const shown = out.slice(from, from + reflected.form.length);
        assert.match(shown, nothingOf(name), JSON.stringify({ secret, text: text.join(''), out }));
      }),
      { numRuns: share({ ci: 40, soak: 3_000 }) },
    );
  });
}

test('finds every form at every single cut', () => {
  const secret = 'sk-Live_7f3K9q2LmZx41/+&<"w0Tz';
  for (const [name, reflect] of Object.entries(reflections))
    for (const end of ['!', '!\n']) {
      const { before, form, after } = reflect(secret, chanceFrom(1));
      const text = Buffer.concat([Buffer.from('token: '), before, form, after, Buffer.from(end)]).toString('latin1');
      const prints = printsOf(secret);
      for (let cut = 0; cut <= text.length; cut += 1) {
        const shown = scrubbed(prints, text, [cut]).slice(7 + before.length, 7 + before.length + form.length);
        assert.match(shown, nothingOf(name), `${name}, cut at ${cut}`);
      }
    }
});

test('what stands before a secret cannot swallow its beginning', () => {
  const encoders = [
    (text: string) => text,
    encodeURIComponent,
    (text: string) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
    (text: string) => text.replaceAll('&', '&amp;').replaceAll('/', '&#x2F;'),
  ];
  for (const secret of ['41a0b1/2d3e4f', '41a0b1c2d3e4f5061728394a5b6c7d8e9f00/112233445566'])
    for (const before of ['%', '\\u00', '\\x', '&#', '%25', '\\\\u00', '%%', '%2', '&amp;#x', '\\u{'])
      for (const encode of encoders) {
        const out = scrubbed(printsOf(secret), encode(`${before}${secret};}`));
        assert.ok(!/[0-9a-f]{5}/.test(out.slice(encode(before).length)), `${before}: ${out}`);
      }
});

test('the corpus is whole', () => {
  assert.deepEqual(Object.keys(reflections), [
    'exact',
    'reversed',
    'lower case',
    'upper case',
    'base64',
    'base64, one byte in',
    'base64, two bytes in',
    'base64, broken into lines',
    'base64url',
    'base64url, one byte in',
    'base64url, two bytes in',
    'hex',
    'hex, upper case',
    'hex with spaces',
    'hex with colons',
    'hex with dashes',
    'percent, as components',
    'percent, as forms',
    'percent, every character',
    'percent, every character, upper case',
    'percent, partly',
    'percent, twice',
    'json',
    'json, twice',
    'json with escaped slashes',
    'json, every character',
    'json, mixed',
    'json as an array of characters',
    'json as an array of codes',
    'json as an array of codes, over lines',
    'html, named',
    'html, as templates write it',
    'html, as others do',
    'html, decimal',
    'html, hexadecimal',
    'html, mixed',
    'html inside json',
    'hexadecimal escapes',
    'braced escapes',
    'every escape at once',
    'utf-16, little end first',
    'utf-16, big end first',
    'spaced out',
    'broken into lines',
    'broken as quoted-printable',
  ]);
});

/** Small, and good enough to mix escapes. */
function chanceFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) / 0x80_0000;
  };
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

// [BROKER-22]
test('an event goes out at its blank line, even if it could begin a secret; what follows of the secret does not', () => {
  const prints = printsOf('data:1secret-0123456789');
  const scrubber = new Scrubber(prints);
  assert.equal(scrubber.push(ownCopy('data: 1\n\n')).toString(), 'data: 1\n\n');
  const rest = scrubber.push(ownCopy('secret-0123456789 and more')).toString() + scrubber.end().toString();
  assert.match(rest, /^\*+ and more$/);
  assert.equal(new Scrubber(prints).push(ownCopy('data: 1')).length, 0, 'without one it waits');
});

// [BROKER-40]
test('nothing of a secret is left in what its fingerprints were made with', () => {
  const { reading } = printsOf('a-secret/of+many%20forms_0123456789');
  assert.ok(reading.characters.length > 0);
  assert.ok(reading.characters.every((character) => character === 0));
});
