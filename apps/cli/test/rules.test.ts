// `holdfast rules …`: a file is checked and its examples run before anything is signed, what changes is told, and what was recorded is held against it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { writeAct } from '@holdfast/protocol/audit/act';
import { encodeEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { auditPage, cli, newHome, playDoor, type Ran } from './cli.ts';
import { operatorAt, type OperatorAt } from './operator-at.ts';

let at: OperatorAt;
before(async () => {
  at = await operatorAt();
});
after(() => at.end());

const file = (content: string | Uint8Array, name = 'rules.yaml'): string => {
  const named = path.join(at.folder, name);
  writeFileSync(named, content);
  return named;
};
const apply = (content: string, more: readonly string[] = []): Promise<Ran> =>
  at.run(['rules', 'apply', file(content), ...more, '--json']);

const noForce = `rules:
  no-force-push:
    deny: shell
    command: git push
    flags: --force|-f
    reason: It rewrites what others have pulled already.
    instead: Push a new commit.
    hits: [git push --force, sudo git push -f origin]
    misses: [git push]
`;
const rule = (id: string, command: string, effect = 'deny') => `  ${id}: {${effect}: shell, command: ${command}, reason: No.}\n`;

interface Applied {
  readonly version: number;
  readonly rules: number;
  readonly examples: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly applied: boolean;
}

// [CLI-24]
test('rules apply: each change is a version; nothing new is none', async () => {
  const first = at.json<Applied>(await apply(noForce));
  assert.deepEqual(
    [first.version, first.rules, first.examples, first.added, first.changed, first.removed, first.applied],
    [1, 1, 3, ['no-force-push'], [], [], false],
  );
  const same = at.json<Applied>(await apply(`# another comment\n${noForce}`));
  assert.deepEqual([same.version, same.added, same.changed], [1, [], []]);
  const second = at.json<Applied>(
    await apply(`${noForce.replace('No', 'No').replace('deny: shell', 'ask: shell')}${rule('no-dd', 'dd')}`, [
      '--pack',
      'secrets',
    ]),
  );
  assert.equal(second.version, 2);
  assert.deepEqual([second.changed, second.removed], [['no-force-push'], []]);
  assert.ok(second.added.includes('no-dd') && second.added.includes('secrets/env-files'));
  const third = await at.run(['rules', 'apply', file(`rules:\n${rule('no-dd', 'dd')}`)]);
  assert.equal(third.code, 0);
  assert.match(third.stderr, /^- no-force-push$/m);
  assert.match(third.stderr, /^- secrets\/env-files$/m);
  assert.match(third.stdout, /^version 3: 1 rules/);
  const list = at.json<{ view: string; version: number; rules: { rule: string }[] }>(await at.run(['rules', 'list', '--json']));
  assert.deepEqual([list.view, list.version, list.rules.map((each) => each.rule)], ['operator', 3, ['no-dd']]);
});

test('[CLI-97] rules versions and source: what each set changed, and each as a file that is the same set', async () => {
  const kept = at.json<{ versions: { version: number; rules: number; added: string[]; removed: string[] }[] }>(
    await at.run(['rules', 'versions', '--json']),
  );
  const [newest, , first] = kept.versions;
  assert.deepEqual(
    kept.versions.map(({ version }) => version),
    [3, 2, 1],
  );
  assert.deepEqual([newest?.rules, newest?.added], [1, []]);
  assert.ok(newest?.removed.includes('secrets/env-files'));
  assert.deepEqual(first?.added, ['no-force-push']);
  const source = at.json<{ version: number; source: string }>(await at.run(['rules', 'source', '2', '--json']));
  assert.match(source.source, /^packs: \[secrets\]$/m);
  assert.match(source.source, /hits:/, 'the examples of own rules are kept');
  const same = await at.run(['rules', 'source']);
  const again = at.json<Applied>(await apply(same.stdout));
  assert.deepEqual([again.version, again.added, again.changed, again.removed], [3, [], [], []]);
  assert.equal(at.code(await at.run(['rules', 'source', '9', '--json'])), 'rules_version');
});

// [CLI-24]
test('rules apply: a file that does not hold is told with its line, and nothing is signed', async (t) => {
  const home = newHome(t); // no operator key: none of these comes as far as that
  const refused: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['a duplicate key', `rules:\n${rule('a', 'dd')}${rule('a', 'ls')}`, /line 3, column 3: a second a/],
    ['an unknown key', 'rules:\n  a: {deny: shell, comand: dd, reason: x}\n', /line 2.*comand/],
    ['no YAML', 'rules: {', /line 1/],
    ['nothing', '', /line 1/],
    ['50 MB', new Uint8Array(50 * 1024 * 1024).fill(0x61), /more than 196608 bytes/],
    ['a pack that is none', 'packs: [everything]\n', /no such pack/],
    [
      'an example that does not hold',
      noForce.replace('misses: [git push]', 'misses: [git push -f]'),
      /1 of 3 examples do not hold, first of no-force-push: `git push -f` is caught/,
    ],
    ['an alias', 'rules: &x {}\nmore: *x\n', /(anchors|aliases) are not taken/],
  ];
  for (const [name, content, message] of refused) {
    const ran = await cli(['rules', 'apply', file(content, 'bad.yaml'), '--passphrase-file', at.phraseFile, '--json'], { home });
    assert.equal(ran.code, 2, `${name}: ${ran.stdout}`);
    const { error } = JSON.parse(ran.stdout) as { error: { code: string; message: string } };
    assert.equal(error.code, 'rules_invalid', name);
    assert.match(error.message, message, name);
  }
  const binary = await cli(['rules', 'apply', file(Uint8Array.of(0xff, 0xfe), 'bad.yaml'), '--json'], { home });
  assert.deepEqual([binary.code, at.code(binary)], [2, 'usage']);
  const missing = await cli(['rules', 'apply', '/nonexistent/rules.yaml', '--json'], { home });
  assert.deepEqual([missing.code, at.code(missing)], [2, 'usage']);
});

test('rules explain: what an act would meet, and why', async () => {
  const rules = file(noForce, 'explain.yaml');
  const explain = async (typed: string, more: readonly string[] = []) =>
    at.json<{ effect: string; matched: { rule: string; instead?: string }[] }>(
      await cli(['rules', 'explain', typed, '--file', rules, ...more, '--json']),
    );
  const denied = await explain('cd x && sudo git push -f');
  assert.deepEqual(
    [denied.effect, denied.matched[0]?.rule, denied.matched[0]?.instead],
    ['deny', 'no-force-push', 'Push a new commit.'],
  );
  assert.equal((await explain('git push')).effect, 'allow');
  assert.equal((await explain('.env', ['--tool', 'read', '--pack', 'secrets'])).effect, 'deny');
  assert.equal((await explain('https://example.com', ['--tool', 'fetch'])).effect, 'allow');
  const unknown = await cli(['rules', 'explain', 'x', '--tool', 'magic', '--file', rules, '--json']);
  assert.deepEqual([unknown.code, at.code(unknown)], [2, 'usage']);
});

test('rules packs: every pack and its rules', async () => {
  const { packs } = at.json<{ packs: { pack: string; rules: { rule: string }[] }[] }>(await cli(['rules', 'packs', '--json']));
  assert.ok(packs.some(({ pack, rules }) => pack === 'secrets' && rules.some(({ rule: id }) => id === 'secrets/env-files')));
});

const session = new Uint8Array(16).fill(4);
const call = (command: string, allowed = true): AuditReport => ({
  kind: 'tool-call',
  session,
  toolUse: 'toolu_1',
  label: 'reported',
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  ...writeAct({ command }),
  call: new Uint8Array(32),
  directory: '/srv/shop',
  decision: 'allow',
  allowed,
  rules: [],
});

/** A daemon whose one agent did all this under these rules. */
const agentView = {
  agent: new Uint8Array(16).fill(1),
  fleet: new Uint8Array(32),
  fleetName: 'test',
  custody: 'software',
  state: 'live',
  relay: 'http://r:1',
  relayState: 'connected',
  freshness: { relayAgeMs: 1, pulseAgeMs: 1, pulseMaxAgeMs: 2 },
  grants: 0,
  egress: 0,
  undecryptable: 0,
  rejected: 0,
  events: 0,
  recording: true,
} as const;

async function recorded(
  t: Parameters<typeof playDoor>[0],
  reports: readonly AuditReport[],
  text?: string,
  scopes: readonly string[] = ['main'],
): Promise<string> {
  const agent = new Uint8Array(16).fill(1);
  const events = reports.map((report, sequence) =>
    encodeEvent({
      ...report,
      v: 1,
      agent,
      sequence,
      run: new Uint8Array(16),
      atMs: 1_700_000_000_000 + sequence,
      monotonicUs: sequence,
    }),
  );
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind === 'rules') {
      guest.finish({
        kind: 'rules',
        agent,
        fleet: new Uint8Array(32),
        ...(text !== undefined && { set: { version: 7, text, hash: new Uint8Array(32), setAtMs: 1 } }),
        bedrock: { version: 0, texts: [] },
      });
    } else if (request.kind === 'status') {
      guest.finish({
        kind: 'status',
        version: '0.1.0',
        pid: 1,
        startedAtMs: 1,
        custody: 'software',
        keyStores: [],
        agents: scopes.map((scope) => ({ ...agentView, scope })),
        sessions: [],
        notices: [],
      });
    } else if (request.kind === 'audit') guest.finish(auditPage(request, { agent, events }));
  });
  return home;
}

interface Tested {
  readonly examples: { readonly run: number; readonly failed: readonly { readonly rule: string }[] };
  readonly history?: {
    readonly machine: string;
    readonly agents: readonly string[];
    readonly calls: number;
    readonly freed: number;
    readonly partly: number;
    readonly stopped: readonly {
      readonly agent: string;
      readonly sequence: number;
      readonly act: string;
      readonly effect: string;
      readonly rules: readonly string[];
    }[];
  };
}

// [CLI-24]
test('rules test: examples, and what the rules would have done to what was recorded', async (t) => {
  const reports = [
    { kind: 'session-start', session, mode: 'sealed', program: 'claude' } as const,
    ...Array.from({ length: 30 }, () => call('git status')),
    call('git push --force origin main'),
    call('git commit -m "never git push --force"'),
    call('cd /srv && git push -f'),
    call('ls', false),
    { ...call('x'), tool: 'mcp', name: 'mcp__a__b', act: '{"server":"a","mcpTool":"b"}' } as AuditReport,
  ];
  const home = await recorded(t, reports);
  const tested = at.json<Tested>(await cli(['rules', 'test', file(noForce, 'test.yaml'), '--json'], { home }));
  assert.deepEqual([tested.examples.run, tested.examples.failed], [3, []]);
  assert.deepEqual(
    tested.history?.stopped.map(({ sequence, effect, rules, act }) => [sequence, effect, rules, act]),
    [
      [31, 'deny', ['no-force-push'], '{"command":"git push --force origin main"}'],
      [33, 'deny', ['no-force-push'], '{"command":"cd /srv && git push -f"}'],
    ],
  );
  assert.deepEqual([tested.history?.calls, tested.history?.freed, tested.history?.partly], [35, 1, 1]);
  const shown = await cli(['rules', 'test', file(noForce, 'test.yaml')], { home });
  const machine = hostname();
  assert.ok(
    shown.stdout.startsWith(`all 3 examples hold\nwould have stopped 2 of the 35 recorded acts of main on ${machine}:\n`),
    shown.stdout,
  );
  assert.match(shown.stdout, /\nother machines keep their own records: ask there as well\n$/);
  const both = await recorded(t, reports, undefined, ['main', 'web']);
  const ofBoth = at.json<Tested>(await cli(['rules', 'test', file(noForce, 'test.yaml'), '--json'], { home: both })).history;
  assert.deepEqual([ofBoth?.machine, ofBoth?.agents, ofBoth?.calls], [machine, ['main', 'web'], 70]);
  assert.deepEqual(
    ofBoth?.stopped.map(({ agent, sequence }) => [agent, sequence]),
    [
      ['main', 31],
      ['web', 31],
      ['main', 33],
      ['web', 33],
    ],
  );
  const one = await cli(['rules', 'test', file(noForce, 'test.yaml'), '--agent', 'web', '--json'], { home: both });
  assert.deepEqual(at.json<Tested>(one).history?.agents, ['web']);
});

// [CLI-80] [AUDIT-53]
test('audit replay: recorded acts by the rules of their time; another verdict exits with 4, and what the record leaves out is told', async (t) => {
  interface Told {
    readonly acts: number;
    readonly same: number;
    readonly differs: readonly object[];
    readonly cannot: readonly object[];
  }
  const judged = (command: string, decision: 'allow' | 'deny', rules: readonly string[]): AuditReport =>
    ({ ...call(command, decision === 'allow'), decision, rules, rulesVersion: 7 }) as AuditReport;
  const right = [
    { kind: 'session-start', session, mode: 'sealed', program: 'claude' } as const,
    judged('git status', 'allow', []),
    judged('git push --force', 'deny', ['no-force-push']),
    judged(`echo ${'x'.repeat(5000)}`, 'allow', []),
  ];
  const replay = async (reports: readonly AuditReport[], ...more: string[]) =>
    cli(['audit', 'replay', ...more, '--json'], { home: await recorded(t, reports, noForce) });
  const held = await replay(right);
  const { acts, same, differs, cannot } = at.json<Told>(held);
  assert.deepEqual([held.code, acts, same, differs, cannot], [0, 3, 2, [], [{ event: 3, why: 'cut' }]]);
  const wrong = await replay([...right, judged('git push -f', 'allow', [])]);
  assert.equal(wrong.code, 4);
  assert.deepEqual((JSON.parse(wrong.stdout) as Told).differs, [{ event: 4, recorded: 'allow', replayed: 'deny' }]);
  assert.deepEqual([(await replay(right, '3')).code, (await replay(right, '0')).code], [1, 2]);
});

// [CLI-24]
test('rules test: exits with 1 when an example does not hold; without a file it holds the rules in force', async (t) => {
  const home = await recorded(t, [call('git push --force')], noForce);
  const bad = await cli(['rules', 'test', file(noForce.replace('git push -f', 'git fetch'), 'bad.yaml'), '--json'], { home });
  assert.deepEqual(
    at.json<Tested>(bad, 1).examples.failed.map((each) => each.rule),
    ['no-force-push'],
  );
  const { examples, history } = at.json<Tested>(await cli(['rules', 'test', '--json'], { home }));
  assert.deepEqual([examples.run, history?.stopped.length], [0, 1]);
  const away = await cli(['rules', 'test', '--json'], { home: newHome(t) });
  assert.deepEqual([away.code, at.code(away)], [3, 'daemon_unreachable']);
  const alone = at.json<Tested>(await cli(['rules', 'test', file(noForce, 'test.yaml'), '--json'], { home: newHome(t) }));
  assert.equal(alone.history, undefined);
});

// [CLI-23]
test('rules list without a passphrase is what this machine’s daemon holds', async (t) => {
  const home = await recorded(t, [], noForce);
  const { view, version, rules } = at.json<{ view: string; version: number; rules: { rule: string }[] }>(
    await cli(['rules', 'list', '--json'], { home }),
  );
  assert.deepEqual([view, version, rules.map((each) => each.rule)], ['machine', 7, ['no-force-push']]);
  const none = await recorded(t, []);
  assert.equal((await cli(['rules', 'list'], { home: none })).stdout, 'there are no rules yet: agents may only read\n');
  const reading = at.json<{ effect: string }>(await cli(['rules', 'explain', 'ls', '--json'], { home: none }));
  assert.equal(reading.effect, 'deny');
});
