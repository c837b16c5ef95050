// The real Claude Code at a terminal, as its user has it: `holdfast run -- claude` and nothing else. Its first screens, a prompt, a permission, a
// tool call, the window, Ctrl-Z, Ctrl-C; and the second start, which remembers the first.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leaksIn } from '../../packages/testkit/src/canary.ts';
import { Installation, root, runProgram } from '../../packages/testkit/src/installation.ts';
import { answerAsModel } from '../../packages/testkit/src/model-server.ts';
import { startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';
import { endTerminals, Terminal } from '../../packages/testkit/src/terminal.ts';
import { names } from './anthropic-here.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';
const modelKey = 'sk-ant-canary-a417d0c86be25f93';
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const command = 'touch made-here; echo "<$TERM $COLORTERM>"';

/** The provider: a model that calls one tool, and the pages by which Claude Code sees that it can be reached. */
function startProvider(): Promise<Origin> {
  const model = answerAsModel([{ tool: 'Bash', input: { command, description: 'makes a file' } }]);
  return startOrigin((seen, request, response) => {
    if (/^\/(api|v1\/oauth)\/hello$/.test(seen.url)) response.end('{"message":"hello"}');
    else model(seen, request, response);
  }, names);
}

describe('the real Claude Code at a terminal', { timeout: 600_000 }, () => {
  let holdfast: Installation;
  let provider: Origin;
  let terminal: Terminal;
  let tree: string;

  before(async () => {
    holdfast = await Installation.create();
    provider = await startProvider();
    const environment = {
      HOLDFAST_ANTHROPIC_PORT: String(provider.port),
      NODE_OPTIONS: `--import=${here('anthropic-here.ts')}`,
    };
    await holdfast.settle({ environment });
    await holdfast.applyRules('rules: {}\n');
    const trust = ['--allow-private', '--ca', await holdfast.keepCa(provider)];
    const words = ['--host', 'api.anthropic.com', '--attach', 'header:x-api-key', '--env', 'ANTHROPIC_API_KEY'];
    await holdfast.must(['vault', 'add', 'anthropic', ...words, ...trust], { input: modelKey });
    await holdfast.must(['vault', 'grant', 'anthropic', '--to', 'main']);
    await holdfast.must(['egress', 'allow', 'platform.claude.com', '--to', 'main', ...trust]);
    tree = path.join(holdfast.work, 'app');
    mkdirSync(tree);
    const bin = path.join(holdfast.folder, 'bin');
    mkdirSync(bin);
    symlinkSync(claude, path.join(bin, 'claude'));
    terminal = await Terminal.open(['bash', '--norc', '--noprofile', '-i'], {
      cwd: tree,
      environment: {
        ...holdfast.environment,
        NO_COLOR: undefined,
        COLORTERM: 'truecolor',
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        PS1: 'outside$ ',
      },
      columns: 100,
      rows: 40,
    });
    await terminal.shows(/outside\$ $/m);
    terminal.type(`holdfast() { '${process.execPath}' '${path.join(root, 'apps/cli/src/main.ts')}' "$@"; }; clear`);
  });

  after(async () => {
    await endTerminals();
    await holdfast.remove();
    await provider.close();
  });

  it('the first start asks what Claude Code asks anywhere, and nothing else', async () => {
    terminal.type('holdfast run -- claude --permission-mode manual');
    await terminal.shows(/Choose the text style/);
    await terminal.presses('enter', /Do you want to use this API key\?[^]*❯ No/);
    assert.match(terminal.screen, /ANTHROPIC_API_KEY: sk-ant-\.\.\./);
    await terminal.presses('up', /❯ Yes/);
    await terminal.presses('enter', /Security notes/);
    await terminal.presses('enter', /❯ No, exit\n +Yes, I trust this folder/);
    await terminal.presses('down', /❯ Yes, I trust this folder/);
    await terminal.presses('enter', /manual mode on/);
  });

  it('a prompt becomes a tool call, which asks first and then happens', async () => {
    terminal.program.write('Make a file, please.');
    await terminal.shows(/❯\sMake a file, please\./);
    await terminal.presses('enter', /Do you want to proceed\?[^]*❯ 1\. Yes/);
    assert.ok(terminal.screen.includes(command), terminal.screen);
    assert.ok(!existsSync(path.join(tree, 'made-here')));
    terminal.press('enter');
    await terminal.shows(/Done for/);
    assert.ok(existsSync(path.join(tree, 'made-here')));
  });

  it('has its colours, and what it runs knows the terminal', () => {
    assert.match(terminal.screen, /<xterm-256color truecolor>/);
    assert.ok(terminal.program.said.includes('\u001b[38;2;'), 'true colours');
  });

  it('says at its foot whose session it is', async () => {
    await terminal.shows(/Holdfast: main, sealed, rules 1, 1 credential/);
  });

  it('follows the window', async () => {
    terminal.resize(72, 30);
    await terminal.shows(/^─{72}$/m);
  });

  it('Ctrl-Z gives the shell back, fg the conversation', async () => {
    terminal.press('ctrlZ');
    await terminal.shows(/Stopped[^]*outside\$ /);
    terminal.type('echo "at the sh""ell"');
    await terminal.shows(/^at the shell$/m);
    terminal.type('fg');
    await terminal.shows(/manual mode on/);
    terminal.program.write('typed after');
    await terminal.shows(/❯\styped after/);
  });

  it('Ctrl-C empties the line, and twice more it ends with exit code 0', async () => {
    terminal.press('ctrlC');
    await terminal.shows(/Press Ctrl-C again to exit/);
    terminal.press('ctrlC');
    await terminal.shows(/outside\$ $/m);
    terminal.type('echo "code <$?>"');
    await terminal.shows(/^code <0>$/m);
  });

  it('the second start asks nothing again: key, folder and settings are kept in the home of the scope', async () => {
    terminal.type('clear; holdfast run -- claude --permission-mode manual');
    await terminal.shows(/manual mode on/);
    assert.doesNotMatch(terminal.screen, /API key|trust this folder|text style/);
    terminal.program.write('Once more.');
    await terminal.shows(/❯\sOnce more\./);
    await terminal.presses('enter', /Do you want to proceed/);
  });

  it('the provider got the key each time, and nothing here has it', async () => {
    const asked = provider.seen.filter(({ url }) => url.startsWith('/v1/messages'));
    assert.ok(asked.length >= 3);
    assert.ok(asked.every(({ headers }) => headers['x-api-key'] === modelKey));
    assert.deepEqual(leaksIn(terminal.program.said, modelKey), []);
    const home = path.join(holdfast.home, 'scopes', 'main', 'home');
    const listed = await runProgram('grep', ['-rl', modelKey, home, tree], process.env);
    assert.equal(listed.stdout, '');
    const config = JSON.parse(readFileSync(path.join(home, '.claude.json'), 'utf8')) as { hasCompletedOnboarding?: boolean };
    assert.equal(config.hasCompletedOnboarding, true);
  });
});
