// Controls of journal, relay and what comes from other machines: THREAT_MODEL.md, J.

import type { Area } from './mutation.ts';

const changes = 'apps/daemon/test/agent/changes.test.ts';
const checks = 'scripts/test/checks.test.ts';
const compose = 'packages/protocol/test/journal/compose.test.ts';
const door = 'apps/daemon/test/session/agent-door.test.ts';
const freshness = 'apps/daemon/test/freshness/freshness.test.ts';
const hostile = 'apps/daemon/test/link/hostile.test.ts';
const limits = 'apps/relay/test/limits.test.ts';
const members = 'apps/relay/test/members.test.ts';
const operators = 'e2e/hostile-relay.test.ts';
const output = 'apps/cli/test/output.test.ts';
const devices = 'packages/protocol/test/journal/devices.test.ts';
const pairing = 'packages/protocol/test/identity/pairing.test.ts';
const rotation = 'packages/protocol/test/journal/rotation.test.ts';
const devicePairing = 'packages/protocol/test/identity/device-pairing.test.ts';
const replica = 'packages/protocol/test/journal/replica.test.ts';
const rules = 'packages/protocol/test/journal/rules.test.ts';
const sealings = 'packages/protocol/test/seal/sealing-vectors.test.ts';
const uninstall = 'apps/cli/test/uninstall.test.ts';
const witness = 'apps/relay/test/witness.test.ts';
const wire = 'packages/protocol/test/blind/wire-vectors.test.ts';

export const journal: Area = {
  mutations: [
    {
      id: 'J-1.imports',
      off: 'the relay may import what opens sealings',
      file: '.dependency-cruiser.cjs',
      from: `['errors.ts', 'codec', 'primitives', 'keys', 'blind'],
      'the relay has no code`,
      to: `['errors.ts', 'codec', 'primitives', 'keys', 'blind', 'seal'],
      'the relay has no code`,
      red: { [checks]: 'relay-blind' },
    },

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

    // Two histories.
    {
      id: 'J-4.heads',
      off: 'heads that differ are not noticed',
      file: 'packages/protocol/src/journal/replica.ts',
      from: "if (!equalBytes(ours, head.hash)) throw new HoldfastError('entry_fork', 'control heads differ: two histories');",
      to: '',
      red: { [replica]: 'the control head that an agent names is known, awaited, or another history' },
    },
    {
      id: 'J-4.told',
      off: 'a head that differs from the one that was seen is not noticed',
      file: 'packages/protocol/src/blind/freshness.ts',
      from: 'if (!equalBytes(told.hash, seen.hash))',
      to: 'if (told.hash.length === 0)',
      red: { [wire]: '' },
    },
    {
      id: 'J-4.pulse',
      off: 'a pulse of another history is passed over',
      file: 'apps/daemon/src/agent/journal.ts',
      from: `if (thrown instanceof Error) this.fork ??= thrown; // [PULSE-8]
      this.options.freshness.relayDoubted();
      throw thrown;`,
      to: `void thrown; // [PULSE-8]
      return 'ahead';`,
      red: { [hostile]: 'each holds until they compare heads, then entry_fork for good' },
    },

    // A withheld revocation.
    {
      id: 'J-5.sixty-seconds',
      off: "the relay's word holds for an hour",
      file: 'apps/daemon/src/freshness.ts',
      from: 'const maxRelayAgeMs = 60_000;',
      to: 'const maxRelayAgeMs = 3_600_000;',
      red: {
        [freshness]: "the relay's word holds for sixty seconds",
        [hostile]: 'the bound is 60 s from the question, to the second',
      },
    },
    {
      id: 'J-5.pulse',
      off: 'a pulse is never too old',
      file: 'apps/daemon/src/freshness.ts',
      from: 'pulseAgeMs === undefined || pulseAgeMs > pulseMaxAgeMs',
      to: 'pulseAgeMs === undefined',
      red: { [hostile]: 'minting stops when the pulse is as old as the fleet allows' },
    },
    {
      id: 'J-5.nonce',
      off: 'a freshness statement may answer another question',
      file: 'packages/protocol/src/blind/freshness.ts',
      from: 'if (!equalBytes(statement.nonce, asked.nonce))',
      to: 'if (statement.nonce.length === 0)',
      red: { [hostile]: 'freshness_forged, for its nonce was of another question' },
    },
    {
      id: 'J-5.signature',
      off: 'a freshness statement may be signed by anybody',
      file: 'packages/protocol/src/blind/freshness.ts',
      from: `    await verifySignature(primitives, {
      domain: 'freshness',`,
      to: `    if (wire.length === 0) await verifySignature(primitives, {
      domain: 'freshness',`,
      red: { [hostile]: 'and nothing is minted after a minute' },
    },
    {
      id: 'J-5.pulse-signature',
      off: 'a pulse may be signed by anybody',
      file: 'packages/protocol/src/blind/pulse.ts',
      from: `    await verifySignature(primitives, {
      domain: 'pulse',`,
      to: `    if (pulse.wire.length === 0) await verifySignature(primitives, {
      domain: 'pulse',`,
      red: { [hostile]: 'and the good one is as old as it is' },
    },
    {
      id: 'J-6.heads-of-pulses',
      off: 'a pulse counts before the entries that it names were read',
      file: 'apps/daemon/src/agent/journal.ts',
      from: "if (early === undefined || this.comparedWithOperator(early) === 'ahead') return;",
      to: 'if (early === undefined) return;',
      red: { [hostile]: 'one that names entries which were not shown does not count until they are' },
    },
    {
      id: 'J-7.before-storing',
      off: 'entries act only once they are stored',
      file: 'apps/daemon/src/agent/journal.ts',
      from: `    this.unkept.push(...taken);
    try {`,
      to: `    this.unkept.push(...taken);
    this.keep();
    try {`,
      red: { [changes]: 'a revocation acts although its entry cannot be stored' },
      says: 'it did not come to: told; "store_failed"',
    },

    // Pairing.
    {
      id: 'J-8.words',
      off: 'the words do not depend on the offer',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: "const drawn = derive(primitives, kind, code, 'words', 2 * pairingWords, offerHash);",
      to: `void offerHash;
  const drawn = derive(primitives, kind, code, 'words', 2 * pairingWords);`,
      red: { [pairing]: 'changed keys change the words, and wrong words are refused' },
    },
    {
      id: 'J-8.offer',
      off: 'an offer may be for keys that its sender does not have',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'await verifySignature(primitives, { domain: kind.offerDomain, ...message, publicKey: offer.keys.sign });',
      to: '',
      red: { [pairing]: 'keys that the sender does not have' },
    },
    {
      id: 'J-8.answer',
      off: 'an answer to another offer is taken',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'if (!equalBytes(answer.offer, this.#offer.hash) || !equalBytes(answer.admitted, this.#offer.id))',
      to: 'if (answer.offer.length === 0)',
      red: { [pairing]: 'an answer from elsewhere is refused' },
    },
    {
      id: 'J-8.device',
      off: 'an answer may be signed by anybody',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'await verifySignature(primitives, { domain: kind.answerDomain, ...message, publicKey: device.keys.sign });',
      to: '',
      red: { [pairing]: 'an answer from elsewhere is refused' },
    },
    {
      id: 'J-8.genesis',
      off: 'an answer may name a fleet that begins with another entry',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'assertGenesisPlace(genesis, fleet);',
      to: 'void fleet;',
      red: { [pairing]: 'an answer from elsewhere is refused' },
    },
    {
      id: 'J-19.older',
      off: 'any device removes any other',
      file: 'packages/protocol/src/journal/rules.ts',
      from: `author.position < found.position ?`,
      to: `author.position >= 0 ?`,
      red: { [devices]: '[JOURNAL-33] a younger device evicts nobody' },
    },
    {
      id: 'J-19.access',
      off: 'a device takes the recovery code off the access list',
      file: 'packages/protocol/src/blind/access-list.ts',
      from: `  assertRecoveryStays(previous.statement, list);\n`,
      to: '',
      red: { 'packages/protocol/test/blind/recovery-access.test.ts': '[ACCESS-10]' },
    },
    {
      id: 'J-20.kind',
      off: 'a recovery entry may be of a device',
      file: 'packages/protocol/src/journal/rules.ts',
      from: `equalBytes(statement.author, state.recovery.id) === (kind === 'recover') ?`,
      to: `equalBytes(statement.author, state.recovery.id) <= (kind === 'recover') ?`,
      red: { [devices]: '[JOURNAL-32]' },
    },
    {
      id: 'J-20.replaced',
      off: 'a used recovery code stays good',
      file: 'packages/protocol/src/journal/reduce.ts',
      from: `  return { ...left, devices, recovery, former:`,
      to: `  return { ...left, devices, recovery: recovery.keys.sign.length > 0 ? state.recovery : recovery, former:`,
      red: { [devices]: '[RECOVERY-4] a used code writes nothing' },
    },
    {
      id: 'J-20.rekey',
      off: 'nothing is re-keyed after a device was removed',
      file: 'packages/protocol/src/journal/compose-devices.ts',
      from: `return sinceAt < state.operatorsEndedAt || sinceAt < (`,
      to: `return sinceAt < (`,
      red: { [devices]: '[JOURNAL-33] [DEVICES-4]' },
    },
    {
      id: 'J-21.label',
      off: 'devices and agents pair under the same keys',
      file: 'packages/protocol/src/identity/pairing-kind.ts',
      from: `label: 'device-pairing',`,
      to: `label: 'pairing',`,
      red: { [devicePairing]: '[PAIRING-14] under one code they meet apart' },
    },
    {
      id: 'J-21.domain',
      off: 'a device signs what an agent signs',
      file: 'packages/protocol/src/identity/pairing-kind.ts',
      from: `offerDomain: 'device-offer',`,
      to: `offerDomain: 'pairing-offer',`,
      red: { [devicePairing]: '[PAIRING-14] who holds the code cannot turn the one into the other' },
    },
    {
      id: 'J-21.here',
      off: 'any word of a device that is there will do',
      file: 'packages/protocol/src/identity/device-call.ts',
      from: `if (equalBytes(decode(deviceHere, message, maxBytes).call, primitives.sha256(call))) return;`,
      to: `if (decode(deviceHere, message, maxBytes).call.length === primitives.sha256(call).length) return;`,
      red: { [devicePairing]: '[DEVICES-7]' },
    },
    {
      id: 'J-22.key',
      off: 'an agent signs with any key that it ever had',
      file: 'packages/protocol/src/journal/state.ts',
      from: `earlierKeys.find((each) => position < each.position)?.sign ?? keys.sign;`,
      to: `earlierKeys.find((each) => position < each.position + 1_000_000)?.sign ?? keys.sign;`,
      red: { [rotation]: '[ROTATE-3]' },
    },
    {
      id: 'J-22.status',
      off: 'the credential of the old keys stays in force',
      file: 'packages/protocol/src/journal/compose-agents.ts',
      from: `[statusIndex, 'revoked']`,
      to: `[statusIndex, 'in force']`,
      red: { [rotation]: '[ROTATE-4]' },
    },
    {
      id: 'J-22.epochs',
      off: 'what is said after a rotation is sealed as before',
      file: 'packages/protocol/src/journal/compose-rotation.ts',
      from: `    await draft.startEpoch(audience);`,
      to: '',
      red: { [rotation]: '[ROTATE-5]' },
    },
    {
      id: 'J-23.asked',
      off: 'an operator gives keys that a key of before asked for',
      file: 'packages/protocol/src/journal/state.ts',
      from: `const had = asked === undefined || hasHad(agent, asked.keys);`,
      to: `const had = asked === undefined && hasHad(agent, agent.keys);`,
      red: { [rotation]: '[ROTATE-1] an operator gives the keys' },
    },
    {
      id: 'J-23.reused',
      off: 'keys that ended come back',
      file: 'packages/protocol/src/journal/rules.ts',
      from: `if (hasHad(found, keys)) return 'key_reused';`,
      to: '',
      red: { [rotation]: '[ROTATE-2]' },
    },
    {
      id: 'J-23.sealing',
      off: 'the sealing key stays, and opens what the rotation was to close',
      file: 'packages/protocol/src/journal/state.ts',
      from: `equalBytes(keys.seal, seal) || `,
      to: `seal.length === 0 || `,
      red: { [rotation]: '[ROTATE-2]' },
    },
    {
      id: 'J-24.step',
      off: 'the old keys are not condemned with the step that ends them',
      file: 'apps/daemon/src/state/store.ts',
      from: `for (const each of [before, ...others]) this.run(`,
      to: `for (const each of others) this.run(`,
      red: { 'apps/daemon/test/state/rotation.test.ts': '[ROTATE-8]' },
    },
    {
      id: 'J-25.answer',
      off: 'an answer that no frame holds ends the relay',
      file: 'apps/relay/src/connection.ts',
      from: 'reply.later.then((body) => this.#answer(request, body)).catch((error: unknown) => this.#refuse(request, error));',
      to: 'void reply.later.then((body) => this.#answer(request, body));',
      red: { [witness]: 'an answer that no frame holds is a refusal of that one request' },
      says: 'more than 8192 characters',
    },
    {
      id: 'J-25.lines',
      off: 'the relay keeps whatever lines stand under a checkpoint',
      file: 'apps/relay/src/witness.ts',
      from: 'const own = signaturesBy(note, origin, ecdsaKeyId(primitives, member.sign)).slice(0, 1);',
      to: 'const own = [...note.signatures, ...signaturesBy(note, origin, ecdsaKeyId(primitives, member.sign))];',
      red: { [witness]: 'of a note with other lines under it the relay keeps the line that it verified' },
      says: 'more than 64 signatures',
    },
    {
      id: 'J-8.once',
      off: 'a code can be answered again and again',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'if (this.#answered) throw',
      to: 'if (this.#answered && sealed.length === 0) throw',
      red: { [pairing]: 'two answers at once are one' },
    },
    {
      id: 'J-8.late',
      off: 'an answer may come at any time',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'if (monotonicMs - this.#startedMs > pairingLifeMs)',
      to: 'if (monotonicMs - this.#startedMs > Infinity)',
      red: { [pairing]: 'an answer that comes too late is refused' },
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

    // Proofs of identity.
    {
      id: 'J-11.nonce',
      off: 'every connection has the same nonce',
      file: 'apps/relay/src/connection.ts',
      from: 'this.#nonce = core.primitives.random(32);',
      to: 'this.#nonce = new Uint8Array(32);',
      red: { [members]: 'a proof recorded on one connection is worth nothing on the next' },
    },
    {
      id: 'J-11.proof',
      off: 'a proof need not verify',
      file: 'packages/protocol/src/blind/relay-auth.ts',
      from: "await verifySignature(primitives, { domain: 'relay-auth', statement, signature, publicKey });",
      to: 'void [primitives, statement, signature, publicKey];',
      red: { [members]: 'a proof needs the key in the list, for this welcome', [wire]: '' },
    },
    {
      id: 'J-11.fleet',
      off: "whoever comes first takes a fleet's id",
      file: 'packages/protocol/src/blind/access-list.ts',
      from: 'if (!isGenesis || !equalBytes(genesis.hash, statement.fleet) || !equalBytes(author, list.author)) {',
      to: 'if (!isGenesis || !equalBytes(author, list.author)) {',
      red: { [members]: 'a fleet is made by who made its genesis, and by nobody else' },
    },
    {
      id: 'J-11.list',
      off: 'an access list need not be signed by a device of the one before',
      file: 'packages/protocol/src/blind/access-list.ts',
      from: "    await verifySignature(primitives, { domain: 'access-list', statement, signature, publicKey });",
      to: '    void [primitives, statement, signature, publicKey];',
      red: { [members]: 'forged, older and skipping access lists are refused' },
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
    {
      id: 'J-14.principal',
      off: 'an agent may ask as much as it likes',
      file: 'apps/relay/src/fleets.ts',
      from: "return bucket.take(units, nowMs) && (member.role !== 'agent' || this.#agentsBucket.take(units, nowMs));",
      to: "return member.role === 'device' || this.#agentsBucket.take(units, nowMs);",
      red: { [limits]: 'a flooding agent is refused, its fleet and the operator are not held up' },
    },
    {
      id: 'J-14.agents',
      off: 'all agents together may use up what devices need',
      file: 'apps/relay/src/fleets.ts',
      from: "(member.role !== 'agent' || this.#agentsBucket.take(units, nowMs));",
      to: "(member.role === 'device' || this.#agentsBucket !== undefined);",
      red: { [limits]: 'all agents of a fleet together cannot use up what its devices need' },
    },
    {
      id: 'J-14.signals',
      off: 'one sender may fill the signals',
      file: 'apps/relay/src/fleets.ts',
      from: 'bySender >= this.#limits.maxSignalsPerSender || ',
      to: 'bySender < 0 || ',
      red: { [limits]: 'signals are counted by sender: one cannot crowd out the others' },
    },
    {
      id: 'J-15.words',
      off: 'any words will do',
      file: 'packages/protocol/src/identity/pairing.ts',
      from: 'if (given.length === words.length && given.every((word, index) => word === words[index])) return;',
      to: 'if (given.length === words.length) return;',
      red: { [pairing]: 'changed keys change the words, and wrong words are refused' },
    },
    {
      id: 'J-16.visible',
      off: 'control characters reach the terminal',
      file: 'apps/cli/src/output.ts',
      from: `export function visible(text: string): string {
  return text.replaceAll(unseen, (character) =>`,
      to: `export function visible(text: string): string {
  return text.replaceAll(/[\\p{Cn}]/gu, (character) =>`,
      red: { [output]: 'nothing of another machine reaches a terminal as a command to it' },
    },
    {
      id: 'J-17.origin',
      off: 'a request with origin is answered',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: 'origin !== undefined ||',
      to: '',
      red: { [door]: 'a web page is not answered' },
    },
    {
      id: 'J-17.referer',
      off: 'a request with referer is answered',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: 'referer !== undefined ||',
      to: '',
      red: { [door]: 'a web page is not answered' },
    },
    {
      id: 'J-17.fetch-site',
      off: 'a request with fetch-site is answered',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: "headers['sec-fetch-site'] !== undefined ||",
      to: '',
      red: { [door]: 'a web page is not answered' },
    },
    {
      id: 'J-17.host',
      off: 'a name that was bound to loopback is answered',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: '!/^(127\\.0\\.0\\.1|localhost)(:\\d{1,5})?$/.test(host)',
      to: "host === ''",
      red: { [door]: 'a web page is not answered' },
    },
    {
      id: 'J-17.json',
      off: 'a body that a page can post is taken',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: `if (!/^application\\/json *(?:;|$)/i.test(request.headers['content-type'] ?? ''))`,
      to: "if (request.headers['content-type'] === 'none')",
      red: { [door]: 'a route takes its own method, a bounded body, and JSON that is announced as such' },
    },
    {
      id: 'J-18.links',
      off: 'links to folders are entered',
      file: 'apps/cli/src/commands/uninstall.ts',
      from: 'if (each.isDirectory()) removeFolder(inside, device);',
      to: "if (each.isDirectory() || each.name === 'out') removeFolder(each.isDirectory() ? inside : realpathSync(inside), device);",
      red: { [uninstall]: 'everything of ours goes; links are not followed, closed folders are no obstacle' },
    },
  ],
  exceptions: {},
};
