// Arguments of requests over inputs that nobody thought of, held against other readers: JSON.parse, URLSearchParams, and exact fractions.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { readExactJson, writeExactJson } from '@holdfast/protocol/codec/exact-json';
import { codeOf } from '@holdfast/protocol/errors';
import { argumentTexts, parseBodyLimits, parseFormLimits, parseQueryLimits } from '@holdfast/protocol/vault/argument-terms';
import { judgedBody, judgedQuery } from '@holdfast/protocol/vault/argument-text';
import { isDecimal, isWithin } from '@holdfast/protocol/vault/decimal';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 300, soak: 20_000 }) };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (text: string) => ({ type: 'application/json', coding: undefined, bytes: bytes(text) });
const form = (text: string) => ({ type: 'application/x-www-form-urlencoded', coding: undefined, bytes: bytes(text) });
const sent = (body: { bytes: Uint8Array }): string => new TextDecoder().decode(body.bytes);
const attempt = <T>(act: () => T): T | undefined => {
  try {
    return act();
  } catch (thrown) {
    assert.match(codeOf(thrown), /^(fence_body|fence_query|codec_shape|codec_limit)$/);
    return undefined;
  }
};

describe('exact JSON', () => {
  it('[FENCE-28] is read as JSON.parse reads it, and written to be read so again', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n\t'), (text, space) => {
        const read = attempt(() => readExactJson(bytes(space + text + space)));
        if (read !== undefined) assert.deepEqual(JSON.parse(writeExactJson(read)), JSON.parse(text));
      }),
      runs,
    );
  });
  it('[FENCE-28] is nothing that JSON.parse does not take', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ':',
      ',',
      'a',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'null',
      ' ',
      '\u0000',
      'ä',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const read = attempt(() => readExactJson(bytes(text)));
        if (read !== undefined) assert.deepEqual(JSON.parse(writeExactJson(read)), JSON.parse(text));
      }),
      runs,
    );
  });
});

describe('decimals', () => {
  const decimal = fc
    .tuple(fc.constantFrom('', '-'), fc.nat(99_999_999), fc.option(fc.nat(999_999), { nil: undefined }))
    .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}`);
  it('[FENCE-19] compare as fractions do', () => {
    const exact = (digits: string): bigint => {
      const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
      return BigInt(whole + fraction.padEnd(9, '0')) * (digits.startsWith('-') ? -1n : 1n);
    };
    fc.assert(
      fc.property(decimal, decimal, decimal, (value, min, max) => {
        if (![value, min, max].every(isDecimal)) return;
        assert.equal(isWithin(value, { min, max }), exact(value) >= exact(min) && exact(value) <= exact(max));
      }),
      runs,
    );
  });
  it('[FENCE-19] are what a reader of floating point writes back with the same meaning', () => {
    fc.assert(
      fc.property(fc.oneof(decimal, fc.double().map(String), fc.string({ maxLength: 20 })), (digits) => {
        if (!isDecimal(digits)) return;
        assert.match(digits, /^-?[0-9]+(\.[0-9]+)?$/);
        assert.ok(!Object.is(Number(digits), -0));
        if (!/e/.test(String(Number(digits)))) assert.ok(isWithin(String(Number(digits)), { min: digits, max: digits }));
      }),
      runs,
    );
  });
});

describe('what goes out', () => {
  const within = parseBodyLimits(['/amount<=3000', '/payee=acct_1', '/note#20']);
  it('[FENCE-16, FENCE-20, FENCE-21] of JSON has the named arguments and no others, within their limits', () => {
    const key = fc.constantFrom('amount', 'payee', 'note', 'Amount', 'amount ', '__proto__', 'a\\u006dount', 'аmount');
    const value = fc.oneof(
      fc.constantFrom(
        '3000',
        '3000.01',
        '-1',
        '3e3',
        '"3000"',
        '[3000]',
        '{}',
        '"acct_1"',
        '"acct_2"',
        'null',
        '1e400',
        '"\\u0000"',
      ),
      fc.double({ min: -10_000, max: 10_000 }).map(String),
      fc.string().map((text) => JSON.stringify(text)),
    );
    for (const beside of ['Amount', 'amount ', 'currency', '__proto__', 'аmount'])
      assert.equal(
        attempt(() => judgedBody(json(`{"amount":1,"payee":"acct_1","${beside}":9000}`), within)),
        undefined,
      );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), (fields) => {
        const text = `{${fields.map(([name, each]) => `"${name}":${each}`).join(',')}}`;
        const judged = attempt(() => judgedBody(json(text), within));
        if (judged === undefined) return;
        const { amount, payee, note = '', ...rest } = JSON.parse(sent(judged)) as Record<string, unknown>;
        assert.ok(typeof amount === 'number' && amount >= 0 && amount <= 3000);
        assert.deepEqual([payee, rest], ['acct_1', {}]);
        assert.ok(typeof note === 'string' && note.length <= 20);
      }),
      runs,
    );
  });
  it('[FENCE-16, FENCE-26] of forms and queries is read by others as it was judged', () => {
    const piece = fc.constantFrom('a', 'b', '=', '&', ';', '%61', '%26', '%3D', '%FF', '+', '%', '[', ' ', 'ä', '%00', '1');
    const [formLimits, queryLimits] = [parseFormLimits(['a=1..9', '**']), parseQueryLimits(['a=1..9', '**'])];
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const text = pieces.join('');
        const out = attempt(() => sent(judgedBody(form(text), formLimits)));
        assert.equal(
          attempt(() => judgedQuery(text, queryLimits)),
          out,
        );
        if (out === undefined) return;
        assert.deepEqual([...new URLSearchParams(out)], [...new URLSearchParams(text)]);
        assert.match(new URLSearchParams(out).getAll('a').join(), /^[1-9]$/);
      }),
      runs,
    );
  });
});

describe('limits that a person types', () => {
  it('[CLI-40] are shown as they were typed', () => {
    for (const typed of [
      '/amount<=3000',
      '/amount=1..3000',
      '/a=-2.5..-1',
      '/amount?<=3000',
      '/payee=A|B',
      '/live=true|null|3000|"3000"',
      '/id#1024=inv-*',
      '/id#20=**/x',
      '/note#200',
      '/note',
      '/order/items/**',
      '/**',
      '/a~1b',
      '/star="a*"',
    ])
      assert.deepEqual(argumentTexts(parseBodyLimits([typed])), [typed]);
    assert.deepEqual(argumentTexts(parseQueryLimits(['limit<=100', 'a/b', '**'])), ['/limit<=100', '/a~1b', '/**']);
  });
  it('[CLI-40] get a refusal that says how to write them', () => {
    for (const typed of [
      'amount<=3000',
      '/amount<=',
      '/amount<=3e3',
      '/amount<=-1',
      '/amount=2..1',
      '/amount>1',
      '/note#0',
      '/note#5000',
      '/',
      '',
      '/a//b',
      '/**?',
      '/n=a***',
    ])
      assert.throws(
        () => parseBodyLimits([typed]),
        (thrown) => codeOf(thrown) === 'usage',
        typed,
      );
    assert.throws(
      () => parseBodyLimits(['/a', '/a/b']),
      (thrown) => codeOf(thrown) === 'usage',
    );
    for (const typed of ['a=', ''])
      assert.throws(
        () => parseFormLimits([typed]),
        (thrown) => codeOf(thrown) === 'usage',
        typed,
      );
  });
});
