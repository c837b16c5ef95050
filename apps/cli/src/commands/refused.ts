// What a person reads of a session in which something waits, or after one in which something did not pass. Hosts are the agent's choice of words: nothing of them is offered to
// be typed that a shell could take for more than a host.

import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { duration, visible } from '../output.ts';

const maxLines = 5;
/** The broker's spelling of a name or an address; without a character that a shell reads. */
const plainHost = /^(?:[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:]+\])$/;

const waits: Readonly<Record<DoorReplyOf<'waiting'>['act'], string>> = {
  use: 'one request with a credential',
  access: 'access that it lacks',
  'tool-call': 'what a tool would do',
};

/** Something waits for an operator. */
export function waitingLine({ ask, act, withinMs }: DoorReplyOf<'waiting'>): string {
  const id = toHex(ask).slice(0, 8);
  return `holdfast: ${waits[act]}: waiting for approval, ${duration(withinMs)} at most; to see it: holdfast approvals; to answer: holdfast approvals approve ${id}`;
}

/** What a person does about a refusal, by its code. */
const nextSteps: ReadonlyMap<string, string> = new Map([
  ['approval_expired', 'nobody answered; to be asked as it comes: holdfast approvals --follow'],
  ['approval_denied', 'an operator said no; it stands for five minutes'],
  ['approval_crowded', 'three waited already; to see them: holdfast approvals'],
  ['approval_unavailable', 'nobody could be asked; see: holdfast status'],
  ['authority_untrusted', "the client does not trust the session's authority; see: holdfast doctor"],
]);

/** At most five lines, each whole; none if everything passed. `scope` names the agent. */
export function refusedLines({ refused = [], unlisted = 0 }: DoorReplyOf<'exited'>, scope: string): string[] {
  const lines = refused.map(({ code, host, port, granted, count }) => {
    const target = host === undefined ? '' : ` to ${visible(host)}:${port ?? 443}`;
    const what = `holdfast: ${count} request${count === 1 ? '' : 's'}${target} did not pass (${visible(code)})`;
    const next = nextSteps.get(code);
    if (next !== undefined) return `${what}: ${next}`;
    if (code !== 'egress_denied' || host === undefined) return what;
    if (granted) return `${what}: outside of what its credential is granted for`;
    const name = port === undefined || port === 443 ? host : `${host}:${port}`;
    return plainHost.test(host) ? `${what}; to allow that host: holdfast egress allow ${name} --to ${scope}` : what;
  });
  if (lines.length <= maxLines && unlisted === 0) return lines;
  const shown = lines.slice(0, maxLines - 1);
  const rest = refused.slice(shown.length).reduce((sum, { count }) => sum + count, unlisted);
  return [...shown, `holdfast: and ${rest} more; all of them: holdfast audit show`];
}
