// The reflection corpus: how a service may repeat a secret that it was sent, each form by an encoder that is not the broker's. What comes
// through to the agent must hold nothing of it. Used by the scrubber's tests, through a whole broker, and by `bench/reflection.ts`.

/** A text with the secret in it: every byte of `form` says something of the secret, none beside it does. */
export interface Reflected {
  readonly before: Buffer;
  readonly form: Buffer;
  readonly after: Buffer;
}

export type Reflect = (secret: string, chance: () => number) => Reflected;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const whole = (form: string): Reflected => ({ before: latin1(''), form: latin1(form), after: latin1('') });
const each =
  (encode: (character: string, chance: () => number) => string): Reflect =>
  (secret, chance) =>
    whole([...secret].map((character) => encode(character, chance)).join(''));
const written =
  (encode: (secret: string) => string): Reflect =>
  (secret) =>
    whole(encode(secret));

const codeOf = (character: string): number => character.charCodeAt(0);
const hexOf = (character: string, digits = 2): string => codeOf(character).toString(16).padStart(digits, '0');
const pick = <T>(chance: () => number, ...choices: readonly T[]): T => choices[Math.floor(chance() * choices.length)] as T;

const named: Record<string, string> = {
  '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos', '/': 'sol', '+': 'plus', '=': 'equals', '.': 'period', ':': 'colon',
  ';': 'semi', '#': 'num', '%': 'percnt', $: 'dollar', '(': 'lpar', ')': 'rpar', '*': 'ast', ',': 'comma', '!': 'excl', '?': 'quest',
  '@': 'commat', '[': 'lsqb', ']': 'rsqb', '\\': 'bsol', '^': 'Hat', _: 'lowbar', '`': 'grave', '{': 'lcub', '}': 'rcub', '|': 'vert',
}; // prettier-ignore
const entity = (character: string): string => (named[character] === undefined ? character : `&${named[character]};`);
const html = (secret: string, quote: string, apostrophe: string): string =>
  secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', quote)
    .replaceAll("'", apostrophe);
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const jsonChar = (character: string): string => `\\u${hexOf(character, 4)}`;
const percentChar = (character: string): string => `%${hexOf(character)}`;
/** What must be escaped is, and of the rest as chance has it. */
const mixedPercent = (character: string, chance: () => number): string =>
  /[^A-Za-z0-9\-._~]/.test(character) || chance() < 0.4
    ? pick(chance, percentChar(character), percentChar(character).toUpperCase())
    : character;
const mixedJson = (character: string, chance: () => number): string =>
  chance() < 0.4 ? pick(chance, jsonChar(character), `\\u${hexOf(character, 4).toUpperCase()}`) : json(character);
const mixedHtml = (character: string, chance: () => number): string =>
  chance() < 0.5
    ? pick(chance, `&#${codeOf(character)};`, `&#x${hexOf(character)};`, `&#X${hexOf(character, 4).toUpperCase()};`)
    : entity(character);

/** The base64 of a text that the secret stands in: what depends on it are the characters that carry its bits. */
const base64 =
  (before: string, after: string, variant: 'base64' | 'base64url', broken?: RegExp): Reflect =>
  (secret) => {
    const text = latin1(before + secret + after).toString(variant);
    const from = Math.floor((before.length * 4) / 3);
    const to = Math.min(text.replace(/=+$/, '').length, Math.ceil(((before.length + secret.length) * 4) / 3));
    const form = text.slice(from, to);
    return {
      before: latin1(text.slice(0, from)),
      form: latin1(broken === undefined ? form : form.replaceAll(broken, '$&\r\n')),
      after: latin1(text.slice(to)),
    };
  };

const utf16 =
  (bigEndian: boolean): Reflect =>
  (secret) => {
    const bytes = Buffer.from(secret, 'utf16le');
    const nul = latin1('\0');
    return bigEndian
      ? { before: nul, form: Buffer.from(bytes).swap16().subarray(1), after: latin1('') }
      : { before: latin1(''), form: bytes.subarray(0, -1), after: nul };
  };

/** Every form that a broker can be expected to know. */
export const reflections: Readonly<Record<string, Reflect>> = {
  exact: written((secret) => secret),
  reversed: written((secret) => [...secret].toReversed().join('')),
  'lower case': written((secret) => secret.toLowerCase()),
  'upper case': written((secret) => secret.toUpperCase()),
  base64: base64('', '', 'base64'),
  'base64, one byte in': base64('x', ' tail', 'base64'),
  'base64, two bytes in': base64('Bearer: ', '\n', 'base64'),
  'base64, broken into lines': base64('', '', 'base64', /.{19}(?=.)/g),
  base64url: base64('', '', 'base64url'),
  'base64url, one byte in': base64('a', '', 'base64url'),
  'base64url, two bytes in': base64('ab', 'cd', 'base64url'),
  hex: written((secret) => latin1(secret).toString('hex')),
  'hex, upper case': written((secret) => latin1(secret).toString('hex').toUpperCase()),
  'hex with spaces': written((secret) => [...secret].map((character) => hexOf(character)).join(' ')),
  'hex with colons': written((secret) => [...secret].map((character) => hexOf(character).toUpperCase()).join(':')),
  'hex with dashes': written((secret) => [...secret].map((character) => hexOf(character)).join('-')),
  'percent, as components': written((secret) => encodeURIComponent(secret)),
  'percent, as forms': written((secret) => new URLSearchParams([['', secret]]).toString().slice(1)),
  'percent, every character': each(percentChar),
  'percent, every character, upper case': each((character) => percentChar(character).toUpperCase()),
  'percent, partly': each(mixedPercent),
  'percent, twice': written((secret) => encodeURIComponent(encodeURIComponent(secret))),
  json: written(json),
  'json, twice': written((secret) => json(json(secret))),
  'json with escaped slashes': written((secret) => json(secret).replaceAll('/', '\\/')),
  'json, every character': each(jsonChar),
  'json, mixed': each(mixedJson),
  'json as an array of characters': written((secret) => JSON.stringify([...secret]).slice(2, -2)),
  'json as an array of codes': written((secret) => [...secret].map(codeOf).join(',')),
  'json as an array of codes, over lines': written((secret) => [...secret].map(codeOf).join(',\n    ')),
  'html, named': each(entity),
  'html, as templates write it': written((secret) => html(secret, '&#34;', '&#39;')),
  'html, as others do': written((secret) => html(secret, '&quot;', '&#x27;')),
  'html, decimal': each((character) => `&#${codeOf(character)};`),
  'html, hexadecimal': each((character) => `&#x${hexOf(character)};`),
  'html, mixed': each(mixedHtml),
  'html inside json': written((secret) => json(html(secret, '&#34;', '&#39;')).replaceAll('&', '\\u0026')),
  'hexadecimal escapes': each((character) => `\\x${hexOf(character)}`),
  'braced escapes': each((character) => `\\u{${hexOf(character)}}`),
  'every escape at once': each((character, chance) =>
    pick(chance, mixedPercent, mixedJson, mixedHtml, (plain: string) => percentChar(plain))(character, chance),
  ),
  'utf-16, little end first': utf16(false),
  'utf-16, big end first': utf16(true),
  'spaced out': written((secret) => [...secret].join(' ')),
  'broken into lines': written((secret) => secret.replaceAll(/.{5}/g, '$&\r\n    ').trimEnd()),
  'broken as quoted-printable': written((secret) => secret.replaceAll(/.{7}(?=.)/g, '$&=\r\n')),
};
