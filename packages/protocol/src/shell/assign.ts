// Assignments: to the scope, and to what the shell or a program runs because a variable says so.

import type { Assignment } from 'unbash';

import { hole, type ShellAssignment, type Word } from './command.ts';
import { expandText, expandWord, runSubstitutions, type Expansion } from './expand.ts';
import { deeper } from './machine.ts';

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
/** Variables in whose value the shell runs substitutions. */
const promptVariables = new Set(['PS0', 'PS1', 'PS2', 'PS3', 'PS4', 'ENV', 'BASH_ENV']);

export function assign(source: Assignment, how: Expansion, keep = true): readonly ShellAssignment[] {
  const { place, machine } = how;
  machine.findings.spend(source.text.length >> 2);
  const index = source.index === undefined ? undefined : expandText(source.index, how).text;
  const before = place.scope.variable(source.name);
  const old = before === undefined ? [] : (before.at(-1) ?? []);
  let value: Word;
  if (source.value.type === 'ArrayValue') {
    const elements = source.value.elements.flatMap((element) => expandWord(element, how));
    value = {
      text: elements.map((word) => word.text).join(' '),
      dynamic: elements.some((word) => word.dynamic),
      glob: elements.some((word) => word.glob),
    };
    const texts = elements.map((word) => /^\[[^\]]*\]=(.*)$/s.exec(word.text)?.[1] ?? word.text);
    if (keep) place.scope.assign(source.name, source.append === true ? [...old, ...texts] : texts, place.maybe);
  } else {
    value = expandText(source.value, how);
    if (keep && index !== undefined) place.scope.assign(source.name, placed(old, index, value.text), place.maybe);
    else if (keep && source.append === true) {
      const from = before ?? [['']];
      for (const [at, each] of from.entries())
        place.scope.assign(source.name, [(each[0] ?? '') + value.text, ...each.slice(1)], place.maybe || at > 0);
    } else if (keep) place.scope.assign(source.name, [value.text], place.maybe);
  }
  runValue(source.name, value, how);
  return [{ name: source.name, value }];
}

function placed(old: readonly string[], index: string, text: string): readonly string[] {
  const at = /^\d{1,3}$/.test(index) ? Number(index) : -1;
  if (at < 0) return old.length > 256 ? [hole] : [...old, text]; // keys of a map: any of its values
  const elements = [...old];
  while (elements.length < at) elements.push('');
  elements[at] = text;
  return elements;
}

function runValue(name: string, value: Word, how: Expansion): void {
  const { machine, place } = how;
  const inner = deeper(place, { wrappers: [...place.wrappers, name], input: hole, maybe: true });
  if (commandVariables.has(name)) {
    if (value.dynamic) machine.findings.opaque('dynamic_script', name, value.text);
    machine.script(value.text, inner, name);
  } else if (promptVariables.has(name)) {
    if (/[$`]/.test(value.text)) runSubstitutions(value.text, { ...how, place: inner });
    const file = place.scope.file(value.text);
    if (file !== undefined && (name === 'ENV' || name === 'BASH_ENV')) machine.script(file, inner, name);
  }
}
