// The operator's keys in a real Chromium, under the policy that the console is served with: a passkey with PRF and without, a passphrase, tabs, and a
// profile on disk that is searched byte by byte and copied to where its authenticator is not.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { noChromium, openProfile, type Visitor, type VisitorOptions } from '@holdfast/testkit/browser';
import { build } from 'vite';
import { serveConsole, type ConsoleServer } from '../../serve/server.ts';
import type { Calls } from './keys-page.ts';

/** Remembers what keys are imported from, and the handles that come of it, before any script of the page runs. */
const watching = `
  globalThis.imported = [];
  globalThis.handles = [];
  const importKey = SubtleCrypto.prototype.importKey;
  SubtleCrypto.prototype.importKey = async function (format, material, algorithm, extractable, uses) {
    const isPublic = format === 'spki' || uses.length === 0 || uses.includes('verify');
    if (!isPublic) imported.push(Array.from(new Uint8Array(material.buffer ?? material, material.byteOffset ?? 0, material.byteLength)));
    const handle = await importKey.call(this, format, material, algorithm, extractable, uses);
    if (!isPublic) handles.push(handle);
    return handle;
  };
`;

/** A call of keys-page.ts. */
async function call<N extends keyof Calls>(
  page: Visitor['page'],
  name: N,
  ...given: Parameters<Calls[N]>
): Promise<Awaited<ReturnType<Calls[N]>>> {
  const told = await page.evaluate(
    ([name, given]) => {
      const { calls } = globalThis as unknown as { calls: Record<string, (...given: readonly unknown[]) => unknown> };
      return calls[name]?.(...given.map((each) => (each === null ? undefined : each)));
    },
    [name as string, given.map((each) => each ?? null) as readonly unknown[]] as const,
  );
  return told as Awaited<ReturnType<Calls[N]>>;
}

/** How often `bytes` lies in a file of the folder. */
function found(folder: string, bytes: Uint8Array): number {
  return globSync('**/*', { cwd: folder })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .filter((file) => readFileSync(file).includes(Buffer.from(bytes))).length;
}

describe('the operator key in Chromium', { skip: noChromium }, () => {
  let server: ConsoleServer;
  let folder = '';
  const open: Visitor[] = [];

  before(async () => {
    const made = await build({
      root: import.meta.dirname,
      configFile: false,
      envDir: false,
      logLevel: 'error',
      build: { write: false, target: 'es2024', lib: { entry: join(import.meta.dirname, 'keys-page.ts'), formats: ['es'] } },
    });
    const [output] = Array.isArray(made) ? made : [];
    const script = output?.output[0].code ?? '';
    const html =
      '<!doctype html><html lang="en"><title>keys</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script></html>';
    const bundle = new Map([
      ['index.html', utf8(html)],
      ['page.js', utf8(script)],
    ]);
    server = await serveConsole({ port: 0, relay: 'http://127.0.0.1:7433', publicOrigins: [], bundle });
  });
  after(() => server.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-profile-'));
  });
  afterEach(async () => {
    for (const visitor of open.splice(0)) await visitor.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function visit(profile: string, options: VisitorOptions = {}): Promise<Visitor> {
    const visitor = await openProfile(join(folder, profile), server.url, options);
    open.push(visitor);
    await visitor.context.addInitScript(watching);
    await show(visitor.page);
    return visitor;
  }

  async function show(page: Visitor['page']): Promise<void> {
    await page.goto(server.url);
    await page.waitForFunction(() => document.title === 'ready');
  }

  it('a passkey with PRF makes, unlocks and confirms; no handle can be read', async () => {
    const visitor = await visit('home');
    const { page } = visitor;
    assert.equal(await call(page, 'hasPasskeys'), true);
    assert.equal(await call(page, 'make'), 'ok');
    assert.equal(await call(page, 'sign', 'pulse'), 'ok');
    assert.equal(await call(page, 'sign', 'entry'), 'step_up_needed');
    assert.equal(await call(page, 'act'), 'ok');
    assert.equal(await call(page, 'sign', 'entry'), 'step_up_needed');
    await show(page);
    assert.equal(await call(page, 'isOpen'), false);
    assert.equal(await call(page, 'unlock'), 'ok');
    assert.equal(await call(page, 'sign', 'pulse'), 'ok');
    const read = await page.evaluate(async () => {
      const { handles } = globalThis as unknown as { handles: readonly CryptoKey[] };
      let count = 0;
      for (const handle of handles)
        for (const format of ['raw', 'pkcs8', 'jwk'] as const) {
          await crypto.subtle.exportKey(format, handle).then(
            () => (count += 1),
            () => {},
          );
        }
      return { handles: handles.length, count };
    });
    assert.ok(read.handles >= 5, `${read.handles} handles`);
    assert.equal(read.count, 0);

    await visitor.recognise(false); // a finger that it does not know
    assert.equal(await call(page, 'act'), 'passkey_refused');
    await call(page, 'lock');
    assert.equal(await call(page, 'unlock'), 'passkey_refused');
    visitor.assertNoFaults();
  });

  it('[BKEY-5] a passkey without PRF is unfit, and a passphrase does', async () => {
    const { page } = await visit('home', { passkey: 'plain' });
    assert.equal(await call(page, 'make'), 'passkey_unfit');
    assert.equal(await call(page, 'make', 'correct horse'), 'ok');
    await show(page);
    assert.equal(await call(page, 'unlock', 'correct horsf'), 'passphrase_wrong');
    assert.equal(await call(page, 'unlock', 'correct horse'), 'ok');
    assert.equal(await call(page, 'act', 'correct horsf'), 'passphrase_wrong');
    assert.equal(await call(page, 'act', 'correct horse'), 'ok');
  });

  it('stretching a passphrase leaves the page to its person', async (t) => {
    const { page } = await visit('home');
    const { tookMs, longestMs, watched } = await call(page, 'stretch');
    t.diagnostic(`scrypt at 2^17: ${tookMs.toFixed(0)} ms, longest without a turn ${JSON.stringify({ longestMs, watched })}`);
    assert.ok(longestMs.frames < tookMs / 2);
    assert.ok(longestMs.messages < tookMs / 2);
  });

  it('[BKEY-1] a profile holds no byte of what the keys are made of, and copied it opens nothing', async () => {
    const visitor = await visit('home');
    const { page } = visitor;
    assert.equal(await call(page, 'make'), 'ok');
    assert.equal(await call(page, 'add', undefined, 'correct horse'), 'ok');
    assert.equal(await call(page, 'keep', 'what the fleet is told'), 'ok');
    assert.equal(await call(page, 'remember', 7), 'ok');
    assert.deepEqual(await call(page, 'kept'), ['heads Uint8Array', 'key Uint8Array', 'state Uint8Array']);
    const imported = await page.evaluate<readonly (readonly number[])[]>('imported');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const planted = privateKey.export({ format: 'der', type: 'pkcs8' });
    await call(page, 'plant', [...planted]);
    await visitor.close();
    open.length = 0;

    const home = join(folder, 'home');
    assert.ok(found(home, planted.subarray(36, 68)) > 0, 'a handle that script cannot read lies on the disk as it is');
    assert.ok(found(home, utf8('a fleet that is easy to find')) > 0, 'what is public is found');
    const secrets = imported.map((material) => Uint8Array.from(material.length > 64 ? material.slice(36, 68) : material));
    assert.ok(secrets.length >= 8, `${secrets.length} secrets`);
    for (const secret of secrets) assert.equal(found(home, secret), 0);
    assert.equal(found(home, utf8('correct horse')), 0);
    assert.equal(found(home, utf8('what the fleet is told')), 0);

    cpSync(home, join(folder, 'copy'), { recursive: true, filter: (name) => !/Singleton/.test(name) });
    const { page: thief } = await visit('copy');
    assert.equal(await call(thief, 'unlock'), 'passkey_refused');
    assert.equal(await call(thief, 'unlock', 'correct horsf'), 'passphrase_wrong');
    assert.equal(await call(thief, 'isOpen'), false);
    assert.equal(await call(thief, 'unlock', 'correct horse'), 'ok'); // it is all there
    assert.equal(await call(thief, 'seen'), 7);
  });

  it('[BKEY-11] [BKEY-12] tabs lock together, and heads go forward whichever is slower', async () => {
    const visitor = await visit('home', { passkey: 'none' });
    const { page } = visitor;
    assert.equal(await call(page, 'unlock'), 'operator_absent');
    assert.equal(await call(page, 'make', 'correct horse'), 'ok');
    const other = await visitor.context.newPage();
    await show(other);
    assert.equal(await call(other, 'isOpen'), false);
    assert.equal(await call(other, 'unlock', 'correct horse'), 'ok');
    assert.equal(await call(other, 'make', 'another horse'), 'operator_exists');

    const positions = [3, 9, 1, 5, 8, 2];
    await Promise.all(positions.map((position, index) => call(index % 2 === 0 ? page : other, 'remember', position)));
    assert.deepEqual([await call(page, 'seen'), await call(other, 'seen')], [9, 9]);
    assert.equal(await call(page, 'remember', 10), 'ok');
    await other.waitForFunction(() => (globalThis as unknown as { calls: Calls }).calls.heardOfHeads() > 0);

    await call(page, 'lock');
    await other.waitForFunction(() => !(globalThis as unknown as { calls: Calls }).calls.isOpen());
    assert.equal(await call(page, 'isOpen'), false);

    assert.equal(await call(page, 'unlock', 'correct horse'), 'ok');
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
    assert.equal(await call(page, 'isOpen'), false);
  });
});
