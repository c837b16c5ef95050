// `holdfast audit show | verify`: the record as the daemon of this machine keeps it, checked here against its signed
// checkpoints and against one that was kept elsewhere.

import { readFile } from 'node:fs/promises';
import { setTimeout as later } from 'node:timers/promises';
import { readCheckpointFile } from '@holdfast/protocol/audit/bundle';
import { verifyCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { classNames, kindsOf, storyOf, traceOf, type EventKind } from '@holdfast/protocol/audit/classes';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { verifyAudit, type Anchor } from '@holdfast/protocol/audit/verify';
import { logName, readLogText, verifyLogNote } from '@holdfast/protocol/blind/log-note';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { parseNote } from '@holdfast/protocol/keys/note';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { askEvents, readLog, type Log } from '../audit/log.ts';
import { usesOf } from '../audit/proofs.ts';
import { lineOf, namesOfChildren } from '../audit/sentence.ts';
import { readShipped } from '../audit/shipped.ts';
import { agoMs } from '../audit/since.ts';
import { asOperator } from '../operator/session.ts';
import { exitCodeOf, told, usage, type Output } from '../output.ts';

export interface ShowOptions {
  readonly agent: string;
  readonly last?: number;
  readonly since?: string;
  readonly what?: readonly string[];
  readonly trace?: string;
  readonly follow?: boolean;
  /** As operator, what the relay keeps. */
  readonly shipped?: boolean;
  readonly passphraseFile?: string;
}

/** How often the daemon is asked for more; nothing is lost in between. */
const followEveryMs = 500;

/** Which events are asked for. Throws `usage`. [CLI-60] */
function filterOf({ since, what = [], trace }: ShowOptions): (event: AuditEvent) => boolean {
  const fromMs = since === undefined ? 0 : Date.now() - agoMs(since);
  if (trace !== undefined && !/^[0-9a-f]{32}$/.test(trace))
    throw usage('--trace takes 32 hex digits', 'an event shows its own: holdfast audit show --json');
  const kinds = new Set<EventKind>();
  for (const word of what) {
    const named = kindsOf(word);
    if (named === undefined)
      throw usage(`no kind of event is called ${word}`, `there are ${classNames.join(', ')}, and the kinds of spec/audit.md`);
    for (const kind of named) kinds.add(kind);
  }
  return (event) => {
    if (event.atMs < fromMs || (what.length > 0 && !kinds.has(event.kind))) return false;
    const began = traceOf(event);
    return trace === undefined || (began !== undefined && toHex(began) === trace);
  };
}

export async function show(output: Output, number: number | undefined, options: ShowOptions): Promise<void> {
  const wanted = filterOf(options);
  if (options.shipped === true && options.follow === true)
    throw usage('what the relay keeps cannot be followed', 'leave out --follow, or --shipped');
  const { events, agent } = await logOf(output, options);
  if (number !== undefined) return story(output, number, { events, agent });
  const all = events.map(decodeEvent);
  const chosen = all.filter(wanted);
  const shown = chosen.slice(options.last === undefined ? 0 : -options.last || chosen.length);
  const names = namesOfChildren(all);
  if (options.follow === true) return follow(output, { agent, all, shown, wanted });
  output.result(
    { agent, events: shown },
    shown.map((event) => lineOf(event, names)),
  );
}

/** The daemon's, or what the relay keeps of it, which an operator reads on any device. [CLI-70] */
function logOf(output: Output, { agent, shipped, passphraseFile }: ShowOptions): Promise<Pick<Log, 'events' | 'agent'>> {
  if (shipped !== true) return readLog(agent);
  return asOperator(output, passphraseFile === undefined ? {} : { passphraseFile }, (session) => readShipped(session, agent));
}

/** All that the log says of one act. [CLI-61] */
async function story(output: Output, number: number, { events, agent }: Pick<Log, 'events' | 'agent'>): Promise<void> {
  const all = events.map(decodeEvent);
  const told = storyOf(all, number);
  if (told.length === 0) throw usage(`there is no event ${number}`, 'holdfast audit show');
  const names = namesOfChildren(all);
  output.result(
    { agent, event: number, story: told },
    told.map((event) => `${event.sequence === number ? '>' : ' '}${lineOf(event, names)}`),
  );
}

/** What there is, then what comes, until it is interrupted: with `--json` an event a line. [CLI-62] */
async function follow(
  output: Output,
  {
    agent,
    all,
    shown,
    wanted,
  }: { agent: Uint8Array; all: AuditEvent[]; shown: readonly AuditEvent[]; wanted: (event: AuditEvent) => boolean },
): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const tell = (events: readonly AuditEvent[]): void => {
    const names = namesOfChildren(all);
    for (const event of events) output.result(event, [lineOf(event, names)]);
  };
  tell(shown);
  while (!ended.signal.aborted) {
    const news = (await askEvents(toHex(agent), all.length)).items.map(decodeEvent);
    if (news.length === 0) {
      await later(followEveryMs, undefined, { signal: ended.signal }).catch(() => {});
      continue;
    }
    all.push(...news);
    tell(news.filter(wanted));
  }
}

export async function verify(output: Output, options: { readonly agent: string; readonly checkpoint?: string }): Promise<void> {
  try {
    const text = options.checkpoint === undefined ? undefined : await textOf(options.checkpoint);
    const note = text?.startsWith('holdfast/log/') === true ? noteIn(text) : undefined;
    const kept = text === undefined || note !== undefined ? undefined : readCheckpointFile(text);
    const { events, checkpoints, agent, fleet, agentKey, earlierKeys = [], anchor } = await readLog(options.agent);
    const whose = { fleet, agent, agentKey, earlierKeys };
    const verdict = await verdictOf(whose, { events, checkpoints }, { anchor, kept, note });
    const uses = await usesOf({ ...whose, events: events.slice(0, verdict.covered), checkpoints });
    const lacking = uses.filter(({ code }) => code !== undefined); // [AUTHORITY-17]
    output.result({ ok: true, agent, ...verdict, uses: uses.length, lacking }, [
      `${verdict.events} events hold together, ${verdict.covered} of them under ${verdict.checkpoints} signed checkpoints`,
      `root ${toHex(verdict.root)}`,
      ...(text === undefined || verdict.keyPinned
        ? []
        : ['whose key signed what came after that checkpoint is the word of this machine']),
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

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('usage', `${file} cannot be read`, { cause });
  }
}

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
  log: Pick<Parameters<typeof verifyAudit>[2], 'events' | 'checkpoints'>,
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
