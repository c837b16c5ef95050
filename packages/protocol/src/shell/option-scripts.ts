// Ordinary programs that run a command because one of their options says so: `tar --to-command`, `rsync -e`, `split --filter` [SHELL-11].

import { hole } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context } from './machine.ts';
import { list } from './options.ts';
import { outputOf } from './output.ts';

interface OptionScripts {
  /** Letters whose value is a command. */
  readonly short?: string;
  /** Other options whose value is a command, as they are written. */
  readonly long?: readonly string[];
  /** The value is a command only after this. */
  readonly after?: RegExp;
}

const tar: OptionScripts = {
  short: 'IF',
  long: list('--to-command --use-compress-program --rsh-command --info-script --new-volume-script'),
};
const connect: OptionScripts = { short: 'ec', long: list('--exec --sh-exec --lua-exec') };

const table: ReadonlyMap<string, readonly OptionScripts[]> = new Map(
  Object.entries<readonly OptionScripts[]>({
    tar: [tar, { long: ['--checkpoint-action'], after: /^exec=/ }],
    gtar: [tar, { long: ['--checkpoint-action'], after: /^exec=/ }],
    bsdtar: [{ long: ['--use-compress-program'] }],
    cpio: [{ long: ['--rsh-command'] }],
    rsync: [{ short: 'e', long: list('--rsh --rsync-path') }],
    scp: [{ short: 'S' }, { short: 'o', after: /^\s*(?:ProxyCommand|LocalCommand)[\s=]+/i }],
    sftp: [{ short: 'S' }, { short: 'o', after: /^\s*(?:ProxyCommand|LocalCommand)[\s=]+/i }],
    zip: [{ long: list('-TT --unzip-command') }],
    split: [{ long: ['--filter'] }],
    sort: [{ long: ['--compress-program'] }],
    man: [{ short: 'PH', long: list('--pager --html') }],
    rg: [{ long: list('--pre --hostname-bin') }],
    wget: [{ long: ['--use-askpass'] }],
    nc: [connect],
    ncat: [connect],
    netcat: [connect],
    hg: [
      { long: ['--config'], after: /^(?:alias\.[^=]*=\s*!|hooks\.[^=]*=|[\w-]+\.(?:editor|merge|ssh|pager)=)/ },
      { short: 'e', long: ['--ssh'] },
    ],
    svn: [{ long: ['--config-option'], after: /^config:(?:tunnels|helpers):[^=]*=/ }, { long: list('--diff-cmd --editor-cmd') }],
    ansible: [{ short: 'a', long: ['--args'] }],
    mutt: [{ short: 'e' }],
    tcpdump: [{ short: 'z' }],
    'apt-get': [{ short: 'o', after: /^(?:APT|Dpkg)::[\w:-]*(?:Invoke|Pre-Install-Pkgs)[\w:-]*=/i }],
    apt: [{ short: 'o', after: /^(?:APT|Dpkg)::[\w:-]*(?:Invoke|Pre-Install-Pkgs)[\w:-]*=/i }],
    openvpn: [{ long: list('--up --down --route-up --tls-verify --auth-user-pass-verify') }],
    az: [{ long: ['--scripts'] }],
    go: [{ long: list('-exec -toolexec -vettool') }],
    npm: [{ long: ['--script-shell'] }],
    pnpm: [{ long: ['--script-shell'] }],
    cargo: [{ long: ['--config'], after: /^[^=]*\b(?:runner|linker|rustc(?:-workspace)?-wrapper|rustc|rustdoc)\s*=\s*/ }],
  }),
);

export const hasOptionScripts = (name: string): boolean => table.has(name);

export function runOptionScripts(context: Context): string {
  const { name, words, place, machine } = context;
  for (const { short = '', long = [], after } of table.get(name) ?? []) {
    for (const [at, word] of words.entries()) {
      machine.findings.spend(1);
      const value = valueAt(word.text, words[at + 1]?.text, short, long);
      if (value === undefined || after?.test(value[1]) === false) continue;
      // In TOML it stands in quotes.
      const text = (after === undefined ? value[1] : value[1].replace(after, '')).replace(/^(["'])([^"'\\]*)\1$/, '$2');
      shellScript(
        text,
        deeper(place, { wrappers: [...place.wrappers, `${name} ${value[0]}`], input: hole, maybe: true }),
        machine,
        name,
      );
    }
  }
  return outputOf(name, words, place) ?? hole;
}

function valueAt(
  text: string,
  next: string | undefined,
  short: string,
  long: readonly string[],
): readonly [string, string] | undefined {
  if (!text.startsWith('-')) return undefined;
  const equals = text.indexOf('=');
  const option = equals === -1 ? text : text.slice(0, equals);
  const full = long.find((each) => each === option || (option.length > 4 && each.startsWith(option)));
  if (full !== undefined) return [full, equals === -1 ? (next ?? '') : text.slice(equals + 1)];
  if (text.startsWith('--')) return undefined;
  // A letter that takes a value ends a cluster; what stands after it is the value, or the next word.
  for (let index = 1; index < text.length; index += 1) {
    const letter = text[index] ?? '';
    if (short.includes(letter)) return [`-${letter}`, index === text.length - 1 ? (next ?? '') : text.slice(index + 1)];
    if (!/[A-Za-z]/.test(letter)) return undefined;
  }
  return undefined;
}
