// The last Claude Code that knows no `onFailure`: a guard that fails would let everything pass there. It is not started, and where another program
// starts it, it refuses by itself, as the managed settings tell it. spec/guard.md [GUARD-10], [GUARD-11].

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Installation } from '../../packages/testkit/src/installation.ts';
import { Person } from './by-hand.ts';
import { play } from './rig.ts';

const older = process.env['HOLDFAST_CLAUDE_OLDER'] ?? '';
const script = [{ tool: 'Bash', input: { command: 'touch ran', description: 'makes a file' } }];
const words = ['-p', 'Go on.', '--output-format', 'stream-json', '--verbose', '--allowedTools', 'Bash'];

describe('a Claude Code that is too old', { skip: older === '' && 'npm run e2e:claude fetches it' }, () => {
  it('is not started', async (t) => {
    const holdfast = await Installation.create();
    t.after(() => holdfast.remove());
    await holdfast.settle();
    await holdfast.applyRules('rules: {}\n');
    const ran = await holdfast.run([older, ...words]);
    assert.equal(ran.code, 125, ran.stdout + ran.stderr);
    assert.match(ran.stderr, /version 2\.1\.294.*harness_unfit/s);
    assert.ok(!existsSync(path.join(holdfast.work, 'ran')));
  });

  it('refuses by itself where a program starts it that tells nothing of it', async (t) => {
    const played = await play(t, { script, command: ['sh', '-c', '"$0" "$@"; echo "ended $?"', older, ...words] });
    assert.match(played.output, /ended 1/);
    assert.match(played.output + played.errors, /2\.1\.294 is older than the minimum version/);
    assert.deepEqual([played.requests.length, played.exists('ran')], [0, false]);
  });

  // [GUARDED-5]
  it('started by hand it asks like any other, and is called what it is: one that acts when its guard fails', async (t) => {
    const holdfast = await Installation.create();
    t.after(() => holdfast.remove());
    await holdfast.settle();
    await holdfast.applyRules('rules:\n  no-touch:\n    deny: shell\n    command: touch\n    reason: Not here.\n');
    const person = new Person(holdfast, 'ada');
    assert.equal((await person.holdfast(['plugin', 'install'])).code, 0);
    let said = '';
    await person.claude(script, {
      program: older,
      onRequest: async (nth) => {
        if (nth === 2) said = (await holdfast.cli(['status'])).stdout;
      },
    });
    assert.ok(!existsSync(path.join(person.tree, 'ran')));
    assert.match(said, /guarded +claude-code 2\.1\.294, fails open below 2\.1\.295/);
    assert.match(said, /lets acts pass when its guard fails/);
    await holdfast.stop();
    await person.claude(script, { program: older });
    assert.ok(existsSync(path.join(person.tree, 'ran')), 'absent, and said to be');
  });
});
