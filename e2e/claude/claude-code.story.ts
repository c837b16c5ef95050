// The real Claude Code in a sealed session, driven by a stand-in model: its shell call uses a credential that it never had, the model's own key is one
// more credential that it never had, and what the operator's rules deny does not happen.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksIn } from '../../packages/testkit/src/canary.ts';
import { Installation, type Ran } from '../../packages/testkit/src/installation.ts';
import { startModelServer } from '../../packages/testkit/src/model-server.ts';
import { echoAnswer, startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';
import { quiet } from './quiet.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';
const modelKey = 'sk-ant-canary-5b1f6c2e9d7a4803';
const rules =
  'rules:\n  no-touch:\n    deny: shell\n    command: touch\n    opaque: allow\n    reason: Nothing is touched here.\n';
const serviceKey = 'service-canary-27c4e81f03ab5d96';

describe('the real Claude Code in a sealed session', () => {
  let installation: Installation;
  let service: Origin;
  let model: Origin;
  let ran: Ran;
  let tree: string;

  before(async () => {
    installation = await Installation.create();
    service = await startOrigin(echoAnswer);
    const command = `curl -sS https://localhost:${service.port}/v1/from-claude; env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'`;
    model = await startModelServer([
      { tool: 'Bash', input: { command, description: 'asks the service and looks around' } },
      { tool: 'Bash', input: { command: 'touch denied', description: 'makes a file' } },
      {
        tool: 'ToolSearch',
        input: {
          query: 'select:mcp__plugin_holdfast_holdfast__whoami,mcp__plugin_holdfast_holdfast__http_request',
          max_results: 5,
        },
      },
      { tool: 'mcp__plugin_holdfast_holdfast__whoami', input: {} },
      { tool: 'mcp__plugin_holdfast_holdfast__http_request', input: { url: `https://localhost:${service.port}/v1/by-tool` } },
    ]);
    await installation.start();
    await installation.operator(['init', '--name', 'claude']);
    await installation.enrol('main');
    await installation.applyRules(rules);
    await installation.must(['bedrock', 'add', 'This repo deploys on Fridays only.']);
    await add('service', service, ['--attach', 'bearer', '--path', '/v1/**', '--env', 'SERVICE_TOKEN'], serviceKey);
    await add('model', model, ['--attach', 'header:x-api-key', '--env', 'ANTHROPIC_API_KEY'], modelKey);
    tree = path.join(installation.folder, 'tree');
    mkdirSync(tree);
    const environment = {
      ANTHROPIC_BASE_URL: `https://localhost:${model.port}`,
      ...quiet,
    };
    const passed = Object.keys(environment).flatMap((name) => ['--pass-env', name]);
    const prompt = [
      '-p',
      'Ask the service who we are.',
      '--output-format',
      'stream-json',
      '--verbose',
      '--allowedTools',
      'Bash',
      'mcp__plugin_holdfast_holdfast__http_request',
    ];
    ran = await installation.cli(['run', ...passed, '--', claude, ...prompt], { cwd: tree, environment, timeoutMs: 90_000 });
  });

  after(async () => {
    await installation.remove();
    await Promise.all([service.close(), model.close()]);
  });

  async function add(name: string, origin: Origin, terms: readonly string[], secret: string): Promise<void> {
    const ca = path.join(installation.folder, `${name}.pem`);
    writeFileSync(ca, origin.caPem);
    const added = await installation.operator(
      ['vault', 'add', name, '--host', `localhost:${origin.port}`, '--allow-private', '--ca', ca, ...terms],
      { input: secret },
    );
    assert.equal(added.code, 0, added.stderr);
    const granted = await installation.operator(['vault', 'grant', name, '--to', 'main']);
    assert.equal(granted.code, 0, granted.stderr);
  }

  it('runs to its end', () => {
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /"subtype":"success"/);
  });

  it('gives the service the real credential', () => {
    assert.deepEqual(
      service.seen.map(({ url, headers }) => [url, headers['authorization']]),
      [
        ['/v1/from-claude', `Bearer ${serviceKey}`],
        ['/v1/by-tool', `Bearer ${serviceKey}`],
      ],
    );
  });

  it('gives the model its key, in every request', () => {
    const asked = model.seen.filter(({ url }) => url.startsWith('/v1/messages'));
    assert.ok(asked.length >= 2);
    assert.ok(asked.every(({ headers }) => headers['x-api-key'] === modelKey));
  });

  it('shows the model neither secret: not in its requests, not in what the shell printed', () => {
    const told = model.seen.map(({ body }) => body.toString('utf8')).join('\n');
    assert.match(told, /SERVICE_TOKEN=hf_/);
    assert.match(told, /authorization.{1,5}Bearer /, 'the service repeated what it was sent');
    assert.match(ran.stdout, /Done for /, 'and so did the model');
    for (const secret of [serviceKey, modelKey]) assert.deepEqual(leaksIn(told + ran.stdout, secret), []);
  });

  it('does not do what the operator’s rules deny, and is told why', () => {
    assert.ok(!existsSync(path.join(tree, 'denied')));
    const told = model.seen.map(({ body }) => body.toString('utf8')).join('\n');
    assert.match(told, /Holdfast: This is not allowed\. Nothing is touched here\. \(rule no-touch\)/);
  });

  // [MCP-6]
  it('has Holdfast’s tools without installing them: who it is, and a request with a credential that it does not see', () => {
    const told = model.seen.map(({ body }) => body.toString('utf8')).join('\n');
    assert.match(told, /\\"scope\\":\\"main\\",\\"mode\\":\\"sealed\\"/);
    assert.match(told, /\\"status\\":200,/);
  });

  // [GUARD-9]
  it('tells the model what the operators signed, from the first request on', () => {
    const asked = model.seen.filter(({ url }) => url.startsWith('/v1/messages')).map(({ body }) => body.toString('utf8'));
    assert.ok(asked.every((body) => /signed by the operators of this fleet, version 1\..*deploys on Fridays only/s.test(body)));
  });

  // [GUARD-3]
  it('recorded each act, under the rules in force', async () => {
    const shown = await installation.cli(['audit', 'show', '--json']);
    const { events } = JSON.parse(shown.stdout) as { events: Record<string, unknown>[] };
    const acts = events.filter(({ kind }) => kind === 'tool-call');
    assert.deepEqual(
      acts.map(({ name, label, allowed, rules: matched, rulesVersion }) => [name, label, allowed, matched, rulesVersion]),
      [
        ['Bash', 'reported', true, [], 1],
        ['Bash', 'reported', false, ['no-touch'], 1],
        ['ToolSearch', 'reported', true, [], 1],
        ['mcp__plugin_holdfast_holdfast__whoami', 'reported', true, [], 1],
        ['mcp__plugin_holdfast_holdfast__http_request', 'reported', true, [], 1],
      ],
    );
    assert.match(String(acts[0]?.['act']), /curl -sS https:\/\/localhost/);
  });

  it('recorded each use, and the record holds', async () => {
    const shown = await installation.cli(['audit', 'show', '--json']);
    const { events } = JSON.parse(shown.stdout) as { events: { kind: string; name?: string }[] };
    const minted = events.filter(({ kind }) => kind === 'minted').map(({ name }) => name);
    assert.equal(minted.filter((name) => name === 'service').length, 2);
    assert.equal(
      minted.filter((name) => name === 'model').length,
      model.seen.filter(({ url }) => url.startsWith('/v1/messages')).length,
    );
    assert.equal((await installation.cli(['audit', 'verify'])).code, 0);
  });
});
