// npm and pip in a sealed session: a private registry with a token that they never have, and a public one.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksBelow, leaksIn, newCanary } from '../../packages/testkit/src/canary.ts';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation, type Ran } from '../../packages/testkit/src/installation.ts';
import type { Origin } from '../../packages/testkit/src/origin.ts';
import { startNpmRegistry, startPythonIndex } from '../../packages/testkit/src/registries.ts';

/** The system's own: a shim of pyenv would want to write into its folder after an installation, which is read-only. */
const pip = ['/usr/bin/python3', '-m', 'pip'];
function whyWithoutPip(): string | false {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import pip'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'pip of the system is not installed: apt-get install python3-pip';
  }
}

describe('package managers in a sealed session', () => {
  const secrets = { npm: newCanary(), scoped: newCanary(), pip: newCanary() };
  let holdfast: Installation;
  let npmClosed: Origin;
  let npmScoped: Origin;
  let npmOpen: Origin;
  let pipClosed: Origin;
  let pipOpen: Origin;

  before(async () => {
    [npmClosed, npmScoped, npmOpen, pipClosed, pipOpen] = await Promise.all([
      startNpmRegistry('npm.holdfast.test', 'greeting', secrets.npm),
      startNpmRegistry('scoped-npm.holdfast.test', '@closed/pack', secrets.scoped),
      startNpmRegistry('open-npm.holdfast.test', '@open/hello'),
      startPythonIndex('pip.holdfast.test', 'closedpack', secrets.pip),
      startPythonIndex('open-pip.holdfast.test', 'openpack'),
    ]);
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('npm', secrets.npm, npmClosed, { env: 'NPM_TOKEN' });
    await holdfast.giveCredential('scoped', secrets.scoped, npmScoped, {
      methods: ['GET'],
      paths: ['/@closed/**', '/@closed%2F*'],
    });
    await holdfast.giveCredential('pip', secrets.pip, pipClosed, { attach: 'basic:__token__' });
    await holdfast.allowEgress(npmOpen);
    await holdfast.allowEgress(pipOpen);
    const closed = `npm.holdfast.test:${npmClosed.port}/`;
    const settings = [
      `registry=https://${closed}`,
      `//${closed}:_authToken=\${NPM_TOKEN}`,
      `@closed:registry=https://scoped-npm.holdfast.test:${npmScoped.port}/`,
      `@open:registry=https://open-npm.holdfast.test:${npmOpen.port}/`,
      'audit=false',
      'fund=false',
      'update-notifier=false',
    ];
    await writeFile(path.join(holdfast.work, '.npmrc'), `${settings.join('\n')}\n`);
    await writeFile(path.join(holdfast.work, 'package.json'), '{"name":"story","version":"1.0.0"}\n');
  });
  after(async () => {
    await holdfast.remove();
    await Promise.all([npmClosed, npmScoped, npmOpen, pipClosed, pipOpen].map((origin) => origin.close()));
  });

  async function inside(...words: readonly string[]): Promise<Ran> {
    const ran = await holdfast.run(words);
    for (const secret of Object.values(secrets)) assert.deepEqual(leaksIn(ran.stdout + ran.stderr, secret), []);
    return ran;
  }
  async function succeeds(...words: readonly string[]): Promise<string> {
    const ran = await inside(...words);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    return ran.stdout;
  }

  describe('npm', { skip: whyWithout('npm', 'npm') }, () => {
    it('installs from a private registry, with the placeholder in .npmrc', async () => {
      await succeeds('npm', 'install', 'greeting');
      assert.equal(
        await readFile(path.join(holdfast.work, 'node_modules/greeting/index.js'), 'utf8'),
        "module.exports = 'this is greeting';\n",
      );
      assert.deepEqual(
        npmClosed.seen.map(({ url, headers }) => [url, headers.authorization]),
        [
          ['/greeting', `Bearer ${secrets.npm}`],
          ['/greeting/-/package-1.0.0.tgz', `Bearer ${secrets.npm}`],
        ],
      );
    });

    it('installs a scoped package from a registry that only has to be reached', async () => {
      await succeeds('npm', 'install', '@open/hello');
      assert.ok(npmOpen.seen.length === 2 && npmOpen.seen.every(({ headers }) => headers.authorization === undefined));
    });

    it('installs a scoped package from a private registry: npm asks for an encoded slash, and both of its readings are fenced', async () => {
      await succeeds('npm', 'install', '@closed/pack');
      assert.deepEqual(
        npmScoped.seen.map(({ url, headers }) => [url, headers.authorization]),
        [
          ['/@closed%2Fpack', `Bearer ${secrets.scoped}`],
          ['/@closed/pack/-/package-1.0.0.tgz', `Bearer ${secrets.scoped}`],
        ],
      );
    });

    it('a package of another scope is outside of that fence; npm says so', async () => {
      const already = npmScoped.seen.length;
      const registry = `--@other:registry=https://${npmScoped.host}:${npmScoped.port}/`;
      const ran = await inside('npm', 'view', '@other/pack', registry);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, /403 Holdfast: egress_denied\. /);
      assert.equal(npmScoped.seen.length, already);
    });

    it('a registry that nobody allowed is refused; npm says why and what to do', async () => {
      const ran = await inside('npm', 'view', 'left-pad', '--registry', 'https://other.holdfast.test/');
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, /403 Holdfast: egress_denied\. Ask the operator for a grant, or for holdfast egress allow HOST\./);
    });
  });

  describe('pip', { skip: whyWithoutPip() }, () => {
    const install = (name: string, origin: Origin): string[] => {
      const index = `https://${origin.host}:${origin.port}/simple/`;
      return [
        ...pip,
        'install',
        '-q',
        '--disable-pip-version-check',
        '--root-user-action=ignore',
        '--no-build-isolation',
        '--index-url',
        index,
        '--target',
        'lib',
        name,
      ];
    };
    const text = async (name: string): Promise<string> => readFile(path.join(holdfast.work, 'lib', `${name}.py`), 'utf8');

    it('installs from a private index without being told of a password', async () => {
      await succeeds(...install('closedpack', pipClosed));
      assert.equal(await text('closedpack'), "text = 'this is closedpack'\n");
      const wanted = `Basic ${Buffer.from(`__token__:${secrets.pip}`).toString('base64')}`;
      assert.ok(pipClosed.seen.length >= 2 && pipClosed.seen.every(({ headers }) => headers.authorization === wanted));
    });

    it('installs from an index that only has to be reached', async () => {
      await succeeds(...install('openpack', pipOpen));
      assert.equal(await text('openpack'), "text = 'this is openpack'\n");
      assert.ok(pipOpen.seen.every(({ headers }) => headers.authorization === undefined));
    });

    it('an index that nobody allowed is refused; pip says why and what to do', async () => {
      const ran = await inside(
        ...pip,
        'download',
        '--disable-pip-version-check',
        '--retries',
        '1',
        '--index-url',
        'https://other.holdfast.test/simple/',
        'openpack',
      );
      assert.notEqual(ran.code, 0);
      assert.match(ran.stdout + ran.stderr, /403 Holdfast: egress_denied\. Ask the operator/);
    });
  });

  it('no file that they left has a secret', async () => {
    for (const secret of Object.values(secrets)) assert.deepEqual(await leaksBelow(holdfast.folder, secret), []);
  });
});
