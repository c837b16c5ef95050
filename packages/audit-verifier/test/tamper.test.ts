// The tamper matrix: whatever is done to a log of a thousand records, both verifiers see it, with one word, and say where. [BUNDLE-2] [BUNDLE-7]

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { verifyAudit, type Anchor } from '@holdfast/protocol/audit/verify';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { share, soaking } from '@holdfast/testkit/shares';
import { verifyLog } from '../bin/holdfast-verify.mjs';
import { Author, type LongLog } from '@holdfast/testkit/long-log';

const count = 1000;
const signedEvery = 100;

interface Verdict {
  readonly code: string;
  readonly from?: number;
  readonly to?: number;
}

/** What the core says, its place read from its words. */
async function core({ log, events, checkpoints }: LongLog, anchors: readonly Anchor[]): Promise<Verdict> {
  try {
    await verifyAudit(nodePrimitives, log, { events, checkpoints, anchors });
    return { code: 'holds' };
  } catch (thrown) {
    const [, from, to] = /records? (\d+)(?: to (\d+))?/.exec(String(thrown)) ?? [];
    const place = from === undefined ? {} : { from: Number(from), to: Number(to ?? from) };
    return { code: codeOf(thrown).replace(/^codec_.*/, 'codec_shape'), ...place };
  }
}

async function alone({ log, events, checkpoints }: LongLog, anchors: readonly Anchor[]): Promise<Verdict> {
  const bytes = (part: Uint8Array): Buffer => Buffer.from(part);
  const whose = { fleet: bytes(log.fleet), agent: bytes(log.agent), keys: [bytes(log.agentKey)] };
  const records = events.map((event) => ({ event: bytes(event) }));
  const known = anchors.map(({ size, root }) => ({ size, root: bytes(root) }));
  try {
    await verifyLog(whose, checkpoints.map(bytes), records, known);
    return { code: 'holds' };
  } catch (thrown) {
    const { code, where } = thrown as { code: string; where?: { from: number; to: number } };
    return { code, ...where };
  }
}

/** Both say the same and, where a record is meant, name a span of one checkpoint at most with it inside. */
async function agree(
  log: LongLog,
  expected: RegExp,
  { at, anchors = [] }: { at?: number; anchors?: readonly Anchor[] } = {},
): Promise<void> {
  const [ours, theirs] = await Promise.all([core(log, anchors), alone(log, anchors)]);
  assert.equal(theirs.code, ours.code);
  assert.match(ours.code, expected);
  if (at === undefined) return;
  for (const { from = -1, to = -1 } of ours.code === 'audit_truncated' ? [theirs] : [ours, theirs]) {
    // A time that is wrong shows beside the next one's.
    const near = ours.code === 'audit_time' ? at + 1 : at;
    assert.ok(from <= near && at <= to, `${ours.code} lies at ${from} to ${to}, not at ${at}`);
    assert.ok(to - from < signedEvery || ours.code === 'audit_truncated');
  }
}

const newest = ({ checkpoints }: LongLog): Anchor =>
  readCheckpoint(nodePrimitives, checkpoints.at(-1) ?? new Uint8Array()).statement;

describe('a log of a thousand records', () => {
  let author: Author;
  let good: LongLog;
  const fleet = nodePrimitives.random(32);
  before(async () => {
    author = await Author.of(fleet);
    good = await author.write(count);
  });
  const changed = (events: Uint8Array[], checkpoints = good.checkpoints): LongLog => ({ ...good, events, checkpoints });

  it('holds as it was written', () => agree(good, /^holds$/));

  it('a byte of a record flipped', async () => {
    const sizes = good.events.map((event) => event.length);
    const all = soaking
      ? good.events.flatMap((_, at) => Array.from({ length: sizes[at] ?? 0 }, (__, byte) => [at, byte] as const))
      : [];
    const some = Array.from({ length: share({ ci: 60, soak: 0 }) }, () => {
      const at = Math.floor(Math.random() * count);
      return [at, Math.floor(Math.random() * (sizes[at] ?? 1))] as const;
    });
    for (const [at, byte] of soaking ? all : some) {
      const events = good.events.with(
        at,
        (good.events[at] ?? new Uint8Array()).map((each, index) => (index === byte ? each ^ 0x10 : each)),
      );
      await agree(changed(events), /^audit_(altered|gap|forged|time)$/, { at });
    }
  });

  it('a byte of a checkpoint flipped', async () => {
    for (const [index, checkpoint] of good.checkpoints.entries()) {
      for (let step = soaking ? 0 : 10 * index; step < checkpoint.length; step += share({ ci: 97, soak: 1 })) {
        const flipped = checkpoint.map((each, byte) => (byte === step ? each ^ 0x01 : each));
        await agree(changed(good.events, good.checkpoints.with(index, flipped)), /^(audit_(forged|altered|time)|codec_shape)$/);
      }
    }
  });

  it('the last records cut', async () => {
    for (const left of [0, 1, 99, 100, 500, 899, 998, 999])
      await agree(changed(good.events.slice(0, left)), /^audit_truncated$/, { at: left });
  });

  it('a record dropped, doubled, moved or put in', async () => {
    for (const at of [0, 1, 57, 99, 100, 640, 998]) {
      const record = good.events[at] ?? new Uint8Array();
      await agree(changed(good.events.toSpliced(at, 1)), /^audit_gap$/, { at });
      await agree(changed(good.events.toSpliced(at, 0, record)), /^audit_altered$/, { at: at + 1 });
      const next = good.events[at + 1] ?? new Uint8Array();
      await agree(changed(good.events.with(at, next).with(at + 1, record)), /^audit_gap$/, { at });
      const strange = author.records(at + 1).at(-1) ?? new Uint8Array();
      await agree(changed(good.events.with(at, strange)), /^audit_(altered|time)$/, { at });
    }
  });

  it("another agent's log in its place, with its own checkpoints or with these", async () => {
    const other = await (await Author.of(fleet)).write(count);
    await agree(changed(other.events, other.checkpoints), /^audit_forged$/);
    await agree(changed(other.events), /^audit_forged$/, { at: 0 });
  });

  it('an older state of it put back, found by what is known from elsewhere', async () => {
    const older = changed(good.events.slice(0, 500), good.checkpoints.slice(0, 5));
    await agree(older, /^holds$/);
    await agree(older, /^audit_truncated$/, { anchors: [newest(good)], at: 500 });
  });

  it("all of it made anew with the daemon's own key, found by what is known from elsewhere", async () => {
    const rebuilt = { ...good, ...(await author.write(count)) };
    await agree(rebuilt, /^holds$/);
    await agree(rebuilt, /^audit_altered$/, { anchors: [newest(good)] });
  });

  it('two histories shown to two auditors: each holds, and neither goes on from what the other was shown', async () => {
    const events = [...good.events.slice(0, 700), ...author.records(count).slice(700)];
    const fork = changed(events, await author.sign(events));
    for (const [shown, other] of [
      [good, fork],
      [fork, good],
    ] as const) {
      await agree(shown, /^(holds|audit_time)$/);
      await agree(shown, /^audit_(altered|time)$/, { anchors: [newest(other)] });
    }
  });
});
