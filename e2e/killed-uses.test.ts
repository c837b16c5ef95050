// kill -9 of the daemon in the middle of a use, again and again: each handle is consumed or unused afterwards, never both, and what the daemon
// counts is what the service saw, but for a use whose bytes had not left yet. Judged by the service, request by request.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { assertVerifies, consumedOnce, eventsOf } from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startService, type Service } from '../packages/testkit/src/origin.ts';
import { share } from '../packages/testkit/src/shares.ts';

/** When the daemon is killed: what the service sees of the use, or a moment of chance after the client has its handle. */
const moments = ['chance', 'dialled', 'asked', 'half sent', 'half answered'] as const;
type Moment = (typeof moments)[number];

/** Asks for a handle, and uses it for one upload; before, presents `old`, which an earlier daemon gave. Says how far it is. */
async function useOnce({ url, half, old }: { url: string; half: boolean; old: string | undefined }): Promise<void> {
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  const present = async (handle: string, body: string | ReadableStream): Promise<void> => {
    const init = { method: 'POST', headers: { authorization: `Bearer ${handle}` }, body, duplex: 'half' };
    const reply = await fetch(url, init as RequestInit);
    say(`told ${reply.headers.get('x-holdfast-error') ?? reply.status}`);
    for await (const _piece of reply.body ?? []) say('a piece');
    say('done');
  };
  if (old !== undefined) await present(old, 'again');
  const asked = await fetch(`${process.env['HOLDFAST_DOOR']}/v1/handles`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ credential: 'demo', request: { method: 'POST', url } }),
  });
  const { handle } = (await asked.json()) as { handle: string };
  say(`handle ${handle}`);
  const first = new TextEncoder().encode('the first half');
  const body = new ReadableStream({
    start: (out) => {
      out.enqueue(first);
      if (!half) out.close();
    },
  });
  await present(handle, body).catch(() => {});
}

describe('kill -9 of the daemon in the middle of a use', () => {
  const secret = newCanary();
  const budget = 1_000_000;
  const arrived: string[] = [];
  const at = new EventEmitter();
  let service: Service;
  let holdfast: Installation;

  /** Answers the half of it, and the rest never: the daemon is dead by then. */
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    assert.equal(request.headers.authorization, `Bearer ${secret}`);
    arrived.push(request.url ?? '');
    at.emit('asked');
    request.on('error', () => {}).once('data', () => at.emit('half sent'));
    response.on('error', () => {});
    request.on('end', () => response.write('the half of an answer'));
  };

  before(async () => {
    const { server, ...rest } = await startService(answer);
    service = rest;
    server.on('connection', () => at.emit('dialled'));
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.addCredential('demo', secret, service, { paths: ['/v1/**'], methods: ['POST'] });
    await holdfast.must(['vault', 'grant', 'demo', '--to', 'main', '--total', String(budget)]);
  });
  after(async () => {
    await holdfast.remove();
    await service.close();
  });

  /** What the daemon says of all uses so far, held against what the service saw. Resolves with how many fell into which place. */
  const compared = async (): Promise<Record<'arrived' | 'consumed' | 'unused', number>> => {
    const events = await eventsOf(holdfast);
    await assertVerifies(holdfast);
    const consumed = new Set(consumedOnce(events));
    const minted = events.filter(({ kind }) => kind === 'minted');
    const handles = new Map(minted.map(({ handle, request }) => [request?.path ?? '', handle ?? '']));
    assert.equal(handles.size, minted.length, 'each round has a path of its own');
    assert.equal(new Set(arrived).size, arrived.length, 'nothing arrived twice');
    for (const path of arrived) assert.ok(consumed.has(handles.get(path) ?? ''), `${path} arrived and is on record`);
    const { items } = jsonOf<{ items: { used: { total: number } }[] }>(await holdfast.cli(['vault', 'list', '--json']));
    assert.equal(items[0]?.used.total, consumed.size, 'the budget counts what was consumed');
    return { arrived: arrived.length, consumed: consumed.size - arrived.length, unused: handles.size - consumed.size };
  };

  it('[HANDLE-5]: it is consumed or unused, and its handle is worth nothing after the next start', async (t) => {
    const rounds = share({ ci: 20, soak: 300 });
    const certain = new Set<string>();
    let old: string | undefined;
    for (let round = 0; round < rounds; round += 1) {
      const moment: Moment = moments[round % moments.length] ?? 'chance';
      const path = `/v1/use-${round}`;
      const argument = { url: `https://localhost:${service.port}${path}`, half: moment === 'half sent', old };
      const daemon = await holdfast.daemonPid();
      const ended = holdfast.ended();
      const reached = moment === 'chance' || moment === 'half answered' ? undefined : once(at, moment);
      const session = holdfast.session([process.execPath, '-e', scriptOf(useOnce, argument)]);
      const [, handle = ''] = await session.waitFor(/^handle (\S+)$/m);
      await (moment === 'chance'
        ? later(Math.random() * 40)
        : moment === 'half answered'
          ? session.waitFor(/^told 200\na piece$/m)
          : reached);
      process.kill(daemon, 'SIGKILL');
      await Promise.all([ended, session.ended]);
      if (old !== undefined) assert.match(session.said, /^told refused\n/, session.said); // [HANDLE-5]
      assert.doesNotMatch(session.said, /^told 200\n(?:.*\n)*done$/m, 'nothing ended well in the middle');
      if (moment !== 'chance' && moment !== 'dialled') certain.add(path);
      await holdfast.start();
      old = handle;
      if (round % 20 === 4) await compared();
    }
    const { arrived: sent, consumed, unused } = await compared();
    t.diagnostic(`of ${rounds} uses ${sent} arrived, ${consumed} are consumed and had not left, ${unused} are unused`);
    assert.equal(sent + consumed + unused, rounds);
    for (const path of certain) assert.ok(arrived.includes(path), `${path} was in the middle`);
  });
});
