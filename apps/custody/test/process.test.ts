// Custody as a process: frames in, frames out, nothing else; ends with its stdin.

import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';

import fc from 'fast-check';

import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import {
  decodeAnswer,
  decodeRequest,
  encodeRequest,
  maxCustodyFrameBytes,
  type CustodyAnswer,
  type CustodyRequest,
  type KeyDescription,
} from '@holdfast/protocol/custody/wire';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { share } from '@holdfast/testkit/shares';

import { openSoftwareStore } from '../src/software-store.ts';
import { agent, anyRequest, fleet, judge, privateNumbers, sealedTo } from './hostile-requests.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
});
after(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly answers: readonly CustodyAnswer[];
  readonly partial: boolean;
  readonly complaint: string;
}

function start(args: readonly string[] = [folder]): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [main, ...args], { env: {}, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Writes `input` in one piece, closes stdin, and collects all that comes out. */
async function run(input: Uint8Array, args?: readonly string[]): Promise<Ended> {
  const child = start(args);
  const frames = new FrameReader(maxCustodyFrameBytes);
  const answers: CustodyAnswer[] = [];
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => answers.push(...frames.push(chunk).map(decodeAnswer)));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  child.stdin.on('error', () => {}); // it may end before it has read all
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, answers, partial: frames.partial, complaint };
}

const frame = (payload: Uint8Array): Buffer => Buffer.from(framed(payload, maxCustodyFrameBytes));
const requests = (...all: readonly CustodyRequest[]): Buffer => Buffer.concat(all.map((each) => frame(encodeRequest(each))));

describe('custody process', () => {
  it('answers in order, and ends when its stdin does [CUSTODY-16]', async () => {
    const { code, answers, partial, complaint } = await run(
      requests(
        { kind: 'unlock', id: 1 },
        { kind: 'create', id: 2, label: 'main' },
        { kind: 'list', id: 3 },
        { kind: 'list', id: 4 },
      ),
    );
    assert.deepEqual(
      answers.map(({ kind, id }) => `${kind} ${id}`),
      ['unlocked 1', 'key 2', 'keys 3', 'keys 4'],
    );
    assert.deepEqual([code, partial, complaint], [0, false, '']);
  });

  it('goes on after a frame that is no request [CUSTODY-2]', async () => {
    const { code, answers, complaint } = await run(
      Buffer.concat([
        requests({ kind: 'unlock', id: 1 }),
        frame(Buffer.from('not cbor')),
        frame(new Uint8Array(0)),
        requests({ kind: 'list', id: 2 }),
      ]),
    );
    assert.deepEqual(
      answers.map(({ kind, id }) => `${kind} ${id}`),
      ['unlocked 1', 'error 0', 'error 0', 'keys 2'],
    );
    assert.deepEqual([code, complaint], [0, '']);
  });

  it('ends after a frame that is too large, unread [CUSTODY-1]', async () => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(maxCustodyFrameBytes + 1);
    const { code, answers, complaint } = await run(Buffer.concat([length, requests({ kind: 'unlock', id: 1 })]));
    assert.deepEqual(answers, [{ kind: 'error', id: 0, code: 'codec_limit', message: 'frame is too large' }]);
    assert.deepEqual([code, complaint], [1, '']);
  });

  it('survives any stream: only frames come out, no text of an exception, no signal', async () => {
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state % below;
    };
    for (let round = 0; round < share({ ci: 6, soak: 500 }); round += 1) {
      const pieces: Buffer[] = [requests({ kind: 'unlock', id: 1 })];
      for (let count = 0; count < 30; count += 1) {
        const junk = Buffer.from(Array.from({ length: random(60) }, () => random(256)));
        const edited = requests({ kind: 'list', id: count + 2 });
        edited[4 + random(edited.length - 4)] = random(256);
        pieces.push([frame(junk), edited, requests({ kind: 'list', id: count + 2 })][random(3)] ?? junk);
      }
      const whole = Buffer.concat(pieces);
      const cut = round % 2 === 0 ? whole : whole.subarray(0, random(whole.length));
      const { code, answers, partial, complaint } = await run(
        round % 3 === 2 ? Buffer.concat([cut, Buffer.from([0xff, 0xff])]) : cut,
      );
      assert.deepEqual([code, partial, complaint], [0, false, '']);
      for (const answer of answers) if (answer.kind === 'error') assert.notEqual(answer.code, 'internal');
    }
  });

  it('signs nothing that names another, lets no private bytes out and never ends, whatever is asked in whatever bytes', async (t) => {
    const own = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
    t.after(() => rmSync(own, { recursive: true }));
    const child = start([own]);
    t.after(() => child.kill('SIGKILL'));
    const frames = new FrameReader(maxCustodyFrameBytes);
    const answers: CustodyAnswer[] = [];
    child.stdout.on('data', (chunk: Buffer) => answers.push(...frames.push(chunk).map(decodeAnswer)));
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const say = async (payload: Uint8Array): Promise<CustodyAnswer> => {
      child.stdin.write(frame(payload));
      while (answers.length === 0) await once(child.stdout, 'data');
      return answers.shift() ?? assert.fail();
    };
    const keyOf = async (request: CustodyRequest): Promise<KeyDescription> => {
      const answer = await say(encodeRequest(request));
      assert.ok(answer.kind === 'key');
      return answer.key;
    };
    await say(encodeRequest({ kind: 'unlock', id: 1 }));
    const { key } = await keyOf({ kind: 'create', id: 2, label: 'main' });
    const bound = await keyOf({ kind: 'bind', id: 3, key, binding: { fleet, agent } });
    const unbound = await keyOf({ kind: 'create', id: 4, label: 'next' });
    const store = await openSoftwareStore(nodePrimitives, own, undefined);
    const numbers = [bound, unbound].flatMap((each) => privateNumbers(store.find(each.key).holder.exportBytes()));
    const keys = { bound, unbound, numbers, encapsulated: await sealedTo(bound) };

    const verdicts: string[] = [];
    let id = 10;
    const edit = fc.record({
      how: fc.constantFrom('not at all', 'not at all', 'one byte', 'cut'),
      at: fc.nat({ max: 999 }),
      change: fc.integer({ min: 1, max: 255 }),
    });
    const fromMs = Date.now();
    await fc.assert(
      fc.asyncProperty(anyRequest(keys, fromMs), edit, async (make, { how, at, change }) => {
        const bytes = encodeRequest(make((id += 1)));
        const place = Math.floor((at / 1000) * bytes.length);
        if (how === 'one byte') bytes[place] = (bytes[place] ?? 0) ^ change;
        const payload = how === 'cut' ? bytes.slice(0, place) : bytes;
        let request: CustodyRequest | undefined;
        try {
          request = decodeRequest(payload);
        } catch {
          // no request: it must be told so
        }
        const answer = await say(payload);
        if (request === undefined) assert.equal(answer.kind, 'error');
        else verdicts.push(await judge(keys, request, answer, { fromMs, toMs: Date.now() }));
      }),
      { numRuns: share({ ci: 1000, soak: 100_000 }) },
    );
    const signed = verdicts.filter((verdict) => verdict === 'signed').length;
    assert.ok(signed > 0, `${signed} of ${verdicts.length} were signed: the requests are not a fair mix`);
    child.stdin.end();
    assert.deepEqual([...((await once(child, 'close')) as unknown[]), complaint], [0, null, '']);
  });

  it('ends when the daemon is gone, in the middle of an answer too', async () => {
    const child = start();
    child.stdin.on('error', () => {});
    const closed = once(child, 'close');
    child.stdin.write(requests({ kind: 'unlock', id: 1 }, { kind: 'list', id: 2 }));
    child.stdout.destroy();
    child.stdin.destroy();
    const [code, signal] = (await closed) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null]);
  });

  it('starts only with a folder, a device perhaps, and nothing else', async () => {
    for (const args of [[], [folder, '/dev/null', 'more']]) {
      const { code, answers, complaint } = await run(new Uint8Array(0), args);
      assert.deepEqual([code, answers.length], [2, 0]);
      assert.match(complaint, /^usage/);
    }
  });
});
