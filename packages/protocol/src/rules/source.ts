// The source of a rule set, as an operator edits it: of what was signed, which has its packs written out, the packs by their names again, where rules are
// those of this version's packs. What a text made of this and what was signed differ, the diff says before anything is signed.

import { parse, stringify } from 'yaml';
import { parseRules } from './language.ts';
import { packNames, packRules } from './packs/packs.ts';
import type { Rule } from './rule.ts';
import { writeRules } from './write.ts';

/** Of an operator who begins. */
export const firstSource = `packs: [${packNames.join(', ')}]

rules:
  ask-before-publish:
    ask: shell
    command: npm publish
    reason: A published version cannot be taken back.
    hits:
      - npm publish
    misses:
      - npm install
`;

/** Throws `rules_invalid` for a text that this version cannot read. */
export function sourceOf(signed: string): string {
  const { rules } = parseRules(signed);
  const used = packNames.filter((pack) => rules.some(({ id }) => id.startsWith(`${pack}/`)));
  const curated = used.flatMap((pack) => packRules(pack).map(({ id }) => id));
  const ids = new Set(rules.map(({ id }) => id));
  const without = curated.filter((id) => !ids.has(id));
  const known = new Set(curated);
  const own = rules.filter(({ id }) => !known.has(id));
  const head = [
    ...(used.length > 0 ? [`packs: [${used.join(', ')}]\n`] : []),
    ...(without.length > 0 ? [`without:\n${without.map((id) => `  - ${id}\n`).join('')}`] : []),
  ];
  if (own.length === 0 && used.length > 0) return head.join('');
  return [...head, ownText(own)].join(head.length === 0 ? '' : '\n');
}

/** Block by block, for people; as it is signed where that would not be read as the same. */
function ownText(own: readonly Rule[]): string {
  const written = writeRules({ packs: [], without: [], rules: own });
  const spread = stringify(parse(written), { lineWidth: 120 });
  const isSame = (text: string): boolean => JSON.stringify(parseRules(text).rules) === JSON.stringify(own);
  try {
    return isSame(spread) ? spread : written;
  } catch {
    return written;
  }
}
