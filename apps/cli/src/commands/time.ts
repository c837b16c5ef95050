// `holdfast time`: for how long credentials could have been used, spec/permissioned-time.md, from the records of this machine or from files that
// were exported; both give the same figures.

import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime, type PermissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { countedEvents, type CountedLog } from '../audit/exported-file.ts';
import { readLog } from '../audit/log.ts';
import { agoMs } from '../audit/since.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { duration, usage, type Output } from '../output.ts';

export interface TimeOptions {
  readonly agent?: string;
  readonly since?: string;
  readonly until?: string;
  readonly from?: readonly string[];
}

export async function time(output: Output, options: TimeOptions): Promise<void> {
  const { agent, since, from } = options;
  if (agent !== undefined && from !== undefined) throw usage('files are of the agents that they are of', 'leave out --agent');
  const untilMs = untilMsOf(options.until);
  const sinceMs = since === undefined ? undefined : Math.max(0, untilMs - agoMs(since));
  const logs = from === undefined ? await recorded(agent) : await Promise.all(from.map(countedEvents));
  const events = logs.flatMap((each) => each.events);
  const pruned = logs.reduce((sum, each) => sum + each.pruned, 0);
  const past = events.filter(({ atMs }) => atMs <= untilMs);
  const report = permissionedTime(past, untilMs, sinceMs);
  output.result({ ...(sinceMs !== undefined && { sinceMs }), untilMs, ...report, ...(pruned > 0 && { pruned }) }, [
    ...timeLines(report, past),
    ...(pruned > 0 ? [`of ${pruned} events that were pruned nothing is counted`] : []),
  ]); // [CLI-68]
}

/** [CLI-65] Milliseconds since 1970, as an earlier answer has them: the same moment gives the same figures. Throws `usage`. */
function untilMsOf(typed: string | undefined): number {
  if (typed === undefined) return Date.now();
  if (!/^\d{1,15}$/.test(typed)) throw usage('--until takes milliseconds since 1970, as untilMs of an earlier answer');
  return Number(typed);
}

/** Of one agent, or of all that this machine has. */
async function recorded(agent: string | undefined): Promise<CountedLog[]> {
  const agents =
    agent === undefined ? (await askDaemon(findHome(), { kind: 'status' }, 'status')).agents.map(({ scope }) => scope) : [agent];
  const logs: CountedLog[] = [];
  for (const each of agents) {
    const { leaves, events } = await readLog(each);
    logs.push({ events: events.map(decodeEvent), pruned: leaves.length });
  }
  return logs;
}

function timeLines(report: PermissionedTime, events: readonly AuditEvent[]): string[] {
  const { permissionedMs, credentialedMs, calls, agents, peakMs, standingRatio, perCredential, timeline } = report;
  if (calls === 0) return ['no credential has been used in that time'];
  const names = new Map(
    events.flatMap((event) => ('name' in event && 'item' in event ? [[toHex(event.item), event.name] as const] : [])),
  );
  return [
    `${calls} calls of ${agents} agents; a credential could have been used for ${duration(permissionedMs)} in all, for at most ${duration(peakMs)} at once`,
    `it existed in the clear for ${duration(credentialedMs)}`,
    ...(standingRatio === null ? [] : [`standing keys would have been there ${times(standingRatio)} as long`]),
    ...perCredential.map(
      (each) =>
        `  ${names.get(each.item) ?? each.item}: ${each.calls} calls, ${duration(each.permissionedMs)}` +
        (each.standingRatio === null ? '' : `, a standing key ${times(each.standingRatio)} as long`),
    ),
    ...(timeline.length > maxHoursShown ? [`the last ${maxHoursShown} hours with a use, of ${timeline.length}:`] : []),
    ...timeline
      .slice(-maxHoursShown)
      .map((each) => `  ${hourText(each.atMs)}: ${each.calls} calls, ${duration(each.permissionedMs)}`),
  ];
}

/** All of them are in the JSON. */
const maxHoursShown = 12;
const hourText = (atMs: number): string => new Date(atMs).toISOString().replace(/:00\.000Z$/, 'Z');

const times = (ratio: number): string => `${Math.round(ratio).toLocaleString('en')} times`;
