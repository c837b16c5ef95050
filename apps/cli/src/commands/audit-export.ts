// `holdfast audit export` and `audit checkpoint`: the record for somewhere else, to be read, or to be verified by people who have nothing of ours.

import { jsonLine } from '@holdfast/protocol/codec/json-line';
import { agentsWords, bundleLines, checkpointFile } from '@holdfast/protocol/audit/bundle';
import { verifyCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import type { Proofs } from '@holdfast/protocol/audit/proofs';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { exportedOf, type Exported } from '../audit/exported.ts';
import { readLog, type Log } from '../audit/log.ts';
import { joined, replaceFile } from '../audit/out-file.ts';
import { prunedLines, prunedOf } from '../audit/pruned.ts';
import { readProofs } from '../audit/proofs.ts';
import { writeTileFolder } from '../audit/tile-folder.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { ocsfLine } from '../audit/ocsf.ts';
import { otlpBatch, otlpLine } from '../audit/otlp.ts';
import { usage, written, type Output } from '../output.ts';

export interface ExportOptions {
  readonly agent: string;
  readonly format: 'jsonl' | 'bundle' | 'otlp' | 'ocsf' | 'tiles';
  readonly out?: string;
  readonly redact?: boolean;
}

const redacted = ({ kind }: AuditEvent): boolean => agentsWords.has(kind); // [BUNDLE-6]

/** An event a line. Of what is left out, number, kind, time and the leaf hash stay, by which it can be shown later. [EXPORT-1] */
function jsonOf({ event, leaf, withheld }: Exported): string {
  const { sequence, kind, atMs } = event;
  return `${jsonLine(withheld ? { sequence, kind, atMs, leaf } : event)}\n`;
}

function* otlpLines(log: Log, redact: boolean): Generator<string> {
  for (let at = 0; at < log.events.length; at += otlpBatch)
    yield otlpLine(
      log,
      log.events.slice(at, at + otlpBatch).map((wire) => exportedOf(wire, redact)),
    );
}

function* eventLines(log: Log, redact: boolean, lineOf: (exported: Exported) => string): Generator<string> {
  for (const wire of log.events) yield lineOf(exportedOf(wire, redact));
}

function linesOf(log: Log, proofs: Proofs | undefined, { format, redact = false }: ExportOptions): Iterable<string> {
  switch (format) {
    case 'bundle':
      return bundleLines(nodePrimitives, log, { ...log, proofs }, redact ? redacted : undefined);
    case 'otlp':
      return otlpLines(log, redact);
    case 'ocsf':
      return eventLines(log, redact, (exported) => ocsfLine(log, exported));
    default:
      return eventLines(log, redact, jsonOf);
  }
}

export async function exportLog(output: Output, options: ExportOptions): Promise<void> {
  if (options.format === 'tiles') return exportTiles(output, options);
  const log = await readLog(options.agent);
  const proofs = options.format === 'bundle' ? await readProofs(log) : undefined; // [AUTHORITY-7]
  const pieces = joined(linesOf(log, proofs, options));
  if (options.out === undefined) {
    for (const piece of pieces) await written(process.stdout, piece);
    return;
  }
  await replaceFile(options.out, pieces);
  const { agent, events } = log;
  output.result({ agent, format: options.format, file: options.out, events: events.length }, [
    `${events.length} events written to ${options.out}`,
    ...prunedLines(prunedOf(log)),
  ]);
}

/** As far as the newest published checkpoint goes. [TILES-8] */
async function exportTiles(output: Output, { agent, out, redact = false }: ExportOptions): Promise<void> {
  if (out === undefined) throw usage('tiles are a folder', 'name it with --out');
  if (redact) throw usage('tiles hold every record whole', 'leave out --redact, or export a bundle');
  const { note } = await noteOf(agent);
  const log = await readLog(agent);
  const events = await writeTileFolder(out, log, note);
  output.result({ agent: log.agent, format: 'tiles', file: out, events }, [
    `${events} events written to ${out}`,
    ...prunedLines(prunedOf(log)),
  ]);
}

/** The newest checkpoint of the log, to be kept where this machine cannot change it. [CLI-64] */
export async function checkpoint(
  output: Output,
  options: { readonly agent: string; readonly out?: string; readonly note?: boolean },
): Promise<void> {
  if (options.note === true) return publishedNote(output, options);
  const log = await readLog(options.agent);
  const newest = log.checkpoints.at(-1);
  if (newest === undefined)
    throw new HoldfastError('audit_unavailable', 'the log has no checkpoint yet', { next: 'try again in a second' });
  const { statement } = await verifyCheckpoint(nodePrimitives, newest, log);
  const text = checkpointFile(log, newest);
  if (options.out === undefined) return written(process.stdout, text);
  await replaceFile(options.out, [text]);
  output.result({ agent: log.agent, file: options.out, size: statement.size, root: statement.root }, [
    `checkpoint over ${statement.size} events written to ${options.out}`,
  ]);
}

/** The newest checkpoint as it is published, cosigned where the relay can be reached. [CLI-66] */
async function publishedNote(output: Output, { agent, out }: { readonly agent: string; readonly out?: string }): Promise<void> {
  const { note, witnesses } = await noteOf(agent);
  if (out === undefined) return written(process.stdout, note);
  await replaceFile(out, [note]);
  output.result({ file: out, witnesses }, [
    `checkpoint written to ${out}`,
    ...(witnesses.length === 0 ? ['no witness has cosigned it'] : witnesses.map((witness) => `cosigned by ${witness}`)),
  ]);
}

async function noteOf(agent: string): Promise<{ readonly note: string; readonly witnesses: readonly string[] }> {
  const { note, witnesses } = await askDaemon(findHome(), { kind: 'audit-note', agent }, 'audit-note');
  if (note !== undefined) return { note, witnesses };
  throw new HoldfastError('audit_unavailable', 'this log publishes no checkpoint', { next: 'holdfast audit verify' });
}
