// The program of killed-log.test.ts: an agent's audit log as a daemon writes and ships it, appended to as fast as the disk takes it, durably and
// numbered, until it is killed. Says each number that is safe, and why the relay does not take the log, if so.
// Arguments: folder, relay, fleet, agent (hex), the seed of the agent's keys, first number.

import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { LogShipper } from '../apps/daemon/src/agent/log-shipper.ts';
import { keysOf, numbered, openLog, quiet } from './killed-log.ts';

const [, , folder = '', relay = '', fleetHex = '', agentHex = '', seed = '', first = '0'] = process.argv;
const [fleet = new Uint8Array(), agent = new Uint8Array()] = [fleetHex, agentHex].map((hex) => fromHex(hex));
const holder = await keysOf(seed);

const audit = await openLog({ folder, fleet, agent, holder });
const exchange = await connectRelay(relay, {
  primitives,
  webSocket: WebSocket,
  deadline: (afterMs, expired) => {
    const timer = setTimeout(expired, afterMs);
    return () => clearTimeout(timer);
  },
  answerWithinMs: 60_000,
  identity: { fleet, principal: agent, holder },
  onPush: () => {},
  onClosed: () => {},
});
const shipper = new LogShipper({
  audit,
  agent,
  link: { state: 'connected', ask: (asked) => asked(exchange) },
  ports: { log: quiet, primitives },
});
void (async () => {
  for (;;) {
    await shipper.ship();
    if (shipper.fault !== undefined) process.stdout.write(`fault ${shipper.fault}\n`);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
})();

let next = Number(first);
for (;;) {
  const group = Array.from({ length: 8 }, () => next++);
  await Promise.all(group.map((number) => audit.appendDurable(numbered(number)).then(() => process.stdout.write(`${number}\n`))));
}
