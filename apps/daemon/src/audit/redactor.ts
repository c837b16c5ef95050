// What of a text may stand in a record, spec/commitments.md: secrets and declared personal data become salted commitments, before anything is cut.
// Trusts the fleet's state for what is declared; of the vault's secrets it keeps fingerprints and digests, from the moment that they were opened.

import { blot, plainAddresses, withoutPlaceholders, withoutShapes } from '@holdfast/protocol/audit/act';
import {
  betweenCommitments,
  commitmentsIn,
  commitmentText,
  commitmentValue,
  committedDigest,
  cutText,
  nonceBytes,
  saltedDigest,
  saltOf,
  secretSubject,
  vaultSubject,
  withoutForged,
} from '@holdfast/protocol/audit/commitment';
import { textsOf } from '@holdfast/protocol/audit/commitment-proof';
import { decodeEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { foundValue, patternOf, patternOfValue } from '@holdfast/protocol/audit/personal';
import type { AuditPolicy } from '@holdfast/protocol/audit/policy';
import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { Fingerprints } from '../broker/fingerprints.ts';
import { secretsIn } from '../broker/scrub.ts';
import type { SaltStore } from './salts.ts';

/** Longer texts are not searched for the sake of their digest. [COMMIT-6] */
const maxSearched = 64 * 1024;
const maxVaultSecrets = 4096;
/** As many as a policy can name, in three spellings. */
const maxDeclared = 64 * 32 * 3;

/** What a record says of a digest. */
export interface RecordedDigest {
  readonly digest: Uint8Array;
  readonly salted?: true;
}

/** Takes out of texts, and of digests, what no record may show. */
export interface Redacting {
  text(said: string): string;
  /** `digest`: of what `said` says. */
  digest(digest: Uint8Array, said: string): RecordedDigest;
}

export interface RedactorOptions {
  readonly primitives: Primitives;
  readonly agent: Uint8Array;
  readonly salts: SaltStore;
  readonly policy: () => AuditPolicy | undefined;
}

interface Owner {
  readonly subject: string;
  readonly digest: Uint8Array;
}

interface Pattern {
  readonly pattern: RegExp;
  readonly ownerOf: (found: string) => Owner;
}

interface Declared {
  readonly version: number;
  readonly known: Known;
  readonly patterns: readonly Pattern[];
}

/** Values that are known to the letter, as what finds them again. */
class Known {
  readonly prints: Fingerprints;
  private readonly owners: Owner[] = [];

  constructor(max: number) {
    this.prints = new Fingerprints(max);
  }

  /** Throws `secret_unfit`, `limit_exceeded`. */
  add(value: Uint8Array, owner: Owner): void {
    const before = this.prints.size;
    this.prints.add(value);
    if (this.prints.size > before) this.owners.push(owner);
  }

  replacedIn(said: string, commit: (owner: Owner) => string): string {
    if (this.owners.length === 0) return said;
    const bytes = Buffer.from(said, 'utf8');
    const found = secretsIn(this.prints, bytes);
    let [replaced, at] = ['', 0];
    for (const { from, to, of } of found) {
      const owner = this.owners[of];
      if (owner === undefined) continue;
      replaced += bytes.toString('utf8', at, from) + commit(owner);
      at = to;
    }
    return at === 0 ? said : replaced + bytes.toString('utf8', at);
  }
}

/** What of a report others chose, and how long it may be; calls and requests are redacted where they are cut. */
const chosenByOthers = {
  'session-start': { program: 256 },
  delegated: { name: 128 },
  presented: { audience: 512, nonce: 256, shown: 80 },
  tampered: { places: 256 },
  revoked: { reason: 256 },
  'agent-suspended': { reason: 256 },
} as const satisfies Partial<Record<AuditReport['kind'], Readonly<Record<string, number>>>>;

/** What of a report is held against fences: all of it as it is, or none. */
const heldAgainst: Partial<Record<AuditReport['kind'], readonly string[]>> = {
  'session-start': ['directory', 'repository'],
  delegated: ['mayReach'],
};

type Said = string | readonly string[] | undefined;

const capitals = (text: string): string => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
const small = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

export class Redactor implements Redacting {
  private readonly options: RedactorOptions;
  private readonly vault = new Known(maxVaultSecrets);
  private declared: Declared | undefined;

  constructor(options: RedactorOptions) {
    this.options = options;
  }

  /** A secret of the vault that was opened; it stays the caller's. One that is too short to be told from other text is not found. */
  know(item: Uint8Array, secret: Uint8Array): void {
    const digest = committedDigest(this.options.primitives, secret);
    try {
      this.vault.add(secret, { subject: vaultSubject(item), digest });
    } catch (thrown) {
      if (codeOf(thrown) === 'internal') throw thrown;
    }
  }

  text(said: string): string {
    return this.redacted(said).text;
  }

  digest(digest: Uint8Array, said: string): RecordedDigest {
    const subjects = said.length > maxSearched ? [secretSubject] : [...this.redacted(said).subjects].toSorted();
    if (subjects.length === 0) return { digest };
    const keys = subjects.map((subject) => this.options.salts.keyOf(subject));
    return { digest: saltedDigest(this.options.primitives, keys, digest), salted: true }; // [COMMIT-6]
  }

  report(report: AuditReport): AuditReport {
    const fields = Object.entries((chosenByOthers as Record<string, Readonly<Record<string, number>>>)[report.kind] ?? {});
    if (fields.length === 0) return report;
    const saidIn = (field: string): Said => (report as unknown as Record<string, Said>)[field];
    const changed = fields.map(([field, max]): [string, Said] => {
      const said = saidIn(field);
      const redacted = (text: string): string => cutText(this.text(text), max);
      return [field, typeof said === 'string' ? redacted(said) : said?.map(redacted)];
    });
    const held = heldAgainst[report.kind] ?? [];
    const isPlain = held.flatMap((field) => saidIn(field) ?? []).every((said) => this.text(said) === said);
    const leftOut = isPlain ? [] : held.map((field): [string, Said] => [field, undefined]);
    const said = Object.entries({ ...report, ...Object.fromEntries([...changed, ...leftOut]) });
    return Object.fromEntries(said.filter(([, value]) => value !== undefined)) as AuditReport;
  }

  /** What was given out in texts and digests so far would survive a power loss, as far as it stands on keys. */
  settle(): Promise<void> {
    return this.options.salts.settle();
  }

  /** The salt of that commitment of an event that is of the value. Throws `commitment_mismatch`, `commitment_erased`. [COMMIT-9] */
  reveal(event: Uint8Array, value: Uint8Array): { readonly subject: string; readonly salt: Uint8Array } {
    const { primitives, agent, salts } = this.options;
    const digest = committedDigest(primitives, value);
    const commitments = textsOf(decodeEvent(event)).flatMap(commitmentsIn);
    for (const { subject, nonce, value: committed } of commitments) {
      for (const key of salts.keysOf(subject)) {
        const salt = saltOf(primitives, key, nonce);
        if (equalBytes(commitmentValue(primitives, { agent, subject, salt, digest }), committed)) return { subject, salt };
      }
    }
    const isGone = commitments.length > 0 && commitments.every(({ subject }) => salts.keysOf(subject).length === 0);
    if (isGone) throw new HoldfastError('commitment_erased', 'the salts of what stands in that event were erased');
    throw new HoldfastError('commitment_mismatch', 'no commitment in that event is of this value');
  }

  /** Subjects that were erased since something of them was recorded, each told and then destroyed. The log itself stays as it is. Rejects with what either says. [COMMIT-11] [COMMIT-12] */
  async erase(tell: (report: AuditReport) => Promise<unknown>): Promise<void> {
    for (const subject of this.options.salts.erased()) {
      await tell({ kind: 'erased', subject });
      await this.options.salts.destroy(subject);
    }
  }

  private redacted(said: string): { readonly text: string; readonly subjects: ReadonlySet<string> } {
    const subjects = new Set<string>();
    const commit = ({ subject, digest }: Owner): string => {
      subjects.add(subject);
      return this.commitmentOf(subject, digest);
    };
    const secret = (found: string): string =>
      found.includes(blot) || commitmentsIn(found).length > 0 ? blot : commit(this.ownerOf(secretSubject, found));
    const { known, patterns } = this.declaredNow();
    let text = withoutPlaceholders(withoutForged(said));
    for (const each of [this.vault, known]) text = betweenCommitments(text, (between) => each.replacedIn(between, commit)); // [COMMIT-5]
    text = plainAddresses(text, secret);
    text = betweenCommitments(text, (between) => withoutShapes(between, secret));
    for (const { pattern, ownerOf } of patterns)
      text = betweenCommitments(text, (between) => between.replaceAll(pattern, (found) => commit(ownerOf(found))));
    return { text, subjects };
  }

  private commitmentOf(subject: string, digest: Uint8Array): string {
    const { primitives, agent, salts } = this.options;
    const nonce = primitives.random(nonceBytes);
    const salt = saltOf(primitives, salts.keyOf(subject), nonce);
    return commitmentText({ subject, nonce, value: commitmentValue(primitives, { agent, subject, salt, digest }) });
  }

  /** What the newest policy declares. */
  private declaredNow(): Declared {
    const { version = 0, personal = [] } = this.options.policy() ?? {};
    if (this.declared?.version === version) return this.declared;
    const known = new Known(maxDeclared);
    const patterns: Pattern[] = [];
    for (const { subject, values, like } of personal) {
      for (const value of values) patterns.push(...this.patternsFor(known, this.ownerOf(subject, value), value));
      for (const each of like)
        patterns.push({ pattern: patternOf(each), ownerOf: (found) => this.ownerOf(subject, foundValue(found)) });
    }
    this.declared = { version, known, patterns };
    return this.declared;
  }

  private ownerOf(subject: string, value: string): Owner {
    return { subject, digest: committedDigest(this.options.primitives, utf8(value)) };
  }

  /** However it is spelled, it is committed as it was declared. [COMMIT-7] */
  private patternsFor(known: Known, owner: Owner, value: string): Pattern[] {
    try {
      for (const spelling of new Set([value, small(value), capitals(value)])) known.add(utf8(spelling), owner);
      return [];
    } catch (thrown) {
      if (codeOf(thrown) !== 'secret_unfit') throw thrown;
      return [{ pattern: patternOfValue(value), ownerOf: () => owner }];
    }
  }
}
