// The plugin in the real Claude Code: its own validator takes it, and in a sealed session the commands are there without installing anything.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root, runProgram } from '../../packages/testkit/src/installation.ts';
import { play } from './rig.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';

test('Claude Code’s own validator takes it, and has nothing to say about it', async (t) => {
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-validate-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const environment = { PATH: process.env['PATH'], HOME: home };
  const ran = await runProgram(claude, ['plugin', 'validate', path.join(root, 'plugin'), '--strict'], environment);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  for (const skill of ['rules', 'status', 'vault']) assert.match(ran.stdout, new RegExp(`skills: holdfast:${skill}\\b`));
});

test('in a sealed session its commands are there, and lead the model to tools that answer', async (t) => {
  const played = await play(t, {
    prompt: '/holdfast:status',
    script: [
      { tool: 'ToolSearch', input: { query: 'select:mcp__plugin_holdfast_holdfast__whoami', max_results: 3 } },
      { tool: 'mcp__plugin_holdfast_holdfast__whoami', input: {} },
    ],
  });
  assert.equal(played.code, 0, played.errors);
  const begun = played.output.split('\n').find((line) => line.includes('"subtype":"init"')) ?? '';
  const { skills } = JSON.parse(begun) as { skills: readonly string[] };
  assert.deepEqual(skills.filter((name) => name.startsWith('holdfast:')).toSorted(), [
    'holdfast:rules',
    'holdfast:status',
    'holdfast:vault',
  ]);
  assert.match(played.requests.map(({ body }) => body.toString('utf8')).join('\n'), /Call the tools `whoami` and `rules_status`/);
  assert.match(played.results.join('\n'), /the rig/);
  assert.deepEqual(
    played.acts.map(({ call, allowed }) => [call.tool, allowed]),
    [
      ['skill', true],
      ['search', true],
      ['mcp', true],
    ],
  );
});
