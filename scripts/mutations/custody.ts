// Controls of keys and custody: THREAT_MODEL.md, K.

import type { Area } from './mutation.ts';

const atRest = 'e2e/at-rest.test.ts';
const checks = 'scripts/test/checks.test.ts';
const custodyTest = 'apps/daemon/test/custody/custody.test.ts';
const keys = 'packages/protocol/test/keys/keys-vectors.test.ts';
const operatorKey = 'apps/cli/test/operator-key.test.ts';
const policy = 'apps/custody/test/policy-vectors.test.ts';
const sealings = 'packages/protocol/test/seal/sealing-vectors.test.ts';
const serve = 'apps/custody/test/serve.test.ts';
const store = 'apps/custody/test/software-store.test.ts';

export const custody: Area = {
  mutations: [
    {
      id: 'K-1.socket',
      off: 'custody listens on a socket',
      file: 'apps/custody/src/main.ts',
      from: 'const server = new CustodyServer({',
      to: `process.getBuiltinModule('node:net').createServer().listen('\\0holdfast-custody');
const server = new CustodyServer({`,
      red: { [custodyTest]: 'has no socket but its stdio, which nobody else can connect to' },
    },
    {
      id: 'K-1.environment',
      off: "custody inherits the daemon's environment",
      file: 'apps/daemon/src/custody/custody.ts',
      from: "spawn(file, args, { env: {}, cwd: '/'",
      to: "spawn(file, args, { env: process.env, cwd: '/'",
      red: { [custodyTest]: 'has no environment but what its start sets' },
    },

    // Nothing private leaves.
    {
      id: 'K-2.shared-secret',
      off: 'the shared secret itself is answered',
      file: 'packages/protocol/src/seal/hpke.ts',
      from: 'return keySchedule(primitives, ourSuite, shared, infoOf(purpose));',
      to: 'return { ...keySchedule(primitives, ourSuite, shared, infoOf(purpose)), key: shared.slice() };',
      red: { [sealings]: 'a sealing' },
    },
    {
      id: 'K-2.messages',
      off: 'a fault without a code is told in its own words',
      file: 'apps/custody/src/stores.ts',
      from: "return codeOf(thrown) !== 'internal' && thrown instanceof Error",
      to: 'return thrown instanceof Error',
      red: { [serve]: 'says nothing of faults that have no code' },
    },
    {
      id: 'K-2.code',
      off: 'custody reads what it likes',
      file: 'apps/daemon/src/custody/program.ts',
      from: "'--permission', //",
      to: `'--permission',
    '--allow-child-process', //`,
      red: { [custodyTest]: 'can start nothing, and read and write nothing but its code and its store' },
    },

    // Only for the bound fleet and agent, in four statements.
    {
      id: 'K-3.asked',
      off: 'custody signs whatever it is asked',
      file: 'apps/custody/src/serve.ts',
      from: 'assertMaySign(description, request.domain, request.statement, this.#ports.nowMs());',
      to: '',
      red: { [serve]: 'never throws, never lets private bytes out, and never signs or opens what names another' },
    },
    {
      id: 'K-3.opens',
      off: 'custody opens whatever it is asked',
      file: 'apps/custody/src/serve.ts',
      from: 'assertMayOpen(description, request.purpose);',
      to: '',
      red: { [serve]: 'never throws, never lets private bytes out, and never signs or opens what names another' },
    },
    {
      id: 'K-3.fleet',
      off: 'custody signs for another fleet',
      file: 'apps/custody/src/policy.ts',
      from: "if (!equalBytes(own.fleet, fleet)) refuse('statement is of another fleet');",
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.agent',
      off: 'custody signs for another agent',
      file: 'apps/custody/src/policy.ts',
      from: "if (!equalBytes(own.agent, agent)) refuse('statement is of another agent');",
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.topic',
      off: "custody signs entries of another topic than the agent's",
      file: 'apps/custody/src/policy.ts',
      from: `if (!equalBytes(entry.topic, entry.author)) refuse("entry is for another topic than the agent's own");`,
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.offer-keys',
      off: 'custody signs a pairing offer for other keys',
      file: 'apps/custody/src/policy.ts',
      from: "if (!equalBytes(offer.keys.sign, sign) || !equalBytes(offer.keys.seal, seal)) refuse('offer is for other keys');",
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.offer-level',
      off: 'custody signs a pairing offer that states a better key store',
      file: 'apps/custody/src/policy.ts',
      from: "if (offer.custody !== key.custody) refuse('offer states another custody level');",
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.offer-bound',
      off: 'a key that is bound signs another pairing offer',
      file: 'apps/custody/src/policy.ts',
      from: "if (key.binding !== undefined) refuse('key is bound to an agent already');",
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-3.lockbox',
      off: "custody opens another member's lockbox",
      file: 'apps/custody/src/policy.ts',
      from: 'return assertOwn(key, purpose.fleet, purpose.member);',
      to: 'return assertOwn(key, purpose.fleet, key.binding?.agent ?? purpose.member);',
      red: { [policy]: 'custody opens' },
    },
    {
      id: 'K-3.grant',
      off: "custody opens another agent's grant",
      file: 'apps/custody/src/policy.ts',
      from: 'return assertOwn(key, purpose.fleet, purpose.agent);',
      to: 'return assertOwn(key, purpose.fleet, key.binding?.agent ?? purpose.agent);',
      red: { [policy]: 'custody opens' },
    },
    {
      id: 'K-3.bound-once',
      off: 'a bound key is bound to another agent',
      file: 'apps/custody/src/policy.ts',
      from: "  refuse('key is bound to another agent');",
      to: '',
      red: { [policy]: 'custody binds' },
    },
    {
      id: 'K-4.ahead',
      off: 'certificates are signed for as long as asked',
      file: 'apps/custody/src/policy.ts',
      from: 'session.notAfterMs > nowMs + maxSessionKeyMs || ',
      to: '',
      red: { [policy]: 'custody signs' },
    },
    {
      id: 'K-4.window',
      off: 'a certificate may cover a longer time',
      file: 'packages/protocol/src/blind/session-key.ts',
      from: 'if (lifeMs > 0 && lifeMs <= maxSessionKeyMs) return statement;',
      to: 'if (lifeMs > 0) return statement;',
      red: { [keys]: 'a session key' },
    },
    {
      id: 'K-5.network',
      off: 'custody has a network',
      file: 'apps/daemon/src/custody/program.ts',
      from: "'--unshare-all', '--unshare-user'",
      to: "'--unshare-all', '--share-net', '--unshare-user'",
      red: { [custodyTest]: 'has no network, no other process and no other file' },
    },
    {
      id: 'K-5.imports',
      off: "custody's code may import the network",
      file: '.dependency-cruiser.cjs',
      from: "path: '^(node:)?(net|http|https|http2|tls",
      to: "path: '^(node:)?(https|http2|tls",
      red: { [checks]: 'custody-no-network' },
    },
    {
      id: 'K-5.packages',
      off: "custody's code may import anything from elsewhere",
      file: '.dependency-cruiser.cjs',
      from: "to: { dependencyTypes: thirdParty, pathNot: '^packages/' },",
      to: "to: { dependencyTypes: ['undetermined'], pathNot: '^packages/' },",
      red: { [checks]: 'custody-no-third-party' },
    },
    {
      id: 'K-6.sealed',
      off: 'keys are written as they are',
      file: 'apps/custody/src/key-file.ts',
      from: 'private: this.sealed ? await this.#seal(encode(keyFile, clear), secret) : secret',
      to: 'private: this.sealed && secret.length === 0 ? await this.#seal(encode(keyFile, clear), secret) : secret',
      red: { [store]: 'writes private keys sealed' },
    },
    {
      id: 'K-6.cost',
      off: 'a guess costs next to nothing',
      file: 'apps/custody/src/key-file.ts',
      from: 'memoryKiB: 64 * 1024, passes: 3',
      to: 'memoryKiB: 8, passes: 1',
      red: { [store]: 'asks 64 MiB and three passes of Argon2id for a guess' },
    },
    {
      id: 'K-8.cost',
      off: 'a guess costs next to nothing',
      file: 'apps/cli/src/operator/key-file.ts',
      from: 'const writtenLogN = 17;',
      to: 'const writtenLogN = 14;',
      red: { [operatorKey]: 'the file shows how it was stretched and nothing of the key' },
    },
    {
      id: 'K-9.log',
      off: 'the daemon writes what it opens into its log',
      file: 'apps/daemon/src/session/authority.ts',
      from: 'return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);',
      to: `process.stderr.write(secret);
        return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);`,
      red: { [atRest]: 'a secret that nobody is using' },
    },

    {
      id: 'K-11.lost-store',
      off: 'a key whose store is shut counts as one that never was',
      file: 'apps/custody/src/stores.ts',
      from: 'if (holding !== undefined) throw holding.thrown;',
      to: '',
      red: { 'apps/custody/test/tpm-store.test.ts': 'is not replaced when it is lost' },
    },
    {
      id: 'K-12.lockout',
      off: 'wrong passphrases do not count',
      file: 'apps/custody/src/tpm/tpm-store.ts',
      from: 'tpm.seal(storeKey, auth, passphrase !== undefined)',
      to: 'tpm.seal(storeKey, auth, false)',
      red: { 'apps/custody/test/tpm-store.test.ts': 'lets the chip judge the passphrase' },
    },
  ],
  exceptions: { 'K-10': 'the chip itself is the control: no text of ours switches it off' },
};
