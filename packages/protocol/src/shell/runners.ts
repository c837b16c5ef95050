// Programs that run others in one of their sub-commands: `uv run rm x`, `npm exec -- rm x`, `conda run -n e rm x`.

import { list, type OptionTable } from './options.ts';
import type { Prefix } from './prefixes.ts';

export interface Runner extends Prefix {
  /** The sub-command. */
  readonly sub: readonly string[];
  /** Options of the program itself, before the sub-command. */
  readonly global?: OptionTable;
}

const node: Prefix = {
  values: 'pwC',
  long: list('--package --workspace --prefix --filter --dir --cwd'),
  longFlags: list('--yes --no --workspaces --offline --silent --parallel --recursive'),
  flags: 'yqrs',
  marker: true,
};
const packageShell: Prefix = { ...node, values: 'pcwC', long: [...(node.long ?? []), '--call'], script: list('c --call') };
const python: Prefix = {
  flags: 'qvn',
  values: 'pC',
  long: list(
    '--with --python --project --directory --extra --group --package --env-file --with-requirements --index --from --refresh-package --no-group',
  ),
  longFlags: list('--isolated --no-project --frozen --locked --all-extras --no-sync --offline --active --dev --no-dev --quiet'),
  directory: ['--directory'],
};
const conda: Prefix = {
  flags: 'v',
  values: 'np',
  long: list('--name --prefix --cwd'),
  longFlags: list('--no-capture-output --live-stream --dev'),
  directory: ['--cwd'],
};
const machine: Prefix = { marker: true, elsewhere: true };

export const runners: ReadonlyMap<string, readonly Runner[]> = new Map(
  Object.entries<readonly Runner[]>({
    npx: [{ sub: [], ...packageShell }],
    npm: ['exec', 'x'].map((sub) => ({ sub: [sub], ...packageShell })),
    pnpm: ['exec', 'dlx'].map((sub) => ({ sub: [sub], ...packageShell, joins: ['c', '--shell-mode'], global: node })),
    pnpx: [{ sub: [], ...node }],
    yarn: ['exec', 'dlx', 'run'].map((sub) => ({ sub: [sub], ...node, global: node })),
    bunx: [{ sub: [], ...node, longFlags: list('--bun --silent --verbose') }],
    bun: [{ sub: ['x'], ...node }],
    lerna: [{ sub: ['exec'], ...node, long: list('--scope --ignore --concurrency --since') }],
    nx: [{ sub: ['exec'], ...node }],
    uv: [
      { sub: ['run'], ...python },
      { sub: ['tool', 'run'], ...python },
    ],
    uvx: [{ sub: [], ...python }],
    pipx: [
      {
        sub: ['run'],
        long: list('--spec --python --pip-args --index-url'),
        longFlags: list('--no-cache --system-site-packages'),
      },
    ],
    poetry: [{ sub: ['run'], global: { values: 'CP', long: list('--directory --project') } }],
    pipenv: [{ sub: ['run'] }],
    pdm: [{ sub: ['run'], values: 'p', longFlags: ['--site-packages'] }],
    rye: [{ sub: ['run'] }],
    hatch: [{ sub: ['run'], global: { values: 'ep', long: list('--env --project') } }],
    conda: [{ sub: ['run'], ...conda }],
    mamba: [{ sub: ['run'], ...conda }],
    micromamba: [{ sub: ['run'], ...conda }],
    pixi: [{ sub: ['run'], values: 'e', long: list('--environment --manifest-path') }],
    bundle: [{ sub: ['exec'], longFlags: ['--keep-file-descriptors'] }],
    bundler: [{ sub: ['exec'] }],
    rbenv: [{ sub: ['exec'] }],
    pyenv: [{ sub: ['exec'] }],
    nodenv: [{ sub: ['exec'] }],
    asdf: [{ sub: ['exec'] }],
    mise: ['exec', 'x'].map((sub) => ({
      sub: [sub],
      values: 'cjC',
      long: list('--command --jobs --cd'),
      script: list('c --command'),
      marker: true,
    })),
    rtx: [{ sub: ['exec'], marker: true }],
    direnv: [{ sub: ['exec'], operands: 1 }],
    volta: [{ sub: ['run'], long: list('--node --npm --yarn --pnpm'), longFlags: ['--bundled-npm'] }],
    fnm: [{ sub: ['exec'], long: ['--using'], marker: true }],
    rustup: [{ sub: ['run'], operands: 1, longFlags: ['--install'] }],
    opam: [{ sub: ['exec'], marker: true }],
    stack: [{ sub: ['exec'], marker: true }],
    cabal: [{ sub: ['exec'], marker: true }],
    nix: ['develop', 'shell', 'run'].map((sub) => ({
      sub: [sub],
      after: list('-c --command'),
      global: { long: list('--extra-experimental-features --option') },
    })),
    'nix-shell': [
      { sub: [], values: 'pIA', long: list('--run --command --packages --argstr --arg'), script: list('--run --command') },
    ],
    guix: ['shell', 'environment'].map((sub) => ({ sub: [sub], marker: true })),
    // with secrets
    op: [{ sub: ['run'], long: ['--env-file'], marker: true }],
    doppler: [{ sub: ['run'], values: 'pc', long: list('--command --project --config'), script: ['--command'], marker: true }],
    'aws-vault': [{ sub: ['exec'], operands: 1, marker: true, values: 'd', long: list('--duration --region --mfa-token') }],
    chamber: [{ sub: ['exec'], marker: true }],
    envchain: [{ sub: [], operands: 1 }],
    infisical: [{ sub: ['run'], marker: true, long: list('--command --env --path'), script: ['--command'] }],
    sops: [{ sub: ['exec-env'], operands: 1, joins: true }],
    // on another machine
    lxc: [{ sub: ['exec'], operands: 1, ...machine }],
    incus: [{ sub: ['exec'], operands: 1, ...machine }],
    multipass: [{ sub: ['exec'], operands: 1, ...machine }],
    pct: [{ sub: ['exec'], operands: 1, ...machine }],
    machinectl: [{ sub: ['shell'], operands: 1, ...machine }],
    vagrant: [{ sub: ['ssh'], values: 'c', long: ['--command'], script: list('c --command'), operands: 1, ...machine }],
    heroku: ['run', 'run:detached'].map((sub) => ({
      sub: [sub],
      values: 'as',
      long: list('--app --size'),
      joins: true,
      ...machine,
    })),
    fly: [{ sub: ['ssh', 'console'], values: 'aCs', long: list('--app --command'), script: list('C --command'), ...machine }],
    flyctl: [{ sub: ['ssh', 'console'], values: 'aCs', long: list('--app --command'), script: list('C --command'), ...machine }],
    gcloud: [
      { sub: ['compute', 'ssh'], long: list('--command --zone --project'), script: ['--command'], ...machine, operands: 1 },
      { sub: ['alpha', 'cloud-shell', 'ssh'], long: ['--command'], script: ['--command'], ...machine },
    ],
    adb: [{ sub: ['shell'], joins: true, global: { flags: 'ade', values: 'stHPL' }, ...machine }],
    'flatpak-spawn': [{ sub: [], longFlags: list('--host --clear-env --watch-bus --sandbox'), elsewhere: true }],
    'distrobox-host-exec': [{ sub: [], elsewhere: true }],
    distrobox: [{ sub: ['enter'], ...machine, operands: 1, values: 'n', long: ['--name'], after: list('-e --exec') }],
    toolbox: [{ sub: ['run'], values: 'c', long: ['--container'], elsewhere: true }],
    wsl: [{ sub: [], values: 'due', long: list('--distribution --user --exec --cd'), after: list('-e --exec'), marker: true }],
    singularity: [{ sub: ['exec'], operands: 1, values: 'B', long: list('--bind --pwd --env'), elsewhere: true }],
    apptainer: [{ sub: ['exec'], operands: 1, values: 'B', long: list('--bind --pwd --env'), elsewhere: true }],
    mosh: [{ sub: [], operands: 1, marker: true, elsewhere: true, long: list('--ssh --server --port'), script: ['--ssh'] }],
    pdsh: [{ sub: [], values: 'wxgltufR', joins: true, elsewhere: true }],
    dsh: [{ sub: [], flags: 'acM', values: 'mgfF', joins: true, elsewhere: true }],
    pssh: [{ sub: [], flags: 'ivA', values: 'hHlptoe', joins: true, elsewhere: true }],
    'parallel-ssh': [{ sub: [], flags: 'ivA', values: 'hHlptoe', joins: true, elsewhere: true }],
    tsh: [{ sub: ['ssh'], operands: 1, joins: true, elsewhere: true }],
    autossh: [{ sub: [], flags: 'fNTnCqvA', values: 'MLRDiopF', operands: 1, joins: true, elsewhere: true }],
    // once the words are told apart, what stands after `--` is the command
    perf: ['stat', 'record', 'trace'].map((sub) => ({ sub: [sub], flags: 'adgsv', values: 'eoFrpC', marker: true as const })),
    gdb: [{ sub: [], after: ['--args'] }],
    cgdb: [{ sub: [], after: ['--args'] }],
    lldb: [{ sub: [], marker: true }],
    rr: [{ sub: ['record'] }],
    cmake: [{ sub: ['-E'] }],
    ip: [
      { sub: ['netns', 'exec'], operands: 1 },
      { sub: ['vrf', 'exec'], operands: 1 },
    ],
    zellij: [{ sub: ['run'], marker: true }],
    just: [{ sub: ['--command'] }, { sub: ['-c'] }],
    repo: [{ sub: ['forall'], after: ['-c'], joins: true }],
    launchctl: [{ sub: ['submit'], marker: true }],
    dtach: [{ sub: [], flags: 'ANcnzE', values: 'er', operands: 1 }],
    abduco: [{ sub: [], flags: 'cnAafr', values: 'e', operands: 1 }],
    cargo: [{ sub: ['watch'], values: 'xsw', long: list('--exec --shell --watch'), script: list('s --shell'), marker: true }],
  }),
);
