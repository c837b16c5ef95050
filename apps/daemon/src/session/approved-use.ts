// Requests with a credential that is approved per use, spec/approval.md: put to an operator as they would go out, and let go by a sealing that opens
// for exactly this request. Until then no process of this machine can open the secret. Trusts the broker for what would go out.

import type { Cause } from '@holdfast/protocol/audit/event';
import type { HoldfastError } from '@holdfast/protocol/errors';
import type { Outcome } from '@holdfast/protocol/approvals/ask';
import { OneUseKey, useDigest, type BoundRequest } from '@holdfast/protocol/approvals/use';
import type { Grant } from '@holdfast/protocol/journal/state';
import type { Agent } from '../agent/agent.ts';
import type { Asking, UseAnswer } from '../approvals/approvals.ts';
import type { Judged, ReceivedBody, RequestFacts, ToApprove } from '../broker/broker.ts';
import { refusal } from '../broker/refusal.ts';
import type { Ports } from '../ports.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const maxReportedCharacters = 1024;

/** How the secret of one use is opened. Either `open` or `wipe` ends it. */
export interface Opening {
  /** By which it was approved, where it was. */
  readonly ask?: Uint8Array;
  /** The secret, which the caller owns and overwrites. Throws `open_failed`; `approval_expired` where it was approved. */
  open(): Promise<Uint8Array>;
  wipe(): void;
  /** Where it was approved: tells operators that the use goes, or has failed. Once. */
  over?(): void;
}

/** What goes out besides its place and its method. */
type Sent = ToApprove & { readonly judged: Judged };

/** A body as it was received, to be sent as it is. Throws `approval_unavailable` for one in a coding, that nobody can read. */
export function wholeOf(body: ReceivedBody | undefined): Judged['body'] {
  if (body === undefined || body.bytes.length === 0) return undefined;
  if (body.coding !== undefined) throw unshown();
  return { type: body.type, bytes: body.bytes };
}

interface Parts {
  readonly agent: Agent;
  readonly ports: Pick<Ports, 'primitives' | 'clock'>;
  readonly by: Asking;
  /** Which of the agent's children asks, for the record. */
  readonly child: Uint8Array | undefined;
  readonly cause: Cause | undefined;
  /** The last command that the session's harness told of. */
  readonly lastCommand: () => string | undefined;
}

/** Waits for an operator. Throws `approval_denied`, `approval_expired`, `approval_crowded`, `approval_unavailable`. [APPROVAL-18] */
export async function approvedUse(
  { agent, ports: { primitives, clock }, by, child, cause, lastCommand }: Parts,
  grant: Grant,
  facts: RequestFacts,
  sent: Sent,
): Promise<Opening> {
  const bound = (): BoundRequest => requestOf(grant, by.session, facts, sent);
  const asked = shownOrRefused(() => {
    const request = bound();
    return { request, call: useDigest(primitives, request) };
  });
  const key = await OneUseKey.make(primitives);
  const { agent: _agent, session: _session, ...request } = asked.request;
  const command = lastCommand();
  const reported = command === undefined ? {} : { reported: { command: command.slice(0, maxReportedCharacters) } };
  let answer: UseAnswer | undefined;
  try {
    answer = await agent.approvals.askAboutUse(by, {
      act: { kind: 'use', ...request, key: key.publicKey, ...reported },
      call: asked.call,
      because: [],
      ...(grant.fence.approveWithinMs !== undefined && { withinMs: grant.fence.approveWithinMs }), // [APPROVAL-7]
      ...(child !== undefined && { child }),
      ...(cause !== undefined && { cause }),
      gone: sent.gone,
    });
  } finally {
    if (answer?.outcome !== 'allowed' || answer.sealed === undefined) key.wipe();
  }
  const { outcome, sealed, ask, expiresAtMs, over } = answer;
  if (outcome !== 'allowed' || sealed === undefined) {
    over();
    throw refusalOf(outcome);
  }
  const terms = { fleet: agent.enrolment.fleet, agent: agent.id, session: by.session, ask, expiresAtMs };
  return {
    ask,
    open: () => key.open(terms, bound(), sealed, clock.nowMs()), // the request as it is now [APPROVAL-17]
    wipe: () => key.wipe(),
    over,
  };
}

function requestOf(
  { agent, grant, item, name }: Grant,
  session: Uint8Array,
  { method, host, port, path }: RequestFacts,
  { headers, judged }: Sent,
): BoundRequest {
  return {
    ...{ agent, session, grant, item, name, method, host, port, path, query: judged.query },
    headers: headers(judged.body).map(([header, value]) => ({ name: header, value })),
    body: strictUtf8.decode(judged.body?.bytes),
  };
}

/** [APPROVAL-14] */
function shownOrRefused<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw unshown(cause);
  }
}

const unshown = (cause?: unknown): HoldfastError => refusal('approval_unavailable', cause);

const refusals: Readonly<Record<Outcome, Parameters<typeof refusal>[0]>> = {
  allowed: 'approval_unavailable', // without a sealing
  denied: 'approval_denied',
  expired: 'approval_expired',
  crowded: 'approval_crowded',
  unasked: 'approval_unavailable',
  withdrawn: 'request_cut',
};
export const refusalOf = (outcome: Outcome): HoldfastError => refusal(refusals[outcome]);
