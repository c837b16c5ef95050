// How much of requests and replies passes with a credential: parent, sibling and children at once, endless both ways, over a restart and a kill. Judged
// by what the service got and what the clients did.

import assert from 'node:assert/strict';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf, root } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startService, type Service } from '../packages/testkit/src/origin.ts';

const main = path.join(root, 'apps/cli/src/main.ts');
const budget = 3_000_000;

interface Calls {
  readonly url: string;
  readonly times: number;
  /** Bytes that each sends; undefined: without end. */
  readonly sends?: number;
}

interface Told {
  /** How often each status or code; `cut`: after a reply had begun, or without one. */
  readonly told: Record<string, number>;
  /** Of replies of the service. */
  readonly heard: number;
}

/** All at once. */
async function callAtOnce({ url, times, sends }: Calls): Promise<Told> {
  const told: Record<string, number> = {};
  let heard = 0;
  const call = async (): Promise<string> => {
    let over = false;
    // A fetch that was cut reads on what it was to send, without a pause and to its end.
    const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
      await new Promise((done) => setImmediate(done));
      if (over) controller.close();
      else controller.enqueue(new Uint8Array(4096));
    };
    const body = sends === undefined ? new ReadableStream({ pull }, { highWaterMark: 1 }) : new Uint8Array(sends);
    const init = sends === 0 ? {} : ({ method: 'POST', body, duplex: 'half' } as RequestInit);
    try {
      const reply = await fetch(url, init);
      const code = reply.headers.get('x-holdfast-error');
      for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) if (code === null) heard += chunk.length;
      return code ?? String(reply.status);
    } catch {
      return 'cut';
    } finally {
      over = true;
    }
  };
  const ended = async (): Promise<void> => {
    const code = await call();
    told[code] = (told[code] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: times }, ended));
  return { told, heard };
}

interface Item {
  readonly name: string;
  readonly bytes?: readonly string[];
  readonly bytesTotal?: string;
  readonly usedBytes?: { readonly total: number; readonly windows: readonly number[] };
}

interface Event {
  readonly code?: string;
  readonly grant?: string;
  readonly child?: string;
}

describe('bytes of a grant', () => {
  let holdfast: Installation;
  let service: Service;
  /** By the service's connections, everything within TLS. */
  const within = { received: 0 };
  let heardMore = (): void => {};

  const at = (name: string): string => `https://localhost:${service.port}/${name}`;
  const session = (calls: Calls): LiveProgram => holdfast.session([process.execPath, '-e', scriptOf(callAtOnce, calls)]);
  const inChild = (calls: Calls): LiveProgram =>
    holdfast.session([
      ...[process.execPath, main, 'run', '--child', '--only', 'vault:use:tree', '--'],
      ...[process.execPath, '-e', scriptOf(callAtOnce, calls)],
    ]);
  const toldBy = async (program: LiveProgram): Promise<Told> => {
    await program.ended;
    const from = program.said.lastIndexOf('answer ');
    assert.ok(from >= 0, program.said + program.complained);
    return JSON.parse(program.said.slice(from + 'answer '.length).split('\n')[0] ?? '') as Told;
  };
  const family = async (calls: Calls, inChildren = calls): Promise<Told> => {
    const line = [session(calls), session(calls), inChild(inChildren), inChild(inChildren)];
    const all = await Promise.all(line.map(toldBy));
    const told: Record<string, number> = {};
    for (const one of all) for (const [code, count] of Object.entries(one.told)) told[code] = (told[code] ?? 0) + count;
    return { told, heard: all.reduce((sum, { heard }) => sum + heard, 0) };
  };
  const listed = async (): Promise<Item | undefined> =>
    jsonOf<{ items: Item[] }>(await holdfast.cli(['vault', 'list', '--json'])).items.find(({ name }) => name === 'tree');

  before(async () => {
    const started = await startService((request, response) => {
      request.on('error', () => response.destroy());
      request.resume();
      const piece = Buffer.alloc(4096, 'z');
      const flow = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      if (request.url === '/endless') flow();
      response.on('drain', flow);
      if (request.url === '/moved') request.on('end', () => response.end(Buffer.alloc(20_000, 'z')));
    });
    started.server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        within.received += chunk.length;
        heardMore();
      });
    });
    service = started;
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.addCredential('tree', newCanary(), service);
    await holdfast.must(['vault', 'grant', 'tree', '--to', 'main', '--bytes', '50MB/d', '--bytes-total', '3MB']);
  });
  after(async () => {
    await holdfast?.remove();
    await service?.close();
  });

  // [FENCE-38] [FENCE-39]
  it('64 at once of parent, sibling and two children, over a restart and a kill: no more than the budget moves', async () => {
    const moved = await family({ url: at('moved'), times: 8, sends: 10_000 });
    assert.deepEqual([moved.told, moved.heard], [{ 200: 32 }, 32 * 20_000]);
    const first = await listed();
    assert.deepEqual([first?.bytes, first?.bytesTotal], [['50MB/d'], '3MB']);
    const passed = first?.usedBytes?.total ?? 0;
    assert.ok(
      passed >= within.received + moved.heard && passed < within.received + moved.heard + 32_000,
      `${passed} of ${within.received} and ${moved.heard}`,
    );
    assert.match(
      (await holdfast.cli(['vault', 'list'])).stdout,
      /50MB at most a day and 3MB at most in all[^]*passed [\d.]+ [KM]B in all, [\d.]+ [KM]B of 50MB\/d/,
    );
    assert.equal(await holdfast.stop(), 0);
    await holdfast.start();
    const enough = within.received + 200_000;
    const uploads = [session({ url: at('unanswered'), times: 1 }), inChild({ url: at('unanswered'), times: 1 })];
    const ended = Promise.race(uploads.map((each) => each.ended));
    while (within.received < enough) {
      const over = await Promise.race([new Promise<void>((done) => (heardMore = done)), ended]);
      assert.ok(over === undefined || within.received >= enough, uploads.map(({ said, complained }) => said + complained).join());
    }
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGKILL');
    await holdfast.ended();
    await Promise.all(uploads.map((each) => each.ended));
    await holdfast.start();

    const { told, heard } = await family({ url: at('endless'), times: 16, sends: 0 }, { url: at('unanswered'), times: 16 });
    assert.equal((told['cut'] ?? 0) + (told['fence_bytes'] ?? 0), 64, JSON.stringify(told));
    const total = (await listed())?.usedBytes?.total ?? Number.NaN;
    const crossed = within.received + moved.heard + heard;
    assert.ok(crossed <= total && total <= budget, `${crossed} of ${total}`);
    assert.ok(total > budget - 64_000, `${total}: to the end of it`);
  });

  // [FENCE-38]
  it('whoever is cut is told so, and the record has who and why', async () => {
    const late = await toldBy(session({ url: at('moved'), times: 3, sends: 100_000 }));
    assert.deepEqual(late.told, { fence_bytes: 3 });
    const shown = async (what: string): Promise<readonly Event[]> =>
      jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--what', what, '--json'])).events;
    assert.ok((await shown('stream-cut')).some(({ grant, child }) => grant !== undefined && child !== undefined));
    assert.ok((await shown('fault')).some(({ code }) => code === 'fence_bytes'));
    const verified = await holdfast.cli(['audit', 'verify', '--json']);
    assert.equal(verified.code, 0, verified.stderr);
  });

  // [CHILD-11]
  it('a child has a share of its own: no more passes than that, of it and its own child together', async () => {
    await holdfast.giveCredential('wide', newCanary(), service, { env: 'WIDE' });
    const child = (...more: string[]): string[] => [
      process.execPath,
      main,
      'run',
      '--child',
      '--only',
      'vault:use:wide',
      ...more,
      '--',
    ];
    const calls: Calls = { url: at('moved'), times: 4 };
    const program = [process.execPath, '-e', scriptOf(callAtOnce, { ...calls, sends: 10_000 })];
    const enough = await toldBy(holdfast.session([...child('--bytes', '1MB'), ...program]));
    assert.deepEqual(enough.told, { 200: 4 });
    const before = within.received;
    const { told, heard } = await toldBy(
      holdfast.session([...child('--bytes', '100kB', '--depth', '1'), ...child(), ...program]),
    );
    assert.ok((told['cut'] ?? 0) + (told['child_spent'] ?? 0) > 0, JSON.stringify(told));
    assert.ok(within.received - before + heard <= 100_000, `${within.received - before} and ${heard}`);
    const refused = await holdfast.session([...child('--bytes', '1MB', '--depth', '1'), ...child('--bytes', '2MB'), 'true'])
      .ended;
    assert.equal(refused.code, 125);
  });
});
