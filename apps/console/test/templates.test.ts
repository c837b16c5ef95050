// Solid's templates are the one place where text becomes markup, and only by our policy.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { templatesByPolicy } from '../vite.config.ts';

const solidWeb = fileURLToPath(new URL('./web.js', import.meta.resolve('solid-js/web')));

test('of everything that Solid writes as markup, templates alone have a policy', () => {
  const transform = templatesByPolicy();
  const { code } = transform('/node_modules/solid-js/web/dist/web.js', readFileSync(solidWeb, 'utf8')) ?? { code: '' };
  assert.deepEqual(code.match(/\.innerHTML = .*/g), [
    '.innerHTML = holdfastTemplates.createHTML(html);',
    '.innerHTML = content);', // of the export `innerHTML`, which no template of ours calls: a browser would refuse it
  ]);
});

test('a Solid that makes its templates in another way makes no bundle', () => {
  assert.throws(() => templatesByPolicy()('/node_modules/solid-js/web/dist/web.js', 'el.innerHTML = html'), /in another way/);
});

test('other modules are left as they are', () => {
  assert.equal(templatesByPolicy()('/src/main.tsx', 't.innerHTML = html;'), undefined);
});
