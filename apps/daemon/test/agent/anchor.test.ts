// The audit log held against the agent's own topic: what was published once cannot be cut, put back or begun anew unseen.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { verifyCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { drafted } from '@holdfast/protocol/journal/draft';
import { currentEpoch, latestCheckpoint } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import { Machine } from './machine.ts';

const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const mint = (agent: Agent) =>
  agent.handles.mint(
    { session: primitives.random(16), agent: agent.id, grant: primitives.random(16), item: primitives.random(16), name: 'demo' },
    facts,
  );
const able = (agent: Agent): string => {
  try {
    agent.assertAble();
    return 'able';
  } catch (thrown) {
    return codeOf(thrown);
  }
};
/** As `audit verify` does it. */
async function verdict(agent: Agent): Promise<string> {
  const whose = { fleet: agent.enrolment.fleet, agent: agent.id, agentKey: agent.holder.publicKeys.sign };
  try {
    const anchor = agent.anchor && (await verifyCheckpoint(primitives, agent.anchor, whose)).statement;
    const events = await agent.audit.read({ from: 0, limit: 1000 });
    await verifyAudit(primitives, whose, {
      events,
      checkpoints: await agent.audit.checkpoints(),
      anchors: anchor === undefined ? [] : [anchor],
    });
    return 'holds';
  } catch (thrown) {
    return codeOf(thrown);
  }
}

async function lived(machine: Machine, times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await machine.start();
    await machine.stop();
  }
}

describe('a checkpoint in the journal', () => {
  it('[AUDIT-22] is there when the daemon ended, once for each state of the log, and operators read it', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine, 2);
    const { operator, fleet } = machine.world;
    await operator.sync();
    const newest = latestCheckpoint(operator.replica.state, machine.actor.id);
    assert.ok(newest !== undefined);
    const agent = await machine.start({ offline: true });
    const { statement } = await verifyCheckpoint(primitives, newest, {
      fleet,
      agent: agent.id,
      agentKey: agent.holder.publicKeys.sign,
    });
    assert.ok(statement.size >= 3 && statement.size <= agent.audit.size, `${statement.size} of ${agent.audit.size}`);
    assert.deepEqual(agent.anchor, newest);
    assert.deepEqual([able(agent), await verdict(agent)], ['able', 'holds']);
  });

  it('[AUDIT-23] [AUDIT-24] an audit folder that is gone: nothing is minted, also without a relay; what is left can be read and does not verify', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    const topic = () => machine.relay.store.topics.get(toHex(machine.actor.id));
    const published = topic();
    rmSync(machine.auditFolder, { recursive: true });
    for (const offline of [true, false]) {
      const agent = await machine.start({ offline });
      assert.equal(able(agent), 'audit_truncated');
      assert.equal(agent.view().freshness.refusal, 'audit_truncated');
      await assert.rejects(mint(agent), (thrown) => codeOf(thrown) === 'audit_truncated');
      await assert.rejects(agent.audit.append({ kind: 'daemon-stop' }), (thrown) => codeOf(thrown) === 'audit_unavailable');
      assert.deepEqual([agent.audit.size, await verdict(agent)], [0, 'audit_truncated']);
      await machine.stop();
    }
    assert.deepEqual(topic(), published, 'nothing of the new log was published');
  });

  it('[AUDIT-23] an older log under a newer store is refused at once', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    machine.copyDisk('old');
    await lived(machine);
    machine.putBack('old', 'audit');
    const agent = await machine.start({ offline: true });
    assert.deepEqual([able(agent), await verdict(agent)], ['audit_truncated', 'audit_truncated']);
  });

  it('[AUDIT-23] a machine put back to an older image mints nothing before it has met its own newer entries, nor after', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    machine.copyDisk('old');
    await lived(machine, 3);
    machine.putBack('old');
    const offline = await machine.start({ offline: true });
    assert.equal(able(offline), 'able', 'it cannot know yet');
    await assert.rejects(mint(offline), (thrown) => codeOf(thrown) === 'stale_relay');
    await machine.stop();
    const agent = await machine.start();
    assert.match(able(agent), /^audit_(truncated|altered)$/);
    await assert.rejects(mint(agent), (thrown) => codeOf(thrown).startsWith('audit_'));
    assert.match(await verdict(agent), /^audit_(truncated|altered)$/);
    await machine.stop();
    assert.match(able(await machine.start({ offline: true })), /^audit_/, 'it remembers');
  });

  it('[AUDIT-23] a log that was put back and has grown past the checkpoint since is another log, and is not signed any further', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    machine.copyDisk('old');
    await lived(machine);
    machine.putBack('old');
    for (let life = 0; life < 4; life += 1) {
      await machine.start({ offline: true });
      await machine.stop();
    }
    for (const offline of [false, true]) {
      const agent = await machine.start({ offline });
      assert.deepEqual([able(agent), await verdict(agent)], ['audit_altered', 'audit_altered']);
      const signed = (await agent.audit.checkpoints()).length;
      await agent.audit.checkpoint();
      assert.equal((await agent.audit.checkpoints()).length, signed);
      await machine.stop();
    }
  });

  it('[AUDIT-23] until our own topic was read the relay has confirmed nothing', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const starting = machine.start({
      script: {
        answer: async (frame, _, asked) => {
          if (asked?.kind === 'read' && toHex(asked.topic) === toHex(machine.actor.id)) await held;
          return [frame];
        },
      },
    });
    await machine.until(() => machine.hostile.asked.filter(({ kind }) => kind === 'read').length > 2, 'asked for its own topic');
    assert.equal(machine.agent.view().freshness.refusal, 'stale_relay');
    release();
    assert.equal((await starting).view().relayState, 'connected');
  });

  it('[AUDIT-22] a relay that lost our topic gets it again', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine, 3);
    const id = toHex(machine.actor.id);
    const before = machine.relay.store.topics.get(id) ?? [];
    assert.ok(before.length >= 3);
    machine.relay.store.topics.set(id, before.slice(0, 1));
    await lived(machine);
    const after = machine.relay.store.topics.get(id) ?? [];
    assert.deepEqual(after.slice(0, before.length), before);
    assert.ok(after.length > before.length);
  });

  it("[AUDIT-18] the log's key survives a re-key of its audience", async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    const audience = agentAudience(machine.actor.id);
    const { operator } = machine.world;
    await operator.act((author) => drafted(author, (draft) => draft.startEpoch(audience)));
    assert.equal(currentEpoch(operator.replica.state, audience)?.epoch, 1);
    await lived(machine, 2);
    const agent = await machine.start();
    assert.deepEqual([able(agent), await verdict(agent)], ['able', 'holds']);
  });

  it('[JOURNAL-4] evidence is held against its checkpoint after a revocation, too', async (t) => {
    const machine = await Machine.enrolled(t);
    await lived(machine);
    await machine.world.operator.revoke(machine.actor.id);
    await machine.start();
    await machine.stop();
    rmSync(machine.auditFolder, { recursive: true });
    const agent = await machine.start({ offline: true });
    assert.equal(agent.live, false);
    assert.equal(await verdict(agent), 'audit_truncated');
  });
});
