// The commands over an agent's record: what is asked for, what is followed, what is written for elsewhere. spec/cli.md, `audit`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkpointFile } from '@holdfast/protocol/audit/bundle';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { Author, cosignedBy, type LongLog } from '@holdfast/testkit/long-log';
import { auditPage, cli, commandLine, playDoor } from './cli.ts';

const author = await Author.of(nodePrimitives.random(32));
const long = await author.write(120);
const code = (stdout: string): string => (JSON.parse(stdout) as { error?: { code: string } }).error?.code ?? 'ok';

/** A daemon that has this record. */
function keeps(
  t: TestContext,
  { log, events, checkpoints }: LongLog = long,
  published?: { note?: string; fork?: { older: string; newer: string } },
): ReturnType<typeof playDoor> {
  return playDoor(t, (request, guest) => {
    if (request.kind === 'audit-note' && published !== undefined)
      return guest.finish({ kind: 'audit-note', ...published, witnesses: [] });
    if (request.kind !== 'audit') return guest.finish({ kind: 'failed', code: 'usage', message: 'not played' });
    return guest.finish(auditPage(request, { ...log, events, checkpoints, signed: 100 }));
  });
}

// [CLI-60]
test('events are chosen by age and by class or kind', async (t) => {
  const { home } = await keeps(t);
  const shown = async (...words: string[]): Promise<number> => {
    const { stdout } = await cli(['audit', 'show', '--json', ...words], { home });
    return (JSON.parse(stdout) as { events: unknown[] }).events.length;
  };
  assert.equal(await shown(), 120);
  assert.equal(await shown('--what', 'credential', '--last', '7'), 7);
  assert.equal(await shown('--what', 'consumed'), 120);
  assert.equal(await shown('--what', 'tool', '--what', 'alarm'), 0);
  assert.equal(await shown('--since', '30s'), 0);
  assert.equal(await shown('--since', '9999d'), 120);
  assert.equal(await shown('--filter', 'kind=consumed&since=9999d'), 120); // [CLI-98]
  assert.equal(await shown('--filter', '?kind=tool'), 0);
  assert.equal(await shown('--filter', 'text=nothing+that+is+said'), 0);
  for (const words of [
    ['--what', 'nonsense'],
    ['--since', '1w'],
    ['--since', '0m'],
    ['--filter', 'colour=red'],
    ['--filter', 'kind=tool', '--what', 'tool'],
  ]) {
    const asked = await cli(['audit', 'show', '--json', ...words], { home });
    assert.deepEqual([asked.code, code(asked.stdout)], [2, 'usage']);
  }
});

// [CLI-70]
test('what the relay keeps is read as operator, never from the daemon', async (t) => {
  const { home } = await keeps(t);
  for (const words of [['show', '--shipped'], ['fetch']]) {
    const asked = await cli(['audit', ...words, '--json'], { home });
    assert.deepEqual([asked.code, code(asked.stdout)], [3, 'operator_absent']);
  }
  const both = await cli(['audit', 'show', '--shipped', '--follow', '--json'], { home });
  assert.deepEqual([both.code, code(both.stdout)], [2, 'usage']);
});

// [CLI-61]
test('of one event, the story of its act', async (t) => {
  const { home } = await keeps(t);
  const asked = await cli(['audit', 'show', '5', '--json'], { home });
  const said = JSON.parse(asked.stdout) as { event: number; story: { sequence: number }[] };
  assert.deepEqual([said.event, said.story.map(({ sequence }) => sequence)], [5, [5]]);
  assert.match((await cli(['audit', 'show', '5'], { home })).stdout, /^> +5 /);
  const absent = await cli(['audit', 'show', '500', '--json'], { home });
  assert.deepEqual([absent.code, code(absent.stdout)], [2, 'usage']);
});

// [CLI-62]
test('followed, it shows each event once as it comes, and ends when it is interrupted', async (t) => {
  const growing = { ...long, events: long.events.slice(0, 3) };
  const { home } = await keeps(t, growing);
  const [file, words] = commandLine(['audit', 'show', '--follow', '--last', '1', '--json']);
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', HOLDFAST_HOME: home };
  const child = spawn(file, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  const until = async (count: number): Promise<void> => {
    while (text.split('\n').length <= count) await once(child.stdout, 'data');
  };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await until(1);
  growing.events.push(...long.events.slice(3, 5));
  await until(3);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const numbers = text.trim().split('\n').map((line) => (JSON.parse(line) as { sequence: number }).sequence); // prettier-ignore
  assert.deepEqual(numbers, [2, 3, 4]);
});

// [CLI-63] [BUNDLE-6]
test('exported as lines or as a bundle; into a file whole, and for its owner alone', async (t) => {
  const { home } = await keeps(t);
  const file = path.join(path.dirname(home), 'log.jsonl');
  const lines = await cli(['audit', 'export'], { home });
  assert.equal(lines.stdout.trim().split('\n').length, 120);
  assert.equal(
    (JSON.parse(lines.stdout.split('\n')[3] ?? '') as { kind: string }).kind,
    decodeEvent(long.events[3] ?? new Uint8Array()).kind,
  );
  const written = await cli(['audit', 'export', '--format', 'bundle', '--redact', '--out', file, '--json'], { home });
  assert.deepEqual(JSON.parse(written.stdout), { agent: toHex(long.log.agent), format: 'bundle', file, events: 120 });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 1 + long.checkpoints.length + 120);
  const nowhere = await cli(['audit', 'export', '--out', path.join(file, 'below'), '--json'], { home });
  assert.deepEqual([nowhere.code, code(nowhere.stdout)], [2, 'usage']);
  const other = await cli(['audit', 'export', '--format', 'xml', '--json'], { home });
  assert.deepEqual([other.code, code(other.stdout)], [2, 'usage']);
  assert.deepEqual(readdirSync(path.dirname(file)).filter((name) => name.startsWith('log.jsonl')), ['log.jsonl']); // prettier-ignore
});

// [CLI-63]
test('[TILES-8, TILES-9] exported as tiles, a folder holds what the published checkpoint names, and grows with the log', async (t) => {
  const folder = path.join(path.dirname((await keeps(t)).home), 'tiles');
  const grown = await author.write(700);
  const exported = async (log: LongLog, published: readonly Uint8Array[], ...words: string[]) => {
    const { home } = await keeps(t, log, { note: await author.publish(published) });
    return cli(['audit', 'export', '--format', 'tiles', '--json', ...(words.length > 0 ? words : ['--out', folder])], { home });
  };
  const files = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
      .toSorted();
  const first = await exported(grown, grown.events.slice(0, 300));
  assert.deepEqual(JSON.parse(first.stdout), { agent: toHex(grown.log.agent), format: 'tiles', file: folder, events: 300 });
  const early = ['checkpoint', 'tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/44'];
  assert.deepEqual(files(), early);
  assert.equal(statSync(path.join(folder, 'tile/0/000')).size, 8192);
  assert.equal(statSync(path.join(folder, 'checkpoint')).mode & 0o777, 0o600);

  assert.equal((await exported(grown, grown.events)).code, 0);
  const late = ['tile/0/001', 'tile/0/002.p/188', 'tile/1/000.p/2', 'tile/entries/001', 'tile/entries/002.p/188'];
  assert.deepEqual(files(), [...early, ...late].toSorted());
  const checkpoint = readFileSync(path.join(folder, 'checkpoint'), 'utf8');
  assert.match(checkpoint, /^holdfast\/log\/[0-9a-f]{64}\n700\n/);

  const refused = async (...asked: Parameters<typeof exported>): Promise<readonly [number | null, string]> => {
    const ran = await exported(...asked);
    assert.equal(readFileSync(path.join(folder, 'checkpoint'), 'utf8'), checkpoint);
    return [ran.code, code(ran.stdout)];
  };
  assert.deepEqual(await refused(grown, grown.events.slice(0, 300)), [4, 'audit_truncated']);
  const another = await author.write(700);
  assert.deepEqual(await refused(another, another.events), [4, 'audit_altered']);
  assert.deepEqual(await refused(another, grown.events), [4, 'audit_altered']);
  assert.deepEqual(await refused({ ...grown, events: grown.events.slice(0, 699) }, grown.events), [4, 'audit_truncated']);
  assert.deepEqual(await refused(grown, grown.events, '--out', folder, '--redact'), [2, 'usage']);
  assert.deepEqual(await refused(grown, grown.events, '--agent', 'main'), [2, 'usage']);
  const stranger = await Author.of(long.log.fleet);
  const strange = { ...(await stranger.write(700)), log: stranger.log };
  const { home } = await keeps(t, strange, { note: await stranger.publish(strange.events) });
  const taken = await cli(['audit', 'export', '--format', 'tiles', '--out', folder, '--json'], { home });
  assert.deepEqual([taken.code, code(taken.stdout)], [4, 'audit_forged']);
  const unpublished = await cli(['audit', 'export', '--format', 'tiles', '--out', folder, '--json'], {
    home: (await keeps(t)).home,
  });
  assert.notEqual(unpublished.code, 0);
});

// [CLI-64] [BUNDLE-5]
test('a checkpoint is kept elsewhere, and the log is held against it later', async (t) => {
  const { home } = await keeps(t);
  const folder = path.dirname(home);
  const kept = path.join(folder, 'kept');
  const said = await cli(['audit', 'checkpoint', '--out', kept, '--json'], { home });
  assert.equal((JSON.parse(said.stdout) as { size: number }).size, 100);
  assert.equal((await cli(['audit', 'checkpoint'], { home })).stdout, readFileSync(kept, 'utf8'));
  assert.equal((await cli(['audit', 'verify', '--checkpoint', kept], { home })).code, 0);

  const verdict = async (log: LongLog, file = kept): Promise<readonly [number | null, string]> => {
    const asked = await cli(['audit', 'verify', '--checkpoint', file, '--json'], { home: (await keeps(t, log)).home });
    return [asked.code, code(asked.stdout)];
  };
  assert.deepEqual(await verdict({ ...long, events: long.events.slice(0, 50), checkpoints: [] }), [4, 'audit_truncated']);
  assert.deepEqual(await verdict(await author.write(120)), [4, 'audit_altered']);
  const stranger = await (await Author.of(long.log.fleet)).write(100);
  const strange = path.join(folder, 'strange');
  writeFileSync(strange, checkpointFile(stranger.log, stranger.checkpoints[0] ?? new Uint8Array()));
  assert.deepEqual(await verdict(long, strange), [4, 'audit_forged']);
  writeFileSync(strange, checkpointFile({ ...stranger.log, agent: long.log.agent }, long.checkpoints[0] ?? new Uint8Array()));
  assert.deepEqual(await verdict(long, strange), [4, 'audit_forged']);
  writeFileSync(strange, await author.publish(long.events));
  assert.deepEqual(await verdict(await author.write(120), strange), [4, 'audit_altered']);
  assert.equal((await cli(['audit', 'verify', '--checkpoint', strange], { home })).code, 0);
  writeFileSync(strange, `${await author.publish(long.events)}no signature\n`);
  assert.deepEqual(await verdict(long, strange), [2, 'bundle_shape']);
  writeFileSync(strange, 'no checkpoint');
  assert.deepEqual(await verdict(long, strange), [2, 'bundle_shape']);
  assert.deepEqual(await verdict(long, path.join(folder, 'absent')), [2, 'usage']);
});

// [WITNESS-14]
test('a witness that is named has cosigned the published checkpoint, or the answer says that it has not', async (t) => {
  const { home } = await keeps(t);
  const file = path.join(path.dirname(home), 'note');
  const { note, witness } = await cosignedBy('example.com/witness', await author.publish(long.events), 1_790_000_000);
  const asked = (...words: string[]) => cli(['audit', 'verify', '--witness', witness, ...words, '--json'], { home });
  writeFileSync(file, note);
  const seen = await asked('--checkpoint', file);
  assert.deepEqual((JSON.parse(seen.stdout) as { witnesses: unknown }).witnesses, [{ name: 'example.com/witness', atMs: 1_790_000_000_000 }]); // prettier-ignore
  writeFileSync(file, await author.publish(long.events));
  for (const without of [await asked(), await asked('--checkpoint', file)])
    assert.deepEqual([without.code, code(without.stdout)], [4, 'witness_missing']);
  const wrong = await cli(['audit', 'verify', '--witness', 'example.com/witness', '--json'], { home });
  assert.equal(wrong.code, 2);
});

// [WITNESS-15] [WITNESS-16]
test('another history than the one that was published is written down as a proof that needs nothing but a key', async (t) => {
  const rebuilt = await author.write(120);
  const [older, newer] = [await author.publish(long.events.slice(0, 100)), await author.publish(rebuilt.events)];
  const { home } = await keeps(t, rebuilt, { note: newer });
  const folder = path.dirname(home);
  const [kept, proof] = [path.join(folder, 'kept'), path.join(folder, 'proof')];
  writeFileSync(kept, older);
  const found = await cli(['audit', 'verify', '--checkpoint', kept, '--fork-out', proof, '--json'], { home });
  assert.deepEqual([found.code, code(found.stdout)], [4, 'audit_altered']);
  const elsewhere = path.join(folder, 'nothing-here');
  const judged = async (...words: string[]) => {
    const { code: exit, stdout } = await cli(['audit', 'verify', '--fork', proof, ...words, '--json'], { home: elsewhere });
    const { sizes, keyPinned } = JSON.parse(stdout) as { sizes?: unknown; keyPinned?: unknown };
    return [exit, code(stdout), sizes, keyPinned];
  };
  assert.deepEqual(await judged('--key', toHex(long.log.agentKey)), [0, 'ok', [100, 120], true]);
  assert.deepEqual(await judged(), [0, 'ok', [100, 120], false]);
  const stranger = await Author.of(long.log.fleet);
  assert.deepEqual(await judged('--key', toHex(stranger.log.agentKey)), [4, 'audit_forged', undefined, undefined]);
  assert.deepEqual(await judged('--key', '00'), [2, 'usage', undefined, undefined]);

  // A daemon that a witness told keeps both notes, and its log no longer.
  const told = await keeps(t, rebuilt, { fork: { older, newer } });
  const again = await cli(['audit', 'verify', '--fork-out', path.join(folder, 'again'), '--json'], { home: told.home });
  assert.deepEqual([again.code, code(again.stdout)], [4, 'audit_altered']);
  assert.equal(readFileSync(path.join(folder, 'again'), 'utf8'), readFileSync(proof, 'utf8'));

  const good = await keeps(t, long, { note: await author.publish(long.events) });
  const none = await cli(['audit', 'verify', '--checkpoint', kept, '--fork-out', path.join(folder, 'none')], { home: good.home });
  assert.deepEqual([none.code, readdirSync(folder).includes('none')], [0, false]);
});
