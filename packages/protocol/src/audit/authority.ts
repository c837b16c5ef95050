// Whether each use of a credential that a log shows had its whole authority, spec/authority.md: who, what, by which rules, by whose approval, from the
// log and what leads to the fleet's root. The log itself was verified before. Pure; what the record does not tell counts as no authority.

import { equalBytes, toBase64url, toHex } from '../codec/bytes.ts';
import { assertWithin, maxDelegationDepth, type Leave } from '../custody/delegation.ts';
import { codeOf, type ErrorCode } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { assertCircumstances } from '../vault/circumstances.ts';
import { decide } from '../vault/fence.ts';
import { requestDigest } from '../vault/handle.ts';
import { readWarrant, type WarrantOf } from '../vault/warrant.ts';
import type { LogIdentity } from './checkpoint.ts';
import type { AuditEvent } from './event.ts';
import { VerifiedProofs, type Proofs } from './proofs.ts';

type EventOf<K extends AuditEvent['kind']> = Extract<AuditEvent, { kind: K }>;
type Consumed = EventOf<'consumed'>;
type Delegated = EventOf<'delegated'>;

/** Between clocks of two machines, as credentials allow. */
const maxClockSkewMs = 300_000;
/** Between the last look at a limit of time and the record that follows it. */
const recordedWithinMs = 60_000;
/** An ask lives for nine minutes at most, and its use follows. */
const maxApprovalAgeMs = 15 * 60_000;

export interface JudgedUse {
  readonly sequence: number;
  readonly atMs: number;
  /** Absent where no warrant tells. */
  readonly name?: string;
  readonly rulesVersion?: number;
  /** The device that approved it. */
  readonly approvedBy?: Uint8Array;
  /** From the child that used it up to the agent's own. */
  readonly children: readonly Uint8Array[];
  /** Why it had not its whole authority; absent: it had. */
  readonly code?: ErrorCode;
}

/** `events`: of a log that holds, in order; undefined: withheld, or pruned. [AUTHORITY-17] */
export async function judgeUses(
  primitives: Primitives,
  log: LogIdentity,
  events: Iterable<AuditEvent | undefined>,
  proofs: Proofs,
): Promise<readonly JudgedUse[]> {
  const judge = new Judge(primitives, log, await VerifiedProofs.of(primitives, proofs, log.agent));
  const judged: JudgedUse[] = [];
  for (const event of events) {
    judge.take(event);
    if (event?.kind === 'consumed') judged.push(await judge.judge(event));
  }
  return judged;
}

/** Ends the judging of one use. */
class Lacks extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}
const lack = (code: ErrorCode): never => {
  throw new Lacks(code);
};

/** What the log has told so far. */
class Judge {
  readonly #primitives: Primitives;
  readonly #log: LogIdentity;
  readonly #proofs: VerifiedProofs;
  readonly #minted = new Map<string, EventOf<'minted'>>();
  readonly #shownAtMs = new Map<string, number>();
  readonly #ended = new Set<string>();
  readonly #answers = new Map<string, EventOf<'answered'>>();
  readonly #spent = new Set<string>();
  readonly #children = new Map<string, Delegated>();
  readonly #gone = new Set<string>();
  readonly #rules = new Map<number, EventOf<'rules-set'>>();
  #inForce: number | undefined;
  #halted: ErrorCode | undefined;
  #withheld = false;

  constructor(primitives: Primitives, log: LogIdentity, proofs: VerifiedProofs) {
    this.#primitives = primitives;
    this.#log = log;
    this.#proofs = proofs;
  }

  take(event: AuditEvent | undefined): void {
    switch (event?.kind) {
      case undefined:
        this.#withheld = true;
        break;
      case 'minted':
        this.#minted.set(toHex(event.handle), event);
        break;
      case 'granted':
        this.#ended.delete(toHex(event.grant));
        this.#shown(event.warrant, event.atMs);
        break;
      case 'grant-ended':
        this.#ended.add(toHex(event.grant));
        break;
      case 'rules-set':
        this.#rules.set(event.version, event);
        this.#inForce = event.version;
        this.#shown(event.warrant, event.atMs);
        break;
      case 'rules-unreadable':
        this.#inForce = event.inForce;
        break;
      case 'answered':
        this.#answers.set(toHex(event.ask), event);
        break;
      case 'delegated':
        this.#children.set(toHex(event.child), event);
        break;
      case 'child-end':
        this.#gone.add(toHex(event.child));
        break;
      case 'revoked':
        this.#halted = 'agent_revoked';
        break;
      case 'agent-suspended':
        this.#halted = 'agent_suspended';
        break;
      case 'agent-resumed':
        this.#halted = undefined;
        break;
      default:
    }
  }

  async judge(use: Consumed): Promise<JudgedUse> {
    const { sequence, atMs, rulesVersion } = use;
    const line = this.#line(use);
    let terms: WarrantOf<'grant'>['terms'] | undefined;
    let approvedBy: Uint8Array | undefined;
    let code: ErrorCode | undefined;
    try {
      const { agentKey, earlierKeys = [] } = this.#log;
      const fault = this.#halted ?? this.#proofs.faultOfAgent([...earlierKeys, agentKey], atMs);
      if (fault !== undefined) lack(fault);
      terms = this.#grant(use);
      this.#what(use, terms);
      this.#rulesOf(use);
      if (terms.approve) approvedBy = await this.#approval(use);
      this.#child(use, line);
    } catch (thrown) {
      code = thrown instanceof Lacks ? thrown.code : codeOf(thrown);
    }
    return {
      sequence,
      atMs,
      children: line.map(({ child }) => child),
      ...(terms !== undefined && { name: terms.name }),
      ...(rulesVersion !== undefined && { rulesVersion }),
      ...(approvedBy !== undefined && { approvedBy }),
      ...(code !== undefined && { code }),
    };
  }

  /** [AUTHORITY-10] [AUTHORITY-11] */
  #grant({ warrant, grant, item, agent, atMs }: Consumed): WarrantOf<'grant'>['terms'] {
    const checked = this.#proofs.warrant(warrant, this.#shownAtMs.get(toHex(warrant ?? new Uint8Array())) ?? atMs);
    if (checked.code !== undefined) return lack(checked.code);
    const { said } = checked.warrant;
    if (said.kind !== 'grant') return lack('warrant_invalid');
    const { terms } = said;
    if (!equalBytes(terms.agent, agent) || !equalBytes(terms.grant, grant) || !equalBytes(terms.item, item))
      return lack('warrant_invalid');
    if (atMs + maxClockSkewMs < said.atMs || this.#ended.has(toHex(grant))) return lack('grant_unknown');
    return terms;
  }

  /** [AUTHORITY-12] */
  #what({ handle, request, grant, atMs }: Consumed, { fence }: WarrantOf<'grant'>['terms']): void {
    const minted = this.#minted.get(toHex(handle));
    if (minted === undefined) return lack(this.#withheld ? 'warrant_unread' : 'handle_foreign'); // [AUTHORITY-16]
    const { method, host, port, path, pathCut, salted } = minted.request;
    if (path === undefined || pathCut === true || salted === true) return lack('warrant_unread');
    const facts = { scheme: 'https', method, host, port, path };
    const digest = requestDigest(this.#primitives, facts);
    if (!equalBytes(digest, request) || !equalBytes(digest, minted.request.digest) || !equalBytes(minted.grant, grant))
      return lack('handle_foreign');
    const decision = decide(fence, facts);
    if (decision.kind === 'refuse') return lack(decision.code);
    const { untilMs, hours } = fence;
    const at = (nowMs: number): void =>
      assertCircumstances({ untilMs, hours }, { nowMs, directory: undefined, repository: undefined });
    try {
      at(atMs);
    } catch {
      at(atMs - recordedWithinMs);
    }
  }

  /** [AUTHORITY-13] */
  #rulesOf({ rulesVersion: version, atMs }: Consumed): void {
    if (version === undefined) return this.#inForce === undefined ? undefined : lack('rules_version');
    if (this.#inForce !== undefined && version < this.#inForce) return lack('rules_version');
    const told = this.#rules.get(version);
    const named = told === undefined ? this.#proofs.ofRules(version) : told.warrant;
    const checked = this.#proofs.warrant(named, told?.atMs ?? atMs);
    if (checked.code !== undefined) return lack(checked.code);
    const { said } = checked.warrant;
    const same = said.kind === 'rules' && said.version === version && (told === undefined || equalBytes(said.hash, told.hash));
    if (!same) lack('warrant_invalid');
  }

  /** The device that gave leave. [AUTHORITY-14] */
  async #approval({ ask, agent, session, grant, request, atMs }: Consumed): Promise<Uint8Array> {
    const answer = ask && this.#answers.get(toHex(ask));
    if (ask === undefined || answer?.warrant === undefined || answer.outcome !== 'allowed') return lack('warrant_missing');
    const checked = await this.#proofs.check(readWarrant(this.#primitives, answer.warrant), answer.atMs);
    if (checked.code !== undefined) return lack(checked.code);
    const { said } = checked.warrant;
    if (said.kind !== 'approval' || said.grant === undefined || said.request === undefined) return lack('ask_mismatch');
    const pairs = [[said.ask, ask], [said.agent, agent], [said.session, session], [said.grant, grant], [said.request, request]]; // prettier-ignore
    const same = pairs.every(([left = new Uint8Array(), right = new Uint8Array()]) => equalBytes(left, right));
    if (!same || this.#spent.has(toHex(ask))) return lack('ask_mismatch');
    this.#spent.add(toHex(ask));
    if (atMs + maxClockSkewMs < said.atMs || said.atMs + maxApprovalAgeMs < atMs) return lack('approval_expired');
    return said.device;
  }

  /** A child of the agent's, and those above it. */
  #line({ child }: Consumed): readonly Delegated[] {
    const line: Delegated[] = [];
    for (let at = child; at !== undefined && line.length <= maxDelegationDepth;) {
      const found: Delegated | undefined = this.#children.get(toHex(at));
      if (found === undefined) break;
      line.push(found);
      at = found.parent;
    }
    return line;
  }

  /** [AUTHORITY-15] */
  #child({ child, grant, handle, atMs }: Consumed, line: readonly Delegated[]): void {
    if (child === undefined) return;
    const last = line.at(-1);
    if (last === undefined || last.parent !== undefined) return lack(this.#withheld ? 'warrant_unread' : 'child_unknown');
    if (line.some(({ child: each }) => this.#gone.has(toHex(each)))) return lack('child_ended');
    if (line.some(({ expiresAtMs }) => atMs >= expiresAtMs + recordedWithinMs)) return lack('delegation_expired');
    for (const [index, each] of line.entries()) {
      const above = line[index + 1];
      assertWithin(leaveOf(each), above === undefined ? agentsLeave(each) : leaveOf(above));
    }
    const { host, port } = this.#minted.get(toHex(handle))?.request ?? {};
    for (const { mayUse, mayReach } of line) {
      const inside = mayUse?.some((each) => equalBytes(each, grant)) !== false && mayReach?.includes(`${host}:${port}`) !== false;
      if (!inside) return lack('delegation_exceeded');
    }
  }

  #shown(warrant: Uint8Array | undefined, atMs: number): void {
    if (warrant !== undefined && !this.#shownAtMs.has(toHex(warrant))) this.#shownAtMs.set(toHex(warrant), atMs);
  }
}

/** A record that counts what it does not name tells too little. */
function leaveOf({ capabilities, grants, hosts, mayUse, mayReach, uses, bytes, depth, expiresAtMs }: Delegated): Leave {
  if (grants !== mayUse?.length || hosts !== mayReach?.length) return lack('warrant_unread');
  return { capabilities, grants: mayUse?.map(toBase64url), hosts: mayReach, uses, bytes, depth, expiresAtMs };
}

/** What the agent can give: its capabilities are in its credential, hidden. */
const agentsLeave = ({ capabilities }: Delegated): Leave => ({
  capabilities,
  depth: maxDelegationDepth,
  expiresAtMs: Number.POSITIVE_INFINITY,
});
