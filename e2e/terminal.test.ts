// A sealed session as a person has it at a terminal: interactive shells, job control, window sizes, signals and exit codes; and as a script
// has it, without one.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, root, runProgram } from '../packages/testkit/src/installation.ts';
import { gone, inForeground, processesWith, running } from '../packages/testkit/src/processes.ts';
import { endTerminals, Terminal } from '../packages/testkit/src/terminal.ts';

const cli = path.join(root, 'apps/cli/src/main.ts');
const inTerminal = (command: readonly string[]): string[] => [process.execPath, cli, 'run', '--', ...command];

let marks = 0;
/** A word that no other process has on its command line. */
const newMark = (): string => `mark-${process.pid}-${(marks += 1)}-${Date.now()}`;
/** How long nobody else sleeps. */
const newSeconds = (): string => `${1_000_000 + process.pid}.${(marks += 1)}`;

describe('a session at a terminal', () => {
  let holdfast: Installation;
  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle();
  });
  after(async () => {
    await endTerminals();
    await holdfast.remove();
  });

  const open = (words: readonly string[], size: { columns?: number; rows?: number } = {}): Promise<Terminal> =>
    Terminal.open(words, { cwd: holdfast.work, environment: holdfast.environment, ...size });

  /** An interactive bash; its prompt is `ready$ `. */
  const shell = async (size = {}): Promise<Terminal> => {
    const terminal = await open(inTerminal(['bash', '--norc', '--noprofile', '-i']), size);
    await terminal.waitFor(/bash-[\d.]+[#$] /);
    // Split so that the echo of the line is not taken for the prompt.
    await terminal.after(() => terminal.type(`PS1='rea''dy$ '`), /\nready\$ /);
    return terminal;
  };
  const leave = async (terminal: Terminal, line = 'exit'): Promise<number | null> => {
    terminal.type(line);
    return (await terminal.program.ended).code;
  };

  it("bash is interactive, on a terminal of the session's own", async () => {
    const terminal = await shell();
    await terminal.after(
      () => terminal.type('echo "flags <$->"; tty'),
      /flags <[a-zA-Z]*i[a-zA-Z]*m?[a-zA-Z]*>\n\/dev\/(pts\/\d+|console)/,
    );
    await terminal.after(() => terminal.type('echo "$TERM"'), /\nxterm-256color/);
    assert.ok(!terminal.text.includes('no job control'), terminal.text);
    assert.equal(await leave(terminal, 'exit 9'), 9);
  });

  it('job control: background, stop with Ctrl-Z, foreground, interrupt with Ctrl-C', async () => {
    const terminal = await shell();
    const seconds = newSeconds();
    await terminal.after(() => terminal.type(`sleep ${seconds} & jobs`), /\[1\]\+? +Running +sleep/);
    await terminal.after(() => terminal.type('fg'), /\nsleep/);
    await inForeground(seconds);
    await terminal.after(() => terminal.press('ctrlZ'), /\[1\]\+ +Stopped +sleep[^]*ready\$ /);
    await terminal.after(() => terminal.type('bg; jobs'), /\[1\]\+? +Running[^]*ready\$ /);
    await terminal.after(() => terminal.type('fg'), /\nsleep/);
    await inForeground(seconds);
    await terminal.after(() => terminal.press('ctrlC'), /ready\$ /);
    await terminal.after(() => terminal.type('echo "status $?"; jobs; echo none'), /status 130\nnone/);
    assert.equal(await leave(terminal), 0);
  });

  it("Ctrl-Z gives the caller's shell back, with its terminal as it was; fg goes on where the command was stopped", async () => {
    const terminal = await open(['bash', '--norc', '--noprofile', '-i']);
    await terminal.waitFor(/bash-[\d.]+[#$] /);
    await terminal.after(() => terminal.type(`PS1='out''side$ '; before=$(stty -g)`), /\noutside\$ /);
    const command = inTerminal(['sh', '-c', 'echo beg""un; read line; echo "went on with $line"; exit 6']);
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    await terminal.after(() => terminal.type(quoted), /begun/);
    await terminal.after(() => terminal.press('ctrlZ'), /Stopped[^]*outside\$ /);
    await terminal.after(() => terminal.type('test "$before" = "$(stty -g)" && echo as it""was'), /as itwas/);
    await terminal.after(() => terminal.type('fg'), /\n[^\n]*main\.ts[^]*\n/);
    await terminal.after(() => terminal.type('one'), /went on with one[^]*outside\$ /);
    await terminal.after(() => terminal.type('echo "code <$?>"'), /code <6>/);
    assert.equal(await leave(terminal), 0);
  });

  it('a command that stops itself does the same, with all that share its group', async () => {
    const terminal = await open(['bash', '--norc', '--noprofile', '-i']);
    await terminal.waitFor(/bash-[\d.]+[#$] /);
    await terminal.after(() => terminal.type(`PS1='out''side$ '`), /\noutside\$ /);
    const stops = `echo beg""un; read line; perl -e 'kill "TSTP", 0; print "going on\\n"'; echo "after $line"`;
    await writeFile(path.join(holdfast.work, 'stops'), stops);
    await terminal.after(() => terminal.type(inTerminal(['sh', './stops']).join(' ')), /begun/);
    await terminal.after(() => terminal.type('one'), /Stopped[^]*outside\$ /);
    await terminal.after(() => terminal.type('fg'), /going on[^]*after one[^]*outside\$ /);
    assert.equal(await leave(terminal), 0);
  });

  it('Ctrl-Z where no shell waits for its jobs holds nobody up', async () => {
    const terminal = await open(inTerminal(['sh', '-c', 'echo begun; read line; echo "went on with $line"']));
    await terminal.waitFor(/begun/);
    terminal.press('ctrlZ');
    terminal.type('one');
    await terminal.waitFor(/went on with one/);
    assert.equal((await terminal.program.ended).code, 0);
  });

  it('Ctrl-D ends the shell', async () => {
    const terminal = await shell();
    terminal.press('ctrlD');
    assert.equal((await terminal.program.ended).code, 0);
  });

  it("the window has the size of the caller's, and follows it", async () => {
    const terminal = await shell({ columns: 101, rows: 37 });
    await terminal.after(() => terminal.type('stty size'), /\n37 101\n/);
    // Not a shell's trap: bash can be told of the signal just before it begins to wait, and then says nothing.
    const says = `process.stdout.on('resize', () => console.log('now', process.stdout.rows, process.stdout.columns)); process.stdin.resume(); console.log('wait' + 'ing')`;
    await terminal.after(() => terminal.type(`'${process.execPath}' -e "${says}"`), /\nwaiting\n/);
    await terminal.after(() => terminal.resize(132, 50), /^now 50 132$/m);
    await terminal.after(() => terminal.press('ctrlC'), /ready\$ /);
    assert.equal(await leave(terminal, 'exit 0'), 0);
  });

  it('exit codes pass through, and signals as 128 + n', async () => {
    for (const [command, code] of [
      ['exit 7', 7],
      ['exit 0', 0],
      ['kill -TERM $$', 143],
      ['kill -KILL $$', 137],
      ['kill -INT $$', 130],
    ] as const) {
      const terminal = await open(inTerminal(['sh', '-c', command]));
      assert.equal((await terminal.program.ended).code, code, command);
    }
  });

  it('lines that are typed become the input of a command', async () => {
    const terminal = await shell();
    await terminal.after(() => terminal.type(`echo sta''rt; cat >note`), /\nstart/);
    terminal.type('typed by hand');
    terminal.press('ctrlD');
    await terminal.after(() => terminal.type('cat note'), /\ntyped by hand/);
    assert.equal(await leave(terminal), 0);
    assert.equal(await readFile(path.join(holdfast.work, 'note'), 'utf8'), 'typed by hand\n');
  });

  it('Ctrl-C ends a command that does not catch it, and leaves no process', async () => {
    const mark = newMark();
    const seconds = newSeconds();
    const terminal = await open(inTerminal(['sh', '-c', `echo begun; sleep ${seconds}; echo "not reached"`, mark]));
    await terminal.waitFor(/begun/);
    await running('sleep', seconds);
    terminal.press('ctrlC');
    const { code } = await terminal.program.ended;
    assert.equal(code, 130);
    assert.ok(!terminal.text.includes('not reached'));
    await gone(mark);
  });

  it('Ctrl-C reaches a command that catches it, which goes on', async () => {
    const terminal = await open(
      inTerminal(['bash', '-c', `trap 'echo caught' INT; echo begun; read -r line; read -r line; echo "went on with $line"`]),
    );
    await terminal.waitFor(/begun/);
    await terminal.after(() => terminal.press('ctrlC'), /caught/);
    terminal.type('one');
    terminal.type('two');
    await terminal.waitFor(/went on with (one|two)/);
    assert.equal((await terminal.program.ended).code, 0);
  });

  it('a terminal that is closed ends the session', async () => {
    const mark = newMark();
    const terminal = await open(inTerminal(['sh', '-c', 'echo begun; sleep 1000', mark]));
    await terminal.waitFor(/begun/);
    await terminal.program.end();
    await gone(mark);
  });

  it('typing into the terminal by TIOCSTI is refused', async () => {
    const terminal = await open(
      inTerminal([
        'perl',
        '-e',
        `my $key = "x"; my $done = ioctl(STDIN, 0x5412, $key); print "typed: ", ($done ? "yes" : "no, " . ($!+0)), "\\n";`,
      ]),
    );
    await terminal.waitFor(/typed: no, 1\n/);
    await terminal.program.ended;
  });

  it('the terminal is given back as it was', async () => {
    const terminal = await open([
      'sh',
      '-c',
      `before=$(stty -g); "$@"; test "$before" = "$(stty -g)" && echo "as it was"`,
      'sh',
      ...inTerminal(['true']),
    ]);
    await terminal.waitFor(/as it was/);
    await terminal.program.ended;
  });
});

describe('a session without a terminal', () => {
  let holdfast: Installation;
  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle();
  });
  after(() => holdfast.remove());

  it('has none: stdin, stdout and stderr are plain', async () => {
    const ran = await holdfast.run([
      'sh',
      '-c',
      'for n in 0 1 2; do test -t $n && echo "$n is a terminal"; done; tty; test -e /dev/tty && (: </dev/tty) 2>/dev/null && echo "controlling terminal"; true',
    ]);
    assert.equal(ran.stdout, 'not a tty\n');
  });

  it('keeps stdout and stderr apart', async () => {
    const ran = await holdfast.run(['sh', '-c', 'echo out; echo err >&2']);
    assert.deepEqual([ran.stdout, ran.stderr], ['out\n', 'err\n']);
  });

  it('carries five megabytes of any bytes unharmed, both ways', async () => {
    const data = randomBytes(5 << 20);
    const input = path.join(holdfast.folder, 'input');
    const output = path.join(holdfast.folder, 'output');
    await writeFile(input, data);
    const words = [process.execPath, cli, 'run', '--', 'cat'];
    const ran = await runProgram('sh', ['-c', `cat "$0" | "$@" | cat >${output}`, input, ...words], holdfast.environment, {
      cwd: holdfast.work,
    });
    assert.equal(ran.code, 0, ran.stderr);
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(await readFile(output)), hash(data));
    const inside = await runProgram(
      'sh',
      ['-c', `"$@" <"$0"`, input, process.execPath, cli, 'run', '--', 'sha256sum'],
      holdfast.environment,
      { cwd: holdfast.work },
    );
    assert.equal(inside.stdout.split(' ')[0], hash(data));
  });

  it('ends when its output is closed, as head closes it', async () => {
    const mark = newMark();
    const words = [process.execPath, cli, 'run', '--', 'sh', '-c', 'yes', mark];
    const ran = await runProgram('sh', ['-c', `"$@" | head -n 3`, 'sh', ...words], holdfast.environment, {
      cwd: holdfast.work,
    });
    assert.equal(ran.stdout, 'y\ny\ny\n');
    await gone(mark);
  });

  it('exit codes and signals pass through', async () => {
    for (const [command, code] of [
      ['exit 7', 7],
      ['exit 255', 255],
      ['kill -TERM $$', 143],
      ['kill -KILL $$', 137],
    ] as const) {
      assert.equal((await holdfast.run(['sh', '-c', command])).code, code, command);
    }
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    it(`${signal} to the CLI reaches the command, which ends with ${code}; no process is left`, async () => {
      const mark = newMark();
      const seconds = newSeconds();
      const session = holdfast.session(['sh', '-c', `echo begun; sleep ${seconds}; echo "not reached"`, mark]);
      await session.waitFor(/begun/);
      await running('sleep', seconds);
      session.kill(signal);
      assert.equal((await session.ended).code, code);
      assert.ok(!session.said.includes('not reached'));
      await gone(mark);
    });
  }

  it('a command may catch SIGTERM and end in its own way', async () => {
    const session = holdfast.session([
      'bash',
      '-c',
      `trap 'echo cleaned; exit 5' TERM; echo begun; while :; do read -r -t 1000 line; done`,
    ]);
    await session.waitFor(/begun/);
    session.kill('SIGTERM');
    assert.equal((await session.ended).code, 5);
    assert.match(session.said, /cleaned/);
  });

  it('kill -9 of the CLI leaves no process', async () => {
    const mark = newMark();
    const session = holdfast.session(['sh', '-c', 'echo begun; sleep 1000 & setsid sleep 1000 & wait', mark]);
    await session.waitFor(/begun/);
    assert.ok((await processesWith(mark)).length > 1, 'the session is there to be seen');
    session.kill('SIGKILL');
    await session.ended;
    await gone(mark);
  });

  it('what the command leaves in the background ends with it', async () => {
    const mark = newMark();
    const ran = await holdfast.run(['sh', '-c', `setsid sh -c 'sleep 1000' ${mark} >/dev/null 2>&1 & echo left`]);
    assert.deepEqual([ran.code, ran.stdout], [0, 'left\n']);
    await gone(mark);
  });

  it('twenty sessions at once keep to themselves', async () => {
    const ran = await Promise.all(
      Array.from({ length: 20 }, (_, index) => holdfast.run(['sh', '-c', `cat; exit ${index}`], { input: `input ${index}` })),
    );
    assert.deepEqual(
      ran.map(({ code, stdout }) => [code, stdout]),
      ran.map((_, index) => [index, `input ${index}`]),
    );
  });
});
