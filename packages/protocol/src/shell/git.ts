// git runs commands because its configuration says so: `git -c alias.x='!rm -rf /' x`, `core.pager`, filters, `rebase --exec`, `submodule foreach`.

import { hole, literal, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context } from './machine.ts';
import { list, readOptions } from './options.ts';

/** Keys whose value is a command line; `!` before it is not always needed. */
const commandKeys =
  /^(?:core\.(?:pager|editor|sshcommand|fsmonitor|gitproxy|askpass|alternaterefscommand)|sequence\.editor|pager\..+|diff\.(?:external|.+\.(?:command|textconv))|difftool\..+\.cmd|mergetool\..+\.cmd|merge\..+\.driver|filter\..+\.(?:clean|smudge|process)|credential\.(?:.+\.)?helper|gpg\.(?:.+\.)?program|ssh\.variant|uploadpack\.packobjectshook|remote\..+\.(?:uploadpack|receivepack|vcs)|web\.browser|browser\..+\.cmd|man\..+\.cmd|interactive\.difffilter|sendemail\.(?:smtpserver|tocmd|cccmd)|trailer\..+\.(?:cmd|command)|submodule\..+\.update|hook\..+\.command|imap\.tunnel)$/i;

/** Sub-commands with options whose value is a command. */
const optionCommands: Readonly<Record<string, readonly string[]>> = {
  rebase: list('--exec -x'),
  'filter-branch': list(
    '--env-filter --tree-filter --index-filter --parent-filter --msg-filter --commit-filter --tag-name-filter',
  ),
  difftool: list('--extcmd -x'),
  grep: list('--open-files-in-pager -O'),
  clone: list('--upload-pack -u --config -c'),
  fetch: list('--upload-pack'),
  pull: list('--upload-pack'),
  'ls-remote': list('--upload-pack --exec'),
  push: list('--receive-pack --exec'),
  archive: list('--exec'),
  'fetch-pack': list('--upload-pack --exec'),
  'send-pack': list('--receive-pack --exec'),
  'send-email': list('--smtp-server --to-cmd --cc-cmd --sendmail-cmd'),
};

export function runGit(context: Context): string {
  const { words } = context;
  const options = readOptions(words, {
    flags: 'pPhv',
    values: 'Cc',
    long: list('--git-dir --work-tree --namespace --exec-path --super-prefix --config-env --attr-source'),
    longFlags: list(
      '--bare --no-pager --paginate --no-replace-objects --literal-pathspecs --no-optional-locks --no-lazy-fetch --html-path --man-path --version',
    ),
  });
  for (const [option, value] of options.given) if (option === 'c' && value !== undefined) configure(value.text, context);
  for (const [option, value] of options.given) {
    // `--config-env=key=VARIABLE`
    const [, key, variable = ''] = /^([^=]+)=(\w+)$/.exec(option === '--config-env' ? (value?.text ?? '') : '') ?? [];
    for (const [text = ''] of key === undefined ? [] : (context.place.scope.variable(variable) ?? []))
      configure(`${key}=${text}`, context);
  }
  for (const rest of [options.rest, ...options.other]) runSub(rest, context);
  return hole;
}

function runSub([sub, ...rest]: readonly Word[], context: Context): void {
  const name = sub?.text ?? '';
  const { scope } = context.place;
  const alias = scope.alias(`git ${name}`);
  if (alias !== undefined && !context.place.active.includes(`git ${name}`)) runAlias(name, alias, rest, context);
  for (const word of rest) if (word.text.startsWith('ext::')) script(externalCommand(word.text.slice(5)), 'git ext::', context);
  if (name === 'config') configureBy(rest, context);
  else if (name === 'submodule' && rest.some((word) => word.text === 'foreach')) {
    const at = rest.findIndex((word) => word.text === 'foreach');
    const command = rest.slice(at + 1).filter((word) => !/^(--recursive|--quiet|-q)$/.test(word.text));
    script(command.map((word) => word.text).join(' '), 'git submodule foreach', context);
  } else if (name === 'for-each-repo') {
    const argv = [literal('git'), ...rest.filter((word) => !/^--(?:config|keep-going)/.test(word.text))];
    const place = deeper(context.place, { wrappers: [...context.place.wrappers, 'git for-each-repo'] });
    context.machine.invoke({ argv, assignments: [], redirections: [] }, place);
  } else if (name === 'bisect' && rest[0]?.text === 'run') {
    const place = deeper(context.place, { wrappers: [...context.place.wrappers, 'git bisect run'] });
    context.machine.invoke({ argv: rest.slice(1), assignments: [], redirections: [] }, place);
  }
  for (const option of optionCommands[name] ?? []) {
    for (const [at, word] of rest.entries()) {
      const value =
        word.text === option
          ? rest[at + 1]?.text
          : word.text.startsWith(`${option}=`)
            ? word.text.slice(option.length + 1)
            : /^-[A-Za-z]$/.test(option) && word.text.startsWith(option)
              ? word.text.slice(2)
              : undefined;
      if (value === undefined) continue;
      if (name === 'clone' && (option === '-c' || option === '--config')) configure(value, context);
      else script(value, `git ${name} ${option}`, context);
    }
  }
}

/** Words of git's ext:: are parted by spaces; `% ` is a space in a word, `%S` and the like are not known. */
function externalCommand(text: string): string {
  const words = text.split(/(?<!%) /).map((word) => word.replaceAll('% ', ' ').replaceAll(/%[sSGV]/g, hole));
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** `git config [--global] alias.x '!cmd'`, also `git config set`. */
function configureBy(words: readonly Word[], context: Context): void {
  const operands = readOptions(words, {
    flags: 'lez',
    values: 'f',
    long: list('--file --blob --type --default --comment'),
  }).rest.map((word) => word.text);
  const [key = '', value] = operands[0] === 'set' ? operands.slice(1) : operands;
  if (value !== undefined) configure(`${key}=${value}`, context);
}

function configure(setting: string, context: Context): void {
  const equals = setting.indexOf('=');
  const key = equals === -1 ? setting : setting.slice(0, equals);
  const value = equals === -1 ? '' : setting.slice(equals + 1);
  const alias = /^alias\.(.+)$/i.exec(key)?.[1];
  if (alias !== undefined) {
    context.place.scope.setAlias(`git ${alias}`, value);
    // It may be used later, by another call.
    if (value.startsWith('!')) script(value.slice(1), 'git alias', context);
  } else if (key.includes(hole) || commandKeys.test(key)) script(value.replace(/^!/, ''), `git ${key}`, context);
}

function runAlias(name: string, value: string, rest: readonly Word[], context: Context): void {
  const { place, machine } = context;
  const active = [...place.active, `git ${name}`];
  const words = rest.map((word) => ` '${word.text.replaceAll("'", `'\\''`)}'`).join('');
  const inner = deeper(place, { active, wrappers: [...place.wrappers, 'git alias'] });
  shellScript(value.startsWith('!') ? value.slice(1) + words : `git ${value}${words}`, inner, machine, 'git');
}

function script(text: string, label: string, { place, machine }: Context): void {
  shellScript(text, deeper(place, { wrappers: [...place.wrappers, label], input: hole, maybe: true }), machine, 'git');
}
