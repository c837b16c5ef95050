// Controls of guarded sessions: THREAT_MODEL.md, H.

import type { Area } from './mutation.ts';

const doorTest = 'apps/daemon/test/guarded/door.test.ts';
const peerTest = 'apps/daemon/test/guarded/peer.test.ts';
const steeringTest = 'apps/daemon/test/guarded/steering.test.ts';

export const guarded: Area = {
  mutations: [
    {
      id: 'H-1.mode',
      off: 'a session that was started by hand passes for a sealed one',
      file: 'apps/daemon/src/guarded/session.ts',
      from: `mode: 'guarded', // [GUARDED-2]`,
      to: `mode: 'sealed',`,
      red: { [doorTest]: 'acts are judged by the rules in force' },
    },
    {
      id: 'H-2.user',
      off: 'whose the other end is plays no part',
      file: 'apps/daemon/src/guarded/peer.ts',
      from: `if (end?.uid !== uid) return undefined;`,
      to: `if (end === undefined) return undefined;`,
      red: { [peerTest]: 'is known by its program' },
    },
    {
      id: 'H-2.address',
      off: 'a connection from another loopback address passes for the one that has its port',
      file: 'apps/daemon/src/guarded/peer.ts',
      from: `  if (remoteAddress !== loopback || localAddress !== loopback) return undefined; // [GUARDED-3]\n`,
      to: ``,
      red: { [peerTest]: 'from another address of this machine' },
    },
    {
      id: 'H-2.program',
      off: 'any program of the user is answered',
      file: 'apps/daemon/src/guarded/peer.ts',
      from: `if (!isClaudeCode(exe) && !script.includes('/@anthropic-ai/claude-code/')) return undefined;`,
      to: ``,
      red: { [peerTest]: 'what is below none is nobody' },
    },
    {
      id: 'H-2.key',
      off: 'the key plays no part',
      file: 'apps/daemon/src/guarded/door.ts',
      from: `if (given.length !== wanted.length || !timingSafeEqual(given, wanted))`,
      to: `if (given.length === wanted.length && !timingSafeEqual(given, given))`,
      red: { [doorTest]: 'is not answered with a yes' },
    },
    {
      id: 'H-3.uses',
      off: 'the tools that use credentials are there',
      file: 'apps/daemon/src/guarded/view.ts',
      from: `    rules: () => rulesOf(agent),\n`,
      to: `    rules: () => rulesOf(agent),\n    uses: { mint: async () => ({}), request: async () => ({}), access: async () => ({}) },\n`,
      red: { [doorTest]: 'no credential can be used' },
    },
    {
      id: 'H-4.before-deciding',
      off: 'what steers a session is looked at once a second only',
      file: 'apps/daemon/src/guarded/session.ts',
      from: `  assertGoing(): void {\n    this.watch();\n`,
      to: `  assertGoing(): void {\n`,
      red: { [doorTest]: 'from its very next event on' },
    },
    {
      id: 'H-4.taken-back',
      off: 'a change that was taken back is none',
      file: 'apps/daemon/src/guarded/steering.ts',
      from: `return [dev, ino, mode, uid, size, ctimeNs].join`,
      to: `return (ctimeNs > 0n ? [dev, ino, mode, uid, size] : []).join`,
      red: { [steeringTest]: 'a change that was taken back is one' },
    },
    {
      id: 'H-4.folders',
      off: 'what came into a folder and went between two looks is not seen',
      file: 'apps/daemon/src/guarded/steering.ts',
      from: `  return [dev, ino, mode, uid, size, ctimeNs].join(' ');`,
      to: `  return ((mode & 0o170000n) === 0o40000n ? [dev, ino, mode, uid] : [dev, ino, mode, uid, size, ctimeNs]).join(' ');`,
      red: { [steeringTest]: 'went between two looks' },
    },
    {
      id: 'H-4.by-itself',
      off: 'nobody looks between events',
      file: 'apps/daemon/src/guarded/door.ts',
      from: `if (this.#runs(session.harness)) session.watch();`,
      to: `if (this.#runs(session.harness)) session.kept();`,
      red: { [doorTest]: 'the alarm comes by itself' },
    },
    {
      id: 'H-5.restart',
      off: 'a restart of the daemon lifts suspensions',
      file: 'apps/daemon/src/guarded/session.ts',
      from: `if (kept.suspended) this.#suspend([earlier]);`,
      to: `if (kept.suspended && !same) this.#suspend([earlier]);`,
      red: { [doorTest]: 'outlive the daemon' },
    },
    {
      id: 'H-5.shown',
      off: "an operator's yes covers what they were not shown",
      file: 'apps/daemon/src/guarded/session.ts',
      from: `if (outcome === 'allowed') this.#resume(shown);`,
      to: `if (outcome === 'allowed') this.#resume(look(this.harness));`,
      red: { [doorTest]: 'for what they were shown' },
    },
    {
      id: 'H-5.outcome',
      off: 'an ask that nobody answered lets it go on',
      file: 'apps/daemon/src/guarded/session.ts',
      from: `if (outcome === 'allowed') this.#resume(shown);`,
      to: `if (outcome !== 'denied') this.#resume(shown);`,
      red: { [doorTest]: 'a no or silence does not' },
    },
    {
      id: 'H-6.switched-off',
      off: 'a repository may switch managed hooks off',
      file: 'apps/daemon/src/guard/claude-code/guarded-settings.ts',
      from: `    disableAllHooks: false,\n`,
      to: '',
      red: { 'apps/daemon/test/guard/guarded-settings.test.ts': 'be switched off' },
    },
  ],
  exceptions: {},
};
