// `holdfast audit witness`: this device cosigns agents' logs after it has read them itself, and finds those that were cut, put back or forked
// since it last looked, whoever helped. spec/witness.md, spec/cli.md [CLI-94].

import { logName, readLogText, witnessKeyText } from '@holdfast/protocol/blind/log-note';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { actingAgents, type Agent } from '@holdfast/protocol/journal/state';
import { parseNote } from '@holdfast/protocol/keys/note';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { replaceFile } from '../audit/out-file.ts';
import { ForkFound, witnessLog, type CosignedLog } from '../audit/witnessing.ts';
import type { DeviceWitness } from '../operator/device-witness.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { exitCodeOf, told, usage, visible, type Output } from '../output.ts';
import { readText } from '../secrets-input.ts';

export interface WitnessOptions {
  readonly agent?: string;
  /** Published checkpoints that somebody kept elsewhere. */
  readonly checkpoint?: readonly string[];
  readonly out?: string;
  readonly forkOut?: string;
  readonly passphraseFile?: string;
}

export async function witness(output: Output, options: WitnessOptions): Promise<void> {
  const { agent: name, checkpoint = [], out, forkOut } = options;
  if (name === undefined && (checkpoint.length > 0 || (out ?? forkOut) !== undefined))
    throw usage('--checkpoint, --out and --fork-out are of one log', 'add --agent AGENT');
  const given = checkpoint.map((file) => noteIn(readText(file)));
  await asOperator(output, options, async (session) => {
    const { value, lines, exitCode } =
      name === undefined
        ? await witnessEach(output, session)
        : await withDevice(output, session, (device) => witnessOne(session, device, { name, given, out, forkOut }));
    output.result(value, lines);
    if (exitCode !== 0) process.exitCode = exitCode;
  });
}

/** What was found of logs, for scripts and for people; 4 before all other codes. */
export interface Found {
  readonly value: { readonly witness: string; readonly isNew: boolean; readonly agents: readonly Result[] };
  readonly lines: readonly string[];
  readonly exitCode: number;
}

async function withDevice<T>(output: Output, session: LocalOperator, work: (device: DeviceWitness) => Promise<T>): Promise<T> {
  const device = await session.openWitness();
  try {
    if (device.isNew) output.say('holdfast: this device begins as a new witness: of what was seen before it knows nothing'); // [WITNESS-17]
    return await work(device);
  } finally {
    device.close();
  }
}

/** The logs of all agents that act: one that fails keeps no other from being looked at. Throws as `openWitness`. [CLI-94] */
export function witnessEach(output: Output, session: LocalOperator): Promise<Found> {
  return withDevice(output, session, async (device) => {
    const results: Result[] = [];
    const codes: number[] = [0];
    for (const agent of actingAgents(session.state)) {
      try {
        results.push(resultOf(agent, await witnessLog(session, device, { agent, given: [] })));
      } catch (thrown) {
        codes.push(exitCodeOf(thrown));
        results.push({ agent: agent.id, scope: agent.scope, error: told(thrown) });
      }
    }
    return found(device, results, Math.max(...codes));
  });
}

interface Asked {
  readonly name: string;
  readonly given: readonly string[];
  readonly out: string | undefined;
  readonly forkOut: string | undefined;
}

async function witnessOne(session: LocalOperator, device: DeviceWitness, { name, given, out, forkOut }: Asked): Promise<Found> {
  const agent = session.agent(name);
  const origin = logName(primitives, session.facts.fleet, agent.id);
  if (given.some((note) => readLogText(parseNote(note).text).origin !== origin))
    throw new HoldfastError('audit_forged', 'that checkpoint is of another log');
  try {
    const cosigned = await witnessLog(session, device, { agent, given });
    if (out !== undefined) await replaceFile(out, [cosigned.note]);
    return found(device, [resultOf(agent, cosigned)], 0);
  } catch (thrown) {
    if (!(thrown instanceof ForkFound) || forkOut === undefined) throw thrown;
    await replaceFile(forkOut, [thrown.proof]); // [WITNESS-24]
    throw new HoldfastError('audit_altered', thrown.message, { cause: thrown, next: `the proof is in ${forkOut}: holdfast audit verify --fork ${forkOut}` }); // prettier-ignore
  }
}

type Result = { readonly agent: Uint8Array; readonly scope: string } & (
  | Pick<CosignedLog, 'size' | 'atMs'>
  | { readonly error: ReturnType<typeof told> }
);

const resultOf = ({ id, scope }: Agent, { size, atMs }: CosignedLog): Result => ({ agent: id, scope, size, atMs });

function found({ witness: by, isNew }: DeviceWitness, agents: readonly Result[], exitCode: number): Found {
  const key = witnessKeyText(primitives, by);
  const lines = agents.flatMap((each) => {
    const whose = `${visible(each.scope)} ${toHex(each.agent)}`;
    if (!('error' in each)) return [`${whose}: ${each.size} events, read here and cosigned`];
    const { message, code, next } = each.error;
    return [`! ${whose}: ${visible(message)} (${code})`, ...(next === undefined ? [] : [`    next: ${visible(next)}`])];
  });
  return { value: { witness: key, isNew, agents }, lines: [...lines, `this device as a witness: ${key}`], exitCode };
}

/** Throws `bundle_shape` for what is no published checkpoint. */
function noteIn(text: string): string {
  try {
    readLogText(parseNote(text).text);
    return text;
  } catch (cause) {
    throw new HoldfastError('bundle_shape', 'that is no published checkpoint', { cause });
  }
}
