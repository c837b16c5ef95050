// Large and endless bodies through the broker, by curl: nothing piles up on the way, and an event arrives when it is sent.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newCanary } from '../../packages/testkit/src/canary.ts';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation } from '../../packages/testkit/src/installation.ts';
import { startService, type Service } from '../../packages/testkit/src/origin.ts';

/** What a body is made of, over and over: a little less than a mebibyte. */
const piece = Buffer.alloc(1_048_572, 'holdfast ');
const pieces = 64;
/** What may be on its way: socket buffers of six hops, and what each program reads at once. */
const maxAheadPieces = 24;
/** Nothing has moved for so long: it stands. */
const standstillMs = 700;

/** Resolves with `count` once it has stopped growing. */
async function standstill(count: () => number): Promise<number> {
  for (let last = -1; ; await sleep(standstillMs)) {
    if (count() === last) return last;
    last = count();
  }
}

describe('streams through a sealed session', { skip: whyWithout('curl', 'curl') }, () => {
  const secret = newCanary();
  const hash = createHash('sha256');
  for (let count = 0; count < pieces; count += 1) hash.update(piece);
  const wantedHash = hash.digest('hex');
  let holdfast: Installation;
  let service: Service;
  /** How many pieces of the download the service could hand over. */
  let handedOver = 0;
  /** Tells that a download was asked for. */
  let asked = (): void => {};
  /** Resolves when the upload may be read. */
  let mayRead = Promise.resolve();
  /** The open event stream. */
  let events: ServerResponse | undefined;

  async function listener(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${secret}`) {
      response.writeHead(401).end();
    } else if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      events = response;
    } else if (request.url === '/down') {
      asked();
      for (handedOver = 0; handedOver < pieces; handedOver += 1) if (!response.write(piece)) await once(response, 'drain');
      response.end();
    } else {
      await mayRead;
      const taken = createHash('sha256');
      for await (const chunk of request) taken.update(chunk as Buffer);
      response.end(taken.digest('hex'));
    }
  }

  before(async () => {
    service = await startService((request, response) => void listener(request, response), 'streams.holdfast.test');
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('streams', secret, service);
  });
  after(async () => {
    await holdfast.remove();
    await service.close();
  });

  const url = (path: string): string => `https://streams.holdfast.test:${service.port}${path}`;

  for (const http of ['--http1.1', '--http2']) {
    it(`64 MiB up, ${http}: a service that does not read stops the sender; then all of it arrives`, async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      mayRead = promise;
      // The sender tells of each piece that was taken from it.
      const script = `i=0; while [ $i -lt ${pieces} ]; do yes 'holdfast ' | tr -d '\\n' | head -c ${piece.length}; i=$((i+1)); echo "taken $i" >&2; done | curl -sS ${http} -T - "$1"`;
      const session = holdfast.session(['sh', '-c', script, 'sh', url('/up')]);
      await session.until(() => (session.complained.includes('taken 1\n') ? true : undefined), 'the first piece');
      const taken = await standstill(() => session.complained.match(/taken/g)?.length ?? 0);
      assert.ok(taken < maxAheadPieces, `${taken} MiB were on their way`);
      resolve();
      assert.equal((await session.ended).code, 0, session.complained);
      assert.equal(session.said, wantedHash);
    });

    it(`64 MiB down, ${http}: a client that does not read stops the service; then all of it arrives`, async () => {
      handedOver = 0;
      const begun = new Promise<void>((resolve) => (asked = resolve));
      const session = holdfast.session([
        'sh',
        '-c',
        `exec 3<&0; curl -sS ${http} "$1" | { echo waiting; read -r go <&3; sha256sum; }`,
        'sh',
        url('/down'),
      ]);
      await session.waitFor(/waiting/);
      await Promise.race([begun, session.ended.then(() => assert.fail(session.complained))]);
      const ahead = await standstill(() => handedOver);
      assert.ok(ahead < maxAheadPieces, `${ahead} MiB were on their way`);
      session.write('go\n');
      assert.equal((await session.ended).code, 0, session.complained);
      assert.equal(/[0-9a-f]{64}/.exec(session.said)?.[0], wantedHash);
    });
  }

  it('server-sent events arrive one by one: the second is sent only when the first was seen', async () => {
    const session = holdfast.session(['curl', '-sSN', url('/events')]);
    for (const number of [1, 2, 3]) {
      await session.waitFor(new RegExp(`^data: ${number}$`, 'm'));
      assert.ok(!session.said.includes(`data: ${number + 1}`));
      if (number < 3) events?.write(`data: ${number + 1}\n\n`);
    }
    events?.end();
    assert.equal((await session.ended).code, 0);
  });
});
