// What programs do to files that matters for what is run later in the same text [SHELL-6]: copies and links of programs and scripts, downloads.

import { hole, type Word } from './command.ts';
import { unsure, type Context } from './machine.ts';
import { list, readOptions, valueOf } from './options.ts';

/** `cp /bin/rm x; ./x -rf /`: x is rm by another name. */
function transfer({ words, place, machine }: Context): string {
  const options = readOptions(words, {
    flags: 'abdfilnpPrRsTuvxHLZDcC',
    values: 'StmgoB',
    long: list('--target-directory --suffix --mode --owner --group --backup'),
  });
  const folder = valueOf(options, 't', '--target-directory')?.text;
  const operands = options.rest.map((word) => word.text);
  const target = folder ?? operands.at(-1);
  const sources = folder === undefined ? operands.slice(0, -1) : operands;
  if (target === undefined) return '';
  for (const source of sources.slice(0, 16)) {
    const inFolder = `${target.replace(/\/$/, '')}/${source.replace(/^.*\//s, '')}`;
    const paths = folder === undefined && sources.length === 1 && !target.endsWith('/') ? [target, inFolder] : [inFolder];
    const text = standardInput.test(source) ? (place.input ?? hole) : place.scope.written.read(source);
    for (const path of paths) {
      if (text !== undefined) place.scope.written.write(path, text, false, unsure(place, machine));
      else place.scope.written.link(path, place.scope.written.linked(source) ?? source);
    }
  }
  return '';
}

/** What is downloaded and then run is not known. */
function download({ name, words, place }: Context): string {
  const options = readOptions(words, downloads);
  const outputs = name === 'wget' ? ['O', '--output-document'] : ['o', '--output'];
  for (const [at, word] of words.entries()) {
    const path = outputIn(word, words[at + 1], outputs);
    if (path !== undefined && path !== '-') place.scope.written.write(path, hole, false, true);
  }
  const named =
    words.some((word) => /^(-[A-Za-z]*[OJ]|--remote-name)/.test(word.text)) ||
    (name === 'wget' && valueOf(options, 'O') === undefined);
  if (named)
    for (const word of words) {
      const file = /^(?:https?|ftp):\/\/[^?#]*\/([^/?#]+)/.exec(word.text)?.[1];
      if (file !== undefined) place.scope.written.write(file, hole, false, true);
    }
  return hole;
}

const downloads = { values: 'oO', long: list('--output --output-document') };

function outputIn({ text }: Word, next: Word | undefined, [short = '', long = '']: readonly string[]): string | undefined {
  if (text.startsWith(`${long}=`)) return text.slice(long.length + 1);
  if (text === long) return next?.text;
  const cluster = new RegExp(`^-[A-Za-z#]*?${short}(.*)$`, 's').exec(text);
  if (cluster === null || text.startsWith('--')) return undefined;
  return cluster[1] === '' ? next?.text : cluster[1];
}

const standardInput = /^\/(?:dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/;

/** `… | sponge x` writes its input. */
function sponge({ words, place, machine }: Context): string {
  const target = words.find((word) => !word.text.startsWith('-'));
  if (target === undefined) return place.input ?? hole;
  place.scope.written.write(target.text, place.input ?? hole, words[0]?.text === '-a', unsure(place, machine));
  return '';
}

/** `dd of=x` writes its input. */
function dd({ words, place, machine }: Context): string {
  const operand = (name: string) => words.find((word) => word.text.startsWith(`${name}=`))?.text.slice(name.length + 1);
  const source = operand('if');
  const text = (source === undefined ? place.input : place.scope.written.read(source)) ?? hole;
  const target = operand('of');
  if (target === undefined) return text;
  place.scope.written.write(target, text, false, unsure(place, machine));
  return '';
}

/** `hash -p /bin/rm ls` makes `ls` run rm. */
function hash({ words, place }: Context): string {
  const options = readOptions(words, { flags: 'dlrt', values: 'p' });
  const path = valueOf(options, 'p');
  if (path !== undefined) for (const word of options.rest) place.scope.setAlias(word.text, `'${path.text.replaceAll("'", '')}'`);
  return '';
}

export const files: ReadonlyMap<string, (context: Context) => string> = new Map([
  ...list('cp mv ln install gcp gmv').map((name) => [name, transfer] as const),
  ...list('curl wget').map((name) => [name, download] as const),
  ['dd', dd],
  ['sponge', sponge],
  ['hash', hash],
]);
