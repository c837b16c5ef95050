// git over HTTPS in a sealed session, against git's own server: clone, fetch and push, with a password that git never sees nor asks for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksBelow, leaksIn, newCanary } from '../../packages/testkit/src/canary.ts';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { startGitService, type GitService } from '../../packages/testkit/src/git-service.ts';
import { Installation, type Ran } from '../../packages/testkit/src/installation.ts';

const author = ['-c', 'user.name=Test', '-c', 'user.email=test@holdfast.test'];

/** git on this side, as the one who keeps the repositories. */
function git(folder: string, ...words: readonly string[]): string {
  return execFileSync('git', [...author, ...words], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('git in a sealed session', { skip: whyWithout('git', 'git') }, () => {
  const secret = newCanary();
  let holdfast: Installation;
  let closed: GitService;
  let open: GitService;
  let repositories: string;
  let upstream: string;

  before(async () => {
    holdfast = await Installation.create();
    repositories = path.join(holdfast.folder, 'repositories');
    upstream = path.join(holdfast.folder, 'upstream');
    await mkdir(upstream);
    git(upstream, 'init', '-q', '-b', 'main');
    await writeFile(path.join(upstream, 'README'), 'first\n');
    git(upstream, 'add', '.');
    git(upstream, 'commit', '-q', '-m', 'first');
    git(holdfast.folder, 'clone', '-q', '--bare', upstream, path.join(repositories, 'project.git'));
    [closed, open] = await Promise.all([
      startGitService(repositories, 'git.holdfast.test', secret),
      startGitService(repositories, 'open.holdfast.test'),
    ]);
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('git', secret, closed, {
      attach: 'basic:agent',
      paths: ['/project.git/**'],
      methods: ['GET', 'POST'],
    });
    await holdfast.allowEgress(open);
  });
  after(async () => {
    await holdfast.remove();
    await Promise.all([closed.close(), open.close()]);
  });

  async function inside(...words: readonly string[]): Promise<Ran> {
    const ran = await holdfast.run(['git', ...author, ...words]);
    assert.deepEqual(leaksIn(ran.stdout + ran.stderr, secret), []);
    assert.doesNotMatch(ran.stderr, /username|password/i, 'nobody is asked');
    return ran;
  }
  async function succeeds(...words: readonly string[]): Promise<string> {
    const ran = await inside(...words);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  }
  const closedUrl = (): string => `https://git.holdfast.test:${closed.port}/project.git`;

  it('clones', async () => {
    await succeeds('clone', closedUrl());
    assert.equal(await readFile(path.join(holdfast.work, 'project/README'), 'utf8'), 'first\n');
  });

  it('clones by a URL that names a user', async () => {
    await succeeds('clone', closedUrl().replace('//', '//agent@'), 'named');
  });

  it('clones from a host that only has to be reached', async () => {
    await succeeds('clone', `https://open.holdfast.test:${open.port}/project.git`, 'from-open');
    assert.ok(open.asked.length > 0 && open.asked.every((request) => request.endsWith(' -')));
  });

  it('pushes, also more than git sends in one piece', async () => {
    await writeFile(path.join(holdfast.work, 'project/large'), randomBytes(3_000_000));
    await succeeds('-C', 'project', 'add', 'large');
    await succeeds('-C', 'project', 'commit', '-q', '-m', 'second');
    await succeeds('-C', 'project', 'push', 'origin', 'main');
    assert.equal(git(path.join(repositories, 'project.git'), 'log', '-1', '--format=%s').trim(), 'second');
  });

  it('fetches what somebody else pushed', async () => {
    git(upstream, 'pull', '-q', path.join(repositories, 'project.git'), 'main');
    await writeFile(path.join(upstream, 'README'), 'third\n');
    git(upstream, 'commit', '-q', '-a', '-m', 'third');
    git(upstream, 'push', '-q', path.join(repositories, 'project.git'), 'main');
    await succeeds('-C', 'project', 'pull', '-q');
    assert.equal(await readFile(path.join(holdfast.work, 'project/README'), 'utf8'), 'third\n');
  });

  it('a repository outside of the fence is refused before the server is asked', async () => {
    const already = closed.asked.length;
    const ran = await inside('clone', closedUrl().replace('project', 'other'));
    assert.equal(ran.code, 128);
    assert.match(ran.stderr, /returned error: 403/);
    assert.equal(closed.asked.length, already);
  });

  it('every request carried the password, and no file of the session has it', async () => {
    const wanted = ` Basic ${Buffer.from(`agent:${secret}`).toString('base64')}`;
    assert.ok(closed.asked.length >= 8 && closed.asked.every((request) => request.endsWith(wanted)), closed.asked.join('\n'));
    assert.deepEqual(await leaksBelow(holdfast.work, secret), []);
  });
});
