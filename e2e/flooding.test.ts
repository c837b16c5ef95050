// A session that floods and closes its own door: with connections that say nothing whole, with junk, and with requests that are too long. What it does itself
// fails for as long as it keeps that up; another session's calls go on, the daemon's memory stays bounded, and the log has all of it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { assertVerifies, eventsOf } from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { share } from '../packages/testkit/src/shares.ts';

interface Flood {
  readonly url: string;
  readonly junk: number;
  readonly long: number;
  readonly halfOpen: number;
}

/** Does each of it, says how much was answered how, and holds the half-open connections until it is told to go on. */
async function flood({ url, junk, long, halfOpen }: Flood): Promise<void> {
  const net = process.getBuiltinModule('node:net');
  const door = new URL(process.env['HOLDFAST_DOOR'] ?? '');
  const say = (what: string, all: readonly unknown[]): void => {
    const counts: Record<string, number> = {};
    for (const each of all) counts[String(each)] = (counts[String(each)] ?? 0) + 1;
    process.stdout.write(`${what} ${JSON.stringify(counts)}\n`);
  };
  const inLines = async <T>(count: number, act: () => Promise<T>): Promise<T[]> => {
    const results: T[] = [];
    let begun = 0;
    const line = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        results.push(await act());
      }
    };
    await Promise.all(Array.from({ length: 32 }, line));
    return results;
  };
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let said = '';
      const socket = net.connect(Number(door.port), door.hostname, () => socket.write(bytes, 'latin1'));
      socket.on('data', (chunk) => (said += chunk.toString('latin1')));
      socket.on('error', () => {});
      socket.on('close', () => resolve(said.slice(9, 12)));
    });
  const post = (path: string, body: string): Promise<string> =>
    fetch(new URL(path, door), { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
      async (reply) => `${reply.status} ${(await reply.text()).includes('"permissionDecision":"allow"') ? 'allowed' : ''}`.trim(),
      () => 'cut',
    );
  say('junk', await inLines(junk, () => raw('\u0016\u0003\u0001 this is no HTTP \u00ff\u0000\r\n\r\n')));
  say('events', await inLines(junk, () => post('/v1/hook/claude-code', '{"hook_event_name":7}')));
  say('long', await inLines(long, () => post('/v1/handles', JSON.stringify('x'.repeat(40 << 20)))));
  say('heads', await inLines(long, () => raw(`GET http://a.example/ HTTP/1.1\r\nhost: a.example\r\nx: ${'x'.repeat(4 << 20)}`)));
  const ask = (): Promise<string> =>
    fetch(url).then(
      async (reply) => {
        await reply.text();
        return String(reply.status);
      },
      () => 'cut',
    );
  let open = 0;
  const held: InstanceType<typeof net.Socket>[] = [];
  await inLines(
    halfOpen,
    () =>
      new Promise<void>((resolve) => {
        const socket = net.connect(Number(door.port), door.hostname, () => {
          open += 1;
          socket.write('CONNECT localhost:443 HT');
          held.push(socket);
          resolve();
        });
        socket.on('error', () => resolve());
        socket.on('close', () => (open -= 1));
      }),
  );
  say('own', await inLines(8, ask));
  process.stdout.write(`held ${open}\n`);
  process.stdin.resume().on('end', () => {
    void (async () => {
      const open = held.filter(({ closed }) => !closed);
      await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())));
      for (let status = await ask(); status !== '200'; status = await ask());
      process.stdout.write('goes on\n');
      process.exit(0);
    })();
  });
}

/** One call after the other, each to a path of its own, until its input ends. */
async function goOn({ url }: { url: string }): Promise<void> {
  const over = new AbortController();
  process.stdin.resume().on('end', () => over.abort());
  for (let number = 0; !over.signal.aborted; number += 1) {
    const reply = await fetch(`${url}-${number}`);
    await reply.text();
    process.stdout.write(`called ${reply.status}\n`);
  }
}

/** The other session's calls while the door is closed: it goes on when they are answered, and if it is starved that is never. */
const callsMeanwhile = share({ ci: 20, soak: 2_000 });

describe('a session that floods its door', { timeout: share({ ci: 560_000, soak: 3_500_000 }) }, () => {
  let holdfast: Installation;
  let origin: Origin;
  let other: LiveProgram | undefined;
  let greedy: LiveProgram | undefined;

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', newCanary(), origin, { paths: ['/v1/**'] });
  });
  after(async () => {
    await greedy?.end();
    await other?.end();
    await holdfast.remove();
    await origin.close();
  });

  it('[BROKER-52, AGENT-DOOR-11, AUDIT-63] closes it for itself, and for nobody else; and all of it is on record', async (t) => {
    const daemon = await holdfast.daemonPid();
    const residentMb = async (what: 'VmRSS' | 'VmHWM'): Promise<number> =>
      Number(new RegExp(`${what}:\\s+(\\d+)`).exec(await readFile(`/proc/${daemon}/status`, 'utf8'))?.[1]) / 1024;
    const at = (name: string): string => `https://localhost:${origin.port}/v1/${name}`;
    const program = (script: string): readonly string[] => [process.execPath, '-e', script];
    const live = (other = holdfast.session(program(scriptOf(goOn, { url: at('other') }))));
    await live.waitFor(/called 200\n/);
    const beforeMb = await residentMb('VmRSS');

    const sizes = { junk: share({ ci: 300, soak: 20_000 }), long: share({ ci: 24, soak: 1_000 }), halfOpen: 1_400 };
    const its = (greedy = holdfast.session(program(scriptOf(flood, { url: at('own'), ...sizes }))));
    await its.waitFor(/^held (\d+)$/m);
    const told = (what: string): Record<string, number> =>
      JSON.parse(new RegExp(`^${what} (.*)$`, 'm').exec(its.said)?.[1] ?? '{}') as Record<string, number>;
    assert.deepEqual(told('junk'), { 400: sizes.junk });
    assert.deepEqual(told('events'), { 200: sizes.junk }, 'answered as denials, and none allowed');
    const long = told('long');
    assert.equal((long['413'] ?? 0) + (long['cut'] ?? 0), sizes.long, JSON.stringify(long));
    const heads = told('heads');
    assert.equal((heads['431'] ?? 0) + (heads[''] ?? 0), sizes.long, JSON.stringify(heads));
    assert.deepEqual(told('own'), { cut: 8 }, 'its door is closed for itself');
    const calls = (): number => live.said.match(/^called 200$/gm)?.length ?? 0;
    const before = calls();
    await live.until(() => (calls() >= before + callsMeanwhile ? true : undefined), 'calls of the other session');
    const peakMb = await residentMb('VmHWM');
    its.closeInput();
    await its.waitFor(/goes on/);
    await its.ended;
    live.closeInput();
    await live.ended;
    t.diagnostic(
      `resident ${beforeMb.toFixed(0)} MB before, ${peakMb.toFixed(0)} MB at most; the other session made ${calls()} calls`,
    );
    assert.ok(peakMb - beforeMb < 300, `it took ${(peakMb - beforeMb).toFixed(0)} MB`);
    assert.doesNotMatch(live.said, /^called (?!200$)/m);

    await assertVerifies(holdfast);
    const events = await eventsOf(holdfast);
    const [first, second] = events.filter(({ kind }) => kind === 'session-start').map(({ session }) => session);
    const ofFlood = events.filter(({ session }) => session === second);
    const counts: Record<string, number> = {};
    for (const { kind, counts: counted = [] } of ofFlood)
      if (kind === 'turned-away') for (const { code, count } of counted) counts[code] = (counts[code] ?? 0) + count;
    const crowd = 1_400 - 1_200;
    assert.ok((counts['limit_exceeded'] ?? 0) >= crowd + (long['413'] ?? 0), JSON.stringify(counts));
    assert.ok((counts['codec_shape'] ?? 0) + (counts['usage'] ?? 0) >= sizes.junk, JSON.stringify(counts));
    const refused = ofFlood.filter(({ kind }) => kind === 'refused').length;
    const dropped = events.flatMap(({ kind, dropped: all = [] }) => (kind === 'gap' ? all : []));
    const lost = dropped.reduce((sum, each) => sum + (each.kind === 'refused' ? each.count : 0), 0);
    assert.ok(refused + lost >= sizes.junk, `${refused} refusals on record and ${lost} counted`);
    assert.deepEqual(dropped.filter(({ kind }) => kind !== 'refused'), []); // prettier-ignore
    const others = events.filter(({ kind, session }) => kind === 'consumed' && session === first).length;
    assert.equal(others, origin.seen.filter(({ url }) => url.startsWith('/v1/other')).length, 'the other session’s uses');
  });
});
