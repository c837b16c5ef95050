// `holdfast audit …` and `holdfast time`: the record as the daemon of this machine keeps it, checked here against its signed checkpoints.

import { verifyCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime, type PermissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { askDaemon, findHome } from '../door-client.ts';
import { duration, exitCodeOf, told, visible, type Output } from '../output.ts';

const pageItems = 500;

type Page = DoorReplyOf<'audit-page'>;
type Log = Pick<Page, 'agent' | 'fleet' | 'agentKey' | 'earlierKeys' | 'anchor' | 'credentials'> & {
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
};

/** One part of an agent's log, page by page, up to the size that it had at the first page. */
async function readPart(
  agent: string,
  part: 'events' | 'checkpoints',
): Promise<{ readonly items: Uint8Array[]; readonly page: Page }> {
  const paths = findHome();
  const ask = (from: number) => askDaemon(paths, { kind: 'audit', agent, part, from, limit: pageItems }, 'audit-page');
  let page = await ask(0);
  const { total } = page;
  const items = [...page.items];
  while (items.length < total && page.items.length > 0) {
    page = await ask(items.length);
    items.push(...page.items);
  }
  return { items: items.slice(0, total), page };
}

/** Checkpoints first: events only grow, so every checkpoint read covers events that are read after it. */
export async function readLog(agent: string): Promise<Log> {
  const { items: checkpoints } = await readPart(agent, 'checkpoints');
  const { items: events, page } = await readPart(agent, 'events');
  return { ...page, events, checkpoints };
}

/** What one event says, in a line. */
function sentence(event: AuditEvent): string {
  switch (event.kind) {
    case 'delegated':
      return `${event.name}: ${event.of} ${toHex(event.child)}`;
    case 'child-end':
      return event.why;
    case 'session-start':
      return `${event.mode} session of ${event.program}`;
    case 'session-end':
      return event.exitCode === undefined ? 'session ended' : `session ended with ${event.exitCode}`;
    case 'minted':
      return `${event.name} for ${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'credentialed':
      return `held for ${(event.credentialedUs / 1000).toFixed(2)} ms${event.sent ? '' : ', not sent'}`;
    case 'refused':
      return `${event.code}: ${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'request':
      return `${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'granted':
      return event.name;
    case 'handle-refused':
    case 'fault':
      return event.code;
    case 'egress-allowed':
      return `${event.host}:${event.port}`;
    case 'revoked':
    case 'agent-suspended':
      return event.reason;
    case 'presented':
      return `to ${event.audience}${event.shown.length === 0 ? '' : `: ${event.shown.join(', ')}`}`;
    case 'enrolled':
    case 'keys-changed':
      return event.custody;
    case 'daemon-start':
      return event.version;
    case 'tool-call':
      return `${event.allowed ? '' : 'refused: '}${event.name} ${event.act}${event.rules.length > 0 ? ` (${event.decision}: ${event.rules.join(', ')})` : ''}`;
    case 'asked':
      return `${toHex(event.ask)} for ${duration(event.lifeMs)}: ${event.rules.join(', ')}`;
    case 'answered':
      return `${toHex(event.ask)} ${event.outcome}`;
    case 'rules-set':
      return `version ${event.version}`;
    case 'rules-unreadable':
      return `version ${event.version} cannot be read (${event.code}); in force: ${event.inForce ?? 'only reading'}`;
    case 'bedrock-changed':
      return `${event.texts} texts`;
    case 'entry-rejected':
      return `entry ${event.position}: ${event.code}`;
    case 'answer-refused':
    case 'entry-refused':
      return event.code;
    case 'tampered':
      return `suspended: changed were ${event.places.join(', ')}${event.unlisted === undefined ? '' : ` and ${event.unlisted} more`}`;
    case 'resumed':
      return 'an operator let the session go on';
    case 'gap':
      return event.dropped.map(({ kind, count }) => `${count} ${kind}`).join(', ');
    default:
      return '';
  }
}

export async function show(output: Output, options: { readonly agent: string; readonly last?: number }): Promise<void> {
  const { events, agent } = await readLog(options.agent);
  const all = events.map(decodeEvent);
  const decoded = all.slice(options.last === undefined ? 0 : -options.last || events.length);
  const names = new Map(all.flatMap((event) => (event.kind === 'delegated' ? [[toHex(event.child), event.name] as const] : [])));
  output.result(
    { agent, events: decoded },
    decoded.map(
      (event) =>
        `${String(event.sequence).padStart(6)}  ${new Date(event.atMs).toISOString()}  ${event.kind.padEnd(15)} ${visible(sentence(event) + byWhom(event, names))}`,
    ),
  );
}

/** Which of the agent's children did it, by the name that it began with. */
function byWhom(event: AuditEvent, names: ReadonlyMap<string, string>): string {
  if (event.kind === 'delegated' || !('child' in event) || event.child === undefined) return '';
  const id = toHex(event.child);
  return `, by ${names.get(id) ?? 'a child'} ${id.slice(0, 8)}`;
}

export async function verify(output: Output, options: { readonly agent: string }): Promise<void> {
  try {
    const { events, checkpoints, agent, fleet, agentKey, earlierKeys = [], anchor } = await readLog(options.agent);
    const verdict = await verdictOf({ fleet, agent, agentKey, earlierKeys }, { events, checkpoints }, anchor);
    output.result({ ok: true, agent, ...verdict }, [
      `${verdict.events} events hold together, ${verdict.covered} of them under ${verdict.checkpoints} signed checkpoints`,
      `root ${toHex(verdict.root)}`,
      ...(verdict.dropped > 0 ? [`${verdict.dropped} events were left out, and counted`] : []),
    ]);
  } catch (thrown) {
    if (exitCodeOf(thrown) !== 4) throw thrown;
    if (output.json) output.result({ ok: false, error: told(thrown) }, []); // [CLI-15]
    else output.failed(thrown);
    process.exitCode = 4;
  }
}

/** Whatever is wrong with the record is a verdict over it, its shape included. `published`: the newest checkpoint of the agent's topic. */
async function verdictOf(
  whose: LogIdentity,
  log: Parameters<typeof verifyAudit>[2],
  published: Uint8Array | undefined,
): ReturnType<typeof verifyAudit> {
  try {
    const anchor = published && (await verifyCheckpoint(nodePrimitives, published, whose)).statement; // [AUDIT-24]
    return await verifyAudit(nodePrimitives, whose, anchor === undefined ? log : { ...log, anchor });
  } catch (cause) {
    if (codeOf(cause).startsWith('codec_'))
      throw new HoldfastError('audit_altered', 'the log holds what no daemon writes', { cause }); // [CLI-15]
    throw cause;
  }
}

export async function time(output: Output, options: { readonly agent: string }): Promise<void> {
  const { events, credentials, agent } = await readLog(options.agent);
  const added = credentials.map(({ item, addedAtMs }) => ({ item, addedAtMs }));
  const report = permissionedTime(events.map(decodeEvent), added, Date.now());
  output.result({ agent, ...report }, timeLines(report));
}

function timeLines({ permissionedMs, credentialedMs, calls, peakMs, standingRatio }: PermissionedTime): string[] {
  if (calls === 0) return ['no credential has been used yet'];
  return [
    `${calls} calls; a credential could have been used for ${duration(permissionedMs)} in all, for at most ${duration(peakMs)} at once`,
    `it existed in the clear for ${duration(credentialedMs)}`,
    ...(standingRatio === null
      ? []
      : [`standing keys would have been there ${Math.round(standingRatio).toLocaleString('en')} times as long`]),
  ];
}
