// How the console's bundle is made: by serve/bundle.ts, and by `vite` itself while one works on a screen.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { UserConfig } from 'vite';
import solid from 'vite-plugin-solid';

/**
 * Solid makes elements by writing a template's text into a <template>: the one place where text becomes markup. Under Trusted Types that
 * takes a policy, and this is its only user: markup written anywhere else is refused by the browser. Throws when Solid has changed.
 */
export function templatesByPolicy(): (id: string, code: string) => { readonly code: string; readonly map: null } | undefined {
  const before = 't.innerHTML = html;';
  const policy = `const holdfastTemplates = globalThis.trustedTypes?.createPolicy('holdfast-templates', { createHTML: (html) => html }) ?? { createHTML: (html) => html };\n`;
  return (id, code) => {
    if (!/\/solid-js\/web\/dist\/(web|dev)\.js(\?|$)/.test(id)) return undefined;
    if (code.split(before).length !== 2) throw new Error(`${id} makes its templates in another way: read it again`);
    return { code: policy + code.replace(before, 't.innerHTML = holdfastTemplates.createHTML(html);'), map: null };
  };
}

const templates = templatesByPolicy();

/** What the service worker keeps: addresses, not names, since the index is asked for as `/`. */
function shellOf(built: readonly string[]): string {
  const names = [...built, ...readdirSync(join(import.meta.dirname, 'public'))].filter(
    (name) => name !== 'sw.js' && name !== 'index.html',
  );
  return JSON.stringify(['/relay.json', ...names.map((name) => `/${name}`).toSorted(), '/']);
}

export default {
  root: import.meta.dirname,
  plugins: [
    solid(),
    { name: 'holdfast-templates', transform: (code, id) => templates(id, code) },
    {
      name: 'holdfast-shell',
      generateBundle: {
        order: 'post',
        handler(_options, bundle) {
          this.emitFile({ type: 'asset', fileName: 'shell.json', source: shellOf(Object.keys(bundle)) });
        },
      },
    },
  ],
  server: { host: 'localhost', port: 7434, strictPort: true },
  build: {
    target: 'es2024',
    // Those that have light-dark() and what else the styles use: nothing is rewritten for older ones.
    cssTarget: ['chrome125', 'firefox128', 'safari18'],
    // A polyfill for browsers that this bundle does not run in.
    modulePreload: { polyfill: false },
    // Everything is a file of its own: `data:` has no place in the policy but for pictures.
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      input: { index: join(import.meta.dirname, 'index.html'), sw: join(import.meta.dirname, 'worker/sw.ts') },
      // Browsers look for a service worker where it always was.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
    emptyOutDir: true,
  },
} satisfies UserConfig;
