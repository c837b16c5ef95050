// The children of one agent, spec/delegation.md: enrolled with less than their parent on every axis, told to the audit log before they are let go, gone
// with their session, their parent, their agent and this process. In memory alone: no roster knows them.

import type { AuditReport, Cause } from '@holdfast/protocol/audit/event';
import { toBase64url, toHex } from '@holdfast/protocol/codec/bytes';
import {
  assertWithin,
  delegate,
  maxDelegationDepth,
  maxDelegationMs,
  type DelegationTerms,
  type Leave,
} from '@holdfast/protocol/custody/delegation';
import { HoldfastError } from '@holdfast/protocol/errors';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { keepNewest } from '../newest.ts';
import type { Ports } from '../ports.ts';
import { Child, type ChildEnd, type ChildKind } from './child.ts';

/** More than one session has at once, and one agent. [CHILD-2] */
const maxOfSession = 256;
const maxOfAgent = 1024;
/** Requests of a session that has ended may still be under way. */
const maxRemembered = 1024;

/** Characters of the names of all hosts that one record has room for. */
const maxRecordedHosts = 4096;

/** What of its parent's leave a child gets; what is absent is as its parent has it. */
export interface Fences {
  readonly audiences?: readonly string[] | undefined;
  /** Ids of the grants that it may use. */
  readonly grants?: readonly Uint8Array[] | undefined;
  /** `host:port`, where its requests may go. */
  readonly hosts?: readonly string[] | undefined;
}

export interface ChildRequest {
  /** The session that it is to end with. */
  readonly session: Uint8Array;
  readonly kind: ChildKind;
  readonly name: string;
  /** Id of a living child; absent: the agent itself. */
  readonly parent?: Uint8Array | undefined;
  /** Absent: all of its parent's. */
  readonly capabilities?: readonly string[] | undefined;
  readonly fences?: Fences | undefined;
  readonly uses?: number | undefined;
  readonly bytes?: number | undefined;
  /** Absent: as long as its parent has, at most an hour. */
  readonly lifeS?: number | undefined;
  /** How many more may stand below it; absent: none. */
  readonly depth?: number | undefined;
  /** The child's own signing key, where that is its affair; absent: one is made, which dies with it. */
  readonly key?: Uint8Array | undefined;
  /** What it came from, for the record. */
  readonly cause?: Cause | undefined;
}

/** What the agent gives to its own children. */
export interface Origin {
  /** Throws while the agent has nothing. */
  readonly leave: Leave;
  /** Throws why the agent may have no such child now. */
  assertAble(kind: ChildKind): void;
  /** Its credential, checked, with these capabilities disclosed; and a delegation of it by its key in custody. Throws as they do. */
  credential(capabilities: readonly string[]): Promise<string>;
  delegate(credential: string, terms: DelegationTerms): Promise<string>;
  record(report: AuditReport): Promise<unknown>;
  note(report: AuditReport): void;
  /** Burns what the child has not used. */
  burn(child: Uint8Array): void;
}

export interface ChildView {
  readonly child: Uint8Array;
  readonly parent: Uint8Array | undefined;
  readonly kind: ChildKind;
  readonly name: string;
  readonly session: Uint8Array;
  readonly capabilities: readonly string[];
  /** Ids, base64url; undefined: all that its agent has. */
  readonly grants: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly usesLeft: number | undefined;
  readonly bytesLeft: number | undefined;
  readonly depth: number;
  readonly startedAtMs: number;
  readonly expiresAtMs: number;
  readonly seenAtMs: number;
}

export class Children {
  readonly #ports: Pick<Ports, 'clock' | 'primitives'>;
  readonly #origin: Origin;
  readonly #living = new Map<string, Child>();
  /** Sessions that have ended. */
  readonly #ended = new Set<string>();
  /** By session: the child whose own it is. */
  readonly #sessions = new Map<string, { readonly child: Uint8Array; readonly trace: Uint8Array; isOver: boolean }>();

  constructor(ports: Pick<Ports, 'clock' | 'primitives'>, origin: Origin) {
    this.#ports = ports;
    this.#origin = origin;
  }

  /**
   * A child that may begin: its delegation is signed by its parent's key and its event is written. What ends its parent, its session or its agent
   * meanwhile ends it, and this throws `child_ended`. Throws `delegation_exceeded`, `limit_exceeded`, what the agent throws when it is not able,
   * and what custody and the audit log throw.
   */
  async enrol(asked: ChildRequest): Promise<Child> {
    const origin = this.#origin;
    origin.assertAble(asked.kind);
    const child = this.#admitted(asked, origin.leave);
    try {
      const made = await this.#prove(child, origin, asked.key);
      child.assertGoing();
      await origin.record(this.#reportOf(child, made.key, asked.cause)); // no record, no child [DELEGATE-7]
      child.begin(made.credential, made.holder);
      origin.assertAble(asked.kind); // it may have lost its power meanwhile [CHILD-3]
      child.assertGoing();
      return child;
    } catch (thrown) {
      this.#end(child, 'failed');
      throw thrown;
    }
  }

  /** `session` is this child's own: what happens in it is recorded as the child's, and as what began the child. */
  speaks(child: Child, session: Uint8Array, trace = session): void {
    this.#sessions.set(toHex(session), { child: child.id, trace, isOver: false }); // [CHILD-7] [AUDIT-50]
    for (const [oldest, { isOver }] of this.#sessions) {
      if (this.#sessions.size <= maxRemembered) break;
      if (isOver) this.#sessions.delete(oldest); // one that goes on is never taken for the agent's own
    }
  }

  childOf(session: Uint8Array): { readonly child: Uint8Array; readonly trace: Uint8Array } | undefined {
    const spoken = this.#sessions.get(toHex(session));
    return spoken && { child: spoken.child, trace: spoken.trace };
  }

  /** Throws `child_unknown`. */
  find(id: Uint8Array): Child {
    const child = this.#living.get(toHex(id));
    if (child === undefined) throw new HoldfastError('child_unknown', 'there is no such child', { next: 'see: holdfast agents' });
    return child;
  }

  /** Ends a child and all below it, at once; a child that has ended stays so. */
  retire(child: Child, why: ChildEnd = 'stopped'): void {
    this.#end(child, why);
  }

  /** An operator's word; true where such a child lived. */
  revoke(id: Uint8Array): boolean {
    const child = this.#living.get(toHex(id));
    if (child !== undefined) this.#end(child, 'revoked');
    return child !== undefined;
  }

  /** Also those that are being made. */
  endOf(session: Uint8Array): void {
    this.#ended.add(toHex(session));
    keepNewest(this.#ended, maxRemembered);
    const spoken = this.#sessions.get(toHex(session));
    if (spoken !== undefined) spoken.isOver = true;
    for (const child of this.#living.values()) if (toHex(child.session) === toHex(session)) this.#end(child, 'session');
  }

  endAll(): void {
    for (const child of this.#living.values()) this.#end(child, 'agent');
  }

  /** Ends those whose time is over; to be called every second or so. They could do nothing before, either. */
  sweep(): void {
    for (const child of this.#living.values()) if (child.ended !== undefined) this.#end(child, child.ended);
  }

  views(): readonly ChildView[] {
    return [...this.#living.values()].map((child) => {
      const { id, parent, kind, name, session, leave, usesLeft, bytesLeft, startedAtMs, seenAtMs } = child;
      const { capabilities, grants, hosts, depth, expiresAtMs } = leave;
      return {
        child: id,
        parent: parent?.id,
        kind,
        name,
        session,
        capabilities,
        grants,
        hosts,
        usesLeft,
        bytesLeft,
        depth,
        startedAtMs,
        expiresAtMs,
        seenAtMs,
      };
    });
  }

  /** Takes its place at once, so that whatever ends its parent from now on ends it. */
  #admitted(asked: ChildRequest, agents: Leave): Child {
    const { session, kind, name } = asked;
    if (this.#ended.has(toHex(session))) throw new HoldfastError('child_ended', 'the session of this child has ended');
    const parent = asked.parent === undefined ? undefined : this.find(asked.parent);
    parent?.assertGoing();
    const ofSession = [...this.#living.values()].filter((each) => toHex(each.session) === toHex(session)).length;
    if (ofSession >= maxOfSession || this.#living.size >= maxOfAgent)
      throw new HoldfastError(
        'limit_exceeded',
        `more than ${maxOfSession} children of one session, or ${maxOfAgent} of one agent`,
      ); // [CHILD-2]
    const above = parent?.leave ?? agents;
    const nowMs = this.#ports.clock.nowMs();
    const leave = leaveOf(asked, above, nowMs);
    assertWithin(leave, above); // [CHILD-1]
    const untilMs = this.#ports.clock.monotonicMs() + leave.expiresAtMs - nowMs;
    const shownName = name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 128);
    const id = this.#ports.primitives.random(16);
    const child = new Child(this.#ports, { id, kind, name: shownName, session, parent, leave, untilMs });
    this.#living.set(child.hex, child);
    return child;
  }

  async #prove(child: Child, origin: Origin, given: Uint8Array | undefined) {
    const { primitives, clock } = this.#ports;
    const { parent, leave } = child;
    const holder = given === undefined ? await SoftwareKeyHolder.generate(primitives) : undefined;
    const key = given ?? (holder as SoftwareKeyHolder).publicKeys.sign;
    try {
      const credential = parent?.credential ?? (await origin.credential(leave.capabilities));
      const nowMs = clock.nowMs();
      const terms = termsOf(child, key, nowMs);
      const token =
        parent === undefined
          ? await origin.delegate(credential, terms)
          : await delegate(primitives, parent.holder, { ...terms, credential }, nowMs);
      return { key, holder, credential: `${credential}${token}~` };
    } catch (thrown) {
      holder?.wipe();
      throw thrown;
    }
  }

  #reportOf({ session, id, kind, name, parent, leave }: Child, key: Uint8Array, cause: Cause | undefined): AuditReport {
    const { capabilities, grants, hosts, uses, bytes, depth, expiresAtMs } = leave;
    return {
      kind: 'delegated',
      session,
      child: id,
      of: kind,
      name,
      ...(parent !== undefined && { parent: parent.id }),
      key: this.#ports.primitives.sha256(key),
      capabilities,
      ...(grants !== undefined && { grants: grants.length }),
      ...(hosts !== undefined && { hosts: hosts.length }),
      ...(grants !== undefined && { mayUse: grants.map((each) => Buffer.from(each, 'base64url')) }),
      ...(hosts !== undefined && hosts.join('').length <= maxRecordedHosts && { mayReach: hosts }),
      ...(uses !== undefined && { uses }),
      ...(bytes !== undefined && { bytes }),
      depth,
      expiresAtMs,
      ...cause,
    };
  }

  /** Those below it first told: what takes power away is done before it is recorded. */
  #end(child: Child, why: ChildEnd): void {
    const ended = [...this.#living.values()].filter((each) => [...each.line()].includes(child));
    const told = ended.filter((each) => each.end(each === child ? why : 'parent'));
    for (const each of ended) this.#living.delete(each.hex);
    if (told.length === 0) return;
    const origin = this.#origin;
    for (const { id, session, ended: end = why } of told) {
      origin.burn(id);
      origin.note({ kind: 'child-end', session, child: id, why: end });
    }
  }
}

/** What is asked for, and what its parent has where nothing is. */
function leaveOf({ capabilities, fences = {}, uses, bytes, lifeS, depth = 0 }: ChildRequest, above: Leave, nowMs: number): Leave {
  const nowS = Math.floor(nowMs / 1000);
  const longestS = Math.min(maxDelegationMs / 1000, Math.floor(above.expiresAtMs / 1000) - nowS);
  const life = lifeS ?? longestS;
  if (!Number.isInteger(life) || life < 1 || life > maxDelegationMs / 1000)
    throw new HoldfastError('delegation_exceeded', 'a child lives a second to an hour, and no longer than its parent'); // [DELEGATE-4]
  if (!Number.isInteger(depth) || depth < 0 || depth >= maxDelegationDepth)
    throw new HoldfastError('delegation_exceeded', `children stand at most ${maxDelegationDepth} deep`); // [DELEGATE-5]
  return {
    capabilities: capabilities ?? above.capabilities,
    audiences: fences.audiences ?? above.audiences,
    grants: fences.grants?.map(toBase64url) ?? above.grants,
    hosts: fences.hosts ?? above.hosts,
    uses: uses ?? above.uses,
    bytes: bytes ?? above.bytes,
    depth,
    expiresAtMs: (nowS + life) * 1000,
  };
}

function termsOf({ id, leave }: Child, key: Uint8Array, nowMs: number): DelegationTerms {
  const { capabilities, audiences, grants, hosts, uses, bytes, depth, expiresAtMs } = leave;
  return {
    child: id,
    key,
    capabilities,
    ...(audiences !== undefined && { audiences }),
    ...(grants !== undefined && { grants: grants.map((each) => Buffer.from(each, 'base64url')) }),
    ...(hosts !== undefined && { hosts }),
    ...(uses !== undefined && { uses }),
    ...(bytes !== undefined && { bytes }),
    depth,
    lifeS: Math.max(1, Math.floor(expiresAtMs / 1000) - Math.floor(nowMs / 1000)),
  };
}
