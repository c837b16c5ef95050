// The real Claude Code starts sub-agents: each is a child of the agent's for as long as it goes on, every act and every use of a credential is recorded as that of
// whoever did it, and what rules keep from one type, the broker keeps from it and not from the agent.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf, type Ran } from '../../packages/testkit/src/installation.ts';
import { startModelServer } from '../../packages/testkit/src/model-server.ts';
import { startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';
import { quiet } from './quiet.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';

interface Event {
  readonly kind: string;
  readonly child?: string;
  readonly name?: string;
  readonly of?: string;
  readonly parent?: string;
  readonly why?: string;
  readonly code?: string;
  readonly subagent?: string;
  readonly above?: readonly string[];
  readonly act?: string;
  readonly request?: { readonly path: string };
}

const rules = `rules:
  no-network-for-helpers:
    deny: fetch
    subagent: helper
    opaque: allow
    reason: Helpers work without the network.
`;

const agent = (prompt: string, type: string, background = false) => ({
  tool: 'Agent',
  input: { description: 'helps', prompt, subagent_type: type, run_in_background: background },
});
const bash = (command: string, background = false) => ({
  tool: 'Bash',
  input: { command, description: 'works', run_in_background: background },
});

describe('sub-agents of the real Claude Code', () => {
  let holdfast: Installation;
  let service: Origin;
  let model: Origin;
  let tree: string;
  let ran: Ran;
  let events: readonly Event[];
  /** Called when what the second story holds back has come to the service; the service answers once it resolves. */
  let arrived: (url: string) => Promise<void> = async () => {};

  const shown = async (): Promise<readonly Event[]> =>
    jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
  const go = (prompt: string): Promise<Ran> => {
    const environment = {
      ANTHROPIC_BASE_URL: `https://localhost:${model.port}`,
      ...quiet,
    };
    const passed = Object.keys(environment).flatMap((name) => ['--pass-env', name]);
    const allowed = ['--allowedTools', 'Bash(sh ask.sh *)', 'Agent', 'mcp__plugin_holdfast_holdfast__http_request'];
    const words = ['run', ...passed, '--', claude, '-p', prompt, ...allowed];
    return holdfast.cli(words, { cwd: tree, environment, timeoutMs: 120_000 });
  };

  before(async () => {
    holdfast = await Installation.create();
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    service = await startOrigin((seen, _request, response) => {
      const answer = () => response.writeHead(200, { 'content-type': 'text/plain' }).end('done');
      if (seen.url.startsWith('/v1/held/')) return void arrived(seen.url).then(answer);
      if (!seen.url.startsWith('/v1/together/')) return answer();
      waiting += 1;
      if (waiting === 2) both.resolve();
      void both.promise.then(answer);
    });
    // The name of the service stands in a file alone: what its lines do is found out below the harness.
    const ask = (name: string) => bash(`sh ask.sh ${name}`);
    model = await startModelServer(
      [
        [agent('TASK-ONE', 'general-purpose'), agent('TASK-TWO', 'general-purpose')],
        agent('TASK-HELP', 'helper'),
        ask('by-agent'),
      ],
      {
        'TASK-ONE': [
          ask('together/one'),
          { tool: 'ToolSearch', input: { query: 'select:mcp__plugin_holdfast_holdfast__http_request', max_results: 3 } },
          {
            tool: 'mcp__plugin_holdfast_holdfast__http_request',
            input: { url: `https://localhost:${service.port}/v1/by-tool` },
          },
        ],
        'TASK-TWO': [ask('together/two')],
        'TASK-HELP': [ask('by-helper'), bash('sh ask.sh in-background', true), ask('last done-in-background')],
        'STORY-TWO': [[agent('TASK-ENDED', 'general-purpose'), agent('TASK-SPARED', 'general-purpose')], ask('agent-goes-on')],
        'TASK-ENDED': [ask('held/ended'), ask('after-the-end'), ask('again-after-the-end')],
        'TASK-SPARED': [ask('held/spared'), ask('spared-goes-on')],
      },
    );
    await holdfast.start();
    await holdfast.must(['init', '--name', 'test fleet', '--json']);
    await holdfast.enrol('main');
    await holdfast.applyRules(rules);
    await holdfast.giveCredential('service', 'service-canary-27c4e81f03ab5d96', service, { env: 'SERVICE_TOKEN' });
    await holdfast.giveCredential('model', 'sk-ant-canary-5b1f6c2e9d7a4803', model, {
      env: 'ANTHROPIC_API_KEY',
      attach: 'header:x-api-key',
    });
    tree = path.join(holdfast.folder, 'tree');
    mkdirSync(path.join(tree, '.claude/agents'), { recursive: true });
    writeFileSync(path.join(tree, '.claude/agents/helper.md'), '---\nname: helper\ndescription: helps\n---\nHelp.\n');
    const lines = [
      `curl -sS https://localhost:${service.port}/v1/$1`,
      'touch done-${1##*/}',
      'until [ -e "${2-.}" ]; do sleep 0.1; done',
    ];
    writeFileSync(path.join(tree, 'ask.sh'), `${lines.join('\n')}\n`);
    ran = await go('Go on.');
    events = await shown();
  });

  after(async () => {
    await holdfast?.remove();
    await Promise.all([service?.close(), model?.close()]);
  });

  const ofKind = (kind: string): readonly Event[] => events.filter((event) => event.kind === kind);

  // [GUARD-29]
  it('makes each a child of the agent’s when it begins, and ends it when it stops', () => {
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const born = ofKind('delegated');
    assert.deepEqual(
      born.map(({ name, of, parent }) => [name, of, parent]),
      [
        ['general-purpose', 'sub-agent', undefined],
        ['general-purpose', 'sub-agent', undefined],
        ['helper', 'sub-agent', undefined],
      ],
    );
    assert.deepEqual(
      new Set(ofKind('child-end').map(({ child, why }) => `${child} ${why}`)),
      new Set(born.map(({ child }) => `${child} stopped`)),
    );
  });

  // [GUARD-27] [GUARD-30] [GUARD-31]
  it('names who did it in every record: of the act, of the use of a credential, of the tool', () => {
    const [one, two] = ofKind('delegated').map(({ child }) => child);
    const uses = ofKind('minted').filter(({ name }) => name === 'service');
    const by = new Map(uses.map(({ request, child }) => [request?.path, child]));
    assert.equal(service.seen.length, 4, ran.stdout);
    assert.deepEqual(new Set([by.get('/v1/together/one'), by.get('/v1/together/two')]), new Set([one, two]));
    assert.equal(by.get('/v1/by-tool'), by.get('/v1/together/one'), 'the tool of the same sub-agent');
    assert.equal(by.get('/v1/by-agent'), undefined);
    assert.ok(uses.some(({ request }) => request?.path === '/v1/by-agent'));
    const names = (kind: string) => events.filter((event) => event.kind === kind && event.child !== undefined).length;
    assert.deepEqual([names('consumed'), names('credentialed')], [3, 3]);
    assert.ok(ofKind('tool-call').every(({ subagent, child }) => (subagent === undefined) === (child === undefined)));
    const told = ofKind('tool-call')
      .map(({ act = '' }) => act)
      .join();
    assert.doesNotMatch(told, /hft_/, 'the record holds the call as the model made it');
  });

  it('tells a person who did it, line by line', async () => {
    const { stdout } = await holdfast.cli(['audit', 'show']);
    const lines = (kind: string) => stdout.split('\n').filter((line) => line.includes(`Z  ${kind} `));
    assert.equal(
      lines('minted').filter((line) => /GET localhost:\d+\/v1\/.*, by general-purpose [0-9a-f]{8}$/.test(line)).length,
      3,
    );
    assert.equal(lines('refused').filter((line) => /rules_denied.*, by helper [0-9a-f]{8}$/.test(line)).length, 3);
    assert.equal(lines('delegated').filter((line) => /sub-agent [0-9a-f]{32}$/.test(line)).length, 3);
  });

  // [GUARD-16] [RULES-31]
  it('stops at the broker what rules keep from its type, in a script and in the background, and nobody else’s', () => {
    const helper = ofKind('delegated').find(({ name }) => name === 'helper')?.child;
    const denied = ofKind('refused').filter(({ code }) => code === 'rules_denied');
    assert.deepEqual(
      new Set(denied.map(({ request, child }) => `${request?.path} ${child}`)),
      new Set(['by-helper', 'in-background', 'last'].map((name) => `/v1/${name} ${helper}`)),
    );
    assert.ok(service.seen.some(({ url }) => url === '/v1/by-agent'));
  });

  // [GUARD-29] [CHILD-10] [CLI-9] [CLI-14]
  it('shows each below its agent while it lives, to the machine and to its operator, and ends one alone', async () => {
    const came = new Set<string>();
    const done = Promise.withResolvers<void>();
    const judged = Promise.withResolvers<void>();
    let id = '';
    arrived = async (url) => {
      came.add(url);
      if (came.size === 2) {
        (async () => {
          const living = await Promise.all(
            [holdfast.cli(['agents', '--json']), holdfast.must(['agents', '--json'])].map(async (asked) =>
              jsonOf<{ agents: { children: { child: string; kind: string; name: string }[] }[] }>(await asked).agents.flatMap(
                ({ children }) => children,
              ),
            ),
          );
          for (const children of living)
            assert.deepEqual(
              children.map(({ kind, name }) => [kind, name]),
              [
                ['sub-agent', 'general-purpose'],
                ['sub-agent', 'general-purpose'],
              ],
            );
          const { sessions } = jsonOf<{ sessions: { children?: number }[] }>(await holdfast.cli(['status', '--json']));
          assert.deepEqual(
            sessions.map(({ children }) => children),
            [2],
          );
          const use = (await shown()).find(({ kind, request }) => kind === 'minted' && request?.path === '/v1/held/ended');
          id = use?.child ?? assert.fail('who holds the credential is recorded');
          assert.ok(living.every((children) => children.some(({ child }) => child === id)));
          const revoked = jsonOf<object>(await holdfast.must(['revoke', id, '--reason', 'odd', '--json']));
          assert.partialDeepStrictEqual(revoked, { child: id, revoked: true, applied: true });
          const left = jsonOf<{ agents: { children: { child: string }[] }[] }>(await holdfast.cli(['agents', '--json']));
          assert.deepEqual(
            left.agents.flatMap(({ children }) => children.map(({ child }) => child === id)),
            [false],
          );
          assert.match((await holdfast.cli(['status'])).stdout, /^ {2}sealed +claude, .*, 1 child$/m);
        })().then(judged.resolve, judged.reject);
        void judged.promise.then(done.resolve, done.resolve);
      }
      await done.promise;
    };
    const asked = model.seen.length;
    const second = await go('STORY-TWO');
    await judged.promise;
    assert.equal(second.code, 0, second.stdout + second.stderr);
    const urls = service.seen.map(({ url }) => url);
    for (const name of ['spared-goes-on', 'agent-goes-on']) assert.ok(urls.includes(`/v1/${name}`), `${name}: ${second.stdout}`);
    assert.ok(!urls.some((url) => url.includes('after-the-end')));
    const ends = (await shown()).filter(({ kind, child }) => kind === 'child-end' && child === id);
    assert.deepEqual(
      ends.map(({ why }) => why),
      ['revoked'],
    );
    const heard = model.seen.slice(asked).map(({ body }) => body.toString('utf8'));
    assert.ok(
      heard.some((body) => body.includes('TASK-ENDED') && body.includes('child_ended')),
      'it is told why',
    );
    assert.ok(!heard.some((body) => body.includes('TASK-SPARED') && !body.includes('STORY-TWO') && body.includes('child_ended')));
  });
});
