// What an agent can do right now, told from the state: what was granted, and what keeps it from using it.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { canDo, type Now } from '@holdfast/protocol/journal/can-do';
import { allowEgress, setRules } from '@holdfast/protocol/journal/compose';
import { revokeAgent, setBudget, suspendAgent } from '@holdfast/protocol/journal/compose-agents';
import { World, type AgentActor } from '@holdfast/testkit/world';

describe('what an agent can do', () => {
  let world: World;
  let main: AgentActor;
  let idle: AgentActor;
  before(async () => {
    world = await World.begin();
    [main, idle] = [await world.enroll('main'), await world.enroll('idle')];
  });

  const told = (agent: AgentActor, change: Partial<Now> = {}) => {
    const nowMs = world.tick();
    const found = canDo(world.operator.replica.state, agent.id, { nowMs, pulseAtMs: nowMs, ...change }) ?? assert.fail();
    return { ...found, sentences: found.abilities.map(({ sentence }) => sentence.text) };
  };

  it('is nothing but reading before anything was signed for it', () => {
    const { hindrance, because, sentences, held } = told(idle);
    assert.deepEqual([hindrance, because, sentences], [undefined, undefined, []]);
    assert.deepEqual(held, [
      'idle may use no credential.',
      'idle may reach no host without a credential.',
      'There are no rules yet: its tools may only read.',
    ]);
    assert.equal(canDo(world.operator.replica.state, new Uint8Array(16), { nowMs: 0, pulseAtMs: 0 }), undefined);
  });

  it('is what was granted, and what all of it is held to', async () => {
    await world.operator.grant(await world.operator.keep('demo', new Uint8Array(20).fill(0x61)), main.id);
    const egress = { agent: main.id, host: 'deb.debian.org', port: 443, allowPrivate: false };
    await world.operator.act((operator) => allowEgress(operator, egress));
    const limits = { uses: { windows: [{ max: 100, windowMs: 86_400_000 }] } };
    await world.operator.act((operator) => setBudget(operator, { agent: main.id, limits }));
    await world.operator.act((operator) => setRules(operator, 'rules: []\n'));
    const { hindrance, sentences, held } = told(main, { guarded: false });
    assert.equal(hindrance, undefined);
    assert.match(sentences[0] ?? '', /^main may call [^ ]+, .* It never sees the key\.$/);
    assert.deepEqual(sentences.slice(1), ['main may send anything to deb.debian.org, without a credential.']);
    assert.deepEqual(held, [
      'main may use all of its credentials together 100 times a day.',
      'Version 1 of the rules judges each act of its tools.',
      'It works in sealed sessions alone.',
    ]);
    assert.match(told(main, { guarded: true }).held.at(-1) ?? '', /started by hand, guarded: no credential can be used there/);
  });

  it('is nothing without a fresh pulse, whatever is signed', () => {
    const { pulseMaxAgeMs } = world.operator.replica.state;
    const nowMs = world.tick();
    assert.equal(told(main, { nowMs, pulseAtMs: nowMs - pulseMaxAgeMs }).hindrance, undefined);
    const stale = told(main, { nowMs, pulseAtMs: nowMs - pulseMaxAgeMs - 1 });
    assert.equal(stale.hindrance, 'stale');
    assert.match(stale.because ?? '', /^nothing: the last pulse is too old, from .* ago; it counts for /);
    assert.equal(stale.sentences.length, 2);
    assert.match(told(main, { pulseAtMs: undefined }).because ?? '', /no operator has left a pulse yet/);
  });

  it('is nothing while it is suspended, and once it is revoked', async () => {
    await world.operator.act((operator) =>
      suspendAgent(operator, { agent: main.id, reason: 'odd', accessVersion: world.accessVersion }),
    );
    assert.match(told(main).because ?? '', /^nothing: main is suspended since \d{4}-/);
    await world.operator.act((operator) =>
      revokeAgent(operator, { agent: main.id, reason: 'gone', accessVersion: world.accessVersion }),
    );
    const { hindrance, because } = told(main);
    assert.equal(hindrance, 'revoked');
    assert.match(because ?? '', /^nothing: main was revoked at \d{4}-/);
  });
});
