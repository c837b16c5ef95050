// How far a grant or a budget is used up, by the word of the machine that counts it: nobody else knows.

import type { Heard } from '@holdfast/protocol/approvals/presence';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { ago, listed } from '@holdfast/protocol/codec/shown';
import { shownLimits, type ShownLimits } from '@holdfast/protocol/vault/limits';
import { usedTexts } from '@holdfast/protocol/vault/used';
import type { FenceLimits } from '@holdfast/protocol/vault/fence';

/** `id`: of the grant or the budget. `heard`: the last word of its agent's machine that still lives. Undefined: nothing of it is counted. */
export function usedWords(
  id: Uint8Array,
  limits: Pick<FenceLimits, 'uses' | 'bytes' | 'concurrent'>,
  heard: Heard | undefined,
  nowMs: number,
): string | undefined {
  const shown: ShownLimits = shownLimits(limits);
  if (limits.uses === undefined && limits.bytes === undefined && limits.concurrent === undefined) return undefined;
  if (heard === undefined) return 'How far it is used up is not known: its machine has said nothing just now.';
  const { counts, unlisted } = heard.presence;
  const said = counts.find(({ grant }) => equalBytes(grant, id));
  if (said === undefined)
    return unlisted.counts > 0
      ? 'How far it is used up is not known: its machine counts more than it can say at once. There: holdfast vault list.'
      : 'Its machine has not said yet how far it is used up.';
  const texts = usedTexts(said, shown);
  return `${capital(listed(texts))}, as its machine said ${ago(Math.max(0, nowMs - heard.heardAtMs))}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
