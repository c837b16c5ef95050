// `holdfast audit replay`: what the rules and grants of that time say to the acts and requests that the log holds, from the record alone. It must be what
// they said then.

import { homedir } from 'node:os';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { replayedUses, type RecordedDecision, type ReplayedUse } from '@holdfast/protocol/audit/replay-uses';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { compile, readOnlyRules, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';
import { replayed, type RecordedToolCall, type Replayed } from '@holdfast/protocol/rules/recorded';
import { readLog, type Log } from '../audit/log.ts';
import { readProofs } from '../audit/proofs.ts';
import { agoMs } from '../audit/since.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { usage, visible, type Output } from '../output.ts';

/** Why an act can't be looked at again. */
const reasons = {
  pruned: 'what led to it was pruned',
  cut: 'it did not fit into the record',
  redacted: 'the record leaves a credential out',
  input: 'what it says is not kept',
  rewritten: 'the rules changed it, and the record does not hold the form in which it ran',
  rules: 'that version of the rules is not kept here any more',
  terms: 'the terms of a grant of that time are not kept here',
  place: 'the record does not tell where the session worked',
  arguments: 'what the request said is not kept',
  counts: 'it hangs on how much was used before',
  other: 'what it was refused for is not kept',
} as const;

/** A decision that was made again. */
interface Again {
  readonly sequence: number;
  readonly what: string;
  readonly recorded: string;
  readonly verdict: Replayed['verdict'];
  readonly replayed?: string | undefined;
  readonly why?: keyof typeof reasons | undefined;
}

export interface ReplayOptions {
  readonly agent: string;
  readonly since?: string;
}

/** Exits with 4 where a verdict is another one. [CLI-80] */
export async function replay(output: Output, number: number | undefined, { agent: of, since }: ReplayOptions): Promise<void> {
  const fromMs = since === undefined ? 0 : Date.now() - agoMs(since);
  const { leaves, events, agent } = await readLog(of);
  const all = events.map(decodeEvent);
  const calls = all.filter(
    (event): event is RecordedToolCall =>
      event.kind === 'tool-call' && event.atMs >= fromMs && (number === undefined || event.sequence === number),
  );
  const uses = (await usesAgain({ leaves, events, agent }, all)).filter(
    ({ event: { atMs, sequence } }) => atMs >= fromMs && (number === undefined || sequence === number),
  );
  if (number !== undefined && number < leaves.length) throw usage(`event ${number} was pruned`, 'holdfast audit show');
  if (number !== undefined && calls.length + uses.length === 0)
    throw usage(`event ${number} is no decision`, 'holdfast audit show --what tool-call --what consumed --what refused');
  const modes = new Map(
    all.flatMap((event) => (event.kind === 'session-start' ? [[toHex(event.session), event.mode] as const] : [])),
  );
  const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
  const scope = agents.find((each) => equalBytes(each.agent, agent))?.scope ?? of;
  const sets = new Map<number | undefined, CompiledRules | undefined>([[undefined, readOnlyRules]]);
  for (const { rulesVersion: version } of calls)
    if (version !== undefined && !sets.has(version)) sets.set(version, await rulesOf(of, version));
  const told: readonly Again[] = [
    ...calls.map((event): Again => {
      const mode = modes.get(toHex(event.session)) ?? 'sealed';
      const { verdict, why, decision } = replayed(event, { scope, mode, home: homedir() }, sets.get(event.rulesVersion));
      const { sequence, name, act, decision: recorded } = event;
      return { sequence, what: `${name} ${act}`, recorded, verdict, why, replayed: decision?.effect };
    }),
    ...uses.map(({ event, ...again }): Again => ({ ...again, sequence: event.sequence, what: placeOf(event) })),
  ].toSorted((one, other) => one.sequence - other.sequence);
  const count = (verdict: Replayed['verdict']): number => told.filter((each) => each.verdict === verdict).length;
  const [same, differs, cannot] = [count('same'), count('differs'), count('cannot')];
  output.result(
    {
      agent,
      acts: calls.length,
      requests: uses.length,
      same,
      differs: told.flatMap(({ sequence, verdict, recorded, replayed: now }) =>
        verdict === 'differs' ? [{ event: sequence, recorded, replayed: now }] : [],
      ),
      cannot: told.flatMap(({ sequence, verdict, why }) => (verdict === 'cannot' ? [{ event: sequence, why }] : [])),
    },
    [
      `${same} of ${told.length} decisions: the same verdict, by the rules and grants of that time`,
      ...told.flatMap(({ sequence, what, verdict, recorded, replayed: now = 'none', why }) => {
        if (verdict === 'differs') return [`  ! ${sequence}  ${what}: was ${recorded}, and would be ${now}`];
        return verdict === 'cannot' && why !== undefined ? [`  ${sequence}  ${what}: can't be replayed, ${reasons[why]}`] : [];
      }),
    ].map(visible),
  );
  if (differs > 0 || (number !== undefined && cannot > 0)) process.exitCode = differs > 0 ? 4 : 1;
}

/** By the terms that the daemon has of the grants of that time. */
async function usesAgain(
  log: Pick<Log, 'agent' | 'events' | 'leaves'>,
  all: readonly AuditEvent[],
): Promise<readonly ReplayedUse[]> {
  return replayedUses(nodePrimitives, all, (await readProofs(log))?.warrants ?? [], log.leaves.length > 0);
}

function placeOf(event: RecordedDecision): string {
  if (event.kind === 'consumed') return 'a use of a credential';
  const { method, host, port } = event.request;
  return `${method} ${host}:${port}`.trim();
}

/** Undefined where this machine does not keep it any more. */
async function rulesOf(agent: string, version: number): Promise<CompiledRules | undefined> {
  const { set } = await askDaemon(findHome(), { kind: 'rules', agent, version }, 'rules');
  return set === undefined ? undefined : compile(parseRules(set.text));
}
