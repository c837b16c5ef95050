// Controls of identity towards services: THREAT_MODEL.md, I.

import type { Area } from './mutation.ts';

const policy = 'apps/custody/test/policy-vectors.test.ts';
const presenting = 'packages/protocol/test/identity/presentation.test.ts';
const vectors = 'packages/protocol/test/identity/credential-vectors.test.ts';

const changes = 'apps/daemon/test/agent/changes.test.ts';
const members = 'apps/relay/test/members.test.ts';
const sessions = 'apps/daemon/test/session/agent-presentations.test.ts';
const verifier = 'packages/verify/test/verifier.test.ts';

const credential = 'packages/protocol/src/identity/credential.ts';
const presentation = 'packages/protocol/src/identity/presentation.ts';
const sdJwt = 'packages/protocol/src/identity/sd-jwt.ts';
const statusList = 'packages/protocol/src/identity/status-list.ts';
const token = 'packages/protocol/src/identity/token.ts';

export const identity: Area = {
  mutations: [
    {
      id: 'I-1.bound-key',
      off: 'a proof counts that another key signed',
      file: presentation,
      from: 'key: boundKey(statement),',
      to: 'key: expected.root.key,',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-1.own-keys',
      off: 'a holder takes a credential for other keys',
      file: credential,
      from: 'if (!equalBytes(sign, held.sign) || !equalBytes(seal, held.seal)) ',
      to: 'if (held.sign.length === 0) ',
      red: { [vectors]: 'credential vectors' },
    },
    {
      id: 'I-2.audience',
      off: 'a presentation for somebody else is taken',
      file: presentation,
      from: 'if (!sameText(bound.aud, expected.audience))',
      to: 'if (bound.aud === "")',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-2.nonce',
      off: 'an answer to another challenge is taken',
      file: presentation,
      from: 'if (expected.challenge !== null && !sameText(bound.nonce, expected.challenge))',
      to: 'if (bound.nonce === "")',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-2.age',
      off: 'an old presentation is taken',
      file: presentation,
      from: 'const presentationAgeS = 60;',
      to: 'const presentationAgeS = 61;',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-2.waited',
      off: 'a presentation that waited for its status list is judged by when it came',
      file: presentation,
      from: '  assertOfNow(bound.iat, expected);\n  const {',
      to: '  const {',
      red: { [verifier]: 'takes none twice by waiting for its status list' },
    },
    {
      id: 'I-2.challenge',
      off: 'a challenge counts that nobody gave out',
      file: 'packages/verify/src/memory.ts',
      from: 'if (!equalBytes(bytes.slice(-tagBytes), this.#tagOf(said))) return 0;',
      to: '',
      red: { [verifier]: 'takes no answer to a challenge of another verifier' },
    },
    {
      id: 'I-2.answered',
      off: 'a challenge is answered twice',
      file: 'packages/verify/src/verifier.ts',
      from: 'if (!challenges.answer(nonce)) refuse();',
      to: '',
      red: { [verifier]: 'takes one answer to each of them' },
    },
    {
      id: 'I-2.once',
      off: 'a presentation is told by its signature, of which there is a second form',
      file: presentation,
      from: 'readToken(parts.keyBinding, maxPresentationBytes).input',
      to: 'readToken(parts.keyBinding, maxPresentationBytes).signature',
      red: { [presenting]: 'is taken once, also in the other form of its signature' },
    },
    {
      id: 'I-3.algorithm',
      off: 'a token says how it is to be verified, before anybody refuses that',
      file: token,
      from: "if (header['alg'] !== 'ES256') ",
      to: "if (header['alg'] === 'ES257') ",
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-3.key',
      off: 'a token may bring a key',
      file: token,
      from: 'if (keyMembers.some((member) => Object.hasOwn(header, member))) ',
      to: 'if (keyMembers.length === 0) ',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-3.critical',
      off: 'what a token calls critical is passed over',
      file: token,
      from: "if (Object.hasOwn(header, 'crit')) ",
      to: "if (Object.hasOwn(header, 'critical')) ",
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-3.root',
      off: 'an issuer is whoever signed',
      file: token,
      from: "await compactVerify(token, await importJWK({ ...key }, 'ES256'), { algorithms: ['ES256'] });",
      to: '',
      red: { [vectors]: 'credential vectors' },
    },
    {
      id: 'I-3.chain',
      off: "a stranger's word makes an issuer",
      file: token,
      from: "verifyToken('device+jwt', link, { key: issuer.key,",
      to: "verifyToken('device+jwt', link, { key: (readToken(link, maxTokenBytes).payload['cnf'] as unknown as { jwk: PublicJwk }).jwk,",
      red: { [vectors]: 'credential vectors' },
    },
    {
      id: 'I-4.hash',
      off: 'a presentation may be altered after it was made',
      file: presentation,
      from: 'if (!sameText(bound.sd_hash, sdHashOf(primitives, hashed)))',
      to: 'if (bound.sd_hash === sdHashOf(primitives, ""))',
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-4.disclosure',
      off: 'a disclosure of what nobody signed is passed over',
      file: sdJwt,
      from: 'if (!met.has(name)) refuse(',
      to: "if (name === '') refuse(",
      red: { [vectors]: 'presentation vectors' },
    },
    {
      id: 'I-4.hidden',
      off: 'anything may be hidden',
      file: credential,
      from: 'if (!Object.hasOwn(payload, claim) && !hideable.has(claim)) ',
      to: 'if (hideable.size === 0) ',
      red: { [vectors]: 'credential vectors' },
    },
    {
      id: 'I-5.whose',
      off: "custody binds its key to another agent's credential",
      file: 'apps/custody/src/policy.ts',
      from: 'assertOwn(key, fleet, agent); // [CUSTODY-30]',
      to: '',
      red: { [policy]: 'custody presents' },
    },
    {
      id: 'I-5.key',
      off: "custody binds its key to another key's credential",
      file: 'apps/custody/src/policy.ts',
      from: "if (!equalBytes(sign, key.publicKeys.sign)) refuse('the credential is for another key');",
      to: '',
      red: { [policy]: 'custody presents' },
    },
    {
      id: 'I-6.standing',
      off: 'nobody asks whether a credential is in force',
      file: presentation,
      from: 'await expected.assertInForce(statement);',
      to: '',
      red: { [presenting]: 'is refused when the standing of its credential is bad or not known' },
    },
    {
      id: 'I-6.age',
      off: 'a status list never expires',
      file: statusList,
      from: 'if (nowMs >= this.expiresAtMs)',
      to: 'if (this.expiresAtMs === 0)',
      red: { [vectors]: 'status list vectors' },
    },
    {
      id: 'I-6.unavailable',
      off: 'an agent is let in where its status list is served as something else',
      file: 'packages/verify/src/status-source.ts',
      from: 'if (answer.status !== 200) throw new Error(`status ${answer.status}`);',
      to: "if (answer.status !== 200) return '';",
      red: { [verifier]: 'lets nobody in without a list of the right kind, size and signature' },
    },
    {
      id: 'I-6.size',
      off: 'a verifier reads whatever it is sent',
      file: 'packages/verify/src/status-source.ts',
      from: 'if (bytes > maxBytes) throw',
      to: 'if (bytes > 1000 * maxBytes) throw',
      red: { [verifier]: 'reads no more of an endless list than it may' },
    },
    {
      id: 'I-7.older',
      off: 'an older status list counts after a newer one',
      file: 'packages/verify/src/status-source.ts',
      from: 'if (before !== undefined && list.isBefore(before.list))',
      to: 'if (before !== undefined && list === before.list)',
      red: { [verifier]: 'takes no list that is older than one that it has seen' },
    },
    {
      id: 'I-7.relay-order',
      off: 'the relay takes an older status list',
      file: 'apps/relay/src/sqlite-store.ts',
      from: "if (Number(known['at_ms']) > atMs || Number(known['control']) > controlPosition)",
      to: "if (Number(known['at_ms']) < 0)",
      red: { [members]: 'status lists are taken from devices alone' },
    },
    {
      id: 'I-7.relay-author',
      off: 'the relay takes a status list that nobody signed',
      file: 'apps/relay/src/requests.ts',
      from: 'await verifyStatusToken(core.primitives, token, { deviceKey: device?.sign ?? new Uint8Array(), nowMs: core.clock.wallMs() });',
      to: 'void verifyStatusToken;',
      red: { [members]: 'status lists are taken from devices alone' },
    },
    {
      id: 'I-8.suspended',
      off: 'a suspended agent presents',
      file: 'apps/daemon/src/agent/agent.ts',
      from: 'return this.live && this.own?.suspended === undefined;',
      to: 'return this.live;',
      red: { [changes]: 'a suspension ends what runs and mints nothing' },
    },
    {
      id: 'I-8.record',
      off: 'a proof leaves without a record',
      file: 'apps/daemon/src/agent/present.ts',
      from: "await record({ kind: 'presented', ...by, audience, nonce, shown, credential: primitives.sha256(utf8(credential)) });",
      to: 'void [record, utf8, by];',
      red: { [changes]: 'a proof of who the agent is: for one audience, of now, recorded before it leaves' },
    },
    {
      id: 'I-9.reach',
      off: 'a session presents to services that it may not reach',
      file: 'apps/daemon/src/session/agent-presentations.ts',
      from: 'if (authority.grantsFor(target).length === 0 && authority.egressFor(target) === undefined) {',
      to: 'if (target.port < 0) {',
      red: { [sessions]: 'for no service that the session may not reach' },
    },
    {
      id: 'I-10.strangers',
      off: 'challenges take room before they are answered',
      file: 'packages/verify/src/memory.ts',
      from: '    return toBase64url(concat(said, this.#tagOf(said)));',
      to: `    this.#answered.add(toBase64url(said), this.#nowMs() + challengeLifeMs, this.#nowMs());
    return toBase64url(concat(said, this.#tagOf(said)));`,
      red: { [verifier]: 'is not filled with challenges by strangers' },
    },
  ],
  exceptions: {},
};
