// The relay as a witness, over real sockets: it cosigns a log that only grew, and no other. The logs are real trees.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { logLine, logName, logText, signLogHead, verifyLogNote, witnessedAt } from '@holdfast/protocol/blind/log-note';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { askWitness, type WitnessOutcome } from '@holdfast/protocol/exchange/witness-calls';
import { joinNote, parseNote, signatureLine } from '@holdfast/protocol/keys/note';
import { leafHash, proveConsistency, rootOf } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { newActor, worldStartMs, type Actor, type FleetWorld } from '../../../packages/testkit/src/fleet-world.ts';
import { openRelayKey } from '../src/relay-key.ts';
import { codeFrom, RelayWorld, type Client } from './relay-world.ts';

const leavesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, nth) => leafHash(primitives, utf8(`${name} ${nth}`)));

/** One agent's log as it asks for cosignatures. */
class Log {
  readonly world: FleetWorld;
  readonly actor: Actor;
  readonly relayKey: Uint8Array;
  readonly leaves: readonly Uint8Array[];

  constructor(world: FleetWorld, actor: Actor, relayKey: Uint8Array, leaves = leavesOf('true', 40)) {
    this.world = world;
    this.actor = actor;
    this.relayKey = relayKey;
    this.leaves = leaves;
  }

  get origin(): string {
    return logName(primitives, this.world.fleet, this.actor.id);
  }

  async note(size: number, by = this.actor): Promise<string> {
    const head = { origin: this.origin, size, root: rootOf(primitives, this.leaves.slice(0, size)) };
    const line = logLine(primitives, this.origin, by.holder.publicKeys.sign, await signLogHead(by.holder, head));
    return joinNote(logText(head), [line]);
  }

  async ask(
    client: Client,
    old: number,
    size: number,
    change: { note?: string; proof?: Uint8Array[] } = {},
  ): Promise<WitnessOutcome> {
    const {
      note = await this.note(size),
      proof = old === 0 ? [] : proveConsistency(primitives, this.leaves.slice(0, size), old),
    } = change;
    return askWitness(client.exchange, this.relayKey, { note, old, proof });
  }
}

async function stage(context: TestContext) {
  const relays = await RelayWorld.start(context);
  const [actor, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([actor, other]);
  const client = await relays.client({ world, as: actor });
  const { publicKey: relayKey } = await openRelayKey(primitives, relays.folder, { hasFleets: true });
  return { relays, world, device, actor, other, client, relayKey, log: new Log(world, actor, relayKey) };
}

const served = (relays: RelayWorld, origin: string) =>
  fetch(`${relays.relay.url}/witness/${toHex(primitives.sha256(utf8(origin)))}/checkpoint`);

test('[WITNESS-7] a log that only grew is cosigned, with the time, and again for the same size', async (context) => {
  const { relays, client, log } = await stage(context);
  const first = await log.ask(client, 0, 3);
  assert.ok(first.kind === 'cosigned');
  assert.equal(first.atS, Math.floor(worldStartMs / 1000));
  relays.nowMs += 60_000;
  const again = await log.ask(client, 3, 3);
  assert.ok(again.kind === 'cosigned' && again.atS === first.atS + 60);
  const grown = await log.ask(client, 3, 40);
  assert.ok(grown.kind === 'cosigned');

  // [WITNESS-9] Whoever knows the log's name is shown what was cosigned last, also after a restart.
  for (const restart of [false, true]) {
    if (restart) await relays.restart();
    const answer = await served(relays, log.origin);
    assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    const note = parseNote(await answer.text());
    assert.equal(note.text, parseNote(await log.note(40)).text);
    assert.equal(await witnessedAt(primitives, note, grown.witness), grown.atS);
  }
  assert.equal((await served(relays, `${log.origin}0`)).status, 404);
});

test('[WITNESS-7] a log that was cut, rewritten or forked is not, whatever it says that the relay has seen', async (context) => {
  const { client, world, actor, relayKey, log } = await stage(context);
  assert.equal((await log.ask(client, 0, 20)).kind, 'cosigned');
  const rewritten = new Log(world, actor, relayKey, leavesOf('another', 40));
  for (const [name, ask] of Object.entries({
    'cut, as if it were new': () => log.ask(client, 0, 10),
    'rewritten, as if it were new': () => rewritten.ask(client, 0, 20),
    'rewritten, from a size that it never had': () => rewritten.ask(client, 19, 40),
  })) {
    const outcome = await ask().catch((thrown: unknown) => ({ kind: codeOf(thrown) }));
    assert.equal(outcome.kind, 'conflict', name);
    assert.ok('note' in outcome);
    const { size } = await verifyLogNote(primitives, outcome.note ?? '', {
      origin: log.origin,
      keys: [actor.holder.publicKeys.sign],
    });
    assert.equal(size, 20, name);
  }
  const refused: Record<string, [string, Promise<unknown>]> = {
    'rewritten, of the same size': ['proof_invalid', rewritten.ask(client, 20, 20)],
    'rewritten, and longer': ['proof_invalid', rewritten.ask(client, 20, 40)],
    'forked behind what was seen': [
      'proof_invalid',
      new Log(world, actor, relayKey, [...leavesOf('true', 19), ...leavesOf('fork', 21)]).ask(client, 20, 40),
    ],
    'grown without a proof': ['proof_invalid', log.ask(client, 20, 40, { proof: [] })],
    'smaller than the size it names': ['codec_shape', log.ask(client, 20, 10, { proof: [] })],
  };
  for (const [name, [expected, asked]] of Object.entries(refused)) assert.equal(await codeFrom(asked), expected, name);
  assert.equal((await log.ask(client, 20, 40)).kind, 'cosigned');
});

test('[WITNESS-7] of many at once for one place, one wins', async (context) => {
  const { client, log } = await stage(context);
  await log.ask(client, 0, 8);
  const outcomes = await Promise.all([12, 20, 16, 30].map((size) => log.ask(client, 8, size)));
  const won = outcomes.filter(({ kind }) => kind === 'cosigned');
  assert.equal(won.length, 1);
  const [lost] = outcomes.filter((each) => each.kind === 'conflict');
  assert.ok(lost?.kind === 'conflict' && lost.note !== undefined);
});

test('[WITNESS-5] it cosigns for the agent whose log it is, under the key that the fleet knows', async (context) => {
  const { relays, world, device, actor, other, client, relayKey, log } = await stage(context);
  const stranger = await newActor();
  const others = new Log(world, other, relayKey);
  const cases: Record<string, [string, Promise<unknown>]> = {
    'for an operator': ['relay_refused', log.ask(device, 0, 3)],
    "another agent's log": ['audit_forged', others.ask(client, 0, 3)],
    'a key that is not its own': ['audit_forged', log.ask(client, 0, 3, { note: await log.note(3, stranger) })],
    'a text that is no checkpoint': ['codec_shape', log.ask(client, 0, 3, { note: 'hello\n\n— a QUJDREVG\n' })],
  };
  for (const [name, [expected, asked]] of Object.entries(cases)) assert.equal(await codeFrom(asked), expected, name);
  const second = await relays.client({ world, as: actor });
  assert.equal((await log.ask(second, 0, 3)).kind, 'cosigned');
});

/** Lines of the log's name that no key made. */
const padding = (origin: string, count: number, length = 20): string =>
  Array.from({ length: count }, () => `${signatureLine(origin, primitives.random(4), primitives.random(length))}\n`).join('');

test('[WITNESS-7] of a note with other lines under it the relay keeps the line that it verified, and the next answer fits', async (context) => {
  const { relays, world, other, client, relayKey, log } = await stage(context);
  let [old, size] = [0, 3];
  // As many as a note may have, and as long as a request may be.
  for (const [lines, length] of [
    [63, 20],
    [36, 98],
  ] as const) {
    const padded = `${await log.note(size)}${padding(log.origin, lines, length)}`;
    assert.ok(padded.length > 7000 && padded.length <= 8192);
    assert.equal((await log.ask(client, old, size, { note: padded })).kind, 'cosigned');
    const answer = await served(relays, log.origin);
    assert.equal(parseNote(await answer.text()).signatures.length, 2);
    const conflict = await log.ask(client, 0, 1);
    assert.ok(conflict.kind === 'conflict' && parseNote(conflict.note ?? '').signatures.length === 2);
    [old, size] = [size, size + 1];
  }
  const second = await relays.client({ world, as: other });
  assert.equal((await new Log(world, other, relayKey).ask(second, 0, 3)).kind, 'cosigned');
});

test('an answer that no frame holds is a refusal of that one request: the connection, and the relay, go on', async (context) => {
  const { relays, world, actor, other, client, relayKey, log } = await stage(context);
  assert.equal((await log.ask(client, 0, 3)).kind, 'cosigned');
  await relays.relay.close();
  const database = new DatabaseSync(join(relays.folder, 'relay.db'));
  const stored = `${await log.note(3)}${padding(log.origin, 60, 100)}`;
  database.prepare('UPDATE witnessed SET note = ?').run(utf8(stored));
  database.close();
  await relays.restart();
  const [first, second] = [await relays.client({ world, as: actor }), await relays.client({ world, as: other })];
  for (let times = 0; times < 3; times += 1) assert.equal(await codeFrom(log.ask(first, 0, 3)), 'codec_limit');
  assert.equal((await log.ask(first, 3, 5)).kind, 'cosigned');
  assert.equal((await new Log(world, other, relayKey).ask(second, 0, 3)).kind, 'cosigned');
});

test('[WITNESS-13] a relay that lost what it cosigned, or its key, is another witness', async (context) => {
  const { relays, world, actor, client, log } = await stage(context);
  const first = await log.ask(client, 0, 3);
  assert.ok(first.kind === 'cosigned');
  const seed = toHex(readFileSync(join(relays.folder, 'witness.key')));
  await relays.restart();
  assert.equal(toHex(readFileSync(join(relays.folder, 'witness.key'))), seed);
  await relays.relay.close();
  rmSync(join(relays.folder, 'witness.key'));
  await relays.restart();
  const again = await relays.client({ world, as: actor });
  const second = await log.ask(again, 3, 5);
  assert.ok(second.kind === 'cosigned' && toHex(second.witness.key) !== toHex(first.witness.key));

  await relays.relay.close();
  const database = new DatabaseSync(join(relays.folder, 'relay.db'));
  database.exec('DELETE FROM witnessed');
  database.close();
  await relays.restart();
  const forgetful = await relays.client({ world, as: actor });
  const rewritten = new Log(world, actor, log.relayKey, leavesOf('another', 40));
  const third = await rewritten.ask(forgetful, 0, 5);
  assert.ok(third.kind === 'cosigned' && toHex(third.witness.key) !== toHex(second.witness.key));
});
