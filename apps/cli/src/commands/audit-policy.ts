// `holdfast audit policy`: what daemons of the fleet record, as an operator signed it last. spec/audit.md [AUDIT-60]

import { silenceable, type SilencedClass } from '@holdfast/protocol/audit/policy';
import { setAuditPolicy } from '@holdfast/protocol/journal/compose';
import { asOperator } from '../operator/session.ts';
import { usage, type Output } from '../output.ts';

interface PolicyOptions {
  readonly passphraseFile?: string;
}
interface SetOptions extends PolicyOptions {
  readonly silence?: readonly string[];
  readonly retention?: string;
  readonly recordAll?: true;
}

export async function show(output: Output, options: PolicyOptions): Promise<void> {
  await asOperator(output, options, (session) => {
    const { version = 0, silenced = [], retentionDays, setAtMs } = session.state.auditPolicy ?? {};
    const about = { ...(retentionDays !== undefined && { retentionDays }), ...(setAtMs !== undefined && { setAtMs }) };
    output.result({ version, silenced, ...about }, [
      version === 0 ? 'no policy was set' : `version ${version}, ${new Date(setAtMs ?? 0).toISOString()}`,
      silenced.length === 0 ? 'everything is recorded' : `counted and not recorded: ${silenced.join(', ')}`,
      retentionDays === undefined ? 'records are kept for ever' : `records are kept for ${retentionDays} days`,
    ]);
    return Promise.resolve();
  });
}

/** The whole policy anew: what is not named is recorded. */
export async function set(output: Output, options: SetOptions): Promise<void> {
  const { silence = [], retention, recordAll } = options;
  const silenced = silenceable.filter((each) => silence.includes(each));
  const refused = silence.find((each) => !silenceable.includes(each as SilencedClass));
  if (refused !== undefined)
    throw usage(`${refused} is always recorded, or no class of events`, `these can be silenced: ${silenceable.join(', ')}`); // [AUDIT-62]
  if (silence.length === 0 && retention === undefined && recordAll !== true)
    throw usage('a policy says what is not recorded, or for how long records are kept', '--silence, --retention or --record-all');
  if (recordAll === true && silence.length > 0) throw usage('--record-all silences nothing', 'leave out one of the two');
  const retentionDays = retention === undefined ? undefined : daysOf(retention);
  await asOperator(output, options, async (session) => {
    const { version } = await session.write((operator) => setAuditPolicy(operator, { silenced, retentionDays }));
    const applied = (await session.appliedHere()) === 'applied';
    output.result({ version, silenced, ...(retentionDays !== undefined && { retentionDays }), applied }, [
      silenced.length === 0 ? 'everything is recorded' : `counted and not recorded from now on: ${silenced.join(', ')}`,
    ]);
  });
}

/** `90d` in days. Throws `usage`. */
function daysOf(typed: string): number {
  const days = Number(/^([1-9]\d{0,4})d$/.exec(typed)?.[1]);
  if (!(days <= 36_500)) throw usage(`--retention takes days, such as 400d, not ${typed}`);
  return days;
}
