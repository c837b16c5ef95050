// Has the relay cosign the agent's audit log, spec/witness.md: publishes its newest checkpoint under the key in custody and shows that it continues what
// the relay cosigned last. What the relay shows instead, signed by this agent itself, tells whether the log here was cut or is another. No effect waits for it.

import {
  logLine,
  logName,
  logText,
  verifyLogNote,
  witnessKeyText,
  type LogHead,
  type Witness,
} from '@holdfast/protocol/blind/log-note';
import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { verifyDeviceNote, type DeviceCosigned } from '@holdfast/protocol/blind/witness';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { askWitness, askWitnessed } from '@holdfast/protocol/exchange/witness-calls';
import { joinNote } from '@holdfast/protocol/keys/note';
import { lostEvidenceNext } from '../audit/stored-log.ts';
import type { LogTiles } from '../audit/tiles.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import type { Enrolment } from '../state/store.ts';
import type { AgentJournal } from './journal.ts';
import type { AgentKey } from './key-rotation.ts';
import { Recurring } from './recurring.ts';

/** Well within `staleAfterMs`, also when one time fails. [WITNESS-10] */
const everyMs = 45_000;
/** Of connection, without a cosignature: longer than that nobody outside vouches for what was recorded. [WITNESS-11] */
const staleAfterMs = 120_000;
/** A log that has just begun has its first checkpoint by then. */
const soonMs = 2_000;

export interface WitnessedLogParts {
  readonly ports: Ports;
  readonly enrolment: Enrolment;
  readonly holder: AgentKey;
  /** All keys that the agent has had. */
  readonly keys: () => readonly Uint8Array[];
  readonly audit: AuditWriter;
  readonly tiles: LogTiles;
  readonly link: RelayLink;
  readonly journal: Pick<AgentJournal, 'state'>;
  /** The log is not what this agent published. */
  readonly condemn: (fault: HoldfastError) => void;
  readonly note: (report: AuditReport) => void;
  /** So much of the log a witness cosigned, verified, at that time by its clock. */
  readonly cosigned: (size: number, atMs: number) => void;
}

/** A published checkpoint and who cosigned it. */
export interface Published extends LogHead {
  readonly note: string;
  readonly witnesses: readonly string[];
}

/** Two notes under this agent's keys that no one log can have made. [WITNESS-16] */
export interface Contradiction {
  readonly older: string;
  readonly newer: string;
}

interface Signed extends LogHead {
  readonly line: string;
}

interface Seen extends Signed {
  readonly witness: Witness;
  readonly cosignature: string;
  readonly sinceMs: number;
}

/** The newest that an operator's device cosigned, by its own clock. */
type ByDevice = Pick<DeviceCosigned, 'size' | 'atMs'>;

export class WitnessedLog {
  private readonly parts: WitnessedLogParts;
  private readonly origin: string;
  /** A run ends when the newest checkpoint is cosigned, or when that is not possible now. */
  readonly asking: Recurring;
  private signed: Signed | undefined;
  private contradiction: Contradiction | undefined;
  private seen: Seen | undefined;
  private byDevice: ByDevice | undefined;
  /** What size the relay cosigned last, as far as we know; 0: none. */
  private last = 0;
  /** Time of connection since the newest cosignature. */
  private online: { ms: number; countedAtMs: number };

  constructor(parts: WitnessedLogParts) {
    const { ports, enrolment } = parts;
    this.parts = parts;
    this.origin = logName(ports.primitives, enrolment.fleet, enrolment.agent);
    this.online = { ms: 0, countedAtMs: ports.clock.monotonicMs() };
    this.asking = new Recurring(() => this.ask(), { everyMs, soonMs });
  }

  /** For status. [WITNESS-11] */
  view(): NonNullable<AgentView['witness']> {
    const { seen, byDevice } = this;
    const { clock } = this.parts.ports;
    const stale = this.online.ms >= staleAfterMs;
    if (seen === undefined) return { stale };
    const device = byDevice && { size: byDevice.size, ageMs: Math.max(0, Math.round(clock.nowMs() - byDevice.atMs)) }; // [WITNESS-23]
    return { size: seen.size, ageMs: Math.round(clock.monotonicMs() - seen.sinceMs), stale, ...(device !== undefined && { device }) }; // prettier-ignore
  }

  /** Counts the time of connection; called every second or so. Says once when it has been too long. [WITNESS-11] */
  tick(): void {
    const { ports, link, audit } = this.parts;
    const nowMs = ports.clock.monotonicMs();
    const { ms: before, countedAtMs } = this.online;
    const counts = link.state === 'connected' && !audit.frozen;
    this.online = { ms: before + (counts ? nowMs - countedAtMs : 0), countedAtMs: nowMs };
    if (before >= staleAfterMs || this.online.ms < staleAfterMs) return;
    ports.log.warn({ agent: toHex(this.parts.enrolment.agent), code: 'witness_stale' }, 'no witness has cosigned the audit log');
    this.parts.note({ kind: 'fault', code: 'witness_stale' });
  }

  private async ask(): Promise<void> {
    try {
      await this.attempt();
    } catch (thrown) {
      this.parts.ports.log.warn({ code: codeOf(thrown) }, 'the audit log could not be cosigned');
    }
  }

  /** The newest checkpoint that was cosigned, or else one with the agent's signature alone; undefined before there is any. Throws what custody throws. */
  async newest(): Promise<Published | undefined> {
    await this.asking.now();
    const { seen } = this;
    const published = seen ?? (await this.publish());
    if (published === undefined) return undefined;
    const { origin, size, root, line } = published;
    const lines = seen === undefined ? [line] : [line, seen.cosignature];
    const witnesses = seen === undefined ? [] : [witnessKeyText(this.parts.ports.primitives, seen.witness)];
    return { origin, size, root, note: joinNote(logText({ origin, size, root }), lines), witnesses };
  }

  /** Found when the relay showed what it had cosigned. */
  get forked(): Contradiction | undefined {
    return this.contradiction;
  }

  private async attempt(): Promise<void> {
    const { audit, link } = this.parts;
    if (!link.isOpen || audit.frozen) return;
    const signed = await this.publish();
    if (this.asking.isStopped) return;
    if (signed === undefined) return this.asking.soon();
    if ((await this.submit(signed)) === 'cosigned') return;
    await this.submit((await this.publish()) ?? signed); // from where the relay is; once, for it may be lying
  }

  /** The log's newest checkpoint under the key in custody, which signs no size twice. [WITNESS-10] */
  private async publish(): Promise<Signed | undefined> {
    const { audit, holder, ports } = this.parts;
    await audit.checkpoint();
    const newest = audit.newestCheckpoint;
    if (newest === undefined) return undefined;
    const { size, root } = readCheckpoint(ports.primitives, newest).statement;
    const key = holder.publicKeys.sign;
    const line = (signature: Uint8Array) => logLine(ports.primitives, this.origin, key, signature);
    if (this.signed?.size !== size || !equalBytes(this.signed.root, root))
      this.signed = { origin: this.origin, size, root, line: line(await holder.publish(size, root)) };
    return this.signed;
  }

  private async submit(signed: Signed): Promise<'cosigned' | 'conflict'> {
    const { ports, link, enrolment, tiles } = this.parts;
    const { size } = signed;
    const proof = this.last === 0 ? [] : (await tiles.consistency(this.last, signed)).proof; // [TILES-7]
    const asked = { note: joinNote(logText(signed), [signed.line]), old: this.last, proof };
    const outcome = await link.ask((exchange) => askWitness(exchange, enrolment.relayKey, asked)); // [WITNESS-8]
    if (outcome.kind === 'conflict') {
      await this.meet(outcome.note);
      return 'conflict';
    }
    this.last = size;
    const nowMs = ports.clock.monotonicMs();
    this.seen = { ...signed, witness: outcome.witness, cosignature: outcome.line, sinceMs: nowMs };
    this.online = { ms: 0, countedAtMs: nowMs };
    this.parts.cosigned(size, 1000 * outcome.atS);
    await this.askDevices();
    return 'cosigned';
  }

  /** What operators' devices cosigned is ours as well, and the newest counts. Throws as `meet`. [WITNESS-23] */
  private async askDevices(): Promise<void> {
    const { ports, link, enrolment, keys, journal } = this.parts;
    const { devices } = await link.ask((exchange) => askWitnessed(exchange, enrolment.agent));
    let newest: ByDevice | undefined;
    for (const kept of devices) {
      const log = { origin: this.origin, keys: keys() };
      const note = await verifyLogNote(ports.primitives, kept.note, log).catch(() => undefined);
      if (note === undefined) continue; // nobody's word of this agent
      await this.assertOurs(kept.note, note);
      const deviceKey = journal.state?.devices.get(toHex(kept.device))?.keys.sign;
      if (deviceKey === undefined) continue; // [WITNESS-18]
      const cosigned = await verifyDeviceNote(ports.primitives, kept, { ...log, deviceKey }).catch(() => undefined);
      if (cosigned !== undefined && cosigned.size >= (newest?.size ?? 0)) newest = cosigned;
    }
    this.byDevice = newest;
  }

  /** What the relay cosigned last is ours, under our own key; our log must have it. Throws `audit_truncated`, `audit_altered`, `audit_forged`. [WITNESS-12] */
  private async meet(note: string | undefined): Promise<void> {
    const { ports, keys } = this.parts;
    this.last = 0;
    if (note === undefined) return; // a relay that lost its store begins anew
    const then = await verifyLogNote(ports.primitives, note, { origin: this.origin, keys: keys() });
    await this.assertOurs(note, then);
    this.last = then.size;
  }

  /** The log had that root at that size, else it is evidence. Throws `audit_truncated`, `audit_altered`. [WITNESS-12] */
  private async assertOurs(note: string, { size, root }: LogHead): Promise<void> {
    const { audit, condemn, tiles } = this.parts;
    const fault = (code: 'audit_truncated' | 'audit_altered', message: string): never => {
      const found = new HoldfastError(code, message, { next: lostEvidenceNext });
      condemn(found);
      throw found;
    };
    const ours = size > audit.size ? undefined : await this.publish();
    if (ours === undefined) return fault('audit_truncated', `${size} audit records were published, ${audit.size} are left`);
    const then = await tiles.consistency(size, ours); // [TILES-7]
    if (equalBytes(then.root, root)) return;
    this.contradiction = { older: note, newer: joinNote(logText(ours), [ours.line]) };
    fault('audit_altered', 'the audit log is another than the one that was published');
  }
}
