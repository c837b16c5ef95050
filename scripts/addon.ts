// `npm run addon:pkcs11`: fetches the one add-on of Holdfast, checks it against the hash that is written here, and compiles it with the machine's
// compiler for the Node that runs this. Nothing of the package is run on the way; the default install never has it.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As apps/daemon/src/custody/program.ts looks for it. */
const name = 'pkcs11js-2.1.7';
const packed = 'pkcs11js@2.1.7';
const integrity = 'sha512-hstUuhkFoISF8BmTVRtaZzbF09WjE39K3gzZzUrI8WtRu4cYl4gakkd06I4Kq36kR/mkwVw2T2y3kHXk6JvuHQ==';
const sources = ['dl', 'common', 'main'];

const folder = fileURLToPath(new URL(`../.cache/addons/${name}`, import.meta.url));

/** Node's own headers lie beside its binary. */
function headers(): string {
  const found = join(dirname(dirname(process.execPath)), 'include/node');
  if (existsSync(join(found, 'node_api.h'))) return found;
  throw new Error(`this Node (${process.execPath}) has no headers at ${found}: use the pinned one, npm ci in the clone`);
}

function compile(unpacked: string): void {
  const into = join(unpacked, 'build/Release');
  mkdirSync(into, { recursive: true });
  const files = sources.map((each) => join(unpacked, 'src', `${each}.cpp`));
  const about = ['-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_GYP_MODULE_NAME=pkcs11', '-DBUILDING_NODE_EXTENSION'];
  const places = [`-I${join(unpacked, 'includes')}`, `-I${headers()}`];
  execFileSync(
    'c++',
    ['-std=c++17', '-O2', '-fPIC', '-shared', '-pthread', ...about, ...places, ...files, '-o', join(into, 'pkcs11.node')],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

/** In a folder of its own, which becomes the add-on's in one step: two at once build twice, and one of them stays. */
function build(): void {
  const fetched = `${folder}.${process.pid}`;
  mkdirSync(fetched, { recursive: true });
  try {
    execFileSync('npm', ['pack', packed, '--silent', '--pack-destination', fetched], {
      // npm would keep what it compiled in the temporary folder.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = join(fetched, readdirSync(fetched)[0] ?? '');
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) throw new Error(`${packed} is not the pinned package: ${found}`);
    execFileSync('tar', ['xzf', archive, '-C', fetched]);
    rmSync(archive);
    compile(join(fetched, 'package'));
    if (!existsSync(folder)) renameSync(fetched, folder);
  } catch (thrown) {
    if (!existsSync(folder)) throw thrown;
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
}

if (!existsSync(folder)) build();
process.stdout.write(
  `${name} is at ${folder}\nuse it: npm start -- --pkcs11-module PATH --pkcs11-token LABEL --pkcs11-pin-file FILE\n`,
);
