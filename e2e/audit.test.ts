// The record as people use it: one act's whole story, a checkpoint kept elsewhere, and a bundle that somebody verifies who has nothing of ours.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  logName,
  parseWitnessKey,
  readLogText,
  verifyLogNote,
  witnessedAt,
  witnessKeyText,
} from '@holdfast/protocol/blind/log-note';
import { fromHex, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { parseNote } from '@holdfast/protocol/keys/note';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, root, runProgram, type Ran } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Event {
  readonly kind: string;
  readonly sequence: number;
}

interface Used extends Event {
  readonly atMs: number;
  readonly monotonicUs: number;
  readonly handle: string;
  readonly credentialedUs: number;
  readonly sent: boolean;
}

describe('the record, elsewhere', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  const place = (name: string): string => path.join(holdfast.folder, name);

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.addCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
    const agent = jsonOf<{ agents: { agent: string }[] }>(await holdfast.cli(['agents', '--json'])).agents[0]?.agent ?? '';
    await holdfast.operator(['vault', 'grant', 'demo', '--to', agent]);
    // What an auditor has: Node and this one file.
    await copyFile(path.join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs'), place('holdfast-verify.mjs'));
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  const call = async (): Promise<void> => {
    const url = `https://localhost:${origin.port}/private-path?query=1`;
    const ran = await holdfast.run(['sh', '-c', `curl -sS -H "Authorization: Bearer $DEMO_TOKEN" '${url}'`]);
    assert.equal(ran.code, 0, ran.stderr);
  };
  const exported = async (name: string, ...words: string[]): Promise<string> => {
    const ran = await holdfast.cli(['audit', 'export', '--format', 'bundle', '--out', place(name), ...words]);
    assert.equal(ran.code, 0, ran.stderr);
    return readFile(place(name), 'utf8');
  };
  /** By the auditor, in a process that knows nothing of the installation. */
  const verified = (...words: string[]): Promise<Ran> =>
    runProgram(process.execPath, [place('holdfast-verify.mjs'), ...words], {}, { cwd: holdfast.folder });
  const kept = (name: string): Promise<Ran> => holdfast.cli(['audit', 'checkpoint', '--out', place(name)]);

  it('one use has one story: who, by which grant, in which session, from minting to overwriting', async () => {
    await call();
    const { events } = jsonOf<{ events: Event[] }>(
      await holdfast.cli(['audit', 'show', '--what', 'credential', '--since', '1h', '--json']),
    );
    const use = events.find(({ kind }) => kind === 'consumed');
    const { story } = jsonOf<{ story: Event[] }>(await holdfast.cli(['audit', 'show', String(use?.sequence), '--json']));
    const kinds = story.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['enrolled', 'granted', 'session-start', 'minted', 'consumed', 'credentialed', 'session-end']);
    const people = await holdfast.cli(['audit', 'show', String(use?.sequence)]);
    assert.match(people.stdout, /demo for GET localhost:\d+\/private-path\n/);
  });

  it('an auditor with one file and a checkpoint of last time finds that nothing was changed since', async () => {
    assert.equal((await kept('first')).code, 0);
    await call();
    await exported('bundle');
    const said = await verified('bundle', '--checkpoint', 'first');
    assert.equal(said.code, 0, said.stdout);
    assert.match(said.stdout, /^it holds: \d+ records of agent [^]*goes on from the checkpoint that you hold/);
    const here = await holdfast.cli(['audit', 'verify', '--checkpoint', place('first')]);
    assert.equal(here.code, 0, here.stderr);
  });

  // [CLI-66] [WITNESS-9] [WITNESS-11]
  it('the log is published as a note that the relay cosigned, and serves to whoever knows its name', async () => {
    const file = place('note');
    const { witnesses } = jsonOf<{ witnesses: string[] }>(
      await holdfast.cli(['audit', 'checkpoint', '--note', '--out', file, '--json']),
    );
    const [head = ''] = (await exported('bundle')).split('\n');
    const { fleet, agent, agentKey } = JSON.parse(head) as Record<'fleet' | 'agent' | 'agentKey', string>;
    const [fleetId, agentId, key] = [fleet, agent, agentKey].map((hex) => fromHex(hex) ?? assert.fail());
    assert.ok(fleetId !== undefined && agentId !== undefined && key !== undefined);
    const origin = logName(primitives, fleetId, agentId);
    const { size, note } = await verifyLogNote(primitives, await readFile(file, 'utf8'), { origin, keys: [key] });
    const atS = await witnessedAt(primitives, note, parseWitnessKey(primitives, witnesses[0] ?? ''));
    assert.ok(size > 0 && atS !== undefined && atS <= Date.now() / 1000);
    const { notices, agents } = jsonOf<{ notices: { code: string }[]; agents: { relay: string }[] }>(
      await holdfast.cli(['status', '--json']),
    );
    const shown = await fetch(`${agents[0]?.relay}/witness/${toHex(primitives.sha256(utf8(origin)))}/checkpoint`);
    assert.ok(readLogText(parseNote(await shown.text()).text).size >= size);
    assert.ok(!notices.some(({ code }) => code === 'witness_stale'));

    // [WITNESS-14] Both verifiers hold it against the relay's key, and against one that never saw it.
    const named = (witness = ''): string[] => ['--checkpoint', file, '--witness', witness, '--json'];
    await exported('bundle');
    const { name } = parseWitnessKey(primitives, witnesses[0] ?? '');
    const other = witnessKeyText(primitives, { name, key: primitives.random(32) });
    for (const verify of [
      (words: string[]) => verified('bundle', ...words),
      (words: string[]) => holdfast.cli(['audit', 'verify', ...words]),
    ]) {
      const seen = jsonOf<{ ok: boolean; witnesses: unknown }>(await verify(named(witnesses[0])));
      assert.deepEqual([seen.ok, seen.witnesses], [true, [{ name, atMs: 1000 * atS }]]);
      const unseen = await verify(named(other));
      assert.equal(unseen.code, 4);
      assert.match(unseen.stdout, /witness_missing/);
    }
    assert.match((await holdfast.cli(['status'])).stdout, /audit log +\d+ records, \d+ of them cosigned/);
  });

  it('what an agent wrote can be left out, and the rest still holds; no secret is in either', async () => {
    const whole = await exported('whole');
    const redacted = await exported('redacted', '--redact');
    const texts = [whole, redacted].map((text) =>
      [...text.matchAll(/"(?:event|checkpoint)":"([^"]+)"/g)]
        .map(([, data = '']) => Buffer.from(data, 'base64url').toString('latin1'))
        .join('\n'),
    );
    assert.match(texts[0] ?? '', /private-path/);
    assert.doesNotMatch(texts[1] ?? '', /private-path/);
    assert.deepEqual(leaksIn(texts.join('\n'), secret), []);
    const said = await verified('redacted', '--checkpoint', 'first');
    assert.equal(said.code, 0, said.stdout);
    assert.match(said.stdout, /unproven +what \d+ records say/);
  });

  it('a bundle that was touched does not hold, and it says where', async () => {
    const lines = (await exported('bundle')).trimEnd().split('\n');
    const at = lines.findIndex((line) => line.includes('"event"')) + 4;
    await writeFile(place('bundle'), `${lines.toSpliced(at, 1).join('\n')}\n`);
    const said = await verified('bundle', '--json');
    assert.equal(said.code, 4);
    assert.deepEqual(jsonOf<{ ok: boolean; code: string; where: object }>(said), {
      ok: false,
      code: 'audit_gap',
      message: 'record 4 is missing',
      where: { from: 4, to: 4 },
    });
  });

  // [TIME-10]
  it("by the origin's own clock, it saw each secret in a use that was recorded before, and in no other", async () => {
    const before = origin.seen.length;
    for (let times = 0; times < 3; times += 1) await call();
    const seen = origin.seen.slice(before);
    assert.equal(seen.length, 3);
    assert.ok(seen.every(({ headers }) => String(headers['authorization']).includes(secret)));
    const { events } = jsonOf<{ events: Used[] }>(await holdfast.cli(['audit', 'show', '--json']));
    const of = (kind: string): Used[] => events.filter((event) => event.kind === kind).slice(-seen.length);
    const [consumed, credentialed, ended] = [of('consumed'), of('credentialed'), of('session-end')];
    for (const [at, atMs] of origin.seenAtMs.slice(before).entries()) {
      const [use, held, end, next] = [consumed[at], credentialed[at], ended[at], consumed[at + 1]];
      assert.ok(use !== undefined && held !== undefined && end !== undefined);
      assert.equal(held.handle, use.handle);
      assert.equal(held.sent, true);
      assert.ok(use.atMs <= atMs && atMs <= end.atMs, `seen at ${atMs}, in ${use.atMs} to ${end.atMs}`);
      assert.ok(next === undefined || atMs <= next.atMs);
      assert.ok(use.monotonicUs <= held.monotonicUs - held.credentialedUs, 'opened before it was recorded');
    }
    const words = ['time', '--since', '1h', '--json'];
    const here = jsonOf<{ calls: number; untilMs: number }>(await holdfast.cli(words));
    assert.equal(here.calls, origin.seen.length);
    await holdfast.cli(['audit', 'export', '--out', place('events.jsonl')]);
    const elsewhere = await holdfast.cli([...words, '--until', String(here.untilMs), '--from', place('events.jsonl')]);
    assert.deepEqual(jsonOf(elsewhere), here);
  });

  it('a collector that was away, and a daemon that was, have cost it no event and doubled none', async () => {
    const numbers: number[] = [];
    let open = false;
    const collector = createServer((request, reply) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        if (!open) return void reply.writeHead(503).end();
        numbers.push(
          ...[...body.matchAll(/"holdfast\.sequence","value":\{"intValue":"(\d+)"/g)].map(([, number]) => Number(number)),
        );
        reply.writeHead(200).end('{}');
      });
    });
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const stream = holdfast.live(['audit', 'stream', '--json', '--otlp', url]);
    try {
      await once(collector, 'request');
      await call();
      open = true;
      await call();
      await holdfast.stop();
      await holdfast.start();
      await call();
      const { events } = jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json']));
      const wanted = events.length;
      await stream.until(() => numbers.length >= wanted || undefined, 'all of them');
      stream.kill('SIGINT');
      assert.equal((await stream.ended).code, 0, stream.complained);
      assert.deepEqual(numbers, [...numbers.keys()]);
    } finally {
      await stream.end();
      collector.close();
    }
  });

  it("last week's backup put back is found by the checkpoint that was kept, here and elsewhere", async () => {
    assert.equal(await holdfast.stop(), 0);
    const audit = path.join(holdfast.home, 'daemon/audit');
    await cp(audit, place('backup'), { recursive: true });
    await holdfast.start();
    await call();
    assert.equal((await kept('newest')).code, 0);
    await holdfast.stop();
    await rm(audit, { recursive: true });
    await cp(place('backup'), audit, { recursive: true });
    await holdfast.start();
    const here = await holdfast.cli(['audit', 'verify', '--checkpoint', place('newest'), '--json']);
    assert.deepEqual([here.code, failureOf(here).code], [4, 'audit_truncated']);
    await exported('bundle');
    const said = await verified('bundle', '--checkpoint', 'newest', '--json');
    assert.deepEqual([said.code, jsonOf<{ code: string }>(said).code], [4, 'audit_truncated']);
  });
});
