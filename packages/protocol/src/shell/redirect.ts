// Redirections: what a command reads, and which files get a text that is known.

import type { Redirection as Source } from 'unbash';

import { hole, literal, type Redirection } from './command.ts';
import { expandHeredoc, expandText, expandWord, type Expansion } from './expand.ts';
import type { Place } from './machine.ts';

export function readRedirection(source: Source, how: Expansion): Redirection {
  const descriptor = source.descriptor?.type === 'FileDescriptor' ? source.descriptor.value : undefined;
  const common = { operator: source.operator, descriptor } as const;
  if (source.type === 'HereDoc') {
    const text = expandHeredoc(source.body, source.delimiter?.quoted === true, how);
    const body = source.operator === '<<-' ? text.replaceAll(/^\t+/gm, '') : text;
    return { ...common, target: literal(body), heredoc: true };
  }
  if (source.type === 'HereString')
    return { ...common, target: literal(`${expandText(source.target, how).text}\n`), heredoc: true };
  const words = source.target === undefined ? [] : expandWord(source.target, how);
  return { ...common, target: words[0] ?? literal(hole), heredoc: false };
}

/** Runs `inner` with the input that the redirections give it, and writes down what goes to files. Returns what is left for the pipe. */
export function settle(redirections: readonly Redirection[], place: Place, inner: (place: Place) => string): string {
  let input = place.input;
  let fedBy = place.fedBy;
  for (const { operator, descriptor, target, heredoc } of redirections) {
    if ((descriptor ?? 0) !== 0) continue;
    if (heredoc) input = target.text;
    else if (operator === '<' || operator === '<>') input = place.scope.file(target.text) ?? hole;
    else continue;
    fedBy = undefined;
  }
  const output = inner({ ...place, input, fedBy });
  let rest = output;
  for (const { operator, descriptor, target } of redirections) {
    const writes = operator.startsWith('>') || operator.startsWith('&>');
    if (!writes || (descriptor ?? 1) !== 1) continue;
    if (operator === '>&' && /^[\d-]/.test(target.text)) rest = target.text === '1' ? rest : '';
    else {
      place.scope.write(target.text, output, operator.endsWith('>>'));
      rest = '';
    }
  }
  return rest;
}
