// What a program runs in turn, with that program as wrapper: words as a command, a text as a script of a shell's [SHELL-11].

import type { Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context, type Place } from './machine.ts';

export const within = ({ place }: Context, label: string, change: Partial<Place> = {}): Place =>
  deeper(place, { wrappers: [...place.wrappers, label], ...change });

export const argv = (context: Context, label: string, words: readonly Word[], change: Partial<Place> = {}): string =>
  words.length === 0
    ? ''
    : context.machine.invoke({ argv: words, assignments: [], redirections: [] }, within(context, label, change));

export const script = (context: Context, label: string, text: string, change: Partial<Place> = {}): string =>
  shellScript(text, within(context, label, change), context.machine, context.name);

export const joined = (words: readonly Word[]): string => words.map((word) => word.text).join(' ');
