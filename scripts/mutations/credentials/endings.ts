// What ends with a revocation, a suspension or a rotation: THREAT_MODEL.md, C.

import type { Mutation } from '../mutation.ts';

const changes = 'apps/daemon/test/agent/changes.test.ts';
const fences = 'e2e/fences.test.ts';
const mint = 'apps/daemon/test/vault/mint.test.ts';
const replays = 'packages/protocol/test/audit/replay-uses.test.ts';

export const onEndings: readonly Mutation[] = [
  // After a revocation the next call fails, and streams are cut.
  {
    id: 'C-10.streams',
    off: 'a stream goes on when its grant ends',
    file: 'apps/daemon/src/session/session.ts',
    from: 'broker.cutCredentialed(toHex(grant), { approvedGoOn: goesOn });',
    to: '',
    red: { [fences]: 'vault ungrant cuts an open credentialed stream' },
    says: 'stream-cut',
  },
  {
    id: 'C-10.revoked-handles',
    off: 'handles of a revoked agent can be used',
    file: 'apps/daemon/src/agent/effects.ts',
    from: `leave();
      await this.burn(handles, { kind: 'agent', agent });`,
    to: 'leave();',
    red: { [changes]: 'a revocation ends everything here: handles, sessions, the link' },
  },
  {
    id: 'C-10.revoked-sessions',
    off: 'sessions do not hear of a revocation',
    file: 'apps/daemon/src/agent/effects.ts',
    from: 'this.tellRevoked(); // before the relay can see that it was heard of',
    to: '',
    red: { [changes]: 'a revocation ends everything here: handles, sessions, the link' },
    says: 'it did not come to: told',
  },
  {
    id: 'C-10.suspended-handles',
    off: 'handles of a suspended agent can be used once it is resumed',
    file: 'apps/daemon/src/agent/effects.ts',
    from: `suspended());
      await this.burn(handles, { kind: 'agent', agent });`,
    to: 'suspended());',
    red: { [changes]: 'a suspension that is over by the time it is heard of ends what ran before it' },
  },
  {
    id: 'C-10.suspended-mint',
    off: 'a suspended agent gets handles',
    file: 'apps/daemon/src/agent/standing.ts',
    from: "const halted = this.own?.suspended === undefined ? undefined : 'agent_suspended';",
    to: 'const halted = undefined;',
    red: { [changes]: 'a suspension ends what runs and mints nothing' },
  },
  {
    id: 'C-10.suspended-heard-late',
    off: 'a suspension that is over is passed over',
    file: 'apps/daemon/src/agent/effects.ts',
    from: 'if (now.suspensions > (was?.suspensions ?? 0)) {',
    to: 'if (now.suspended !== undefined && was?.suspended === undefined) {',
    red: { [changes]: 'a suspension that is over by the time it is heard of ends what ran before it' },
  },
  {
    id: 'C-10.ended-handles',
    off: 'handles of a grant that ended can be used',
    file: 'apps/daemon/src/agent/effects.ts',
    from: "await this.burn(handles, { kind: 'grant', grant });",
    to: '',
    red: { [changes]: 'a grant that ends burns its handles and is told to sessions' },
  },
  {
    id: 'C-10.next-call',
    off: 'handles of an ended grant can be used',
    file: 'apps/daemon/src/vault/mint.ts',
    from: "if (entry.burned) return this.refuse(by, id, 'handle_burned');",
    to: '',
    red: { [mint]: 'is burned even while its use is being written' },
  },
  {
    id: 'C-17.session',
    off: 'a session goes on with what is under way when its agent is revoked',
    file: 'apps/daemon/src/session/session.ts',
    from: 'revoked: halt,',
    to: 'revoked: () => undefined,',
    red: { 'e2e/revoke.test.ts': 'round 1: nothing new reaches the service' },
    says: 'what was on its way is not cut',
  },
  {
    id: 'C-17.outcome',
    off: 'the record does not tell that a use was stopped while it was written',
    file: 'apps/daemon/src/vault/mint.ts',
    from: "if (entry.burned) return this.refuse(by, id, 'handle_burned');",
    to: 'if (entry.burned) throw refused();',
    red: { [mint]: 'is burned even while its use is being written' },
  },
  {
    id: 'C-17.proof',
    off: 'a proof that custody makes meanwhile leaves',
    file: 'apps/daemon/src/agent/agent.ts',
    from: 'this.assertAble(); // stopped while custody signed: the proof does not leave [PRESENT-12]',
    to: '',
    red: { [changes]: 'what custody still signs when the agent is stopped does not leave' },
  },

  // A rotation leaves nothing with the old secret.
  {
    id: 'C-18.cut',
    off: 'a grant that goes on with another item is not cut',
    file: 'apps/daemon/src/agent/effects.ts',
    from: 'one !== undefined && equalBytes(one.warrant, other.warrant);',
    to: 'one !== undefined && other !== undefined;',
    red: { [changes]: 'a rotation that is over by the time it is heard of cuts what used the old secret' },
  },
  {
    id: 'C-18.approved',
    off: 'a rotation seals to agents whose uses are approved one by one',
    file: 'packages/protocol/src/journal/compose.ts',
    from: 'const sealed = granted.sealed && {',
    to: 'const sealed = secret && {',
    red: { 'packages/protocol/test/journal/compose.test.ts': 'a new secret takes the place of the old one' },
  },
  // What was decided is decided again.
  {
    id: 'C-51.use',
    off: 'a use is believed wherever it went',
    file: 'packages/protocol/src/audit/replay-uses.ts',
    from: `if (decision.kind === 'refuse') return differs(event, recorded, decision.code);`,
    to: 'void decision;',
    red: { [replays]: 'recorded decisions about requests, made again' },
  },
  {
    id: 'C-51.denial',
    off: 'a denial is believed, whatever was granted',
    file: 'packages/protocol/src/audit/replay-uses.ts',
    from: `return open.length === 0 ? same(event, code) : differs(event, code, 'used');`,
    to: 'return open.length >= 0 ? same(event, code) : undefined as never;',
    red: { [replays]: 'recorded decisions about requests, made again' },
  },
  {
    id: 'C-51.approval',
    off: 'a use needs no approval to be believed',
    file: 'packages/protocol/src/audit/replay-uses.ts',
    from: 'if (terms.approve && (event.ask',
    to: 'if (!terms.approve && (event.ask',
    red: { [replays]: 'recorded decisions about requests, made again' },
  },
];
