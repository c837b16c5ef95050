// The bundle is one thing with one hash, wherever it is made.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { bundleHash, openBundle } from '../serve/bundle.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-console-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A tree in which the console can be built, of the same sources and packages. */
function treeAt(root: string): string {
  for (const name of ['apps/console', 'packages/protocol', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(repository, name), join(root, name), { recursive: true, filter: (path) => !path.includes('/node_modules') });
  mkdirSync(join(root, 'node_modules/@holdfast'), { recursive: true });
  for (const name of readdirSync(join(repository, 'node_modules'))) {
    if (!name.startsWith('.') && name !== '@holdfast')
      symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
  }
  symlinkSync(join(root, 'packages/protocol'), join(root, 'node_modules/@holdfast/protocol'));
  return root;
}

async function hashIn(root: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const words = [join(root, 'apps/console/serve/main.ts'), '--hash'];
  const { stdout } = await run(process.execPath, words, { env: { PATH: process.env['PATH'], ...env } });
  return /^bundle ([0-9a-f]{64})\n$/.exec(stdout)?.[1] ?? stdout;
}

test('[CONSOLE-20] the hash is what sha256sum says of names and contents', async () => {
  const listed = join(folder, 'listed');
  const files = { 'index.html': '<!doctype html>', 'assets/b.js': 'b', 'assets/a-B.css': 'a', 'Z.txt': '' };
  mkdirSync(join(listed, 'assets'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(listed, name), text);
  const { stdout } = await run('sh', ['-c', 'find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum'], { cwd: listed });
  assert.equal(bundleHash(new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]))), stdout.slice(0, 64));
});

test('[CONSOLE-21, CONSOLE-22] two trees in other places, and two builds at once in one, give the same bundle as this one', async () => {
  const tree = treeAt(join(folder, 'one'));
  const [one, atOnce, other, here] = await Promise.all([
    hashIn(tree),
    hashIn(tree),
    hashIn(treeAt(join(folder, 'a place', 'with a longer name')), { NODE_ENV: 'development', VITE_OTHER: '1', TZ: 'Asia/Tokyo' }),
    openBundle().then(bundleHash),
  ]);
  assert.match(one, /^[0-9a-f]{64}$/);
  assert.equal(atOnce, one);
  assert.equal(other, one);
  assert.equal(here, one);
  assert.equal(readdirSync(join(tree, '.cache/console')).length, 1, 'nothing half made is left');
});

test('[CONSOLE-22] what cannot be built is not served, and says why', async () => {
  const root = treeAt(join(folder, 'broken'));
  writeFileSync(join(root, 'apps/console/src/main.tsx'), `import './nowhere.ts';\n`);
  await assert.rejects(hashIn(root), (error: { readonly code: number; readonly stderr: string }) => {
    assert.equal(error.code, 3);
    assert.match(error.stderr, /^holdfast: [\s\S]*nowhere[\s\S]*\(console_unbuilt\)\n {2}next: /);
    return true;
  });
  assert.deepEqual(readdirSync(join(root, '.cache/console')), []);
});

test('what the first visit loads is at most 150 kB', async () => {
  const opened = await openBundle();
  const page = Buffer.from(opened.get('index.html') ?? '').toString();
  const loaded = [...page.matchAll(/<(?:script|link)[^>]*(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, name = '']) => name);
  assert.ok(loaded.some((name) => name.endsWith('.js')) && loaded.some((name) => name.endsWith('.css')));
  const bytes = loaded.reduce((sum, name) => sum + gzipSync(opened.get(name) ?? '').length, 0);
  assert.ok(bytes <= 150_000, `${bytes} bytes: ${loaded.join(', ')}`);
});

test('a change of a source is another bundle', async () => {
  const root = treeAt(join(folder, 'changed'));
  const page = join(root, 'apps/console/index.html');
  writeFileSync(page, readFileSync(page, 'utf8').replace('<title>Holdfast', '<title>Changed'));
  assert.notEqual(await hashIn(root), bundleHash(await openBundle()));
});
