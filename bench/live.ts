// How soon an operator elsewhere sees what happens on a machine, on loopback and all of it real: daemon, relay and custody as processes, a session whose
// harness tells of a call. From just before the session tells it: to the piece of the audit log that has it, pushed to the device that reads along, and to
// the presence that shows the call. Target: 300 ms (the console's issue). `node bench/live.ts [events]`; prints one JSON line.

import { loadavg } from 'node:os';
import { decodeSaid } from '@holdfast/protocol/approvals/ask';
import { parseSignal } from '@holdfast/protocol/blind/signal';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { watchShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { openSignal } from '@holdfast/protocol/seal/signal-body';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Installation } from '@holdfast/testkit/installation';
import { readCalls } from './console/calls.ts';
import { operatorOf } from '../e2e/operator-of.ts';
import { spread } from './console/spread.ts';

const events = Number(process.argv[2] ?? 40);
const everyMs = 600;

const script = readCalls({ first: 0, count: events, everyMs });

const holdfast = await Installation.create();
const shipped: number[] = [];
const shown = new Map<number, number>();
try {
  await holdfast.start();
  await holdfast.must(['init', '--name', 'bench']);
  const agent = fromHex(await holdfast.enrol('main')) ?? new Uint8Array();
  const heard: { readonly wire: Uint8Array; readonly atMs: number }[] = [];
  const session = await operatorOf(holdfast, (push) => {
    if (push.kind === 'push-shipment') shipped.push(Date.now());
    if (push.kind === 'push-signal') heard.push({ wire: push.signal, atMs: Date.now() });
  });
  const look = async ({ wire, atMs }: (typeof heard)[number]): Promise<void> => {
    const { statement } = parseSignal(wire);
    const { key } = await session.operator.replica.epochKey(statement.audience, statement.epoch);
    const said = decodeSaid(await openSignal(primitives, key, statement));
    if (said.kind !== 'presence') return;
    for (const { now } of said.sessions) {
      const number = Number(/number-(\d+)-$/.exec(now?.text ?? '')?.[1] ?? Number.NaN);
      if (Number.isInteger(number) && !shown.has(number)) shown.set(number, atMs);
    }
  };
  await watchShipments(session.relay, [{ agent, ordinal: 0, offset: 0 }]);
  const ran = holdfast.live(['run', '--', process.execPath, '-e', script]);
  await ran.ended;
  for (const each of heard) await look(each);
  const told = new Map([...ran.said.matchAll(/^at (\d+) (\d+)/gm)].map(([, n, ms]) => [Number(n), Number(ms)]));
  const [toShipped, toShown]: [number[], number[]] = [[], []];
  for (const [n, atMs] of told) {
    const first = shipped.find((each) => each >= atMs);
    if (first !== undefined) toShipped.push(first - atMs);
    const at = shown.get(n);
    if (at !== undefined) toShown.push(at - atMs);
  }
  const load = Number((loadavg()[0] ?? 0).toFixed(1));
  process.stdout.write(
    `${JSON.stringify({ bench: 'live', events: told.size, load, toPieceMs: spread(toShipped), toPresenceMs: spread(toShown), signals: heard.length, pieces: shipped.length })}\n`,
  );
} finally {
  await holdfast.remove();
}
process.exit();
