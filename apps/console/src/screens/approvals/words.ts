// What a card says, in plain words. What an agent or its machine worded is handed on as it is and marked by whoever shows it; it never becomes a part
// of a sentence of ours but quoted and with its invisible characters written out.

import type { Act, Answer, Outcome } from '@holdfast/protocol/approvals/ask';
import { duration, visible } from '@holdfast/protocol/codec/shown';
import type { UseAct } from '@holdfast/protocol/operator/asks';
import type { Difference } from '@holdfast/protocol/operator/usual';
import type { ShownAsk } from '../../fleet/fleet.ts';
import type { Ending } from './deck.ts';

/** What is said of a command in a sentence; the whole of it stands on the card. */
const maxQuoted = 120;

export const unusualWords: Readonly<Record<Difference, string>> = {
  'first-use': 'You have not approved a use of this credential by this agent here before.',
  'first-host': 'The first one to this host.',
  'first-method': 'The first one with this method there.',
  'first-path': 'The first one at this path.',
  larger: 'Its body is longer than any that you approved before.',
};

/** `api.example`, or with the port where it is not the usual one. */
export const placeOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  port === 443 ? host : `${host}:${port}`;

/** The request as it goes out, in one line. */
export function requestLine({
  method,
  host,
  port,
  path,
  query,
}: Pick<UseAct, 'method' | 'host' | 'port' | 'path'> & { readonly query?: string }): string {
  return `${method} https://${placeOf({ host, port })}${path}${query === undefined || query === '' ? '' : `?${query}`}`;
}

/** What a person would call it. */
export function titleOf(act: Act): string {
  switch (act.kind) {
    case 'tool-call':
      return `wants to run ${visible(act.name)}`;
    case 'use':
      return `wants to use ${visible(act.name)}`;
    case 'access':
      return `asks for access to ${visible(placeOf(act))}`;
  }
}

function quoted(text: string): string {
  const shown = visible(text);
  if (shown.length <= maxQuoted) return `“${shown}”`;
  return `“${shown.slice(0, maxQuoted)}…” (${shown.length - maxQuoted} more characters, shown on the card)`;
}

/** Word for word what is confirmed before it is signed. `count`: so many asks that read the same. */
export function answerSentence(
  { open: { agent, ask } }: ShownAsk,
  verdict: Answer['verdict'],
  { count = 1, item }: { readonly count?: number; readonly item?: string | undefined } = {},
): string {
  const { act } = ask;
  const who = `${agent.scope} on ${visible(agent.machine)}`;
  const often = count === 1 ? 'once' : `${count} times, once for each of the ${count} asks that read the same`;
  const verb = verdict === 'deny' ? 'Deny' : 'Let';
  switch (act.kind) {
    case 'tool-call':
      return `${verb} ${who} ${verdict === 'deny' ? 'to run' : 'run'} ${visible(act.name)} ${quoted(act.text)}, ${often}`;
    case 'use':
      return `${verb} ${who} ${verdict === 'deny' ? 'to use' : 'use'} ${visible(act.name)} for ${quoted(requestLine(act))}, ${often}`;
    case 'access':
      if (verdict === 'deny') return `Deny ${who} access to ${quoted(requestLine(act))}`;
      return `Grant ${item === undefined ? 'a credential' : visible(item)} to ${who} for ${quoted(requestLine(act))}, and for nothing else`;
  }
}

const endings: Readonly<Record<Outcome, string>> = {
  allowed: 'Approved.',
  denied: 'Denied.',
  expired: 'Nobody answered in time: denied.',
  crowded: 'Too many asks at once: denied without asking.',
  unasked: 'It could not be asked: denied.',
  withdrawn: 'The agent does not wait for it any more.',
};

/** What this console did of it. */
export interface OwnAnswer {
  readonly verdict: Answer['verdict'];
  readonly sentAtMs: number;
  /** When the agent's word of what came of it was here. */
  readonly toldAtMs?: number | undefined;
  /** True: it has not said in time. */
  readonly silent?: boolean | undefined;
}

/** What became of an ask; one sentence or two. */
export function endingWords(ending: Ending | undefined, own: OwnAnswer | undefined): string {
  if (own === undefined) {
    if (ending === undefined) return '';
    const elsewhere = ending.outcome === 'allowed' || ending.outcome === 'denied' ? ' Answered on another device.' : '';
    return `${endings[ending.outcome]}${elsewhere}${waited(ending)}`;
  }
  const wanted: Outcome = own.verdict === 'once' ? 'allowed' : 'denied';
  if (ending === undefined) {
    const said = own.verdict === 'once' ? 'Approved' : 'Denied';
    return own.silent === true
      ? `${said} here; the agent has not said that it heard it.`
      : `${said} here; waiting for the agent's word.`;
  }
  if (ending.outcome !== wanted) return `Too late. ${endings[ending.outcome]}`;
  if (own.verdict === 'deny') return endings.denied;
  const tookMs = Math.max(0, ending.atMs - own.sentAtMs);
  return `Approved, once. Unblocked ${duration(tookMs)} later.${waited(ending)}`;
}

const waited = ({ letGoAfterMs }: Ending): string =>
  letGoAfterMs === undefined ? '' : ` It had waited ${duration(letGoAfterMs)} in all, by its machine's clock.`;

/** Of signals that were refused. */
export function refusedWords(count: number): string {
  return `${count === 1 ? '1 signal' : `${count} signals`} did not hold and ${count === 1 ? 'was' : 'were'} not shown: the relay or a machine sends them.`;
}

/** What waits behind those that are shown. */
export function behindWords(count: number): string {
  return count === 1 ? '1 more waits' : `${count} more wait`;
}
