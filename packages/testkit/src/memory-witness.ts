// An honest witness in memory, for the relay in memory: it cosigns what continues what it cosigned, and believes whose log it is.

import { cosignatureLine, cosignedBytes, readLogText } from '@holdfast/protocol/blind/log-note';
import { vouchFor, type DeviceNote } from '@holdfast/protocol/blind/witness';
import type { RelayRequest } from '@holdfast/protocol/blind/frames';
import { codeOf } from '@holdfast/protocol/errors';
import { joinNote, parseNote } from '@holdfast/protocol/keys/note';
import { verifyConsistency } from '@holdfast/protocol/primitives/merkle';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

type Asked = Extract<RelayRequest, { kind: 'witness-add' }>;
type Answer =
  | { readonly kind: 'cosigned'; readonly line: string; readonly vouch: Uint8Array }
  | { readonly kind: 'witness-conflict'; readonly note?: string }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

const seed = new Uint8Array(32).fill(0x77);

export class MemoryWitness {
  /** The newest note of each log; whoever empties it is a relay that lost its store. */
  readonly notes = new Map<string, string>();
  /** What it shows of devices as witnesses, of whichever log. */
  readonly devices: DeviceNote[] = [];
  /** Seconds since 1970. */
  atS = 1_790_000_000;
  private readonly primitives: Primitives;
  private readonly keys: SoftwareKeyHolder;

  constructor(primitives: Primitives, keys: SoftwareKeyHolder) {
    this.primitives = primitives;
    this.keys = keys;
  }

  async add({ note, old, proof }: Asked): Promise<Answer> {
    const { primitives } = this;
    const { text, signatures } = parseNote(note);
    const head = readLogText(text);
    const known = this.notes.get(head.origin);
    const last = known === undefined ? undefined : readLogText(parseNote(known).text);
    if (old !== (last?.size ?? 0)) return { kind: 'witness-conflict', ...(known !== undefined && { note: known }) };
    try {
      if (last !== undefined) verifyConsistency(primitives, { from: last, to: head, proof });
    } catch (thrown) {
      return { kind: 'error', code: codeOf(thrown), message: 'no continuation' };
    }
    const witness = { name: 'holdfast/relay/memory', key: await primitives.ed25519PublicKey(seed) };
    const signature = await primitives.ed25519Sign(seed, cosignedBytes(text, this.atS));
    const line = cosignatureLine(primitives, witness, this.atS, signature);
    this.notes.set(head.origin, joinNote(text, [...signatures.map((each) => each.line), line]));
    return { kind: 'cosigned', line, vouch: await vouchFor(this.keys, witness) };
  }
}
