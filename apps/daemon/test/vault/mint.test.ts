// Handles in the daemon: used once, by the one they were made for, within five minutes, on record before anything happens.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { AuditReport } from '@holdfast/protocol/audit/event';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { handleLifeMs } from '@holdfast/protocol/vault/handle';
import { share } from '@holdfast/testkit/shares';
import { patienceMs } from '@holdfast/testkit/patience';
import { HandleTable, type Holder, type MintPorts } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { asItIs, LogWorld, random } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';

const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const basis = { warrant: new Uint8Array(32), rulesVersion: undefined, ask: undefined };
const holderOf = (change: Partial<Holder> = {}): Holder => ({
  session: random(16),
  agent: random(16),
  grant: random(16),
  item: random(16),
  name: 'demo',
  ...change,
});
const rejects = (act: Promise<unknown>, code: ErrorCode) => assert.rejects(act, (thrown) => codeOf(thrown) === code);

class Scene {
  nowMs = 1_000_000;
  stale: ErrorCode | undefined;
  readonly reports: AuditReport[] = [];
  readonly durable: string[] = [];
  /** Durable records wait here when set. */
  gate: Promise<void> | undefined;
  broken = false;
  readonly table: HandleTable;

  constructor(change: Partial<MintPorts> = {}) {
    const record = async (report: AuditReport) => {
      if (this.broken) throw new HoldfastError('audit_unavailable', 'no disk');
      this.reports.push(report);
    };
    const recorder = {
      append: record,
      appendDurable: async (report: AuditReport) => {
        await this.gate;
        await record(report);
        this.durable.push(report.kind);
      },
    };
    this.table = new HandleTable({
      primitives: nodePrimitives,
      clock: { nowMs: () => 0, monotonicMs: () => this.nowMs },
      staleness: () => this.stale,
      recorder: () => recorder,
      policy: { paths: 'keep', redacting: asItIs },
      counts: new UseCounts({ nowMs: () => 0, monotonicMs: () => this.nowMs }),
      ...change,
    });
  }

  kinds(): string[] {
    return this.reports.map((report) => (report.kind === 'handle-refused' ? `${report.kind} ${report.code}` : report.kind));
  }
}

describe('a handle', () => {
  it('[HANDLE-1, HANDLE-9] is minted and consumed once, each on record first', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts);
    assert.equal(handle.length, 32);
    assert.deepEqual(scene.kinds(), ['minted']);
    const use = await scene.table.consume(handle, holder, facts, basis);
    assert.deepEqual(scene.kinds(), ['minted', 'consumed']);
    assert.deepEqual(scene.durable, ['consumed'], 'a use survives a power loss before its bytes leave');
    assert.deepEqual([use.grant, use.item, use.session, use.agent], [holder.grant, holder.item, holder.session, holder.agent]);
    await rejects(scene.table.consume(handle, holder, facts, basis), 'refused');
    assert.deepEqual(scene.kinds(), ['minted', 'consumed', 'handle-refused handle_used']);
    assert.equal(scene.table.size, 0);
  });

  it('[AUTHORITY-5] is used on record with what the use stands on', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const standsOn = { warrant: random(32), rulesVersion: 3, ask: random(16) };
    await scene.table.consume(await scene.table.mint(holder, facts), holder, facts, standsOn);
    const consumed = scene.reports.find((report) => report.kind === 'consumed') ?? assert.fail('no use');
    const { warrant, rulesVersion, ask } = consumed;
    assert.deepEqual({ warrant, rulesVersion, ask }, standsOn);
  });

  it('[HANDLE-2] is in no record', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts);
    await scene.table.consume(handle, holder, facts, basis);
    for (const report of scene.reports) {
      for (const value of Object.values(report))
        if (value instanceof Uint8Array) assert.ok(!Buffer.from(handle).includes(Buffer.from(value)));
    }
  });

  it('[HANDLE-5] of 200 at once, one passes', async () => {
    const world = await LogWorld.make();
    for (let round = 0; round < share({ ci: 10, soak: 100 }); round += 1) {
      const writer = await world.open(new MemoryDisk());
      const scene = new Scene({ recorder: () => writer });
      const holder = holderOf({ agent: world.agent });
      const handle = await scene.table.mint(holder, facts);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 200 }, () => scene.table.consume(handle, holder, facts, basis)),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      const events = await world.events(writer);
      assert.equal(events.filter(({ kind }) => kind === 'consumed').length, 1);
      assert.equal(events.filter(({ kind }) => kind === 'handle-refused').length, 199);
      await writer.close();
    }
  });

  it('[HANDLE-6, HANDLE-8] of another session, agent, grant or request is refused, and gone', async () => {
    for (const wrong of ['session', 'agent', 'grant', 'path', 'method', 'host', 'port'] as const) {
      const scene = new Scene();
      const holder = holderOf();
      const handle = await scene.table.mint(holder, facts);
      const by = wrong === 'session' || wrong === 'agent' || wrong === 'grant' ? { ...holder, [wrong]: random(16) } : holder;
      const asked = {
        ...facts,
        ...(wrong === 'path' && { path: '/v1/other' }),
        ...(wrong === 'method' && { method: 'DELETE' }),
        ...(wrong === 'host' && { host: 'evil.example' }),
        ...(wrong === 'port' && { port: 8443 }),
      };
      await rejects(scene.table.consume(handle, by, asked, basis), 'refused');
      await rejects(scene.table.consume(handle, holder, facts, basis), 'refused');
      assert.ok(scene.kinds().includes('handle-refused handle_foreign'), wrong);
      assert.ok(!scene.kinds().includes('consumed'), wrong);
    }
  });

  it('[HANDLE-6] that is seen where it is not for is gone, whoever shows it; one that is no more stays so', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts, { asked: true });
    assert.deepEqual(scene.table.grantOf(handle, holder.session), holder.grant);
    assert.equal(scene.table.grantOf(handle, random(16)), undefined);
    await scene.table.misused(handle);
    await scene.table.misused(handle);
    await scene.table.misused(random(32));
    assert.equal(scene.table.grantOf(handle, holder.session), undefined);
    assert.deepEqual(scene.kinds(), ['minted', 'handle-refused handle_foreign']);
    await rejects(scene.table.consume(handle, holder, facts, basis), 'refused');
    assert.equal(scene.table.size, 0);
  });

  it('[HANDLE-6] is dead before its misuse is on record', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts, { asked: true });
    scene.broken = true;
    const misused = scene.table.misused(handle);
    assert.equal(scene.table.grantOf(handle, holder.session), undefined);
    await rejects(misused, 'audit_unavailable');
  });

  it('[HANDLE-11] that agents asked for leave room for those of requests', async () => {
    const scene = new Scene();
    const holder = holderOf();
    for (let count = 0; count < 64; count += 1) await scene.table.mint(holder, facts, { asked: true });
    await rejects(scene.table.mint(holder, facts, { asked: true }), 'limit_exceeded');
    await scene.table.consume(await scene.table.mint(holder, facts), holder, facts, basis);
    for (let session = 1; session < 32; session += 1) {
      const other = holderOf();
      for (let count = 0; count < 64; count += 1) await scene.table.mint(other, facts, { asked: true });
    }
    assert.equal(scene.table.size, 2048);
    await rejects(scene.table.mint(holderOf(), facts, { asked: true }), 'limit_exceeded');
    const one = holderOf();
    await scene.table.consume(await scene.table.mint(one, facts), one, facts, basis);
    scene.nowMs += handleLifeMs;
    await scene.table.mint(holder, facts, { asked: true });
    assert.equal(scene.table.size, 1, 'the others have expired');
  });

  it('[HANDLE-8] refusals are alike whether or not it ever was', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts);
    const messageOf = async (act: Promise<unknown>) =>
      act.then(
        () => 'passed',
        (thrown: unknown) => JSON.stringify([codeOf(thrown), thrown instanceof Error && thrown.message]),
      );
    const foreign = await messageOf(scene.table.consume(handle, { ...holder, session: random(16) }, facts, basis));
    const unknown = await messageOf(scene.table.consume(random(32), holder, facts, basis));
    assert.equal(foreign, unknown);
  });

  it('[HANDLE-4] is dead after five minutes, and its end is on record', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const late = await scene.table.mint(holder, facts);
    const swept = await scene.table.mint(holder, facts);
    scene.nowMs += handleLifeMs - 1;
    await scene.table.sweep();
    assert.equal(scene.table.size, 2);
    scene.nowMs += 1;
    await rejects(scene.table.consume(late, holder, facts, basis), 'refused');
    await scene.table.sweep();
    assert.equal(scene.table.size, 0);
    assert.equal(scene.kinds().filter((kind) => kind === 'expired').length, 2);
    await rejects(scene.table.consume(swept, holder, facts, basis), 'refused');
  });

  it('[HANDLE-7] is not minted over stale state', async () => {
    const scene = new Scene();
    for (const code of ['stale_relay', 'stale_pulse'] as const) {
      scene.stale = code;
      await rejects(scene.table.mint(holderOf(), facts), code);
    }
    assert.deepEqual(scene.kinds(), []);
    assert.equal(scene.table.size, 0);
  });

  it('[HANDLE-9] that cannot be recorded is not minted and not used, and not left to be used later', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts);
    scene.broken = true;
    await rejects(scene.table.mint(holder, facts), 'audit_unavailable');
    await rejects(scene.table.consume(handle, holder, facts, basis), 'audit_unavailable');
    scene.broken = false;
    await rejects(scene.table.consume(handle, holder, facts, basis), 'refused');
    assert.equal(scene.table.size, 0);
  });

  it('[HANDLE-10] is burned by a revocation of its grant, agent or session', async () => {
    for (const kind of ['grant', 'agent', 'session', 'all'] as const) {
      const scene = new Scene();
      const [hit, spared] = [holderOf(), holderOf()];
      const handles = [await scene.table.mint(hit, facts), await scene.table.mint(spared, facts)] as const;
      await scene.table.burn(
        kind === 'all'
          ? { kind }
          : kind === 'grant'
            ? { kind, grant: hit.grant }
            : kind === 'agent'
              ? { kind, agent: hit.agent }
              : { kind, session: hit.session },
      );
      await rejects(scene.table.consume(handles[0], hit, facts, basis), 'refused');
      if (kind === 'all') await rejects(scene.table.consume(handles[1], spared, facts, basis), 'refused');
      else await scene.table.consume(handles[1], spared, facts, basis);
      assert.ok(scene.kinds().includes('handle-refused handle_burned'));
    }
  });

  it('[HANDLE-10] is burned even while its use is being written', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const handle = await scene.table.mint(holder, facts);
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.gate = promise;
    const using = scene.table.consume(handle, holder, facts, basis);
    await scene.table.burn({ kind: 'agent', agent: holder.agent });
    resolve();
    await rejects(using, 'refused');
    assert.deepEqual(
      scene.kinds().slice(-2),
      ['consumed', 'handle-refused handle_burned'],
      'the record tells how the race ended',
    );
  });

  it('[HANDLE-11] is refused past the bounds, and room comes back', async () => {
    const scene = new Scene();
    const holder = holderOf();
    const outcomes = await Promise.allSettled(Array.from({ length: 300 }, () => scene.table.mint(holder, facts)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 256);
    await rejects(scene.table.mint(holder, facts), 'limit_exceeded');
    await scene.table.mint(holderOf(), facts); // another session is not starved
    scene.nowMs += handleLifeMs;
    await scene.table.mint(holder, facts);
    for (let session = 0; session < 15; session += 1) {
      const other = holderOf();
      await Promise.all(Array.from({ length: 256 }, () => scene.table.mint(other, facts)));
    }
    await Promise.allSettled(Array.from({ length: 256 }, () => scene.table.mint(holderOf(), facts)));
    assert.equal(scene.table.size, 4096);
  });
});

describe('the wall clock', () => {
  const faketime: string = 'faketime';
  const missing =
    spawnSync(faketime, ['--version']).error === undefined ? false : 'libfaketime (faketime) is not on this machine';

  it('[HANDLE-4] set back or forward keeps no handle alive and ends none', { skip: missing }, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-faketime-'));
    try {
      const offset = path.join(folder, 'offset');
      writeFileSync(offset, '+0d');
      const environment = {
        ...process.env,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      };
      // `faketime` sets FAKETIME itself, which would win over the file: the shell drops it again.
      const script = 'unset FAKETIME; exec "$0" "$@"';
      const child = spawnSync(
        faketime,
        ['-f', '+0d', 'sh', '-c', script, process.execPath, fileURLToPath(new URL('./set-back.ts', import.meta.url)), offset],
        { env: environment, encoding: 'utf8', timeout: patienceMs },
      );
      assert.equal(child.status, 0, child.stderr);
      assert.deepEqual(JSON.parse(child.stdout), { setBack: true, aliveWhenSetForward: true, deadWhenSetBack: true });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
