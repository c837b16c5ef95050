// An agent's log held against all that this device knows of it, spec/witness.md: what it cosigned last, what other devices did, what it was given. The
// relay is believed in nothing: the log is read whole and hashed here. What goes on from all of that is cosigned, and nothing else.

import { forkFile, verifyFork } from '@holdfast/protocol/audit/fork';
import type { Anchor } from '@holdfast/protocol/audit/verify';
import { logName, verifyLogNote, type PublishedNote } from '@holdfast/protocol/blind/log-note';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { askWitnessed, putWitnessed } from '@holdfast/protocol/exchange/witness-calls';
import { actingAgents, type Agent } from '@holdfast/protocol/journal/state';
import { ecdsaKeyId, signaturesBy } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { openLog, sizesOf, verifyShipped, type UnverifiedLog } from '@holdfast/protocol/operator/shipped';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { DeviceWitness } from '../operator/device-witness.ts';
import type { LocalOperator } from '../operator/session.ts';
import { exitCodeOf } from '../output.ts';
import { seenCheckpoints } from './shipped.ts';

export interface CosignedLog {
  readonly size: number;
  readonly atMs: number;
  /** With the lines of agent, relay and this device. */
  readonly note: string;
}

/** A checkpoint of this agent, and the note that it stands in. */
interface Known extends PublishedNote {
  readonly wire: string;
}

/** That a log has two histories: `proof` is the file that says so to anybody. [WITNESS-24] */
export class ForkFound extends HoldfastError {
  readonly proof: string;

  constructor(proof: string, cause: unknown) {
    super('audit_altered', 'the log has another history than the one that was seen of it', {
      cause,
      next: 'nothing was cosigned; have the proof of it written: --agent AGENT --fork-out FILE',
    });
    this.proof = proof;
  }
}

const next = 'nothing was cosigned: look at the machine, and at who can put its relay back';

const fewer = (shown: number, seen: number): HoldfastError =>
  new HoldfastError('audit_truncated', `the relay shows a checkpoint of ${shown} records, and ${seen} were seen of this log before`, { next }); // prettier-ignore

/**
 * `given`: checkpoints of this log that somebody kept elsewhere. Throws `audit_truncated`, `audit_altered` (a `ForkFound`) and what else [SHIP-9] names:
 * nothing was cosigned then; `audit_unavailable` where there is not enough to check yet. [WITNESS-19] [WITNESS-20]
 */
export async function witnessLog(
  session: LocalOperator,
  device: DeviceWitness,
  { agent, given }: { readonly agent: Agent; readonly given: readonly string[] },
): Promise<CosignedLog> {
  const log = { origin: logName(primitives, session.facts.fleet, agent.id), keys: keysOf(agent) };
  const asked = await askWitnessed(session.relay, agent.id);
  const known = await checkpointsOf(log, { asked, last: device.last(agent.id), given });
  const shipped = await openLog(session, agent);
  await assertGoesOn(shipped, known, (read, anchors) => verifyShipped(session, seenCheckpoints(session), read, anchors));
  const { size, note: { text } } = known.shown; // prettier-ignore
  const atS = Math.floor(Date.now() / 1000);
  const note = await device.cosign(agent.id, text, { lines: linesOf(session.facts.relayKey, known.shown, log), atS });
  const isListed = actingAgents(session.state).some(({ id }) => equalBytes(id, agent.id));
  if (isListed) await putWitnessed(session.relay, { agent: agent.id, note, vouch: device.vouch }); // [WITNESS-22]
  return { size, atMs: 1000 * atS, note };
}

interface LogKeys {
  readonly origin: string;
  /** In the order in which the agent had them. */
  readonly keys: readonly Uint8Array[];
}

export interface Checkpoints {
  readonly shown: Known;
  /** Of others, and of earlier. */
  readonly seen: readonly Known[];
}

/**
 * What the relay shows, and all that its log has to go on from. What it shows of other devices counts by the agent's signature, and else for nothing.
 * Throws `audit_truncated`, `audit_forged`, `audit_unavailable`. [WITNESS-19] [WITNESS-20]
 */
export async function checkpointsOf(
  log: LogKeys,
  {
    asked,
    last,
    given,
  }: {
    readonly asked: Awaited<ReturnType<typeof askWitnessed>>;
    readonly last: string | undefined;
    readonly given: readonly string[];
  },
): Promise<Checkpoints> {
  const read = async (wire: string): Promise<Known> => ({ ...(await verifyLogNote(primitives, wire, log)), wire });
  const seen = await Promise.all([...(last === undefined ? [] : [last]), ...given].map(read));
  for (const { note } of asked.devices) seen.push(...(await read(note).then((known) => [known], () => []))); // prettier-ignore
  const shown = asked.note === undefined ? undefined : await read(asked.note);
  const longest = Math.max(0, ...seen.map(({ size }) => size));
  if ((shown?.size ?? 0) < longest) throw fewer(shown?.size ?? 0, longest); // [WITNESS-20]
  if (shown === undefined) throw unavailable('the relay has no checkpoint of this agent yet');
  return { shown, seen };
}

const unavailable = (message: string): HoldfastError =>
  new HoldfastError('audit_unavailable', message, { next: 'its daemon sends it while it is connected: try again in a moment' });

const keysOf = ({ earlierKeys, keys }: Agent): readonly Uint8Array[] => [...earlierKeys, keys].map(({ sign }) => sign);

/**
 * The log is what all of these were made of. `verify`: as [SHIP-9] says, with these as anchors; a topic that is ahead of what was shipped is no fault of
 * the log. Throws what it throws, a `ForkFound` where there is a proof; `audit_unavailable`. [WITNESS-19] [WITNESS-20]
 */
export async function assertGoesOn(
  { anchor, ...shipped }: UnverifiedLog,
  { shown, seen }: Checkpoints,
  verify: (read: UnverifiedLog, anchors: readonly Anchor[]) => Promise<unknown>,
): Promise<void> {
  const { there, topic } = sizesOf(primitives, { ...shipped, ...(anchor !== undefined && { anchor }) });
  const read = { ...shipped, ...(anchor !== undefined && topic <= there && { anchor }) };
  const isWhole = shown.size <= there;
  try {
    await verify(
      read,
      (isWhole ? [shown, ...seen] : seen).map(({ size, root }) => ({ size, root })),
    );
  } catch (thrown) {
    if (exitCodeOf(thrown) !== 4 || !(thrown instanceof HoldfastError)) throw thrown;
    const proof = await proofOf(shipped, { shown, seen });
    throw proof === undefined
      ? new HoldfastError(thrown.code, thrown.message, { cause: thrown, next })
      : new ForkFound(proof, thrown);
  }
  const published = Math.max(shown.size, topic);
  if (published > there) throw unavailable(`the relay has ${there} of the ${published} records that were published`);
}

/** [WITNESS-24] */
async function proofOf({ whose, ...log }: UnverifiedLog, { shown, seen }: Checkpoints): Promise<string | undefined> {
  const leaves = [...log.leaves, ...log.events.map((event) => leafHash(primitives, event))];
  for (const { wire } of seen) {
    const proof = forkFile(primitives, whose, { older: wire, newer: shown.wire, leaves });
    if (proof === undefined) continue;
    const holds = verifyFork(primitives, proof, { keys: [...(whose.earlierKeys ?? []), whose.agentKey], witnesses: [] });
    if (await holds.then(() => true, () => false)) return proof; // prettier-ignore
  }
  return undefined;
}

/** The agent's, which verified, and the relay's as it stands there: who asks for it verifies it. */
function linesOf(relayKey: Uint8Array, { note }: Known, { origin, keys }: LogKeys): string[] {
  const relay = `holdfast/relay/${toHex(primitives.sha256(relayKey).subarray(0, 8))}`;
  const own = keys.flatMap((key) => signaturesBy(note, origin, ecdsaKeyId(primitives, key)).slice(0, 1));
  return [...own, ...note.signatures.filter(({ name }) => name === relay).slice(0, 1)].map(({ line }) => line);
}
