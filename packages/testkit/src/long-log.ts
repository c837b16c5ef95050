// A long log of one agent with its checkpoints, as its daemon would write it, made with keys at hand.

import { logOrigin, readCheckpoint, signCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent, encodeEvent } from '@holdfast/protocol/audit/event';
import {
  cosignatureLine,
  cosignedBytes,
  logLine,
  logName,
  logText,
  signLogHead,
  witnessKeyText,
} from '@holdfast/protocol/blind/log-note';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { joinNote, parseNote } from '@holdfast/protocol/keys/note';
import { Frontier, leafHash, rootOf } from '@holdfast/protocol/primitives/merkle';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

const atMs = 1_790_000_000_000;
const random = (length: number): Uint8Array => nodePrimitives.random(length);
/** A time at which a writer makes one; the last records have none. */
const everyRecords = 100;

export interface LongLog {
  readonly log: LogIdentity;
  readonly events: Uint8Array[];
  readonly checkpoints: Uint8Array[];
}

/** The note with a witness's cosignature under it, and the verifier key of that witness. */
export async function cosignedBy(
  name: string,
  note: string,
  atS: number,
): Promise<{ readonly note: string; readonly witness: string }> {
  const seed = nodePrimitives.sha256(utf8(name));
  const witness = { name, key: await nodePrimitives.ed25519PublicKey(seed) };
  const signature = await nodePrimitives.ed25519Sign(seed, cosignedBytes(parseNote(note).text, atS));
  const line = cosignatureLine(nodePrimitives, witness, atS, signature);
  return { note: `${note}${line}\n`, witness: witnessKeyText(nodePrimitives, witness) };
}

export class Author {
  readonly custody: SoftwareKeyHolder;
  private readonly key: SoftwareKeyHolder;
  readonly log: LogIdentity;

  private constructor(custody: SoftwareKeyHolder, key: SoftwareKeyHolder, fleet: Uint8Array, agent: Uint8Array) {
    this.custody = custody;
    this.key = key;
    this.log = { fleet, agent, agentKey: custody.publicKeys.sign };
  }

  /** `agent`: one that another author writes for as well, under other keys. */
  static async of(fleet: Uint8Array, agent = random(16)): Promise<Author> {
    const [custody, key] = [await SoftwareKeyHolder.generate(nodePrimitives), await SoftwareKeyHolder.generate(nodePrimitives)];
    return new Author(custody, key, fleet, agent);
  }

  /** Signs whatever it is given, also records that no daemon would write. */
  async sign(events: readonly Uint8Array[], every = everyRecords): Promise<Uint8Array[]> {
    const { fleet, agent } = this.log;
    const life = { notBeforeMs: atMs, notAfterMs: atMs + 600_000 };
    const certificate = await certifySessionKey(this.custody, { v: 1, fleet, agent, key: this.key.publicKeys.sign, ...life });
    const frontier = new Frontier(nodePrimitives);
    const checkpoints: Uint8Array[] = [];
    for (const event of events) {
      frontier.append(leafHash(nodePrimitives, event));
      if (frontier.size % every !== 0) continue;
      const last = checkpoints.at(-1);
      const wire = await signCheckpoint(
        { certificate, sign: (domain, statement) => this.key.sign(domain, statement) },
        {
          v: 1,
          fleet,
          agent,
          origin: logOrigin(fleet, agent),
          size: frontier.size,
          root: frontier.root(),
          atMs: atMs + frontier.size,
          ...(last !== undefined && { previous: readCheckpoint(nodePrimitives, last).hash }),
        },
      );
      checkpoints.push(wire);
    }
    return checkpoints;
  }

  /** The log of these events as it is published: a signed note. */
  async publish(events: readonly Uint8Array[]): Promise<string> {
    const { fleet, agent, agentKey } = this.log;
    const root = rootOf(nodePrimitives, events.map((event) => leafHash(nodePrimitives, event))); // prettier-ignore
    const head = { origin: logName(nodePrimitives, fleet, agent), size: events.length, root };
    const line = logLine(nodePrimitives, head.origin, agentKey, await signLogHead(this.custody, head));
    return joinNote(logText(head), [line]);
  }

  records(count: number): Uint8Array[] {
    const [run, session] = [random(16), random(16)];
    return Array.from({ length: count }, (_, sequence) =>
      encodeEvent({
        kind: 'consumed',
        v: 1,
        agent: this.log.agent,
        sequence,
        run,
        atMs: atMs + sequence,
        monotonicUs: sequence,
        session,
        handle: random(16),
        grant: random(16),
        item: random(16),
        request: random(32),
      }),
    );
  }

  /** So many records, the last of which has those below that number pruned, by policy 1 of 30 days. */
  async writePruning(count: number, below: number): Promise<LongLog> {
    const events = this.records(count);
    const { v, agent, sequence, run, monotonicUs, ...last } = decodeEvent(events.at(-1) ?? new Uint8Array());
    const times = { seenAtMs: atMs, pulseAtMs: atMs + 30 * 86_400_000 };
    const said = { v, agent, sequence, run, monotonicUs, atMs: last.atMs, below, version: 1, retentionDays: 30, ...times };
    events[sequence] = encodeEvent({ kind: 'pruned', ...said });
    return { log: this.log, events, checkpoints: await this.sign(events) };
  }

  async write(count: number): Promise<LongLog> {
    const events = this.records(count);
    return { log: this.log, events, checkpoints: await this.sign(events) };
  }
}
