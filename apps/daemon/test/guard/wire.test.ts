// What Claude Code's hooks send, and what they must not get away with: sizes, depths, types and names.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxEventDepth, readEvent } from '../../src/guard/claude-code/wire.ts';

const common = { session_id: 's', cwd: '/tree' };
const bash = {
  ...common,
  hook_event_name: 'PreToolUse',
  tool_use_id: 'toolu_1',
  tool_name: 'Bash',
  tool_input: { command: 'ls' },
};

test('an act is read with its id, its name, its input and who acts; new fields of a harness do not disturb', () => {
  assert.deepEqual(readEvent({ ...bash, agent_id: 'a1', agent_type: 'Explore', effort: { level: 'high' } }), {
    kind: 'act',
    event: 'PreToolUse',
    conversation: 's',
    directory: '/tree',
    subAgent: { id: 'a1', type: 'Explore' },
    id: 'toolu_1',
    name: 'Bash',
    input: { command: 'ls' },
  });
});

// [GUARD-1]
test('what is out of form is no event', () => {
  const shapes: unknown[] = [
    null,
    [],
    'text',
    {},
    { ...bash, session_id: undefined },
    { ...bash, session_id: 7 },
    { ...bash, cwd: 'relative' },
    { ...bash, cwd: '' },
    { ...bash, tool_name: '' },
    { ...bash, tool_use_id: undefined },
    { ...bash, tool_input: undefined },
    { ...bash, agent_id: {} },
    Object.create(bash),
  ];
  for (const shape of shapes) assert.throws(() => readEvent(shape), { code: 'codec_shape' }, JSON.stringify(shape));
  for (const key of ['session_id', 'tool_name', 'tool_use_id', 'agent_id'])
    assert.throws(() => readEvent({ ...bash, [key]: 'x'.repeat(257) }), { code: 'codec_limit' }, key);
  assert.throws(() => readEvent({ ...bash, cwd: `/${'x'.repeat(4096)}` }), { code: 'codec_limit' });
});

// [GUARD-1]
test('depth is bounded, however it is made', () => {
  const nested = (depth: number, wrap: (value: unknown) => unknown): unknown => {
    let value: unknown = 1;
    for (let count = 0; count < depth; count += 1) value = wrap(value);
    return value;
  };
  for (const wrap of [(value: unknown) => [value], (value: unknown) => ({ value })]) {
    assert.equal(readEvent({ ...bash, tool_input: nested(maxEventDepth - 1, wrap) }).kind, 'act');
    for (const depth of [maxEventDepth, 10_000, 200_000])
      assert.throws(() => readEvent({ ...bash, tool_input: nested(depth, wrap) }), { code: 'codec_limit' });
  }
});

// [GUARD-2]
test('an event that is not known does not happen', () => {
  for (const event of ['PreToolUse2', 'WorktreeCreate', 'constructor', '__proto__', 'pretooluse'])
    assert.throws(() => readEvent({ ...bash, hook_event_name: event }), { code: 'codec_shape' }, event);
  for (const event of ['Stop', 'PreCompact', 'SessionEnd'])
    assert.equal(readEvent({ ...common, hook_event_name: event }).kind, 'told', event);
});
