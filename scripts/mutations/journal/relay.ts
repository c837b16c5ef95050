// The relay, and who may be at it: THREAT_MODEL.md, J.

import type { Mutation } from '../mutation.ts';

const checks = 'scripts/test/checks.test.ts';
const limits = 'apps/relay/test/limits.test.ts';
const members = 'apps/relay/test/members.test.ts';
const witness = 'apps/relay/test/witness.test.ts';
const wire = 'packages/protocol/test/blind/wire-vectors.test.ts';

export const onRelay: readonly Mutation[] = [
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
    from: 'counted(bySender) >= maxSignalsPerSender || ',
    to: 'counted(bySender) < 0 || ',
    red: { [limits]: 'signals are counted by sender: one cannot crowd out the others' },
  },

  // Waking devices.
  {
    id: 'J-26.urgent',
    off: 'each signal wakes those who are away',
    file: 'apps/relay/src/requests.ts',
    from: `if (statement.urgent === true && member.role === 'agent')`,
    to: `if (member.role === 'agent')`,
    red: { 'apps/relay/test/web-push.test.ts': 'what is urgent wakes a device that is away' },
  },
  {
    id: 'J-26.services',
    off: 'an endpoint may be anywhere',
    file: 'apps/relay/src/web-push/endpoint.ts',
    from: `if (!isService || port !== '') throw refused();`,
    to: `if (!isService && port === '0') throw refused();`,
    red: { 'apps/relay/test/web-push.test.ts': '[WEBPUSH-2]' },
  },
  {
    id: 'J-26.special',
    off: 'a push service may be at a special address',
    file: 'apps/relay/src/web-push/endpoint.ts',
    from: `if (!isIPv6(address)) return !special.check(address, 'ipv4');`,
    to: `if (!isIPv6(address)) return special.check(address, 'ipv4') || address !== '';`,
    red: { 'apps/relay/test/web-push.test.ts': '[WEBPUSH-5] no address' },
  },
  {
    id: 'J-26.seldom',
    off: 'a flood wakes a device as often as it likes',
    file: 'apps/relay/src/web-push/waker.ts',
    from: `if (waiting !== undefined) {`,
    to: `if (waiting !== undefined && this.#underWay > maxUnderWay) {`,
    red: { 'apps/relay/test/web-push.test.ts': '[WEBPUSH-4]' },
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
];
