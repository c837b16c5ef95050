// `holdfast audit reveal | check | erase`: commitments of secrets and personal data in the log, proven by who has the value, or made unprovable by an
// operator. spec/commitments.md

import { commitmentsIn, isSubject } from '@holdfast/protocol/audit/commitment';
import { checkProof, proofFile, readProof, textsOf } from '@holdfast/protocol/audit/commitment-proof';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { foundValue } from '@holdfast/protocol/audit/personal';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { eraseSubject } from '@holdfast/protocol/journal/compose';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { askEvents } from '../audit/log.ts';
import { replaceFile } from '../audit/out-file.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { usage, written, type Output } from '../output.ts';
import { askLine, readText, secretFromStdin } from '../secrets-input.ts';

interface RevealOptions {
  readonly agent: string;
  readonly value?: string;
  readonly out?: string;
}

/** What was said, and what a pattern would have made of it. [COMMIT-8] */
async function valuesFrom(option: string): Promise<readonly Uint8Array[]> {
  if (option !== '-') throw usage('--value takes - and reads the value from standard input', 'an argument is seen by others');
  const said = await secretFromStdin('The value');
  const found = utf8(foundValue(said.toString('utf8')));
  return Buffer.compare(said, found) === 0 ? [said] : [said, found];
}

/** The first that is right; throws what the last one threw. */
async function firstOf<T>(values: readonly Uint8Array[], attempt: (value: Uint8Array) => Promise<T> | T): Promise<T> {
  let wrong: unknown;
  for (const value of values) {
    try {
      return await attempt(value);
    } catch (thrown) {
      if (codeOf(thrown) !== 'commitment_mismatch') throw thrown;
      wrong = thrown;
    }
  }
  throw wrong;
}

/** [CLI-90] */
export async function reveal(output: Output, number: number, options: RevealOptions): Promise<void> {
  const { agent, value, out } = options;
  if (value === undefined) return list(output, agent, number);
  const values = await valuesFrom(value);
  const asked = (each: Uint8Array) =>
    askDaemon(findHome(), { kind: 'audit-reveal', agent, event: number, value: each }, 'revealed');
  const proof = await firstOf(values, asked);
  for (const each of values) each.fill(0);
  const file = proofFile(proof);
  if (out === undefined) return written(process.stdout, file);
  await replaceFile(out, [file]);
  output.result({ event: number, subject: proof.subject, file: out }, [
    `proof of what stands for ${proof.subject} in event ${number} written to ${out}: holdfast audit check ${out} --value -`,
  ]);
}

async function list(output: Output, agent: string, number: number): Promise<void> {
  const { items, pruned } = await askEvents(agent, number, 1);
  if (number < pruned) throw usage(`event ${number} was pruned`, 'holdfast audit show');
  const [wire] = items;
  if (wire === undefined) throw usage(`there is no event ${number}`, 'holdfast audit show');
  const subjects = textsOf(decodeEvent(wire)).flatMap((said) => commitmentsIn(said).map(({ subject }) => subject));
  output.result({ event: number, commitments: subjects }, [
    ...(subjects.length === 0 ? ['nothing in it was committed'] : subjects),
  ]);
}

/** [CLI-91] */
export async function check(output: Output, file: string, { value }: { readonly value: string }): Promise<void> {
  const proof = readProof(readText(file));
  const { event, leaf } = await firstOf(await valuesFrom(value), (each) => checkProof(nodePrimitives, proof, each));
  const { agent, sequence } = event;
  output.result({ ok: true, fleet: proof.fleet, agent, event: sequence, leaf, subject: proof.subject }, [
    `event ${sequence} holds a commitment to this value, of ${proof.subject}`,
    `that the log holds the event shows a bundle of it: leaf ${toHex(leaf)}`,
  ]);
}

/** [CLI-92] */
export async function erase(
  output: Output,
  subject: string,
  options: { readonly passphraseFile?: string; readonly confirm?: string },
): Promise<void> {
  if (!isSubject(subject)) throw usage(`${subject} is no subject`, 'holdfast audit policy show');
  const words = `erase ${subject}`;
  const typed =
    options.confirm ?? (await askLine(`What logs hold of ${subject} can never be proven again. To go on, type: ${words}`));
  if (typed !== words) throw usage('nothing was erased: other words were typed', `--confirm '${words}'`);
  await asOperator(output, options, async (session) => {
    await session.write((operator) => eraseSubject(operator, subject));
    const applied = (await session.appliedHere()) === 'applied';
    output.result({ subject, erased: true, applied }, [
      applied ? `what is recorded of ${subject} can't be proven any more` : `${subject} is erased once the daemons hear of it`,
    ]);
  });
}
