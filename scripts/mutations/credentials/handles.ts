// Leave for one use, and the record of it: THREAT_MODEL.md, C.

import type { Mutation } from '../mutation.ts';

const attach = 'apps/daemon/test/broker/attach.test.ts';
const fences = 'e2e/fences.test.ts';
const fenceVectors = 'packages/protocol/test/vault/vault-vectors.test.ts';
const freshness = 'apps/daemon/test/freshness/freshness.test.ts';
const mint = 'apps/daemon/test/vault/mint.test.ts';

export const onHandles: readonly Mutation[] = [
  // A handle is used at most once.
  {
    id: 'C-5.once',
    off: 'a handle that was used may be used again',
    file: 'packages/protocol/src/vault/handle.ts',
    from: "if (state.kind !== 'minted') return refuse('handle_used', state);",
    to: "if (state.kind !== 'minted') return { next: state, verdict: { kind: 'consume' } };",
    red: { [mint]: 'of 200 at once, one passes' },
  },
  {
    id: 'C-5.before-waiting',
    off: 'the handle is ended only after its use is on disk',
    file: 'apps/daemon/src/vault/mint.ts',
    from: 'entry.state = next; // [HANDLE-5]',
    to: "if (verdict.kind === 'refuse') entry.state = next; // [HANDLE-5]",
    red: { [mint]: 'of 200 at once, one passes' },
  },
  {
    id: 'C-5.session',
    off: 'a handle may be used by another session',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'equalBytes(binding.session, by.session) &&',
    to: '',
    red: { [mint]: 'of another session, agent, grant or request is refused, and gone' },
  },
  {
    id: 'C-5.agent',
    off: 'a handle may be used by another agent',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'equalBytes(binding.agent, by.agent) &&',
    to: '',
    red: { [mint]: 'of another session, agent, grant or request is refused, and gone' },
  },
  {
    id: 'C-5.grant',
    off: 'a handle may be used for another credential',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'equalBytes(binding.grant, by.grant) &&',
    to: '',
    red: { [mint]: 'of another session, agent, grant or request is refused, and gone' },
  },
  {
    id: 'C-5.request',
    off: 'a handle may be used for another request',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'equalBytes(binding.request, by.request);',
    to: 'binding.request.length > 0;',
    red: { [mint]: 'of another session, agent, grant or request is refused, and gone' },
  },
  {
    id: 'C-5.life',
    off: 'a handle never dies',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'return !(ageMs >= 0 && ageMs < handleLifeMs);',
    to: 'return !(ageMs >= 0 && ageMs < Infinity);',
    red: { [mint]: 'is dead after five minutes, and its end is on record' },
  },
  {
    id: 'C-5.shown-to-another',
    off: 'a handle that was shown to another lives on',
    file: 'packages/protocol/src/vault/handle.ts',
    from: "if (!same) return refuse('handle_foreign');",
    to: "if (!same) return refuse('handle_foreign', state);",
    red: { [fenceVectors]: 'handle' },
  },

  // No clock makes anything younger.
  {
    id: 'C-6.handles',
    off: 'handles live by the wall clock',
    file: 'apps/daemon/src/vault/mint.ts',
    from: '{ ...by, request }, clock.monotonicMs());',
    to: '{ ...by, request }, clock.nowMs());',
    red: { [mint]: 'set back or forward keeps no handle alive and ends none' },
  },
  {
    id: 'C-6.wall-only',
    off: 'ages count on the wall clock alone',
    file: 'apps/daemon/src/freshness.ts',
    from: 'return Math.max(now.monotonicMs - mark.monotonicMs, now.wallMs - mark.wallMs, 0);',
    to: 'return Math.max(now.wallMs - mark.wallMs, 0);',
    red: { [freshness]: 'a wall clock set back or forward makes nothing younger' },
  },
  {
    id: 'C-6.monotonic-only',
    off: 'ages count on the monotonic clock alone',
    file: 'apps/daemon/src/freshness.ts',
    from: 'return Math.max(now.monotonicMs - mark.monotonicMs, now.wallMs - mark.wallMs, 0);',
    to: 'return Math.max(now.monotonicMs - mark.monotonicMs, 0);',
    red: { [freshness]: 'a machine that slept: only the wall clock went on, and it counts' },
  },
  {
    id: 'C-6.restart',
    off: 'a restart forgets how old a pulse was',
    file: 'apps/daemon/src/freshness.ts',
    from: 'ageMs: Math.max(countedMs, seen.wallMs - atMs, 0)',
    to: 'ageMs: Math.max(seen.wallMs - atMs, 0)',
    red: { [freshness]: 'a restart with the clock set back: the age that had been counted stays' },
  },
  {
    id: 'C-6.answers',
    off: "the relay's word counts from its answer on",
    file: 'apps/daemon/src/freshness.ts',
    from: 'this.relay = asked;',
    to: 'this.relay = this.mark();',
    red: { [freshness]: "the relay's word holds for sixty seconds from when it was asked, not from when it answered" },
  },

  // No use without a record.
  {
    id: 'C-7.durable',
    off: 'a use is recorded some time later',
    file: 'apps/daemon/src/vault/mint.ts',
    from: "await recorder(agent).appendDurable({ kind: 'consumed'",
    to: "await recorder(agent).append({ kind: 'consumed'",
    red: { [mint]: 'is minted and consumed once, each on record first' },
  },
  {
    id: 'C-7.waited-for',
    off: 'nobody waits for the record of a use',
    file: 'apps/daemon/src/vault/mint.ts',
    from: "await recorder(agent).appendDurable({ kind: 'consumed', ...who, handle: id, grant, item, ...used, ...standsOn });",
    to: "void recorder(agent).appendDurable({ kind: 'consumed', ...who, handle: id, grant, item, ...used, ...standsOn }).catch(() => {});",
    red: { [mint]: 'that cannot be recorded is not minted and not used' },
  },
  {
    id: 'C-7.minted',
    off: 'a handle that is on no record is given out',
    file: 'apps/daemon/src/vault/mint.ts',
    from: `    } catch (cause) {
      this.remove(entry);
      throw cause;`,
    to: `    } catch {
      // goes on`,
    red: { [mint]: 'that cannot be recorded is not minted and not used' },
  },
  {
    id: 'C-7.broker',
    off: 'the broker does not wait for the record',
    file: 'apps/daemon/src/broker/exchange.ts',
    from: 'await authority.passed(decision.facts);',
    to: 'void authority.passed(decision.facts).catch(() => {});',
    red: { [attach]: 'what cannot be recorded does not leave' },
  },

  // A refusal tells nothing.
  {
    id: 'C-8.fenced',
    off: 'a host behind a fence is refused by another code than an unknown one',
    file: 'apps/daemon/src/broker/decide.ts',
    from: "if (matching.length === 0 && egress === undefined) return refuse('egress_denied');",
    to: "if (matching.length === 0 && egress === undefined) return refuse(guarded ? 'path_unsafe' : 'egress_denied');",
    red: {
      [attach]: 'a refusal does not tell what exists',
      [fences]: 'a refusal is the same for an unknown host, a fenced path',
    },
  },
  {
    id: 'C-8.vault',
    off: 'the vault says why it refuses a handle',
    file: 'apps/daemon/src/vault/mint.ts',
    from: '    throw refused(); // [HANDLE-8]',
    to: "    throw new HoldfastError(code, 'the vault refuses this'); // [HANDLE-8]",
    red: { [mint]: 'refusals are alike whether or not it ever was' },
  },
  {
    id: 'C-15.grant',
    off: 'a handle is good for any credential',
    file: 'packages/protocol/src/vault/handle.ts',
    from: 'equalBytes(binding.grant, by.grant) &&',
    to: '',
    red: { 'apps/daemon/test/session/agent-handles.test.ts': 'for another request, another credential' },
  },
  {
    id: 'C-15.once',
    off: 'a handle that was presented stays as it was',
    file: 'apps/daemon/src/vault/mint.ts',
    from: 'entry.state = next; // [HANDLE-5]',
    to: '// [HANDLE-5]',
    red: { 'e2e/handles.test.ts': '200 at once: the service sees one' },
  },
  {
    id: 'C-15.elsewhere',
    off: 'a handle that stands elsewhere lives on',
    file: 'apps/daemon/src/broker/broker.ts',
    from: 'if (head !== undefined) authority.misused(handlesIn(head, originForm));',
    to: '',
    red: { 'apps/daemon/test/broker/attach.test.ts': 'a handle anywhere else' },
  },
  {
    id: 'C-15.fence',
    off: 'a handle is given for what the fence does not allow',
    file: 'apps/daemon/src/session/authority.ts',
    from: `decisions.findIndex(({ kind }) => kind === 'allow')`,
    to: '0',
    red: { 'apps/daemon/test/session/agent-handles.test.ts': 'outside of the fence' },
  },
];
