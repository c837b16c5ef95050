// Permissioned time from this machine's records and from exported files alone: the same figures, spec/permissioned-time.md.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { encodeEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { auditPage, cli, playDoor } from './cli.ts';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const digest = new Uint8Array(32);
const dayMs = 86_400_000;
const startMs = 1_790_000_000_000;

/** Two uses of one credential: one at once, the other ten days later. */
function recordOf(agent: Uint8Array): Uint8Array[] {
  const use = (handle: number) => ({
    session: id(4),
    trace: id(8),
    from: id(9),
    handle: id(handle),
    grant: id(6),
    item: id(7),
  });
  const request = { method: 'GET', host: 'api.example.com', port: 443, path: '/v1/me', digest };
  const reports: readonly (readonly [number, AuditReport])[] = [
    [0, { kind: 'granted', grant: id(6), item: id(7), name: 'demo', grantedAtMs: startMs - dayMs, warrant: digest }],
    [10, { kind: 'minted', ...use(1), name: 'demo', request }],
    [14, { kind: 'consumed', ...use(1), request: digest }],
    [15, { kind: 'credentialed', ...use(1), credentialedUs: 900, sent: true }],
    [10 * dayMs, { kind: 'minted', ...use(2), name: 'demo', request }],
    [10 * dayMs + 6, { kind: 'consumed', ...use(2), request: digest, warrant: digest, ask: id(8), budget: id(3) }],
  ];
  return reports.map(([ms, report], sequence) =>
    encodeEvent({ ...report, v: 1, agent, sequence, run: id(3), atMs: startMs + ms, monotonicUs: ms * 1000 }),
  );
}
const agents = new Map([
  ['main', recordOf(id(1))],
  ['other', recordOf(id(2))],
]);

const until = ['--until', String(startMs + 20 * dayMs)];
const figures = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

// [TIME-8] [TIME-9] [CLI-65]
test('figures of the machine and of exported files alone are the same, of one agent or all, of all time or the last days', async (t) => {
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind === 'authority') {
      const nothing = { removed: [], chains: [], credentials: [], warrants: [] };
      guest.finish({ kind: 'authority', fleet: digest, key: new Uint8Array(65), ...nothing, looked: request.warrants.length });
    }
    if (request.kind !== 'audit') return;
    const events = agents.get(request.agent) ?? [];
    guest.finish(auditPage(request, { agent: id(request.agent === 'main' ? 1 : 2), fleet: digest, events }));
  });
  const file = (name: string): string => path.join(path.dirname(home), name);
  for (const [agent, format] of [
    ['main', 'jsonl'],
    ['other', 'bundle'],
  ] as const)
    // prettier-ignore
    await cli(['audit', 'export', '--agent', agent, '--format', format, '--out', file(agent)], { home });
  for (const span of [[], ['--since', '15d'], ['--since', '1d']]) {
    for (const agent of ['main', 'other']) {
      const here = await cli(['time', '--json', '--agent', agent, ...until, ...span], { home });
      assert.equal(here.code, 0, here.stdout);
      const there = await cli(['time', '--json', '--from', file(agent), ...until, ...span]);
      assert.equal(there.stdout, here.stdout);
    }
  }
  const both = figures((await cli(['time', '--json', '--from', file('main'), '--from', file('other'), ...until])).stdout);
  assert.deepEqual([both['calls'], both['agents'], both['permissionedMs'], both['peakMs']], [4, 2, 20, 6]);
  assert.equal(both['standingRatio'], (21 * dayMs) / 20);
  const late = figures((await cli(['time', '--json', '--from', file('main'), ...until, '--since', '15d'])).stdout);
  assert.deepEqual(
    [late['calls'], late['permissionedMs'], late['credentialedMs'], late['sinceMs']],
    [1, 6, 0, startMs + 5 * dayMs],
  );
  assert.equal(late['standingRatio'], (15 * dayMs) / 6);
  const shown = (await cli(['time', '--from', file('main'), ...until])).stdout;
  assert.match(shown, /demo: 2 calls, 10/);
  assert.match(shown, /\n {2}\d{4}-\d\d-\d\dT\d\d:00Z: 1 calls, \d/); // [TIME-11]
});

// [TIME-9] [CLI-65]
test('what cannot be counted is refused: events left out, a file of something else, two ways at once', async (t) => {
  const events = recordOf(id(1));
  const { home } = await playDoor(t, (request, guest) => {
    if (request.kind === 'audit') guest.finish(auditPage(request, { agent: id(1), fleet: digest, events }));
  });
  const file = path.join(path.dirname(home), 'file');
  const refused = async (...words: string[]): Promise<void> => {
    const ran = await cli(['time', '--json', ...words]);
    assert.deepEqual([ran.code, (figures(ran.stdout)['error'] as { code: string } | undefined)?.code], [2, 'usage'], ran.stdout);
  };
  for (const format of ['jsonl', 'bundle']) {
    await cli(['audit', 'export', '--redact', '--format', format, '--out', file], { home });
    await refused('--from', file);
  }
  for (const text of ['nothing\n', '{}\n', '{"kind":"consumed"}\n', '{"event":"AA"}\n', `{"kind":"minted","agent":"zz"}\n`]) {
    writeFileSync(file, text);
    await refused('--from', file);
  }
  await refused('--from', path.join(file, 'absent'));
  await refused('--from', file, '--agent', 'main');
  await refused('--agent', 'main', '--until', 'tomorrow');
});
