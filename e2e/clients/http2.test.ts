// Clients that speak HTTP/2 to the broker: each names the protocol that it got, and the service, which is asked in HTTP/1.1, names the rest.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksIn, newCanary } from '../../packages/testkit/src/canary.ts';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation, type Ran } from '../../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';

const goProgram = `
package main
import ("fmt"; "io"; "log"; "net/http"; "os"; "strings")
func main() {
  client := http.Client{}
  for i := 0; i < 3; i++ {
    reply, err := client.Post(os.Args[1], "text/plain", strings.NewReader("hello"))
    if err != nil { log.Fatal(err) }
    body, _ := io.ReadAll(reply.Body)
    fmt.Println(reply.Proto, reply.StatusCode, string(body))
  }
}`;

const pythonProgram = `
import sys, httpx
with httpx.Client(http2=True) as client:
    for _ in range(3):
        reply = client.post(sys.argv[1], content=b'hello')
        print(reply.http_version, reply.status_code, reply.text)
`;

/** Node has no client of HTTP/2 that asks a proxy: CONNECT by hand, then the library's own. */
const nodeProgram = `
import http from 'node:http';
import http2 from 'node:http2';
import tls from 'node:tls';
import { text } from 'node:stream/consumers';
const url = new URL(process.argv[2]);
const proxy = new URL(process.env.HTTPS_PROXY);
const asked = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: url.host }).end();
asked.on('connect', (_reply, socket) => {
  const session = http2.connect(url.origin, { createConnection: () => tls.connect({ socket, servername: url.hostname, ALPNProtocols: ['h2'] }) });
  const ask = async () => {
    const stream = session.request({ ':method': 'POST', ':path': url.pathname });
    let status;
    stream.on('response', (head) => (status = head[':status']));
    stream.end('hello');
    const body = await text(stream);
    console.log('HTTP/2', status, body);
  };
  Promise.all([ask(), ask(), ask()]).then(() => session.close());
});
`;

/** Go compiles its own library first, which takes a minute of a processor that nobody else wants. */
const compilesWithinMs = 500_000;

const systemPython = '/usr/bin/python3';
function whyWithoutHttpx(): string | false {
  try {
    execFileSync(systemPython, ['-c', 'import httpx, h2'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'the Python modules httpx and h2 are not installed: apt-get install python3-httpx python3-h2';
  }
}

describe('HTTP/2 in a sealed session', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let api: Origin;

  before(async () => {
    api = await startOrigin(undefined, 'api.holdfast.test');
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('demo', secret, api, { paths: ['/v1/**'] });
    const sources = { 'call2.go': goProgram, 'call2.py': pythonProgram, 'call2.mjs': nodeProgram };
    for (const [name, text] of Object.entries(sources)) await writeFile(path.join(holdfast.work, name), text);
  });
  after(async () => {
    await holdfast.remove();
    await api.close();
  });

  const url = (of: string): string => `https://api.holdfast.test:${api.port}${of}`;

  async function inside(...words: readonly string[]): Promise<Ran> {
    const ran = await holdfast.run(words, { timeoutMs: compilesWithinMs });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.deepEqual(leaksIn(ran.stdout + ran.stderr, secret), []);
    return ran;
  }

  /** Three requests with a body, each with the credential; a fourth elsewhere is refused. */
  async function calls(...command: readonly string[]): Promise<void> {
    const already = api.seen.length;
    const asked = `/v1/as/${command.at(-1)?.replace(/\W/g, '-')}`;
    const ran = await inside(...command, url(asked));
    assert.match(ran.stdout, /^(HTTP\/2(\.0)? 200 \{"ok":true,.*"authenticated":true\}\n\s*){3}$/);
    assert.deepEqual(
      api.seen.slice(already).map((seen) => [seen.method, seen.url, seen.headers.authorization, seen.body.toString()]),
      Array.from({ length: 3 }, () => ['POST', asked, `Bearer ${secret}`, 'hello']),
    );
    const refused = await inside(...command, url('/v2/x'));
    assert.match(refused.stdout, /^(HTTP\/2(\.0)? 403 \{"error":\{"code":"egress_denied".*\n\s*){3}$/);
    assert.equal(api.seen.length, already + 3);
  }

  const curl = ['curl', '-sS', '-w', 'HTTP/%{http_version}\n', '--data', 'hello'];

  it('curl: HTTP/2 by itself, HTTP/1.1 if told so, both with the credential', { skip: whyWithout('curl', 'curl') }, async () => {
    for (const [version, ...words] of [['2'], ['2', '--http2'], ['2', '--http2-prior-knowledge'], ['1.1', '--http1.1']]) {
      const already = api.seen.length;
      const ran = await inside(...curl, ...words, url('/v1/x'), url('/v1/y'));
      assert.equal(ran.stdout.match(new RegExp(`"authenticated":true\\}\\nHTTP/${version}$`, 'gm'))?.length, 2, ran.stdout);
      assert.deepEqual(
        api.seen.slice(already).map(({ url: of, headers }) => [of, headers.authorization]),
        ['/v1/x', '/v1/y'].map((of) => [of, `Bearer ${secret}`]),
      );
    }
    const refused = await inside(...curl, url('/v2/x'));
    assert.match(refused.stdout, /"egress_denied"[^]*HTTP\/2$/m);
  });

  it('Go', { skip: whyWithout('go', 'golang-go') }, () => calls('go', 'run', 'call2.go'));
  it("Python's httpx", { skip: whyWithoutHttpx() }, () => calls(systemPython, 'call2.py'));
  it("Node's http2", () => calls(process.execPath, 'call2.mjs'));
});
