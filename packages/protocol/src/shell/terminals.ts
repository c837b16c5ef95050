// Terminal multiplexers run what they are told, and type what they are told to type.

import { hole, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context } from './machine.ts';
import { readOptions } from './options.ts';

const runs =
  /^(?:new|new-session|neww|new-window|splitw|split-window|respawnp|respawn-pane|respawnw|respawn-window|run|run-shell|popup|display-popup|pipep|pipe-pane|if|if-shell|bind|bind-key|set-hook)$/;

export function runTmux(context: Context): string {
  const { words } = context;
  const { rest } = readOptions(words, { flags: '2CDluUvVN', values: 'cfLST' });
  // Several commands of tmux's own stand between words that end with `;`.
  let part: Word[] = [];
  for (const word of [...rest, { text: ';', dynamic: false, glob: false }]) {
    if (word.text !== ';' && !word.text.endsWith(';')) part.push(word);
    else {
      tmuxCommand(word.text === ';' ? part : [...part, { ...word, text: word.text.slice(0, -1) }], context);
      part = [];
    }
  }
  return hole;
}

function tmuxCommand([command, ...words]: readonly Word[], context: Context): void {
  const name = command?.text ?? '';
  if (name === 'send' || name === 'send-keys') {
    const keys = readOptions(words, { flags: 'FHKlMRX', values: 'cNt' }).rest;
    script(
      context,
      keys.map((word) => (/^(Enter|C-m|KPEnter)$/.test(word.text) ? '\n' : word.text === 'Space' ? ' ' : word.text)).join(''),
      'tmux send-keys',
    );
  } else if (runs.test(name)) {
    const operands = readOptions(words, { flags: 'AdDEPXbhvfIZkCKBOoagnr', values: 'cefFnstxypltSTbw' });
    for (const rest of [operands.rest, ...operands.other])
      script(context, rest.map((word) => word.text).join(' '), `tmux ${name}`);
    for (const word of operands.rest) if (/\s/.test(word.text)) script(context, word.text, `tmux ${name}`);
  }
}

export function runScreen(context: Context): string {
  const options = readOptions(context.words, { flags: 'aADdilLmOqrRUvwxX', values: 'cehpsStTp' });
  const [first, ...words] = options.rest;
  if (first === undefined) return hole;
  if (options.given.some(([option]) => option === 'X')) {
    const text = words.map((word) => word.text).join(' ');
    if (first.text === 'stuff') script(context, text.replaceAll(/\\n|\\r|\^M/g, '\n'), 'screen -X');
    else if (first.text === 'screen' || first.text === 'exec') script(context, text, 'screen -X');
  } else {
    const place = deeper(context.place, { wrappers: [...context.place.wrappers, 'screen'] });
    context.machine.invoke({ argv: options.rest, assignments: [], redirections: [] }, place);
  }
  return hole;
}

function script({ name, place, machine }: Context, text: string, label: string): void {
  shellScript(text, deeper(place, { wrappers: [...place.wrappers, label], input: hole, maybe: true }), machine, name);
}
