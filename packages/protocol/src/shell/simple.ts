// One simple command: its words are expanded, once for each value that its variables may have, and then it is invoked.

import type { Assignment, Command, Redirection as SourceRedirection } from 'unbash';

import { assign } from './assign.ts';
import { Choices } from './choices.ts';
import type { ShellAssignment, Word } from './command.ts';
import { expandWord, type Expansion } from './expand.ts';
import { interpreterOf } from './interpreters.ts';
import type { Machine, Place } from './machine.ts';
import { readRedirection, settle } from './redirect.ts';
import { bounded } from './scope.ts';

export function runSimple(node: Command, place: Place, machine: Machine): string {
  const choices = new Choices();
  let output: string | undefined;
  do {
    const again = output !== undefined;
    const written = runOnce(node, { machine, place: again ? { ...place, maybe: true } : place, choices });
    output = output === undefined || output === written ? written : bounded(`${output}\n${written}`);
  } while (choices.next());
  return output;
}

function runOnce(node: Command, how: Expansion): string {
  const { place, machine } = how;
  machine.findings.spend(4);
  const program = node.name === undefined ? [] : expandWord(node.name, { ...how, program: true });
  const name = program[0]?.text.replace(/^.*\//s, '') ?? '';
  const inner: Expansion = { ...how, place: { ...place, feeds: readsItsWords(name) ? name : place.feeds } };
  const argv: Word[] = [...program];
  const assignments: ShellAssignment[] = [];
  const redirects: SourceRedirection[] = [];
  for (const part of node.prefix) {
    if (part.type === 'Assignment') assignments.push(...assign(part, how));
    else redirects.push(part);
  }
  for (const part of node.suffix) {
    if (part.type === 'Word') argv.push(...expandWord(part, inner));
    else if (part.type === 'Assignment') argv.push(declared(part, name, inner));
    else redirects.push(part);
  }
  if (argv.length > 0) for (const { name: variable } of assignments) place.scope.export(variable);
  const redirections = redirects.map((redirect) => readRedirection(redirect, inner));
  return settle(redirections, place, (settled) => machine.invoke({ argv, assignments, redirections }, settled));
}

/** What is substituted into the words of these is run as code. */
const readsItsWords = (name: string): boolean =>
  name === 'eval' || name === 'source' || name === '.' || interpreterOf(name) !== undefined;

/** `export X=rm` assigns and is a word as well. */
function declared(part: Assignment, name: string, how: Expansion): Word {
  const values = name === 'alias' ? assign(part, how, false) : assign(part, how);
  const value = values[0]?.value ?? { text: '', dynamic: false, glob: false };
  return { text: `${part.name}=${value.text}`, dynamic: value.dynamic, glob: false };
}
