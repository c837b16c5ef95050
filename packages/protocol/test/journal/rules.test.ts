// Each rule of the journal, broken by a valid device: every replica that reads the entry rejects it with the rule's code, nothing else
// changes, and the history goes on.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { controlTopic, type EntryStatement } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { confirmationOf, credentialLifeMs, issueCredential, readCredential } from '@holdfast/protocol/identity/credential';
import { agentAudience, hashRules, type BodyOf } from '@holdfast/protocol/journal/bodies';
import { addBedrock, allowEgress, setRules } from '@holdfast/protocol/journal/compose';
import { membersOf, type FleetState } from '@holdfast/protocol/journal/state';
import type { Draftable } from '@holdfast/protocol/journal/warranted';
import { commitToKey } from '@holdfast/protocol/seal/body';
import { makeLockbox } from '@holdfast/protocol/seal/lockbox';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { exampleItem, placeOf, World, type AgentActor, type Reader } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');

interface Stage {
  readonly world: World;
  readonly main: AgentActor;
  readonly gone: AgentActor;
  readonly item: Uint8Array;
  readonly grant: BodyOf<'grant'>['granted'];
  readonly rule: BodyOf<'egress-allow'>['rule'];
}

async function setUp(): Promise<Stage> {
  const world = await World.begin();
  const main = await world.enroll('main');
  const gone = await world.enroll('gone');
  const { operator } = world;
  const item = await operator.keep('demo', secret, { env: 'DEMO_TOKEN' });
  const grantId = await operator.grant(item, main.id);
  await operator.act((author) => allowEgress(author, { agent: main.id, host: 'example.com', port: 443, allowPrivate: false }));
  for (const rules of ['one', 'two']) await operator.act((author) => setRules(author, rules));
  await operator.act((author) => addBedrock(author, 'Deploys on Fridays only.'));
  await operator.revoke(gone.id);
  await main.sync();
  const {
    grantedAtMs: _at,
    warrant: _warrant,
    ...grant
  } = operator.replica.state.grants.get(toHex(main.id))?.get(toHex(grantId)) ?? assert.fail();
  const { allowedAtMs: _then, ...rule } =
    [...(operator.replica.state.egress.get(toHex(main.id))?.values() ?? [])][0] ?? assert.fail();
  return { world, main, gone, item, grant, rule };
}

type Change = Partial<EntryStatement> & { readonly key?: Uint8Array };
interface Breach {
  readonly clause: string;
  readonly name: string;
  readonly expect: ErrorCode;
  /** Who has to reject it beside the operator. */
  readonly alsoRead: boolean;
  readonly make: (stage: Stage) => readonly [Draftable, Change?] | Promise<readonly [Draftable, Change?]>;
}

const fresh = (stage: Stage, length = 16): Uint8Array => stage.world.primitives.random(length);

/** An enrolment that would be fine. */
async function enrolment(stage: Stage): Promise<BodyOf<'agent-enroll'>> {
  const { world } = stage;
  const { primitives, operator, fleet } = world;
  const { publicKeys: keys } = await SoftwareKeyHolder.generate(primitives);
  const said = { scope: 'next', machine: 'm', custody: 'software', capabilities: [] } as const;
  const id = fresh(stage);
  const issuedAtMs = world.tick();
  const credential = await issueCredential(primitives, operator.holder, {
    fleet,
    agent: id,
    device: operator.id,
    confirm: confirmationOf(primitives, keys),
    ...said,
    custody: { level: said.custody, evidence: 'claimed' },
    issuedAtMs,
    expiresAtMs: issuedAtMs + credentialLifeMs,
    status: { index: 1, uri: 'https://relay.example/status' },
  });
  return { kind: 'agent-enroll', agent: { id, keys, ...said }, credential };
}

const own = (stage: Stage): Change => ({ audience: agentAudience(stage.main.id) });
const item = (stage: Stage, name: string): BodyOf<'item-add'> => ({
  kind: 'item-add',
  item: exampleItem(stage.world.primitives, name),
  secret,
});

/** Starts an epoch of `audience` as it should be started, its lockboxes placed. */
async function epochStart(
  stage: Stage,
  audience: string,
  epoch: number,
  body: Partial<BodyOf<'epoch'>> = {},
): Promise<readonly [Draftable, Change]> {
  const { world } = stage;
  const key = fresh(stage, 32);
  const keyCommitment = commitToKey(world.primitives, key);
  const members = membersOf(world.operator.replica.state, audience) ?? [];
  for (const { id, seal } of members) {
    const box = await makeLockbox(
      world.primitives,
      { fleet: world.fleet, audience, epoch },
      { member: id, recipient: seal },
      key,
    );
    world.relay.lockboxes.set(placeOf({ audience, epoch, keyCommitment, member: id }), box);
  }
  const start: BodyOf<'epoch'> = { kind: 'epoch', members: members.map(({ id }) => id), previousKey: fresh(stage, 48), ...body };
  return [start, { audience, epoch, key, keyCommitment }];
}

const breaches: readonly Breach[] = [
  {
    clause: '[JOURNAL-7]',
    name: 'a second genesis',
    expect: 'entry_misplaced',
    alsoRead: true,
    make: ({ world, main }) => {
      const { name, recovery, relayKey, pulseMaxAgeMs } = world.operator.replica.state;
      const device = { id: main.id, name: 'mine', keys: main.holder.publicKeys };
      return [
        { kind: 'genesis', name, device, recovery, relay: { key: relayKey }, operators: new Uint8Array(32), pulseMaxAgeMs },
      ];
    },
  },
  {
    clause: '[JOURNAL-7]',
    name: "an agent's kind in the control topic",
    expect: 'entry_misplaced',
    alsoRead: true,
    make: (stage) => [{ kind: 'enrolled' }, own(stage)],
  },
  {
    clause: '[AUDIENCE-1]',
    name: 'a secret told to the fleet',
    expect: 'audience_wrong',
    alsoRead: true,
    make: (stage) => [item(stage, 'leak')],
  },
  {
    clause: '[AUDIENCE-1]',
    name: 'an enrolment told to the operators alone',
    expect: 'audience_wrong',
    alsoRead: false,
    make: async (stage) => [await enrolment(stage), { audience: 'operators' }],
  },
  {
    clause: '[AUDIENCE-1]',
    name: 'a grant told to the fleet',
    expect: 'audience_wrong',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant', granted: { ...stage.grant, grant: fresh(stage), name: 'b', env: 'B' } }],
  },
  {
    clause: '[AUDIENCE-1]',
    name: "a grant to another agent in this one's audience",
    expect: 'audience_wrong',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant', granted: { ...stage.grant, grant: fresh(stage), agent: stage.gone.id } }, own(stage)],
  },
  {
    clause: '[AUDIENCE-1]',
    name: "egress of another agent in this one's audience",
    expect: 'audience_wrong',
    alsoRead: true,
    make: (stage) => [{ kind: 'egress-allow', rule: { ...stage.rule, id: fresh(stage), agent: stage.gone.id } }, own(stage)],
  },
  {
    clause: '[AUDIENCE-4]',
    name: 'an epoch in the past',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: (stage) => [
      { kind: 'agent-revoke', agent: stage.main.id, reason: '' },
      { epoch: 0, key: fresh(stage, 32) },
    ],
  },
  {
    clause: '[AUDIENCE-4]',
    name: 'an epoch too far ahead',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: (stage) => epochStart(stage, 'fleet', 3),
  },
  {
    clause: '[AUDIENCE-4]',
    name: 'another key for the current epoch',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: (stage) => [{ kind: 'agent-revoke', agent: stage.main.id, reason: '' }, { key: fresh(stage, 32) }],
  },
  {
    clause: '[AUDIENCE-4]',
    name: 'an audience of nobody',
    expect: 'epoch_wrong',
    alsoRead: false,
    make: (stage) => epochStart(stage, agentAudience(fresh(stage)), 0, { members: [stage.main.id] }),
  },
  {
    clause: '[AUDIENCE-6]',
    name: 'an epoch that starts without saying so',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: async (stage) => [{ kind: 'agent-revoke', agent: stage.main.id, reason: '' }, (await epochStart(stage, 'fleet', 2))[1]],
  },
  {
    clause: '[AUDIENCE-6]',
    name: 'an epoch that starts twice',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: async (stage) => [(await epochStart(stage, 'fleet', 9))[0], {}],
  },
  {
    clause: '[AUDIENCE-3]',
    name: 'a member left out',
    expect: 'members_wrong',
    alsoRead: true,
    make: (stage) => epochStart(stage, 'fleet', 2, { members: [stage.world.operator.id] }),
  },
  {
    clause: '[AUDIENCE-3]',
    name: 'a revoked member',
    expect: 'members_wrong',
    alsoRead: true,
    make: (stage) => {
      const now = membersOf(stage.world.operator.replica.state, 'fleet')?.map(({ id }) => id) ?? [];
      const members = [...now, stage.gone.id].toSorted((a, b) => Buffer.compare(a, b));
      return epochStart(stage, 'fleet', 2, { members });
    },
  },
  {
    clause: '[AUDIENCE-3]',
    name: 'members out of order',
    expect: 'members_wrong',
    alsoRead: true,
    make: (stage) => {
      const members = (membersOf(stage.world.operator.replica.state, 'fleet') ?? []).map(({ id }) => id).toReversed();
      return epochStart(stage, 'fleet', 2, { members });
    },
  },
  {
    clause: '[AUDIENCE-7]',
    name: 'an epoch that hands nothing down',
    expect: 'epoch_wrong',
    alsoRead: true,
    make: async (stage) => {
      const [start, change] = await epochStart(stage, 'fleet', 2);
      const { members } = start as BodyOf<'epoch'>;
      return [{ kind: 'epoch', members }, change];
    },
  },
  {
    clause: '[JOURNAL-8]',
    name: 'the id of a live agent',
    expect: 'agent_taken',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, id: stage.main.id } }];
    },
  },
  {
    clause: '[JOURNAL-8]',
    name: 'the id of a revoked agent',
    expect: 'agent_taken',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, id: stage.gone.id } }];
    },
  },
  {
    clause: '[JOURNAL-8]',
    name: 'the id of a device',
    expect: 'agent_taken',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, id: stage.world.operator.id } }];
    },
  },
  {
    clause: '[JOURNAL-8]',
    name: 'the id of the recovery code',
    expect: 'agent_taken',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, id: stage.world.operator.replica.state.recovery.id } }];
    },
  },
  {
    clause: '[JOURNAL-8]',
    name: 'the id of the control topic',
    expect: 'agent_taken',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, id: controlTopic } }];
    },
  },
  {
    clause: '[JOURNAL-10]',
    name: "another agent's credential",
    expect: 'credential_invalid',
    alsoRead: true,
    make: async (stage) => {
      const { credential } = stage.world.operator.replica.state.agents.get(toHex(stage.main.id)) ?? assert.fail();
      return [{ ...(await enrolment(stage)), credential }];
    },
  },
  {
    clause: '[JOURNAL-10]',
    name: 'a better key store than the credential says',
    expect: 'credential_invalid',
    alsoRead: true,
    make: async (stage) => {
      const body = await enrolment(stage);
      return [{ ...body, agent: { ...body.agent, custody: 'tpm' } }];
    },
  },
  {
    clause: '[JOURNAL-10]',
    name: 'no credential at all',
    expect: 'credential_invalid',
    alsoRead: true,
    make: async (stage) => [{ ...(await enrolment(stage)), credential: new Uint8Array(3) }],
  },
  {
    clause: '[JOURNAL-28]',
    name: "another agent's credential for a renewal",
    expect: 'credential_invalid',
    alsoRead: true,
    make: async (stage) => {
      const { credential } = await enrolment(stage);
      return [{ kind: 'agent-credential', agent: stage.main.id, credential }];
    },
  },
  {
    clause: '[JOURNAL-28]',
    name: 'a renewal with another place in the status list',
    expect: 'credential_invalid',
    alsoRead: true,
    make: async ({ world, main }) => {
      const found = world.operator.replica.state.agents.get(toHex(main.id)) ?? assert.fail();
      const said = readCredential(found.credential);
      const status = { ...said.status, index: said.status.index + 1 };
      const credential = await issueCredential(world.primitives, world.operator.holder, { ...said, status });
      return [{ kind: 'agent-credential', agent: main.id, credential }];
    },
  },
  {
    clause: '[JOURNAL-28]',
    name: 'a renewal for a revoked agent',
    expect: 'agent_revoked',
    alsoRead: true,
    make: ({ world, gone }) => {
      const { credential } = world.operator.replica.state.agents.get(toHex(gone.id)) ?? assert.fail();
      return [{ kind: 'agent-credential', agent: gone.id, credential }];
    },
  },
  {
    clause: '[JOURNAL-29]',
    name: 'an agent resumed that is not suspended',
    expect: 'agent_active',
    alsoRead: true,
    make: (stage) => [{ kind: 'agent-resume', agent: stage.main.id }],
  },
  {
    clause: '[JOURNAL-29]',
    name: 'a revoked agent suspended',
    expect: 'agent_revoked',
    alsoRead: true,
    make: (stage) => [{ kind: 'agent-suspend', agent: stage.gone.id, reason: '' }],
  },
  {
    clause: '[JOURNAL-11]',
    name: 'a stranger revoked',
    expect: 'agent_unknown',
    alsoRead: true,
    make: (stage) => [{ kind: 'agent-revoke', agent: fresh(stage), reason: '' }],
  },
  {
    clause: '[JOURNAL-12]',
    name: 'a revoked agent revoked again',
    expect: 'agent_revoked',
    alsoRead: true,
    make: (stage) => [
      { kind: 'agent-revoke', agent: stage.gone.id, reason: 'other', last: { position: 9, hash: new Uint8Array(32) } },
    ],
  },
  {
    clause: '[JOURNAL-12]',
    name: 'a grant to a revoked agent',
    expect: 'agent_revoked',
    alsoRead: false,
    make: (stage) => [
      { kind: 'grant', granted: { ...stage.grant, agent: stage.gone.id } },
      { audience: agentAudience(stage.gone.id) },
    ],
  },
  {
    clause: '[JOURNAL-12]',
    name: 'egress for a revoked agent',
    expect: 'agent_revoked',
    alsoRead: false,
    make: (stage) => [
      { kind: 'egress-allow', rule: { ...stage.rule, agent: stage.gone.id } },
      { audience: agentAudience(stage.gone.id) },
    ],
  },
  {
    clause: '[JOURNAL-13]',
    name: 'the name of an item again',
    expect: 'name_taken',
    alsoRead: false,
    make: (stage) => [item(stage, 'demo'), { audience: 'operators' }],
  },
  {
    clause: '[JOURNAL-13]',
    name: 'the id of an item again',
    expect: 'id_taken',
    alsoRead: false,
    make: (stage) => {
      const body = item(stage, 'other');
      return [{ ...body, item: { ...body.item, id: stage.item } }, { audience: 'operators' }];
    },
  },
  {
    clause: '[JOURNAL-14]',
    name: 'no item removed',
    expect: 'item_unknown',
    alsoRead: false,
    make: (stage) => [{ kind: 'item-remove', item: fresh(stage) }, { audience: 'operators' }],
  },
  {
    clause: '[JOURNAL-15]',
    name: 'the id of a grant again',
    expect: 'id_taken',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant', granted: { ...stage.grant, name: 'b', env: 'B' } }, own(stage)],
  },
  {
    clause: '[JOURNAL-15]',
    name: 'the name of a grant again',
    expect: 'name_taken',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant', granted: { ...stage.grant, grant: fresh(stage), env: 'B' } }, own(stage)],
  },
  {
    clause: '[JOURNAL-15]',
    name: 'the variable of a grant again',
    expect: 'name_taken',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant', granted: { ...stage.grant, grant: fresh(stage), name: 'b' } }, own(stage)],
  },
  {
    clause: '[JOURNAL-15]',
    name: 'the id of an egress rule again',
    expect: 'id_taken',
    alsoRead: true,
    make: (stage) => [{ kind: 'egress-allow', rule: { ...stage.rule, host: 'b.example' } }, own(stage)],
  },
  {
    clause: '[JOURNAL-15]',
    name: 'a host and port again',
    expect: 'name_taken',
    alsoRead: true,
    make: (stage) => [{ kind: 'egress-allow', rule: { ...stage.rule, id: fresh(stage), allowPrivate: true } }, own(stage)],
  },
  {
    clause: '[JOURNAL-16]',
    name: 'no grant ended',
    expect: 'grant_unknown',
    alsoRead: true,
    make: (stage) => [{ kind: 'grant-end', grant: fresh(stage) }, own(stage)],
  },
  {
    clause: '[JOURNAL-16]',
    name: "another agent's grant ended",
    expect: 'grant_unknown',
    alsoRead: false,
    make: (stage) => [{ kind: 'grant-end', grant: stage.grant.grant }, { audience: agentAudience(stage.gone.id) }],
  },
  {
    clause: '[JOURNAL-16]',
    name: 'no egress ended',
    expect: 'egress_unknown',
    alsoRead: true,
    make: (stage) => [{ kind: 'egress-end', rule: fresh(stage) }, own(stage)],
  },
];

const breachesOfRuleSets: readonly Breach[] = [
  ...(
    [
      ['an older rule set', 'one', 1],
      ['the same version with another text', 'other', 2],
      ['a version left out', 'three', 4],
    ] as const
  ).map(([name, text, version]) => ({
    clause: '[JOURNAL-23]',
    name,
    expect: 'rules_version' as const,
    alsoRead: true,
    make: ({ world }: Stage) => [{ kind: 'rules-set', version, text, hash: hashRules(world.primitives, text) }] as const,
  })),
  {
    clause: '[JOURNAL-24]',
    name: 'the hash of another text',
    expect: 'rules_altered',
    alsoRead: true,
    make: ({ world }) => [{ kind: 'rules-set', version: 3, text: 'three', hash: hashRules(world.primitives, 'four') }],
  },
  {
    clause: '[AUDIENCE-1]',
    name: 'a rule set for one agent alone',
    expect: 'audience_wrong',
    alsoRead: true,
    make: (stage) => [
      { kind: 'rules-set', version: 3, text: 'three', hash: hashRules(stage.world.primitives, 'three') },
      own(stage),
    ],
  },
  {
    clause: '[JOURNAL-25]',
    name: 'the id of a bedrock text again',
    expect: 'id_taken',
    alsoRead: true,
    make: ({ world }) => {
      const [text = assert.fail()] = world.operator.replica.state.bedrock.texts.values();
      return [{ kind: 'bedrock-add', id: text.id, text: 'Another.' }];
    },
  },
  {
    clause: '[JOURNAL-25]',
    name: 'more bedrock than a context takes',
    expect: 'limit_exceeded',
    alsoRead: true,
    make: (stage) => [{ kind: 'bedrock-add', id: fresh(stage), text: 'x'.repeat(8000) }],
  },
  {
    clause: '[JOURNAL-26]',
    name: 'no bedrock removed',
    expect: 'bedrock_unknown',
    alsoRead: true,
    make: (stage) => [{ kind: 'bedrock-remove', id: fresh(stage) }],
  },
];

/** All that authority rests on. */
function authority({ control: _control, rejected: _rejected, ...rest }: FleetState): unknown {
  return rest;
}

describe('journal: rules', () => {
  let stage: Stage;
  before(async () => {
    stage = await setUp();
  });

  for (const { clause, name, expect, alsoRead, make } of [...breaches, ...breachesOfRuleSets]) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const { world, main } = stage;
      const readers: readonly Reader[] = [world.operator, main];
      const earlier = readers.map(({ replica }) => authority(replica.state));
      const [body, change] = await make(stage);
      const entry = await world.operator.forge(body, change);
      world.relay.append(entry);
      for (const [index, reader] of readers.entries()) {
        const [result] = await reader.sync();
        const rejects = reader === world.operator || alsoRead;
        assert.equal(result?.kind, rejects ? 'rejected' : 'unread');
        if (result?.kind === 'rejected') assert.equal(result.code, expect);
        assert.deepEqual(authority(reader.replica.state), earlier[index]);
        const last = reader.replica.state.rejected.at(-1);
        if (rejects) assert.deepEqual(last, { position: entry.statement.position, hash: entry.hash, code: expect });
        assert.deepEqual(reader.replica.heads()[0]?.hash, entry.hash);
      }
    });
  }

  it('[JOURNAL-6]: the history goes on after all of them', async () => {
    const { world, main } = stage;
    const id = await world.operator.keep('after', secret);
    await world.operator.grant(id, main.id);
    const results = await main.sync();
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['unread', 'applied'],
    );
    assert.deepEqual(main.replica.state.grants.get(toHex(main.id))?.size, 2);
  });

  it('[JOURNAL-21]: a second entry with the same id has no effect', async () => {
    const { world } = stage;
    const [first] = await world.operator
      .act(async () => {
        const entry = await world.operator.forge({ kind: 'egress-end', rule: stage.rule.id }, own(stage));
        return { entries: [entry], lockboxes: [] };
      })
      .then(({ entries }) => entries);
    assert.ok(first);
    const again = await world.operator.forge(item(stage, 'twice'), { audience: 'operators', id: first.statement.id });
    world.relay.append(again);
    const [result] = await world.operator.sync();
    assert.equal(result?.kind === 'rejected' ? result.code : result?.kind, 'entry_duplicate');
  });
});
