// `holdfast audit show`: the record as the daemon of this machine keeps it, or as the relay does.

import { setTimeout as later } from 'node:timers/promises';
import { classNames, kindsOf, storyOf } from '@holdfast/protocol/audit/classes';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { eventFilter, parseFilter, type AuditFilter } from '@holdfast/protocol/audit/filter';
import { GrowingNames, namesIn, type Names } from '@holdfast/protocol/audit/sentence';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { askEvents, readLog, type Log } from '../audit/log.ts';
import { prunedLines, prunedOf } from '../audit/pruned.ts';
import { lineOf } from '../audit/line.ts';
import { readShipped } from '../audit/shipped.ts';
import { agoMs } from '../audit/since.ts';
import { asOperator } from '../operator/session.ts';
import { usage, type Output } from '../output.ts';

export interface ShowOptions {
  readonly agent: string;
  readonly last?: number;
  readonly since?: string;
  readonly what?: readonly string[];
  readonly trace?: string;
  readonly filter?: string;
  readonly follow?: boolean;
  /** As operator, what the relay keeps. */
  readonly shipped?: boolean;
  readonly passphraseFile?: string;
}

/** How often the daemon is asked for more; nothing is lost in between. */
const followEveryMs = 500;

/** Of a log with these names. */
type Wanted = (names: Names) => (event: AuditEvent) => boolean;

/** Which events are asked for. Throws `usage`. [CLI-60] */
function filterOf({ since, what = [], trace, filter: typed = '' }: ShowOptions): Wanted {
  if (trace !== undefined && !/^[0-9a-f]{32}$/.test(trace))
    throw usage('--trace takes 32 hex digits', 'an event shows its own: holdfast audit show --json');
  const unknown = what.find((word) => kindsOf(word) === undefined);
  if (unknown !== undefined)
    throw usage(`no kind of event is called ${unknown}`, `there are ${classNames.join(', ')}, and the kinds of spec/audit.md`);
  const given = parseFilter(typed); // [CLI-98]
  const filter: AuditFilter = {
    ...given,
    ...(what.length > 0 && { kind: what }),
    ...(trace !== undefined && { trace }),
    ...(since !== undefined && { since: { kind: 'ago', ms: agoMs(since) } }),
  };
  if (what.length > 0 && given.kind !== undefined) throw usage('kinds are said twice', 'leave out --what, or kind= of --filter');
  const nowMs = Date.now();
  return (names) => eventFilter(filter, names, nowMs);
}

export async function show(output: Output, number: number | undefined, options: ShowOptions): Promise<void> {
  const wanted = filterOf(options);
  if (options.shipped === true && options.follow === true)
    throw usage('what the relay keeps cannot be followed', 'leave out --follow, or --shipped');
  const { leaves, events, agent } = await logOf(output, options);
  if (number !== undefined) return story(output, number, { leaves, events, agent });
  const all = events.map(decodeEvent);
  const names = new GrowingNames();
  for (const event of all) names.take(event);
  const chosen = all.filter(wanted(names));
  const shown = chosen.slice(options.last === undefined ? 0 : -options.last || chosen.length);
  const pruned = prunedOf({ leaves, events });
  if (options.follow === true) return follow(output, { agent, next: leaves.length + all.length, names, shown, wanted });
  output.result({ agent, ...(pruned !== undefined && { pruned }), events: shown }, [
    ...prunedLines(pruned),
    ...shown.map((event) => lineOf(event, names)),
  ]); // [CLI-67]
}

/** The daemon's, or what the relay keeps of it, which an operator reads on any device. [CLI-70] */
function logOf(
  output: Output,
  { agent, shipped, passphraseFile }: ShowOptions,
): Promise<Pick<Log, 'leaves' | 'events' | 'agent'>> {
  if (shipped !== true) return readLog(agent);
  return asOperator(output, passphraseFile === undefined ? {} : { passphraseFile }, (session) => readShipped(session, agent));
}

/** All that the log says of one act. [CLI-61] */
async function story(
  output: Output,
  number: number,
  { leaves, events, agent }: Pick<Log, 'leaves' | 'events' | 'agent'>,
): Promise<void> {
  if (number < leaves.length) throw usage(`event ${number} was pruned`, 'holdfast audit show');
  const all = events.map(decodeEvent);
  const told = storyOf(all, number);
  if (told.length === 0) throw usage(`there is no event ${number}`, 'holdfast audit show');
  const names = namesIn(all);
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
    next,
    names,
    shown,
    wanted,
  }: { agent: Uint8Array; next: number; names: GrowingNames; shown: readonly AuditEvent[]; wanted: Wanted },
): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const tell = (events: readonly AuditEvent[]): void => {
    for (const event of events) output.result(event, [lineOf(event, names)]);
  };
  tell(shown);
  let from = next;
  while (!ended.signal.aborted) {
    const news = (await askEvents(toHex(agent), from)).items.map(decodeEvent);
    if (news.length === 0) {
      await later(followEveryMs, undefined, { signal: ended.signal }).catch(() => {});
      continue;
    }
    from = (news.at(-1)?.sequence ?? from) + 1;
    for (const event of news) names.take(event);
    tell(news.filter(wanted(names)));
  }
}
