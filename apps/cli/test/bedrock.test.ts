// `holdfast bedrock …` against a real relay: signed, listed as the operator has it and as this machine has it, and refused when it can't be told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli, newHome, playDoor } from './cli.ts';
import { operatorAt } from './operator-at.ts';

// [CLI-23]
test('bedrock add, list, edit, remove', async (t) => {
  const operator = await operatorAt(t);
  const added = operator.json<{ bedrock: string; text: string; applied: boolean }>(
    await operator.run(['bedrock', 'add', 'Deploys on Fridays only.', '--json']),
  );
  assert.match(added.bedrock, /^[0-9a-f]{32}$/);
  assert.deepEqual([added.text, added.applied], ['Deploys on Fridays only.', false]);
  operator.json(await operator.run(['bedrock', 'add', '-', '--json'], { input: 'Second,\n\ton two lines.\n' }));
  const list = operator.json<{ view: string; version: number; texts: { bedrock: string; text: string }[] }>(
    await operator.run(['bedrock', 'list', '--json']),
  );
  assert.deepEqual([list.view, list.version], ['operator', 2]);
  assert.deepEqual(
    list.texts.map(({ text }) => text),
    ['Deploys on Fridays only.', 'Second,\n\ton two lines.'],
  );
  const shown = await operator.run(['bedrock', 'list']);
  assert.match(shown.stdout, /Second,\\u\{a\}\\u\{9\}on two lines\./);
  const edited = operator.json<{ bedrock: string; before: string; text: string }>(
    await operator.run(['bedrock', 'edit', added.bedrock.slice(0, 8), 'Deploys on Mondays only.', '--json']),
  );
  assert.deepEqual([edited.before, edited.text], [added.bedrock, 'Deploys on Mondays only.']);
  const after = operator.json<typeof list>(await operator.run(['bedrock', 'list', '--json']));
  assert.deepEqual(
    after.texts.map(({ text }) => text).toSorted((a, b) => a.localeCompare(b)),
    ['Deploys on Mondays only.', 'Second,\n\ton two lines.'],
  );
  const gone = await operator.run(['bedrock', 'edit', added.bedrock, 'again', '--json']);
  assert.deepEqual([gone.code, operator.code(gone)], [1, 'bedrock_unknown']);
  const removed = operator.json<{ text: string }>(
    await operator.run(['bedrock', 'remove', edited.bedrock.slice(0, 8), '--json']),
  );
  assert.equal(removed.text, 'Deploys on Mondays only.');
  const unknown = await operator.run(['bedrock', 'remove', added.bedrock, '--json']);
  assert.deepEqual([unknown.code, operator.code(unknown)], [1, 'bedrock_unknown']);
});

// [CLI-23]
test('bedrock: what cannot be told is refused before a passphrase is asked for', async (t) => {
  const home = newHome(t);
  for (const text of ['', '   ', 'a\u001b[2J', 'a\u202eb', 'x'.repeat(8001)]) {
    const ran = await cli(['bedrock', 'add', text, '--json'], { home });
    assert.equal(ran.code, 2, JSON.stringify(text));
    assert.equal((JSON.parse(ran.stdout) as { error: { code: string } }).error.code, 'usage');
    assert.equal((await cli(['bedrock', 'edit', '12345678', text, '--json'], { home })).code, 2);
  }
  const short = await cli(['bedrock', 'remove', '1234', '--json'], { home });
  assert.equal(short.code, 2);
});

// [CLI-23]
test('bedrock list without a passphrase is what this machine’s daemon knows', async (t) => {
  const { home, heard } = await playDoor(t, (_request, guest) =>
    guest.finish({
      kind: 'rules',
      agent: new Uint8Array(16).fill(1),
      fleet: new Uint8Array(32).fill(2),
      bedrock: { version: 3, texts: [{ id: new Uint8Array(16).fill(5), text: 'evil \u001b[2J', addedAtMs: 6 }] },
    }),
  );
  const asked = await cli(['bedrock', 'list', '--agent', 'ci', '--json'], { home });
  assert.deepEqual(JSON.parse(asked.stdout), {
    view: 'machine',
    version: 3,
    texts: [{ bedrock: '05'.repeat(16), text: 'evil \u001b[2J', addedAtMs: 6 }],
  });
  assert.deepEqual(heard[0], { kind: 'rules', agent: 'ci' });
  const people = await cli(['bedrock', 'list'], { home });
  assert.equal(people.stdout, '05050505  evil \\u{1b}[2J\n');
});
