// What the record says, and that it says all of it: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const clients = 'apps/daemon/test/broker/clients.test.ts';
const completeness = 'e2e/completeness.test.ts';
const door = 'apps/daemon/test/session/agent-door.test.ts';
const flooding = 'e2e/flooding.test.ts';
const guard = 'apps/daemon/test/guard/guard.test.ts';
const policy = 'apps/daemon/test/agent/audit-policy.test.ts';
const use = 'apps/daemon/test/session/use-record.test.ts';
const writer = 'apps/daemon/test/audit/writer.test.ts';

export const onRecord: readonly Mutation[] = [
  {
    id: 'A-50.made',
    off: 'a prompt begins no turn',
    file: 'apps/daemon/src/guard/turns.ts',
    from: 'return this.#parents ?? this.#newest.get(conversation);',
    to: 'return this.#parents;',
    red: { 'apps/daemon/test/guard/door.test.ts': 'a prompt begins a turn' },
  },
  {
    id: 'A-50.call',
    off: 'a request does not name its call',
    file: 'apps/daemon/src/session/authority.ts',
    from: '    this.cause = cause;',
    to: '    this.cause = undefined;',
    red: { 'apps/daemon/test/session/call-authorities.test.ts': 'is recorded as that call’s' },
  },
  {
    id: 'A-50.shared',
    off: 'where several could have started a sub-agent, the first did',
    file: 'apps/daemon/src/guard/sub-agents.ts',
    from: 'id !== undefined && others.every((each) => each[name] !== undefined && equalBytes(each[name], id))',
    to: 'id !== undefined && others.every(() => equalBytes(id, id))',
    red: { 'apps/daemon/test/guard/sub-agents.test.ts': 'of what holds for all' },
  },
  {
    id: 'A-50.stranger',
    off: 'a call in a child’s session is the agent’s own',
    file: 'apps/daemon/src/session/ruled-authority.ts',
    from: 'child = this.child,',
    to: 'child,',
    red: { 'apps/daemon/test/session/call-authorities.test.ts': 'is the child’s, also where no more' },
  },
  {
    id: 'A-42.forward',
    off: 'an older policy takes effect',
    file: 'packages/protocol/src/journal/rules.ts',
    from: "return version === (state.auditPolicy?.version ?? 0) + 1 ? undefined : 'policy_version';",
    to: 'return version > 0 && state.pulseMaxAgeMs > 0 ? undefined : undefined;',
    red: { [policy]: 'an older policy' },
  },
  {
    id: 'A-42.counted',
    off: 'what is silenced is not counted',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'this.silenced.set(kind, (this.silenced.get(kind) ?? 0) + 1);',
    to: 'void kind;',
    red: { [policy]: 'what is silenced is counted' },
  },
  {
    id: 'A-42.always',
    off: 'refusals can be silenced',
    file: 'packages/protocol/src/audit/policy.ts',
    from: 'if (policy === undefined || alwaysRecorded.has(kind)) return false;',
    to: 'if (policy === undefined || alwaysRecorded.size === 0) return false;',
    red: { [policy]: 'are recorded under every policy' },
  },
  {
    id: 'A-42.start',
    off: 'the start of a run can be silenced',
    file: 'packages/protocol/src/audit/policy.ts',
    from: "'child-end', 'daemon-start']",
    to: "'child-end']",
    red: { [policy]: 'are recorded under every policy' },
  },

  // An agent's own making.
  {
    id: 'A-4.label',
    off: 'what a hook reports passes for what the daemon saw',
    file: 'apps/daemon/src/guard/guard.ts',
    from: "? ('observed' as const) : ('reported' as const);",
    to: "? ('observed' as const) : ('observed' as const);",
    red: { [guard]: 'what the rules allow may happen' },
  },
  {
    id: 'A-4.sealed',
    off: 'the log is written in the clear',
    file: 'packages/protocol/src/audit/segment.ts',
    from: 'const sealed = await this.primitives.aeadSeal(this.key, nonce, noAssociated, encode(frame, content));',
    to: 'const sealed = concat(encode(frame, content), (await this.primitives.aeadSeal(this.key, nonce, noAssociated, new Uint8Array(0))));',
    red: { [writer]: 'hold ciphertext, and are private' },
  },

  // A flood of refusals.
  {
    id: 'A-5.half',
    off: 'what a session can bring about without end may fill the whole queue',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'const maxQueueOfProvoked = maxQueue / 2;',
    to: 'const maxQueueOfProvoked = maxQueue;',
    red: { [writer]: 'a flood of refused hides neither itself nor what else happened' },
    says: 'the audit record could not be written',
  },
  {
    id: 'A-5.counted',
    off: 'what found no place is forgotten',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'written.catch(() => this.drop(kind, 1));',
    to: 'written.catch(() => {});',
    red: { [writer]: 'a flood of refused hides neither itself nor what else happened' },
  },

  // A session that floods or closes its door.
  {
    id: 'A-70.crowd',
    off: 'connections past their limit leave no record',
    file: 'apps/daemon/src/broker/clients.ts',
    from: "    if (this.#isFull) {\n      this.#ports.turnedAway('limit_exceeded');",
    to: '    if (this.#isFull) {',
    red: { [clients]: 'is counted by code; a client that rests' },
  },
  {
    id: 'A-70.calls',
    off: 'calls of the door that are none leave no record',
    file: 'apps/daemon/src/session/agent-door.ts',
    from: "if (code === 'usage' || code === 'limit_exceeded') turnedAway(code);",
    to: 'void code;',
    red: { [door]: 'what is no call of the door is counted' },
  },
  {
    id: 'A-70.recorded',
    off: 'what was counted is not recorded',
    file: 'apps/daemon/src/session/turned-away.ts',
    from: 'this.#record(counts);',
    to: 'void counts;',
    red: { [flooding]: 'closes it for itself, and for nobody else' },
  },

  // All is on record, and nothing else.
  {
    id: 'A-71.request',
    off: 'a request without a credential leaves no record',
    file: 'apps/daemon/src/session/authority.ts',
    from: "await this.agent.audit.append({ kind: 'request', ...this.who, request });",
    to: 'void request;',
    red: { [completeness]: 'each request that a service saw' },
  },
  {
    id: 'A-71.refusal',
    off: 'a refusal leaves no record',
    file: 'apps/daemon/src/session/authority.ts',
    from: "this.agent.note({ kind: 'refused', ...this.who, code: parseCode(code), request });",
    to: 'void [request, parseCode(code)];',
    red: { [completeness]: 'each that was refused' },
  },
  {
    id: 'A-71.matched',
    off: 'a request is not recorded as of the call that it came from',
    file: 'apps/daemon/src/session/session.ts',
    from: '(call) => authority.beside({ child: call.by?.child, cause: call.cause, judge: judge(call) }),',
    to: '(call) => authority.beside({ child: call.by?.child, cause: {}, judge: judge(call) }),',
    red: { [completeness]: 'what the harness says' },
  },

  // Leaving at the right moment.
  {
    id: 'A-6.opening',
    off: 'a client that leaves while the secret is opened ends the record',
    file: 'apps/daemon/src/session/use-record.ts',
    from: "if (this.#state === 'closed') this.#record(0, false);",
    to: "if (this.#state !== 'recorded') this.#record(0, false);",
    red: { [use]: 'a client that leaves while the secret is being opened: the record waits until it is overwritten' },
  },
  {
    id: 'A-6.sent',
    off: 'bytes that were handed over count as not sent',
    file: 'apps/daemon/src/session/use-record.ts',
    from: 'this.#openedUs)), sent);',
    to: 'this.#openedUs)), sent && !this.#failed);',
    red: { [use]: 'a client that leaves after the bytes were handed over: they count as sent' },
  },
];
