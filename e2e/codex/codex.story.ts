// The real Codex in a sealed session, driven by a stand-in model: the same rules, the same record and the same broker as for any other harness.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf, type Ran } from '../../packages/testkit/src/installation.ts';
import type { Origin } from '../../packages/testkit/src/origin.ts';
import { startResponsesServer } from '../../packages/testkit/src/responses-server.ts';

const codex = process.env['HOLDFAST_CODEX'] ?? '';
const modelKey = 'sk-canary-71d0c3a95e8b46f2';

const rules = `packs: [supply-chain]
rules:
  no-denied:
    deny: shell
    command: touch
    unless:
      - args: allowed
    reason: Only one file may be made.
    instead: touch allowed
  read-notes:
    deny: read
    paths: ['notes.txt']
    reason: The notes are private.
`;

describe('the real Codex in a sealed session', () => {
  let installation: Installation;
  let model: Origin;
  let ran: Ran;

  before(async () => {
    installation = await Installation.create();
    const shell = (cmd: string) => ({ tool: 'exec_command', input: { cmd } });
    const tree = installation.work;
    writeFileSync(path.join(tree, 'notes.txt'), 'private\n');
    model = await startResponsesServer([
      shell('touch allowed'),
      shell('touch denied'),
      shell('sh -c "touch wrapped"'),
      shell('cat notes.txt'),
      { tool: 'view_image', input: { path: path.join(tree, 'notes.txt') } },
      shell('env'),
      shell('npm ci'),
    ]);
    await installation.settle();
    await installation.giveCredential('model', modelKey, model, { paths: ['/v1/**'], env: 'CODEX_MODEL_KEY' });
    await installation.applyRules(rules);
    const provider = `{name="stand-in",base_url="https://localhost:${model.port}/v1",wire_api="responses",env_key="CODEX_MODEL_KEY"}`;
    const settings = ['model_provider="mock"', `model_providers.mock=${provider}`, 'model="stand-in"'].flatMap((each) => [
      '-c',
      each,
    ]);
    const words = [
      'exec',
      '--json',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      ...settings,
      'Go on.',
    ];
    ran = await installation.cli(['run', '--', codex, ...words], { cwd: tree, timeoutMs: 120_000 });
  });

  after(async () => {
    await installation.remove();
    await model.close();
  });

  const made = (name: string) => existsSync(path.join(installation.work, name));
  const told = () => model.seen.map(({ body }) => body.toString('utf8')).join('\n');

  it('runs to its end, with its model’s key a credential that it never had', () => {
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.ok(model.seen.length >= 8, ran.stdout + ran.stderr);
    assert.ok(model.seen.every(({ headers }) => headers['authorization'] === `Bearer ${modelKey}`));
    assert.match(told(), /CODEX_MODEL_KEY=hf_/);
    assert.ok(!told().includes(modelKey) && !ran.stdout.includes(modelKey));
  });

  it('does what rules allow, and nothing that they deny, however it is wrapped', () => {
    assert.ok(made('allowed'));
    assert.ok(!made('denied') && !made('wrapped'));
    assert.ok(!told().includes('private\\n'));
  });

  it('tells the model why, and what to do instead', () => {
    assert.match(told(), /Only one file may be made\. \(rule no-denied\) Instead: touch allowed/);
  });

  it('has what a rule would rewrite asked for anew: Codex would take the rewrite for leave [GUARD-18]', () => {
    assert.match(told(), /another form only\.[^\n]*npm ci --ignore-scripts/);
  });

  it('recorded each act as reported, with its verdict', async () => {
    const { events } = jsonOf<{ events: { kind: string; harness?: string; allowed?: boolean; effect?: string }[] }>(
      await installation.cli(['audit', 'show', '--json']),
    );
    const acts = events.filter(({ kind, harness }) => kind === 'tool-call' && harness === 'codex');
    assert.equal(acts.length, 7);
    assert.equal((await installation.cli(['audit', 'verify'])).code, 0);
  });
});
