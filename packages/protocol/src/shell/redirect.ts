// Redirections: what a command reads, and which files get a text that is known.

import type { Redirection as Source } from 'unbash';

import { hole, literal, type Redirection } from './command.ts';
import { expandHeredoc, expandText, expandWord } from './expand.ts';
import { unsure, type Place, type Expansion } from './machine.ts';

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

/** A redirection that fails keeps its command from running. */
export const canFail = (redirections: readonly Redirection[]): boolean =>
  redirections.some(
    ({ operator, target, heredoc }) =>
      !heredoc && target.text !== '/dev/null' && !(operator.endsWith('&') && /^[\d-]+$/.test(target.text)),
  );

/** Runs `inner` with the input that the redirections give it, and writes down what goes to files. Returns what is left for the pipe. */
export function settle(
  redirections: readonly Redirection[],
  how: Pick<Expansion, 'machine' | 'place'>,
  inner: (place: Place) => string,
): string {
  const { place, machine } = how;
  let input = place.input ?? place.scope.input;
  let fedBy = place.fedBy;
  for (const { operator, descriptor = 0, target, heredoc } of redirections) {
    if (!heredoc && !operator.startsWith('<')) continue;
    const copied = operator === '<&' ? (target.text === '0' ? input : hole) : (place.scope.written.read(target.text) ?? hole);
    const text = heredoc ? target.text : copied;
    if (descriptor === 0) {
      input = text;
      fedBy = undefined;
    } else
      for (const path of ['/dev/fd/', '/proc/self/fd/'])
        place.scope.written.write(path + String(descriptor), text ?? hole, false, false);
  }
  const output = inner({ ...place, input, fedBy });
  let rest = output;
  for (const { operator, descriptor = 1, target } of redirections) {
    if (!operator.startsWith('>') && !operator.startsWith('&>')) continue;
    // A copy of another descriptor may lead to the pipe.
    if ((operator === '>&' && /^[\d-]|\uFFFC/.test(target.text)) || /^\/(?:dev\/(?:fd|std)|proc)/.test(target.text)) continue;
    place.scope.written.write(target.text, descriptor === 1 ? output : hole, operator.endsWith('>>'), unsure(place, machine));
    if (descriptor === 1) rest = '';
  }
  return rest;
}

/** `exec < file`: the redirections stay. */
export function keepRedirections(redirections: readonly Redirection[], place: Place): void {
  for (const { operator, descriptor, target, heredoc } of redirections) {
    if ((heredoc || operator.startsWith('<')) && (descriptor ?? 0) === 0)
      place.scope.input = heredoc ? target.text : (place.scope.written.read(target.text) ?? hole);
    else if (!heredoc && !/^[\d-]/.test(target.text)) place.scope.written.write(target.text, hole, true, false);
  }
}
