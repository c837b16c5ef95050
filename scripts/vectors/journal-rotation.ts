// node scripts/vectors/journal-rotation.ts: vectors of spec/rotation.md. As journal.ts: the first entry of the file is a history that is good from end to
// end, each of the others one more entry after it, with one fault.

import { controlTopic, signEntry, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Body } from '@holdfast/protocol/journal/bodies';
import { composeAgentEntry } from '@holdfast/protocol/journal/compose';
import { rotateAgent } from '@holdfast/protocol/journal/compose-rotation';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { AgentActor, World } from '@holdfast/testkit/world';
import { writeVectors } from './write.ts';

const primitives = seededPrimitives('journal vectors of rotation');
const world = await World.begin(primitives);
const { operator, relay } = world;
const secret = new TextEncoder().encode('sk-secret-0123456789');
const before = await world.enroll('main');
await operator.grant(await operator.keep('demo', secret), before.id);
const holder = await SoftwareKeyHolder.generate(primitives);
await before.write({ kind: 'new-keys', keys: holder.publicKeys, custody: 'software' });
await operator.act((author) =>
  rotateAgent(author, {
    agent: before.id,
    secretOf: async () => secret.slice(),
    statusUri: 'https://relay.example/status',
    accessVersion: world.accessVersion,
  }),
);
const main = new AgentActor(world, before.id, holder);
await main.sync();
await main.write({ kind: 'enrolled' });
await operator.sync();

const { state } = operator.replica;
const own = state.agents.get(toHex(main.id));
if (own === undefined) throw new Error('no agent');
const fresh = (await SoftwareKeyHolder.generate(primitives)).publicKeys;

type Fault = Parameters<typeof writeVectors>[2][number];
const faults: Fault[] = [];
const add = (
  name: string,
  clause: string,
  verdict: string,
  expect: ErrorCode,
  { wire }: UnverifiedEntry,
  topic = controlTopic,
): void => {
  faults.push({ name, clause, verdict, expect, topic, entry: wire });
};
const rejected = async (
  name: string,
  expect: ErrorCode,
  change: Partial<Extract<Body, { kind: 'agent-rotate' }>>,
): Promise<void> => {
  const { keys, custody, credential } = own;
  const body = { kind: 'agent-rotate', agent: main.id, keys, custody, credential, ...change } as const;
  add(name, 'ROTATE-2', 'rejected', expect, await operator.forge(body));
};

await rejected('the keys that it has', 'key_reused', {});
await rejected('the keys that it had', 'key_reused', { keys: before.holder.publicKeys });
await rejected('the sealing key that it has', 'key_reused', { keys: { ...fresh, seal: own.keys.seal } });
await rejected('a credential for other keys', 'credential_invalid', { keys: fresh });
await rejected('an agent that nobody enrolled', 'agent_unknown', { agent: primitives.random(16), keys: fresh });

const next = await composeAgentEntry(
  { primitives, replica: main.replica, id: main.id, holder, nowMs: world.tick() },
  { kind: 'enrolled' },
);
add(
  'by the keys that ended',
  'ROTATE-3',
  'refused',
  'signature_invalid',
  await signEntry(primitives, before.holder, next.statement),
  main.id,
);
add(
  'new keys asked for in the control topic',
  'JOURNAL-7',
  'rejected',
  'entry_misplaced',
  await operator.forge({ kind: 'new-keys', keys: fresh, custody: 'tpm' }, { audience: `agent:${toHex(main.id)}` }),
);

const topics = [...relay.topics].map(([topic, entries]) => ({ topic, entries }));
const lockboxes = [...relay.lockboxes].map(([place, sealed]) => ({ place, sealed }));
writeVectors(
  'journal/rotation',
  'A history in which an agent got other keys, as a device of the fleet reads it (`self`, `keys`), and one faulty entry after it in each further entry.',
  [
    {
      name: 'history',
      clause: 'ROTATE-3',
      expect: 'ok',
      fleet: world.fleet,
      self: operator.id,
      keys: operator.holder.exportBytes(),
      topics,
      lockboxes,
      control: state.control.hash,
    },
    ...faults,
  ],
);
