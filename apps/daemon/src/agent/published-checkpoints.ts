// Puts the newest signed checkpoint of an agent's audit log into its own topic, spec/audit.md "In the journal": from then on whoever reads the
// topic knows how long the log was, this machine included. No effect ever waits for it.

import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { AuditWriter } from '../audit/writer.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Log } from '../ports.ts';
import type { AgentJournal } from './journal.ts';
import { Recurring } from './recurring.ts';
import type { WitnessedLog } from './witnessed-log.ts';

/** While there is something new. [AUDIT-22] */
const everyMs = 5 * 60_000;
/** After a session: the next one is often close behind. [AUDIT-22] */
const soonMs = 5_000;
/** An entry more or less at the relay than we knew of; more often than this something else is wrong. */
const maxAttempts = 3;

export class PublishedCheckpoints {
  private readonly parts: {
    readonly audit: AuditWriter;
    readonly journal: AgentJournal;
    readonly link: RelayLink;
    readonly log: Log;
    readonly witnessed: WitnessedLog;
  };
  /** A run ends when the topic has it, or when that is not possible now. */
  readonly publishing: Recurring;

  constructor(parts: PublishedCheckpoints['parts']) {
    this.parts = parts;
    this.publishing = new Recurring(() => this.publish(), { everyMs, soonMs });
  }

  private async publish(): Promise<void> {
    try {
      await this.attempt();
    } catch (thrown) {
      this.parts.log.warn({ code: codeOf(thrown) }, 'the audit checkpoint could not be published');
    }
    void this.parts.witnessed.asking.now();
  }

  private async attempt(): Promise<void> {
    const { audit, journal, link } = this.parts;
    if (!link.isOpen || audit.frozen) return;
    await audit.checkpoint();
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const newest = audit.newestCheckpoint;
      const published = journal.publishedCheckpoint();
      if (newest === undefined || (published !== undefined && equalBytes(newest, published))) return;
      if (published !== undefined) await audit.assertMade(published); // another daemon of this agent writes there
      if ((await link.append(await journal.composeOwn({ kind: 'checkpoint', checkpoint: newest }))) === 'appended') return;
    }
  }
}
