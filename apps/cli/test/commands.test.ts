// Commands against a played daemon: what they ask, what they answer with and without --json, and what they do when the daemon is absent,
// refuses, lies or dies.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { maxInputAheadBytes, type DoorReply, type DoorReplyOf, type DoorRequest } from '@holdfast/protocol/door/wire';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { Terminal } from '@holdfast/testkit/terminal';
import { fromVectorHex, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { auditPage, cli, commandLine, newHome, playDoor, type Guest } from './cli.ts';

const id = (fill: number) => new Uint8Array(16).fill(fill);
const hash = new Uint8Array(32).fill(9);

const statusReply: DoorReply = {
  kind: 'status',
  version: '0.1.0',
  pid: 7,
  startedAtMs: 1_700_000_000_000,
  custody: 'software',
  keyStores: [{ level: 'software', state: 'ready' }],
  agents: [
    {
      agent: id(1),
      fleet: hash,
      fleetName: 'ho\u001bme',
      scope: 'main',
      custody: 'software',
      state: 'live',
      relay: 'http://r',
      relayState: 'waiting',
      relayError: 'relay_refused',
      freshness: { pulseMaxAgeMs: 86_400_000, refusal: 'stale_relay' },
      grants: 0,
      undecryptable: 1,
      rejected: 2,
      events: 3,
      egress: 0,
      recording: true,
    },
  ],
  sessions: [{ session: id(2), agent: id(1), mode: 'sealed', command: 'curl', startedAtMs: 1_700_000_000_000 }],
  notices: [{ code: 'audit_altered', message: 'ci: \u001b[31m', next: 'look' }],
};

const machineReply: DoorReplyOf<'machine'> = {
  kind: 'machine',
  agents: [
    {
      agent: id(1),
      fleet: hash,
      scope: 'main',
      machine: 'box\u009b',
      custody: 'software',
      state: 'live',
      enrolledAtMs: 5,
      here: true,
      evidence: 'claimed',
      capabilities: ['deploy'],
      expiresAtMs: 1_800_000_000_000,
      sealed: 1,
    },
  ],
  children: [
    {
      child: id(6),
      agent: id(1),
      kind: 'session',
      name: 'sh',
      session: id(7),
      capabilities: ['deploy'],
      credentials: ['demo'],
      depth: 1,
      usesLeft: 4,
      startedAtMs: 7,
      expiresAtMs: 1_700_000_000_000,
      seenAtMs: 1_600_000_000_000,
    },
    {
      child: id(8),
      agent: id(1),
      parent: id(6),
      kind: 'sub-agent',
      name: 'look\u009b',
      session: id(7),
      capabilities: [],
      credentials: [],
      hosts: ['api.example.com:443'],
      depth: 0,
      startedAtMs: 7,
      expiresAtMs: 1_700_000_000_000,
      seenAtMs: 1_600_000_000_000,
    },
  ],
  operators: [{ fleet: hash, device: id(9), name: 'laptop' }],
  grants: [
    {
      agent: id(1),
      granted: {
        grant: id(3),
        item: id(4),
        name: 'demo',
        attach: { kind: 'bearer' },
        fence: { hosts: [{ host: 'api.example.com', port: 443 }], methods: ['GET'], paths: ['/**'], allowPrivate: false },
        approve: false,
      },
      grantedAtMs: 6,
    },
  ],
  budgets: [
    {
      budget: { id: id(11), agent: id(1), uses: { total: 500, windows: [] }, concurrent: 8 },
      setAtMs: 8,
      used: { total: 3, windows: [] },
      open: 1,
    },
  ],
  egress: [{ agent: id(1), rule: { id: id(5), agent: id(1), host: 'example.com', port: 443, allowPrivate: false } }],
  roots: [{ fleet: hash, key: new Uint8Array(65).fill(4) }],
};

const json = (text: string): unknown => JSON.parse(text);
const code = (text: string) => (json(text) as { error: { code: string; next?: string } }).error.code;

// [CLI-4]
test('without a daemon every command that needs one says so, with the next step, and exits with 3', async (t) => {
  const home = newHome(t);
  for (const command of [
    ['agents'],
    ['vault', 'list'],
    ['egress', 'list'],
    ['audit', 'show'],
    ['audit', 'verify'],
    ['time'],
    ['enroll'],
  ]) {
    const asked = await cli([...command, '--json'], { home });
    assert.equal(asked.code, 3, command.join(' '));
    assert.equal(code(asked.stdout), 'daemon_unreachable');
    assert.equal(asked.stderr, '');
  }
  const people = await cli(['agents'], { home });
  assert.deepEqual([people.code, people.stdout], [3, '']);
  assert.match(
    people.stderr,
    /^holdfast: no daemon answers on this machine \(daemon_unreachable\)\n {2}next: start it: npm start/,
  );
});

// [CLI-14]
test('status without a daemon is an answer, and exits with 3', async (t) => {
  const home = newHome(t);
  const asked = await cli(['status', '--json'], { home });
  assert.equal(asked.code, 3);
  assert.deepEqual(json(asked.stdout), {
    running: false,
    home,
    operator: false,
    agents: [],
    sessions: [],
    notices: [
      {
        code: 'daemon_unreachable',
        state: 'fail',
        message: 'no daemon answers on this machine',
        next: 'start it: npm start (in the clone), in another terminal',
      },
    ],
  });
});

// [CLI-14] [CLI-6]
test('status tells what runs and what is wrong, for scripts and for people', async (t) => {
  const { home } = await playDoor(t, (_request, guest) => guest.finish(statusReply));
  const asked = await cli(['status', '--json'], { home });
  assert.equal(asked.code, 0);
  const { running, custody, notices, agents, kind } = json(asked.stdout) as {
    running: boolean;
    custody: string;
    kind?: string;
    notices: { code: string }[];
    agents: { agent: string }[];
  };
  assert.deepEqual([running, custody, kind, agents[0]?.agent], [true, 'software', undefined, '01'.repeat(16)]);
  assert.deepEqual(
    notices.map((each) => each.code),
    ['relay_refused', 'audit_altered', 'nothing_granted', 'rules_absent', 'open_failed', 'entry_rejected'],
  );
  const people = await cli(['status'], { home });
  assert.match(
    people.stdout,
    /^main can use no credential now\.\n\nmain of ho\\u\{1b\}me\n {2}agent +live, 01010101, keys: software\n[^]*\n {2}sealed +curl, /,
  );
  assert.doesNotMatch(people.stdout.replaceAll('\n', ''), /\p{Cc}/u);
});

// [CLI-9]
test('lists without a passphrase are the view of this machine', async (t) => {
  const { home, heard } = await playDoor(t, (_request, guest) => guest.finish(machineReply));
  assert.deepEqual(json((await cli(['agents', '--json'], { home })).stdout), {
    view: 'machine',
    operators: [{ device: '09'.repeat(16), name: 'laptop' }],
    agents: [
      {
        agent: '01'.repeat(16),
        scope: 'main',
        machine: 'box\u009b',
        custody: 'software',
        state: 'live',
        enrolledAtMs: 5,
        evidence: 'claimed',
        capabilities: ['deploy'],
        expiresAtMs: 1_800_000_000_000,
        sealed: 1,
        here: true,
        children: [
          {
            child: '06'.repeat(16),
            kind: 'session',
            name: 'sh',
            session: '07'.repeat(16),
            capabilities: ['deploy'],
            credentials: ['demo'],
            usesLeft: 4,
            depth: 1,
            startedAtMs: 7,
            expiresAtMs: 1_700_000_000_000,
            seenAtMs: 1_600_000_000_000,
          },
          {
            child: '08'.repeat(16),
            parent: '06'.repeat(16),
            kind: 'sub-agent',
            name: 'look\u009b',
            session: '07'.repeat(16),
            capabilities: [],
            credentials: [],
            hosts: ['api.example.com:443'],
            depth: 0,
            startedAtMs: 7,
            expiresAtMs: 1_700_000_000_000,
            seenAtMs: 1_600_000_000_000,
          },
        ],
      },
    ],
  });
  assert.deepEqual(json((await cli(['vault', 'list', '--json'], { home })).stdout), {
    view: 'machine',
    items: [
      {
        item: '04'.repeat(16),
        name: 'demo',
        attach: 'bearer',
        hosts: ['api.example.com:443'],
        methods: ['GET'],
        paths: ['/**'],
        allowPrivate: false,
        agent: '01'.repeat(16),
        scope: 'main',
        grant: '03'.repeat(16),
        approve: false,
        grantedAtMs: 6,
        recorded: null,
      },
    ],
    budgets: [
      {
        budget: '0b'.repeat(16),
        agent: '01'.repeat(16),
        scope: 'main',
        setAtMs: 8,
        total: 500,
        concurrent: 8,
        used: { total: 3, windows: [] },
        open: 1,
      },
    ],
  });
  assert.deepEqual(json((await cli(['egress', 'list', '--json'], { home })).stdout), {
    view: 'machine',
    rules: [{ rule: '05'.repeat(16), agent: '01'.repeat(16), host: 'example.com', port: 443, allowPrivate: false }],
  });
  const tree = (await cli(['agents'], { home })).stdout.split('\n');
  assert.match(tree.slice(0, 2).join('\n'), /^operators: laptop\n0101\w+ {2}main +live +box\\u\{9b\}$/);
  assert.deepEqual(tree.slice(2), [
    '  keys: software, claimed; until 2027-01-15; 1 sealed now; may: deploy',
    `  ${'06'.repeat(16)}  sh`,
    "    a sealed session; key: in the daemon's memory; until 2023-11-14T22:13Z; seen 2020-09-13T12:26Z; may: deploy; uses: demo; 4 uses left",
    `    ${'08'.repeat(16)}  look\\u{9b}`,
    "      sub-agent; key: in the daemon's memory; until 2023-11-14T22:13Z; seen 2020-09-13T12:26Z; to: api.example.com:443",
    '',
  ]);
  assert.deepEqual(
    heard.map(({ kind }) => kind),
    ['machine', 'machine', 'audit', 'machine', 'machine'],
  );
});

test("the daemon's refusal is the command's: code, message, next step", async (t) => {
  const { home } = await playDoor(t, (_request, guest) =>
    guest.finish({ kind: 'failed', code: 'agent_unknown', message: 'no such agent', next: 'look' }),
  );
  const asked = await cli(['audit', 'show', '--agent', 'nobody', '--json'], { home });
  assert.deepEqual(
    [asked.code, json(asked.stdout)],
    [1, { error: { code: 'agent_unknown', message: 'no such agent', next: 'look' } }],
  );
});

test('a code that this version does not know is an unexpected fault, never a verdict', async (t) => {
  const { home } = await playDoor(t, (_request, guest) => guest.finish({ kind: 'failed', code: 'all_is_well', message: '' }));
  const asked = await cli(['time', '--json'], { home });
  assert.deepEqual([asked.code, code(asked.stdout)], [3, 'internal']);
});

// [CLI-15]
test('audit verify exits with 4 for whatever is wrong with the log, in its own JSON form', async (t) => {
  const page = {
    kind: 'audit-page',
    agent: id(1),
    fleet: hash,
    agentKey: new Uint8Array(65).fill(4),
    total: 1,
    signed: 0,
    pruned: 0,
    items: [new Uint8Array([1])],
  } as const;
  const answers: readonly (readonly [DoorReply, string])[] = [
    [page, 'audit_altered'],
    [{ kind: 'failed', code: 'audit_truncated', message: 'records are missing' }, 'audit_truncated'],
    [{ kind: 'failed', code: 'audit_corrupt', message: 'damaged' }, 'audit_corrupt'],
  ];
  for (const [reply, expected] of answers) {
    const { home } = await playDoor(t, (_request, guest) => guest.finish(reply));
    const asked = await cli(['audit', 'verify', '--json'], { home });
    const { ok, error } = json(asked.stdout) as { ok: boolean; error: { code: string } };
    assert.deepEqual([asked.code, ok, error.code], [4, false, expected]);
    assert.equal((await cli(['audit', 'verify'], { home })).code, 4);
  }
});

test('an empty log is no credential used, and a ratio of nothing', async (t) => {
  const page = {
    kind: 'audit-page',
    agent: id(1),
    fleet: hash,
    agentKey: new Uint8Array(65).fill(4),
    total: 0,
    signed: 0,
    pruned: 0,
    items: [],
  } as const;
  const { home } = await playDoor(t, (_request, guest) => guest.finish(page));
  const asked = json((await cli(['time', '--agent', 'main', '--json'], { home })).stdout) as Record<string, unknown>;
  assert.deepEqual(Object.keys(asked).toSorted(), [
    'agents',
    'calls',
    'credentialedMs',
    'lastUseAtMs',
    'peakMs',
    'perAgent',
    'perCredential',
    'permissionedMs',
    'standingRatio',
    'timeline',
    'untilMs',
  ]);
  assert.deepEqual([asked['calls'], asked['standingRatio']], [0, null]);
});

// [CLI-54]
test('vault list says what the record here knows of uses, and of what it does not know that', async (t) => {
  const { entries } = ownVectors<VectorEntry & { events: string[] }>('permissioned-time/ledgers');
  const items = entries.find(({ name }) => name === 'one use')?.events.map(fromVectorHex) ?? [];
  const lastUseAtMs = items.map(decodeEvent).find(({ kind }) => kind === 'consumed')?.atMs;
  const [grant] = machineReply.grants;
  assert.ok(grant);
  const granted = { ...grant.granted, purpose: 'reads the demo', approve: true };
  const grants = [
    { ...grant, agent: id(2), granted: { ...granted, item: id(7) } },
    { ...grant, agent: id(2), granted: { ...granted, name: 'unused' } },
    grant,
  ];
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind !== 'audit') guest.finish({ ...machineReply, grants });
    else if (request.agent !== '02'.repeat(16)) guest.finish({ kind: 'failed', code: 'audit_corrupt', message: 'damaged' });
    else guest.finish(auditPage(request, { agent: id(2), fleet: hash, events: items }));
  });
  const asked = json((await cli(['vault', 'list', '--json'], { home })).stdout) as { items: Record<string, unknown>[] };
  assert.deepEqual(
    asked.items.map(({ purpose, recorded }) => [purpose, recorded]),
    [
      ['reads the demo', { calls: 1, lastUseAtMs, permissionedMs: 4 }],
      ['reads the demo', { calls: 0, lastUseAtMs: null, permissionedMs: 0 }],
      [undefined, null],
    ],
  );
  const shown = (await cli(['vault', 'list'], { home })).stdout;
  assert.match(
    shown,
    /^demo [^\n]*\n {2}for: reads the demo\n {2} 02020202 may ask to call [^\n]*; you approve each use\. It never sees the key\.\n {4}1 use, the last 20[^\n]*; could have been used for 4 ms\n/,
  );
  assert.match(
    shown,
    /\nunused [^]*; you approve each use\. [^\n]*\n {4}not used yet\ndemo [^]*\n {2}main 01010101 may call api\.example\.com, GET anywhere\. [^\n]*\n {4}last use not known here\nmain 01010101 may use all of its credentials together 500 times in all, 8 at once at most\.\n {4}used 3 in all; 1 open\n$/,
  );
});

test('enroll in the Secure Enclave is refused by name, before a daemon is asked', async (t) => {
  const asked = await cli(['enroll', '--custody', 'secure-enclave', '--json'], { home: newHome(t) });
  assert.deepEqual([asked.code, code(asked.stdout)], [3, 'key_store_absent']);
  assert.match((json(asked.stdout) as { error: { next: string } }).error.next, /secure-enclave\/README\.md/);
});

// [CLI-7]
test('enroll prints the offer at once and the agent at the end, each one line of JSON', async (t) => {
  const offer: DoorReply = {
    kind: 'enroll-offer',
    code: 'AAAA-BBBB',
    url: 'http://r/enroll#AAAA-BBBB',
    words: ['one', 'two', 'three'],
    expiresAtMs: 1_900_000_000_000,
    custody: 'pkcs11',
    label: 'desk',
  };
  const done: DoorReply = { kind: 'enroll-done', agent: id(1), fleet: hash, fleetName: 'home', scope: 'ci', custody: 'pkcs11' };
  const { home, heard } = await playDoor(t, (_request, guest) => guest.finish(offer, done));
  const asked = await cli(['enroll', '--scope', 'ci', '--json'], { home });
  assert.deepEqual(asked.stdout.trim().split('\n').map(json), [
    {
      code: 'AAAA-BBBB',
      url: 'http://r/enroll#AAAA-BBBB',
      words: ['one', 'two', 'three'],
      expiresAtMs: 1_900_000_000_000,
      custody: 'pkcs11',
      label: 'desk',
    },
    { agent: '01'.repeat(16), fleet: '09'.repeat(32), fleetName: 'home', scope: 'ci', custody: 'pkcs11' },
  ]);
  assert.deepEqual(structuredClone(heard), [{ kind: 'enroll', scope: 'ci' }]);
  const people = await cli(['enroll'], { home });
  assert.match(
    people.stdout,
    /holdfast approve AAAA-BBBB[^]*one two three[^]*PKCS#11: desk[^]*enrolled as ci of home; keys: PKCS#11\n$/,
  );
});

test('an enrolment whose daemon dies is no success', async (t) => {
  const { home } = await playDoor(t, (_request, guest) => guest.reset());
  const asked = await cli(['enroll', '--json'], { home });
  assert.deepEqual([asked.code, code(asked.stdout)], [3, 'daemon_unreachable']);
});

// [CLI-16]
test("run: the command's bytes and exit code are the command's own", async (t) => {
  const { home, heard } = await playDoor(t, (request, guest) => {
    if (request.kind === 'run') guest.reply({ kind: 'started', session: id(2), agent: id(1), mode: 'sealed' });
    if (request.kind === 'input')
      guest.reply({ kind: 'input-taken', bytes: request.data.length }, { kind: 'output', data: request.data });
    if (request.kind !== 'input-end') return;
    guest.reply({ kind: 'errors', data: Buffer.from('to stderr\n') }, { kind: 'exited', code: 42 });
    guest.end();
  });
  const ran = await cli(['run', '--scope', 'ci', '--', 'cat', '--json', '-x', '--', 'y'], {
    home,
    input: 'in\u0000put',
    environment: { LANG: 'C.UTF-8', SECRET_KEY: 'x', PATH: '/p' },
  });
  assert.deepEqual(ran, { code: 42, stdout: 'in\u0000put', stderr: 'to stderr\n' });
  const [run] = heard;
  assert.ok(run?.kind === 'run');
  assert.deepEqual(
    [run.scope, [...run.command], { ...run.environment }, run.path, run.terminal],
    ['ci', ['cat', '--json', '-x', '--', 'y'], { LANG: 'C.UTF-8' }, '/p', undefined],
  );
});

test('run: a window that is resized while its session is made has its new size once that stands', async (t) => {
  const asked = Promise.withResolvers<Guest>();
  const told = Promise.withResolvers<DoorRequest>();
  const { home, heard } = await playDoor(t, (request, guest) => {
    if (request.kind === 'run') asked.resolve(guest);
    if (request.kind !== 'resize') return;
    told.resolve(request);
    guest.finish({ kind: 'exited', code: 0 });
  });
  const [file, words] = commandLine(['run', '--', 'x']);
  const environment = { ...process.env, HOLDFAST_HOME: home };
  const terminal = await Terminal.open([file, ...words], { cwd: home, environment, columns: 101, rows: 37 });
  t.after(() => terminal.program.end());
  const guest = await asked.promise;
  const [run] = heard;
  assert.ok(run?.kind === 'run');
  assert.deepEqual([run.terminal?.columns, run.terminal?.rows], [101, 37]);
  terminal.resize(132, 50);
  guest.reply({ kind: 'output', data: Buffer.from('still in the making\n') });
  await terminal.waitFor(/still in the making/); // so it has been told of its window before
  guest.reply({ kind: 'started', session: id(2), agent: id(1), mode: 'sealed' });
  assert.deepEqual(await told.promise, { kind: 'resize', columns: 132, rows: 50 });
  assert.equal((await terminal.program.ended).code, 0);
});

// [DOOR-7]
test('run: input waits until the session has taken it; megabytes come through whole', async (t) => {
  let ahead = 0;
  let most = 0;
  let total = 0;
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind === 'run') guest.reply({ kind: 'started', session: id(2), agent: id(1), mode: 'sealed' });
    if (request.kind === 'input') {
      const { length } = request.data;
      ahead += length;
      total += length;
      most = Math.max(most, ahead);
      setImmediate(() => {
        ahead -= length;
        guest.reply({ kind: 'input-taken', bytes: length });
      });
    }
    if (request.kind === 'input-end') {
      guest.reply({ kind: 'exited', code: 0 });
      guest.end();
    }
  });
  const { code: exit } = await cli(['run', '--', 'wc'], { home, input: Buffer.alloc(3_000_000) });
  assert.deepEqual([exit, total], [0, 3_000_000]);
  assert.ok(most <= maxInputAheadBytes, String(most));
});

// [CLI-16]
test('run: own failures are 125 and begin with holdfast:', async (t) => {
  const refusing = await playDoor(t, (_request, guest) =>
    guest.finish({ kind: 'failed', code: 'scope_unknown', message: 'no agent\u001b', next: 'enroll' }),
  );
  const dying = await playDoor(t, (_request, guest) => {
    guest.reply({ kind: 'started', session: id(2), agent: id(1), mode: 'sealed' });
    guest.reset();
  });
  const runs = [
    await cli(['run', '--', 'true'], { home: refusing.home }),
    await cli(['run', '--', 'true'], { home: dying.home }),
    await cli(['run', '--', 'true'], { home: newHome(t) }),
    await cli(['run'], { home: refusing.home }),
    await cli(['run', '--nonsense', '--', 'true'], { home: refusing.home }),
    await cli(['run', '--pass-env', 'A=B', '--', 'true'], { home: refusing.home }),
    await cli(['run', '--', 'x'.repeat(130_000)], { home: refusing.home }),
    await cli(['run', '--scope', '../x', '--', 'true'], { home: refusing.home }),
  ];
  for (const { code: exit, stdout, stderr } of runs) {
    assert.deepEqual([exit, stdout], [125, '']);
    assert.match(stderr, /^holdfast: [^\n]+ \([a-z_]+\)\n/);
    assert.doesNotMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u);
  }
  assert.match(runs[1]?.stderr ?? '', /daemon_unreachable/);
});

// [CLI-10]
test('run: only named variables pass, unset ones do not, and one that looks like a secret is warned about', async (t) => {
  const { home, heard } = await playDoor(t, (_request, guest) => guest.finish({ kind: 'exited', code: 0 }));
  const environment = { GITHUB_TOKEN: 'ghp_1', EDITOR: 'vim', KEYBOARD: 'qwerty' };
  const ran = await cli(
    ['run', '--pass-env', 'EDITOR', '--pass-env', 'GITHUB_TOKEN', '--pass-env', 'KEYBOARD', '--pass-env', 'UNSET', '--', 'true'],
    { home, environment },
  );
  const [run] = heard;
  assert.ok(run?.kind === 'run');
  assert.deepEqual({ ...run.environment }, environment);
  assert.match(ran.stderr, /^holdfast: warning: the session can read GITHUB_TOKEN;/);
  assert.doesNotMatch(ran.stderr, /ghp_1|KEYBOARD/);
  assert.equal(ran.code, 0);
});

// [CLI-16]
test('run: who stops reading ends the session, and is told as a closed pipe', async (t) => {
  let gone: () => void = () => {};
  const ended = new Promise<void>((resolve) => (gone = resolve));
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind !== 'run') return;
    guest.reply({ kind: 'started', session: id(2), agent: id(1), mode: 'sealed' });
    const chatter = setInterval(() => guest.reply({ kind: 'output', data: Buffer.alloc(60_000, 'y') }), 2);
    t.after(() => clearInterval(chatter));
    void ended.then(() => clearInterval(chatter));
  });
  const { code: exit, stderr } = await cli(['run', '--', 'yes'], { home, onOutput: () => true });
  gone();
  assert.deepEqual([exit, stderr], [141, '']);
});

test('who stops reading any other command has had what they wanted', async (t) => {
  const many = {
    ...machineReply,
    agents: Array.from({ length: 3000 }, () => machineReply.kind === 'machine' && machineReply.agents[0]).filter(
      (each) => each !== false && each !== undefined,
    ),
  } as DoorReply;
  const { home } = await playDoor(t, (_request, guest) => guest.finish(many));
  const { stderr } = await cli(['agents'], { home, onOutput: () => true });
  assert.equal(stderr, '');
});

// [DOOR-1]
test('a socket in a folder that others can write is not spoken to', async (t) => {
  const { home, heard } = await playDoor(t, (_request, guest) => guest.end());
  chmodSync(path.join(home, 'run'), 0o777);
  const asked = await cli(['agents', '--json'], { home });
  assert.deepEqual([asked.code, code(asked.stdout)], [3, 'home_unsafe']);
  const linked = newHome(t);
  mkdirSync(linked, { recursive: true });
  symlinkSync(path.join(home, 'run'), path.join(linked, 'run'));
  assert.equal(code((await cli(['agents', '--json'], { home: linked })).stdout), 'home_unsafe');
  assert.deepEqual(heard, []);
});

// [CLI-2] [CLI-3]
test('bad usage is exit 2, and an object in JSON', async (t) => {
  const file = path.join(path.dirname(newHome(t)), 'pem');
  writeFileSync(file, 'no certificate');
  const wrong = [
    [],
    ['vault'],
    ['nonsense'],
    ['status', '--nonsense'],
    ['status', 'extra'],
    ['vault', 'add'],
    ['vault', 'add', 'x', '--host', 'h'],
    ['revoke'],
    ['vault', 'grant', 'x'],
    ['audit', 'show', '--last', 'many'],
    ['audit', 'show', 'first'],
    ['approve', 'not-a-code'],
    ['init', '--name', 'a\u001bb'],
    ['init', '--name', ''],
    ['revoke', 'x', '--reason', 'a\u001bb'],
    ['vault', 'add', 'x', '--host', 'h', '--attach', 'smoke'],
    ['vault', 'add', 'x', '--host', 'h/..', '--attach', 'bearer'],
    ['vault', 'add', '../x', '--host', 'h.example', '--attach', 'bearer'],
    ['vault', 'add', 'x', '--host', 'h.example', '--attach', 'bearer', '--method', 'G T'],
    ['vault', 'add', 'x', '--host', 'h.example', '--attach', 'bearer', '--env', 'A=B'],
    ['vault', 'add', 'x', '--host', 'h.example', '--attach', 'bearer', '--ca', '/nonexistent/ca'],
    ['vault', 'budget', 'main'],
    ['egress', 'allow', 'h.example', '--to', 'main', '--ca', file],
    ['egress', 'allow', 'h.example:99999', '--to', 'main'],
  ];
  for (const parameters of wrong) {
    const asked = await cli([...parameters, '--json']);
    assert.equal(asked.code, 2, parameters.join(' ') + asked.stdout);
    assert.equal(asked.stderr.includes('{'), false);
    assert.match(code(asked.stdout), /^(usage|codec_shape|codec_limit|pairing_code_invalid)$/);
  }
  const people = await cli(['status', '--nonsense']);
  assert.deepEqual(people, {
    code: 2,
    stdout: '',
    stderr: "holdfast: unknown option '--nonsense' (usage)\n  next: see: holdfast --help\n",
  });
});

test('version and help are no faults', async () => {
  assert.deepEqual(await cli(['--version']), { code: 0, stdout: '0.1.0\n', stderr: '' });
  assert.equal((await cli(['help', 'run'])).code, 0);
});
