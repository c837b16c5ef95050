// Whether an agent of this machine may act now, and if not, why: by the fleet's verified state, by how fresh the relay and the pulse have kept that, and
// as long as its audit log holds.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { isLive, type Agent as FleetAgent } from '@holdfast/protocol/journal/state';
import type { Freshness } from '../freshness.ts';
import type { AgentJournal } from './journal.ts';

export interface StandingParts {
  readonly agent: Uint8Array;
  /** Its scope was enrolled again: it does nothing any more. */
  readonly past: boolean;
  readonly journal: Pick<AgentJournal, 'state' | 'hasReadOwn' | 'pulseMaxAgeMs'>;
  readonly freshness: Freshness;
}

export class Standing {
  private readonly parts: StandingParts;
  private fault: HoldfastError | undefined;

  constructor(parts: StandingParts) {
    this.parts = parts;
  }

  /** What the fleet knows of it. */
  get own(): FleetAgent | undefined {
    return this.parts.journal.state?.agents.get(toHex(this.parts.agent));
  }

  get live(): boolean {
    const { agent, past, journal } = this.parts;
    return journal.state !== undefined && isLive(journal.state, agent) && !past;
  }

  /** Live, and not suspended. */
  get mayAct(): boolean {
    return this.live && this.own?.suspended === undefined;
  }

  /** Why its audit log does not hold; then it is evidence, and this agent does nothing any more. [AUDIT-24] */
  get auditFault(): HoldfastError | undefined {
    return this.fault;
  }

  /** The first fault stays. */
  spoilt(fault: HoldfastError): void {
    this.fault ??= fault;
  }

  /** Throws `agent_revoked`, `agent_suspended`, or `relay_unreachable` before the fleet was read for the first time. */
  assertLive(): void {
    if (this.mayAct) return;
    if (this.live) {
      throw new HoldfastError('agent_suspended', 'this agent is suspended', {
        next: 'its operator lets it go on: holdfast resume',
      });
    }
    if (this.parts.journal.state === undefined) {
      throw new HoldfastError('relay_unreachable', 'this agent has not read its fleet yet', {
        next: 'wait for the relay; see: holdfast status',
      });
    }
    throw new HoldfastError('agent_revoked', 'this agent was revoked', { next: 'enrol again: holdfast enroll' });
  }

  /** Throws like `assertLive`, and why its audit log does not hold. */
  assertAble(): void {
    this.assertLive();
    if (this.fault !== undefined) throw this.fault; // [AUDIT-24]
  }

  /** Throws why nothing may be proved now. */
  assertFresh(): void {
    this.assertAble();
    const stale = this.refusal();
    if (stale !== undefined)
      throw new HoldfastError(stale, "the fleet's state is not fresh enough to prove anything by it", {
        next: 'see: holdfast status',
      }); // [PRESENT-12]
  }

  /** Why nothing is minted now. */
  refusal(): ErrorCode | undefined {
    const { journal, freshness } = this.parts;
    const { refusal } = freshness.view(journal.pulseMaxAgeMs);
    const halted = this.own?.suspended === undefined ? undefined : 'agent_suspended';
    return this.fault?.code ?? halted ?? refusal ?? (journal.hasReadOwn ? undefined : 'stale_relay'); // [AUDIT-23]
  }
}
