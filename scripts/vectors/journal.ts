// node scripts/vectors/journal.ts: vectors of spec/journal.md and spec/audience.md. The first entry of the file is a history that is good
// from end to end; each of the others is one more entry after it, with one fault, and what every reader must make of it.

import { controlTopic, parseEntry, signEntry, type EntryStatement, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { agentAudience, encodeBody, hashRules, type Body, type BodyOf } from '@holdfast/protocol/journal/bodies';
import { addBedrock, allowEgress, setRules } from '@holdfast/protocol/journal/compose';
import { regrant } from '@holdfast/protocol/journal/compose-grants';
import { setBudget } from '@holdfast/protocol/journal/compose-agents';
import { topicTip } from '@holdfast/protocol/journal/state';
import { signed, type Draftable } from '@holdfast/protocol/journal/warranted';
import { sealBody } from '@holdfast/protocol/seal/body';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { exampleItem, World } from '@holdfast/testkit/world';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('journal vectors');
const world = await World.begin(primitives);
const { operator, relay } = world;
const secret = new TextEncoder().encode('sk-secret-0123456789');
const main = await world.enroll('main');
const gone = await world.enroll('gone');
const item = await operator.keep('demo', secret, { env: 'DEMO_TOKEN' });
await operator.grant(item, main.id);
const [made] = operator.replica.state.grants.get(toHex(main.id))?.values() ?? [];
if (made === undefined) throw new Error('no grant');
const { grant, fence } = made;
await operator.act((author) => regrant(author, { agent: main.id, grant, fence: { ...fence, methods: ['GET'] }, secret }));
await operator.act((author) => allowEgress(author, { agent: main.id, host: 'example.com', port: 443, allowPrivate: false }));
await operator.act((author) => setBudget(author, { agent: main.id, limits: { uses: { total: 500, windows: [] } } }));
await operator.act((author) => setRules(author, 'rules: []\n'));
await operator.act((author) => setRules(author, 'rules: [] # again\n'));
await operator.act((author) => addBedrock(author, 'This repository deploys on Fridays only.'));
await main.write({ kind: 'enrolled' });
await operator.revoke(gone.id);
await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(1) });
await operator.sync();

const { state } = operator.replica;
const own = { audience: agentAudience(main.id) };
const granted = ((): BodyOf<'grant'>['granted'] => {
  const [grant] = state.grants.get(toHex(main.id))?.values() ?? [];
  if (grant === undefined) throw new Error('no grant');
  const { grantedAtMs: _at, warrant: _warrant, ...rest } = grant;
  return rest;
})();
const strangers = primitives.random(16);
const mallory = await SoftwareKeyHolder.generate(primitives);

type Verdict = 'rejected' | 'refused';
type Fault = Parameters<typeof writeVectors>[2][number];

const faults: Fault[] = [];
const add = (
  name: string,
  clause: string,
  verdict: Verdict,
  expect: ErrorCode,
  entry: UnverifiedEntry | Uint8Array,
  topic = controlTopic,
): void => {
  faults.push({ name, clause, verdict, expect, topic, entry: entry instanceof Uint8Array ? entry : entry.wire });
};
const rejected = async (
  name: string,
  clause: string,
  expect: ErrorCode,
  body: Draftable,
  change: Parameters<typeof operator.forge>[1] = {},
): Promise<void> => {
  add(name, clause, 'rejected', expect, await operator.forge(body, change));
};

const revocation = { kind: 'agent-revoke', agent: main.id, reason: '' } as const;
const good = await operator.forge(revocation);
const { statement } = good;
const resigned = async (holder: SoftwareKeyHolder, change: Partial<EntryStatement>): Promise<UnverifiedEntry> =>
  signEntry(primitives, holder, { ...statement, ...change });

add('signed by somebody else', 'JOURNAL-2', 'refused', 'signature_invalid', await resigned(mallory, {}));
add(
  'a flipped bit under the signature',
  'JOURNAL-2',
  'refused',
  'signature_invalid',
  flipped(good.wire, 8 * (good.wire.length - 1)),
);
add('by an agent', 'JOURNAL-2', 'refused', 'author_unknown', await resigned(main.holder, { author: main.id }));
add(
  'of another fleet',
  'JOURNAL-2',
  'refused',
  'entry_foreign',
  await resigned(operator.holder, { fleet: new Uint8Array(32).fill(1) }),
);
add('of another topic', 'JOURNAL-2', 'refused', 'entry_foreign', await resigned(operator.holder, { topic: main.id }));
add(
  'another entry at the head',
  'JOURNAL-3',
  'refused',
  'entry_fork',
  await resigned(operator.holder, { position: statement.position - 1 }),
);
add(
  'after another entry',
  'JOURNAL-3',
  'refused',
  'entry_fork',
  await resigned(operator.holder, { previous: new Uint8Array(32) }),
);
add(
  'one missing before it',
  'JOURNAL-3',
  'refused',
  'entry_gap',
  await resigned(operator.holder, { position: statement.position + 1 }),
);
await rejected('an agent’s kind in the control topic', 'JOURNAL-7', 'entry_misplaced', { kind: 'enrolled' }, own);
await rejected('a stranger revoked', 'JOURNAL-11', 'agent_unknown', { ...revocation, agent: strangers });
await rejected('revoked twice', 'JOURNAL-12', 'agent_revoked', { ...revocation, agent: gone.id });
await rejected('a secret told to the fleet', 'AUDIENCE-1', 'audience_wrong', {
  kind: 'item-add',
  item: exampleItem(primitives, 'leak'),
  secret,
});
await rejected(
  'a grant in another agent’s audience',
  'AUDIENCE-1',
  'audience_wrong',
  { kind: 'grant', granted: { ...granted, grant: strangers } },
  { audience: agentAudience(gone.id) },
);
await rejected('an epoch in the past', 'AUDIENCE-4', 'epoch_wrong', revocation, { epoch: 0, key: primitives.random(32) });
await rejected('another key for the epoch', 'AUDIENCE-4', 'epoch_wrong', revocation, { key: primitives.random(32) });
await rejected('an epoch out of turn', 'AUDIENCE-4', 'epoch_wrong', revocation, { epoch: 3, key: primitives.random(32) });
await rejected('a start inside an epoch', 'AUDIENCE-6', 'epoch_wrong', {
  kind: 'epoch',
  members: [operator.id],
  previousKey: new Uint8Array(48),
});
await rejected(
  'the name of an item again',
  'JOURNAL-13',
  'name_taken',
  { kind: 'item-add', item: exampleItem(primitives, 'demo'), secret },
  { audience: 'operators' },
);
await rejected(
  'the id of an item again',
  'JOURNAL-13',
  'id_taken',
  { kind: 'item-add', item: { ...exampleItem(primitives, 'x'), id: item }, secret },
  { audience: 'operators' },
);
await rejected(
  'no item removed',
  'JOURNAL-14',
  'item_unknown',
  { kind: 'item-remove', item: strangers },
  { audience: 'operators' },
);
await rejected(
  'the variable of a grant again',
  'JOURNAL-15',
  'name_taken',
  { kind: 'grant', granted: { ...granted, grant: strangers, name: 'b' } },
  own,
);
await rejected('the id of a grant again', 'JOURNAL-15', 'id_taken', { kind: 'grant', granted: { ...granted, name: 'b' } }, own);
await rejected(
  'a grant in the place of one of another item',
  'JOURNAL-45',
  'id_taken',
  { kind: 'grant', granted: { ...granted, item: strangers } },
  own,
);
await rejected(
  'a grant in its own place, in another variable',
  'JOURNAL-45',
  'id_taken',
  { kind: 'grant', granted: { ...granted, env: 'OTHER_TOKEN' } },
  own,
);
await rejected('no grant ended', 'JOURNAL-16', 'grant_unknown', { kind: 'grant-end', grant: strangers }, own);
await rejected('no budget ended', 'JOURNAL-16', 'budget_unknown', { kind: 'budget-end', budget: strangers }, own);
const budget = { id: strangers, agent: main.id, concurrent: 8 } as const;
await rejected('another budget beside the one that is there', 'JOURNAL-41', 'name_taken', { kind: 'budget-set', budget }, own);
const known = state.budgets.get(toHex(main.id))?.id;
if (known === undefined) throw new Error('no budget');
await rejected(
  'a budget of another agent',
  'AUDIENCE-1',
  'audience_wrong',
  { kind: 'budget-set', budget: { ...budget, id: known, agent: gone.id } },
  own,
);
await rejected('no egress ended', 'JOURNAL-16', 'egress_unknown', { kind: 'egress-end', rule: strangers }, own);

const rulesOf = (version: number, text: string, hash = hashRules(primitives, text)) =>
  ({ kind: 'rules-set', version, text, hash }) as const;
await rejected('an older rule set', 'JOURNAL-23', 'rules_version', rulesOf(1, 'rules: []\n'));
await rejected('another rule set of the same version', 'JOURNAL-23', 'rules_version', rulesOf(2, 'rules: [] # other\n'));
await rejected('a rule set two versions ahead', 'JOURNAL-23', 'rules_version', rulesOf(4, 'rules: []\n'));
await rejected(
  'a rule set with the hash of another',
  'JOURNAL-24',
  'rules_altered',
  rulesOf(3, 'rules: []\n', new Uint8Array(32)),
);
const otherGrant = { ...granted, grant: strangers, name: 'b', env: 'B' };
const anothers = await signed(mallory, { fleet: world.fleet, author: operator.id, atMs: state.control.atMs }, rulesOf(3, 'x'));
await rejected('a rule set whose warrant is by another key', 'AUTHORITY-2', 'warrant_invalid', anothers);
const at = { fleet: world.fleet, author: operator.id, atMs: state.control.atMs };
const narrow = await signed(operator.holder, at, { kind: 'grant', granted: otherGrant });
if (narrow.kind !== 'grant') throw new Error('no grant');
const wide = { ...otherGrant, fence: { ...otherGrant.fence, paths: ['/**'] } };
await rejected('a grant whose warrant is over other terms', 'AUTHORITY-2', 'warrant_invalid', { ...narrow, granted: wide }, own);
const { warrant: _narrow, ...bare } = narrow;
const without = encodeValue(bare);
add('a grant without a warrant', 'AUTHORITY-2', 'rejected', 'codec_shape', await operator.forge(without, own));
await rejected('a rule set told to one agent', 'AUDIENCE-1', 'audience_wrong', rulesOf(3, 'rules: []\n'), own);
const [bedrock] = state.bedrock.texts.values();
if (bedrock === undefined) throw new Error('no bedrock');
await rejected('the id of a bedrock text again', 'JOURNAL-25', 'id_taken', { kind: 'bedrock-add', id: bedrock.id, text: 'x' });
await rejected('more bedrock than fits', 'JOURNAL-25', 'limit_exceeded', {
  kind: 'bedrock-add',
  id: strangers,
  text: 'x'.repeat(8000),
});
await rejected('no bedrock removed', 'JOURNAL-26', 'bedrock_unknown', { kind: 'bedrock-remove', id: strangers });

const [first] = relay.read(controlTopic).slice(1);
if (first === undefined) throw new Error('no history');
await rejected('an id again', 'JOURNAL-21', 'entry_duplicate', revocation, { id: parseEntry(primitives, first).statement.id });

async function byAgent(body: Body, change: Partial<EntryStatement> = {}, holder = main.holder): Promise<UnverifiedEntry> {
  const { key, epoch } = await main.replica.epochKey(change.audience ?? agentAudience(main.id));
  const tip = topicTip(state, main.id);
  const { position, hash } = state.control;
  const clear = {
    v: 1,
    fleet: world.fleet,
    topic: main.id,
    position: (tip?.position ?? -1) + 1,
    previous: tip?.hash ?? new Uint8Array(32),
    author: main.id,
    atMs: world.tick(),
    control: { position, hash },
    audience: agentAudience(main.id),
    epoch,
  } as const;
  return signEntry(primitives, holder, await sealBody(primitives, key, { ...clear, ...change }, encodeBody(body)));
}
await main.sync();
add(
  'a control head of another history',
  'JOURNAL-3',
  'refused',
  'entry_fork',
  await byAgent({ kind: 'enrolled' }, { control: { position: 3, hash: new Uint8Array(32) } }),
  main.id,
);
add(
  'an agent’s entry by a peer',
  'JOURNAL-2',
  'refused',
  'author_unknown',
  await byAgent({ kind: 'enrolled' }, { author: gone.id }, gone.holder),
  main.id,
);
add(
  'an operator’s kind by an agent',
  'JOURNAL-7',
  'rejected',
  'entry_misplaced',
  await byAgent({ kind: 'egress-end', rule: strangers }),
  main.id,
);
add(
  'a rule set by an agent',
  'JOURNAL-7',
  'rejected',
  'entry_misplaced',
  await byAgent({ ...rulesOf(3, 'rules: []\n'), warrant: new Uint8Array(64) }, { audience: 'fleet' }),
  main.id,
);
add(
  'a control head gone back',
  'JOURNAL-17',
  'rejected',
  'entry_control',
  await byAgent(
    { kind: 'enrolled' },
    { control: { position: 2, hash: parseEntry(primitives, relay.read(controlTopic)[2] ?? first).hash } },
  ),
  main.id,
);
add(
  'an agent’s word to the fleet',
  'AUDIENCE-1',
  'rejected',
  'audience_wrong',
  await byAgent({ kind: 'enrolled' }, { audience: 'fleet' }),
  main.id,
);
add(
  'an agent’s epoch that never was',
  'AUDIENCE-5',
  'rejected',
  'epoch_wrong',
  await byAgent({ kind: 'enrolled' }, { epoch: 1 }),
  main.id,
);

const childRevocation = { kind: 'child-revoke', agent: main.id, child: strangers, reason: '' } as const;
await rejected("a stranger's child revoked", 'JOURNAL-37', 'agent_unknown', { ...childRevocation, agent: strangers });
await rejected('the child of a revoked agent', 'JOURNAL-37', 'agent_revoked', { ...childRevocation, agent: gone.id });
await rejected('a child revoked for its agent’s ears alone', 'AUDIENCE-1', 'audience_wrong', childRevocation, own);
add(
  'a child revoked by its agent',
  'JOURNAL-7',
  'rejected',
  'entry_misplaced',
  await byAgent(childRevocation, { audience: 'fleet' }),
  main.id,
);

const topics = [...relay.topics].map(([topic, entries]) => ({ topic, entries }));
const lockboxes = [...relay.lockboxes].map(([place, sealed]) => ({ place, sealed }));
writeVectors(
  'journal/history',
  'A whole history as a device of the fleet reads it (`self`, `keys`), and one faulty entry after it in each further entry.',
  [
    {
      name: 'history',
      clause: 'JOURNAL-6',
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
