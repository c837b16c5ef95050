// A shell text, and every command that it may run: spec/shell.md. Trusts nothing of the text: for any text there is an answer, in time linear in
// its length, and what is not understood is said to be opaque.

import { hole, type ShellReading, type Why } from './command.ts';
import { Exhausted, Findings, maxTextCharacters } from './findings.ts';
import { invoke } from './invoke.ts';
import { readLanguage } from './languages/read.ts';
import type { Machine, Place } from './machine.ts';
import { runScript, runUncalled } from './run.ts';
import { Scope } from './scope.ts';
import { parseScript } from './syntax.ts';

export type { Opaque, Redirection, ShellCommand, ShellReading, Word } from './command.ts';

export function readShell(text: string): ShellReading {
  return readCounted(text).reading;
}

/** With the work that it took, in steps. */
export function readCounted(text: string): { readonly reading: ShellReading; readonly steps: number } {
  const findings = new Findings(text.length);
  const failed = (why: Why) => findings.opaque(why, undefined, text);
  try {
    if (text.length > maxTextCharacters) failed('too_long'); // [SHELL-1]
    else read(text, findings);
  } catch (thrown) {
    // Out of steps [SHELL-2]; anything else is a fault of the reader, and a text that it stumbles over was not understood either.
    failed(thrown instanceof Exhausted ? 'too_long' : 'too_deep');
  }
  return { reading: findings.reading(), steps: findings.steps };
}

function read(text: string, findings: Findings): void {
  let pipes = 0;
  const machine: Machine = {
    findings,
    failing: false,
    script: (script, place, program) => {
      const tree = parseScript(script, findings, program);
      return tree === undefined ? hole : runScript(tree, { ...place, choices: undefined }, machine, script);
    },
    code: (code, language, place, program) => readLanguage(code, language, place, machine, program),
    run: (script, place) => runScript(script, place, machine, undefined),
    invoke: (call, place) => invoke(call, place, machine),
    uncalled: new Map(),
    pipeName: () => {
      pipes += 1;
      return `/dev/fd/${63 + pipes}`;
    },
  };
  const place: Place = {
    scope: new Scope(undefined, [hole]),
    wrappers: [],
    feeds: undefined,
    fedBy: undefined,
    input: undefined,
    choices: undefined,
    maybe: false,
    looping: false,
    depth: 0,
    active: [],
  };
  const tree = parseScript(text, findings);
  if (tree !== undefined) runScript(tree, place, machine, text);
  runUncalled(machine);
}
