// Children in sealed sessions of their own: `holdfast run --child`, from inside a session and from outside. What a child gets of its parent's is seen from the
// services' side and in the record; what an agent tries to get beyond it, from inside.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { presentationVerifier, type FleetRoot } from '@holdfast/verify';
import { Installation, jsonOf, root, type Ran } from '../packages/testkit/src/installation.ts';
import { share } from '../packages/testkit/src/shares.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { patienceMs } from '../packages/testkit/src/patience.ts';

interface Event {
  readonly kind: string;
  readonly session?: string;
  readonly child?: string;
  readonly code?: string;
  readonly name?: string;
  readonly why?: string;
}

const main = path.join(root, 'apps/cli/src/main.ts');
const quoted = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
/** `holdfast run --child … -- COMMAND`, as a line of a shell inside a session. */
const childLine = (terms: readonly string[], command: readonly string[]): string =>
  quoted([process.execPath, main, 'run', '--child', ...terms, '--', ...command]);

describe('a child in a sealed session of its own', () => {
  let holdfast: Installation;
  let demo: Origin;
  let other: Origin;

  /** A shell in a session of the agent's. */
  const session = (line: string): Promise<Ran> => holdfast.run(['sh', '-c', line]);
  const events = async (): Promise<readonly Event[]> =>
    jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
  const get = ({ host, port }: Origin, variable: string): string =>
    `curl -sS -o /dev/null -w '%{http_code} ' -H "authorization: Bearer $${variable}" https://${host}:${port}/v1/me`;

  before(async () => {
    holdfast = await Installation.create();
    [demo, other] = await Promise.all([startOrigin(), startOrigin()]);
    await holdfast.start();
    await holdfast.must(['init', '--name', 'test fleet', '--json']);
    await holdfast.enrol('main', holdfast, ['--may', 'read', '--may', 'deploy']);
    await holdfast.giveCredential('demo', 'a-secret-for-the-demo-service', demo, { env: 'DEMO_TOKEN' });
    await holdfast.giveCredential('other', 'a-secret-for-another-service', other, { env: 'OTHER_TOKEN' });
  });
  after(async () => {
    await holdfast?.remove();
    await Promise.all([demo?.close(), other?.close()]);
  });

  it("uses what it was given of its parent's, and nothing else; the record names it [CHILD-4] [CHILD-7] [AGENT-DOOR-10]", async () => {
    const look = `${get(demo, 'DEMO_TOKEN')}; ${get(other, 'OTHER_TOKEN')}; echo "[$OTHER_TOKEN]"; curl -sS $HOLDFAST_DOOR/v1/status`;
    const ran = await session(
      `${get(other, 'OTHER_TOKEN')}; ${childLine(['--only', 'read,vault:use:demo'], ['sh', '-c', look])}`,
    );
    assert.match(ran.stdout, /^200 200 (?:000|403) ?\[\]\n\{.*"child":"[0-9a-f]{32}"/, ran.stdout + ran.stderr);
    assert.equal(demo.seen.at(-1)?.headers['authorization'], 'Bearer a-secret-for-the-demo-service');
    assert.equal(other.seen.length, 1, 'the parent alone');
    const { child } = JSON.parse(ran.stdout.split('\n').at(-2) ?? '') as { child: string };
    const all = await events();
    const own = new Set(
      all.filter((event) => event.child === child && event.kind === 'session-start').map((event) => event.session),
    );
    assert.equal(own.size, 1);
    const [itsOwn] = own;
    const acts = all.filter((event) => event.session === itsOwn);
    assert.ok(acts.length >= 6 && acts.every((event) => event.child === child), JSON.stringify(acts));
    for (const kind of ['minted', 'consumed', 'credentialed', 'refused', 'session-end'])
      assert.ok(
        acts.some((event) => event.kind === kind),
        kind,
      );
    const order = all.filter((event) => event.child === child).map(({ kind }) => kind);
    assert.deepEqual([order[0], order.includes('child-end')], ['delegated', true]);
    assert.ok(!all.some((event) => event.kind === 'minted' && event.child === undefined && event.name === 'demo'));
  });

  it("has its parent's working tree, a home of its own that is gone with it, and no more than its parent sees [CHILD-8] [SANDBOX-18]", async () => {
    const outside = path.join(holdfast.folder, 'outside');
    await mkdir(outside);
    await writeFile(path.join(outside, 'program'), '#!/bin/sh\necho out\n', { mode: 0o755 });
    const line = [
      'echo parent > tree-file; echo parent > ~/home-file',
      childLine(['--only', ''], ['sh', '-c', 'cat tree-file; ls ~; echo child > ~/planted; echo child >> tree-file; pwd']),
      'cat tree-file; ls ~',
      `ln -s ${outside}/program ./link; mkdir -p elsewhere; cd elsewhere`,
      childLine(['--only', ''], [`${outside}/program`]),
      childLine(['--only', ''], ['./link']),
      childLine(['--only', ''], [`${outside}/absent`]),
    ].join('; ');
    const ran = await session(line);
    assert.equal(ran.stdout, `parent\n${holdfast.work}\nparent\nchild\nhome-file\n`, ran.stderr);
    const said = ran.stderr.split('\n').filter((each) => each.startsWith('holdfast: '));
    assert.equal(said.length, 3);
    for (const each of said) assert.match(each, /no program .* to run \(sandbox_command_not_found\)/); // what is outside looks as if it were not there
  });

  it('cannot be asked for with more, or as anybody else [CHILD-1] [CHILD-6]', async () => {
    const wrong: readonly (readonly string[])[] = [
      ['--only', 'root'],
      ['--only', 'vault:use:unknown'],
      ['--only', 'read', '--depth', '3'],
    ];
    const ran = await session(
      [
        ...wrong.map((terms) => childLine(terms, ['echo', 'grown'])),
        childLine(
          ['--only', 'read', '--depth', '1'],
          [
            'sh',
            '-c',
            [
              childLine(['--only', 'deploy'], ['echo', 'grown']),
              childLine(['--only', 'read'], ['sh', '-c', childLine(['--only', ''], ['echo', 'grown'])]),
            ].join('; '),
          ],
        ),
      ].join('; '),
    );
    assert.equal(ran.stdout, '');
    assert.deepEqual(
      [...ran.stderr.matchAll(/^holdfast: .*\((\w+)\)\r?$/gm)].map(([, code]) => code),
      ['delegation_exceeded', 'delegation_exceeded', 'codec_shape', 'delegation_exceeded', 'delegation_exceeded'],
      ran.stderr,
    );
    const forged = `curl -sS -o /dev/null -w '%{http_code}' -d '{}' -H 'content-type: application/json' $HOLDFAST_DOOR/v1/children`;
    assert.equal((await session(forged)).stdout, '400');
  });

  it('uses credentials as often as it may, however many ask at once [CHILD-5]', async () => {
    const before = demo.seen.length;
    const many = `for i in $(seq ${share({ ci: 20, soak: 100 })}); do ${get(demo, 'DEMO_TOKEN')} & done; wait`;
    const ran = await session(childLine(['--only', 'vault:use:demo', '--uses', '7'], ['sh', '-c', many]));
    const passed = demo.seen.length - before;
    assert.ok(passed > 0 && passed <= 7, `${passed} of 7: ${ran.stdout}${ran.stderr}`);
    assert.ok((await events()).some((event) => event.kind === 'refused' && event.code === 'child_spent'));
  });

  it('goes where it may, also without a credential [CHILD-4]', async () => {
    const place = `${demo.host}:${demo.port}`;
    const ran = await session(
      childLine(
        ['--only', 'vault:use', '--host', place],
        ['sh', '-c', `${get(demo, 'DEMO_TOKEN')}; ${get(other, 'OTHER_TOKEN')}`],
      ),
    );
    assert.match(ran.stdout, /^200 (?:000|403) $/, ran.stderr);
  });

  it('is ended with its parent, and with its time [CHILD-3]', async () => {
    const late = await session(`${childLine(['--only', '', '--life', '1s'], ['sleep', '1000'])}; echo code $?`);
    assert.match(late.stdout, /code 125/);
    assert.match(late.stderr, /\(child_ended\)/);
    const running = holdfast.session([
      'sh',
      '-c',
      `${childLine(['--only', ''], ['sh', '-c', 'echo begun; exec sleep 1000'])} & wait`,
    ]);
    await running.waitFor(/begun/);
    const sessions = async () =>
      jsonOf<{ sessions: { child?: string; children?: number }[] }>(await holdfast.cli(['status', '--json'])).sessions;
    const begun = await sessions();
    assert.deepEqual(
      begun.map(({ child, children }) => [child === undefined, children]),
      [
        [true, 1],
        [false, undefined],
      ],
      'and status tells below which session it stands [CLI-14]',
    );
    for (const shown of [await holdfast.cli(['agents', '--json']), await holdfast.must(['agents', '--json'])]) {
      const { agents } = jsonOf<{ agents: { children: { kind: string; name: string }[] }[] }>(shown);
      assert.deepEqual(
        agents.flatMap(({ children }) => children.map(({ kind, name }) => [kind, name])),
        [['session', 'sh']],
        'while it lives it stands below its agent, also for an operator here [CLI-9]',
      );
    }
    await running.end();
    const deadline = performance.now() + patienceMs;
    while ((await sessions()).length > 0) assert.ok(performance.now() < deadline, 'the child outlived its parent');
    // Whoever asked for the child may be gone a moment before its session is.
    const ids = begun.flatMap(({ child }) => child ?? []);
    const end = (await events()).find(({ kind, child }) => kind === 'child-end' && ids.includes(child ?? ''));
    assert.ok(end?.why === 'session' || end?.why === 'stopped', `it ended as ${end?.why}`);
  });

  it('is started from outside with the agent as its parent [CLI-27]', async () => {
    const ran = await holdfast.cli(
      [
        'run',
        '--child',
        '--only',
        'vault:use:demo',
        '--',
        'sh',
        '-c',
        `${get(demo, 'DEMO_TOKEN')}; ${get(other, 'OTHER_TOKEN')}`,
      ],
      { cwd: holdfast.work },
    );
    assert.match(ran.stdout, /^200 (?:000|403) $/, ran.stderr);
    const alone = await holdfast.cli(['run', '--child', '--', 'true'], { cwd: holdfast.work });
    assert.deepEqual([alone.code, /--child needs --only/.test(alone.stderr)], [125, true]);
  });

  it('is ended alone when an operator revokes it, also at services; its sibling and its parent go on [CHILD-10] [DELEGATE-10]', async () => {
    const { roots } = jsonOf<{ roots: FleetRoot[] }>(await holdfast.cli(['root', '--json']));
    const audience = `https://${demo.host}:${demo.port}`;
    let nowMs = Date.now();
    const verifier = presentationVerifier({
      root: roots[0] ?? assert.fail(),
      audience,
      nonces: 'theirs',
      statusMaxAgeMs: 0,
      nowMs: () => nowMs,
    });
    /** How many children stand between who presents and the agent, or why nobody is let in. */
    const verdict = async (presentation: string): Promise<unknown> =>
      verifier.verifyPresentation(presentation).then(({ children }) => children.length, codeOf);

    const door = `curl -sS -H 'content-type: application/json' -d '{"audience":"${audience}"}' $HOLDFAST_DOOR/v1/presentations`;
    const act = (name: string) => `echo "${name} $(${get(demo, 'DEMO_TOKEN')}) $(${door})"`;
    /** Acts once, and again when it is told to. */
    const actor = (name: string) =>
      `echo "${name} is $(curl -sS $HOLDFAST_DOOR/v1/status)"; ${act(name)}; until [ -e go ]; do sleep 0.1; done; ${act(name)}; exec sleep 1000`;
    const child = (name: string) => childLine(['--only', 'read,vault:use:demo'], ['sh', '-c', actor(name)]);
    const running = holdfast.session(['sh', '-c', `${child('one')} & ${child('two')} & ${actor('parent')}`]);
    const acts = (name: string): string[] =>
      [...running.said.matchAll(new RegExp(`^${name} 200  ?\\{.*"presentation":"([^"]+)"`, 'gm'))].map(([, shown = '']) => shown);
    const acted = async (name: string, times: number): Promise<string> => {
      const shown = await running.until(() => acts(name)[times - 1], `${name} acts ${times} times`);
      nowMs = Date.now();
      return shown;
    };
    try {
      for (const name of ['two', 'parent']) await acted(name, 1);
      const before = await acted('one', 1);
      const [, id = ''] = /^one is \{.*"child":"([0-9a-f]{32})"/m.exec(running.said) ?? assert.fail(running.said);
      const done = jsonOf<object>(await holdfast.must(['revoke', id, '--reason', 'odd', '--json']));
      assert.partialDeepStrictEqual(done, { child: id, revoked: true, applied: true });
      assert.equal(await verdict(before), 'delegation_revoked');
      await writeFile(path.join(holdfast.work, 'go'), '');
      assert.equal(await verdict(await acted('two', 2)), 1);
      assert.equal(await verdict(await acted('parent', 2)), 0);
      assert.equal(acts('one').length, 1);
      const ends = (await events()).filter(({ kind, child: who }) => who === id && kind.endsWith('-end'));
      assert.deepEqual(
        new Map(ends.map(({ kind, why }) => [kind, why])),
        new Map([
          ['child-end', 'revoked'],
          ['session-end', undefined],
        ]),
      );
    } finally {
      await running.end();
    }
  });

  it('asks its operator as its parent does, and no oftener [APPROVAL-8]', async () => {
    const wish = (path: string) =>
      JSON.stringify({ request: { method: 'GET', url: `https://lacking.example/${path}` }, reason: 'x' });
    const asks = ['a', 'b'].map(
      (each) => (whose: string) =>
        `curl -sS -H 'content-type: application/json' -d '${wish(whose + each)}' $HOLDFAST_DOOR/v1/access`,
    );
    const both = (whose: string) => `${asks.map((ask) => ask(whose)).join(' & ')} & wait; exec sleep 1000`;
    const running = holdfast.session(['sh', '-c', `${childLine(['--only', ''], ['sh', '-c', both('child')])} & ${both('own')}`]);
    try {
      const said = await running.until(() => /approval_crowded|waiting/.exec(running.said)?.[0], 'an answer');
      assert.equal(said, 'approval_crowded', running.said);
    } finally {
      await running.end();
    }
  });

  it('is ended when its agent is suspended', async () => {
    const running = holdfast.live(['run', '--child', '--only', '', '--', 'sh', '-c', 'echo begun; exec sleep 1000']);
    await running.waitFor(/begun/);
    await holdfast.must(['suspend', 'main']);
    await running.ended;
    await holdfast.must(['resume', 'main']);
    assert.ok((await events()).some((event) => event.kind === 'child-end' && event.why === 'agent'));
  });
});
