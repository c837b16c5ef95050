// What an agent's presence is made of, spec/presence.md, as its parts have it just now.

import type { PresentCount } from '@holdfast/protocol/approvals/presence';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Bedrock, Budget, Grant } from '@holdfast/protocol/journal/state';
import type { Children } from '../children/children.ts';
import type { Freshness } from '../freshness.ts';
import type { PresentFacts } from '../presence/presence.ts';
import type { AgentJournal } from './journal.ts';
import type { Opened } from './opened.ts';
import type { InForce } from './rules-in-force.ts';

/** What of the agent is looked at. */
interface Parts {
  readonly freshness: Freshness;
  readonly rules: InForce;
  readonly bedrock: Bedrock;
  readonly budget: Budget | undefined;
  readonly children: Children;
  readonly auditFault: { readonly code: ErrorCode } | undefined;
  grants(): readonly Grant[];
  usedOf(id: Uint8Array, limits: Grant['fence'] | Budget): Omit<PresentCount, 'grant'>;
}

/** Undefined before its fleet was read. `refusal`: why nothing is minted now. */
export function presentFacts(
  agent: Parts,
  { log: { writer, shipper, witnessed }, approvals }: Opened,
  journal: Pick<AgentJournal, 'controlHead' | 'pulseMaxAgeMs'>,
  refusal: ErrorCode | undefined,
): PresentFacts | undefined {
  const { freshness, rules, bedrock, children, auditFault } = agent;
  const control = journal.controlHead();
  if (control === undefined) return undefined;
  return {
    ...{ control, rules, bedrock: bedrock.version, grants: agent.grants(), counts: countsOf(agent) },
    freshness: { ...freshness.view(journal.pulseMaxAgeMs), refusal },
    recording: !writer.isFailing && !writer.frozen,
    faults: [
      ...(auditFault === undefined ? [] : [auditFault.code]),
      ...(writer.isFailing ? (['audit_unavailable'] as const) : []),
      ...(witnessed.forked === undefined ? [] : (['audit_altered'] as const)),
      ...(shipper.fault === undefined ? [] : [shipper.fault]),
    ],
    children: children.views(),
    waiting: (session) => approvals.waitingOf(session),
  };
}

/** Of its grants and its budget, those whose limits count something. */
function countsOf(agent: Pick<Parts, 'grants' | 'budget' | 'usedOf'>): readonly PresentCount[] {
  const { budget } = agent;
  const limited = [...agent.grants(), ...(budget === undefined ? [] : [{ grant: budget.id, fence: budget }])];
  return limited.flatMap(({ grant, fence }) => {
    const used = agent.usedOf(grant, fence);
    return Object.keys(used).length === 0 ? [] : [{ grant, ...used }];
  });
}
