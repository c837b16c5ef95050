// What the core writes, the standalone verifier takes; and every fault of a bundle, one at a time, by its code. It runs as people run it: a program of
// its own, under plain Node, in a folder where nothing of ours is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { agentsWords, bundleLines, checkpointFile, readCheckpointFile } from '@holdfast/protocol/audit/bundle';
import { forkFile, verifyFork } from '@holdfast/protocol/audit/fork';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { logName, parseWitnessKey, seenBy, verifyLogNote } from '@holdfast/protocol/blind/log-note';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { parseNote } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { Author, cosignedBy, type LongLog } from '@holdfast/testkit/long-log';
import { readPublished, verifyFork as judgeAlone } from '../bin/holdfast-verify.mjs';

type NoteEntry = VectorEntry & { fleet: string; agent: string; key: string; laterKey?: string; note: string };
type CosignatureEntry = VectorEntry & { note: string; witness: string; atS: number | null };

interface Said {
  readonly exit: number;
  readonly ok?: boolean;
  readonly code?: string;
  readonly records?: number;
  readonly covered?: number;
  readonly withheld?: number;
  readonly pruned?: number;
  readonly keyPinned?: boolean;
  readonly sizes?: readonly number[];
  readonly witnesses?: readonly unknown[];
  readonly unproven?: readonly string[];
  readonly where?: { readonly from: number; readonly to: number };
}

const program = path.join(import.meta.dirname, '../bin/holdfast-verify.mjs');

describe('holdfast-verify', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  after(() => rmSync(folder, { recursive: true }));
  let author: Author;
  let long: LongLog;
  before(async () => {
    author = await Author.of(nodePrimitives.random(32));
    long = await author.write(250);
    copyFileSync(program, path.join(folder, 'holdfast-verify.mjs'));
  });

  const place = (name: string): string => path.join(folder, name);
  const run = (...words: string[]): Promise<{ exit: number; text: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['holdfast-verify.mjs', ...words], { cwd: folder, env: {} }, (error, stdout) =>
        resolve({ exit: error === null ? 0 : Number(error.code), text: stdout }),
      );
    });
  const verify = async (text: string, ...words: string[]): Promise<Said> => {
    writeFileSync(place('bundle'), text);
    const { exit, text: said } = await run('bundle', '--json', ...words);
    return { exit, ...(JSON.parse(said) as object) };
  };
  const bundleOf = ({ log, events, checkpoints }: LongLog, withhold?: Parameters<typeof bundleLines>[3]): string[] => [
    ...bundleLines(nodePrimitives, log, { events, checkpoints }, withhold),
  ];
  const newest = (of: LongLog): string => checkpointFile(of.log, of.checkpoints.at(-1) ?? new Uint8Array());
  const refused = async (lines: readonly string[], code: string, ...words: string[]): Promise<void> => {
    const { exit, ...said } = await verify(lines.join(''), ...words);
    assert.deepEqual([exit, said.ok, said.code], [4, false, code]);
  };

  // [BUNDLE-2] [BUNDLE-4]
  it('takes what was written, and says what is not proven', async () => {
    const said = await verify(bundleOf(long).join(''));
    assert.deepEqual([said.exit, said.ok, said.records, said.covered], [0, true, 250, 200]);
    assert.match(said.unproven?.join('\n') ?? '', /no other log[^]*whose key it is[^]*records 200 to 249/);
    const people = await run('bundle');
    assert.match(people.text, /^it holds: 250 records of agent [0-9a-f]{32}[^]*proven +records 0 to 199[^]*unproven/);
  });

  // [BUNDLE-9]
  it('tells what was pruned by a policy from what is withheld, and how many of each', async () => {
    const of = await author.writePruning(300, 100);
    const leaves = of.events.slice(0, 100).map((each) => leafHash(nodePrimitives, each));
    const parts = { leaves, events: of.events.slice(100), checkpoints: of.checkpoints };
    const pruned = [...bundleLines(nodePrimitives, of.log, parts)];
    const one = await verify(pruned.join(''));
    assert.deepEqual([one.exit, one.records, one.pruned, one.withheld], [0, 300, 100, 0]);
    assert.match(one.unproven?.join('\n') ?? '', /what 100 records said: policy 1 had them pruned, of 30 days/);
    const both = [...bundleLines(nodePrimitives, of.log, parts, ({ sequence }) => sequence < 120)];
    const two = await verify(both.join(''));
    assert.deepEqual([two.exit, two.pruned, two.withheld], [0, 100, 20]);
    assert.match(two.unproven?.join('\n') ?? '', /what 20 records say: the bundle withholds them/);
    const unsaid = await verify(bundleOf(await author.write(300), ({ sequence }) => sequence < 100).join(''));
    assert.deepEqual([unsaid.exit, unsaid.pruned, unsaid.withheld], [0, 0, 100]);
    await refused(pruned.with(5, pruned[6] ?? ''), 'audit_altered');
  });

  // [BUNDLE-4] [BUNDLE-5]
  it('with a checkpoint from elsewhere, or a key, more is proven', async () => {
    writeFileSync(place('kept'), newest(long));
    const said = await verify(bundleOf(long).join(''), '--checkpoint', 'kept');
    assert.deepEqual([said.exit, said.unproven?.length], [0, 1]);
    const keyed = await verify(bundleOf(long).join(''), '--key', toHex(long.log.agentKey));
    assert.doesNotMatch(keyed.unproven?.join('\n') ?? '', /whose key/);
  });

  // [BUNDLE-4]
  it("the bundle's own word on its keys counts for nothing where a key is named", async () => {
    const stranger = await Author.of(long.log.fleet);
    await refused(bundleOf(long), 'audit_forged', '--key', toHex(stranger.log.agentKey));
  });

  // [BUNDLE-5]
  it('a log that never made the checkpoint that somebody kept is another one', async () => {
    writeFileSync(place('kept'), newest(long));
    const rebuilt = { ...long, ...(await author.write(250)) };
    await refused(bundleOf(rebuilt), 'audit_altered', '--checkpoint', 'kept');
    await refused(
      bundleOf({ ...long, events: long.events.slice(0, 100), checkpoints: long.checkpoints.slice(0, 1) }),
      'audit_truncated',
      '--checkpoint',
      'kept',
    );
    const other = await (await Author.of(long.log.fleet)).write(100);
    await refused(bundleOf(other), 'audit_forged', '--checkpoint', 'kept');
  });

  // [BUNDLE-5] [WITNESS-4]
  it('a checkpoint as it is published is an anchor, and rebuilt, cut and put back logs do not hold against it', async () => {
    writeFileSync(place('note'), await author.publish(long.events.slice(0, 220)));
    const said = await verify(bundleOf(long).join(''), '--checkpoint', 'note');
    assert.deepEqual([said.exit, said.covered, said.unproven?.length], [0, 220, 1]);
    const rebuilt = { ...long, ...(await author.write(250)) };
    await refused(bundleOf(rebuilt), 'audit_altered', '--checkpoint', 'note');
    await refused(bundleOf({ ...long, events: long.events.slice(0, 210) }), 'audit_truncated', '--checkpoint', 'note');
    const other = await (await Author.of(long.log.fleet)).write(250);
    await refused(bundleOf(other), 'audit_forged', '--checkpoint', 'note');
  });

  for (const { name, clause, expect, fleet, agent, key, laterKey = [], note } of ownVectors<NoteEntry>('witness/notes').entries) {
    it(`[${clause}] published ${name}: ${expect}`, async () => {
      const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
      const log = { fleet: bytes(fleet), agent: bytes(agent), keys: [key, laterKey].flat().map(bytes) };
      const judged = (): string => {
        try {
          return String(readPublished(note, log).size > 0 && 'ok');
        } catch (thrown) {
          return (thrown as { code: string }).code;
        }
      };
      assert.equal(judged(), expect === 'codec_shape' ? 'bundle_shape' : expect);
    });
  }

  // [BUNDLE-8]
  it('behind a true checkpoint, a key that the bundle brings along is not called proven', async () => {
    const intruder = await Author.of(long.log.fleet, long.log.agent);
    const events = [...long.events.slice(0, 100), ...intruder.records(250).slice(100)];
    const keys = { agentKey: intruder.log.agentKey, earlierKeys: [long.log.agentKey] };
    const forged = { log: { ...long.log, ...keys }, events, checkpoints: await intruder.sign(events) };
    const true100 = await author.publish(long.events.slice(0, 100));
    const both = async (of: LongLog, note: string): Promise<unknown[]> => {
      writeFileSync(place('note'), note);
      const { exit, keyPinned, unproven } = await verify(bundleOf(of).join(''), '--checkpoint', 'note');
      const origin = logName(nodePrimitives, of.log.fleet, of.log.agent);
      const anchor = await verifyLogNote(nodePrimitives, note, {
        origin,
        keys: [...(of.log.earlierKeys ?? []), of.log.agentKey],
      });
      const core = await verifyAudit(nodePrimitives, of.log, { ...of, anchors: [anchor] });
      assert.equal(core.keyPinned, keyPinned, 'both verifiers say the same');
      return [exit, keyPinned, /whose key signed what came later/.test(unproven?.join('\n') ?? '')];
    };
    assert.deepEqual(await both(long, true100), [0, true, false]);
    assert.deepEqual(await both(forged, true100), [0, false, true]);
    assert.deepEqual(
      await both({ ...forged, log: { ...long.log, agentKey: long.log.agentKey, earlierKeys: [intruder.log.agentKey] } }, true100),
      [0, false, true],
    );
    const [, signature = ''] = (await intruder.publish(long.events.slice(0, 100))).split('\n\n');
    assert.deepEqual(await both(forged, `${true100}${signature}`), [0, false, true], 'published by either of two');
    await refused(bundleOf(forged), 'audit_forged', '--checkpoint', 'note', '--key', toHex(long.log.agentKey));
  });

  // [BUNDLE-5]
  it('an empty file is no checkpoint', async () => {
    writeFileSync(place('kept'), '');
    await refused(bundleOf(long), 'bundle_shape', '--checkpoint', 'kept');
  });

  // [WITNESS-14]
  it('a published checkpoint has the cosignature of each witness that is named, or that is said', async () => {
    const bundle = bundleOf(long).join('');
    const atS = 1_790_000_000;
    const note = await author.publish(long.events.slice(0, 100));
    const first = await cosignedBy('example.com/first', note, atS);
    const both = await cosignedBy('example.com/second', first.note, atS + 60);
    writeFileSync(place('note'), both.note);
    const said = await verify(bundle, '--checkpoint', 'note', '--witness', first.witness, '--witness', both.witness);
    assert.deepEqual([said.exit, said.witnesses], [0, [{ name: 'example.com/first', atMs: 1000 * atS }, { name: 'example.com/second', atMs: 1000 * (atS + 60) }]]); // prettier-ignore
    const people = await run('bundle', '--checkpoint', 'note', '--witness', first.witness);
    assert.match(people.text, /proven +example\.com\/first saw the log only grow[^\n]+2026-09-21T/);
    const lines = bundleOf(long);
    writeFileSync(place('note'), first.note);
    await refused(lines, 'witness_missing', '--checkpoint', 'note', '--witness', both.witness);
    await refused(lines, 'witness_missing', '--witness', first.witness);
    writeFileSync(place('kept'), newest(long));
    await refused(lines, 'witness_missing', '--checkpoint', 'kept', '--witness', first.witness);
    await refused(lines, 'codec_shape', '--checkpoint', 'note', '--witness', first.witness.replace('first', 'fist'));
    const elsewhere = await cosignedBy('example.com/first', await author.publish(long.events.slice(0, 101)), atS);
    const [, , foreign = ''] = elsewhere.note.split('\u2014');
    writeFileSync(place('note'), `${note}\u2014${foreign}`);
    await refused(lines, 'signature_invalid', '--checkpoint', 'note', '--witness', first.witness);
  });

  const [{ fleet, agent, key } = { fleet: '', agent: '', key: '' }] = ownVectors<NoteEntry>('witness/notes').entries;
  for (const { name, clause, expect, note, witness, atS } of ownVectors<CosignatureEntry>('witness/cosignatures').entries) {
    it(`[${clause}] a cosignature ${name}: ${expect}`, async () => {
      const log = { fleet: Buffer.from(fleet, 'hex'), agent: Buffer.from(agent, 'hex'), keys: [Buffer.from(key, 'hex')] };
      const known = parseWitnessKey(nodePrimitives, witness);
      const core = await outcomeOf(async () => seenBy(nodePrimitives, parseNote(note), [known]));
      const alone = await outcomeOf(async () => assert.deepEqual(readPublished(note, log, [witness]).witnesses, [{ name: known.name, atMs: 1000 * (atS ?? 0) }])); // prettier-ignore
      assert.deepEqual(
        [core, alone],
        expect === 'ok' && atS === null ? ['witness_missing', 'witness_missing'] : [expect, expect],
      );
    });
  }

  for (const { name, clause, expect, file } of ownVectors<VectorEntry & { file: string }>('witness/forks').entries) {
    it(`[${clause}] the proof of a fork, ${name}: ${expect}`, async () => {
      const core = await outcomeOf(() => verifyFork(nodePrimitives, file, { keys: [], witnesses: [] }));
      const alone = await outcomeOf(() => judgeAlone(JSON.parse(file) as Record<string, unknown>, { keys: [], witnesses: [] }));
      assert.deepEqual([core, alone], [expect, expect === 'codec_shape' ? 'bundle_shape' : expect]);
    });
  }

  // [WITNESS-15]
  it('a fork is proven to whoever has the key, and by the witness that cosigned both', async () => {
    const rebuilt = await author.write(250);
    const [older, newer] = [await author.publish(long.events.slice(0, 100)), await author.publish(rebuilt.events)];
    const seen = [await cosignedBy('example.com/first', older, 1_790_000_000), await cosignedBy('example.com/first', newer, 1_790_000_060)]; // prettier-ignore
    const leaves = rebuilt.events.map((event) => leafHash(nodePrimitives, event));
    const file = forkFile(nodePrimitives, long.log, { older: seen[0]?.note ?? '', newer: seen[1]?.note ?? '', leaves }) ?? '';
    const key = toHex(long.log.agentKey);
    const said = await verify(file, '--key', key, '--witness', seen[0]?.witness ?? '');
    assert.deepEqual([said.exit, said.ok, said.sizes, said.unproven], [0, true, [100, 250], []]);
    assert.match((await run('bundle', '--key', key)).text, /^it is forked: the log of agent [0-9a-f]{32}\n +proven/);
    assert.match((await verify(file)).unproven?.join() ?? '', /whose key/);
    await refused([file], 'audit_forged', '--key', toHex((await Author.of(long.log.fleet)).log.agentKey));
    const stranger = await cosignedBy('example.com/second', older, 1);
    await refused([file], 'witness_missing', '--witness', stranger.witness);
    const theirs = long.events.map((event) => leafHash(nodePrimitives, event));
    const one = forkFile(nodePrimitives, long.log, { older, newer: await author.publish(long.events), leaves: theirs }) ?? '';
    const { subtrees } = JSON.parse(file) as { subtrees: string[] };
    for (const wrong of [one, `${JSON.stringify({ ...(JSON.parse(one) as object), subtrees })}\n`]) {
      await refused([wrong], 'proof_invalid');
      assert.equal(await outcomeOf(() => verifyFork(nodePrimitives, wrong, { keys: [], witnesses: [] })), 'proof_invalid');
    }
    await refused([file.replace('audit-fork', 'audit-spoon')], 'bundle_shape');
    assert.equal(await outcomeOf(() => verifyFork(nodePrimitives, file.replace('audit-fork', 'audit-spoon'), { keys: [], witnesses: [] })), 'bundle_shape'); // prettier-ignore
  });

  // [BUNDLE-3] [BUNDLE-6]
  it('what is withheld counts by its hash, and is said to be unknown', async () => {
    const lines = bundleOf(long, ({ sequence }) => sequence % 2 === 0);
    const said = await verify(lines.join(''));
    assert.deepEqual([said.exit, said.records, said.withheld], [0, 250, 125]);
    assert.match(said.unproven?.join('\n') ?? '', /what 125 records say/);
    const at = 1 + long.checkpoints.length;
    await refused(lines.with(at, lines[at + 2] ?? ''), 'audit_altered');
    assert.ok(agentsWords.has('tool-call') && !agentsWords.has('consumed'));
  });

  // [BUNDLE-1]
  it('is strict about its form', async () => {
    const lines = bundleOf(long);
    const [head = ''] = lines;
    const first = (change: object): string => `${JSON.stringify({ ...(JSON.parse(head) as object), ...change })}\n`;
    for (const wrong of [
      first({ type: 'holdfast-audit-checkpoint' }),
      first({ v: 2 }),
      first({ fleet: '00' }),
      first({ agentKey: toHex(long.log.agentKey).toUpperCase() }),
      first({ earlierKeys: ['00'] }),
      'no JSON\n',
      '[]\n',
    ]) {
      await refused(lines.with(0, wrong), 'bundle_shape');
    }
    await refused(lines.with(5, '{"event":"+/"}\n'), 'bundle_shape');
    await refused(lines.with(5, '{}\n'), 'bundle_shape');
    await refused(lines.with(1, lines[5] ?? ''), 'bundle_shape');
    assert.equal((await verify(lines.with(0, first({ later: 'unknown' })).join(''))).exit, 0);
  });

  // [BUNDLE-2]
  it('holds as many records as it names', async () => {
    const lines = bundleOf(long);
    await refused(lines.slice(0, -1), 'audit_truncated');
    await refused([...lines, lines.at(-1) ?? ''], 'audit_altered');
  });

  // [BUNDLE-7]
  it('says where the fault lies', async () => {
    const events = long.events.with(130, author.records(131).at(-1) ?? new Uint8Array());
    const said = await verify(bundleOf({ ...long, events }, ({ sequence }) => sequence === 130).join(''));
    assert.deepEqual([said.code, said.where], ['audit_altered', { from: 100, to: 199 }]);
  });

  it('wrong usage is 2, and what cannot be read is 1', async () => {
    assert.equal((await run()).exit, 2);
    assert.equal((await run('--nonsense', 'bundle')).exit, 2);
    assert.equal((await run('absent')).exit, 1);
    assert.equal((await run('--help')).exit, 0);
  });

  it('is one file of fewer than 500 lines that imports nothing but Node', () => {
    const source = readFileSync(program, 'utf8');
    assert.ok(source.split('\n').length <= 500);
    for (const [, from = ''] of source.matchAll(/^import .* from '([^']+)';$/gm)) assert.match(from, /^node:/);
    assert.doesNotMatch(source, /\bimport\(|\brequire\(/);
  });

  // [BUNDLE-1]
  it("a checkpoint's file reads back as it was written, and nothing else does", async () => {
    const text = newest(long);
    const { log, checkpoint } = readCheckpointFile(text);
    assert.deepEqual([log.agentKey, checkpoint], [long.log.agentKey, long.checkpoints.at(-1)]);
    const said = JSON.parse(text) as Record<string, unknown>;
    for (const change of [
      { type: 'other' },
      { v: 2 },
      { fleet: 'zz' },
      { agent: '00' },
      { checkpoint: '+' },
      { earlierKeys: 1 },
      { earlierKeys: ['00'] },
    ]) {
      assert.equal(await outcomeOf(() => readCheckpointFile(JSON.stringify({ ...said, ...change }))), 'bundle_shape');
    }
    for (const wrong of ['', '[]', 'x'.repeat(200_000)])
      assert.equal(await outcomeOf(() => readCheckpointFile(wrong)), 'bundle_shape');
  });
});
