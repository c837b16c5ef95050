// Small programs in the languages that agents use, none told anything of Holdfast: each asks a service that wants a credential and one that wants
// none. docs/clients.md says what is set for them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksIn, newCanary } from '../../packages/testkit/src/canary.ts';
import { findProgram, whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation } from '../../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';

const javaProgram = `
import java.net.URI;
import java.net.http.*;
public class Call {
  public static void main(String[] urls) throws Exception {
    for (String url : urls) System.out.println(HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body());
    for (String url : urls) try (var reply = URI.create(url).toURL().openStream()) { System.out.println(new String(reply.readAllBytes())); }
  }
}`;

const goProgram = `
package main
import ("io"; "log"; "net/http"; "os")
func main() {
  for _, url := range os.Args[1:] {
    reply, err := http.Get(url)
    if err != nil { log.Fatal(err) }
    io.Copy(os.Stdout, reply.Body)
  }
}`;

const urllibProgram = 'import sys, urllib.request\nfor url in sys.argv[1:]: print(urllib.request.urlopen(url).read().decode())\n';
const requestsProgram = 'import sys, requests\nfor url in sys.argv[1:]: print(requests.get(url).text)\n';
const fetchProgram = 'for (const url of process.argv.slice(2)) console.log(await (await fetch(url)).text());\n';
const httpsProgram =
  "for (const url of process.argv.slice(2)) require('https').get(url, (reply) => reply.pipe(process.stdout));\n";

const sources = {
  'Call.java': javaProgram,
  'call.go': goProgram,
  'urllib_call.py': urllibProgram,
  'requests_call.py': requestsProgram,
  'fetch.mjs': fetchProgram,
  'https.cjs': httpsProgram,
};

/** The machine's own Node, not ours. */
const systemNode = findProgram('node', (file) => !file.includes('/node_modules/'));
const systemNodeVersion = systemNode === undefined ? '' : execFileSync(systemNode, ['--version'], { encoding: 'utf8' }).trim();
/** Since 22.21 and 24.5 Node has a way to be told of a proxy. */
const [major = 0, minor = 0] = systemNodeVersion.slice(1).split('.').map(Number);
const systemNodeHasProxy = major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);

/** Go compiles its own library first, which takes a minute of a processor that nobody else wants. */
const compilesWithinMs = 500_000;

const systemPython = '/usr/bin/python3';
const pythonMissing =
  !findProgram('python3', (file) => file.startsWith('/usr/bin/')) && 'no python3 in /usr/bin: apt-get install python3';
function whyWithoutRequests(): string | false {
  if (pythonMissing) return pythonMissing;
  try {
    execFileSync(systemPython, ['-c', 'import requests'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'the Python module requests is not installed: apt-get install python3-requests';
  }
}

describe('programs in a sealed session', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let api: Origin;
  let open: Origin;

  before(async () => {
    [api, open] = await Promise.all([startOrigin(undefined, 'api.holdfast.test'), startOrigin(undefined, 'open.holdfast.test')]);
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('demo', secret, api);
    await holdfast.allowEgress(open);
    for (const [name, text] of Object.entries(sources)) await writeFile(path.join(holdfast.work, name), text);
  });
  after(async () => {
    await holdfast.remove();
    await Promise.all([api.close(), open.close()]);
  });

  /** Runs a client with both URLs; `times` is how often it asks each. */
  async function calls(command: readonly string[], times = 1, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const already = [api.seen.length, open.seen.length];
    const asked = `/as/${command.at(-1)?.replace(/\W/g, '-')}`;
    const ran = await holdfast.run(
      [...command, `https://api.holdfast.test:${api.port}${asked}`, `https://open.holdfast.test:${open.port}${asked}`],
      { environment, timeoutMs: compilesWithinMs },
    );
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const [credentialed, ordinary] = [api.seen.slice(already[0]), open.seen.slice(already[1])];
    assert.deepEqual(
      credentialed.map(({ url, headers }) => [url, headers.authorization]),
      Array.from({ length: times }, () => [asked, `Bearer ${secret}`]),
    );
    assert.deepEqual(
      ordinary.map(({ url, headers }) => [url, headers.authorization]),
      Array.from({ length: times }, () => [asked, undefined]),
    );
    assert.equal(ran.stdout.match(/"authenticated":true/g)?.length, times);
    assert.equal(ran.stdout.match(/"authenticated":false/g)?.length, times);
    assert.deepEqual(leaksIn(ran.stdout + ran.stderr, secret), []);
  }

  it('curl', { skip: whyWithout('curl', 'curl') }, () => calls(['curl', '-sS']));
  it('wget', { skip: whyWithout('wget', 'wget') }, () => calls(['wget', '-nv', '-O-']));
  it("Python's urllib, of the system", { skip: pythonMissing }, () => calls([systemPython, 'urllib_call.py']));
  it("Python's requests", { skip: whyWithoutRequests() }, () => calls([systemPython, 'requests_call.py']));
  it('Node with fetch', () => calls([process.execPath, 'fetch.mjs']));
  it('Node with https', () => calls([process.execPath, 'https.cjs']));
  it('Go', { skip: whyWithout('go', 'golang-go') }, () => calls(['go', 'run', 'call.go']));
  it('Java with HttpClient and URLConnection', { skip: whyWithout('javac', 'default-jdk-headless') }, () =>
    calls(['java', 'Call.java'], 2),
  );

  it(
    "the machine's own Node: by itself where it can be told of a proxy, and otherwise not at all",
    { skip: systemNode === undefined && 'no Node but our own: apt-get install nodejs' },
    async () => {
      for (const program of ['fetch.mjs', 'https.cjs']) {
        if (systemNodeHasProxy) {
          await calls([systemNode ?? '', program]);
        } else {
          const already = [api.connections, open.connections];
          const ran = await holdfast.run([systemNode ?? '', program, `https://api.holdfast.test:${api.port}/`]);
          assert.notEqual(ran.code, 0);
          assert.match(
            ran.stderr,
            /ENOTFOUND api\.holdfast\.test/,
            'there is no name service inside, so an older Node goes nowhere',
          );
          assert.deepEqual([api.connections, open.connections], already);
        }
      }
    },
  );

  it('one that ignores the proxy reaches nothing, by name or by address', { skip: whyWithout('curl', 'curl') }, async () => {
    const already = [api.connections, open.connections];
    for (const origin of [api, open]) {
      const url = `https://${origin.host}:${origin.port}/`;
      const direct = ['curl', '-sS', '--noproxy', '*', '--cacert', '/dev/null', url];
      const codes = [
        (await holdfast.run(direct)).code,
        (await holdfast.run([...direct, '--resolve', `${origin.host}:${origin.port}:127.0.0.1`])).code,
      ];
      assert.deepEqual(codes, [6, 7], 'curl cannot resolve the name, and cannot connect to the address');
    }
    assert.deepEqual([api.connections, open.connections], already);
  });

  it('a toolchain outside of the system folders, first on PATH: works, read-only', { skip: pythonMissing }, async () => {
    const environment = path.join(holdfast.folder, 'toolchain');
    await mkdir(path.join(environment, 'bin'), { recursive: true });
    await symlink(systemPython, path.join(environment, 'bin/python3'));
    await writeFile(path.join(environment, 'pyvenv.cfg'), 'home = /usr/bin\n');
    const PATH = `${environment}/bin:${process.env['PATH']}`;
    await calls(['python3', 'urllib_call.py'], 1, { PATH });
    const tried = await holdfast.run(['python3', '-c', "import sys; print(sys.prefix); open(sys.prefix + '/planted', 'w')"], {
      environment: { PATH },
    });
    assert.equal(tried.stdout.trim(), environment);
    assert.match(tried.stderr, /Read-only file system/);
  });

  it("Java keeps the caller's own options", { skip: whyWithout('java', 'default-jdk-headless') }, async () => {
    const environment = { JAVA_TOOL_OPTIONS: '-Xmx200m' };
    const ran = await holdfast.cli(['run', '--pass-env', 'JAVA_TOOL_OPTIONS', '--', 'java', '-version'], {
      cwd: holdfast.work,
      environment,
    });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /Picked up JAVA_TOOL_OPTIONS: -Xmx200m -D/);
  });
});
