// Bedrock as it is written here: what fits, and which agent has which version of it.

import { maxBedrockCharacters, maxBedrockTexts } from '@holdfast/protocol/journal/bodies';
import type { Bedrock } from '@holdfast/protocol/journal/state';

export interface Room {
  readonly used: number;
  readonly most: number;
  /** What is wrong with the text, if anything. */
  readonly fault: string | undefined;
}

/** Of a text that would be added, or take the place of one. */
export function roomFor(bedrock: Bedrock, typed: string, replaces?: string): Room {
  const text = typed.trim();
  const others = [...bedrock.texts].filter(([id]) => id !== replaces);
  const used = others.reduce((sum, [, each]) => sum + each.text.length, text.length);
  return { used, most: maxBedrockCharacters, fault: faultOf(text, used, others.length) };
}

function faultOf(text: string, used: number, others: number): string | undefined {
  if (text === '') return undefined;
  const over = used - maxBedrockCharacters;
  if (over > 0)
    return `That is ${over.toLocaleString('en')} ${over === 1 ? 'character' : 'characters'} too many for all texts together.`;
  if (others >= maxBedrockTexts) return `There may be ${maxBedrockTexts} texts: remove one first.`;
  if (/[^\P{C}\n\t]/u.test(text)) return 'It has control characters in it, which nobody would see.';
  return undefined;
}

export interface SeenBy {
  readonly agent: string;
  readonly scope: string;
  /** That its machine has; undefined: it was not heard of in the last minutes. */
  readonly machine: number | undefined;
  /** Of its sessions that run, how many have told the newest to their context, and how many there are. */
  readonly told: number;
  readonly sessions: number;
}

/** "main has it, 2 of 3 sessions from their next turn on" */
export function seenText({ scope, machine, told, sessions }: SeenBy, version: number): string {
  if (machine === undefined) return `${scope}: its machine was not heard of just now; it has the newest as soon as it connects.`;
  if (machine < version) return `${scope}: its machine has version ${machine} still.`;
  if (sessions === 0) return `${scope} has it; nothing runs there.`;
  if (told === sessions)
    return `${scope} has it, and so has ${sessions === 1 ? 'its session' : `each of its ${sessions} sessions`}.`;
  return `${scope} has it; ${told} of ${sessions} sessions were told, the others are with their next turn.`;
}
