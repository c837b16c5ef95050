// `holdfast audit fetch`: an agent's log from the relay, as operator, verified; on any operator device.

import { bundleLines } from '@holdfast/protocol/audit/bundle';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { proofsFor } from '@holdfast/protocol/journal/proofs-of';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { joined, replaceFile } from '../audit/out-file.ts';
import { prunedLines } from '../audit/pruned.ts';
import { readShipped } from '../audit/shipped.ts';
import { asOperator } from '../operator/session.ts';
import type { Output } from '../output.ts';

export interface FetchOptions {
  readonly agent: string;
  readonly out?: string;
  readonly passphraseFile?: string;
}

/** [CLI-70] */
export async function fetchLog(output: Output, { agent: name, out, ...options }: FetchOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const log = await readShipped(session, name);
    const { agent, leaves, events, checkpoints, verdict } = log;
    const proofs = proofsFor(session.state, agent, events.map(decodeEvent));
    if (out !== undefined)
      await replaceFile(out, joined(bundleLines(nodePrimitives, log, { leaves, events, checkpoints, proofs })));
    output.result({ agent, ...verdict, ...(out !== undefined && { file: out }) }, [
      `${verdict.events} events of ${toHex(agent)} at the relay hold together, ${verdict.covered} of them under ${verdict.checkpoints} signed checkpoints`,
      ...prunedLines(verdict.pruned),
      ...(out === undefined ? [] : [`written to ${out}, for: holdfast-verify`]),
    ]);
  });
}
