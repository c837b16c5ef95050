// Code of other languages, by the language's own reader [SHELL-14].

import { readCode } from './calls.ts';
import { languages } from './list.ts';
import { readOther } from './text.ts';
import type { Machine, Place } from '../machine.ts';

const named: Readonly<Record<string, string>> = { lua: 'lua', luajit: 'lua', Rscript: 'r', R: 'r' };

/** True when nothing in the code is hidden. */
export function readLanguage(code: string, language: string, place: Place, machine: Machine, program: string): boolean {
  const known = languages[named[program.replace(/[\d.]+$/, '')] ?? language];
  return known === undefined ? readOther(code, place, machine, program) : readCode(code, known, place, machine, program);
}
