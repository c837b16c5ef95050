// Assignments: to the scope, and to what the shell or a program runs because a variable says so.

import type { Assignment } from 'unbash';

import { hole, type ShellAssignment, type Word } from './command.ts';
import { arithmeticText, expandText, expandWord, runSubstitutions } from './expand.ts';
import { deeper, unsure, type Expansion } from './machine.ts';
import type { Elements } from './scope.ts';

/** Variables whose value is a command line of the shell's, or of a program that asks a shell to run it [SHELL-9]. */
const commandVariables = new Set([
  ...[
    'PROMPT_COMMAND',
    'PAGER',
    'MANPAGER',
    'GIT_PAGER',
    'SYSTEMD_PAGER',
    'BAT_PAGER',
    'EDITOR',
    'VISUAL',
    'FCEDIT',
    'GIT_EDITOR',
    'GIT_SEQUENCE_EDITOR',
  ],
  ...[
    'GIT_SSH_COMMAND',
    'GIT_SSH',
    'GIT_ASKPASS',
    'SSH_ASKPASS',
    'SUDO_ASKPASS',
    'GIT_EXTERNAL_DIFF',
    'GIT_PROXY_COMMAND',
    'LESSOPEN',
    'LESSCLOSE',
  ],
  ...['RSYNC_RSH', 'CVS_RSH', 'BROWSER', 'SUDO_EDITOR', 'KUBE_EDITOR', 'TAR_OPTIONS_COMMAND', 'FZF_DEFAULT_COMMAND', 'MAKESHELL'],
]);
/** Variables that name a program for another one, often one that was looked up: what is not known of them is no finding. */
const programVariables = /^(?:CC|CXX|CPP|LD|AR|AS)$|_(?:EDITOR|PAGER|WRAPPER|LAUNCHER|RUNNER|ASKPASS|RSH)$/;
/** Variables in whose value the shell runs substitutions. */
const promptVariables = new Set(['PS0', 'PS1', 'PS2', 'PS3', 'PS4', 'ENV', 'BASH_ENV']);

export function assign(source: Assignment, how: Expansion, keep = true): readonly ShellAssignment[] {
  const { place, machine } = how;
  machine.findings.spend(source.text.length >> 2);
  const index = source.index === undefined ? undefined : expandText(source.index, how).text;
  const before = place.scope.variable(source.name) ?? [[]];
  const maybe = unsure(place, machine);
  if (index !== undefined) arithmeticText(index, how);
  if (place.scope.hasReadonly) machine.failing = true;
  const keyed: (readonly [string, string])[] = [];
  let value: Word;
  let next: (old: Elements) => Elements;
  if (source.value.type === 'ArrayValue') {
    const elements = source.value.elements.flatMap((element) => expandWord(element, how));
    value = {
      text: elements.map((word) => word.text).join(' '),
      dynamic: elements.some((word) => word.dynamic),
      glob: elements.some((word) => word.glob),
    };
    const texts = elements.map((word) => /^\[[^\]]*\]=(.*)$/s.exec(word.text)?.[1] ?? word.text);
    for (const { text } of elements) {
      const [, at, stands] = /^\[([^\]]*)\]=(.*)$/s.exec(text) ?? [];
      if (at !== undefined && stands !== undefined) keyed.push([at, stands]);
    }
    next = (old) => (source.append === true ? [...old, ...texts] : texts);
  } else {
    value = expandText(source.value, how);
    const { text } = value;
    next = (old) => (source.append === true ? [(old[0] ?? '') + text, ...old.slice(1)] : [text]);
  }
  machine.findings.spend(value.text.length >> 2);
  if (keep && index !== undefined) place.scope.assignAt(source.name, index, value.text, maybe, source.append === true);
  else if (keep) for (const [at, old] of before.entries()) place.scope.assign(source.name, next(old), maybe || at > 0);
  for (const [at, text] of keyed) place.scope.enterTable(source.name, at, text);
  if (keep && place.wrappers.includes('trap')) place.scope.stick(source.name);
  runValue(source.name, value, how);
  return [{ name: source.name, value }];
}

function runValue(name: string, value: Word, how: Expansion): void {
  const { machine, place } = how;
  const inner = deeper(place, { wrappers: [...place.wrappers, name], input: hole, maybe: true });
  if (commandVariables.has(name)) {
    if (value.dynamic) machine.findings.opaque('dynamic_script', name, value.text);
    machine.script(value.text, inner, name);
  } else if (programVariables.test(name) && !value.dynamic) machine.script(value.text, inner, name);
  else if (promptVariables.has(name)) {
    if (/[$`]/.test(value.text)) runSubstitutions(value.text, { ...how, place: inner });
    if (name === 'ENV' || name === 'BASH_ENV')
      for (const file of place.scope.written.scripts(value)) machine.script(file, inner, name);
  }
}
