// Clients of WebSocket in a sealed session: the credential in their handshake, messages both ways, nothing of the secret in what comes back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { formsOf, leaksIn, newCanary } from '../../packages/testkit/src/canary.ts';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation, jsonOf } from '../../packages/testkit/src/installation.ts';
import { startSocketService, type SocketService } from '../../packages/testkit/src/socket-service.ts';

/** Each says hello, prints every message, and ends with the other side. */
const nodeProgram = `
const socket = new WebSocket(process.argv[2]);
socket.onopen = () => socket.send('hello');
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = ({ code }) => console.log('closed', code);
socket.onerror = () => console.log('failed');
`;

const javaProgram = `
import java.net.URI;
import java.net.http.*;
import java.util.concurrent.*;
public class Talk implements WebSocket.Listener {
  final CountDownLatch over = new CountDownLatch(1);
  final StringBuilder text = new StringBuilder();
  public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
    text.append(part);
    if (last) { System.out.println(text); text.setLength(0); }
    socket.request(1);
    return null;
  }
  public CompletionStage<?> onClose(WebSocket socket, int code, String why) { System.out.println("closed " + code); over.countDown(); return null; }
  public void onError(WebSocket socket, Throwable why) { System.out.println("failed " + why); over.countDown(); }
  public static void main(String[] urls) throws Exception {
    var talk = new Talk();
    try {
      HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(urls[0]), talk).get().sendText("hello", true);
      talk.over.await();
    } catch (ExecutionException refused) { System.out.println("failed " + refused); }
  }
}`;

/** Python's websockets asks no proxy before version 15: CONNECT by hand. */
const pythonConnect = `
import asyncio, os, socket, ssl, sys, urllib.parse, websockets
url = urllib.parse.urlsplit(sys.argv[1])
def tunnel():
    proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])
    sock = socket.create_connection((proxy.hostname, proxy.port))
    sock.sendall(f'CONNECT {url.netloc} HTTP/1.1\\r\\nHost: {url.netloc}\\r\\n\\r\\n'.encode())
    head = b''
    while not head.endswith(b'\\r\\n\\r\\n'): head += sock.recv(1)
    return sock
def connected(**more):
    return websockets.connect(sys.argv[1], sock=tunnel(), ssl=ssl.create_default_context(), server_hostname=url.hostname, **more)
`;

const pythonTalk = `${pythonConnect}
async def main():
    try:
        async with connected() as socket:
            await socket.send('hello')
            async for message in socket: print(message)
            print('closed', socket.close_code)
    except Exception as why:
        print('failed', why)
asyncio.run(main())
`;

/** Takes one message, slowly: nothing is read before the word on its input. */
const pythonDown = `${pythonConnect}
import hashlib
async def main():
    async with connected(max_size=None, max_queue=1, ping_interval=None) as socket:
        print('waiting', flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        digest = hashlib.sha256()
        async for message in socket: digest.update(message)
        print(digest.hexdigest(), flush=True)
asyncio.run(main())
`;

const pythonUp = `${pythonConnect}
async def main():
    piece = bytes(1048576)
    async with connected(ping_interval=None) as socket:
        for count in range(64):
            await socket.send(piece)
            print('taken', flush=True)
        await socket.send('over')
        print(await socket.recv(), flush=True)
asyncio.run(main())
`;

const sources = {
  'talk.mjs': nodeProgram,
  'Talk.java': javaProgram,
  'talk.py': pythonTalk,
  'down.py': pythonDown,
  'up.py': pythonUp,
};

const systemPython = '/usr/bin/python3';
function whyWithoutWebsockets(): string | false {
  try {
    execFileSync(systemPython, ['-c', 'import websockets'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'the Python module websockets is not installed: apt-get install python3-websockets';
  }
}

const piece = Buffer.alloc(1_048_576, 'holdfast ');
const pieces = 64;
/** What may be on its way: socket buffers of six hops, and what each program reads at once. */
const maxAheadPieces = 24;
const standstillMs = 700;

async function standstill(count: () => number): Promise<number> {
  for (let last = -1; ; await sleep(standstillMs)) {
    if (count() === last) return last;
    last = count();
  }
}

describe('WebSocket in a sealed session', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let service: SocketService;
  let free: SocketService;
  let handedOver = 0;
  let counted = 0;
  let mayRead = Promise.resolve();

  function taken(
    socket: WebSocket,
    { url, headers }: { url?: string | undefined; headers: NodeJS.Dict<string | string[]> },
  ): void {
    const pump = (): void => {
      if (handedOver === pieces) socket.close(1000);
      else
        socket.send(piece, { compress: false }, () => {
          handedOver += 1;
          pump();
        });
    };
    socket.once('message', (message: Buffer) => {
      if (url !== '/v1/talk') return;
      socket.send(`you said ${message.toString()}`);
      const sent = String(headers['authorization'] ?? 'nothing');
      for (const form of [sent, ...formsOf(sent).values()].filter((each) => !each.includes('\0'))) socket.send(form);
      for (let at = 0; at < sent.length; at += 5) socket.send(sent.slice(at, at + 5), { fin: at + 5 >= sent.length });
      socket.close(1000);
    });
    if (url === '/v1/down') pump();
    if (url === '/v1/hold') socket.send('open');
    if (url === '/v1/up') {
      socket.pause();
      void mayRead.then(() => socket.resume());
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (isBinary) counted += data.length;
        else socket.send(`got ${counted}`, () => socket.close(1000));
      });
    }
  }

  before(async () => {
    [service, free] = await Promise.all([
      startSocketService('sockets.holdfast.test', taken),
      startSocketService('free-sockets.holdfast.test', taken),
    ]);
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('sockets', secret, service, { paths: ['/v1/**'], methods: ['GET'] });
    await holdfast.allowEgress(free);
    for (const [name, text] of Object.entries(sources)) await writeFile(path.join(holdfast.work, name), text);
  });
  after(async () => {
    await holdfast.remove();
    await Promise.all([service.close(), free.close()]);
  });

  const url = (of: string, at: SocketService = service): string => `wss://${at.host}:${at.port}${of}`;

  async function talks(...command: readonly string[]): Promise<void> {
    const ran = await holdfast.run([...command, url('/v1/talk')]);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const handshake = service.handshakes.at(-1);
    assert.equal(handshake?.headers.authorization, `Bearer ${secret}`);
    assert.equal(handshake.headers['sec-websocket-extensions'], undefined);
    assert.match(ran.stdout, /^you said hello$/m);
    assert.match(ran.stdout, /^closed 1000$/m);
    assert.match(ran.stdout, /^Bearer \*+$/m, 'the service did repeat it');
    const leaks = leaksIn(ran.stdout + ran.stderr, secret).filter((form) => !['reversed', 'utf-16'].includes(form));
    assert.deepEqual(leaks, []);

    const open = await holdfast.run([...command, url('/v1/talk', free)]);
    assert.match(open.stdout, /^you said hello\r?\nnothing$/m, open.stderr);
    assert.equal(free.handshakes.at(-1)?.headers.authorization, undefined);

    const already = service.handshakes.length;
    const fenced = await holdfast.run([...command, url('/v2/talk')]);
    assert.match(fenced.stdout, /failed/);
    assert.equal(service.handshakes.length, already);
  }

  it("Node's WebSocket", () => talks(process.execPath, 'talk.mjs'));
  it("Java's WebSocket", { skip: whyWithout('javac', 'default-jdk-headless') }, () => talks('java', 'Talk.java'));
  it("Python's websockets", { skip: whyWithoutWebsockets() }, () => talks(systemPython, 'talk.py'));

  it(
    '64 MiB down: a client that does not read stops the service; then all of it arrives',
    { skip: whyWithoutWebsockets() },
    async () => {
      const session = holdfast.session([systemPython, 'down.py', url('/v1/down')]);
      await session.waitFor(/waiting/);
      const ahead = await standstill(() => handedOver);
      assert.ok(ahead < maxAheadPieces, `${ahead} MiB were on their way`);
      session.write('go\n');
      assert.equal((await session.ended).code, 0, session.complained);
      const wanted = createHash('sha256');
      for (let count = 0; count < pieces; count += 1) wanted.update(piece);
      assert.equal(/[0-9a-f]{64}/.exec(session.said)?.[0], wanted.digest('hex'));
    },
  );

  it(
    '64 MiB up: a service that does not read stops the client; then all of it arrives',
    { skip: whyWithoutWebsockets() },
    async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      mayRead = promise;
      const session = holdfast.session([systemPython, 'up.py', url('/v1/up')]);
      await session.waitFor(/taken/);
      const ahead = await standstill(() => session.said.match(/taken/g)?.length ?? 0);
      assert.ok(ahead < maxAheadPieces, `${ahead} MiB were on their way`);
      resolve();
      assert.equal((await session.ended).code, 0, session.complained);
      assert.match(session.said, new RegExp(`^got ${pieces * piece.length}$`, 'm'));
    },
  );

  it('one use is on record for one socket, however long it talks; ungranting cuts it', async () => {
    const uses = async (): Promise<number> => {
      const { events } = jsonOf<{ events: { kind: string }[] }>(await holdfast.cli(['audit', 'show', '--json']));
      return events.filter(({ kind }) => kind === 'consumed').length;
    };
    const already = await uses();
    const session = holdfast.session([process.execPath, 'talk.mjs', url('/v1/hold')]);
    await session.waitFor(/open/);
    assert.equal(service.open, 1);
    assert.equal(await uses(), already + 1);
    await holdfast.must(['vault', 'ungrant', 'sockets', '--from', 'main']);
    await session.waitFor(/closed 1006|failed/);
    assert.equal((await session.ended).code, 0);
    const fenced = await holdfast.run([process.execPath, 'talk.mjs', url('/v1/talk')]);
    assert.match(fenced.stdout, /failed/);
  });
});
