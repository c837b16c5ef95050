// Commands that run in containers, on other machines and as other users: what they do there is judged like what they do here [SHELL-11].

import { hole } from './command.ts';
import type { Context } from './machine.ts';
import { has, list, readOptions, valueOf, type OptionTable } from './options.ts';
import { Scope } from './scope.ts';
import { argv, joined, script } from './within.ts';

type Wrapper = (context: Context) => string;

function elsewhere(): Scope {
  const scope = new Scope();
  scope.enter(hole);
  return scope;
}

export const containers: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ['ssh', runSsh],
  ...list('su runuser').map((name): [string, Wrapper] => [name, runAs]),
  ...list('docker podman nerdctl docker-compose podman-compose').map((name): [string, Wrapper] => [name, runContainer]),
  ...list('kubectl oc k kubecolor microk8s k3s').map((name): [string, Wrapper] => [name, runPod]),
]);

function runSsh(context: Context): string {
  const table: OptionTable = { flags: '46AaCfGgKkMNnqsTtVvXxYy', values: 'BbcDEeFIiJLlmOoPpQRSWw' };
  const options = readOptions(context.words, table);
  const after = readOptions(options.rest.slice(1), table);
  for (const [letter, value] of [...options.given, ...after.given]) {
    const command =
      letter === 'o' && value !== undefined
        ? /^\s*(?:ProxyCommand|LocalCommand|RemoteCommand|KnownHostsCommand|XAuthLocation)[\s=]+(.*)$/is.exec(value.text)?.[1]
        : undefined;
    if (command !== undefined) script(context, 'ssh -o', command);
  }
  const [host, ...words] = options.rest;
  if (host === undefined) return hole;
  if (words.length > 0) script(context, 'ssh', joined(after.rest.length === 0 ? words : after.rest), { scope: elsewhere() });
  else if (context.place.input !== undefined) script(context, 'ssh', context.place.input, { scope: elsewhere(), input: hole });
  return hole;
}

function runAs(context: Context): string {
  const table: OptionTable = {
    flags: 'flmpP',
    values: 'cgGswCu',
    long: list('--command --session-command --group --supp-group --shell --whitelist-environment --user'),
    longFlags: list('--fast --login --preserve-environment --pty'),
  };
  const options = readOptions(context.words, table);
  // Options may follow the user's name.
  const later = readOptions(options.rest[0]?.text === '-' ? options.rest.slice(2) : options.rest.slice(1), table);
  const text = valueOf(options, 'c', '--command', '--session-command') ?? valueOf(later, 'c', '--command', '--session-command');
  if (text !== undefined) return script(context, `${context.name} -c`, text.text);
  if (has(options, 'u', '--user')) return argv(context, context.name, options.rest);
  if (context.place.input !== undefined) return script(context, context.name, context.place.input, { input: hole });
  return hole;
}

function runContainer(context: Context): string {
  const global = readOptions(context.words, {
    flags: 'Dv',
    values: 'cHlfp',
    long: list(
      '--config --context --host --log-level --tlscacert --tlscert --tlskey --url --connection --namespace --file --project-name --profile --env-file --project-directory',
    ),
  });
  let [command, ...rest] = global.rest;
  if (command?.text === 'container' || command?.text === 'compose') {
    const inner = readOptions(rest, {
      values: 'fp',
      long: list('--file --project-name --profile --env-file --project-directory'),
    });
    [command, ...rest] = inner.rest;
  }
  if (command?.text !== 'exec' && command?.text !== 'run' && command?.text !== 'create') return hole;
  const options = readOptions(rest, containerOptions);
  const label = `${context.name} ${command.text}`;
  const entry = valueOf(options, '--entrypoint');
  for (const words of [options.rest, ...options.other]) {
    const inner = words.slice(1);
    argv(context, label, entry === undefined ? inner : [entry, ...inner], { scope: elsewhere() });
  }
  return hole;
}

const containerOptions: OptionTable = {
  flags: 'diPtqT',
  values: 'aceFhlmpuvw',
  long: list(
    '--env --env-file --user --workdir --name --volume --mount --network --net --publish --expose --entrypoint --label --memory --cpus --add-host --cap-add --cap-drop --device --dns --gpus --hostname --ip --ipc --link --log-driver --log-opt --pid --platform --pull --restart --runtime --security-opt --shm-size --stop-signal --sysctl --tmpfs --ulimit --userns --uts --volumes-from --volume-driver --cidfile --cpuset-cpus --cpu-shares --detach-keys --group-add --index --annotation',
  ),
  longFlags: list(
    '--detach --interactive --tty --rm --init --privileged --read-only --publish-all --no-healthcheck --quiet --no-deps --service-ports --no-TTY --build',
  ),
};

/** `kubectl exec pod -c name -- cmd`; without `--` the words after the pod's name are the command. */
function runPod(context: Context): string {
  const verb = context.words.findIndex((word) => /^(exec|run|debug|rsh)$/.test(word.text));
  if (verb === -1) return hole;
  const label = `${context.name} ${context.words[verb]?.text ?? ''}`;
  const at = context.words.findIndex((word) => word.text === '--');
  if (at !== -1) return argv(context, label, context.words.slice(at + 1), { scope: elsewhere() });
  const options = readOptions(context.words.slice(verb + 1), {
    flags: 'itq',
    values: 'cfn',
    long: list('--container --namespace --filename --context --image'),
    longFlags: list('--stdin --tty --quiet'),
  });
  // Options may also follow the pod's name.
  const after = readOptions(options.rest.slice(1), {
    flags: 'itq',
    values: 'cfn',
    long: list('--container --namespace'),
    longFlags: list('--stdin --tty'),
  });
  return /exec|rsh/.test(label) ? argv(context, label, after.rest, { scope: elsewhere() }) : hole;
}
