// `holdfast`: what a person types, spec/cli.md. Commands load when they are called, so that `run` and hooks start fast.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { RunOptions } from './commands/run.ts';
import { exitCodeOf, Output, usage } from './output.ts';

/** The words and options of one command, as commander hands them over: `json` is asked of every command. */
type Work<A extends unknown[]> = (output: Output, ...parameters: A) => Promise<void>;

function wantsJson(parameters: readonly unknown[]): boolean {
  return parameters.some((each) => typeof each === 'object' && each !== null && 'json' in each && each.json === true);
}

/** Loads a command when it is called, does its work, and turns what it throws into its one error and exit code. */
function action<A extends unknown[]>(load: () => Promise<Work<A>>): (...parameters: A) => Promise<void> {
  return async (...parameters) => {
    const output = new Output(wantsJson(parameters));
    try {
      await (
        await load()
      )(output, ...parameters);
    } catch (thrown) {
      output.failed(thrown);
      process.exitCode = exitCodeOf(thrown);
    }
  };
}

const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('a whole number is expected');
  return Number(value);
}

// Commands and options are relied on by scripts: each is pinned by a test. [CLI-8]
const program = new Command('holdfast')
  .description('Identity, credentials and rules that hold, for AI agents.')
  .version('0.1.0')
  .enablePositionalOptions()
  .configureOutput({ outputError: () => {} }) // told below, in one form for all faults
  .exitOverride();

/** A command with `--json`; operators' commands take the passphrase from a file or ask for it. */
function command(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('--json', 'answer with one line of JSON');
}
function operatorCommand(parent: Command, name: string, description: string): Command {
  return command(parent, name, description).option(
    '--passphrase-file <file>',
    "the operator key's passphrase; asked for when absent",
  );
}

/** Two views: the operator's own with a passphrase, else what this machine's daemon knows. [CLI-9] */
function viewCommand(parent: Command, name: string, description: string): Command {
  return command(parent, name, description).option(
    '--passphrase-file <file>',
    "show the operator's view; without it, what this machine's daemon knows",
  );
}

operatorCommand(program, 'init', 'make a fleet and its operator key; prints the recovery code once')
  .option('--name <name>', 'what to call the fleet', 'my fleet')
  .option('--relay <url>', "the relay's address (default: the one on this machine)")
  .option('--recovery-file <file>', 'where to write the recovery code (mode 0600) instead of the terminal')
  .action(action(async () => (await import('./commands/init.ts')).init));

const consoleHelp = 'where the QR code opens your console (default: HOLDFAST_CONSOLE, or the one beside a relay of this machine)';

command(program, 'enroll', 'ask the operator to enrol this machine; shows a code and words, and waits')
  .option('--scope <scope>', 'which agent of this machine', 'main')
  .option('--relay <url>', "the relay's address (default: the one on this machine)")
  .option('--console <url>', consoleHelp)
  .option('--custody <store>', 'where its keys live: tpm, pkcs11 or software (default: the best that works here)')
  .option('--may <capability>', 'what its credential shall say that it may do, in words of yours; repeatable', collect)
  .action(action(async () => (await import('./commands/enroll.ts')).enroll));

operatorCommand(program, 'approve', 'admit the machine that shows this code')
  .argument('<code>', 'the code or the URL that the machine shows; - reads it from standard input')
  .option('--words <words>', 'the three words that the machine shows; asked for when absent')
  .action(action(async () => (await import('./commands/approve.ts')).approve));

const roots = program.command('roots').description("makers whose word about a machine's key store counts");
operatorCommand(roots, 'add', 'take the word of the authorities in a file, PEM or DER')
  .argument('<file>')
  .action(action(async () => (await import('./commands/roots.ts')).add));
operatorCommand(roots, 'remove', "take an authority's word no more")
  .argument('<root>', 'its fingerprint, or at least eight digits of it')
  .action(action(async () => (await import('./commands/roots.ts')).remove));
operatorCommand(roots, 'list', 'whose word counts').action(action(async () => (await import('./commands/roots.ts')).list));

const vault = program.command('vault').description('credentials');
operatorCommand(vault, 'add', 'keep a secret, read from standard input')
  .argument('<name>')
  .option('--purpose <text>', 'what it is for; agents that may use it read this')
  .option(
    '--template <name>',
    'terms for what is not said: anthropic, github, github-git, npm, openai, pushover, pypi, slack, stripe or turnstile; or, with --host, as --attach has it',
  )
  .option('--host <host[:port]>', 'where it may go; repeatable', collect)
  .option('--path <glob>', 'which paths; repeatable (default /**)', collect)
  .option('--method <method>', 'which methods; repeatable (default the ordinary ones)', collect)
  .option('--attach <how>', 'bearer | basic[:user] | header:NAME | query:NAME | body:/POINTER')
  .option('--env <variable>', 'the variable that holds the placeholder inside a session')
  .option('--allow-private', 'the host may have a private or loopback address')
  .option('--ca <file>', "the upstream's own authority, PEM")
  .option('--pin <pin>', "a key of the upstream's chain, like sha256/BASE64; repeatable", collect)
  .option('--gh', 'take the token that gh is logged in with, not standard input')
  .action(action(async () => (await import('./commands/vault.ts')).add));
operatorCommand(vault, 'import', 'keep the credentials of a .env file; shows what it would do')
  .argument('<file>')
  .option('--take <variable[=template]>', 'this one, by that template; repeatable (default all that templates know)', collect)
  .option('--apply', 'do it')
  .option('--remove', 'take them out of the file, once they are kept')
  .action(action(async () => (await import('./commands/vault-import.ts')).importFile));
operatorCommand(vault, 'grant', 'let an agent use a credential')
  .argument('<name>')
  .requiredOption('--to <agent>', "an agent's id, or a scope's name")
  .option('--query <limit>', "what a query may say, like 'limit<=100'; repeatable", collect)
  .option('--body <limit>', "what a JSON body may say, like '/amount<=3000'; repeatable", collect)
  .option('--form <limit>', "what a form may say, like 'state=open|closed'; repeatable", collect)
  .option('--max <uses/time>', 'how often within a time, like 20/h; repeatable', collect)
  .option('--total <uses>', 'how often in all')
  .option('--bytes <size/time>', 'how much of requests and replies within a time, like 50MB/d; repeatable', collect)
  .option('--bytes-total <size>', 'how much in all, like 1GB')
  .option('--concurrent <uses>', 'how many at once')
  .option('--until <time>', 'how long: 2h, 7d, or a moment with its zone')
  .option('--hours <hours>', "when, like '09:00-18:00 Europe/Berlin Mon-Fri'; repeatable", collect)
  .option('--dir <folder>', 'in which working trees; repeatable', collect)
  .option('--repo <repository>', 'in whose working trees, like github.com/me/app; repeatable', collect)
  .option('--pin <pin>', "a key of the upstream's chain, like sha256/BASE64; repeatable", collect)
  .option('--approve', 'ask an operator about each request; nothing on the machine can open the secret without')
  .option('--approve-within <time>', 'how long a request waits for the answer, like 30s (default 2m, at most 9m)')
  .option('--replace', 'in the place of the grant that the agent has of it; limits that are not said end')
  .action(action(async () => (await import('./commands/vault.ts')).grant));
operatorCommand(vault, 'budget', 'limit what an agent may use all of its credentials for, beside what each grant allows')
  .argument('<agent>', "an agent's id, or a scope's name")
  .option('--max <uses/time>', 'how often within a time, like 100/h; repeatable', collect)
  .option('--total <uses>', 'how often in all')
  .option('--bytes <size/time>', 'how much of requests and replies within a time, like 50MB/d; repeatable', collect)
  .option('--bytes-total <size>', 'how much in all, like 1GB')
  .option('--concurrent <uses>', 'how many at once')
  .action(action(async () => (await import('./commands/vault-budget.ts')).budget));
operatorCommand(vault, 'unbudget', 'end that limit; what was counted is forgotten')
  .argument('<agent>', "an agent's id, or a scope's name")
  .action(action(async () => (await import('./commands/vault-budget.ts')).unbudget));
operatorCommand(vault, 'ungrant', 'end what an agent may use')
  .argument('<name>')
  .requiredOption('--from <agent>', "an agent's id, or a scope's name")
  .action(action(async () => (await import('./commands/vault.ts')).ungrant));
operatorCommand(vault, 'rotate', 'put a new secret in the place of one, read from standard input')
  .argument('<name>')
  .action(action(async () => (await import('./commands/vault.ts')).rotate));
operatorCommand(vault, 'remove', 'remove a credential and end all its grants')
  .argument('<name>')
  .action(action(async () => (await import('./commands/vault.ts')).remove));
viewCommand(vault, 'list', 'names, purposes, terms, grants, and what the record knows of uses; never a secret').action(
  action(async () => (await import('./commands/vault-list.ts')).list),
);

const egress = program.command('egress').description('hosts that agents may reach without a credential');
operatorCommand(egress, 'allow', 'let an agent reach a host')
  .argument('<host[:port]>')
  .requiredOption('--to <agent>', "an agent's id, or a scope's name")
  .option('--allow-private', 'the host may have a private or loopback address')
  .option('--ca <file>', "the host's own authority, PEM")
  .option('--pin <pin>', "a key of the host's chain, like sha256/BASE64; repeatable", collect)
  .action(action(async () => (await import('./commands/egress.ts')).allow));
operatorCommand(egress, 'remove', 'end that leave')
  .argument('<host[:port]>')
  .requiredOption('--to <agent>', "an agent's id, or a scope's name")
  .action(action(async () => (await import('./commands/egress.ts')).remove));
viewCommand(egress, 'list', 'who may reach what').action(action(async () => (await import('./commands/egress.ts')).list));

const rules = program.command('rules').description('what agents may do');
operatorCommand(rules, 'apply', 'check, sign and publish rules; in force from the next act on')
  .argument('<file>', 'rules in YAML; - reads standard input')
  .option('--pack <name>', 'put the rules of a curated pack in as well; repeatable', collect)
  .action(action(async () => (await import('./commands/rules.ts')).apply));
viewCommand(rules, 'list', 'the rules in force')
  .option('--agent <agent>', "an agent of this machine: an id, or a scope's name", 'main')
  .action(action(async () => (await import('./commands/rules.ts')).list));
operatorCommand(rules, 'versions', 'the newest sets, and what each changed').action(
  action(async () => (await import('./commands/rules-versions.ts')).versions),
);
operatorCommand(rules, 'source', 'a set that was published, as a file for rules apply')
  .argument('[version]', 'the newest, when absent', wholeNumber)
  .action(action(async () => (await import('./commands/rules-versions.ts')).source));
viewCommand(rules, 'explain', 'what rules would make of an act, and why')
  .argument('<act>', 'a command, path, address, text, or SERVER/TOOL')
  .option('--tool <tool>', 'shell, read, write, edit, search, fetch, agent, mcp, message, skill or other', 'shell')
  .option('--file <file>', 'ask these rules, not those in force')
  .option('--pack <name>', 'with the rules of a curated pack; repeatable', collect)
  .option('--agent <agent>', "an agent of this machine: an id, or a scope's name", 'main')
  .action(action(async () => (await import('./commands/rules.ts')).explain));
command(rules, 'test', "run a file's examples, and hold its rules against the recorded acts of this machine")
  .argument('[file]', 'rules in YAML; without it the rules in force')
  .option('--pack <name>', 'with the rules of a curated pack; repeatable', collect)
  .option('--agent <agent>', "an agent of this machine: an id, or a scope's name; without it all of them")
  .action(action(async () => (await import('./commands/rules-test.ts')).test));
command(rules, 'packs', 'the curated packs and their rules').action(
  action(async () => (await import('./commands/rules.ts')).packs),
);

const bedrock = program.command('bedrock').description("texts that stand in every agent's context");
operatorCommand(bedrock, 'add', 'tell every agent, from its next turn on')
  .argument('<text>', 'what to tell; - reads it from standard input')
  .action(action(async () => (await import('./commands/bedrock.ts')).add));
operatorCommand(bedrock, 'edit', 'tell this instead')
  .argument('<id>', 'its id, or the first digits of it')
  .argument('<text>', 'what to tell; - reads it from standard input')
  .action(action(async () => (await import('./commands/bedrock.ts')).edit));
operatorCommand(bedrock, 'remove', 'tell it no more')
  .argument('<id>', 'its id, or the first digits of it')
  .action(action(async () => (await import('./commands/bedrock.ts')).remove));
viewCommand(bedrock, 'list', 'what agents are told')
  .option('--agent <agent>', "an agent of this machine: an id, or a scope's name", 'main')
  .action(action(async () => (await import('./commands/bedrock.ts')).list));

viewCommand(program, 'agents', 'who is enrolled').action(action(async () => (await import('./commands/agents.ts')).list));
operatorCommand(program, 'revoke', 'end an agent, or one of its children, at once')
  .argument('<who>', "an agent's id, or a scope's name; or the id of a child")
  .option('--agent <agent>', 'whose child it is, when it is not of this machine')
  .option('--reason <text>', 'why, for the record', '')
  .action(action(async () => (await import('./commands/revoke.ts')).revoke));
operatorCommand(program, 'suspend', 'stop an agent at once, until it is resumed')
  .argument('[agent]', "an agent's id, or a scope's name")
  .option('--all', 'the whole fleet at once')
  .option('--reason <text>', 'why, for the record', '')
  .action(action(async () => (await import('./commands/suspend.ts')).suspend));
operatorCommand(program, 'resume', 'let a suspended agent go on; nothing that ran comes back')
  .argument('[agent]', "an agent's id, or a scope's name")
  .option('--all', 'all that are suspended')
  .action(action(async () => (await import('./commands/suspend.ts')).resume));
const rotate = command(program, 'rotate', "ask for other keys for this machine's agent, and wait for them")
  .option('--scope <scope>', 'which agent of this machine', 'main')
  .option('--custody <store>', 'where they shall live: tpm, pkcs11 or software (default: the best that works here)')
  .action(action(async () => (await import('./commands/rotate.ts')).rotate));
operatorCommand(rotate, 'approve', 'give an agent the keys that it asks for; the old ones end')
  .argument('<agent>', "an agent's id, or a scope's name")
  .option('--weaker', 'also where they leave hardware for software')
  .action(action(async () => (await import('./commands/rotate.ts')).approve));
command(program, 'present', 'prove to a service who the agent is: prints one presentation')
  .requiredOption('--audience <url>', 'the service, as it calls itself')
  .option('--nonce <text>', 'what the service asked for (default: one of our own)')
  .option('--scope <scope>', 'which agent of this machine', 'main')
  .option(
    '--show <claim>',
    'what to disclose: scope, machine, capability:NAME, capabilities, all; repeatable (default: capabilities)',
    collect,
  )
  .action(action(async () => (await import('./commands/present.ts')).present));
viewCommand(program, 'root', 'what a service has to know to verify presentations of the fleet').action(
  action(async () => (await import('./commands/present.ts')).root),
);
operatorCommand(program, 'pulse', 'tell the fleet that its operator is here')
  .option('--every <time>', 'again and again until it is ended, for example 30m or 12h')
  .option('--witness', "read and cosign the agents' logs each time, as audit witness does")
  .action(action(async () => (await import('./commands/pulse.ts')).pulse));

operatorCommand(program, 'recover', 'make this machine an operator device by the recovery code, which is replaced')
  .requiredOption('--fleet <id>', "the fleet's id, which stands beside the code")
  .option('--relay <url>', "the relay's address (default: the one on this machine)")
  .option('--code-file <file>', 'the recovery code; read from standard input when absent')
  .option('--recovery-file <file>', 'where to write the new code (mode 0600) instead of the terminal')
  .option('--keep <device>', 'an operator device that is not lost; all others are removed; repeatable', collect)
  .action(action(async () => (await import('./commands/recover.ts')).recover));
const devices = program.command('devices').description("the operator's own devices");
operatorCommand(devices, 'list', 'who may write for the operator').action(
  action(async () => (await import('./commands/devices.ts')).list),
);
operatorCommand(devices, 'add', 'make the device that shows this code one of yours')
  .argument('[code]', 'the code or the URL that the device shows; - reads it from standard input')
  .option('--show', 'make a code for it instead, show it, and wait for the device')
  .option('--console <url>', consoleHelp)
  .option('--words <words>', 'the three words that the device shows; - reads them from standard input; asked for when absent')
  .action(action(async () => (await import('./commands/devices.ts')).add));
operatorCommand(devices, 'join', 'ask to be an operator device; shows a code and words, and waits')
  .argument('[code]', 'the code or the URL that devices add --show shows; - reads it from standard input')
  .option('--name <name>', 'what to call this device (default: the name of the machine)')
  .option('--relay <url>', "the relay's address (default: the one on this machine)")
  .option('--console <url>', consoleHelp)
  .action(action(async () => (await import('./commands/join.ts')).join));
operatorCommand(devices, 'remove', 'end a device that came later than this one, or with the recovery code any other')
  .argument('<device>', 'its id, the first digits of it, or its name')
  .option('--reason <text>', 'why, for the record', '')
  .option('--recovery-code-file <file>', 'the recovery code, which is replaced: for a device that came before this one')
  .option('--recovery-file <file>', 'where to write the new code (mode 0600) instead of the terminal')
  .action(action(async () => (await import('./commands/devices.ts')).remove));
operatorCommand(devices, 'rename', 'call this device, or one that came later, by another name')
  .argument('<device>', 'its id, the first digits of it, or its name')
  .argument('<name>', 'at most 64 characters; no name that another device has or had')
  .action(action(async () => (await import('./commands/devices.ts')).rename));
operatorCommand(program, 'passphrase', "choose another passphrase for this machine's operator key")
  .option('--new-passphrase-file <file>', 'the new passphrase; asked for twice when absent')
  .action(action(async () => (await import('./commands/passphrase.ts')).change));

const approvals = operatorCommand(program, 'approvals', 'acts of agents that wait for you')
  .option('--follow', 'go on until it is ended; at a terminal, take answers')
  .action(action(async () => (await import('./commands/approvals.ts')).list));
operatorCommand(approvals, 'approve', 'let an act happen, once')
  .argument('<ask>', 'its id, or the first digits of it')
  .option('--item <name>', 'the credential to grant, where an agent asks for access and several would do')
  .action(action(async () => (await import('./commands/approvals.ts')).approve));
operatorCommand(approvals, 'deny', 'say no to an act')
  .argument('<ask>', 'its id, or the first digits of it')
  .action(action(async () => (await import('./commands/approvals.ts')).deny));

const plugin = program.command('plugin').description('the guard in a Claude Code that is started by hand');
function pluginCommand(name: string, description: string): Command {
  return command(plugin, name, description).option('--scope <scope>', 'which agent of this machine', 'main');
}
pluginCommand('install', 'put the hooks, commands and tools into its settings, and open the door that they ask')
  .option('--managed', 'for this machine, as root: where no other setting overrides it')
  .action(action(async () => (await import('./commands/plugin.ts')).install));
pluginCommand('remove', 'give the settings back as they were, and close the door')
  .option('--managed', 'those of this machine, as root')
  .action(action(async () => (await import('./commands/plugin.ts')).remove));
pluginCommand('status', 'where it is installed, and who asks').action(
  action(async () => (await import('./commands/plugin.ts')).status),
);

command(program, 'status', 'what runs here, how fresh it is, and what is missing').action(
  action(async () => (await import('./commands/status.ts')).status),
);
command(program, 'doctor', 'whether this machine has what Holdfast needs, and how to mend it').action(
  action(async () => (await import('./commands/doctor.ts')).doctor),
);
command(program, 'console', 'serve the console to browsers of this machine, and say where')
  .option('--relay <url>', "the relay's address (default: the one on this machine)")
  .option('--public-url <url>', 'an https address that leads here as well; repeatable', collect)
  .option('--hash', "tell the hash of the console's bundle, and end")
  .action(action(async () => (await import('./commands/console.ts')).serve));
command(program, 'time', 'how long credentials could have been used, against standing keys')
  .option('--agent <agent>', "an agent's id, or a scope's name (default: all of this machine)")
  .option('--since <time>', 'only of the last 30m, 12h, 7d')
  .option('--until <ms>', 'as of a moment that an earlier answer names')
  .option('--from <file>', 'of exported events, jsonl or bundle; repeatable', collect)
  .action(action(async () => (await import('./commands/time.ts')).time));

const audit = program.command('audit').description('the record of what agents did');
const ofAgent = ['--agent <agent>', "an agent's id, or a scope's name", 'main'] as const;
command(audit, 'show', 'events, oldest first; or, of one, all that belongs to its act')
  .argument('[event]', 'its number', wholeNumber)
  .option(...ofAgent)
  .option('--last <count>', 'only so many', wholeNumber)
  .option('--since <time>', 'only of the last 30m, 12h, 7d')
  .option('--what <kind>', 'only credential, request, tool, session, identity, rules, alarm, or one kind; repeatable', collect)
  .option('--trace <id>', 'only what came of that prompt or session')
  .option('--filter <text>', "only what this matches: FIELD=VALUE joined by &, as the console's address has it")
  .option('--follow', 'go on until it is interrupted')
  .option('--shipped', 'as operator: what the relay keeps, on any device')
  .option('--passphrase-file <file>', "with --shipped: the operator key's passphrase; asked for when absent")
  .action(action(async () => (await import('./commands/audit.ts')).show));
command(audit, 'verify', 'recompute the log and check it against its signed checkpoints')
  .option(...ofAgent)
  .option('--checkpoint <file>', 'one that was kept elsewhere: the log must have made it')
  .option('--witness <key>', 'who must have cosigned it, when it is a published one; repeatable', collect)
  .option('--fork-out <file>', 'write there the proof of another history, if that checkpoint shows one')
  .option('--fork <file>', 'check such a proof instead: public keys are all that it takes')
  .option('--key <hex>', "with --fork: the agent's public key, known from elsewhere; repeatable", collect)
  .action(action(async () => (await import('./commands/audit-verify.ts')).verify));
command(audit, 'replay', 'make recorded decisions again, by the rules and grants of their time')
  .argument('[event]', 'its number', wholeNumber)
  .option(...ofAgent)
  .option('--since <time>', 'only of the last 30m, 12h, 7d')
  .action(action(async () => (await import('./commands/audit-replay.ts')).replay));
command(audit, 'export', 'the log as lines, for other systems, as a bundle that holdfast-verify checks anywhere, or as tiles')
  .option(...ofAgent)
  .addOption(new Option('--format <format>', 'as what').choices(['jsonl', 'bundle', 'otlp', 'ocsf', 'tiles']).default('jsonl'))
  .option('--redact', 'leave out what an agent wrote: its hash stays')
  .option('--out <file>', 'write it there, tiles as a folder (default: standard output)')
  .action(action(async () => (await import('./commands/audit-export.ts')).exportLog));
command(audit, 'stream', 'events to an OpenTelemetry collector as they come; goes on where it ended')
  .requiredOption('--otlp <url>', 'the collector: https, or http on this machine')
  .option(...ofAgent)
  .option('--header-file <file>', 'headers for the collector, NAME: VALUE a line')
  .option('--ca <file>', "the collector's own authority, PEM")
  .option('--redact', 'leave out what an agent wrote: its hash stays')
  .action(action(async () => (await import('./commands/audit-stream.ts')).stream));
const policy = audit.command('policy').description('what is recorded, by the operator');
operatorCommand(policy, 'show', 'the policy in force').action(
  action(async () => (await import('./commands/audit-policy.ts')).show),
);
operatorCommand(policy, 'set', 'sign another one: what it does not silence is recorded')
  .option('--silence <class>', 'count events of this class and do not record them: request, session, tool; repeatable', collect)
  .option('--retention <days>', 'for how long records are kept, for example 400d (default: for ever)')
  .option('--record-all', 'silence nothing')
  .option(
    '--personal <file>',
    'personal data that is never recorded in clear, as JSON; - reads standard input (default: as before)',
  )
  .action(action(async () => (await import('./commands/audit-policy.ts')).set));
command(audit, 'reveal', 'prove that a commitment in an event is of a value; without one, whose commitments it holds')
  .argument('<event>', 'its number', wholeNumber)
  .option(...ofAgent)
  .option('--value <->', 'the value, read from standard input')
  .option('--out <file>', 'write the proof there (default: standard output)')
  .action(action(async () => (await import('./commands/audit-commitments.ts')).reveal));
command(audit, 'check', 'whether a proof of audit reveal is of a value')
  .argument('<file>', 'the proof')
  .requiredOption('--value <->', 'the value, read from standard input')
  .action(action(async () => (await import('./commands/audit-commitments.ts')).check));
operatorCommand(audit, 'erase', 'make all that logs hold of a subject unprovable, for good')
  .argument('<subject>', 'as the policy declares it')
  .option('--confirm <words>', 'the words that are asked for: erase and the subject')
  .action(action(async () => (await import('./commands/audit-commitments.ts')).erase));
command(audit, 'checkpoint', 'the newest signed checkpoint, to be kept elsewhere')
  .option(...ofAgent)
  .option('--note', 'as it is published: a signed note, cosigned by the relay')
  .option('--out <file>', 'write it there (default: standard output)')
  .action(action(async () => (await import('./commands/audit-export.ts')).checkpoint));
operatorCommand(audit, 'fetch', 'read the log from the relay and verify it, on any operator device')
  .option(...ofAgent)
  .option('--out <file>', 'write it there as a bundle that holdfast-verify checks anywhere')
  .action(action(async () => (await import('./commands/audit-fetch.ts')).fetchLog));
operatorCommand(audit, 'witness', 'cosign logs as this device, which reads them itself and remembers them')
  .option('--agent <agent>', "an agent's id, or a scope's name (default: all)")
  .option('--checkpoint <file>', 'a published one that was kept elsewhere: the log must go on from it; repeatable', collect)
  .option('--out <file>', 'write the cosigned checkpoint there')
  .option('--fork-out <file>', 'write there the proof of two histories, if there are')
  .action(action(async () => (await import('./commands/audit-witness.ts')).witness));

command(program, 'uninstall', 'remove everything that Holdfast keeps on this machine')
  .option('--yes', 'do not ask')
  .action(action(async () => (await import('./commands/uninstall.ts')).uninstall));

program
  .command('run')
  .description('run a command in a sealed session')
  .argument('<command...>', 'after --')
  .option('--scope <scope>', 'which agent of this machine', 'main')
  .option('--quiet', 'say nothing at the end of requests that did not pass')
  .option('--child', 'as a child of the agent, or of the session that this is called in, with less than its parent')
  .option('--only <names>', 'what the child may do: capabilities, vault:use or vault:use:NAME, with commas between')
  .option('--host <host[:port]>', "where the child's requests may go; repeatable (default: where its parent's may)", collect)
  .option('--uses <count>', 'how often the child may use credentials', wholeNumber)
  .option('--bytes <size>', 'how much of requests and replies may pass with its credentials, like 10MB')
  .option('--life <time>', 'when the child ends, for example 10m; an hour at most')
  .option('--depth <count>', 'how many more children may stand below it (default: none)', wholeNumber)
  .addOption(new Option('--pass-env <name>', 'let this variable through; repeatable').argParser(collect).default([]))
  .passThroughOptions()
  .action(async (words: string[], options: RunOptions) => {
    const { run } = await import('./commands/run.ts');
    process.exit(await run(words, options)); // an open pipe on stdin would keep us
  });

/** What commander says, in our words. */
function usageOf({ code, message }: CommanderError): Error {
  if (code === 'commander.help') return usage('a command is missing', 'see: holdfast --help');
  return usage(message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '), 'see: holdfast --help');
}

// A reader that hangs up, like `head`, has had what it wanted.
if (process.argv[2] !== 'run') process.stdout.on('error', () => process.exit());

try {
  await program.parseAsync();
} catch (thrown) {
  const isUsage = thrown instanceof CommanderError;
  if (isUsage && thrown.exitCode === 0) {
    process.exitCode = 0; // --help, --version
  } else {
    const fault = isUsage ? usageOf(thrown) : thrown;
    const inRun = process.argv[2] === 'run';
    new Output(!inRun && process.argv.includes('--json')).failed(fault); // [CLI-2]
    process.exitCode = inRun ? 125 : exitCodeOf(fault); // [CLI-3] [CLI-16]
  }
}
