// Operator commands against a real relay: what they write, what they ask, what stays when they fail half way.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { putRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import { formatPairingCode, newPairingCode, Pairing, pairingLifeMs } from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { listenHostile } from '@holdfast/testkit/hostile-relay';
import { lightenKey } from '@holdfast/testkit/light-key';
import { cli, newHome, playDoor, type CliOptions, type Ran } from './cli.ts';

const secret = 'tok-4f9d81c2a7e6b35091';
const phrase = 'correct horse battery staple';

let folder = '';
let relay: ChildProcess | undefined;
let url = '';
let phraseFile = '';
/** Every operator command stretches a passphrase on purpose: tests that can share one fleet. */
let shared = '';

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-operator-'));
  phraseFile = path.join(folder, 'phrase');
  writeFileSync(phraseFile, `${phrase}\n`, { mode: 0o600 });
  const main = fileURLToPath(new URL('../../relay/src/main.ts', import.meta.url));
  relay = spawn(process.execPath, [main], {
    env: { HOLDFAST_HOME: folder, HOLDFAST_PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(relay.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  url = line.toString().trim().split(' ').at(-1) ?? '';
  shared = path.join(folder, 'shared');
  await fleetIn(shared);
});
after(async () => {
  relay?.kill('SIGKILL');
  if (relay !== undefined) await once(relay, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

const asOperator = (home: string, parameters: readonly string[], options: CliOptions = {}): Promise<Ran> =>
  cli([...parameters, '--passphrase-file', phraseFile], { ...options, home });

function json<T = Record<string, unknown>>({ stdout, stderr, code }: Ran, expected = 0): T {
  assert.equal(code, expected, stdout + stderr);
  return JSON.parse(stdout) as T;
}
const codeOf = ({ stdout }: Ran) => (JSON.parse(stdout) as { error: { code: string } }).error.code;

async function fleetIn(home: string, relayUrl = url): Promise<{ fleet: string; recoveryFile: string }> {
  const made = json<{ fleet: string; recoveryFile: string }>(
    await asOperator(home, ['init', '--name', 'test', '--relay', relayUrl, '--json']),
  );
  lightenKey(home, phrase);
  return made;
}

/** A machine that waits behind a code, as `enroll` has it. */
async function waitingMachine(t: TestContext, scope = 'main', machine = 'box') {
  const holder = await SoftwareKeyHolder.generate(primitives);
  const deadline = (afterMs: number, expired: () => void) => {
    const timer = setTimeout(expired, afterMs);
    return () => clearTimeout(timer);
  };
  const exchange = await connectRelay(url, {
    webSocket: WebSocket,
    primitives,
    deadline,
    answerWithinMs: 60_000,
    onPush: () => {},
    onClosed: () => {},
  });
  t.after(() => exchange.close());
  const code = newPairingCode(primitives, agentPairing);
  const text = formatPairingCode(primitives, agentPairing, code);
  const terms = { agent: primitives.random(16), scope, machine, custody: 'software', capabilities: [] } as const;
  const pairing = await Pairing.begin(primitives, agentPairing, holder, terms, { code, monotonicMs: 0 });
  await putRendezvous(exchange, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
  return { code: text, words: pairing.words.join(' '), agent: Buffer.from(terms.agent).toString('hex') };
}

async function enrolled(t: TestContext, home: string, scope = 'main'): Promise<string> {
  const { code, words, agent } = await waitingMachine(t, scope);
  json(await asOperator(home, ['approve', code, '--words', words, '--json']));
  return agent;
}

// [CLI-11] [CLI-12]
test('init: a fleet, a sealed key, and a recovery code in a file of its own that JSON does not show', async (t) => {
  const home = newHome(t);
  const ran = await asOperator(home, ['init', '--name', 'test', '--relay', url, '--json']);
  const made = json<{ fleet: string; device: string; name: string; relay: string; recoveryFile: string }>(ran);
  assert.deepEqual(Object.keys(made).toSorted(), ['device', 'fleet', 'name', 'recoveryFile', 'relay']);
  const code = readFileSync(made.recoveryFile, 'utf8').trim();
  assert.match(code, /^[0-9A-Z-]{20,}$/);
  assert.equal(ran.stdout.includes(code) || ran.stderr.includes(code), false);
  assert.equal(statSync(made.recoveryFile).mode & 0o777, 0o600);
  assert.equal(statSync(path.join(home, 'operator')).mode & 0o777, 0o700);
  for (const file of readdirSync(path.join(home, 'operator')))
    assert.equal(statSync(path.join(home, 'operator', file)).mode & 0o077, 0, file);

  const again = await asOperator(home, ['init', '--relay', url, '--json']);
  assert.deepEqual([again.code, codeOf(again)], [1, 'operator_exists']);
  assert.equal(readFileSync(made.recoveryFile, 'utf8').trim(), code);
  assert.deepEqual(json(await asOperator(home, ['pulse', '--json'])), { fleet: made.fleet, validForMs: 24 * 3_600_000 });
});

// [CLI-12]
test('init that fails half way leaves nothing, and can be done again', async (t) => {
  const home = newHome(t);
  const closed = await asOperator(home, ['init', '--relay', 'http://127.0.0.1:1', '--json']);
  assert.deepEqual([closed.code, codeOf(closed)], [3, 'relay_unreachable']);
  assert.equal(existsSync(home), false);

  const taken = path.join(path.dirname(home), 'recovery');
  writeFileSync(taken, 'of another fleet');
  const refused = await asOperator(home, ['init', '--relay', url, '--recovery-file', taken, '--json']);
  assert.deepEqual([refused.code, codeOf(refused)], [2, 'usage']);
  assert.equal(readFileSync(taken, 'utf8'), 'of another fleet');
  assert.equal(existsSync(path.join(home, 'operator', 'operator.key')), false);
  assert.equal((await fleetIn(home)).recoveryFile.startsWith(home), true);
});

// [CLI-21]
test('pulse --every: pulses until it is ended by a signal, and never slower than the fleet allows', async () => {
  const bin = fileURLToPath(new URL('../bin/holdfast.cjs', import.meta.url));
  const child = spawn(process.execPath, [bin, 'pulse', '--every', '1m', '--passphrase-file', phraseFile, '--json'], {
    env: { PATH: process.env['PATH'] ?? '', HOLDFAST_HOME: shared },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const told = JSON.parse(line.toString()) as { fleet: string; validForMs: number; atMs: number };
  assert.deepEqual(Object.keys(told), ['fleet', 'validForMs', 'atMs']);
  assert.equal(told.validForMs, 24 * 3_600_000);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);

  const slow = await asOperator(shared, ['pulse', '--every', '24h', '--json']);
  assert.deepEqual([slow.code, codeOf(slow)], [2, 'usage']);
  const quick = await asOperator(shared, ['pulse', '--every', '30s', '--json']);
  assert.deepEqual([quick.code, codeOf(quick)], [2, 'usage']);
});

// [CLI-5] [OPKEY-4]
test('a passphrase comes from a file, one newline stripped; a wrong one changes nothing', async (t) => {
  const home = shared;
  const file = (content: string) => {
    const name = path.join(folder, 'p');
    writeFileSync(name, content);
    return name;
  };
  for (const [content, code] of [
    [phrase, 0],
    [`${phrase}\r\n`, 0],
    [`${phrase}\n\n`, 1],
    ['\n', 2],
  ] as const) {
    const ran = await cli(['pulse', '--passphrase-file', file(content), '--json'], { home });
    assert.equal(ran.code, code, JSON.stringify(content));
    if (code === 1) assert.equal(codeOf(ran), 'passphrase_wrong');
    if (code === 2) assert.equal(codeOf(ran), 'usage');
  }
  const missing = await cli(['pulse', '--passphrase-file', '/nonexistent/p', '--json'], { home });
  assert.deepEqual([missing.code, codeOf(missing)], [2, 'usage']);
  const nobodyToAsk = await cli(['pulse', '--json'], { home });
  assert.deepEqual([nobodyToAsk.code, codeOf(nobodyToAsk)], [2, 'usage']);
  const noKey = await asOperator(newHome(t), ['pulse', '--json']);
  assert.deepEqual([noKey.code, codeOf(noKey)], [3, 'operator_absent']);
});

// [CLI-5]
test('a secret comes on standard input, one newline stripped; it is nowhere in the home, and never shown', async () => {
  const home = shared;
  const terms = [
    '--host',
    'api.example.com',
    '--path',
    '/v1/**',
    '--method',
    'GET',
    '--attach',
    'bearer',
    '--env',
    'DEMO_TOKEN',
    '--json',
  ];
  const added = await asOperator(home, ['vault', 'add', 'demo', ...terms], { input: `${secret}\n` });
  const item = json(added);
  assert.match(String(item['item']), /^[0-9a-f]{32}$/);
  assert.deepEqual(
    { ...item, item: '' },
    {
      item: '',
      name: 'demo',
      attach: 'bearer',
      hosts: ['api.example.com:443'],
      methods: ['GET'],
      paths: ['/v1/**'],
      allowPrivate: false,
      env: 'DEMO_TOKEN',
    },
  );
  assert.equal((added.stdout + added.stderr).includes(secret), false);
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  assert.ok(files.length > 0);
  for (const each of files) assert.equal(readFileSync(path.join(each.parentPath, each.name)).includes(secret), false, each.name);

  const listed = json<{ view: string; items: { name: string; item: string; grants: unknown[] }[] }>(
    await asOperator(home, ['vault', 'list', '--json']),
  );
  assert.deepEqual([listed.view, listed.items.find(({ name }) => name === 'demo')?.grants], ['operator', []]);
  const twice = await asOperator(home, ['vault', 'add', 'demo', ...terms], { input: secret });
  assert.deepEqual([twice.code, codeOf(twice)], [1, 'name_taken']);
});

// [CLI-5]
test('a secret that is empty, too short or unfit for its place is refused before anything is written', async () => {
  const home = shared;
  const terms = ['--host', 'api.example.com', '--attach', 'bearer', '--json'];
  for (const [input, code] of [
    ['', 'usage'],
    ['\n', 'usage'],
    ['short', 'secret_unfit'],
    [`${secret}\nsecond line`, 'secret_unfit'],
  ] as const) {
    const ran = await asOperator(home, ['vault', 'add', 'unfit', ...terms], { input });
    assert.deepEqual([ran.code, codeOf(ran)], [2, code], JSON.stringify(input));
    assert.equal(ran.stdout.includes('second line'), false);
  }
  const noPhrase = await cli(['vault', 'add', 'unfit', ...terms], { home, input: secret });
  assert.deepEqual([noPhrase.code, codeOf(noPhrase)], [2, 'usage']);
  const { items } = json<{ items: { name: string }[] }>(await asOperator(home, ['vault', 'list', '--json']));
  assert.equal(
    items.some(({ name }) => name === 'unfit'),
    false,
  );
});

// [CLI-13]
test('approve with wrong words enrols nobody, and says that the code is used up', async (t) => {
  const home = shared;
  const machine = await waitingMachine(t);
  const wrong = await asOperator(home, ['approve', machine.code, '--words', 'one two three', '--json']);
  assert.deepEqual([wrong.code, codeOf(wrong)], [1, 'pairing_words_wrong']);
  assert.match(wrong.stdout, /nothing was admitted.*holdfast enroll there again for a new code/);
  const { agents } = json<{ agents: { agent: string }[] }>(await asOperator(home, ['agents', '--json']));
  assert.equal(
    agents.some(({ agent }) => agent === machine.agent),
    false,
  );
  const again = await asOperator(home, ['approve', machine.code, '--words', machine.words, '--json']);
  assert.deepEqual([again.code, codeOf(again)], [1, 'rendezvous_used']);
});

// [CLI-13]
test('approve takes a code, its URL, or - for standard input; words in any case; shows what it admits', async (t) => {
  const home = shared;
  const [one, two, three] = [await waitingMachine(t, 'one'), await waitingMachine(t, 'two'), await waitingMachine(t, 'three')];
  assert.deepEqual(
    json(await asOperator(home, ['approve', one.code.toLowerCase(), '--words', one.words.toUpperCase(), '--json'])),
    {
      agent: one.agent,
      scope: 'one',
      machine: 'box',
      custody: 'software',
      evidence: 'claimed',
    },
  );
  json(await asOperator(home, ['approve', `${url}/enroll#${two.code}`, '--words', two.words.replaceAll(' ', ', '), '--json']));
  const people = await asOperator(home, ['approve', '-', '--words', three.words], { input: `${three.code}\n` });
  assert.equal(people.stdout, 'three on box is admitted\n');
  assert.match(people.stderr, /machine {2}box\n {2}scope {4}three\n {2}keys {5}software, claimed: /);
  const nobody = await asOperator(home, [
    'approve',
    formatPairingCode(primitives, agentPairing, newPairingCode(primitives, agentPairing)),
    '--words',
    'a b c',
    '--json',
  ]);
  assert.deepEqual([nobody.code, codeOf(nobody)], [4, 'pairing_offer_invalid']);
});

// [CLI-19]
test('grants, hosts and their ends: each with its ids, and whether the daemon here has applied it', async (t) => {
  const home = shared;
  const agent = await enrolled(t, home);
  json(
    await asOperator(home, ['vault', 'add', 'given', '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
      input: secret,
    }),
  );
  const granted = json(await asOperator(home, ['vault', 'grant', 'given', '--to', 'main', '--json']));
  assert.deepEqual([granted['agent'], granted['name'], granted['applied']], [agent, 'given', false]);
  const allowed = json(await asOperator(home, ['egress', 'allow', 'example.com', '--to', agent, '--json']));
  assert.deepEqual([allowed['agent'], allowed['host'], allowed['port'], allowed['applied']], [agent, 'example.com', 443, false]);
  const rules = json<{ rules: { rule: string }[] }>(await asOperator(home, ['egress', 'list', '--json'])).rules;
  assert.deepEqual(
    rules.map(({ rule }) => rule),
    [allowed['rule']],
  );
  assert.equal(
    json(await asOperator(home, ['egress', 'remove', 'example.com', '--to', 'main', '--json']))['rule'],
    allowed['rule'],
  );
  assert.equal(
    json(await asOperator(home, ['vault', 'ungrant', 'given', '--from', 'main', '--json']))['grant'],
    granted['grant'],
  );
  const limited = json(await asOperator(home, ['vault', 'budget', 'main', '--max', '100/h', '--bytes-total', '1GB', '--json']));
  assert.deepEqual(limited, {
    ...{ budget: limited['budget'], agent, max: ['100/h'], bytesTotal: '1GB', applied: false },
  });
  const { budgets } = json<{ budgets: { setAtMs: number }[] }>(await asOperator(home, ['vault', 'list', '--json']));
  const [{ setAtMs } = assert.fail()] = budgets;
  assert.deepEqual(budgets, [{ budget: limited['budget'], agent, scope: 'main', setAtMs, max: ['100/h'], bytesTotal: '1GB' }]);
  assert.equal(json(await asOperator(home, ['vault', 'unbudget', 'main', '--json']))['budget'], limited['budget']);
  json(await asOperator(home, ['vault', 'remove', 'given', '--json']));
  for (const [parameters, code] of [
    [['egress', 'remove', 'example.com', '--to', 'main'], 'egress_unknown'],
    [['vault', 'grant', 'given', '--to', 'main'], 'item_unknown'],
    [['vault', 'unbudget', 'main'], 'budget_unknown'],
    [['revoke', 'nobody'], 'agent_unknown'],
  ] as const) {
    const ran = await asOperator(home, [...parameters, '--json']);
    assert.deepEqual([ran.code, codeOf(ran)], [1, code], parameters.join(' '));
  }
});

// [CLI-19]
test('revoke: what to rotate, once; a daemon that has not heard of it is no failure of the revocation', async (t) => {
  const agentId = Buffer.alloc(16);
  const { home, heard } = await playDoor(t, (request, guest) => {
    if (request.kind === 'await-control')
      guest.reply({ kind: 'failed', code: 'relay_unreachable', message: 'the entry has not arrived yet' });
    else {
      const freshness = { pulseMaxAgeMs: 60_000 };
      const view = {
        agent: agentId,
        fleet: new Uint8Array(32),
        fleetName: 'x',
        scope: 'main',
        custody: 'software',
        state: 'live',
        relay: url,
        relayState: 'waiting',
        freshness,
        grants: 0,
        undecryptable: 0,
        rejected: 0,
        events: 0,
        egress: 0,
        recording: true,
      };
      guest.reply({
        kind: 'status',
        version: '0',
        pid: 1,
        startedAtMs: 1_700_000_000_000,
        custody: 'software',
        keyStores: [{ level: 'software', state: 'ready' }],
        agents: [view],
        sessions: [],
        notices: [],
      });
    }
    guest.end();
  });
  await fleetIn(home);
  const agent = await enrolled(t, home);
  agentId.set(Buffer.from(agent, 'hex'));
  json(
    await asOperator(home, ['vault', 'add', 'demo', '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
      input: secret,
    }),
  );
  json(await asOperator(home, ['vault', 'grant', 'demo', '--to', 'main', '--json']));
  const revoked = await asOperator(home, ['revoke', 'main', '--reason', 'laptop stolen', '--json']);
  assert.deepEqual(json(revoked), { agent, revoked: true, applied: false, rotate: ['demo'] });
  assert.ok(heard.some(({ kind }) => kind === 'await-control'));
  const twice = await asOperator(home, ['revoke', agent, '--json']);
  assert.deepEqual([twice.code, codeOf(twice)], [1, 'agent_revoked']);
  const [shown] = json<{ agents: { state: string }[] }>(await asOperator(home, ['agents', '--json'])).agents;
  assert.equal(shown?.state, 'revoked');
});

// [CHILD-10]
test('revoke: one child, told by the daemon whose it is or by --agent; an id of nobody is told so', async (t) => {
  const [here, elsewhere] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  const agentId = Buffer.alloc(16);
  const { home } = await playDoor(t, (request, guest) => {
    const child = {
      child: here,
      agent: agentId,
      kind: 'session',
      name: 'sh',
      session: Buffer.alloc(16, 3),
      capabilities: [],
      credentials: [],
      depth: 0,
      startedAtMs: 5,
      expiresAtMs: 6,
      seenAtMs: 5,
    };
    if (request.kind === 'machine')
      guest.finish({ kind: 'machine', agents: [], children: [child], operators: [], grants: [], egress: [], roots: [] });
    else guest.finish({ kind: 'failed', code: 'daemon_unreachable', message: 'not now' });
  });
  await fleetIn(home);
  const agent = await enrolled(t, home);
  agentId.set(Buffer.from(agent, 'hex'));
  const revoke = (parameters: readonly string[]) => asOperator(home, ['revoke', ...parameters, '--json']);
  const [hex, far] = [here.toString('hex'), elsewhere.toString('hex')];
  assert.deepEqual(json(await revoke([hex, '--reason', 'odd'])), { agent, child: hex, revoked: true, applied: false });
  const unknown = await revoke([far]);
  assert.deepEqual([unknown.code, codeOf(unknown)], [1, 'child_unknown']);
  assert.match(unknown.stdout, /--agent/);
  assert.equal(json(await revoke([far, '--agent', 'main']))['child'], far);
  const word = await revoke(['sh', '--agent', 'main']);
  assert.deepEqual([word.code, codeOf(word)], [2, 'usage']);
  assert.equal(json<{ agents: { state: string }[] }>(await asOperator(home, ['agents', '--json'])).agents[0]?.state, 'live');
  json(await revoke(['main']));
  const late = await revoke([hex]);
  assert.deepEqual([late.code, codeOf(late)], [1, 'agent_revoked']);
});

// [OPKEY-7]
test('two operator commands at once: both are done', async () => {
  const terms = ['--host', 'api.example.com', '--attach', 'bearer', '--json'];
  const all = await Promise.all(
    ['a', 'b'].map((name) => asOperator(shared, ['vault', 'add', name, ...terms], { input: secret })),
  );
  for (const ran of all) json(ran);
  const { items } = json<{ items: { name: string }[] }>(await asOperator(shared, ['vault', 'list', '--json']));
  assert.deepEqual(
    items
      .map(({ name }) => name)
      .filter((name) => name.length === 1)
      .toSorted(),
    ['a', 'b'],
  );
});

// [CLI-17]
test('every operator command leaves a pulse; one that cannot make it has still done its work, and says so', async (t) => {
  const hostile = await listenHostile(() => url);
  t.after(() => hostile.close());
  const home = newHome(t);
  await fleetIn(home, hostile.url);
  const pulses = () => hostile.relay.asked.filter(({ kind }) => kind === 'pulse-put').length;
  assert.equal(pulses(), 1);
  json(await asOperator(home, ['agents', '--json']));
  assert.equal(pulses(), 2);

  hostile.relay.script = {
    answer: (frame, _line, asked) => [
      asked?.kind === 'pulse-put' ? { kind: 'error', id: asked.id, code: 'pulse_time', message: 'clocks differ' } : frame,
    ],
  };
  const people = await asOperator(home, ['vault', 'add', 'demo', '--host', 'api.example.com', '--attach', 'bearer'], {
    input: secret,
  });
  assert.equal(people.code, 0);
  assert.match(people.stdout, /^demo is kept/);
  assert.equal(people.stderr, 'holdfast: warning: no pulse was made (pulse_time); see: holdfast pulse\n');
  const pulse = await asOperator(home, ['pulse', '--json']);
  assert.deepEqual([pulse.code, codeOf(pulse)], [1, 'pulse_time']);
});
