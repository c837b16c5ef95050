// How soon an operator elsewhere sees what happens on a machine, on loopback and all of it real: daemon, relay and custody as processes, a session whose
// harness tells of a call. From just before the session tells it: to the piece of the audit log that has it, pushed to the device that reads along, and to
// the presence that shows the call. Target: 300 ms (the console's issue). `node bench/live.ts [events]`; prints one JSON line.

import { loadavg } from 'node:os';
import path from 'node:path';
import { decodeSaid } from '@holdfast/protocol/approvals/ask';
import { parseSignal } from '@holdfast/protocol/blind/signal';
import { fromHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { watchShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';
import { openSignal } from '@holdfast/protocol/seal/signal-body';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Installation } from '@holdfast/testkit/installation';
import { overWebSocket } from '@holdfast/testkit/over-web-socket';
import { operatorFacts, unlockOperator } from '../apps/cli/src/operator/key-file.ts';

const events = Number(process.argv[2] ?? 40);
const everyMs = 600;

const script = `
const door = process.env.HOLDFAST_DOOR ?? process.env.HTTP_PROXY;
const ask = async (event) => (await fetch(new URL('/v1/hook/claude-code', door), {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) })).text();
const said = { session_id: 's', cwd: process.cwd() };
for (let n = 0; n < ${events}; n += 1) {
  const call = { ...said, tool_use_id: 'toolu_' + n, tool_name: 'Read', tool_input: { file_path: '/etc/hostname-' + n } };
  console.log('at ' + n + ' ' + Date.now());
  await ask({ ...call, hook_event_name: 'PreToolUse' });
  await new Promise((resolve) => setTimeout(resolve, ${everyMs / 2}));
  await ask({ ...call, hook_event_name: 'PostToolUse', tool_response: {} });
  await new Promise((resolve) => setTimeout(resolve, ${everyMs / 2}));
}`;

function spread(all: readonly number[]): {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly n: number;
} {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), max: at(1), n: all.length };
}

const holdfast = await Installation.create();
const shipped: number[] = [];
const shown = new Map<number, number>();
try {
  await holdfast.start();
  await holdfast.must(['init', '--name', 'bench']);
  const agent = fromHex(await holdfast.enrol('main')) ?? new Uint8Array();
  const operator = path.join(holdfast.home, 'operator');
  const facts = operatorFacts(operator);
  const holder = await unlockOperator(operator, utf8('correct horse battery staple'));
  const forget = async (): Promise<void> => undefined;
  const nothing = async (): Promise<undefined> => undefined;
  const store = {
    ...{ seen: nothing, unsent: nothing, approvedBefore: nothing, remember: forget, forgetSeen: forget, keepUnsent: forget },
    ...{ forgetUnsent: forget, keepApproved: forget, takeTurn: async () => () => undefined },
  };
  const heard: { readonly wire: Uint8Array; readonly atMs: number }[] = [];
  const read = await readFleet(
    {
      primitives,
      nowMs: Date.now,
      store,
      connect: (url, bound) =>
        connectRelay(url, { ...overWebSocket, ...bound, onClosed: () => undefined, onPush: bound.onPush ?? (() => undefined) }),
    },
    facts,
    holder,
    {
      onPush: (push) => {
        if (push.kind === 'push-shipment') shipped.push(Date.now());
        if (push.kind === 'push-signal') heard.push({ wire: push.signal, atMs: Date.now() });
      },
    },
  );
  const session = new OperatorSession(read);
  const look = async ({ wire, atMs }: (typeof heard)[number]): Promise<void> => {
    const { statement } = parseSignal(wire);
    const { key } = await session.operator.replica.epochKey(statement.audience, statement.epoch);
    const said = decodeSaid(await openSignal(primitives, key, statement));
    if (said.kind !== 'presence') return;
    for (const { now } of said.sessions) {
      const number = Number(/hostname-(\d+)$/.exec(now?.text ?? '')?.[1] ?? Number.NaN);
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
