// `holdfast audit policy`: what daemons of the fleet record, as an operator signed it last. spec/audit.md [AUDIT-60]

import { personalData, type PersonalData } from '@holdfast/protocol/audit/personal';
import { silenceable, type SilencedClass } from '@holdfast/protocol/audit/policy';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { setAuditPolicy } from '@holdfast/protocol/journal/compose';
import { codeOf } from '@holdfast/protocol/errors';
import { askEvents } from '../audit/log.ts';
import { asOperator } from '../operator/session.ts';
import { usage, type Output } from '../output.ts';
import { readText, textFromStdin } from '../secrets-input.ts';

interface PolicyOptions {
  readonly passphraseFile?: string;
}
interface SetOptions extends PolicyOptions {
  readonly silence?: readonly string[];
  readonly retention?: string;
  readonly recordAll?: true;
  readonly personal?: string;
}

export async function show(output: Output, options: PolicyOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const removed = await removedHere([...session.state.agents.values()]);
    const { version = 0, silenced = [], retentionDays, personal = [], setAtMs } = session.state.auditPolicy ?? {};
    const subjects = personal.map(({ subject, values, like }) => ({ subject, values: values.length, like: like.length }));
    const about = { ...(retentionDays !== undefined && { retentionDays }), ...(setAtMs !== undefined && { setAtMs }) };
    output.result({ version, silenced, subjects, ...about, removed }, [
      version === 0 ? 'no policy was set' : `version ${version}, ${new Date(setAtMs ?? 0).toISOString()}`,
      silenced.length === 0 ? 'everything is recorded' : `counted and not recorded: ${silenced.join(', ')}`,
      retentionDays === undefined
        ? 'records are kept for ever'
        : `records are kept for ${retentionDays} days at least, then their hashes; the relay's copy of a log stays whole`,
      ...removed.map(({ scope, events }) => `${events} events of ${scope} were pruned on this machine`),
      ...subjects.map(({ subject, values, like }) => `never in clear, of ${subject}: ${values} values, ${like} patterns`),
    ]);
  });
}

interface Removed {
  readonly agent: Uint8Array;
  readonly scope: string;
  readonly events: number;
}

/** Of agents of this machine: how many events of their logs are pruned. Never throws: a policy is not for want of a log. [CLI-95] */
async function removedHere(agents: readonly { readonly id: Uint8Array; readonly scope: string }[]): Promise<readonly Removed[]> {
  const removed: Removed[] = [];
  for (const { id: agent, scope } of agents) {
    const page = await askEvents(toHex(agent), 0, 1).catch(() => undefined); // not an agent of this machine, or no daemon here
    if (page !== undefined && page.pruned > 0) removed.push({ agent, scope, events: page.pruned });
  }
  return removed;
}

/** The whole policy anew: what is not named is recorded. What is declared of people stays declared until it is named anew. */
export async function set(output: Output, options: SetOptions): Promise<void> {
  const { silence = [], retention, recordAll, personal: file } = options;
  const silenced = silenceable.filter((each) => silence.includes(each));
  const refused = silence.find((each) => !silenceable.includes(each as SilencedClass));
  if (refused !== undefined)
    throw usage(`${refused} is always recorded, or no class of events`, `these can be silenced: ${silenceable.join(', ')}`); // [AUDIT-62]
  if (silence.length === 0 && retention === undefined && recordAll !== true && file === undefined)
    throw usage(
      'a policy says what is not recorded, or for how long records are kept, or what is never in clear',
      '--silence, --retention, --record-all or --personal',
    );
  if (recordAll === true && silence.length > 0) throw usage('--record-all silences nothing', 'leave out one of the two');
  const retentionDays = retention === undefined ? undefined : daysOf(retention);
  const declared = file === undefined ? undefined : personalFrom(file === '-' ? textFromStdin() : readText(file));
  await asOperator(output, options, async (session) => {
    const personal = declared ?? session.state.auditPolicy?.personal ?? [];
    const { version } = await session.write((operator) => setAuditPolicy(operator, { silenced, retentionDays, personal }));
    const applied = (await session.appliedHere()) === 'applied';
    const subjects = personal.map(({ subject }) => subject);
    output.result({ version, silenced, subjects, ...(retentionDays !== undefined && { retentionDays }), applied }, [
      silenced.length === 0 ? 'everything is recorded' : `counted and not recorded from now on: ${silenced.join(', ')}`,
      ...(subjects.length === 0 ? [] : [`never in clear: what is declared of ${subjects.join(', ')}`]),
    ]);
  });
}

/** [{"subject": "c-4711", "values": ["jane.doe@example.com"], "like": ["C-######"]}, …]. Throws `usage`, `codec_*`. [CLI-93] */
function personalFrom(text: string): PersonalData {
  const shape = 'a list of {"subject": NAME, "values": [TEXT], "like": [PATTERN]}';
  try {
    const said = JSON.parse(text) as unknown;
    if (!Array.isArray(said)) throw usage(`--personal takes ${shape}`);
    return personalData.parse(
      said.map((each: unknown) => ({ values: [], like: [], ...(each as object) })),
      'personal',
    );
  } catch (cause) {
    if (codeOf(cause) !== 'internal') throw cause;
    throw usage(`--personal takes ${shape}`);
  }
}

/** `90d` in days. Throws `usage`. */
function daysOf(typed: string): number {
  const days = Number(/^([1-9]\d{0,4})d$/.exec(typed)?.[1]);
  if (!(days <= 36_500)) throw usage(`--retention takes days, such as 400d, not ${typed}`);
  return days;
}
