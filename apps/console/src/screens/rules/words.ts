// What the rules screen says of a set, in sentences.

import { readAct } from '@holdfast/protocol/audit/act';
import { listed } from '@holdfast/protocol/codec/shown';
import type { ChangeText, HeldHistory, ReadSet } from './rules-work.ts';

/** What it was, without the form that it is recorded in. */
export function recordedText(act: string): string {
  try {
    const { command, url, method, paths, server, mcpTool } = readAct(act);
    return (
      command ?? (url === undefined ? undefined : `${method ?? ''} ${url}`.trim()) ?? mcpTool ?? server ?? paths?.join(' ') ?? ''
    );
  } catch {
    return act;
  }
}

const number = (count: number): string => count.toLocaleString('en');

export function heldText({ calls, stopped }: HeldHistory): string {
  if (calls === 0) return 'There is nothing to hold them against yet.';
  if (stopped.length === 0) return `They would have stopped none of the ${number(calls)} recorded acts.`;
  return `They would have stopped ${number(stopped.length)} of the ${number(calls)} recorded acts.`;
}

/** "adds a, changes b, removes 3 rules" */
export function changesText(changes: readonly ChangeText[]): string {
  const of = (how: ChangeText['how'], verb: string): string[] => {
    const ids = changes.flatMap((each) => (each.how === how ? [each.rule] : []));
    if (ids.length === 0) return [];
    return [`${verb} ${ids.length > 3 ? `${ids.length} rules` : listed(ids)}`];
  };
  return listed([...of('added', 'adds'), ...of('changed', 'changes'), ...of('removed', 'removes')]);
}

export function concernsText(concerned: readonly string[]): string {
  if (concerned.length === 0) return 'It concerns no agent that there is';
  if (concerned.length > 3) return `It concerns ${concerned.length} agents`;
  return `It concerns ${listed(concerned)}`;
}

/** Whole, for whoever signs. */
export function publishText({ rules, changes, isFirst, concerned }: ReadSet, version: number): string {
  const many = `${number(rules)} ${rules === 1 ? 'rule' : 'rules'}`;
  const first = isFirst
    ? 'the first; before it agents may only read'
    : changesText(changes) || 'which decide as those before them';
  return `Publish version ${version} of the rules: ${many}, ${first}. ${concernsText(concerned)}, from the next act on.`;
}
