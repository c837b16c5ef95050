// Proofs of authority as an auditor uses them: the daemon and the relay are gone, and in an empty folder there are Node, two files of ours, a bundle and
// the operator's root. All processes are real; each use that the bundle shows is told by whom it was allowed, or that it was not.

import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { Installation, jsonOf, root, runProgram, type Ran } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Judged {
  readonly ok: boolean;
  readonly code?: string;
  readonly rootGiven?: boolean;
  readonly uses?: readonly {
    readonly event: number;
    readonly name?: string;
    readonly approvedBy?: string;
    readonly code?: string;
  }[];
}

interface Head {
  readonly authority: { readonly warrants: readonly string[]; readonly root: { readonly key: { readonly x: string } } };
}

const programs = ['holdfast-authority.mjs', 'holdfast-verify.mjs'];

// [AUTHORITY-7] [AUTHORITY-8] [AUTHORITY-17]
describe('who allowed what, with the daemon and the relay gone', () => {
  let holdfast: Installation;
  let origin: Origin;
  let empty: string;
  let bundle: string;

  const place = (name: string): string => path.join(empty, name);
  const audit = async (...words: string[]): Promise<Judged & { readonly exit: number | null }> => {
    const ran: Ran = await runProgram(
      process.execPath,
      [place('holdfast-authority.mjs'), ...words, '--json'],
      {},
      { cwd: empty },
    );
    return { exit: ran.code, ...jsonOf<Judged>(ran) };
  };

  before(async () => {
    [holdfast, origin] = await Promise.all([Installation.create(), startOrigin()]);
    await holdfast.settle();
    await holdfast.applyRules(
      'rules:\n  no-deletes:\n    deny: fetch\n    methods: DELETE\n    reason: Nothing is deleted here.\n',
    );
    const terms = { paths: ['/v1/**'], methods: ['GET'] };
    await holdfast.giveCredential('demo', newCanary(), origin, { ...terms, env: 'DEMO_TOKEN' });
    await holdfast.addCredential('bank', newCanary(), origin, { ...terms, env: 'BANK_TOKEN' });
    await holdfast.must(['vault', 'grant', 'bank', '--to', 'main', '--approve', '--json']);
    const get = (variable: string, at: string): string =>
      `curl -sS -o /dev/null -w '%{http_code}\\n' -H "authorization: Bearer $${variable}" https://localhost:${origin.port}${at}`;
    const main = path.join(root, 'apps/cli/src/main.ts');
    const child = `'${process.execPath}' '${main}' run --child --only vault:use:demo -- sh -c '${get('DEMO_TOKEN', '/v1/child').replaceAll("'", `'"'"'`)}'`;
    const operator = holdfast.live(['approvals', '--follow', '--json', '--passphrase-file', holdfast.passphraseFile]);
    const session = holdfast.session(['sh', '-c', `${get('DEMO_TOKEN', '/v1/me')}; ${child}; ${get('BANK_TOKEN', '/v1/pay')}`]);
    const [line] = await operator.waitFor(/^.*"path":"\/v1\/pay".*$/m);
    await holdfast.must(['approvals', 'approve', (JSON.parse(line) as { ask: string }).ask, '--json']);
    assert.equal((await session.ended).code, 0, session.complained);
    await operator.end();
    assert.match(session.said, /^200\n(?:.*\n)*?200\n200\n$/, session.said + session.complained);

    empty = path.join(holdfast.folder, 'auditor');
    await mkdir(empty);
    for (const name of programs) await copyFile(path.join(root, 'packages/audit-verifier/bin', name), place(name));
    await holdfast.must(['root']).then(({ stdout }) => writeFile(place('root.json'), stdout));
    const there = jsonOf<{ uses: number; lacking: unknown[] }>(await holdfast.cli(['audit', 'verify', '--json']));
    assert.deepEqual([there.uses, there.lacking], [3, []], 'as the machine itself judges them');
    const exported = await holdfast.cli(['audit', 'export', '--format', 'bundle', '--out', place('main.bundle')]);
    assert.equal(exported.code, 0, exported.stderr);
    bundle = await readFile(place('main.bundle'), 'utf8');
    await holdfast.stop();
  });
  after(async () => {
    await holdfast?.remove();
    await origin?.close();
  });

  it('each use, also a child’s and an approved one, had its whole authority', async () => {
    const judged = await audit('main.bundle', '--root', 'root.json');
    assert.deepEqual([judged.exit, judged.ok, judged.rootGiven], [0, true, true], JSON.stringify(judged));
    assert.deepEqual(judged.uses?.map(({ name }) => name), ['demo', 'demo', 'bank']); // prettier-ignore
    assert.deepEqual(judged.uses?.map(({ approvedBy }) => approvedBy !== undefined), [false, false, true]); // prettier-ignore
  });

  it('a warrant left out, wider terms and another root are told', async () => {
    const [first = '', ...lines] = bundle.split('\n');
    const head = JSON.parse(first) as Head;
    const { authority } = head;
    const write = (change: Partial<Head['authority']>): Promise<void> =>
      writeFile(place('other'), [JSON.stringify({ ...head, authority: { ...authority, ...change } }), ...lines].join('\n'));
    const codes = ({ uses = [] }: Judged): readonly (string | undefined)[] => uses.map(({ code }) => code);

    await write({ warrants: [] });
    const left = await audit('other', '--root', 'root.json');
    assert.deepEqual([left.exit, codes(left)], [4, Array.from({ length: 3 }, () => 'warrant_missing')]);

    const wider = authority.warrants.map((each) =>
      Buffer.from(Buffer.from(each, 'base64url').toString('latin1').replace('/v1/**', '/v*/**'), 'latin1').toString('base64url'),
    );
    await write({ warrants: wider });
    assert.deepEqual(codes(await audit('other', '--root', 'root.json')).includes(undefined), false);

    const { x } = authority.root.key;
    const otherRoot = (await readFile(place('root.json'), 'utf8')).replace(x, `${x.startsWith('A') ? 'B' : 'A'}${x.slice(1)}`);
    await writeFile(place('other-root.json'), otherRoot);
    const foreign = await audit('main.bundle', '--root', 'other-root.json');
    assert.deepEqual([foreign.exit, new Set(codes(foreign))], [4, new Set(['credential_invalid'])]);

    const own = await audit('main.bundle');
    assert.deepEqual([own.exit, own.rootGiven], [0, false], 'it says that nobody vouched for the root');
  });
});
