// A TPM that is busy, lost or in lockout, played behind a device as the emulator's is: what is asked again, and what is asked once.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { noSoftTpm } from '@holdfast/testkit/soft-tpm';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { TpmDevice, withoutSessions } from '../src/tpm/device.ts';

const answerOf = (code: number): Buffer => {
  const answer = Buffer.alloc(10);
  answer.writeUInt16BE(withoutSessions, 0);
  answer.writeUInt32BE(answer.length, 2);
  answer.writeUInt32BE(code, 6);
  return answer;
};

/** Answers commands with these codes, one after the other, the last one for good. `asked`: how many came. */
async function chip(t: TestContext, codes: readonly number[]): Promise<{ readonly device: TpmDevice; asked(): number }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-busy-'));
  const [socket, place] = [path.join(folder, 'socket'), path.join(folder, 'device')];
  let asked = 0;
  const server = createServer((connection) =>
    connection
      .on('error', () => {})
      .on('data', () => connection.write(answerOf(codes[Math.min(asked++, codes.length - 1)] ?? 0))),
  );
  await once(server.listen(socket), 'listening');
  const there = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!existsSync(place)) return;
      watcher.close();
      resolve();
    });
  });
  const cable = spawn('socat', [`PTY,raw,echo=0,link=${place}`, `UNIX-CONNECT:${socket}`], { stdio: 'ignore' });
  const gone = once(cable, 'exit');
  await there;
  const device = await TpmDevice.open(place);
  t.after(async () => {
    await device.close();
    cable.kill('SIGKILL');
    await gone;
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { device, asked: () => asked };
}

describe('a TPM', { skip: noSoftTpm() }, () => {
  const [yielded, testing, retry, full, lockout, authFail] = [0x908, 0x90a, 0x922, 0x902, 0x921, 0x98e];
  const send = (device: TpmDevice): Promise<unknown> => device.send(withoutSessions, 0x17b, new Uint8Array(2));

  it('that says that it is busy is asked again, and answers', async (t) => {
    const { device, asked } = await chip(t, [yielded, testing, retry, 0]);
    assert.equal(await outcomeOf(() => send(device)), 'ok');
    assert.equal(asked(), 4);
  });

  it('that is busy without end is given up, by name', async (t) => {
    const { device, asked } = await chip(t, [retry]);
    assert.equal(await outcomeOf(() => send(device)), 'key_store_failed');
    assert.equal(asked(), 41);
  });

  it('that refuses, or is in lockout, is asked once: it counts guesses', async (t) => {
    for (const [code, expected] of [
      [lockout, 'key_store_locked'],
      [authFail, 'passphrase_wrong'],
      [full, 'key_store_failed'],
    ] as const) {
      const { device, asked } = await chip(t, [code]);
      assert.equal(await outcomeOf(() => send(device)), expected);
      assert.equal(asked(), 1);
    }
  });
});
