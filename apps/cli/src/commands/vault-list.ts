// `holdfast vault list`: what a credential is for, where it may go and how, who may use it, and when that last happened. Never a secret.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { recordedHere, recordedText, type Recorded } from '../audit/recorded.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { limitText, shownLimits, type ShownLimits } from '../operator/limits.ts';
import { asOperator } from '../operator/session.ts';
import { size, visible, type Output } from '../output.ts';
import { termsOf } from './vault.ts';

type Terms = ReturnType<typeof termsOf>;

interface Used {
  readonly total: number;
  readonly windows: readonly number[];
}

/** What of its limits is used up, where this machine counts it. */
interface Counted extends ShownLimits {
  readonly agent: Uint8Array;
  readonly scope: string;
  readonly used?: Used;
  readonly usedBytes?: Used;
  readonly open?: number;
}

/** One agent's leave to use it. */
interface Use extends Counted {
  readonly approve: boolean;
  readonly recorded: Recorded | null;
}

/** With a passphrase: the operator's own view. Without: what this machine may use, as its daemon reads the fleet. */
export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) return listHere(output);
  await asOperator(output, options, async (session) => {
    const { items: kept, grants, agents } = session.state;
    const held = [...grants.values()].flatMap((granted) => [...granted.values()]);
    const recorded = await recordedHere(held.map(({ agent }) => agent));
    const items = [...kept.values()].map((item) => ({
      item: item.id,
      ...termsOf(item),
      addedAtMs: item.addedAtMs,
      grants: held
        .filter((each) => toHex(each.item) === toHex(item.id))
        .map((each) => ({
          grant: each.grant,
          agent: each.agent,
          scope: agents.get(toHex(each.agent))?.scope ?? '',
          approve: each.sealed === undefined,
          recorded: recorded(each.agent, item.id),
          ...shownLimits(each.fence),
        })),
    }));
    const budgets = [...session.state.budgets.values()].map((budget) => ({
      budget: budget.id,
      agent: budget.agent,
      scope: agents.get(toHex(budget.agent))?.scope ?? '',
      setAtMs: budget.setAtMs,
      ...shownLimits(budget),
    }));
    output.result({ view: 'operator', items, budgets }, [
      ...(items.length === 0 ? ['no credentials yet'] : items.flatMap((item) => linesOf(item, item.grants))),
      ...budgets.flatMap(budgetLines),
    ]);
  });
}

async function listHere(output: Output): Promise<void> {
  const { grants, budgets: limited = [], agents } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
  const recorded = await recordedHere(grants.map(({ agent }) => agent));
  const scopes = new Map(agents.map(({ agent, scope }) => [toHex(agent), scope]));
  const items = grants.map(({ agent, granted, grantedAtMs, used, usedBytes, open }) => ({
    item: granted.item,
    ...termsOf(granted),
    agent,
    scope: scopes.get(toHex(agent)) ?? '',
    grant: granted.grant,
    approve: granted.approve,
    grantedAtMs,
    recorded: recorded(agent, granted.item),
    ...(used && { used }),
    ...(usedBytes && { usedBytes }),
    ...(open !== undefined && { open }),
  }));
  const budgets = limited.map(({ budget, setAtMs, ...counted }) => ({
    budget: budget.id,
    agent: budget.agent,
    scope: scopes.get(toHex(budget.agent)) ?? '',
    setAtMs,
    ...shownLimits(budget),
    ...counted,
  }));
  output.result({ view: 'machine', items, budgets }, [
    ...(items.length === 0 ? ['nothing is granted to this machine'] : items.flatMap((item) => linesOf(item, [item]))),
    ...budgets.flatMap(budgetLines),
  ]);
}

function linesOf(item: Terms, uses: readonly Use[]): string[] {
  const { name, purpose, hosts, methods, paths, attach, env } = item;
  const within = limitText(item);
  return [
    `${visible(name).padEnd(20)} ${hosts.join(',')}  ${methods.join(',')} ${paths.join(',')}  ${visible(attach)}`,
    ...(purpose === undefined ? [] : [`  for: ${visible(purpose)}`]),
    ...(env === undefined ? [] : [`  in sessions: ${env}`]),
    ...(uses.length === 0 ? [...(within === '' ? [] : [`  within ${within}`]), '  granted to nobody'] : uses.flatMap(useLines)),
  ];
}

const who = ({ agent, scope }: Counted): string => `${visible(scope)} ${toHex(agent).slice(0, 8)}`;

function useLines(use: Use): string[] {
  const { approve, recorded } = use;
  return [`  ${who(use)}: ${approve ? 'each use is approved; ' : ''}${recordedText(recorded)}`, ...countedLines(use)];
}

const budgetLines = (budget: Counted): string[] => [`${who(budget)}: all of its credentials together`, ...countedLines(budget)];

function countedLines({ used, usedBytes, open, ...limits }: Counted): string[] {
  const within = limitText(limits);
  const counted = [
    ...(used ? [`used ${countsText(used, limits.max)}`] : []),
    ...(usedBytes ? [`passed ${countsText(usedBytes, limits.bytes, size)}`] : []),
    ...(open === undefined ? [] : [`${open} open`]),
  ];
  return within === '' ? [] : [`    ${['within ' + within, ...counted].join('; ')}`];
}

function countsText(
  { total, windows }: Used,
  limits: readonly string[] = [],
  amount: (count: number) => string = String,
): string {
  return [`${amount(total)} in all`, ...windows.map((count, index) => `${amount(count)} of ${limits[index]}`)].join(', ');
}
