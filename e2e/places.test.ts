// A grant for one project, tried from sessions elsewhere: the daemon knows where a session works, whatever stands in its files and words.

import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { inside } from '../packages/testkit/src/inside.ts';
import { Installation, runProgram } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

/** From wherever it may go, and after saying that it is the repository. */
async function askFrom({ urls, folders }: { urls: string[]; folders: string[] }): Promise<(number | string)[]> {
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  const told: (number | string)[] = [];
  for (const folder of ['.', ...folders]) {
    try {
      process.chdir(folder);
      process.env['PWD'] = folder;
      execFileSync('git', ['init', '-q']);
      execFileSync('git', ['remote', 'add', 'origin', 'https://github.com/me/app.git']);
    } catch {
      // what is refused here is no way in
    }
    for (const url of urls) {
      const reply = await fetch(url);
      await reply.arrayBuffer();
      told.push(reply.headers.get('x-holdfast-error') ?? reply.status);
    }
  }
  return told;
}

describe('a grant for one project', () => {
  let holdfast: Installation;
  let origin: Origin;
  let app: string;
  const urls = (): string[] => ['folder', 'repo'].map((name) => `https://localhost:${origin.port}/${name}`);
  const ask = (cwd: string, folders: string[] = []) => inside(holdfast, askFrom, { urls: urls(), folders }, { cwd });

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    app = path.join(holdfast.folder, 'app');
    for (const folder of ['app/sub', 'app2', 'other']) await mkdir(path.join(holdfast.folder, folder), { recursive: true });
    await symlink(path.join(holdfast.folder, 'other'), path.join(holdfast.folder, 'link'));
    await symlink(app, path.join(holdfast.folder, 'way'));
    const git = (...words: string[]) => runProgram('git', words, process.env, { cwd: app });
    await git('init', '-q');
    await git('remote', 'add', 'origin', 'git@github.com:me/app.git');
    const grant = async (name: string, ...limits: string[]): Promise<void> => {
      await holdfast.addCredential(name, newCanary(), origin, { paths: [`/${name}`] });
      await holdfast.must(['vault', 'grant', name, '--to', 'main', ...limits]);
    };
    await grant('folder', '--dir', path.join(holdfast.folder, 'way'));
    await grant('repo', '--repo', 'github.com/me/app');
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  // [FENCE-34] [FENCE-35]
  it('is good in its tree, by whatever way it is come to', async () => {
    assert.deepEqual(await ask(app), [200, 200]);
    assert.deepEqual(await ask(path.join(holdfast.folder, 'way')), [200, 200]);
    assert.deepEqual(await ask(path.join(app, 'sub')), [200, 'fence_place']);
  });

  // [FENCE-34] [FENCE-35]
  it('is good nowhere else, whatever a session says of itself', async () => {
    const before = origin.seen.length;
    const refused = ['fence_place', 'fence_place'];
    assert.deepEqual(await ask(path.join(holdfast.folder, 'app2')), refused);
    assert.deepEqual(await ask(path.join(holdfast.folder, 'link'), ['/tmp', app]), [...refused, ...refused, ...refused]);
    assert.equal(origin.seen.length, before);
    assert.match((await holdfast.cli(['audit', 'show'])).stdout, /fence_place/);
  });
});
