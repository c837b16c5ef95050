// What a person reads of each command, as literals: scripts and documents rely on it, and no option comes or goes unseen. [CLI-8]

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli } from './cli.ts';

const pins: Readonly<Record<string, string>> = {
  '': `Usage: holdfast [options] [command]

Identity, credentials and rules that hold, for AI agents.

Options:
  -V, --version               output the version number
  -h, --help                  display help for command

Commands:
  init [options]              make a fleet and its operator key; prints the
                              recovery code once
  enroll [options]            ask the operator to enrol this machine; shows a
                              code and words, and waits
  approve [options] <code>    admit the machine that shows this code
  roots                       makers whose word about a machine's key store
                              counts
  vault                       credentials
  egress                      hosts that agents may reach without a credential
  rules                       what agents may do
  bedrock                     texts that stand in every agent's context
  agents [options]            who is enrolled
  revoke [options] <who>      end an agent, or one of its children, at once
  suspend [options] [agent]   stop an agent at once, until it is resumed
  resume [options] [agent]    let a suspended agent go on; nothing that ran
                              comes back
  rotate [options]            ask for other keys for this machine's agent, and
                              wait for them
  present [options]           prove to a service who the agent is: prints one
                              presentation
  root [options]              what a service has to know to verify presentations
                              of the fleet
  pulse [options]             tell the fleet that its operator is here
  recover [options]           make this machine an operator device by the
                              recovery code, which is replaced
  devices                     the operator's own devices
  passphrase [options]        choose another passphrase for this machine's
                              operator key
  approvals [options]         acts of agents that wait for you
  plugin                      the guard in a Claude Code that is started by hand
  status [options]            what runs here, how fresh it is, and what is
                              missing
  doctor [options]            whether this machine has what Holdfast needs, and
                              how to mend it
  console [options]           serve the console to browsers of this machine, and
                              say where
  time [options]              how long credentials could have been used, against
                              standing keys
  audit                       the record of what agents did
  uninstall [options]         remove everything that Holdfast keeps on this
                              machine
  run [options] <command...>  run a command in a sealed session
  help [command]              display help for command
`,
  init: `Usage: holdfast init [options]

make a fleet and its operator key; prints the recovery code once

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --name <name>             what to call the fleet (default: "my fleet")
  --relay <url>             the relay's address (default: the one on this
                            machine)
  --recovery-file <file>    where to write the recovery code (mode 0600) instead
                            of the terminal
  -h, --help                display help for command
`,
  enroll: `Usage: holdfast enroll [options]

ask the operator to enrol this machine; shows a code and words, and waits

Options:
  --json              answer with one line of JSON
  --scope <scope>     which agent of this machine (default: "main")
  --relay <url>       the relay's address (default: the one on this machine)
  --console <url>     where the QR code opens your console (default:
                      HOLDFAST_CONSOLE, or the one beside a relay of this
                      machine)
  --custody <store>   where its keys live: tpm, pkcs11 or software (default: the
                      best that works here)
  --may <capability>  what its credential shall say that it may do, in words of
                      yours; repeatable
  -h, --help          display help for command
`,
  approve: `Usage: holdfast approve [options] <code>

admit the machine that shows this code

Arguments:
  code                      the code or the URL that the machine shows; - reads
                            it from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --words <words>           the three words that the machine shows; asked for
                            when absent
  -h, --help                display help for command
`,
  roots: `Usage: holdfast roots [options] [command]

makers whose word about a machine's key store counts

Options:
  -h, --help               display help for command

Commands:
  add [options] <file>     take the word of the authorities in a file, PEM or
                           DER
  remove [options] <root>  take an authority's word no more
  list [options]           whose word counts
  help [command]           display help for command
`,
  'roots add': `Usage: holdfast roots add [options] <file>

take the word of the authorities in a file, PEM or DER

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'roots remove': `Usage: holdfast roots remove [options] <root>

take an authority's word no more

Arguments:
  root                      its fingerprint, or at least eight digits of it

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'roots list': `Usage: holdfast roots list [options]

whose word counts

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  vault: `Usage: holdfast vault [options] [command]

credentials

Options:
  -h, --help                  display help for command

Commands:
  add [options] <name>        keep a secret, read from standard input
  import [options] <file>     keep the credentials of a .env file; shows what it
                              would do
  grant [options] <name>      let an agent use a credential
  budget [options] <agent>    limit what an agent may use all of its credentials
                              for, beside what each grant allows
  unbudget [options] <agent>  end that limit; what was counted is forgotten
  ungrant [options] <name>    end what an agent may use
  rotate [options] <name>     put a new secret in the place of one, read from
                              standard input
  remove [options] <name>     remove a credential and end all its grants
  list [options]              names, purposes, terms, grants, and what the
                              record knows of uses; never a secret
  help [command]              display help for command
`,
  'vault add': `Usage: holdfast vault add [options] <name>

keep a secret, read from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --purpose <text>          what it is for; agents that may use it read this
  --template <name>         terms for what is not said: anthropic, github,
                            github-git, npm, openai, pushover, pypi, slack,
                            stripe or turnstile; or, with --host, as --attach
                            has it
  --host <host[:port]>      where it may go; repeatable
  --path <glob>             which paths; repeatable (default /**)
  --method <method>         which methods; repeatable (default the ordinary
                            ones)
  --attach <how>            bearer | basic[:user] | header:NAME | query:NAME |
                            body:/POINTER
  --env <variable>          the variable that holds the placeholder inside a
                            session
  --allow-private           the host may have a private or loopback address
  --ca <file>               the upstream's own authority, PEM
  --pin <pin>               a key of the upstream's chain, like sha256/BASE64;
                            repeatable
  --gh                      take the token that gh is logged in with, not
                            standard input
  -h, --help                display help for command
`,
  'vault import': `Usage: holdfast vault import [options] <file>

keep the credentials of a .env file; shows what it would do

Options:
  --json                        answer with one line of JSON
  --passphrase-file <file>      the operator key's passphrase; asked for when
                                absent
  --take <variable[=template]>  this one, by that template; repeatable (default
                                all that templates know)
  --apply                       do it
  --remove                      take them out of the file, once they are kept
  -h, --help                    display help for command
`,
  'vault rotate': `Usage: holdfast vault rotate [options] <name>

put a new secret in the place of one, read from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'vault grant': `Usage: holdfast vault grant [options] <name>

let an agent use a credential

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --to <agent>              an agent's id, or a scope's name
  --query <limit>           what a query may say, like 'limit<=100'; repeatable
  --body <limit>            what a JSON body may say, like '/amount<=3000';
                            repeatable
  --form <limit>            what a form may say, like 'state=open|closed';
                            repeatable
  --max <uses/time>         how often within a time, like 20/h; repeatable
  --total <uses>            how often in all
  --bytes <size/time>       how much of requests and replies within a time, like
                            50MB/d; repeatable
  --bytes-total <size>      how much in all, like 1GB
  --concurrent <uses>       how many at once
  --until <time>            how long: 2h, 7d, or a moment with its zone
  --hours <hours>           when, like '09:00-18:00 Europe/Berlin Mon-Fri';
                            repeatable
  --dir <folder>            in which working trees; repeatable
  --repo <repository>       in whose working trees, like github.com/me/app;
                            repeatable
  --pin <pin>               a key of the upstream's chain, like sha256/BASE64;
                            repeatable
  --approve                 ask an operator about each request; nothing on the
                            machine can open the secret without
  --approve-within <time>   how long a request waits for the answer, like 30s
                            (default 2m, at most 9m)
  --replace                 in the place of the grant that the agent has of it;
                            limits that are not said end
  -h, --help                display help for command
`,
  'vault budget': `Usage: holdfast vault budget [options] <agent>

limit what an agent may use all of its credentials for, beside what each grant
allows

Arguments:
  agent                     an agent's id, or a scope's name

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --max <uses/time>         how often within a time, like 100/h; repeatable
  --total <uses>            how often in all
  --bytes <size/time>       how much of requests and replies within a time, like
                            50MB/d; repeatable
  --bytes-total <size>      how much in all, like 1GB
  --concurrent <uses>       how many at once
  -h, --help                display help for command
`,
  'vault unbudget': `Usage: holdfast vault unbudget [options] <agent>

end that limit; what was counted is forgotten

Arguments:
  agent                     an agent's id, or a scope's name

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'vault ungrant': `Usage: holdfast vault ungrant [options] <name>

end what an agent may use

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --from <agent>            an agent's id, or a scope's name
  -h, --help                display help for command
`,
  'vault remove': `Usage: holdfast vault remove [options] <name>

remove a credential and end all its grants

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'vault list': `Usage: holdfast vault list [options]

names, purposes, terms, grants, and what the record knows of uses; never a
secret

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  -h, --help                display help for command
`,
  egress: `Usage: holdfast egress [options] [command]

hosts that agents may reach without a credential

Options:
  -h, --help                      display help for command

Commands:
  allow [options] <host[:port]>   let an agent reach a host
  remove [options] <host[:port]>  end that leave
  list [options]                  who may reach what
  help [command]                  display help for command
`,
  'egress allow': `Usage: holdfast egress allow [options] <host[:port]>

let an agent reach a host

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --to <agent>              an agent's id, or a scope's name
  --allow-private           the host may have a private or loopback address
  --ca <file>               the host's own authority, PEM
  --pin <pin>               a key of the host's chain, like sha256/BASE64;
                            repeatable
  -h, --help                display help for command
`,
  'egress remove': `Usage: holdfast egress remove [options] <host[:port]>

end that leave

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --to <agent>              an agent's id, or a scope's name
  -h, --help                display help for command
`,
  'egress list': `Usage: holdfast egress list [options]

who may reach what

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  -h, --help                display help for command
`,
  agents: `Usage: holdfast agents [options]

who is enrolled

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  -h, --help                display help for command
`,
  revoke: `Usage: holdfast revoke [options] <who>

end an agent, or one of its children, at once

Arguments:
  who                       an agent's id, or a scope's name; or the id of a
                            child

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --agent <agent>           whose child it is, when it is not of this machine
  --reason <text>           why, for the record (default: "")
  -h, --help                display help for command
`,
  suspend: `Usage: holdfast suspend [options] [agent]

stop an agent at once, until it is resumed

Arguments:
  agent                     an agent's id, or a scope's name

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --all                     the whole fleet at once
  --reason <text>           why, for the record (default: "")
  -h, --help                display help for command
`,
  resume: `Usage: holdfast resume [options] [agent]

let a suspended agent go on; nothing that ran comes back

Arguments:
  agent                     an agent's id, or a scope's name

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --all                     all that are suspended
  -h, --help                display help for command
`,
  rotate: `Usage: holdfast rotate [options] [command]

ask for other keys for this machine's agent, and wait for them

Options:
  --json                     answer with one line of JSON
  --scope <scope>            which agent of this machine (default: "main")
  --custody <store>          where they shall live: tpm, pkcs11 or software
                             (default: the best that works here)
  -h, --help                 display help for command

Commands:
  approve [options] <agent>  give an agent the keys that it asks for; the old
                             ones end
`,
  'rotate approve': `Usage: holdfast rotate approve [options] <agent>

give an agent the keys that it asks for; the old ones end

Arguments:
  agent                     an agent's id, or a scope's name

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --weaker                  also where they leave hardware for software
  -h, --help                display help for command
`,
  present: `Usage: holdfast present [options]

prove to a service who the agent is: prints one presentation

Options:
  --json            answer with one line of JSON
  --audience <url>  the service, as it calls itself
  --nonce <text>    what the service asked for (default: one of our own)
  --scope <scope>   which agent of this machine (default: "main")
  --show <claim>    what to disclose: scope, machine, capability:NAME,
                    capabilities, all; repeatable (default: capabilities)
  -h, --help        display help for command
`,
  root: `Usage: holdfast root [options]

what a service has to know to verify presentations of the fleet

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  -h, --help                display help for command
`,
  recover: `Usage: holdfast recover [options]

make this machine an operator device by the recovery code, which is replaced

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --fleet <id>              the fleet's id, which stands beside the code
  --relay <url>             the relay's address (default: the one on this
                            machine)
  --code-file <file>        the recovery code; read from standard input when
                            absent
  --recovery-file <file>    where to write the new code (mode 0600) instead of
                            the terminal
  --keep <device>           an operator device that is not lost; all others are
                            removed; repeatable
  -h, --help                display help for command
`,
  devices: `Usage: holdfast devices [options] [command]

the operator's own devices

Options:
  -h, --help                        display help for command

Commands:
  list [options]                    who may write for the operator
  add [options] [code]              make the device that shows this code one of
                                    yours
  join [options] [code]             ask to be an operator device; shows a code
                                    and words, and waits
  remove [options] <device>         end a device that came later than this one,
                                    or with the recovery code any other
  rename [options] <device> <name>  call this device, or one that came later, by
                                    another name
  help [command]                    display help for command
`,
  'devices list': `Usage: holdfast devices list [options]

who may write for the operator

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'devices add': `Usage: holdfast devices add [options] [code]

make the device that shows this code one of yours

Arguments:
  code                      the code or the URL that the device shows; - reads
                            it from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --show                    make a code for it instead, show it, and wait for
                            the device
  --console <url>           where the QR code opens your console (default:
                            HOLDFAST_CONSOLE, or the one beside a relay of this
                            machine)
  --words <words>           the three words that the device shows; - reads them
                            from standard input; asked for when absent
  -h, --help                display help for command
`,
  'devices join': `Usage: holdfast devices join [options] [code]

ask to be an operator device; shows a code and words, and waits

Arguments:
  code                      the code or the URL that devices add --show shows; -
                            reads it from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --name <name>             what to call this device (default: the name of the
                            machine)
  --relay <url>             the relay's address (default: the one on this
                            machine)
  --console <url>           where the QR code opens your console (default:
                            HOLDFAST_CONSOLE, or the one beside a relay of this
                            machine)
  -h, --help                display help for command
`,
  'devices remove': `Usage: holdfast devices remove [options] <device>

end a device that came later than this one, or with the recovery code any other

Arguments:
  device                       its id, the first digits of it, or its name

Options:
  --json                       answer with one line of JSON
  --passphrase-file <file>     the operator key's passphrase; asked for when
                               absent
  --reason <text>              why, for the record (default: "")
  --recovery-code-file <file>  the recovery code, which is replaced: for a
                               device that came before this one
  --recovery-file <file>       where to write the new code (mode 0600) instead
                               of the terminal
  -h, --help                   display help for command
`,
  'devices rename': `Usage: holdfast devices rename [options] <device> <name>

call this device, or one that came later, by another name

Arguments:
  device                    its id, the first digits of it, or its name
  name                      at most 64 characters; no name that another device
                            has or had

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  passphrase: `Usage: holdfast passphrase [options]

choose another passphrase for this machine's operator key

Options:
  --json                        answer with one line of JSON
  --passphrase-file <file>      the operator key's passphrase; asked for when
                                absent
  --new-passphrase-file <file>  the new passphrase; asked for twice when absent
  -h, --help                    display help for command
`,
  pulse: `Usage: holdfast pulse [options]

tell the fleet that its operator is here

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --every <time>            again and again until it is ended, for example 30m
                            or 12h
  --witness                 read and cosign the agents' logs each time, as audit
                            witness does
  -h, --help                display help for command
`,
  status: `Usage: holdfast status [options]

what runs here, how fresh it is, and what is missing

Options:
  --json      answer with one line of JSON
  -h, --help  display help for command
`,
  console: `Usage: holdfast console [options]

serve the console to browsers of this machine, and say where

Options:
  --json              answer with one line of JSON
  --relay <url>       the relay's address (default: the one on this machine)
  --public-url <url>  an https address that leads here as well; repeatable
  --hash              tell the hash of the console's bundle, and end
  -h, --help          display help for command
`,
  doctor: `Usage: holdfast doctor [options]

whether this machine has what Holdfast needs, and how to mend it

Options:
  --json      answer with one line of JSON
  -h, --help  display help for command
`,
  time: `Usage: holdfast time [options]

how long credentials could have been used, against standing keys

Options:
  --json           answer with one line of JSON
  --agent <agent>  an agent's id, or a scope's name (default: all of this
                   machine)
  --since <time>   only of the last 30m, 12h, 7d
  --until <ms>     as of a moment that an earlier answer names
  --from <file>    of exported events, jsonl or bundle; repeatable
  -h, --help       display help for command
`,
  audit: `Usage: holdfast audit [options] [command]

the record of what agents did

Options:
  -h, --help                 display help for command

Commands:
  show [options] [event]     events, oldest first; or, of one, all that belongs
                             to its act
  verify [options]           recompute the log and check it against its signed
                             checkpoints
  replay [options] [event]   make recorded decisions again, by the rules and
                             grants of their time
  export [options]           the log as lines, for other systems, as a bundle
                             that holdfast-verify checks anywhere, or as tiles
  stream [options]           events to an OpenTelemetry collector as they come;
                             goes on where it ended
  policy                     what is recorded, by the operator
  reveal [options] <event>   prove that a commitment in an event is of a value;
                             without one, whose commitments it holds
  check [options] <file>     whether a proof of audit reveal is of a value
  erase [options] <subject>  make all that logs hold of a subject unprovable,
                             for good
  checkpoint [options]       the newest signed checkpoint, to be kept elsewhere
  fetch [options]            read the log from the relay and verify it, on any
                             operator device
  witness [options]          cosign logs as this device, which reads them itself
                             and remembers them
  help [command]             display help for command
`,
  'audit show': `Usage: holdfast audit show [options] [event]

events, oldest first; or, of one, all that belongs to its act

Arguments:
  event                     its number

Options:
  --json                    answer with one line of JSON
  --agent <agent>           an agent's id, or a scope's name (default: "main")
  --last <count>            only so many
  --since <time>            only of the last 30m, 12h, 7d
  --what <kind>             only credential, request, tool, session, identity,
                            rules, alarm, or one kind; repeatable
  --trace <id>              only what came of that prompt or session
  --filter <text>           only what this matches: FIELD=VALUE joined by &, as
                            the console's address has it
  --follow                  go on until it is interrupted
  --shipped                 as operator: what the relay keeps, on any device
  --passphrase-file <file>  with --shipped: the operator key's passphrase; asked
                            for when absent
  -h, --help                display help for command
`,
  'audit replay': `Usage: holdfast audit replay [options] [event]

make recorded decisions again, by the rules and grants of their time

Arguments:
  event            its number

Options:
  --json           answer with one line of JSON
  --agent <agent>  an agent's id, or a scope's name (default: "main")
  --since <time>   only of the last 30m, 12h, 7d
  -h, --help       display help for command
`,
  'audit verify': `Usage: holdfast audit verify [options]

recompute the log and check it against its signed checkpoints

Options:
  --json               answer with one line of JSON
  --agent <agent>      an agent's id, or a scope's name (default: "main")
  --checkpoint <file>  one that was kept elsewhere: the log must have made it
  --witness <key>      who must have cosigned it, when it is a published one;
                       repeatable
  --fork-out <file>    write there the proof of another history, if that
                       checkpoint shows one
  --fork <file>        check such a proof instead: public keys are all that it
                       takes
  --key <hex>          with --fork: the agent's public key, known from
                       elsewhere; repeatable
  -h, --help           display help for command
`,
  'audit export': `Usage: holdfast audit export [options]

the log as lines, for other systems, as a bundle that holdfast-verify checks
anywhere, or as tiles

Options:
  --json             answer with one line of JSON
  --agent <agent>    an agent's id, or a scope's name (default: "main")
  --format <format>  as what (choices: "jsonl", "bundle", "otlp", "ocsf",
                     "tiles", default: "jsonl")
  --redact           leave out what an agent wrote: its hash stays
  --out <file>       write it there, tiles as a folder (default: standard
                     output)
  -h, --help         display help for command
`,
  'audit stream': `Usage: holdfast audit stream [options]

events to an OpenTelemetry collector as they come; goes on where it ended

Options:
  --json                answer with one line of JSON
  --otlp <url>          the collector: https, or http on this machine
  --agent <agent>       an agent's id, or a scope's name (default: "main")
  --header-file <file>  headers for the collector, NAME: VALUE a line
  --ca <file>           the collector's own authority, PEM
  --redact              leave out what an agent wrote: its hash stays
  -h, --help            display help for command
`,
  'audit policy': `Usage: holdfast audit policy [options] [command]

what is recorded, by the operator

Options:
  -h, --help      display help for command

Commands:
  show [options]  the policy in force
  set [options]   sign another one: what it does not silence is recorded
  help [command]  display help for command
`,
  'audit policy show': `Usage: holdfast audit policy show [options]

the policy in force

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'audit policy set': `Usage: holdfast audit policy set [options]

sign another one: what it does not silence is recorded

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --silence <class>         count events of this class and do not record them:
                            request, session, tool; repeatable
  --retention <days>        for how long records are kept, for example 400d
                            (default: for ever)
  --record-all              silence nothing
  --personal <file>         personal data that is never recorded in clear, as
                            JSON; - reads standard input (default: as before)
  -h, --help                display help for command
`,
  'audit reveal': `Usage: holdfast audit reveal [options] <event>

prove that a commitment in an event is of a value; without one, whose
commitments it holds

Arguments:
  event            its number

Options:
  --json           answer with one line of JSON
  --agent <agent>  an agent's id, or a scope's name (default: "main")
  --value <->      the value, read from standard input
  --out <file>     write the proof there (default: standard output)
  -h, --help       display help for command
`,
  'audit check': `Usage: holdfast audit check [options] <file>

whether a proof of audit reveal is of a value

Arguments:
  file         the proof

Options:
  --json       answer with one line of JSON
  --value <->  the value, read from standard input
  -h, --help   display help for command
`,
  'audit erase': `Usage: holdfast audit erase [options] <subject>

make all that logs hold of a subject unprovable, for good

Arguments:
  subject                   as the policy declares it

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --confirm <words>         the words that are asked for: erase and the subject
  -h, --help                display help for command
`,
  'audit checkpoint': `Usage: holdfast audit checkpoint [options]

the newest signed checkpoint, to be kept elsewhere

Options:
  --json           answer with one line of JSON
  --agent <agent>  an agent's id, or a scope's name (default: "main")
  --note           as it is published: a signed note, cosigned by the relay
  --out <file>     write it there (default: standard output)
  -h, --help       display help for command
`,
  'audit fetch': `Usage: holdfast audit fetch [options]

read the log from the relay and verify it, on any operator device

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --agent <agent>           an agent's id, or a scope's name (default: "main")
  --out <file>              write it there as a bundle that holdfast-verify
                            checks anywhere
  -h, --help                display help for command
`,
  'audit witness': `Usage: holdfast audit witness [options]

cosign logs as this device, which reads them itself and remembers them

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --agent <agent>           an agent's id, or a scope's name (default: all)
  --checkpoint <file>       a published one that was kept elsewhere: the log
                            must go on from it; repeatable
  --out <file>              write the cosigned checkpoint there
  --fork-out <file>         write there the proof of two histories, if there are
  -h, --help                display help for command
`,
  uninstall: `Usage: holdfast uninstall [options]

remove everything that Holdfast keeps on this machine

Options:
  --json      answer with one line of JSON
  --yes       do not ask
  -h, --help  display help for command
`,
  run: `Usage: holdfast run [options] <command...>

run a command in a sealed session

Arguments:
  command               after --

Options:
  --scope <scope>       which agent of this machine (default: "main")
  --quiet               say nothing at the end of requests that did not pass
  --child               as a child of the agent, or of the session that this is
                        called in, with less than its parent
  --only <names>        what the child may do: capabilities, vault:use or
                        vault:use:NAME, with commas between
  --host <host[:port]>  where the child's requests may go; repeatable (default:
                        where its parent's may)
  --uses <count>        how often the child may use credentials
  --bytes <size>        how much of requests and replies may pass with its
                        credentials, like 10MB
  --life <time>         when the child ends, for example 10m; an hour at most
  --depth <count>       how many more children may stand below it (default:
                        none)
  --pass-env <name>     let this variable through; repeatable (default: [])
  -h, --help            display help for command
`,
  approvals: `Usage: holdfast approvals [options] [command]

acts of agents that wait for you

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --follow                  go on until it is ended; at a terminal, take answers
  -h, --help                display help for command

Commands:
  approve [options] <ask>   let an act happen, once
  deny [options] <ask>      say no to an act
`,
  'approvals approve': `Usage: holdfast approvals approve [options] <ask>

let an act happen, once

Arguments:
  ask                       its id, or the first digits of it

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --item <name>             the credential to grant, where an agent asks for
                            access and several would do
  -h, --help                display help for command
`,
  'approvals deny': `Usage: holdfast approvals deny [options] <ask>

say no to an act

Arguments:
  ask                       its id, or the first digits of it

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  bedrock: `Usage: holdfast bedrock [options] [command]

texts that stand in every agent's context

Options:
  -h, --help                  display help for command

Commands:
  add [options] <text>        tell every agent, from its next turn on
  edit [options] <id> <text>  tell this instead
  remove [options] <id>       tell it no more
  list [options]              what agents are told
  help [command]              display help for command
`,
  'bedrock add': `Usage: holdfast bedrock add [options] <text>

tell every agent, from its next turn on

Arguments:
  text                      what to tell; - reads it from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'bedrock edit': `Usage: holdfast bedrock edit [options] <id> <text>

tell this instead

Arguments:
  id                        its id, or the first digits of it
  text                      what to tell; - reads it from standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'bedrock remove': `Usage: holdfast bedrock remove [options] <id>

tell it no more

Arguments:
  id                        its id, or the first digits of it

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'bedrock list': `Usage: holdfast bedrock list [options]

what agents are told

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  --agent <agent>           an agent of this machine: an id, or a scope's name
                            (default: "main")
  -h, --help                display help for command
`,
  rules: `Usage: holdfast rules [options] [command]

what agents may do

Options:
  -h, --help                  display help for command

Commands:
  apply [options] <file>      check, sign and publish rules; in force from the
                              next act on
  list [options]              the rules in force
  versions [options]          the newest sets, and what each changed
  source [options] [version]  a set that was published, as a file for rules
                              apply
  explain [options] <act>     what rules would make of an act, and why
  test [options] [file]       run a file's examples, and hold its rules against
                              the recorded acts of this machine
  packs [options]             the curated packs and their rules
  help [command]              display help for command
`,
  'rules apply': `Usage: holdfast rules apply [options] <file>

check, sign and publish rules; in force from the next act on

Arguments:
  file                      rules in YAML; - reads standard input

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  --pack <name>             put the rules of a curated pack in as well;
                            repeatable
  -h, --help                display help for command
`,
  'rules list': `Usage: holdfast rules list [options]

the rules in force

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  --agent <agent>           an agent of this machine: an id, or a scope's name
                            (default: "main")
  -h, --help                display help for command
`,
  'rules versions': `Usage: holdfast rules versions [options]

the newest sets, and what each changed

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'rules source': `Usage: holdfast rules source [options] [version]

a set that was published, as a file for rules apply

Arguments:
  version                   the newest, when absent

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  the operator key's passphrase; asked for when absent
  -h, --help                display help for command
`,
  'rules explain': `Usage: holdfast rules explain [options] <act>

what rules would make of an act, and why

Arguments:
  act                       a command, path, address, text, or SERVER/TOOL

Options:
  --json                    answer with one line of JSON
  --passphrase-file <file>  show the operator's view; without it, what this
                            machine's daemon knows
  --tool <tool>             shell, read, write, edit, search, fetch, agent, mcp,
                            message, skill or other (default: "shell")
  --file <file>             ask these rules, not those in force
  --pack <name>             with the rules of a curated pack; repeatable
  --agent <agent>           an agent of this machine: an id, or a scope's name
                            (default: "main")
  -h, --help                display help for command
`,
  'rules test': `Usage: holdfast rules test [options] [file]

run a file's examples, and hold its rules against the recorded acts of this
machine

Arguments:
  file             rules in YAML; without it the rules in force

Options:
  --json           answer with one line of JSON
  --pack <name>    with the rules of a curated pack; repeatable
  --agent <agent>  an agent of this machine: an id, or a scope's name; without
                   it all of them
  -h, --help       display help for command
`,
  'rules packs': `Usage: holdfast rules packs [options]

the curated packs and their rules

Options:
  --json      answer with one line of JSON
  -h, --help  display help for command
`,
  plugin: `Usage: holdfast plugin [options] [command]

the guard in a Claude Code that is started by hand

Options:
  -h, --help         display help for command

Commands:
  install [options]  put the hooks, commands and tools into its settings, and
                     open the door that they ask
  remove [options]   give the settings back as they were, and close the door
  status [options]   where it is installed, and who asks
  help [command]     display help for command
`,
  'plugin install': `Usage: holdfast plugin install [options]

put the hooks, commands and tools into its settings, and open the door that they
ask

Options:
  --json           answer with one line of JSON
  --scope <scope>  which agent of this machine (default: "main")
  --managed        for this machine, as root: where no other setting overrides
                   it
  -h, --help       display help for command
`,
  'plugin remove': `Usage: holdfast plugin remove [options]

give the settings back as they were, and close the door

Options:
  --json           answer with one line of JSON
  --scope <scope>  which agent of this machine (default: "main")
  --managed        those of this machine, as root
  -h, --help       display help for command
`,
  'plugin status': `Usage: holdfast plugin status [options]

where it is installed, and who asks

Options:
  --json           answer with one line of JSON
  --scope <scope>  which agent of this machine (default: "main")
  -h, --help       display help for command
`,
};

for (const [command, pin] of Object.entries(pins)) {
  test(`holdfast ${command} --help`, async () => {
    const { code, stdout, stderr } = await cli([...command.split(' ').filter(Boolean), '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, pin);
  });
}
