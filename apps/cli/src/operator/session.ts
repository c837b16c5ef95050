// One command's work as the operator of this machine: unlocks the key file, does it as packages/protocol/src/operator has it, and leaves a pulse
// behind. The key is overwritten at the end, whatever happened.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf } from '@holdfast/protocol/errors';
import type { OperatorFacts, OperatorPorts, RelayEvents } from '@holdfast/protocol/operator/ports';
import { OperatorSession, readFleet, type ReadFleet } from '@holdfast/protocol/operator/session';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { askDaemon, findHome } from '../door-client.ts';
import { visible, type Output } from '../output.ts';
import { passphrase } from '../secrets-input.ts';
import { DeviceWitness } from './device-witness.ts';
import { hasOperator, operatorFacts, unlockOperator } from './key-file.ts';
import { openRelay } from './relay.ts';
import { fileStore } from './store.ts';

const appliedWithinMs = 10_000;

export class LocalOperator extends OperatorSession {
  readonly paths: HomePaths;
  readonly #holder: SoftwareKeyHolder;

  private constructor(paths: HomePaths, holder: SoftwareKeyHolder, fleet: ReadFleet) {
    super(fleet);
    this.paths = paths;
    this.#holder = holder;
  }

  /** Throws `operator_absent`, `passphrase_wrong`, `relay_*`, and the entry's own code for a history that does not hold. */
  static async open(paths: HomePaths, phrase: Uint8Array, events: RelayEvents = {}): Promise<LocalOperator> {
    const holder = await unlockOperator(paths.operator, phrase);
    try {
      return await LocalOperator.connect(paths, holder, events);
    } catch (thrown) {
      holder.wipe(); // [OPKEY-5]
      throw thrown;
    }
  }

  /** With a key that is unlocked already; `disconnect` leaves it to the caller, `close` overwrites it. Throws as `open`. */
  static async connect(paths: HomePaths, holder: SoftwareKeyHolder, events: RelayEvents = {}): Promise<LocalOperator> {
    const session = await LocalOperator.read(paths, operatorFacts(paths.operator), holder, events);
    try {
      await session.finishOthersWork();
      return session;
    } catch (thrown) {
      session.disconnect();
      throw thrown;
    }
  }

  /** Reads the fleet as whoever `facts` and `holder` say, a recovery code for example, and writes nothing. Throws as `open`. */
  static async read(
    paths: HomePaths,
    facts: OperatorFacts,
    holder: SoftwareKeyHolder,
    events: RelayEvents = {},
  ): Promise<LocalOperator> {
    return new LocalOperator(paths, holder, await readFleet(portsAt(paths, facts.device), facts, holder, events));
  }

  /** This device as a witness of logs, which the caller closes. Throws `already_running`, `key_invalid`, `store_failed`. */
  openWitness(): Promise<DeviceWitness> {
    return DeviceWitness.open(this.paths.operator, this.facts.device, this.#holder);
  }

  /** Waits until the daemon of this machine has applied everything written so far: `absent` without one, `late` when it does not hear of it in time. */
  async appliedHere(): Promise<'applied' | 'absent' | 'late'> {
    const { position, hash } = this.head;
    try {
      await askDaemon(
        this.paths,
        { kind: 'await-control', fleet: this.facts.fleet, position, hash, timeoutMs: appliedWithinMs },
        'done',
      );
      return 'applied'; // [CLI-19]
    } catch (thrown) {
      const code = codeOf(thrown);
      if (code === 'daemon_unreachable' || code === 'agent_unknown') return 'absent';
      if (code === 'relay_unreachable') return 'late';
      throw thrown;
    }
  }

  /** Overwrites the keys. */
  close(): void {
    this.disconnect();
    this.#holder.wipe(); // [OPKEY-5]
  }
}

/** What this machine brings along for an author: the device whose home it is, or a recovery code that is used here. */
export function portsAt({ operator }: HomePaths, author: Uint8Array): OperatorPorts {
  const isDevice = hasOperator(operator) && equalBytes(operatorFacts(operator).device, author);
  return {
    primitives: nodePrimitives,
    nowMs: Date.now,
    store: fileStore(operator, isDevice ? 'device' : 'code'),
    connect: openRelay,
  };
}

/** Runs an operator command: every one of them renews the pulse, and one that could not still did its work. */
export async function asOperator<T>(
  output: Output,
  options: { readonly passphraseFile?: string },
  work: (session: LocalOperator) => Promise<T>,
  events: RelayEvents = {},
): Promise<T> {
  const paths = findHome();
  operatorFacts(paths.operator); // says so before it asks for a passphrase
  const phrase = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  let session: LocalOperator;
  try {
    session = await LocalOperator.open(paths, phrase, events);
  } finally {
    phrase.fill(0);
  }
  for (const { id, name } of session.newDevices)
    output.say(`holdfast: new operator device: ${visible(name)}. If it is none of yours: holdfast devices remove ${toHex(id)}`); // [DEVICES-8]
  for (const { id, name, renamed } of session.renamedDevices)
    output.say(
      `holdfast: operator device ${toHex(id).slice(0, 8)} is called ${visible(name)} now; it was added as ${visible(renamed.joinedAs)}`,
    ); // [DEVICES-8]
  for (const { id, scope, machine, by } of session.newAgents)
    output.say(
      `holdfast: new agent: ${scope} on ${visible(machine)}${by === undefined ? '' : `, admitted by ${visible(by)}`}. If you don't want it: holdfast revoke ${toHex(id)}`,
    ); // [DEVICES-8]
  try {
    const result = await work(session);
    await session
      .pulse()
      .catch((thrown: unknown) => output.say(`holdfast: warning: no pulse was made (${codeOf(thrown)}); see: holdfast pulse`)); // [CLI-17]
    return result;
  } finally {
    session.close();
  }
}
