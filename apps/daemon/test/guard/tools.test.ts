// Claude Code's tools in canonical words. The names are those that 2.1.330 offers, and some of versions before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@holdfast/protocol/rules/call';
import { namedCall, withPaths } from '../../src/guard/claude-code/tools.ts';

const canonical = (name: string, input: Json) => {
  const { input: _input, name: _name, ...rest } = namedCall(name, input);
  return rest;
};

test('each tool says what it does in canonical words', () => {
  const table: readonly (readonly [string, Json, object])[] = [
    ['Bash', { command: 'ls', description: 'x' }, { tool: 'shell', command: 'ls' }],
    ['PowerShell', { command: 'ls' }, { tool: 'shell', command: 'ls' }],
    ['Monitor', { command: 'tail -f x', description: 'x' }, { tool: 'shell', command: 'tail -f x' }],
    ['Monitor', { ws: { url: 'wss://a.example/x' } }, { tool: 'fetch', url: 'wss://a.example/x', method: 'GET' }],
    ['Read', { file_path: 'a' }, { tool: 'read', paths: ['a'] }],
    ['Write', { file_path: 'a', content: 'b' }, { tool: 'write', paths: ['a'], text: 'b' }],
    ['Edit', { file_path: 'a', old_string: 'b', new_string: 'c' }, { tool: 'edit', paths: ['a'], text: 'c' }],
    ['NotebookEdit', { notebook_path: 'a', new_source: 'c' }, { tool: 'edit', paths: ['a'], text: 'c' }],
    ['MultiEdit', { file_path: 'a', edits: [{ new_string: 'c' }] }, { tool: 'edit', paths: ['a'], text: '[{"new_string":"c"}]' }],
    ['Grep', { pattern: 'x' }, { tool: 'search', paths: ['.'] }],
    ['Glob', { pattern: 'x', path: 'sub' }, { tool: 'search', paths: ['sub'] }],
    ['ToolSearch', { query: 'x' }, { tool: 'search' }],
    [
      'WebFetch',
      { url: 'https://a.example/', prompt: 'x' },
      { tool: 'fetch', url: 'https://a.example/', method: 'GET', text: 'x' },
    ],
    ['WebSearch', { query: 'x' }, { tool: 'fetch', text: 'x' }],
    ['Agent', { prompt: 'x', description: 'y' }, { tool: 'agent', text: 'x' }],
    ['Task', { prompt: 'x' }, { tool: 'agent', text: 'x' }],
    ['Workflow', { script: 'agent("x")' }, { tool: 'agent', text: 'agent("x")' }],
    ['CronCreate', { cron: '* * * * *', prompt: 'x' }, { tool: 'agent', text: 'x' }],
    ['SendMessage', { to: 'a', message: 'x' }, { tool: 'message', text: 'x' }],
    ['Skill', { skill: 'deploy', args: 'now' }, { tool: 'skill', text: 'deploy now' }],
    ['mcp__github__create_issue', { title: 'x' }, { tool: 'mcp', server: 'github', mcpTool: 'create_issue' }],
    ['mcp__plugin_a_b__do__it', {}, { tool: 'mcp', server: 'plugin_a_b', mcpTool: 'do__it' }],
    ['ReadMcpResourceTool', { server: 'github', uri: 'x:y' }, { tool: 'mcp', server: 'github', mcpTool: 'resources/read' }],
    ['EnterWorktree', { name: 'x' }, { tool: 'other' }],
    ['SomethingNew', { command: 'ls' }, { tool: 'other' }],
    ['constructor', {}, { tool: 'other' }],
  ];
  for (const [name, input, expected] of table) assert.deepEqual(canonical(name, input), expected, name);
});

// [GUARD-2]
test('an input that the tool would not take is no call', () => {
  const faults: readonly (readonly [string, Json])[] = [
    ['Bash', {}],
    ['Bash', { command: ['ls'] }],
    ['Bash', 'ls'],
    ['Bash', null],
    ['Bash', [{ command: 'ls' }]],
    ['Read', { file_path: 7 }],
    ['WebFetch', { prompt: 'x' }],
    ['Monitor', {}],
    ['Monitor', { ws: 'wss://a.example' }],
    ['Monitor', { ws: { url: 'wss://a.example' }, command: 'ls' }],
    ['SomethingNew', 'text'],
  ];
  for (const [name, input] of faults) assert.throws(() => namedCall(name, input), { code: 'codec_shape' }, name);
});

test('paths of an input are made absolute at their keys, and nothing else is touched', () => {
  const up = (path: string) => `/tree/${path}`;
  assert.deepEqual(withPaths('Read', { file_path: 'a', limit: 3 }, up), { file_path: '/tree/a', limit: 3 });
  assert.deepEqual(withPaths('Bash', { command: 'a', file_path: 'a' }, up), { command: 'a', file_path: 'a' });
  assert.deepEqual(withPaths('mcp__a__b', { file_path: 'a' }, up), { file_path: 'a' });
});
