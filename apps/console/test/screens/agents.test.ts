// The fleet as a tree, and its words: what is known, what its machine says, and what nobody knows.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import type { Heard, Presence, PresentChild, PresentSession } from '@holdfast/protocol/approvals/presence';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { suspendAgent } from '@holdfast/protocol/journal/compose-agents';
import { World, type AgentActor } from '@holdfast/testkit/world';
import { HeardPresences } from '../../src/fleet/presence.ts';
import { agentTree, reach } from '../../src/screens/agents/tree.ts';
import {
  childWords,
  doingWords,
  endsWords,
  heardWords,
  namesIt,
  newestWords,
  sessionsWords,
} from '../../src/screens/agents/words.ts';
import { doingNow, freshnessWords, quietWords, warningsOf } from '../../src/screens/now/summary.ts';
import { hostileTexts } from './hostile-texts.ts';

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

const session = (change: Partial<PresentSession> = {}): PresentSession => ({
  ...{ session: bytes(16, 1), mode: 'sealed', program: 'claude', startedAtMs: 1, calls: 3 },
  ...change,
});
const child = (id: number, change: Partial<PresentChild> = {}): PresentChild => ({
  ...{
    child: bytes(16, id),
    session: bytes(16, 1),
    kind: 'sub-agent',
    name: `child ${id}`,
    capabilities: [],
    startedAtMs: 1,
    expiresAtMs: 60_000,
  },
  ...change,
});

describe('the fleet as a tree', () => {
  let world: World;
  let main: AgentActor;
  let other: AgentActor;
  before(async () => {
    world = await World.begin();
    [main, other] = [await world.enroll('main'), await world.enroll('other')];
    await world.enroll('gone').then(({ id }) => world.operator.revoke(id));
    await world.operator.act((operator) =>
      suspendAgent(operator, { agent: other.id, reason: 'odd', accessVersion: world.accessVersion }),
    );
  });

  const heard = (change: Partial<Presence> = {}): HeardPresences => {
    const { position, hash } = world.operator.replica.state.control;
    const presence: Presence = {
      ...{ kind: 'presence', v: 1, sequence: 1, atMs: 500_000, version: '0.1.0', control: { position, hash }, bedrock: 0 },
      ...{ freshness: { pulseMaxAgeMs: 1 }, recording: true, incidents: [], sessions: [], children: [], counts: [] },
      ...{ unlisted: { sessions: 0, children: 0, counts: 0 } },
      ...change,
    };
    const one: Heard = { agent: main.id, presence, heardAtMs: 1000, expiresAtMs: 121_000 };
    return new HeardPresences([one]);
  };
  const tree = (presences: HeardPresences, nowMs = 2000) => agentTree(world.operator.replica.state, presences, nowMs);

  it('has those that may act first, then suspended, then revoked ones; of nobody who is silent is anything guessed', () => {
    const nodes = tree(new HeardPresences([]));
    assert.deepEqual(
      nodes.map(({ agent, standing }) => [agent.scope, standing]),
      [
        ['main', 'live'],
        ['other', 'suspended'],
        ['gone', 'revoked'],
      ],
    );
    const [first] = nodes;
    assert.ok(first !== undefined);
    assert.deepEqual([first.heard, first.hasNewest, first.evidence], [undefined, undefined, 'claimed']);
    assert.equal(sessionsWords(first), 'what runs there is not known');
    assert.match(newestWords(first), /not known/);
    assert.deepEqual(reach(nodes), { have: 0, of: 1 });
  });

  it('shows sessions, children below whom started them, and who has the newest change; and forgets it all in two minutes', () => {
    const told = heard({
      sessions: [
        session(),
        session({ session: bytes(16, 2), mode: 'guarded' }),
        session({ session: bytes(16, 3), child: bytes(16, 12) }),
      ],
      children: [child(11), child(12, { parent: bytes(16, 11) }), child(13, { parent: bytes(16, 99) })],
    });
    const [first] = tree(told);
    assert.ok(first !== undefined);
    assert.equal(sessionsWords(first), '2 sealed and 1 guarded');
    assert.equal(first.hasNewest, true);
    assert.deepEqual(reach(tree(told)), { have: 1, of: 1 });
    assert.deepEqual(
      first.children.map((node) => [node.child.name, node.below.map((each) => each.child.name)]),
      [
        ['child 11', ['child 12']],
        ['child 13', []],
      ],
    );
    assert.equal(tree(told, 121_000)[0]?.heard, undefined);
    assert.match(heardWords(tree(told, 121_000)[0] ?? assert.fail(), 121_000), /last heard .* ago; its machine is away/);
    const behind = heard({ control: { position: 1, hash: bytes(32, 0) } });
    assert.equal(tree(behind)[0]?.hasNewest, false);
  });

  it('does not go round for a machine whose children are each below the other', () => {
    const told = heard({
      children: [
        child(11, { parent: bytes(16, 12) }),
        child(12, { parent: bytes(16, 11) }),
        child(13, { parent: bytes(16, 13) }),
      ],
    });
    assert.deepEqual(tree(told)[0]?.children, []);
  });

  it('says what it does, and holds no character that a screen would obey', () => {
    assert.equal(doingWords(session()), undefined);
    const now = { tool: 'shell', name: 'Bash', text: 'make', cut: 7, sinceMs: 1 };
    assert.equal(doingWords(session({ now, more: 2 })), 'Bash: make… (7 more characters), and 2 more');
    assert.equal(doingWords(session({ now, waiting: 1 })), 'waits for you');
    for (const text of hostileTexts) {
      assert.doesNotMatch(doingWords(session({ now: { ...now, name: text, text } })) ?? '', unseen);
      const told = heard({
        sessions: [session({ program: text, now: { ...now, text } })],
        children: [child(11, { name: text })],
      });
      const [first] = tree(told);
      assert.ok(first !== undefined);
      for (const each of endsWords(first, 1)) assert.doesNotMatch(each, unseen);
      for (const { what, who } of doingNow([first])) assert.doesNotMatch(who + what, unseen);
    }
    assert.match(
      childWords({ child: child(11, { usesLeft: 1, credentials: [] }), doing: undefined, below: [] }, 0),
      /uses no credential · 1 use left/,
    );
  });

  it('is revoked by the whole of its name alone', () => {
    const agent = { scope: 'main' };
    assert.deepEqual(
      ['main', ' main ', 'Main', 'mai', '', 'main2'].map((typed) => namesIt(typed, agent)),
      [true, true, false, false, false, false],
    );
  });

  it('on Now: one quiet sentence, or what has to be looked at', () => {
    const quiet = tree(heard({ sessions: [session()] }));
    assert.equal(
      quietWords(quiet, 2000 - 7_200_000, 2000),
      'Nothing needs you. 2 agents, all sealed, 1 not heard of just now. Last pulse 2 h ago.',
    );
    assert.equal(quietWords([], undefined, 0), 'Nothing needs you. No agent yet.');
    const warnings = warningsOf({
      nodes: tree(heard({ incidents: ['audit_forged'], recording: false })),
      refused: 3,
      newDevices: [{ name: 'phone\u202e' }],
      renamedDevices: [{ name: 'desk\u202e', renamed: { joinedAs: 'tablet', position: 4, atMs: 0 } }],
      newAgents: [{ id: main.id, scope: 'main', machine: 'box\u202e', by: 'tablet\u202e' }],
    });
    assert.deepEqual(
      warnings.map(({ kind }) => kind),
      ['stop', 'warn', 'warn', 'info', 'info', 'info'],
    );
    assert.equal(warnings[0]?.about, 'audit_forged, audit_unavailable');
    assert.match(warnings[1]?.title ?? '', /3 signals did not hold/);
    for (const { title, about } of warnings) assert.doesNotMatch(title + (about ?? ''), unseen);
    assert.equal(warnings[3]?.title, 'A new agent: main on box\\u{202e}');
    assert.match(warnings[3]?.about ?? '', /^tablet.* admitted it\. If you don't want it, suspend or revoke it\.$/);
    assert.equal(warnings[4]?.about, 'It was added as tablet.');
    assert.match(
      freshnessWords(0, 86_400_000, 3_600_000),
      /Last pulse 60 min ago\. Without another one agents use no credential in 23 h/,
    );
    assert.match(freshnessWords(0, 1000, 5000), /too old/);
    assert.equal(toHex(main.id), quiet[0]?.id);
  });

  it("of a machine's clock only differences are used", () => {
    const now = { tool: 'shell', name: 'Bash', text: 'make', sinceMs: 490_000 };
    const [line] = doingNow(tree(heard({ sessions: [session({ now })] })));
    assert.equal(line?.sinceMs, 1000 - 10_000);
  });
});
