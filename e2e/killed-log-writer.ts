// The program of killed-log.test.ts: an agent's audit log as a daemon writes and ships it, appended to as fast as the disk takes it, durably and
// numbered, until it is killed. Says each number that is safe, and why the relay does not take the log, if so.
// Arguments: folder, relay, fleet, agent (hex), the seed of the agent's keys, first number.

import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { LogShipper } from '../apps/daemon/src/agent/log-shipper.ts';
import { numbered, quiet } from '../packages/testkit/src/numbered.ts';
import { overWebSocket } from '../packages/testkit/src/over-web-socket.ts';
import { keysOf, openLog } from './killed-log.ts';

const [, , folder = '', relay = '', fleetHex = '', agentHex = '', seed = '', first = '0'] = process.argv;
const [fleet = new Uint8Array(), agent = new Uint8Array()] = [fleetHex, agentHex].map((hex) => fromHex(hex));
const holder = await keysOf(seed);

const audit = await openLog({ folder, fleet, agent, holder });
const exchange = await connectRelay(relay, { ...overWebSocket, identity: { fleet, principal: agent, holder } });
const shipper = new LogShipper({
  audit,
  agent,
  link: { isOpen: true, ask: (asked) => asked(exchange) },
  ports: { log: quiet, primitives, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } },
});
void (async () => {
  for (;;) {
    await shipper.shipping.now();
    if (shipper.fault !== undefined) process.stdout.write(`fault ${shipper.fault}\n`);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
})();

let next = Number(first);
for (;;) {
  const group = Array.from({ length: 8 }, () => next++);
  await Promise.all(group.map((number) => audit.appendDurable(numbered(number)).then(() => process.stdout.write(`${number}\n`))));
}
