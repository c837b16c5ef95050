// What a change of the fleet does to one agent, at once: handles die, sessions are told, the audit log says what was granted and what ended.
// Trusts the states, which the replica has verified. What takes power away is done before it is recorded.

import type { AuditReport } from '@holdfast/protocol/audit/event';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent, Budget, Egress, FleetState, Grant } from '@holdfast/protocol/journal/state';
import { countsAnew } from '@holdfast/protocol/vault/budget';
import { faultOf } from '../fault.ts';
import type { Log } from '../ports.ts';
import type { BurnTarget, HandleTable } from '../vault/mint.ts';
import type { InForce } from './rules-in-force.ts';

/** What sessions hear of. */
export interface AgentEvents {
  /** The agent may do nothing any more. */
  revoked(): void;
  /** Nor now, until it is resumed: what runs ends. */
  suspended(): void;
  /** This grant has ended, or goes on by another warrant: what still uses it is cut, but in the second case for uses that were approved one by one. */
  grantEnded(grant: Uint8Array, goesOn: boolean): void;
  /** What is under way with any credential would not count in its budget: it is cut. */
  budgetBegan(): void;
  /** Another set is in force. */
  rulesChanged(): void;
}

export interface EffectsOptions {
  readonly agent: Uint8Array;
  readonly custodyLevel: string;
  readonly log: Log;
  /** Writes a report that no effect waits for. */
  readonly note: (report: AuditReport) => void;
  /** The agent reads no further. */
  readonly leave: () => void;
  /** Ends a child of the agent's, where it lives. */
  readonly endChild: (child: Uint8Array) => void;
}

const shown = (reason: string): string => reason.replace(/[^\x20-\x7e]/g, '?');

export class Effects {
  private readonly options: EffectsOptions;
  private readonly listeners = new Set<AgentEvents>();

  constructor(options: EffectsOptions) {
    this.options = options;
  }

  subscribe(listener: AgentEvents): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when everything has happened; never rejects for what could not be recorded. */
  async apply(after: FleetState, before: FleetState | undefined, handles: HandleTable, rules: InForce): Promise<void> {
    const { agent, custodyLevel, note, leave } = this.options;
    const me = toHex(agent);
    const was = before?.agents.get(me);
    const now = after.agents.get(me);
    if (was === undefined && now !== undefined) note({ kind: 'enrolled', custody: custodyLevel });
    if (now?.revoked !== undefined && was?.revoked === undefined) {
      this.tellRevoked(); // before the relay can see that it was heard of
      leave();
      await this.burn(handles, { kind: 'agent', agent });
      note({ kind: 'revoked', reason: shown(now.revoked.reason) });
      return;
    }
    this.auditPolicyChanged(after, before);
    this.childrenRevoked(after);
    await this.suspensionChanged(now, was, handles);
    await this.grantsChanged(after.grants.get(me) ?? new Map(), before?.grants.get(me) ?? new Map(), handles);
    this.budgetChanged(after.budgets.get(me), before?.budgets.get(me));
    this.egressChanged(after.egress.get(me) ?? new Map(), before?.egress.get(me) ?? new Map());
    this.rulesChanged(after, before, rules);
    for (const { position, code } of after.rejected.slice(before?.rejected.length ?? 0))
      note({ kind: 'entry-rejected', position, code });
  }

  /** An alarm while the newest set is one that this daemon can't read. [JOURNAL-27] */
  tellUnreadable({ unreadable, version: inForce }: InForce): void {
    if (unreadable === undefined) return;
    const { note, log, agent } = this.options;
    note({ kind: 'rules-unreadable', ...unreadable, ...(inForce !== undefined && { inForce }) });
    log.warn({ agent: toHex(agent), ...unreadable }, 'the newest rule set cannot be read; the last good one stays in force');
  }

  /** For whatever ends the agent besides an operator: a log that does not hold. */
  tellRevoked(): void {
    this.tell((listener) => listener.revoked());
  }

  /** Also a suspension that is over by the time it is heard of ends what ran before it. [JOURNAL-30] */
  private async suspensionChanged(now: Agent | undefined, was: Agent | undefined, handles: HandleTable): Promise<void> {
    const { agent, note } = this.options;
    if (now === undefined) return;
    if (now.suspensions > (was?.suspensions ?? 0)) {
      this.tell((listener) => listener.suspended());
      await this.burn(handles, { kind: 'agent', agent });
      note({ kind: 'agent-suspended', reason: shown(now.suspended?.reason ?? '') });
    }
    const isOver = now.suspended === undefined && (was?.suspended !== undefined || now.suspensions > (was?.suspensions ?? 0));
    if (isOver) note({ kind: 'agent-resumed' });
  }

  /** All that are known, whatever was known before: an id that was revoked never lives again. [CHILD-10] */
  private childrenRevoked({ revokedChildren }: FleetState): void {
    const { agent: me, endChild } = this.options;
    for (const { agent, child } of revokedChildren) if (equalBytes(agent, me)) endChild(child);
  }

  private async grantsChanged(
    after: ReadonlyMap<string, Grant>,
    before: ReadonlyMap<string, Grant>,
    handles: HandleTable,
  ): Promise<void> {
    const { note } = this.options;
    // A grant that goes on by another warrant has another secret, or other terms: what used the old one ends.
    const isSame = (one: Grant | undefined, other: Grant): boolean => one !== undefined && equalBytes(one.warrant, other.warrant);
    for (const [id, granted] of before) {
      if (isSame(after.get(id), granted)) continue;
      const { grant } = granted;
      this.tell((listener) => listener.grantEnded(grant, after.has(id)));
      await this.burn(handles, { kind: 'grant', grant });
      note({ kind: 'grant-ended', grant });
    }
    for (const [id, granted] of after) {
      const { grant, item, name, grantedAtMs, warrant } = granted;
      if (!isSame(before.get(id), granted)) note({ kind: 'granted', grant, item, name, grantedAtMs, warrant });
    }
  }

  private budgetChanged(now: Budget | undefined, before: Budget | undefined): void {
    const { note } = this.options;
    if (countsAnew(now, before)) this.tell((listener) => listener.budgetBegan()); // [VAULT-18]
    if (before !== undefined && (now === undefined || !equalBytes(now.id, before.id)))
      note({ kind: 'budget-ended', budget: before.id });
    if (now !== undefined && now !== before) note({ kind: 'budget-set', budget: now.id });
  }

  private egressChanged(after: ReadonlyMap<string, Egress>, before: ReadonlyMap<string, Egress>): void {
    const { note } = this.options;
    for (const [id, { id: rule }] of before) if (!after.has(id)) note({ kind: 'egress-ended', rule });
    for (const [id, { id: rule, host, port }] of after) {
      if (!before.has(id)) note({ kind: 'egress-allowed', rule, host, port });
    }
  }

  /** Itself never silenced. [AUDIT-60] */
  private auditPolicyChanged({ auditPolicy: now }: FleetState, before: FleetState | undefined): void {
    if (now === undefined || now.version === before?.auditPolicy?.version) return;
    const { version, silenced, retentionDays, personal = [] } = now;
    const about = {
      ...(retentionDays !== undefined && { retentionDays }),
      ...(personal.length > 0 && { personal: personal.map(({ subject }) => subject) }),
    };
    this.options.note({ kind: 'audit-policy', version, silenced, ...about });
  }

  private rulesChanged(after: FleetState, before: FleetState | undefined, inForce: InForce): void {
    const { note } = this.options;
    const { rules, bedrock } = after;
    if (rules !== undefined && rules.version !== before?.rules?.version) {
      note({ kind: 'rules-set', version: rules.version, hash: rules.hash, warrant: rules.warrant });
      this.tellUnreadable(inForce);
      this.tell((listener) => listener.rulesChanged());
    }
    if (bedrock.version !== (before?.bedrock.version ?? 0))
      note({ kind: 'bedrock-changed', version: bedrock.version, texts: bedrock.texts.size });
  }

  /** All are dead at once; only the record may be missing. */
  private async burn(handles: HandleTable, target: BurnTarget): Promise<void> {
    const { log, agent } = this.options;
    await handles.burn(target).catch(() => log.warn({ agent: toHex(agent) }, 'burned handles could not be recorded'));
  }

  /** Each is told, whatever the others make of it. */
  private tell(what: (listener: AgentEvents) => void): void {
    const { log, agent } = this.options;
    for (const listener of this.listeners) {
      try {
        what(listener);
      } catch (thrown) {
        log.warn({ agent: toHex(agent), ...faultOf(thrown) }, 'a session failed to act on a change');
      }
    }
  }
}
