// Bedrock reaches every context, once, and again when it has changed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BedrockContext, type BedrockNow } from '../../src/guard/bedrock.ts';

function following(first: BedrockNow) {
  let now = first;
  const bedrock = new BedrockContext(() => now);
  return { bedrock, become: (next: BedrockNow) => (now = next) };
}

const friday = 'This repo deploys on Fridays only.';

// [GUARD-9]
test('a context begins with it, quoted as the operators’; a turn repeats nothing', () => {
  const { bedrock } = following({ version: 4, texts: [friday, 'Say "please".\n- Or not.'] });
  const told = bedrock.forStart('c', 'SessionStart');
  assert.equal(
    told,
    [
      'Holdfast: statements signed by the operators of this fleet, version 4. They hold until a later version replaces them all.',
      '- "This repo deploys on Fridays only."',
      '- "Say \\"please\\".\\n- Or not."',
    ].join('\n'),
  );
  assert.equal(bedrock.forTurn('c'), undefined);
  assert.equal(bedrock.forStart('c', 'SessionStart'), told, 'after a compaction');
  assert.equal(bedrock.forStart('c', 'SubagentStart'), told);
});

// [GUARD-9]
test('a context that is made anew and asks for nothing hears it at its next turn', () => {
  const { bedrock } = following({ version: 4, texts: [friday] });
  const told = bedrock.forStart('c', 'SessionStart');
  bedrock.forget('c');
  assert.equal(bedrock.forTurn('c'), told);
  assert.equal(bedrock.forTurn('c'), undefined);
  bedrock.forget('c');
  assert.equal(bedrock.forStart('c', 'SessionStart'), told);
  assert.equal(bedrock.forTurn('c'), undefined, 'not twice');
});

// [GUARD-9]
test('a change is told at the next turn, once for each conversation', () => {
  const { bedrock, become } = following({ version: 1, texts: [friday] });
  bedrock.forStart('c', 'SessionStart');
  become({ version: 2, texts: ['Never on Fridays.'] });
  assert.match(bedrock.forTurn('c') ?? '', /version 2\..*\n- "Never on Fridays\."$/s);
  assert.equal(bedrock.forTurn('c'), undefined);
  become({ version: 3, texts: [] });
  assert.match(bedrock.forTurn('c') ?? '', /withdrawn all/);
  assert.equal(bedrock.forTurn('c'), undefined);
});

test('a start that was never heard of is made up for at the first turn', () => {
  const { bedrock } = following({ version: 1, texts: [friday] });
  assert.match(bedrock.forTurn('c') ?? '', /Fridays/);
  assert.equal(bedrock.forTurn('c'), undefined);
});

test('what a sub-agent hears its parent has not heard', () => {
  const { bedrock, become } = following({ version: 1, texts: [friday] });
  bedrock.forStart('c', 'SessionStart');
  become({ version: 2, texts: ['Other.'] });
  bedrock.forStart('c', 'SubagentStart');
  assert.match(bedrock.forTurn('c') ?? '', /Other/);
});

test('without bedrock nothing is said', () => {
  const { bedrock } = following({ version: 0, texts: [] });
  assert.equal(bedrock.forStart('c', 'SessionStart'), undefined);
  assert.equal(bedrock.forTurn('d'), undefined);
});
