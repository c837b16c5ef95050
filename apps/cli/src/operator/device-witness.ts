// This device as a witness, spec/witness.md: its Ed25519 key, and the newest checkpoint of each log that it cosigned. The key follows from the device's
// own keys and from random bytes that lie in the same file as what was seen: who lost what it saw has another key.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cosignatureLine, cosignedBytes, type Witness } from '@holdfast/protocol/blind/log-note';
import { deviceWitness, vouchFor } from '@holdfast/protocol/blind/witness';
import { concat, equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, list, literal, record, text, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { joinNote } from '@holdfast/protocol/keys/note';
import { principalId } from '@holdfast/protocol/keys/public-keys';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { isAbsent, makeOperatorFolder, writeAtomically } from './key-file.ts';
import { takeTurn } from './turn.ts';

/** Twice the live agents of a fleet: revoked ones are remembered as well. */
const maxLogs = 8192;
const maxStateBytes = 32 * 1024 * 1024;

const stateFile = record({
  v: literal(1),
  device: principalId,
  salt: bytes(32),
  logs: list(record({ agent: principalId, note: text({ min: 1, max: 2048 }) }), { max: maxLogs }),
});
type State = Infer<typeof stateFile>;

export class DeviceWitness {
  readonly witness: Witness;
  /** The device's word for it. */
  readonly vouch: Uint8Array;
  /** Nothing is known of what an earlier one saw. [WITNESS-17] */
  readonly isNew: boolean;
  private readonly file: string;
  private readonly seed: Uint8Array;
  private readonly release: () => void;
  private state: State;

  private constructor(parts: {
    readonly witness: Witness;
    readonly vouch: Uint8Array;
    readonly isNew: boolean;
    readonly file: string;
    readonly seed: Uint8Array;
    readonly release: () => void;
    readonly state: State;
  }) {
    this.witness = parts.witness;
    this.vouch = parts.vouch;
    this.isNew = parts.isNew;
    this.file = parts.file;
    this.seed = parts.seed;
    this.release = parts.release;
    this.state = parts.state;
  }

  /** Of one process at a time, else `already_running`. `holder` stays the caller's. Throws `key_invalid` for a damaged file, `store_failed`. [WITNESS-21] */
  static async open(operator: string, device: Uint8Array, holder: SoftwareKeyHolder): Promise<DeviceWitness> {
    const folder = path.join(operator, 'witness');
    makeOperatorFolder(folder);
    const release = await takeTurn(folder, 'another witness of this device', 0);
    try {
      const file = path.join(folder, 'seen');
      const known = stateOf(file);
      const isNew = known === undefined || !equalBytes(known.device, device);
      const state = isNew ? { v: 1 as const, device, salt: primitives.random(32), logs: [] } : known; // [WITNESS-17]
      const seed = holder.derive(concat(utf8('holdfast/v1 device-witness\0'), state.salt)); // [WITNESS-17]
      const witness = deviceWitness(primitives, await primitives.ed25519PublicKey(seed)); // [WITNESS-18]
      return new DeviceWitness({ witness, vouch: await vouchFor(holder, witness), isNew, file, seed, release, state });
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** The newest checkpoint of this agent's log that this device cosigned, with the agent's line. */
  last(agent: Uint8Array): string | undefined {
    return this.state.logs.find((each) => equalBytes(each.agent, agent))?.note;
  }

  /** Cosigns what the caller has checked. On disk when it resolves, in place of the last. `lines`: of others. Throws `store_failed`. [WITNESS-21] */
  async cosign(
    agent: Uint8Array,
    checkpoint: string,
    { lines, atS }: { readonly lines: readonly string[]; readonly atS: number },
  ): Promise<string> {
    const signature = await primitives.ed25519Sign(this.seed, cosignedBytes(checkpoint, atS)); // [WITNESS-6]
    const note = joinNote(checkpoint, [...lines, cosignatureLine(primitives, this.witness, atS, signature)]);
    const others = this.state.logs.filter((each) => !equalBytes(each.agent, agent));
    const state = { ...this.state, logs: [...others, { agent, note }] };
    writeAtomically(this.file, encode(stateFile, state));
    this.state = state;
    return note;
  }

  /** Overwrites the key. */
  close(): void {
    this.seed.fill(0);
    this.release();
  }
}

function stateOf(file: string): State | undefined {
  let content: Uint8Array;
  try {
    content = new Uint8Array(readFileSync(file));
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new HoldfastError('store_failed', `${file} cannot be read`, { cause, next: 'check its permissions' });
  }
  try {
    return decode(stateFile, content, maxStateBytes);
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${file} is damaged`, {
      cause,
      next: 'restore it from a backup; or remove it: this device is then a new witness, and knows nothing of what it saw',
    }); // [WITNESS-17]
  }
}
