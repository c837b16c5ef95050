// `holdfast approvals` against a real relay and agents that a test plays: what an operator is shown, what an answer says, and what is never shown.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { accessDigest } from '@holdfast/protocol/approvals/access';
import type { Ask } from '@holdfast/protocol/approvals/ask';
import { OneUseKey, useDigest, type BoundRequest } from '@holdfast/protocol/approvals/use';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { readWarrant } from '@holdfast/protocol/vault/warrant';
import type { Ran } from './cli.ts';
import { operatorAt, type OperatorAt } from './operator-at.ts';
import { PlayedAgent } from './played-agent.ts';

let at: OperatorAt;
before(async () => {
  at = await operatorAt();
});
after(() => at.end());

const operator = (parameters: readonly string[]): Promise<Ran> => at.run(parameters);
const json = <T = Record<string, unknown>>(ran: Ran): T => at.json<T>(ran);
const codeOf = (ran: Ran): string => at.code(ran);

const agentAt = (t: TestContext, scope = 'main'): Promise<PlayedAgent> =>
  PlayedAgent.enrolled(t, at.url, async (code, words) => json(await operator(['approve', code, '--words', words, '--json'])), {
    scope,
  });

// [CLI-25]
test('approvals: what waits is shown whole, and approved once', async (t) => {
  const agent = await agentAt(t);
  const ask = await agent.ask({ text: 'git push --force', rest: '{"timeout":5}', directory: '/srv/shop' });
  const { asks } = json<{ asks: Record<string, unknown>[] }>(await operator(['approvals', '--json']));
  assert.deepEqual(asks, [
    {
      ask: toHex(ask.ask),
      agent: toHex(agent.id),
      scope: 'main',
      machine: 'box',
      session: toHex(ask.session),
      mode: 'sealed',
      program: 'claude',
      act: ask.act,
      call: toHex(ask.call),
      because: ask.because,
      expiresAtMs: asks[0]?.['expiresAtMs'],
    },
  ]);
  const [ran, said] = await Promise.all([
    operator(['approvals', 'approve', toHex(ask.ask).slice(0, 8), '--json']),
    agent.answer().then(async (answer) => {
      await agent.say({ kind: 'closed', v: 1, ask: answer.ask, outcome: 'allowed' });
      return answer;
    }),
  ]);
  const { verdict, outcome } = json<{ verdict: string; outcome: string }>(ran);
  assert.deepEqual([verdict, outcome], ['once', 'allowed']);
  const { warrant, ...rest } = said;
  assert.deepEqual(rest, { kind: 'answer', v: 1, ask: ask.ask, call: ask.call, verdict: 'once' });
  const leave = readWarrant(primitives, warrant ?? assert.fail('an approval without a warrant')).said; // [AUTHORITY-4]
  assert.deepEqual([leave.kind, 'ask' in leave && toHex(leave.ask)], ['approval', toHex(ask.ask)]);
  assert.deepEqual(json(await operator(['approvals', '--json'])), { asks: [] });
  const again = await operator(['approvals', 'approve', toHex(ask.ask), '--json']);
  assert.deepEqual([again.code, codeOf(again)], [1, 'ask_unknown']);
});

/** The code of an approval that does not come about. */
async function refusedApproval({ ask }: Pick<Ask, 'ask'>, ...more: readonly string[]): Promise<string> {
  const ran = await operator(['approvals', 'approve', toHex(ask), ...more, '--json']);
  assert.equal(ran.code, 1, ran.stdout);
  return codeOf(ran);
}

/** A credential whose uses are approved, and a request with it as the machine of `agent` would put it. */
async function perUse(agent: PlayedAgent, scope: string, name: string, limits = ['--body', '/amount<=100']) {
  const secret = `canary-${name}-5f2b`;
  const fence = ['--host', 'bank.example', '--path', '/v1/**', '--method', 'POST'];
  json(await at.run(['vault', 'add', name, ...fence, '--attach', 'bearer', '--json'], { input: secret }));
  json(await operator(['vault', 'grant', name, '--to', scope, '--approve', ...limits, '--json']));
  await agent.readOn();
  const granted = [...(agent.replica.state.grants.get(toHex(agent.id))?.values() ?? [])].find((each) => each.name === name);
  const { grant, item } = granted ?? assert.fail();
  const key = await OneUseKey.make(primitives);
  const request = {
    ...{
      agent: agent.id,
      session: new Uint8Array(16).fill(4),
      grant,
      item,
      name,
      method: 'POST',
      host: 'bank.example',
      port: 443,
    },
    ...{ path: '/v1/payments', query: '', headers: [{ name: 'content-type', value: 'application/json' }], body: '{"amount":10}' },
  };
  const ask = async (change: Partial<BoundRequest> = {}, call?: Uint8Array) => {
    const shown = { ...request, ...change };
    const { agent: _agent, session, ...fields } = shown;
    const act = { kind: 'use', ...fields, key: key.publicKey, reported: { command: './pay-rent' } } as const;
    const expiresAtMs = Date.now() + 120_000;
    const body = { act, session, call: call ?? useDigest(primitives, shown), because: [], expiresAtMs };
    return { ask: await agent.ask({}, body), expiresAtMs };
  };
  return { secret, key, request, granted: granted ?? assert.fail(), ask };
}

// [CLI-25] [APPROVAL-15]
test('[APPROVAL-15]: approving a use shows all of it, and seals the secret for exactly that', async (t) => {
  const agent = await agentAt(t, 'uses');
  const { secret, key, request, granted, ask } = await perUse(agent, 'uses', 'bank');
  assert.equal(granted.sealed, undefined); // [VAULT-13]
  const { ask: asked, expiresAtMs } = await ask();
  const [ran, answer] = await Promise.all([
    operator(['approvals', 'approve', toHex(asked.ask)]),
    agent.answer().then(async (said) => {
      await agent.say({ kind: 'closed', v: 1, ask: said.ask, outcome: 'allowed' });
      return said;
    }),
  ]);
  assert.equal(ran.code, 0, ran.stderr);
  for (const shown of [
    'one use of bank: POST https://bank.example/v1/payments',
    'content-type: application/json',
    '{"amount":10}',
    'as the session says, for: ./pay-rent',
    'uses on box, sealed session of claude',
    'unusual: you have not approved a use of this credential by this agent here before',
  ])
    assert.ok((ran.stdout + ran.stderr).includes(shown), shown);
  const terms = { fleet: agent.fleet, agent: agent.id, session: asked.session, ask: asked.ask, expiresAtMs };
  const opened = await key.open(terms, request, answer.sealed ?? assert.fail(), Date.now());
  assert.equal(new TextDecoder().decode(opened), secret);
});

// [APPROVAL-20]
test('[APPROVAL-20]: nothing is sealed beyond what was granted, whatever a machine asks for', async (t) => {
  const agent = await agentAt(t, 'greedy');
  const { granted, ask } = await perUse(agent, 'greedy', 'shop');
  const terms = ['--host', 'bank.example', '--attach', 'bearer', '--json'];
  json(await at.run(['vault', 'add', 'plain', ...terms], { input: 'canary-plain' }));
  json(await operator(['vault', 'grant', 'plain', '--to', 'greedy', '--json']));
  await agent.readOn();
  const plain = [...(agent.replica.state.grants.get(toHex(agent.id))?.values() ?? [])].find(({ name }) => name === 'plain');
  assert.ok(plain?.sealed !== undefined);
  const wrong: readonly (readonly [string, Partial<BoundRequest>, string])[] = [
    ['another item under this grant', { item: plain.item }, 'grant_unknown'],
    ['a grant that is not approved per use', { grant: plain.grant, item: plain.item, name: 'plain' }, 'grant_unknown'],
    ['another name for it', { name: 'harmless' }, 'grant_unknown'],
    ['another host', { host: 'mallory.example' }, 'ask_mismatch'],
    ['more than it may be', { body: '{"amount":101}' }, 'ask_mismatch'],
    ['a query beside the body', { query: 'amount=101' }, 'ask_mismatch'],
    ['another text than would be written', { body: '{"amount": 10}' }, 'ask_mismatch'],
    ['a body of no type', { headers: [] }, 'ask_mismatch'],
  ];
  for (const [name, change, code] of wrong) {
    const { ask: asked } = await ask(change);
    assert.equal(await refusedApproval(asked), code, name);
  }
  const { ask: hidden } = await ask({}, primitives.random(32));
  assert.equal(await refusedApproval(hidden), 'ask_mismatch');
  json(await operator(['vault', 'ungrant', 'shop', '--from', 'greedy', '--json']));
  const { ask: late } = await ask({ grant: granted.grant });
  assert.equal(await refusedApproval(late), 'grant_unknown');
  assert.equal(agent.unheard, 0, 'no answer left');
});

// [APPROVAL-22]
test('[APPROVAL-22]: access that an agent asks for becomes the narrowest grant that would do, signed before the answer', async (t) => {
  const agent = await agentAt(t, 'wants');
  const add = async (name: string, host: string): Promise<unknown> =>
    json(await at.run(['vault', 'add', name, '--host', host, '--attach', 'bearer', '--json'], { input: `canary-${name}` }));
  await add('books', 'books.example');
  await add('books-too', 'both.example');
  await add('books-three', 'both.example');
  const wish = (host: string, path = '/v1/invoices', call?: Uint8Array) => {
    const session = new Uint8Array(16).fill(4);
    const wanted = { method: 'GET', host, port: 443, path };
    const bound = call ?? accessDigest(primitives, { agent: agent.id, session, ...wanted });
    const act = { kind: 'access', ...wanted, reason: 'for the \u202ereport' } as const;
    return agent.ask({}, { session, act, call: bound, because: [] });
  };
  assert.equal(await refusedApproval(await wish('nobody.example')), 'item_unknown');
  assert.equal(await refusedApproval(await wish('books.example', '/v1/invoices', primitives.random(32))), 'ask_mismatch');
  const either = await wish('both.example');
  assert.equal(await refusedApproval(either), 'credential_ambiguous');
  assert.equal(await refusedApproval(either, '--item', 'books'), 'item_unknown');
  const ask = await wish('books.example');
  const shown = await operator(['approvals']);
  assert.match(shown.stdout, /wants access: GET https:\/\/books\.example\/v1\/invoices/);
  assert.match(shown.stdout, /because, in the agent's words: for the \\u\{202e\}report/);
  assert.match(shown.stdout, /proposal: grant books for this method, host and path, and nothing else/);
  assert.equal(agent.unheard, 0, 'no answer left');
  const [ran] = await Promise.all([
    operator(['approvals', 'approve', toHex(ask.ask), '--json']),
    agent.answer().then(async (said) => {
      await agent.readOn(); // the grant came before the answer
      const [granted] = [...(agent.replica.state.grants.get(toHex(agent.id))?.values() ?? [])];
      assert.equal(granted?.name, 'books');
      assert.deepEqual(
        [granted?.fence.hosts, granted?.fence.methods, granted?.fence.paths],
        [[{ host: 'books.example', port: 443 }], ['GET'], ['/v1/invoices']],
      );
      await agent.say({ kind: 'closed', v: 1, ask: said.ask, outcome: 'allowed' });
      return said;
    }),
  ]);
  assert.equal(json<{ outcome: string }>(ran).outcome, 'allowed');
  assert.equal(await refusedApproval(await wish('books.example', '/v1/other')), 'name_taken');
});

// [CLI-25]
test('approvals deny: says no, and tells when it came too late', async (t) => {
  const agent = await agentAt(t, 'deny');
  const ask = await agent.ask({});
  const [ran, said] = await Promise.all([
    operator(['approvals', 'deny', toHex(ask.ask)]),
    agent.answer().then(async (answer) => {
      await agent.say({ kind: 'closed', v: 1, ask: answer.ask, outcome: 'expired' });
      return answer;
    }),
  ]);
  assert.equal(said.verdict, 'deny');
  assert.deepEqual([ran.code, ran.stdout], [1, 'too late: expired\n']);
});

// [APPROVAL-11] [CLI-6]
test('[APPROVAL-11]: what an agent words can neither move the cursor nor turn the line round', async (t) => {
  const agent = await agentAt(t, 'evil');
  const evil = 'ls\n\u001b[2J\u202egnp.tset\u202c \u2066x\u2069 \u200b\u0007\u009b31m # harmless';
  await agent.ask({ name: 'Ba\u001bsh', text: evil, directory: '/\u202e', subagent: '\u2028' }, { program: 'cla\u0000ude' });
  const shown = await operator(['approvals']);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /ls\\u\{a\}\\u\{1b\}\[2J\\u\{202e\}gnp\.tset\\u\{202c\}/);
  assert.doesNotMatch(shown.stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  const asked = await operator(['approvals', '--json']);
  assert.doesNotMatch(asked.stdout.trim(), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.equal(json<{ asks: { act: { text: string } }[] }>(asked).asks.at(-1)?.act.text, evil);
});

// [APPROVAL-4]
test('asks of a revoked agent and closed ones are not shown and not answered', async (t) => {
  const agent = await agentAt(t, 'late');
  const peer = await agentAt(t, 'peer');
  const ours = async (): Promise<number> =>
    json<{ asks: { scope: string }[] }>(await operator(['approvals', '--json'])).asks.filter(({ scope }) => scope === 'late')
      .length;
  const closed = await agent.ask({});
  await agent.say({ kind: 'closed', v: 1, ask: closed.ask, outcome: 'withdrawn' });
  assert.equal(await ours(), 0);
  const open = await agent.ask({});
  await peer.say({ kind: 'closed', v: 1, ask: open.ask, outcome: 'withdrawn' }); // no agent ends another's
  assert.equal(await ours(), 1);
  json(await operator(['revoke', 'late', '--json']));
  assert.equal(await ours(), 0);
  const gone = await operator(['approvals', 'approve', toHex(open.ask), '--json']);
  assert.deepEqual([gone.code, codeOf(gone)], [1, 'ask_unknown']);
});

// [CLI-25]
test('an ask is named by eight digits at least, and only when they are one ask’s', async (t) => {
  const agent = await agentAt(t, 'names');
  const [one, two] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(7)];
  two[15] = 1;
  await agent.ask({}, { ask: one });
  await agent.ask({}, { ask: two });
  for (const typed of ['0707070', 'x'.repeat(32), '07070707']) {
    const ran = await operator(['approvals', 'deny', typed, '--json']);
    assert.deepEqual([ran.code, codeOf(ran)], [2, 'usage'], typed);
  }
});

// [CLI-26]
test('approvals --follow: tells what comes and what ends until it is ended', async (t) => {
  const agent = await agentAt(t, 'follow');
  const bin = fileURLToPath(new URL('../bin/holdfast.cjs', import.meta.url));
  const child = spawn(process.execPath, [bin, 'approvals', '--follow', '--passphrase-file', at.phraseFile, '--json'], {
    env: { PATH: process.env['PATH'] ?? '', HOLDFAST_HOME: at.home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  /** Asks of other tests may still wait: the next line about this one. */
  const about = async (ask: Uint8Array): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value } = await lines.next();
      const told = JSON.parse(value as string) as Record<string, unknown>;
      if (told['ask'] === toHex(ask)) return told;
    }
  };
  const first = await agent.ask({ text: 'one' });
  assert.equal((await about(first.ask))['scope'], 'follow');
  const late = await agentAt(t, 'follow'); // enrolled while it runs
  const second = await late.ask({ text: 'two' });
  assert.equal((await about(second.ask))['agent'], toHex(late.id));
  await agent.say({ kind: 'closed', v: 1, ask: first.ask, outcome: 'expired' });
  assert.deepEqual(await about(first.ask), { ask: toHex(first.ask), closed: 'expired' });
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('[CLI-99] agents: what its machine said last, wherever that is; [CLI-96] all of them are stopped at once', async (t) => {
  const agent = await agentAt(t, 'present');
  const { position, hash } = agent.replica.state.control;
  const session = new Uint8Array(16).fill(7);
  const now = { tool: 'shell', name: 'Bash', text: 'make\u202e all', sinceMs: 1 };
  await agent.say({
    kind: 'presence',
    v: 1,
    sequence: 1,
    atMs: 2,
    version: '0.1.0',
    control: { position, hash },
    bedrock: 3,
    freshness: { pulseMaxAgeMs: 1000 },
    recording: true,
    incidents: ['audit_forged'],
    sessions: [{ session, mode: 'sealed', program: 'claude', startedAtMs: 1, calls: 4, now, bedrock: 2 }],
    children: [],
    counts: [],
    unlisted: { sessions: 0, children: 0, counts: 0 },
  });
  interface Shown {
    readonly agents: { readonly agent: string; readonly present?: { readonly bedrock: number; readonly sessions: object[] } }[];
  }
  const found = json<Shown>(await operator(['agents', '--json'])).agents.find((each) => each.agent === toHex(agent.id));
  assert.deepEqual([found?.present?.bedrock, found?.present?.sessions.length], [3, 1]);
  const { stdout } = await operator(['agents']);
  assert.match(
    stdout,
    /\n {2}heard [^\n]*; has your newest change\n {2}! audit_forged\n {2}sealed claude, 4 acts, under bedrock 2; Bash: make[^\u202e]* all\n/,
  );

  const stopped = json<{ agents: string[]; suspended: boolean }>(await operator(['suspend', '--all', '--json']));
  assert.ok(stopped.suspended && stopped.agents.includes(toHex(agent.id)));
  assert.deepEqual(json<{ agents: string[] }>(await operator(['suspend', '--all', '--json'])).agents, []);
  const resumed = json<{ agents: string[]; resumed: boolean }>(await operator(['resume', '--all', '--json']));
  assert.deepEqual([resumed.resumed, resumed.agents.toSorted()], [true, stopped.agents.toSorted()]);
  for (const words of [['suspend'], ['suspend', 'present', '--all'], ['resume']])
    assert.equal(codeOf(await operator([...words, '--json'])), 'usage');
});
