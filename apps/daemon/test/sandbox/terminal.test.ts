import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Alteration } from '../../src/sandbox/launch.ts';
import { TerminalSizes } from '../../src/sandbox/terminal.ts';
import type { Sandbox } from '../../src/sandbox/start.ts';
import { systemCallsAvailable, writeCaller } from './system-call.ts';
import { makeWorld, requestFor, run, script, start, without, type World } from './world.ts';
import { patienceMs } from '@holdfast/testkit/patience';

const terminal = { columns: 100, rows: 30, term: 'xterm-256color' };

interface Conversation extends Sandbox {
  /** Waits until the output since the last match matches; gives what matched. */
  expect(pattern: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
}

async function talk(
  t: TestContext,
  world: World,
  command: readonly string[],
  alteration: Alteration = {},
): Promise<Conversation> {
  const sandbox = await start(t, requestFor(world, command, { terminal }), alteration);
  let text = '';
  const waiting = new Set<() => void>();
  sandbox.output.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const look of waiting) look();
  });
  return {
    ...sandbox,
    type: (line) => void sandbox.input.write(line),
    expect: (pattern) =>
      new Promise((resolve, reject) => {
        const tooLong = setTimeout(
          () => reject(new Error(`${pattern} did not come; what came: ${JSON.stringify(text)}`)),
          patienceMs,
        );
        const look = (): void => {
          const match = pattern.exec(text);
          if (match === null) return;
          text = text.slice(match.index + match[0].length);
          clearTimeout(tooLong);
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        look();
      }),
  };
}

const bash = ['bash', '--norc', '--noprofile', '-i'];
/** What is typed is echoed, so the answer must not look like the question. */
const ask = (question: string): string => `echo "=$(${question})="\n`;

test('[SANDBOX-11] a shell has a terminal: size, type, job control, and its exit code comes back', async (t) => {
  const world = makeWorld(t);
  const shell = await talk(t, world, bash);
  shell.type(ask('stty size; echo $TERM; [ -t 0 ] && [ -t 2 ] && echo all'));
  await shell.expect(/=30 100\r\nxterm-256color\r\nall=/);
  shell.type(`sh -c 'echo be""gun; exec sleep 100'\n`);
  await shell.expect(/begun/);
  shell.type('\x1a');
  await shell.expect(/Stopped[^]*[#$] /);
  shell.type('bg\n');
  await shell.expect(/\[1\]\+ .*sleep 100' &/);
  shell.type('kill %1; wait; jobs; exit 42\n');
  assert.equal(await shell.exited, 42);
});

test('[SANDBOX-11] Ctrl-C ends what runs, not the shell', async (t) => {
  const world = makeWorld(t);
  const shell = await talk(t, world, bash);
  shell.type(`sh -c 'echo be""gun; exec sleep 100'\n`);
  await shell.expect(/begun/);
  shell.type('\x03');
  // What is typed before the prompt is back is flushed, as on any terminal.
  await shell.expect(/\^C[^]*[#$] /);
  shell.type('echo "=$?="; exit 3\n');
  await shell.expect(/=130=/);
  assert.equal(await shell.exited, 3);
});

test('[SANDBOX-11] Ctrl-C reaches a command that has no shell around it, which may answer it', async (t) => {
  const world = makeWorld(t);
  const source =
    'process.on("SIGINT", () => { console.log("asked to stop"); process.exit(9) }); setInterval(() => {}, 1e6); console.log("ready")';
  const command = await talk(t, world, script(source));
  await command.expect(/ready/);
  command.type('\x03');
  await command.expect(/asked to stop/);
  assert.equal(await command.exited, 9);
  const plain = await talk(t, world, ['sh', '-c', 'echo ready; exec sleep 100']);
  await plain.expect(/ready/);
  plain.type('\x03');
  assert.equal(await plain.exited, 130);
});

test('[SANDBOX-11] a resize reaches the program', async (t) => {
  const world = makeWorld(t);
  const source =
    'process.stdout.on("resize", () => { console.log("now " + process.stdout.columns + " " + process.stdout.rows); if (process.stdout.rows === 43) process.exit(0) }); setInterval(() => {}, 1e6); console.log("ready")';
  const command = await talk(t, world, script(source));
  await command.expect(/ready/);
  await command.resize(132, 43);
  await command.expect(/now 132 43/);
  assert.equal(await command.exited, 0);
  await command.resize(10, 10);
});

test('[SANDBOX-11] of sizes that come at once, the last one holds', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sizes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [stty, gate, log] = ['stty', 'gate', 'log'].map((name) => join(folder, name)) as [string, string, string];
  execFileSync('mkfifo', [gate]);
  // The first one is slow: it waits until somebody opens the gate.
  writeFileSync(stty, `#!/bin/sh\n[ "$4" = 80 ] && read -r line <'${gate}'\necho "$@" >>'${log}'\n`, { mode: 0o700 });
  const sizes = new TerminalSizes(stty, '/dev/none');
  const all = Promise.all([80, 81, 99_999].map((columns) => sizes.set({ columns, rows: 24 })));
  await writeFile(gate, 'go\n');
  await all;
  await sizes.set({ columns: 82, rows: 0 });
  assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [
    '-F /dev/none cols 80 rows 24',
    '-F /dev/none cols 10000 rows 24',
    '-F /dev/none cols 82 rows 1',
  ]);
});

test('[SANDBOX-11] signals of the daemon reach what is in the foreground', async (t) => {
  const world = makeWorld(t);
  const source =
    'process.on("SIGTERM", () => { console.log("asked to end"); process.exit(5) }); setInterval(() => {}, 1e6); console.log("re" + "ady")';
  const direct = await talk(t, world, script(source));
  await direct.expect(/ready/);
  direct.signal('SIGTERM');
  await direct.expect(/asked to end/);
  assert.equal(await direct.exited, 5);
  const shell = await talk(t, world, bash);
  shell.type(`${process.execPath} -e '${source}'; echo "=$?="; exit\n`);
  await shell.expect(/ready/);
  shell.signal('SIGTERM');
  await shell.expect(/asked to end[^]*=5=/);
  assert.equal(await shell.exited, 0);
});

test('[SANDBOX-11] an editor works', async (t) => {
  const world = makeWorld(t);
  const editor = ['/usr/bin/vim', '/usr/bin/vi', '/usr/bin/nano', '/bin/busybox'].find((path) => existsSync(path));
  if (editor === undefined || editor.endsWith('nano') || editor.endsWith('busybox')) {
    t.skip('no vi on this machine');
    return;
  }
  const vi = await talk(t, world, [editor, '-u', 'NONE', 'note']);
  await vi.expect(/note|VIM/);
  vi.type('ihello there\x1b');
  vi.type(':wq\r');
  assert.equal(await vi.exited, 0);
  assert.equal(readFileSync(join(world.tree, 'note'), 'utf8'), 'hello there\n');
});

test('[SANDBOX-11] the size is a size, whatever the caller says', async (t) => {
  const world = makeWorld(t);
  const odd = { columns: Number.NaN, rows: -4, term: 'dumb; echo $(id)' };
  const { code, output } = await run(t, requestFor(world, ['sh', '-c', 'stty size; echo "$TERM"'], { terminal: odd }));
  assert.equal(code, 0);
  assert.match(output, /^1 1\r\ndumb; echo \$\(id\)\r\n/);
});

const noCalls = systemCallsAvailable ? false : 'the test program of raw calls is for x86_64';

test('[SANDBOX-10, SANDBOX-11] a payload cannot type into its terminal', { skip: noCalls }, async (t) => {
  const world = makeWorld(t);
  writeCaller(join(world.tree, 'call'));
  const attempt = ask('./call 16 0 21522 @x; echo $?');
  const shell = await talk(t, world, bash);
  shell.type(attempt);
  const [, errno] = await shell.expect(/=(\d+)=/);
  assert.equal(errno, '1');
  shell.type('exit\n');
  await shell.exited;
  const setting = '/proc/sys/dev/tty/legacy_tiocsti';
  if (existsSync(setting) && readFileSync(setting, 'utf8').trim() === '0') return;
  const open = await talk(t, world, bash, without(['--seccomp', 1]));
  open.type(attempt);
  await open.expect(/=0=/);
});

test('[SANDBOX-11] the payload sees no terminal but its own', async (t) => {
  const world = makeWorld(t);
  const shell = await talk(t, world, bash);
  shell.type(ask('ls /dev/pts | tr "\\n" ,; ls /dev/tty[0-9]* /dev/vcs* 2>/dev/null | wc -l'));
  await shell.expect(/=ptmx,0=/);
  shell.type('exit\n');
  assert.equal(await shell.exited, 0);
});
