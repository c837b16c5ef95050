// What of a text gets into a record: no secret and no declared personal data, in whatever form; and what that stands on is on the disk before it,
// and gone after an operator's word.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commitmentsIn } from '@holdfast/protocol/audit/commitment';
import { checkProof } from '@holdfast/protocol/audit/commitment-proof';
import { decodeEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import type { PersonalData } from '@holdfast/protocol/audit/personal';
import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Redactor } from '../../src/audit/redactor.ts';
import { SaltStore } from '../../src/audit/salts.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { LogWorld, random } from './log-world.ts';
import { MemoryDisk } from './memory-disk.ts';

const jane = 'jane.doe@example.com';
const personal: PersonalData = [
  { subject: 'jane', values: [jane, 'Jane Doe', '+49 170 5550123'], like: [] },
  { subject: 'customers', values: [], like: ['C-######', '*@example.org'] },
];
const password = 'correct-horse-battery-staple';
const item = random(16);

/** A log with its redactor, on disks that tests take away. */
class Stage {
  readonly world: LogWorld;
  readonly erasures = new Map<string, number>();
  disk = new MemoryDisk();
  saltDisk = new MemoryDisk();
  declared: PersonalData = personal;
  version = 1;

  private constructor(world: LogWorld) {
    this.world = world;
  }

  static async make(): Promise<Stage> {
    return new Stage(await LogWorld.make());
  }

  async open(): Promise<{ redactor: Redactor; writer: AuditWriter; salts: SaltStore }> {
    const { fleet, agent, key } = this.world;
    const secrets = { primitives, key, fleet, agent };
    const salts = await SaltStore.open({ files: this.saltDisk, secrets, erasures: () => this.erasures });
    const policy = () => ({ version: this.version, silenced: [], personal: this.declared });
    const redactor = new Redactor({ primitives, agent, salts, policy });
    return { redactor, salts, writer: await this.world.open(this.disk, { redactor, policy }) };
  }
}

const started = (program: string): AuditReport => ({ kind: 'session-start', session: random(16), mode: 'sealed', program });
const subjectsIn = (text: string): string[] => commitmentsIn(text).map(({ subject }) => subject);
const lastOf = async (writer: AuditWriter): Promise<Uint8Array> => {
  const [wire = assert.fail()] = await writer.read({ from: writer.size - 1, limit: 1 });
  return wire;
};

describe('what is redacted', () => {
  it('[COMMIT-5] declared values, in every form that the broker finds in replies', async () => {
    const { redactor } = await (await Stage.make()).open();
    const bytes = Buffer.from(jane);
    const forms = [
      jane,
      jane.toUpperCase(),
      encodeURIComponent(jane),
      JSON.stringify(jane),
      [...jane].toReversed().join(''),
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      Buffer.from(`user:${jane}`).toString('base64'),
      [...bytes].map((byte) => `%${byte.toString(16)}`).join(''),
      [...jane].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
      [...jane].map((each) => `&#${each.charCodeAt(0)};`).join(''),
      `jane.\\\ndoe@example.com`,
    ];
    for (const form of forms) {
      const text = redactor.text(`mail ${form} now`);
      assert.deepEqual(subjectsIn(text), ['jane'], form);
      assert.ok(!text.toLowerCase().includes('jane.') && !text.includes(form), text);
    }
    for (const form of ['jane doe', 'JANE  DOE', 'Jane%20Doe', 'jane_doe', '+49 170 5550123', '+491705550123'])
      assert.deepEqual(subjectsIn(redactor.text(form.replace('  ', ' '))), ['jane'], form);
  });

  it('[COMMIT-5] what a pattern finds, credentials of known shapes, users of addresses, and the vault’s once opened', async () => {
    const { redactor } = await (await Stage.make()).open();
    assert.deepEqual(subjectsIn(redactor.text('see c-123456 of bob%40example.org')), ['customers', 'customers']);
    assert.deepEqual(subjectsIn(redactor.text(`token ghp_${'a1'.repeat(18)}`)), ['secret']);
    assert.match(redactor.text('https://bob:hunter2@host/x?q=1'), /^https:\/\/\[committed:secret:.{64}\]@host\/x\?_redacted_$/);
    assert.equal(redactor.text(`echo ${password}`), `echo ${password}`, 'nobody has opened it yet');
    redactor.know(item, utf8(password));
    redactor.know(item, utf8(password));
    redactor.know(random(16), utf8('short'));
    for (const form of [password, Buffer.from(password).toString('base64'), encodeURIComponent(password).toUpperCase()])
      assert.deepEqual(subjectsIn(redactor.text(`echo ${form}`)), [`vault.${Buffer.from(item).toString('hex')}`], form);
    assert.equal(redactor.text(`hf_${'a'.repeat(43)} hf_`), '_redacted_ hf_');
  });

  it('[COMMIT-5] a value is never told as another, whichever form of it reads too short', async () => {
    const stage = await Stage.make();
    const backwards = '14%zz14%zz'; // `%41` twice, read from its end
    stage.declared = [
      { subject: 'jane', values: [backwards], like: [] },
      { subject: 'john', values: ['john.doe@example.com'], like: [] },
    ];
    const { redactor } = await stage.open();
    redactor.know(random(16), utf8('14%xx14%xx'));
    redactor.know(item, utf8(password));
    assert.deepEqual(subjectsIn(redactor.text(`echo ${backwards}`)), ['jane']);
    assert.deepEqual(subjectsIn(redactor.text('echo 14%xx14%xx')), []);
  });

  it('[COMMIT-5] what is held against fences is left out of a record rather than changed', async () => {
    const { redactor, writer } = await (await Stage.make()).open();
    const tree = { directory: `/home/${jane}`, repository: 'github.com/me/app' };
    await writer.append({ kind: 'session-start', session: random(16), mode: 'sealed', program: 'ls', ...tree });
    const event = decodeEvent(await lastOf(writer));
    assert.ok(!('directory' in event) && !('repository' in event));
    const plain = { ...tree, directory: '/home/me' };
    const begun: AuditReport = { kind: 'session-start', session: random(16), mode: 'sealed', program: 'ls', ...plain };
    assert.deepEqual(redactor.report(begun), begun);
    const child = { session: random(16), child: random(16), of: 'key', name: 'c', key: random(32), capabilities: [] } as const;
    const given: AuditReport = { kind: 'delegated', ...child, hosts: 1, depth: 0, expiresAtMs: 1 };
    assert.deepEqual(redactor.report({ ...given, mayReach: ['c-123456.example.com:443'] }), given);
    assert.deepEqual(redactor.report({ ...given, mayReach: ['example.com:443'] }), { ...given, mayReach: ['example.com:443'] });
  });

  it('[COMMIT-1] a commitment that a text brings along is broken', async () => {
    const { redactor } = await (await Stage.make()).open();
    const stolen = redactor.text(jane);
    assert.deepEqual(commitmentsIn(redactor.text(`echo ${stolen}`)), []);
  });

  it('[COMMIT-2] two of one value show nothing in common', async () => {
    const { redactor } = await (await Stage.make()).open();
    const [one, other] = commitmentsIn(redactor.text(`${jane} ${jane}`));
    assert.ok(one && other && !equalBytes(one.value, other.value) && !equalBytes(one.nonce, other.nonce));
  });

  it('[COMMIT-6] a digest of what holds one can’t be tried, and is the same for the same', async () => {
    const stage = await Stage.make();
    const { redactor } = await stage.open();
    const digest = random(32);
    assert.deepEqual(redactor.digest(digest, 'ls -l'), { digest });
    const salted = redactor.digest(digest, `mail ${jane}`);
    assert.equal(salted.salted, true);
    assert.ok(!equalBytes(salted.digest, digest));
    assert.deepEqual(redactor.digest(digest, `write to ${jane}`), salted);
    assert.ok(!equalBytes(redactor.digest(digest, `${jane} C-123456`).digest, salted.digest));
    assert.equal(redactor.digest(digest, 'x'.repeat(64 * 1024 + 1)).salted, true, 'what is not searched is salted');
  });

  it('[COMMIT-5] another policy is obeyed from the next text on', async () => {
    const stage = await Stage.make();
    const { redactor } = await stage.open();
    assert.deepEqual(subjectsIn(redactor.text(jane)), ['jane']);
    [stage.declared, stage.version] = [[], 2];
    assert.equal(redactor.text(jane), jane);
  });
});

describe('what it stands on', () => {
  it('[COMMIT-3] is on the disk before the record, or there is no record', async () => {
    const stage = await Stage.make();
    const { writer } = await stage.open();
    stage.saltDisk.fault = (_, step) => (step === 'sync' ? 'EIO' : undefined);
    await assert.rejects(writer.appendDurable(started(jane)), { code: 'audit_unavailable' });
    stage.saltDisk.fault = () => undefined;
    await writer.appendDurable(started(jane));
    const wire = await lastOf(writer);
    stage.saltDisk = stage.saltDisk.afterPowerLoss(() => 0);
    stage.disk = stage.disk.afterPowerLoss(() => 0);
    const again = await stage.open();
    assert.deepEqual(again.redactor.reveal(wire, utf8(jane)).subject, 'jane');
    await stage.world.verify(again.writer);
  });

  it('[COMMIT-4] opens for this log alone, in its own place, and one that does not is left out', async () => {
    const stage = await Stage.make();
    const { writer } = await stage.open();
    await writer.appendDurable(started(jane));
    const wire = await lastOf(writer);
    for (const [name, { current }] of [...stage.saltDisk.files]) {
      assert.ok(!Buffer.from(current).includes('jane'), 'sealed');
      stage.saltDisk.files.set(
        name.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        { current, synced: current },
      );
      stage.saltDisk.files.delete(name);
    }
    const { redactor } = await stage.open();
    assert.throws(() => redactor.reveal(wire, utf8(jane)), { code: 'commitment_erased' });
  });

  it('[COMMIT-9] gives away a salt to who shows the value, and no other', async () => {
    const stage = await Stage.make();
    const { writer, redactor } = await stage.open();
    await writer.appendDurable(started(`${jane} C-123456`));
    const wire = await lastOf(writer);
    for (const [value, subject] of [
      [jane, 'jane'],
      ['c-123456', 'customers'],
    ] as const) {
      const proof = { fleet: stage.world.fleet, event: wire, ...redactor.reveal(wire, utf8(value)) };
      assert.equal(proof.subject, subject);
      assert.equal(checkProof(primitives, proof, utf8(value)).event.sequence, 0);
    }
    assert.throws(() => redactor.reveal(wire, utf8('john.doe@example.com')), { code: 'commitment_mismatch' });
  });
});

describe('erasing a subject', () => {
  const erased = async (stage: Stage, { redactor, writer }: Awaited<ReturnType<Stage['open']>>): Promise<void> => {
    stage.erasures.set('jane', (stage.erasures.get('jane') ?? 0) + 1);
    await redactor.erase((report) => writer.appendDurable(report));
  };

  it('[COMMIT-11, COMMIT-12] is told first; then nothing of it can be proven, all else can, and the log holds', async () => {
    const stage = await Stage.make();
    const opened = await stage.open();
    const { writer, redactor } = opened;
    await writer.appendDurable(started(`${jane} C-123456`));
    const wire = await lastOf(writer);
    const before = [...stage.saltDisk.files.values()].map(({ current }) => current);
    await erased(stage, opened);
    const told = decodeEvent(await lastOf(writer));
    assert.deepEqual([told.kind, told.kind === 'erased' && told.subject], ['erased', 'jane']);
    assert.throws(() => redactor.reveal(wire, utf8(jane)), { code: 'commitment_mismatch' });
    assert.equal(redactor.reveal(wire, utf8('c-123456')).subject, 'customers');
    assert.equal(stage.saltDisk.files.size, before.length - 1);
    await writer.appendDurable(started(jane));
    assert.equal(redactor.reveal(await lastOf(writer), utf8(jane)).subject, 'jane', 'what comes later has a new key');
    await redactor.erase(() => assert.fail('nothing is left to erase'));
    await stage.world.verify(writer);
  });

  it('[COMMIT-11] goes on where a kill left it: told and not done is done, and told again', async () => {
    for (const step of ['overwrite', 'truncate', 'remove']) {
      const stage = await Stage.make();
      const opened = await stage.open();
      await opened.writer.appendDurable(started(jane));
      const wire = await lastOf(opened.writer);
      stage.saltDisk.fault = (_, what) => (what === step ? 'EIO' : undefined);
      await assert.rejects(erased(stage, opened));
      [stage.disk, stage.saltDisk] = [stage.disk.afterKill(), stage.saltDisk.afterKill()];
      const again = await stage.open();
      await again.redactor.erase((report) => again.writer.appendDurable(report));
      assert.throws(() => again.redactor.reveal(wire, utf8(jane)), step);
      const events = (await again.writer.read({ from: 0, limit: 10 })).map(decodeEvent);
      assert.ok(events.some(({ kind }) => kind === 'erased'));
      await stage.world.verify(again.writer);
    }
  });

  it('[COMMIT-11] takes what was left of a key that the disk did not take whole', async () => {
    const stage = await Stage.make();
    const opened = await stage.open();
    stage.saltDisk.fault = (_, step) => (step === 'sync' ? 'EIO' : undefined);
    await assert.rejects(opened.writer.appendDurable(started(jane)), { code: 'audit_unavailable' });
    assert.equal(stage.saltDisk.files.size, 1);
    stage.saltDisk.fault = () => undefined;
    stage.erasures.set('jane', 1);
    await opened.salts.destroy('jane');
    assert.equal(stage.saltDisk.files.size, 0);
  });

  it('[COMMIT-11] does not happen while it can’t be told', async () => {
    const stage = await Stage.make();
    const { writer, redactor } = await stage.open();
    await writer.appendDurable(started(jane));
    const wire = await lastOf(writer);
    stage.erasures.set('jane', 1);
    stage.disk.fault = () => 'ENOSPC';
    await assert.rejects(
      redactor.erase((report) => writer.appendDurable(report)),
      { code: 'audit_unavailable' },
    );
    assert.equal(redactor.reveal(wire, utf8(jane)).subject, 'jane');
    stage.disk.fault = () => undefined;
    await redactor.erase((report) => writer.appendDurable(report));
    assert.throws(() => redactor.reveal(wire, utf8(jane)), { code: 'commitment_erased' });
  });
});
