// The stem of an English word, spec/memory-search.md: Porter's algorithm of 1980 as published, over lower-case ASCII letters.

const consonant = '(?:[^aeiouy]|(?<=[aeiou]|^)y)';
const vowel = '(?:[aeiou]|(?<![aeiou]|^)y)';
const sequences = new RegExp(`${vowel}+${consonant}+`, 'g');
const shortEnd = new RegExp(`^(?:.*${consonant})?${consonant}${vowel}(?:(?![wxy])${consonant})$`);
const doubled = new RegExp(`(?:(?![lsz])${consonant})$`);

const endings2: Readonly<Record<string, string>> = {
  ational: 'ate',
  tional: 'tion',
  enci: 'ence',
  anci: 'ance',
  izer: 'ize',
  abli: 'able',
  alli: 'al',
  entli: 'ent',
  eli: 'e',
  ousli: 'ous',
  ization: 'ize',
  ation: 'ate',
  ator: 'ate',
  alism: 'al',
  iveness: 'ive',
  fulness: 'ful',
  ousness: 'ous',
  aliti: 'al',
  iviti: 'ive',
  biliti: 'ble',
};
const endings3: Readonly<Record<string, string>> = {
  icate: 'ic',
  ative: '',
  alize: 'al',
  iciti: 'ic',
  ical: 'ic',
  ful: '',
  ness: '',
};
const endings4 = /(?:al|ance|ence|er|ic|able|ible|ant|ement|ment|ent|(?<=[st])ion|ou|ism|ate|iti|ous|ive|ize)$/;

/** How many vowel-consonant sequences a stem has: Porter's m. */
const measureOf = (stem: string): number => stem.match(sequences)?.length ?? 0;
const anyVowel = new RegExp(vowel);
const hasVowel = (stem: string): boolean => anyVowel.test(stem);

/** [RECALL-7] Words of fewer than three letters, and of anything but a to z, are their own stems. */
export function stem(word: string): string {
  if (!/^[a-z]{3,}$/.test(word)) return word;
  let text = plural(word);
  text = pastOrGerund(text);
  if (text.endsWith('y') && hasVowel(text.slice(0, -1))) text = `${text.slice(0, -1)}i`;
  text = replaced(text, endings2);
  text = replaced(text, endings3);
  const ending = endings4.exec(text)?.[0];
  if (ending !== undefined && measureOf(text.slice(0, -ending.length)) > 1) text = text.slice(0, -ending.length);
  if (text.endsWith('e')) {
    const rest = text.slice(0, -1);
    const measure = measureOf(rest);
    if (measure > 1 || (measure === 1 && !shortEnd.test(rest))) text = rest;
  }
  return text.endsWith('ll') && measureOf(text.slice(0, -1)) > 1 ? text.slice(0, -1) : text;
}

function plural(word: string): string {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

function pastOrGerund(word: string): string {
  if (word.endsWith('eed')) return measureOf(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const rest = word.endsWith('ed') ? word.slice(0, -2) : word.endsWith('ing') ? word.slice(0, -3) : undefined;
  if (rest === undefined || !hasVowel(rest)) return word;
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (rest.length > 1 && rest.at(-1) === rest.at(-2) && doubled.test(rest)) return rest.slice(0, -1);
  return measureOf(rest) === 1 && shortEnd.test(rest) ? `${rest}e` : rest;
}

function replaced(word: string, endings: Readonly<Record<string, string>>): string {
  for (let from = Math.max(0, word.length - 7); from < word.length - 1; from += 1) {
    const to = endings[word.slice(from)];
    if (to !== undefined) return measureOf(word.slice(0, from)) > 0 ? word.slice(0, from) + to : word;
  }
  return word;
}
