// The guard's verdicts: what the rules say, what an operator says, what is recorded first, and that every fault is a denial.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '@holdfast/protocol/errors';
import { callDigest } from '@holdfast/protocol/approvals/call';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Json, ToolCall } from '@holdfast/protocol/rules/call';
import type { Decision } from '@holdfast/protocol/rules/decide';
import { namedCall } from '../../src/guard/claude-code/tools.ts';
import { Guard, type GuardPorts, type JudgedAct, type Policy } from '../../src/guard/guard.ts';
import type { ReportedAct } from '../../src/guard/reported.ts';

const rule = { rule: 'r', reason: 'Why.', instead: 'Do this.' };
const says = (effect: Decision['effect'], more: Partial<Decision> = {}): Decision => ({
  effect,
  matched: effect === 'allow' ? [] : [{ ...rule, effect }],
  labels: [],
  ...more,
});

function guardWith(decide: Policy['decide'], change: Partial<GuardPorts> = {}, labels?: Set<string>) {
  const acts: JudgedAct[] = [];
  const asked: string[] = [];
  const faults: string[] = [];
  const guard = new Guard(
    {
      digest: (call) => callDigest(primitives, { agent: new Uint8Array(16), session: new Uint8Array(16) }, call),
      nowMs: () => 1,
      step: () => primitives.random(16),
      policy: () => ({ version: 3, decide }),
      approve: async ({ id }) => {
        asked.push(id);
        return 'allowed';
      },
      record: async (act) => void acts.push(act),
      fault: (code) => void faults.push(code),
      ...change,
    },
    { agent: 'a', scope: 'main', mode: 'sealed', view: { root: '/nonexistent', home: '/home/agent' }, branch: () => 'main' },
    labels,
  );
  return { guard, acts, asked, faults };
}

function bash(command: string, id: string | null = 'toolu_1'): ReportedAct {
  const withInput = (input: Json) => namedCall('Bash', input);
  const call = withInput({ command });
  return { harness: 'claude-code', id: id ?? undefined, call, withInput, directory: '/tree' };
}

test('what the rules allow may happen; what they warn of too, with a word', async () => {
  const { guard, acts } = guardWith(({ command }) => says(command === 'ls' ? 'allow' : 'warn'));
  assert.deepEqual(await guard.judge(bash('ls')), { kind: 'allow', notes: [] });
  assert.deepEqual(await guard.judge(bash('rm x')), { kind: 'allow', notes: ['Holdfast warns: Why. (rule r)'] });
  assert.deepEqual(
    acts.map(({ call, allowed, rulesVersion, label }) => [call.command, allowed, rulesVersion, label]),
    [
      ['ls', true, 3, 'reported'],
      ['rm x', true, 3, 'reported'],
    ],
  );
});

// [GUARD-8]
test('a denial says which rule, why, and what to do instead', async () => {
  const { guard, acts } = guardWith(() => says('deny'));
  assert.deepEqual(await guard.judge(bash('ls')), {
    kind: 'deny',
    reason: 'Holdfast: This is not allowed. Why. (rule r) Instead: Do this.',
  });
  assert.deepEqual(
    acts.map(({ allowed }) => allowed),
    [false],
  );
});

test('an operator is asked, and only their yes is one', async () => {
  for (const outcome of ['denied', 'expired', 'unasked', 'crowded', 'withdrawn', 'allow', 'warn', '']) {
    const { guard, acts } = guardWith(() => says('ask'), { approve: async () => outcome });
    const verdict = await guard.judge(bash('ls'));
    assert.equal(verdict.kind, 'deny', outcome);
    assert.deepEqual(
      acts.map(({ allowed }) => allowed),
      [false],
    );
  }
  const { guard, asked } = guardWith(() => says('ask'));
  assert.equal((await guard.judge(bash('ls'))).kind, 'allow');
  assert.deepEqual(asked, ['toolu_1']);
});

// [GUARD-3]
test('nothing happens that is not recorded first', async () => {
  const released: string[] = [];
  const written = Promise.withResolvers<void>();
  const { guard } = guardWith(() => says('allow'), { record: () => written.promise });
  const verdict = guard.judge(bash('ls')).then((value) => released.push(value.kind));
  await new Promise(setImmediate);
  assert.deepEqual(released, []);
  written.resolve();
  await verdict;
  assert.deepEqual(released, ['allow']);
  const broken = guardWith(() => says('allow'), {
    record: () => Promise.reject(new HoldfastError('audit_unavailable', 'no disk')),
  });
  assert.match(reasonOf(await broken.guard.judge(bash('ls'))), /audit_unavailable/);
  assert.deepEqual(broken.faults, ['audit_unavailable']);
});

// [GUARD-4]
test('the same call under the same id is judged once; another call under it is judged anew; a later one too', async () => {
  const { guard, acts, asked } = guardWith(({ command }) => says(command === 'bad' ? 'deny' : 'ask'));
  const both = await Promise.all([guard.judge(bash('ls')), guard.judge(bash('ls'))]);
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['allow', 'allow'],
  );
  assert.equal((await guard.judge(bash('ls'))).kind, 'allow');
  assert.equal(asked.length, 1);
  assert.equal(acts.length, 1);
  assert.equal((await guard.judge(bash('bad'))).kind, 'deny');
  assert.equal((await guard.judge({ ...bash('ls'), directory: '/elsewhere' })).kind, 'allow');
  assert.equal(asked.length, 2);
  guard.ended('toolu_1');
  await guard.judge(bash('ls'));
  assert.equal(asked.length, 3);
  await guard.judge(bash('ls', null));
  await guard.judge(bash('ls', null));
  assert.equal(asked.length, 5);
});

// [GUARD-15]
test('a rewritten call is judged as it will run, and passes when it is reported so', async () => {
  const rewrites = (to: string, then: Decision) => (call: ToolCall) =>
    call.command === 'npm install' ? says('allow', { input: { command: to }, matched: [{ ...rule, effect: 'rewrite' }] }) : then;
  const { guard, acts } = guardWith(rewrites('npm ci', says('allow')));
  assert.deepEqual(await guard.judge(bash('npm install')), {
    kind: 'allow',
    input: { command: 'npm ci' },
    notes: ['Holdfast changed this call: Why. (rule r)'],
  });
  assert.deepEqual(await guard.judge(bash('npm ci')), { kind: 'allow', notes: [] });
  assert.equal(acts.length, 1);
  for (const effect of ['deny', 'ask'] as const) {
    const strict = guardWith(rewrites('rm -rf /', says(effect)));
    assert.equal((await strict.guard.judge(bash('npm install'))).kind, 'deny', effect);
    assert.deepEqual(
      strict.acts.map(({ allowed }) => allowed),
      [false],
    );
  }
  const unfit = guardWith(() => says('allow', { input: { command: 7 } }));
  assert.match(reasonOf(await unfit.guard.judge(bash('x'))), /codec_shape/);
});

// [GUARD-15]
test('an operator is asked about the call as it will run, and it passes when it is reported so', async () => {
  const shown: (readonly [string | undefined, Uint8Array])[] = [];
  const decide = ({ command }: ToolCall): Decision =>
    command === 'npm install' ? says('ask', { input: { command: 'npm install --ignore-scripts' } }) : says('ask');
  const { guard, acts } = guardWith(decide, {
    approve: async ({ call, digest }) => {
      shown.push([call.command, digest]);
      return 'allowed';
    },
  });
  const verdict = await guard.judge(bash('npm install'));
  assert.deepEqual(verdict, { kind: 'allow', input: { command: 'npm install --ignore-scripts' }, notes: [] });
  assert.equal((await guard.judge(bash('npm install --ignore-scripts'))).kind, 'allow');
  assert.deepEqual(
    shown.map(([command]) => command),
    ['npm install --ignore-scripts'],
  );
  assert.notDeepEqual(shown[0]?.[1], acts[0]?.digest);
  assert.equal(acts.length, 1);
  const refused = guardWith(decide, { approve: async () => 'denied' });
  assert.equal((await refused.guard.judge(bash('npm install'))).kind, 'deny');
  assert.equal((await refused.guard.judge(bash('npm install --ignore-scripts'))).kind, 'deny');
});

// [GUARD-14]
test('labels are the session’s before the call may run, and the next call is judged under them', async () => {
  const seen: string[][] = [];
  const written = Promise.withResolvers<void>();
  let records = 0;
  const { guard } = guardWith(
    (_call, { labels }) => {
      seen.push([...labels]);
      return says('allow', { labels: ['read-customers'] });
    },
    { record: () => ((records += 1) === 1 ? written.promise : Promise.resolve()) },
  );
  const first = guard.judge(bash('one'));
  await guard.judge(bash('two'));
  written.resolve();
  await first;
  assert.deepEqual(seen, [[], ['read-customers']]);
});

test('a denied call does not label', async () => {
  const { guard } = guardWith(() => says('deny', { labels: ['x'] }));
  await guard.judge(bash('one'));
  assert.deepEqual([...guard.labels], []);
});

test('a policy that fails denies', async () => {
  const { guard, faults } = guardWith(() => {
    throw new Error('bug');
  });
  assert.equal(reasonOf(await guard.judge(bash('ls'))), 'Holdfast could not judge this (internal), so it does not happen.');
  assert.deepEqual(faults, ['internal']);
});

// [GUARD-16]
test('a request that the daemon saw is recorded where a rule speaks of it, as observed, and labels the session', async () => {
  const call = (url: string): ToolCall => ({
    tool: 'fetch',
    harness: 'broker',
    name: 'request',
    input: { url },
    url,
    method: 'GET',
  });
  const { guard, acts } = guardWith(({ url = '' }) =>
    url.includes('evil') ? says('deny') : url.includes('page') ? says('allow', { labels: ['untrusted'] }) : says('allow'),
  );
  assert.equal((await guard.judgeRequest([call('https://a.example/')])).kind, 'allow');
  assert.deepEqual(acts, []);
  assert.equal((await guard.judgeRequest([call('https://page.example/')])).kind, 'allow');
  assert.equal((await guard.judgeRequest([call('https://evil.example/')])).kind, 'deny');
  assert.deepEqual(
    acts.map(({ label, allowed }) => [label, allowed]),
    [
      ['observed', true],
      ['observed', false],
    ],
  );
  assert.deepEqual([...guard.labels], ['untrusted']);
  const broken = guardWith(() => {
    throw new Error('bug');
  });
  assert.equal((await broken.guard.judgeRequest([call('https://a.example/')])).kind, 'deny');
});

// [GUARD-16]
test('a request with two readings is asked about once, denied for either, and labelled for both', async () => {
  const reading = (url: string): ToolCall => ({ tool: 'fetch', harness: 'broker', name: 'request', input: { url }, url });
  const both = (path: string): [ToolCall, ToolCall] => [
    reading(`https://a.example/x%2F${path}`),
    reading(`https://a.example/x/${path}`),
  ];
  const { guard, acts, asked } = guardWith(({ url = '' }) =>
    url.endsWith('/denied')
      ? says('deny')
      : url.includes('ask')
        ? says('ask')
        : says('allow', { labels: [url.includes('%2F') ? 'raw' : 'decoded'] }),
  );
  assert.equal((await guard.judgeRequest(both('ask'))).kind, 'allow');
  assert.equal(asked.length, 1);
  assert.equal((await guard.judgeRequest(both('denied'))).kind, 'deny');
  assert.equal(asked.length, 1);
  assert.deepEqual([...guard.labels], []);
  assert.equal((await guard.judgeRequest(both('plain'))).kind, 'allow');
  assert.deepEqual([...guard.labels].toSorted(), ['decoded', 'raw']);
  assert.equal(acts.length, 3);
});

function reasonOf(verdict: Awaited<ReturnType<Guard['judge']>>): string {
  return verdict.kind === 'deny' ? verdict.reason : assert.fail('it may happen');
}

test('sessions that share one set of labels are judged under what any of them has read [CHILD-9]', async () => {
  const labels = new Set<string>();
  const seen: string[][] = [];
  const decide: Policy['decide'] = (_call, { labels: carried }) => {
    seen.push([...carried]);
    return says('allow', { labels: ['untrusted'] });
  };
  const [child, parent] = [guardWith(decide, {}, labels), guardWith(decide, {}, labels)];
  await child.guard.judge(bash('cat page'));
  await parent.guard.judge(bash('curl'));
  assert.deepEqual(seen, [[], ['untrusted']]);
});
