import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HoldfastError } from '@holdfast/protocol/errors';
import { faultOf } from '../../src/fault.ts';

const caught = (work: () => void): unknown => {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
};

// [DOOR-9]
test('what the log says of a fault holds no path and nothing of its message', () => {
  const secret = 'sk-live-in-a-message';
  const faults = [
    caught(() => readFileSync(`/nowhere/${secret}`)),
    caught(() => void JSON.parse(`{"${secret}`)),
    new Error(`${secret}\n    at ${secret} (/home/${secret}/x)\n    at f (/home/someone/${secret}:1:1)`),
    Object.assign(new Error(secret), { name: `/${secret}`, code: `/${secret}` }),
    new HoldfastError('internal', secret, { cause: new Error(secret) }),
    secret,
    { message: secret },
    undefined,
  ];
  for (const fault of faults) {
    const said = JSON.stringify(faultOf(fault));
    assert.doesNotMatch(said, /sk-live/);
    assert.doesNotMatch(said, /\//);
  }
});

test('and still says what it was and where', () => {
  const { fault, errno, at = '' } = faultOf(caught(() => readFileSync('/nowhere')));
  assert.equal(fault, 'Error');
  assert.equal(errno, 'ENOENT');
  assert.match(at, /fault\.test\.ts:\d+/);
  assert.deepEqual(faultOf('text'), { fault: 'string' });
});
