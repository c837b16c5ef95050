// Rules as an operator lives with them: published while a session runs, in force at its very next act; and acts that wait until the operator has
// answered at another terminal. All processes are real; the harness is a few lines of shell that ask at the session's door as Claude Code's hooks do.

import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listenHostile, type ListeningRelay } from '../packages/testkit/src/hostile-relay.ts';
import { Installation, jsonOf, root } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { endTerminals, Terminal } from '../packages/testkit/src/terminal.ts';

interface Asked {
  readonly ask: string;
  readonly act: { readonly text: string; readonly directory?: string };
  readonly because: readonly { readonly rule: string }[];
  readonly mode: string;
}

const rules = (effect: string): string => `rules:
  force-push:
    ${effect}: shell
    command: git push
    flags: --force|-f
    reason: It rewrites what others have pulled already.
`;

/** Asks about one shell command a line of standard input, and says what it was answered. */
const harness = `
while read -r id command; do
  printf '{"hook_event_name":"PreToolUse","session_id":"c","cwd":"%s","tool_use_id":"%s","tool_name":"Bash","tool_input":{"command":"%s"}}' "$PWD" "$id" "$command" |
    curl -sS --noproxy '*' --max-time "\${WAIT:-300}" -H 'content-type: application/json' -d @- "http://127.0.0.1:\${port:=$(printf %s "$HTTP_PROXY" | sed 's/.*:\\([0-9]*\\).*/\\1/')}/v1/hook/claude-code" |
    sed "s/^/$id /"
  echo "$id done"
done`;

describe('rules and approvals', () => {
  let holdfast: Installation;
  /** Between the daemon and its relay: can go away. */
  let between: ListeningRelay;

  before(async () => {
    holdfast = await Installation.create();
    between = await listenHostile(() => holdfast.url);
    holdfast.relayUrl = between.url;
    await holdfast.settle();
  });
  after(async () => {
    await holdfast.remove();
    await between.close();
  });

  const apply = async (text: string): Promise<{ version: number; applied: boolean }> => {
    return jsonOf(await holdfast.applyRules(text));
  };
  const session = (): LiveProgram => holdfast.session(['sh', '-c', harness]);
  let count = 0;
  /** What the harness hears; `meanwhile` happens once it has asked. */
  const ask = async (program: LiveProgram, command: string, meanwhile?: () => Promise<unknown>): Promise<string> => {
    count += 1;
    const id = `t${count}`;
    program.write(`${id} ${command}\n`);
    await meanwhile?.();
    await program.waitFor(new RegExp(`^${id} done`, 'm'));
    const answer = program.said.split('\n').find((line) => line.startsWith(`${id} {`)) ?? '';
    return /"permissionDecision":"(\w+)"/.exec(answer)?.[1] ?? (answer === '' ? 'nothing' : 'no objection');
  };
  /** The operator looks again and again, as a person does, until something waits. */
  const waiting = async (): Promise<Asked> => {
    for (;;) {
      const [first] = jsonOf<{ asks: Asked[] }>(await holdfast.must(['approvals', '--json'])).asks;
      if (first !== undefined) return first;
    }
  };
  const events = async (kind: string): Promise<Record<string, unknown>[]> =>
    jsonOf<{ events: Record<string, unknown>[] }>(await holdfast.cli(['audit', 'show', '--json'])).events.filter(
      (event) => event['kind'] === kind,
    );

  it('a change of the rules holds at the very next act of a session that runs', async () => {
    const program = session();
    assert.equal(await ask(program, 'ls'), 'deny', 'a session that never got a set may only read');
    assert.deepEqual((await apply(rules('warn'))).version, 1);
    assert.equal(await ask(program, 'ls'), 'no objection');
    const { version, applied } = await apply(rules('deny'));
    assert.deepEqual([version, applied], [2, true]);
    assert.equal(await ask(program, 'git push --force'), 'deny');
    assert.equal(await ask(program, 'git push'), 'no objection');
    program.closeInput();
    await program.ended;
    const calls = await events('tool-call');
    assert.deepEqual(
      calls.map(({ allowed, rulesVersion }) => [allowed, rulesVersion]),
      [
        [false, undefined],
        [true, 1],
        [false, 2],
        [true, 2],
      ],
    );
  });

  it('an act waits, the operator approves at another terminal, and it goes on; the same again is asked again', async () => {
    await apply(rules('ask'));
    const program = session();
    let asked: Asked | undefined;
    const answer = (verdict: string) => async (): Promise<void> => {
      asked = await waiting();
      assert.equal(program.said.includes(`t${count} `), false, 'it waits');
      const ran = await holdfast.operator(['approvals', verdict, asked.ask, '--json']);
      assert.equal(
        jsonOf<{ outcome: string }>(ran).outcome,
        verdict === 'approve' ? 'allowed' : 'denied',
        ran.stdout + ran.stderr,
      );
    };
    assert.equal(await ask(program, 'git push --force', answer('approve')), 'no objection');
    assert.deepEqual([asked?.act.text, asked?.act.directory, asked?.mode], ['git push --force', holdfast.work, 'sealed']);
    assert.deepEqual(
      asked?.because.map(({ rule }) => rule),
      ['force-push'],
    );
    assert.equal(await ask(program, 'git push --force', answer('approve')), 'no objection');
    assert.equal(await ask(program, 'git push --force', answer('deny')), 'deny');
    assert.equal(await ask(program, 'git push --force'), 'deny', 'a no stands for a while');
    program.closeInput();
    await program.ended;
    const outcomes = (await events('answered')).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['allowed', 'allowed', 'denied', 'denied']);
    assert.equal((await events('answered'))[0]?.['device'] !== undefined, true);
  });

  it('an operator who follows at a terminal answers each act there with a whole word, and holds the key in that one process', async () => {
    const follow = [process.execPath, path.join(root, 'apps/cli/src/main.ts'), 'approvals', '--follow'];
    const terminal = await Terminal.open(follow, { cwd: holdfast.work, environment: holdfast.environment, columns: 160 });
    try {
      await terminal.waitFor(/Passphrase of the operator key/);
      await terminal.after(() => terminal.type('correct horse battery staple'), /waiting for asks/);
      const program = session();
      const shown = (id: string) => terminal.waitFor(new RegExp(`git push --force origin ${id}[^]*◆ {2}Type approve or deny`));
      const typed = (word: string, said: RegExp) => async (): Promise<void> => {
        await shown(word);
        // A word that is none, then the one that is.
        await terminal.after(() => terminal.type('y'), /◆ {2}Type approve or deny/);
        assert.equal(program.said.includes(`t${count} `), false, 'it still waits');
        await terminal.after(() => terminal.type(word), said);
      };
      assert.equal(await ask(program, 'git push --force origin approve', typed('approve', /approved, once/)), 'no objection');
      assert.equal(await ask(program, 'git push --force origin deny', typed('deny', /denied/)), 'deny');
      // Two that wait at once: each is shown and answered, one after the other.
      const other = session();
      const prompt = /origin (?:first|second)[^]*◆ {2}Type approve or deny/;
      await terminal.after(() => {
        program.write('this git push --force origin first\n');
        other.write('other git push --force origin second\n');
      }, prompt);
      await terminal.after(() => terminal.type('approve'), new RegExp(`approved, once[^]*${prompt.source}`));
      await terminal.after(() => terminal.type('approve'), /approved, once/);
      await Promise.all([program.waitFor(/^this done/m), other.waitFor(/^other done/m)]);
      assert.doesNotMatch(program.said + other.said, /"permissionDecision":"deny".*\n(?:this|other) done/);
      other.closeInput();
      await other.ended;
      program.closeInput();
      await program.ended;
      assert.ok(!terminal.text.includes('correct horse'), 'what is typed for a passphrase is not shown');
      terminal.press('ctrlC');
      await terminal.program.ended;
    } finally {
      await endTerminals();
    }
  });

  it('whoever waits and leaves is not waited for, and nothing of the session can answer', async () => {
    const program = session();
    program.write('late git push -f origin main\n');
    const asked = await waiting();
    program.kill('SIGKILL');
    await program.ended;
    let ran = await holdfast.operator(['approvals', 'approve', asked.ask, '--json']);
    while (ran.code === 0 && jsonOf<{ outcome?: string }>(ran).outcome === undefined)
      ran = await holdfast.operator(['approvals', 'approve', asked.ask, '--json']);
    assert.equal(ran.code, 1, ran.stdout);
    assert.equal((await events('answered')).at(-1)?.['outcome'], 'withdrawn');
  });

  it('without a relay it is denied at once', async () => {
    const program = session();
    assert.equal(await ask(program, 'git push'), 'no objection'); // it runs
    between.relay.script = {
      answer: (_frame, line) => {
        line.cut();
        return [];
      },
    };
    between.relay.cut();
    assert.equal(await ask(program, 'git push --force origin x'), 'deny');
    assert.equal((await events('answered')).at(-1)?.['outcome'], 'unasked');
    assert.equal(await ask(program, 'git push'), 'no objection', 'the rules that were last received stay in force');
    between.relay.script = {};
    program.closeInput();
    await program.ended;
  });

  it('bedrock is in the context of the next session and listed on the machine', async () => {
    const said = 'This repository deploys on Fridays only.';
    const { applied } = jsonOf<{ applied: boolean }>(await holdfast.must(['bedrock', 'add', said, '--json']));
    const listed = async (): Promise<string[]> =>
      jsonOf<{ texts: { text: string }[] }>(await holdfast.cli(['bedrock', 'list', '--json'])).texts.map(({ text }) => text);
    if (applied) assert.deepEqual(await listed(), [said]);
    while ((await listed()).length === 0); // the daemon finds its way back to the relay by itself
    assert.deepEqual(await listed(), [said]);
  });

  it('neither rules nor bedrock nor asks lie in the clear in the home, relay included', async () => {
    const said = ['It rewrites what others have pulled already.', 'This repository deploys on Fridays only.', 'git push --force'];
    const files = (await readdir(holdfast.home, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    assert.ok(files.length > 5);
    for (const file of files) {
      const content = await readFile(path.join(file.parentPath, file.name));
      for (const each of said) assert.equal(content.includes(each), false, `${each} in ${file.name}`);
    }
  });

  it('rules test tells what other rules would have done to all of this', async () => {
    const file = path.join(holdfast.folder, 'stricter.yaml');
    await writeFile(file, rules('deny').replace('    flags: --force|-f\n', '').replace('force-push', 'no-push'));
    const { history } = jsonOf<{ history: { calls: number; stopped: { act: string; rules: string[] }[] } }>(
      await holdfast.cli(['rules', 'test', file, '--json']),
    );
    assert.ok(history.calls >= 9);
    assert.deepEqual([...new Set(history.stopped.flatMap((each) => each.rules))], ['no-push']);
    assert.ok(history.stopped.some(({ act }) => act === '{"command":"git push"}'));
  });
});
