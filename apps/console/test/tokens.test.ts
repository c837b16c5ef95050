// What is written can be read and what is drawn can be seen, in both themes: computed from tokens.css as WCAG 2.2 has it (1.4.3, 1.4.11).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const css = readFileSync(new URL('../src/design/tokens.css', import.meta.url), 'utf8');
const colours = new Map(
  [...css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(([, name, light, dark]) => [
    name,
    { light, dark },
  ]),
);

const themes = ['light', 'dark'] as const;
const grounds = ['ground', 'surface', 'raised', 'sunk'];
const words = ['ink', 'ink-2', 'ink-3', 'accent', 'stop', 'warn', 'ok', 'sealed', 'guarded'];

const cases: readonly (readonly [text: string, ground: string, atLeast: number])[] = [
  ...words.flatMap((word) => grounds.map((ground) => [word, ground, 4.5] as const)),
  ...['accent', 'stop', 'warn'].flatMap((state) => [
    [state, `${state}-wash`, 4.5] as const,
    ['ink', `${state}-wash`, 4.5] as const,
    ['ink-2', `${state}-wash`, 4.5] as const,
  ]),
  ['accent-ink', 'accent', 4.5],
  ['stop-ink', 'stop', 4.5],
  ...['edge', 'accent', 'stop', 'warn', 'ok', 'sealed', 'guarded'].flatMap((mark) =>
    grounds.map((ground) => [mark, ground, 3] as const),
  ),
];

for (const theme of themes) {
  test(`contrast is enough in the ${theme} theme`, () => {
    const faint = cases.flatMap(([text, ground, atLeast]) => {
      const ratio = contrast(colourOf(text, theme), colourOf(ground, theme));
      return ratio < atLeast ? [`${text} on ${ground}: ${ratio.toFixed(2)} < ${atLeast}`] : [];
    });
    assert.deepEqual(faint, []);
  });
}

test('the themes have the same names, and each colour of a theme is told apart from its ground', () => {
  assert.equal(
    css.match(/light-dark\(#/g)?.length,
    colours.size + (css.match(/light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\) /g)?.length ?? 0),
  );
  for (const theme of themes) assert.notEqual(colourOf('line', theme), colourOf('surface', theme));
});

function colourOf(name: string, theme: (typeof themes)[number]): string {
  const colour = colours.get(name)?.[theme];
  assert.ok(colour !== undefined, `no colour --${name}`);
  return colour;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
