// How long a daemon takes to read its fleet's journal at the start: control entries as the store gives them, each verified, opened and reduced
// (DESIGN §13: daemon start at 10,000 entries). Egress rules come and go, so that the fleet's state stays as small as it is in life.
// `node bench/journal.ts [entries]`; prints a table and one JSON line.

import { controlTopic } from '@holdfast/protocol/blind/entry';
import { allowEgress, endEgress } from '@holdfast/protocol/journal/compose';
import { World } from '@holdfast/testkit/world';

const wanted = Number(process.argv[2] ?? 10_000);
const rounds = 3;

const world = await World.begin();
const { id: agent, holder } = await world.enroll('main');
const { operator, relay } = world;
while (relay.read(controlTopic).length < wanted) {
  const { rule } = await operator.act((author) =>
    allowEgress(author, { agent, host: 'example.com', port: 443, allowPrivate: false }),
  );
  await operator.act((author) => endEgress(author, { agent, rule }));
}

const wires = relay.read(controlTopic);
const times: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const replica = world.replica(agent, holder);
  const startedMs = performance.now();
  const taken = await replica.ingest(controlTopic, wires);
  times.push(Math.round(performance.now() - startedMs));
  const refused = taken.find(({ kind }) => kind === 'refused');
  if (refused !== undefined || replica.state.control.position !== wires.length - 1) throw new Error('the journal was not taken');
}
const medianMs = times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
console.table([
  { entries: wires.length, 'median ms': medianMs, 'entries a second': Math.round((wires.length / medianMs) * 1000) },
]);
console.log(JSON.stringify({ bench: 'journal', entries: wires.length, medianMs, times }));
