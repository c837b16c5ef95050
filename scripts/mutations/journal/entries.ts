// What readers of the journal believe: THREAT_MODEL.md, J.

import type { Mutation } from '../mutation.ts';

const compose = 'packages/protocol/test/journal/compose.test.ts';
const hostile = 'apps/daemon/test/link/hostile.test.ts';
const members = 'apps/relay/test/members.test.ts';
const operators = 'e2e/hostile-relay.test.ts';
const replica = 'packages/protocol/test/journal/replica.test.ts';
const rules = 'packages/protocol/test/journal/rules.test.ts';
const sealings = 'packages/protocol/test/seal/sealing-vectors.test.ts';

export const onEntries: readonly Mutation[] = [
  // Altered, moved, replayed, reordered, planted.
  {
    id: 'J-2.signature',
    off: 'entries need no signature',
    file: 'packages/protocol/src/blind/entry.ts',
    from: "await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: authorKey });",
    to: 'void [primitives, statement, signature, authorKey];',
    red: { [replica]: 'any flipped bit of any entry is refused, and nothing before it is lost' },
  },
  {
    id: 'J-2.fleet',
    off: "another fleet's entry is taken",
    file: 'packages/protocol/src/journal/verify.ts',
    from: "if (!equalBytes(statement.fleet, state.fleet)) refuse('entry_foreign', 'the entry is of another fleet');",
    to: '',
    red: { [replica]: 'only devices write control, in this fleet and this topic' },
  },
  {
    id: 'J-2.topic',
    off: "another topic's entry is taken",
    file: 'packages/protocol/src/journal/verify.ts',
    from: "if (!equalBytes(statement.topic, topic)) refuse('entry_foreign', 'the entry is of another topic');",
    to: '',
    red: { [replica]: 'only devices write control, in this fleet and this topic' },
  },
  {
    id: 'J-2.genesis',
    off: 'another genesis makes this fleet',
    file: 'packages/protocol/src/journal/verify.ts',
    from: `if (!equalBytes(hash, fleet)) refuse('entry_foreign', "the genesis entry is not this fleet's");`,
    to: '',
    red: { [replica]: 'no other genesis makes this fleet' },
  },
  {
    id: 'J-2.previous',
    off: 'an entry need not name the one before it',
    file: 'packages/protocol/src/blind/entry.ts',
    from: 'if (!equalBytes(statement.previous, tip?.hash ?? noHash))',
    to: 'if (statement.previous.length === 0)',
    red: { [replica]: 'gaps, repeats, older and forked entries' },
  },
  {
    id: 'J-2.gap',
    off: 'entries may be left out',
    file: 'packages/protocol/src/blind/entry.ts',
    from: "if (statement.position > next) throw new HoldfastError('entry_gap', `position ${next} is missing`);",
    to: '',
    red: { [replica]: 'gaps, repeats, older and forked entries' },
  },
  {
    id: 'J-2.body',
    off: 'a body is not bound to its entry',
    file: 'packages/protocol/src/seal/body.ts',
    from: `concat(utf8('holdfast/v1 body\\0'), clear)`,
    to: `utf8('holdfast/v1 body\\0')`,
    red: { [sealings]: 'a body' },
  },
  {
    id: 'J-2.commitment',
    off: 'a body opens under a key that its entry does not name',
    file: 'packages/protocol/src/seal/body.ts',
    from: 'if (!equalBytes(commitToKey(primitives, epochKey), statement.keyCommitment)) {',
    to: 'if (statement.keyCommitment.length === 0) {',
    red: { [sealings]: 'a body' },
  },
  {
    id: 'J-2.purpose',
    off: 'a sealing is not bound to its purpose',
    file: 'packages/protocol/src/seal/hpke.ts',
    from: 'return concat(prefix, encode(sealPurpose, purpose));',
    to: `encode(sealPurpose, purpose);
  return prefix;`,
    red: { [sealings]: 'a sealing' },
  },
  {
    id: 'J-2.epochs',
    off: 'an entry of an old or unknown epoch takes effect',
    file: 'packages/protocol/src/journal/rules.ts',
    from: "return isOf(current, epoch, keyCommitment) ? undefined : 'epoch_wrong';",
    to: 'return isOf(current, epoch, keyCommitment) ? undefined : undefined;',
    red: { [compose]: 'the reduction itself refuses another key for an epoch' },
  },
  {
    id: 'J-2.twice',
    off: 'an entry that repeats an id takes effect again',
    file: 'packages/protocol/src/journal/replica.ts',
    from: "if (this.#ids.has(toHex(statement.id))) return { kind: 'faulty', code: 'entry_duplicate' };",
    to: '',
    red: { [rules]: 'a second entry with the same id has no effect' },
  },

  // Older histories.
  {
    id: 'J-3.behind',
    off: 'a relay may be behind what was seen',
    file: 'packages/protocol/src/blind/freshness.ts',
    from: 'if (told === undefined || told.position < seen.position)',
    to: 'if (told === undefined)',
    red: { [hostile]: "yesterday's store, also after a restart" },
    says: 'it did not come to: entry_stale',
  },
  {
    id: 'J-3.fork',
    off: 'another entry at a place that is taken is passed over',
    file: 'packages/protocol/src/journal/verify.ts',
    from: 'if (tip !== undefined && entry.statement.position <= tip.position)',
    to: 'if (tip !== undefined && entry.statement.position < 0)',
    red: { [replica]: 'gaps, repeats, older and forked entries' },
  },
  {
    id: 'J-3.pinned',
    off: 'a history without the head that was named is taken',
    file: 'packages/protocol/src/journal/replica.ts',
    from: 'if (pinned !== undefined && pinned.position === statement.position && !equalBytes(pinned.hash, hash)) {',
    to: 'if (pinned !== undefined && pinned.position < 0) {',
    red: { [replica]: 'a history without the pinned head is refused' },
  },

  // Lockboxes.
  {
    id: 'J-9.stays',
    off: 'a lockbox may be put in the place of another',
    file: 'apps/relay/src/sqlite-store.ts',
    from: ": { kind: 'refused', code: 'id_taken', message: 'another lockbox stands there' };",
    to: ": { kind: 'done', repeated: true };",
    red: { [members]: 'a lockbox stays' },
  },
  {
    id: 'J-9.devices',
    off: 'agents may put lockboxes',
    file: 'apps/relay/src/requests.ts',
    from: "assertAllowed(member.role !== 'agent'); // [RELAY-16] [RELAY-28]",
    to: '// [RELAY-16]',
    red: { [members]: 'roles: devices write control, agents their own topic; agents read control and their own' },
  },
  {
    id: 'J-9.own',
    off: "agents may read each other's lockboxes",
    file: 'apps/relay/src/requests.ts',
    from: "assertAllowed(member.role === 'device' || equalBytes(request.member, member.id));",
    to: '',
    red: { [members]: 'roles: devices write control, agents their own topic; agents read control and their own' },
  },
  {
    id: 'J-9.key',
    off: 'a lockbox may hold any key',
    file: 'packages/protocol/src/seal/lockbox.ts',
    from: 'if (key.length === epochKeyBytes && equalBytes(commitToKey(primitives, key), keyCommitment)) return key;',
    to: 'if (key.length === epochKeyBytes) return key;',
    red: { [replica]: 'a planted lockbox with another key does not open for its reader' },
  },

  // The operator's own commands.
  {
    id: 'J-10.seen',
    off: 'the heads that an operator saw are not remembered',
    file: 'apps/cli/src/operator/key-file.ts',
    from: 'return decode(seenHeads, content, 1024);',
    to: `decode(seenHeads, content, 1024);
    return undefined;`,
    red: { [operators]: 'is refused an old history, a changed one and a relay with another key' },
  },
  {
    id: 'J-10.relay-key',
    off: 'the relay may have another key',
    file: 'packages/protocol/src/exchange/relay-exchange.ts',
    from: 'if (relayKey !== undefined && !equalBytes(relayKey, frame.relay)) {',
    to: 'if (relayKey !== undefined && frame.relay.length === 0) {',
    red: { [operators]: 'is refused an old history, a changed one and a relay with another key' },
  },
  {
    id: 'J-10.access',
    off: 'an older access list is built on',
    file: 'packages/protocol/src/blind/access-list.ts',
    from: 'if (list.statement.version < known.seen)',
    to: 'if (list.statement.version < 0)',
    red: { [operators]: 'does not build on an access list that it did not sign, or on an old one' },
  },

  // Peers.
  {
    id: 'J-13.reads',
    off: "agents read each other's topics at the relay",
    file: 'apps/relay/src/fleets.ts',
    from: "return role !== 'agent' || equalBytes(topic, controlTopic) || equalBytes(topic, id);",
    to: "return role === 'device' || topic.length === id.length;",
    red: { [members]: 'roles: devices write control, agents their own topic; agents read control and their own' },
  },
  {
    id: 'J-13.reads-along',
    off: "agents read along in each other's logs",
    file: 'apps/relay/src/requests.ts',
    from: `assertAllowed(member.role === 'device'); // [RELAY-31]`,
    to: `assertAllowed(member.role !== 'recovery'); // [RELAY-31]`,
    red: { 'apps/relay/test/shipments.test.ts': 'only devices read along' },
  },
  {
    id: 'J-13.writes',
    off: "agents write each other's topics at the relay",
    file: 'apps/relay/src/fleets.ts',
    from: "role === 'agent' && equalBytes(topic, id);",
    to: "role === 'agent' && topic.length === id.length;",
    red: { [members]: 'roles: devices write control, agents their own topic; agents read control and their own' },
  },
  {
    id: 'J-13.author',
    off: "an entry of another author in an agent's topic is taken",
    file: 'packages/protocol/src/journal/verify.ts',
    from: `if (!equalBytes(statement.author, topic)) refuse('author_unknown', "an agent's topic has one author");`,
    to: '',
    red: { [replica]: 'an agent writes in its own topic alone, with its own key, while it is enrolled' },
  },
  {
    id: 'J-13.kinds',
    off: "an agent's entry may be of an operator's kind",
    file: 'packages/protocol/src/journal/rules.ts',
    from: `  kindIsInItsTopic,
  kindIsForItsAudience,`,
    to: '  kindIsForItsAudience,',
    red: { [replica]: 'rules of agents’ topics' },
  },
  {
    id: 'J-13.audience',
    off: 'an agent may write for another audience than its own',
    file: 'packages/protocol/src/journal/rules.ts',
    from: `  audienceIsTheAuthors,
`,
    to: '',
    red: { [replica]: 'rules of agents’ topics' },
  },
  {
    id: 'J-13.after-the-end',
    off: "entries after an agent's revocation count",
    file: 'packages/protocol/src/journal/verify.ts',
    from: `  assertCounts(agent, entry);
`,
    to: '',
    red: { [replica]: 'after a revocation the last accepted entry is the last, whichever comes first' },
  },
];
