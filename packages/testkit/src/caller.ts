// A session that makes one call at a time on demand, and what the record says of all calls: for stories of what goes wrong in between.

import assert from 'node:assert/strict';
import { jsonOf, type Installation, type Ran } from './installation.ts';
import type { LiveProgram } from './live-program.ts';
import { patienceMs } from './patience.ts';

/** An event of the record, as `audit show --json` tells it. */
export interface RecordedEvent {
  readonly kind: string;
  readonly sequence: number;
  readonly session?: string;
  readonly handle?: string;
  readonly code?: string;
  readonly sent?: boolean;
  /** The call that it came from. */
  readonly from?: string;
  readonly step?: string;
  readonly toolUse?: string;
  readonly label?: string;
  readonly allowed?: boolean;
  readonly request?: { readonly host?: string; readonly path?: string };
  readonly counts?: readonly { readonly code: string; readonly count: number }[];
  readonly dropped?: readonly { readonly kind: string; readonly count: number }[];
}

export async function eventsOf(holdfast: Installation): Promise<RecordedEvent[]> {
  return jsonOf<{ events: RecordedEvent[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
}

export async function assertVerifies(holdfast: Installation): Promise<void> {
  const ran = await holdfast.cli(['audit', 'verify', '--json']);
  assert.deepEqual([ran.code, jsonOf<{ ok: boolean }>(ran).ok], [0, true], ran.stdout);
}

/** Those that were consumed, none of them twice, over all runs of the daemon. */
export function consumedOnce(events: readonly RecordedEvent[]): string[] {
  const consumed = events.flatMap(({ kind, handle }) => (kind === 'consumed' && handle !== undefined ? [handle] : []));
  assert.equal(new Set(consumed).size, consumed.length, 'no handle was consumed twice');
  return consumed;
}

/** Asks `status` again and again, for it has no event to wait for, until it says what is hoped for. */
export async function statusUntil(holdfast: Installation, hoped: (text: string) => boolean): Promise<void> {
  const sinceMs = performance.now();
  let last: Ran | undefined;
  while (performance.now() - sinceMs < patienceMs) {
    last = await holdfast.cli(['status', '--json']);
    if (hoped(last.stdout)) return;
  }
  throw new Error(`status never said it: ${last?.stdout}${last?.stderr}`);
}

/** A session that makes one call for each line written to it, and prints `call STATUS CODE`. */
export async function caller(holdfast: Installation, url: string): Promise<LiveProgram> {
  const once = `curl -sS -o /tmp/reply -w 'call %{http_code} ' ${url}; grep -o '"code":"[a-z_]*"' /tmp/reply || echo; rm -f /tmp/reply`;
  const session = holdfast.session(['sh', '-c', `echo ready; while read -r go; do ${once}; done`]);
  await session.waitFor(/ready/);
  return session;
}

/** One call of such a session: its status and the code of a refusal, if any. */
export async function call(session: LiveProgram): Promise<string> {
  const asked = session.said.length;
  session.write('go\n');
  const [, status = '', code = ''] = await session.until(
    () => /call (\d+) (?:"code":"(\w+)")?\n/.exec(session.said.slice(asked)) ?? undefined,
    'the answer of one call',
  );
  return `${status} ${code}`.trim();
}
