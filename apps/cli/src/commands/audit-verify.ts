// `holdfast audit verify`: the record as the daemon of this machine keeps it, checked here against its signed checkpoints, against one that was kept
// elsewhere, and against what witnesses say of that.

import { readCheckpointFile } from '@holdfast/protocol/audit/bundle';
import { verifyCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { forkFile, verifyFork, type Histories } from '@holdfast/protocol/audit/fork';
import { verifyAudit, type Anchor } from '@holdfast/protocol/audit/verify';
import { logName, parseWitnessKey, readLogText, seenBy, verifyLogNote } from '@holdfast/protocol/blind/log-note';
import { equalBytes, fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { parseNote } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { readLog } from '../audit/log.ts';
import { replaceFile } from '../audit/out-file.ts';
import { usesOf } from '../audit/proofs.ts';
import { prunedLines } from '../audit/pruned.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { exitCodeOf, told, usage, type Output } from '../output.ts';
import { readText } from '../secrets-input.ts';

interface VerifyOptions {
  readonly agent: string;
  readonly checkpoint?: string;
  /** Verifier keys. */
  readonly witness?: readonly string[];
  /** A proof that some log was forked, to be checked by itself. */
  readonly fork?: string;
  /** With it: the agent's public keys, in hex. */
  readonly key?: readonly string[];
  /** Where such a proof of this log goes, if there is one. */
  readonly forkOut?: string;
}

export async function verify(output: Output, options: VerifyOptions): Promise<void> {
  try {
    const witnesses = (options.witness ?? []).map((key) => parseWitnessKey(nodePrimitives, key));
    if (options.fork !== undefined)
      return await judgeFork(output, readText(options.fork), { keys: keysIn(options.key), witnesses });
    if (options.key !== undefined) throw usage('--key names whose keys a proof was signed with', 'add --fork FILE');
    const text = options.checkpoint === undefined ? undefined : readText(options.checkpoint);
    const kept = text === undefined || isNote(text) ? undefined : readCheckpointFile(text);
    const published = options.forkOut === undefined ? undefined : await askDaemon(findHome(), { kind: 'audit-note', agent: options.agent }, 'audit-note'); // prettier-ignore
    const note = text !== undefined && isNote(text) ? noteIn(text) : published?.fork?.older;
    const { leaves, events, checkpoints, agent, fleet, agentKey, earlierKeys = [], anchor } = await readLog(options.agent);
    const whose = { fleet, agent, agentKey, earlierKeys };
    const verdict = await verdictOf(whose, { leaves, events, checkpoints }, { anchor, kept, note }).catch(
      async (thrown: unknown) => {
        const newer = published?.fork?.newer ?? published?.note;
        if (codeOf(thrown) !== 'audit_altered' || options.forkOut === undefined || note === undefined || newer === undefined)
          throw thrown;
        throw await proven(thrown, whose, { leaves, events, older: note, newer, file: options.forkOut });
      },
    );
    const seen = witnesses.length === 0 ? [] : await seenBy(nodePrimitives, parseNote(note ?? noNote()), witnesses);
    const uses = await usesOf({
      ...whose,
      leaves,
      events: events.slice(0, Math.max(0, verdict.covered - leaves.length)),
      checkpoints,
    });
    const lacking = uses.filter(({ code }) => code !== undefined); // [AUTHORITY-17]
    output.result({ ok: true, agent, ...verdict, witnesses: seen, uses: uses.length, lacking }, [
      `${verdict.events} events hold together, ${verdict.covered} of them under ${verdict.checkpoints} signed checkpoints`,
      `root ${toHex(verdict.root)}`,
      ...(text === undefined || verdict.keyPinned
        ? []
        : ['whose key signed what came after that checkpoint is the word of this machine']),
      ...seen.map(({ name, atMs }) => `${name} saw the log only grow, up to that checkpoint, at ${new Date(atMs).toISOString()}`),
      ...prunedLines(verdict.pruned),
      ...(verdict.dropped > 0 ? [`${verdict.dropped} events were left out, and counted`] : []),
      ...(uses.length > 0 ? [`${uses.length - lacking.length} of ${uses.length} uses had their whole authority`] : []),
      ...lacking.map(({ sequence, name = 'a credential', code = '' }) => `  ! event ${sequence}: use of ${name} (${code})`),
    ]);
  } catch (thrown) {
    if (exitCodeOf(thrown) !== 4) throw thrown;
    if (output.json) output.result({ ok: false, error: told(thrown) }, []); // [CLI-15]
    else output.failed(thrown);
    process.exitCode = 4;
  }
}

/** What is wrong with a log that has another history than the one that was published, and the proof of it in a file for anybody. [WITNESS-16] */
async function proven(
  cause: unknown,
  whose: LogIdentity,
  { leaves, events, older, newer, file }: Histories & { readonly events: readonly Uint8Array[]; readonly file: string },
): Promise<unknown> {
  const proof = forkFile(nodePrimitives, whose, {
    ...{ older, newer },
    leaves: [...leaves, ...events.map((event) => leafHash(nodePrimitives, event))],
  });
  if (proof === undefined) return cause;
  const holds = await verifyFork(nodePrimitives, proof, { keys: keysOf(whose), witnesses: [] }).then(
    () => true,
    () => false,
  );
  if (!holds) return cause; // it is altered elsewhere
  await replaceFile(file, [proof]);
  return new HoldfastError('audit_altered', 'the log has another history than the one that was published', {
    cause,
    next: `the proof is in ${file}: holdfast audit verify --fork ${file}`,
  });
}

/** [WITNESS-15] */
async function judgeFork(output: Output, text: string, trusted: Parameters<typeof verifyFork>[2]): Promise<void> {
  const { log, sizes, witnesses } = await verifyFork(nodePrimitives, text, trusted);
  const { fleet, agent } = log;
  const keyPinned = trusted.keys.length > 0;
  output.result({ ok: true, fleet, agent, sizes, keyPinned, witnesses }, [
    `it is forked: of the ${sizes[1]} events that agent ${toHex(agent)} published, the first ${sizes[0]} are others than it had published`,
    ...witnesses.map(({ name }) => `${name} cosigned both`),
    ...(keyPinned ? [] : ["whose key it is, is the file's own word: name it with --key"]),
  ]);
}

/** Throws `usage`. */
function keysIn(typed: readonly string[] = []): readonly Uint8Array[] {
  return typed.map((each) => {
    const key = fromHex(each);
    if (key?.length !== 65) throw usage('--key takes a public key: 65 bytes in hex');
    return key;
  });
}

/** [WITNESS-14] */
function noNote(): never {
  throw new HoldfastError('witness_missing', 'witnesses cosign published checkpoints, and none was given', {
    next: 'holdfast audit checkpoint --note --out FILE, then --checkpoint FILE',
  });
}

const isNote = (text: string): boolean => text.startsWith('holdfast/log/');

/** A published checkpoint that was kept elsewhere. Throws `bundle_shape` for what is none. */
function noteIn(text: string): string {
  try {
    readLogText(parseNote(text).text);
    return text;
  } catch (cause) {
    throw new HoldfastError('bundle_shape', 'that is no published checkpoint', { cause });
  }
}

/** The checkpoint of a file that was kept elsewhere, if it is of this log, under the file's keys and no others. [CLI-64] [BUNDLE-4] [BUNDLE-5] */
async function keptOf(whose: LogIdentity, { log, checkpoint }: ReturnType<typeof readCheckpointFile>): Promise<Anchor> {
  const isOf = (key: Uint8Array, of: LogIdentity): boolean => keysOf(of).some((each) => equalBytes(each, key));
  if (!equalBytes(log.fleet, whose.fleet) || !equalBytes(log.agent, whose.agent) || !isOf(log.agentKey, whose))
    throw new HoldfastError('audit_forged', 'that checkpoint is of another log');
  const { size, root } = (await verifyCheckpoint(nodePrimitives, checkpoint, log)).statement;
  return { size, root, by: keysOf(whose).flatMap((key, nth) => (isOf(key, log) ? [nth] : [])) };
}

/** In the order in which the agent had them. */
const keysOf = ({ earlierKeys = [], agentKey }: LogIdentity): readonly Uint8Array[] => [...earlierKeys, agentKey];

/** Whatever is wrong with the record is a verdict over it, its shape included. */
async function verdictOf(
  whose: LogIdentity,
  log: Pick<Parameters<typeof verifyAudit>[2], 'leaves' | 'events' | 'checkpoints'>,
  known: {
    /** What the fleet's journal has. */
    readonly anchor: Uint8Array | undefined;
    readonly kept: ReturnType<typeof readCheckpointFile> | undefined;
    readonly note: string | undefined;
  },
): ReturnType<typeof verifyAudit> {
  const { anchor, kept, note } = known;
  try {
    const anchors: Anchor[] = [];
    if (anchor !== undefined) anchors.push((await verifyCheckpoint(nodePrimitives, anchor, whose)).statement); // [AUDIT-24]
    if (kept !== undefined) anchors.push(await keptOf(whose, kept));
    const origin = logName(nodePrimitives, whose.fleet, whose.agent);
    if (note !== undefined) anchors.push(await verifyLogNote(nodePrimitives, note, { origin, keys: keysOf(whose) })); // [CLI-64]
    return await verifyAudit(nodePrimitives, whose, { ...log, anchors });
  } catch (cause) {
    if (codeOf(cause).startsWith('codec_'))
      throw new HoldfastError('audit_altered', 'the log holds what no daemon writes', { cause }); // [CLI-15]
    throw cause;
  }
}
