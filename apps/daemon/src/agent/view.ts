// What `holdfast status` is told of one agent: facts and ages, no judgement; the reader of the answer has no clock of ours.

import type { AgentView } from '@holdfast/protocol/door/wire';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Freshness } from '../freshness.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Enrolment } from '../state/store.ts';
import type { AgentJournal } from './journal.ts';
import type { InForce } from './rules-in-force.ts';

export interface Viewed {
  readonly enrolment: Enrolment;
  readonly custodyLevel: string;
  readonly journal: AgentJournal;
  readonly link: RelayLink;
  readonly freshness: Freshness;
  readonly live: boolean;
  readonly suspended: boolean;
  readonly grants: number;
  readonly rules: InForce;
  readonly egress: number;
  /** Records of its audit log. */
  readonly events: number;
  readonly recording: boolean;
  /** Why the relay does not take that log. */
  readonly shippingFault: ErrorCode | undefined;
  readonly witness: AgentView['witness'];
  /** Why nothing is minted now. */
  readonly refusal: ErrorCode | undefined;
}

export function viewOf({
  enrolment,
  custodyLevel,
  journal,
  link,
  freshness,
  live,
  suspended,
  grants,
  egress,
  rules,
  events,
  recording,
  shippingFault,
  witness,
  refusal,
}: Viewed): AgentView {
  const { agent, fleet, scope, relayUrl } = enrolment;
  const { state } = journal;
  const fresh = freshness.view(journal.pulseMaxAgeMs);
  const relayAgeMs = whole(fresh.relayAgeMs);
  const pulseAgeMs = whole(fresh.pulseAgeMs);
  const control = journal.controlHead();
  return {
    agent,
    fleet,
    fleetName: state?.name ?? '',
    scope,
    custody: custodyLevel,
    state: state === undefined ? 'new' : !live ? 'revoked' : suspended ? 'suspended' : 'live',
    relay: relayUrl,
    relayState: link.state,
    ...(link.error !== undefined && { relayError: link.error }),
    ...(control !== undefined && { control }),
    freshness: {
      ...(relayAgeMs !== undefined && { relayAgeMs }),
      ...(pulseAgeMs !== undefined && { pulseAgeMs }),
      pulseMaxAgeMs: fresh.pulseMaxAgeMs,
      ...(refusal !== undefined && { refusal }),
    },
    grants,
    ...(rules.version !== undefined && { rules: rules.version }),
    ...(rules.unreadable !== undefined && { rulesUnreadable: rules.unreadable }),
    egress,
    undecryptable: journal.undecryptable,
    rejected: state?.rejected.length ?? 0,
    events,
    recording,
    ...(shippingFault !== undefined && { shippingFault }),
    ...(witness !== undefined && { witness }),
  };
}

function whole(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}
