// One simple command: its words are expanded, once for each value that its variables may have, and then it is invoked.

import type { Assignment, Command, Redirection as SourceRedirection } from 'unbash';

import { assign } from './assign.ts';
import { Choices } from './choices.ts';
import type { ShellAssignment, Word } from './command.ts';
import { expandWord } from './expand.ts';
import { interpreterOf } from './interpreters.ts';
import type { Expansion, Machine, Place } from './machine.ts';
import { list } from './options.ts';
import { canFail, keepRedirections, readRedirection, settle } from './redirect.ts';
import { bounded, type Elements } from './scope.ts';

export function runSimple(node: Command, place: Place, machine: Machine): string {
  let output: string | undefined;
  Choices.each(place.choices, (choices, again) => {
    const written = runOnce(node, { machine, place: again ? { ...place, maybe: true } : place, choices });
    output = output === undefined || output === written ? written : bounded(`${output}\n${written}`);
  });
  return output ?? '';
}

function runOnce(node: Command, how: Expansion): string {
  const { place, machine } = how;
  machine.findings.spend(4);
  const program = node.name === undefined ? [] : expandWord(node.name, { ...how, program: true });
  const name = program[0]?.text.replace(/^.*\//s, '') ?? '';
  const inner: Expansion = { ...how, place: { ...place, feeds: readsItsWords(name) ? name : place.feeds } };
  const argv: Word[] = [...program];
  const assignments: ShellAssignment[] = [];
  const redirects: SourceRedirection[] = node.prefix.filter((part) => part.type !== 'Assignment');
  const before = new Map<string, readonly Elements[] | undefined>();
  // Expanded before anything is assigned.
  for (const part of node.suffix) {
    if (part.type === 'Word') argv.push(...expandWord(part, inner));
    else if (part.type === 'Assignment') argv.push(declared(part, name, inner));
    else redirects.push(part);
  }
  for (const part of node.prefix) {
    if (part.type === 'Assignment') {
      if (!before.has(part.name)) before.set(part.name, place.scope.variable(part.name));
      assignments.push(
        ...assign(part, argv.length === 0 && canFailSource(node) ? { ...how, place: { ...place, maybe: true } } : how),
      );
    }
  }
  const redirections = redirects.map((redirect) => readRedirection(redirect, inner));
  if (name === 'exec' && argv.length === 1) keepRedirections(redirections, place);
  const { scope } = place;
  const exported = argv.length === 0 ? [] : assignments.filter((each) => scope.exportFor(each.name));
  const maybe = place.maybe || (argv.length > 0 && canFail(redirections));
  const output = settle(redirections, { machine, place: { ...place, maybe } }, (settled) =>
    machine.invoke({ argv, assignments, redirections }, settled),
  );
  for (const { name: variable } of exported) scope.unexport(variable);
  // Some shells keep what is assigned before one of their own commands.
  if (argv.length > 0) for (const [variable, value] of before) scope.restore(variable, value, own.has(name));
  return output;
}

/** `x=1 > file`: nothing is assigned where the file can't be written. */
const canFailSource = (node: Command): boolean => [...node.prefix, ...node.suffix].some((part) => part.type === 'Redirect');

/** Special builtins. */
const own = new Set(list('eval export readonly set unset source . exec trap return shift : break continue times exit'));

/** What is substituted into the words of these is run as code. */
const readsItsWords = (name: string): boolean =>
  name === 'eval' || name === 'source' || name === '.' || interpreterOf(name) !== undefined;

/** `export X=rm` assigns and is a word as well. */
function declared(part: Assignment, name: string, how: Expansion): Word {
  const values = name === 'alias' ? assign(part, how, false) : assign(part, how);
  const value = values[0]?.value ?? { text: '', dynamic: false, glob: false };
  return { text: `${part.name}=${value.text}`, dynamic: value.dynamic, glob: false };
}
