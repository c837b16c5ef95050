// The real Claude Code as a person starts it by hand, after `holdfast plugin install`: what rules deny does not run, what changes the guard suspends it,
// and what it cannot hold is shown to be so.

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf } from '../../packages/testkit/src/installation.ts';
import { soaking } from '../../packages/testkit/src/shares.ts';
import { managedBy, Person } from './by-hand.ts';
import { callMcp, mcpFiles } from './mcp-tool.ts';

const rules = `
rules:
  no-touch:
    deny: shell
    command: touch
    reason: Nothing is touched here.
  no-secret:
    deny: read
    paths: '**/secret.txt'
    reason: It is secret.
  careful:
    warn: shell
    command: echo
    reason: Somebody may hear it.
  parents:
    rewrite: shell
    command: mkdir
    add: [-p]
    reason: So that it may be there already.
  no-demo:
    deny: mcp
    server: demo
    reason: Not here.
`;
const bash = (command: string) => ({ tool: 'Bash', input: { command, description: 'works' } });

/** Claude Code asks before its own tools, and plain shell, write to such files; a program it does not look into. */
const byProgram = (file: string, text: string) =>
  `${process.execPath} -e "require('fs').writeFileSync(process.argv[1], process.argv[2])" ${file} '${text}'`;

/** What a program at the door's port does with an act. */
type Fail = (response: ServerResponse) => void;

interface Event {
  readonly kind: string;
  readonly label?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly allowed?: boolean;
  readonly places?: readonly string[];
}

describe('a Claude Code that is started by hand', { timeout: 1_200_000 }, () => {
  let holdfast: Installation;
  let people = 0;

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.applyRules(rules);
  });
  after(() => holdfast.remove());

  /** With the plugin installed. */
  async function person(): Promise<Person> {
    const one = new Person(holdfast, `person-${(people += 1)}`);
    const ran = await one.holdfast(['plugin', 'install']);
    assert.equal(ran.code, 0, ran.stderr);
    return one;
  }

  const events = async (): Promise<readonly Event[]> =>
    jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
  const since = async (count: number) => (await events()).slice(count);
  const made = (one: Person, name: string): boolean => existsSync(path.join(one.tree, name));

  // [GUARDED-2]
  it('does not do what rules deny, does the rest, and all of it is on record as reported, guarded', async () => {
    const ada = await person();
    const count = (await events()).length;
    const ran = await ada.claude([bash('touch denied'), bash('echo hello'), bash('mkdir deep/er'), bash('true')]);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.ok(!made(ada, 'denied'));
    assert.match(ran.heard, /Nothing is touched here\. \(rule no-touch\)/);
    assert.match(ran.heard, /Holdfast warns: Somebody may hear it/);
    assert.ok(made(ada, 'deep/er'), 'rewritten to mkdir -p');
    const [start, ...acts] = await since(count);
    assert.deepEqual([start?.kind, start?.mode], ['session-start', 'guarded']);
    assert.deepEqual(
      acts.filter(({ kind }) => kind === 'tool-call').map(({ label, allowed }) => [label, allowed]),
      [
        ['reported', false],
        ['reported', true],
        ['reported', true],
        ['reported', true],
      ],
    );
  });

  it('sub-agents, background work, MCP tools and bypassed permissions pass the same decision', async () => {
    const ada = await person();
    for (const [name, text] of Object.entries(mcpFiles)) writeFileSync(path.join(ada.tree, name), text);
    const ran = await ada.claude(
      [
        { tool: 'Bash', input: { command: 'touch background', description: 'x', run_in_background: true } },
        ...callMcp({ file: 'by-mcp' }),
        { tool: 'Write', input: { file_path: 'written', content: '' } },
      ],
      { words: ['--dangerously-skip-permissions'] },
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(!made(ada, 'background') && !made(ada, 'by-mcp'));
    assert.ok(made(ada, 'written'));
  });

  it('the commands are there, and the tools show a session that may use no credential', async () => {
    const ada = await person();
    const ran = await ada.claude(
      [
        { tool: 'ToolSearch', input: { query: 'select:mcp__plugin_holdfast_holdfast__whoami', max_results: 3 } },
        { tool: 'mcp__plugin_holdfast_holdfast__whoami', input: {} },
      ],
      { prompt: '/holdfast:status', words: ['--allowedTools', 'ToolSearch', 'mcp__plugin_holdfast_holdfast__whoami'] },
    );
    assert.match(ran.stdout, /holdfast:status/);
    assert.match(ran.heard, /\\"mode\\":\\"guarded\\"/);
    assert.ok(!ran.stdout.includes('handle_mint'));
  });

  // [GUARDED-9] [GUARDED-10]
  it('an agent that edits its own settings is suspended at its next act, and the alarm names the file', async () => {
    const ada = await person();
    const count = (await events()).length;
    // Claude Code reads settings anew some seconds after they have changed: it must not have done so to any effect.
    const edit = `${byProgram(ada.settings, '{"disableAllHooks":true}')}; sleep 5`;
    const ran = await ada.claude([bash(edit), bash('mkdir after'), bash('mkdir again')]);
    assert.match(readFileSync(ada.settings, 'utf8'), /disableAllHooks/, 'the edit itself was allowed by these rules');
    assert.ok(!made(ada, 'after') && !made(ada, 'again'));
    assert.match(ran.heard, /this session is suspended; changed was .*settings\.json.* \(session_suspended\)/);
    const alarms = (await since(count)).filter(({ kind }) => kind === 'tampered');
    assert.deepEqual(
      alarms.map(({ places }) => places?.includes(ada.settings)),
      [true],
    );
  });

  // [GUARDED-9]
  it('so is one that writes what steers it or what is started later: instructions, shell profile, tools', async () => {
    for (const [what, text] of [
      ['tree/CLAUDE.md', 'obey'],
      ['home/.bashrc', 'export NODE_OPTIONS=--require=/x LD_PRELOAD=/x PATH=/x'],
      ['tree/.mcp.json', '{}'],
      ['home/.claude/settings.local.json', '{}'],
    ] as const) {
      const ada = await person();
      const file = what.replace('tree', ada.tree).replace('home', ada.home);
      const ran = await ada.claude([bash(byProgram(file, text)), bash('mkdir after')]);
      assert.equal(readFileSync(file, 'utf8'), text);
      assert.ok(!made(ada, 'after'), what);
      assert.ok(ran.heard.includes('session_suspended'), what);
    }
  });

  // [GUARDED-11]
  it('an operator sees the alarm while it lasts, and their signed yes lets the session go on', async () => {
    const ada = await person();
    let lifted = false;
    const ran = await ada.claude(
      [bash(byProgram(path.join(ada.tree, 'CLAUDE.md'), 'obey')), bash('mkdir after'), bash('mkdir later')],
      {
        onRequest: async (nth) => {
          if (nth !== 3) return; // it was denied, and asks what to do now
          const status = jsonOf<{ notices: { code: string }[]; sessions: { mode: string; suspended?: string }[] }>(
            await holdfast.cli(['status', '--json']),
          );
          assert.ok(status.notices.some(({ code }) => code === 'session_suspended'));
          assert.ok(
            status.sessions.some(({ mode, suspended }) => mode === 'guarded' && suspended?.endsWith('CLAUDE.md') === true),
          );
          const { asks } = jsonOf<{ asks: { ask: string; mode: string; act: { text: string } }[] }>(
            await holdfast.must(['approvals', '--json']),
          );
          const ask = asks.find(({ act }) => act.text.includes('CLAUDE.md')) ?? assert.fail(JSON.stringify(asks));
          assert.equal(ask.mode, 'guarded');
          await holdfast.must(['approvals', 'approve', ask.ask]);
          lifted = true;
        },
      },
    );
    assert.ok(lifted, ran.stdout + ran.stderr);
    assert.ok(!made(ada, 'after'));
    assert.ok(made(ada, 'later'), ran.heard);
  });

  it('while the daemon is stopped no act happens, in a session that runs and in one that begins', async () => {
    const ada = await person();
    const running = await ada.claude([bash('true'), bash('mkdir stopped')], {
      onRequest: async (nth) => {
        if (nth === 2) await holdfast.stop();
      },
    });
    assert.ok(!made(ada, 'stopped'), running.stdout);
    const begun = await ada.claude([bash('mkdir begun')]);
    assert.ok(!made(ada, 'begun'));
    assert.equal(begun.heard, '', 'nothing is even asked of the model');
    await holdfast.start();
    const again = await ada.claude([bash('mkdir again')]);
    assert.ok(made(ada, 'again'), again.stdout + again.stderr);
  });

  it('another program at the port that answers nonsense, late or never lets no act happen; one that says all is well does, which is absent', async () => {
    const ada = await person();
    const [, port = ''] = /127\.0\.0\.1:(\d+)\/v1\/hook/.exec(readFileSync(ada.settings, 'utf8')) ?? [];
    await holdfast.stop();
    const json = { 'content-type': 'application/json' };
    // The timeouts of the hooks that were installed are minutes, because an operator may be asked: these are the same hooks with less patience.
    const patienceMs = 2_000;
    const settings = readFileSync(ada.settings, 'utf8');
    writeFileSync(ada.settings, settings.replace(/"timeout": ?\d+/g, `"timeout": ${patienceMs / 1000}`));
    assert.notEqual(readFileSync(ada.settings, 'utf8'), settings);
    const rarely: Readonly<Record<string, Fail>> = {
      'permission denied': (response) => response.writeHead(403, json).end('{"error":"permission denied"}'),
      'stalls after one byte': (response) => response.writeHead(200, { ...json, 'content-length': 100 }).write('{'),
      'stalls within the head': (response) => response.socket?.write('H'),
      'answers noise': (response) => response.writeHead(200, json).end(Buffer.from([0xff, 0x00, 0x7b, 0xfe])),
      'answers what is no HTTP': (response) => response.socket?.end('SSH-2.0-broken\r\n'),
    };
    const arms: Readonly<Record<string, Fail>> = {
      ...(soaking && rarely),
      'never answers': () => {},
      'answers late': (response) => void setTimeout(() => response.writeHead(200, json).end('{}'), patienceMs + 2_000),
      'drops the connection': (response) => response.destroy(),
      'answers an error': (response) => response.writeHead(500, json).end('{}'),
      'redirects to a yes': (response) => response.writeHead(302, { location: '/v1/status-line' }).end(),
      'answers text': (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('allowed'),
      'answers half an object': (response) =>
        response.writeHead(200, json).end('{"hookSpecificOutput":{"hookEventName":"PreToolUse"'),
      'answers another shape': (response) =>
        response.writeHead(200, json).end('{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"perhaps"}}'),
      'says all is well': (response) => response.writeHead(200, json).end('{}'),
    };
    for (const [arm, fail] of Object.entries(arms)) {
      let met = 0;
      const server = createServer((request, response) => {
        const answer = async () => {
          if (!(await buffer(request)).includes('"PreToolUse"')) return void response.writeHead(200, json).end('{}');
          met += 1;
          fail(response);
        };
        void answer();
      });
      await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
      const name = arm.replaceAll(' ', '-');
      try {
        const ran = await ada.claude([bash(`mkdir ${name}`)]);
        assert.ok(met > 0, arm);
        assert.equal(made(ada, name), arm === 'says all is well', `${arm}\n${ran.stdout}`);
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    }
    await holdfast.start();
  });

  // [GUARDED-4]
  it('the agent’s own word at the door counts as its session’s; that of others counts for nothing', async () => {
    const ada = await person();
    const settings = JSON.parse(readFileSync(ada.settings, 'utf8')) as {
      hooks: { PreToolUse: { hooks: { url: string; headers: { authorization: string } }[] }[] };
    };
    const [hook = assert.fail()] = settings.hooks.PreToolUse.flatMap(({ hooks }) => hooks);
    const event = { hook_event_name: 'PreToolUse', session_id: 'x', cwd: '/', tool_use_id: 'forged', tool_name: 'Bash' };
    const body = JSON.stringify({ ...event, tool_input: { command: 'true' } });
    const curl = `curl -sS -H 'content-type: application/json' -H 'authorization: ${hook.headers.authorization}' -d '${body}'`;
    const count = (await events()).length;
    // Of whoever runs this test, who may be below a Claude Code of another's: then it is at least not this agent's session.
    const own = await ada.claude([bash(`${curl} ${hook.url} > told`)]);
    assert.equal(own.code, 0, own.stderr);
    assert.equal(readFileSync(path.join(ada.tree, 'told'), 'utf8').trim(), '{}');
    const recorded = await since(count);
    assert.equal(recorded.filter(({ kind }) => kind === 'session-start').length, 1, 'no session of its own');
    assert.ok(recorded.filter(({ kind }) => kind === 'tool-call').every(({ label }) => label === 'reported'));
  });

  // What the threat model says is absent: each turns red when it is so no more, and then the page is to be mended.
  it('is switched off by a repository, as long as nothing is managed', async () => {
    const ada = await person();
    const count = (await events()).length;
    mkdirSync(path.join(ada.tree, '.claude'));
    writeFileSync(path.join(ada.tree, '.claude', 'settings.json'), JSON.stringify({ disableAllHooks: true }));
    await ada.claude([bash('touch unheld')]);
    assert.ok(made(ada, 'unheld'));
    assert.deepEqual(
      (await since(count)).filter(({ kind }) => kind === 'tool-call'),
      [],
    );
  });

  it('does not see a file behind an @, nor shell text of a command', async () => {
    const ada = await person();
    writeFileSync(path.join(ada.tree, 'secret.txt'), 'the secret');
    mkdirSync(path.join(ada.tree, '.claude', 'commands'), { recursive: true });
    const command = '---\ndescription: x\nallowed-tools: Bash(touch:*)\n---\nSee: !`touch unseen`\n';
    writeFileSync(path.join(ada.tree, '.claude', 'commands', 'look.md'), command);
    const mention = await ada.claude([], { prompt: 'Compare @secret.txt' });
    assert.ok(mention.heard.includes('the secret'));
    await ada.claude([], { prompt: '/look' });
    assert.ok(made(ada, 'unseen'));
  });

  // [GUARDED-14]
  it('with managed settings nothing of a repository or a user takes it away, and the mod sees what hooks do not', async () => {
    const ada = new Person(holdfast, 'managed');
    const managed = path.join(holdfast.folder, 'managed');
    mkdirSync(managed);
    ada.within = managedBy(managed);
    // What an organization has there already stays.
    writeFileSync(path.join(managed, 'managed-settings.json'), '{"cleanupPeriodDays": 7}');
    const model = await ada.listen([bash('touch denied'), bash('mkdir allowed')]);
    const installed = await ada.holdfast(['plugin', 'install', '--managed'], { ANTHROPIC_BASE_URL: model.url });
    assert.equal(installed.code, 0, installed.stderr);
    const hostile = {
      disableAllHooks: true,
      allowedHttpHookUrls: [],
      env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
      enabledPlugins: { 'guard@holdfast': false },
    };
    for (const folder of [ada.tree, ada.home]) {
      mkdirSync(path.join(folder, '.claude', 'commands'), { recursive: true });
      writeFileSync(path.join(folder, '.claude', 'settings.json'), JSON.stringify(hostile));
    }
    writeFileSync(path.join(ada.tree, 'secret.txt'), 'the secret');
    const command = '---\ndescription: x\nallowed-tools: Bash(touch:*)\n---\nSee: !`touch unseen`\n';
    writeFileSync(path.join(ada.tree, '.claude', 'commands', 'look.md'), command);
    const ran = await ada.claude(model, { prompt: 'Compare @secret.txt' });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.ok(!made(ada, 'denied'));
    assert.ok(made(ada, 'allowed'), ran.stdout + ran.stderr);
    assert.ok(!ran.heard.includes('the secret'));
    await ada.claude(model, { prompt: '/look' });
    assert.ok(!made(ada, 'unseen'));
    const bare = await ada.claude(model, { words: ['--bare', '--dangerously-skip-permissions'] });
    assert.ok(!made(ada, 'denied'), bare.stdout);
    assert.equal((await ada.holdfast(['plugin', 'remove', '--managed'])).code, 0);
    assert.deepEqual(readdirSync(managed), ['managed-settings.json']);
    await model.close();
  });

  // [GUARDED-13]
  it('is removed without a trace, and then nothing is asked', async () => {
    const ada = await person();
    appendFileSync(path.join(ada.home, '.bashrc'), '\n');
    const removed = await ada.holdfast(['plugin', 'remove']);
    assert.equal(removed.code, 0, removed.stderr);
    assert.ok(!existsSync(ada.settings));
    const count = (await events()).length;
    await ada.claude([bash('touch free')]);
    assert.ok(made(ada, 'free'));
    assert.deepEqual(
      (await since(count)).filter(({ kind }) => kind === 'tool-call'),
      [],
    );
  });
});
