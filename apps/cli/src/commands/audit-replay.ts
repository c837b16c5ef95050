// `holdfast audit replay`: what the rules of that time say to the acts that the log holds, from the record alone. It must be what they said then.

import { homedir } from 'node:os';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { compile, readOnlyRules, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';
import { replayed, type RecordedToolCall, type Replayed } from '@holdfast/protocol/rules/recorded';
import { readLog } from '../audit/log.ts';
import { agoMs } from '../audit/since.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { usage, visible, type Output } from '../output.ts';

/** Why an act can't be looked at again. */
const reasons = {
  cut: 'it did not fit into the record',
  redacted: 'the record leaves a credential out',
  input: 'what it says is not kept',
  rewritten: 'the rules changed it, and the record does not hold the form in which it ran',
  rules: 'that version of the rules is not kept here any more',
} as const;

export interface ReplayOptions {
  readonly agent: string;
  readonly since?: string;
}

/** Exits with 4 where a verdict is another one. [CLI-80] */
export async function replay(output: Output, number: number | undefined, { agent: of, since }: ReplayOptions): Promise<void> {
  const fromMs = since === undefined ? 0 : Date.now() - agoMs(since);
  const { events, agent } = await readLog(of);
  const all = events.map(decodeEvent);
  const calls = all.filter(
    (event): event is RecordedToolCall =>
      event.kind === 'tool-call' && event.atMs >= fromMs && (number === undefined || event.sequence === number),
  );
  if (number !== undefined && calls.length === 0)
    throw usage(`event ${number} is no act that rules judged`, 'holdfast audit show --what tool-call');
  const modes = new Map(
    all.flatMap((event) => (event.kind === 'session-start' ? [[toHex(event.session), event.mode] as const] : [])),
  );
  const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
  const scope = agents.find((each) => equalBytes(each.agent, agent))?.scope ?? of;
  const sets = new Map<number | undefined, CompiledRules | undefined>([[undefined, readOnlyRules]]);
  for (const { rulesVersion: version } of calls)
    if (version !== undefined && !sets.has(version)) sets.set(version, await rulesOf(of, version));
  const told = calls.map((event) => {
    const mode = modes.get(toHex(event.session)) ?? 'sealed';
    return { event, ...replayed(event, { scope, mode, home: homedir() }, sets.get(event.rulesVersion)) };
  });
  const count = (verdict: Replayed['verdict']): number => told.filter((each) => each.verdict === verdict).length;
  const [same, differs, cannot] = [count('same'), count('differs'), count('cannot')];
  output.result(
    {
      agent,
      acts: calls.length,
      same,
      differs: told.flatMap(({ event, verdict, decision }) =>
        verdict === 'differs' ? [{ event: event.sequence, recorded: event.decision, replayed: decision?.effect }] : [],
      ),
      cannot: told.flatMap(({ event, verdict, why }) => (verdict === 'cannot' ? [{ event: event.sequence, why }] : [])),
    },
    [
      `${same} of ${calls.length} acts: the same verdict, by the rules of that time`,
      ...told.flatMap(({ event, verdict, decision, why }) => {
        const act = `${event.sequence}  ${event.name} ${event.act}`;
        if (verdict === 'differs') return [`  ! ${act}: was ${event.decision}, and would be ${decision?.effect ?? 'none'}`];
        return verdict === 'cannot' && why !== undefined ? [`  ${act}: can't be replayed, ${reasons[why]}`] : [];
      }),
    ].map(visible),
  );
  if (differs > 0 || (number !== undefined && cannot > 0)) process.exitCode = differs > 0 ? 4 : 1;
}

/** Undefined where this machine does not keep it any more. */
async function rulesOf(agent: string, version: number): Promise<CompiledRules | undefined> {
  const { set } = await askDaemon(findHome(), { kind: 'rules', agent, version }, 'rules');
  return set === undefined ? undefined : compile(parseRules(set.text));
}
