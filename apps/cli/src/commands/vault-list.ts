// `holdfast vault list`: what a credential is for, where it may go and how, who may use it, and when that last happened. Never a secret.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { budgetSentence, grantSentence } from '@holdfast/protocol/vault/sentence';
import { shownLimits, type ShownLimits } from '@holdfast/protocol/vault/limits';
import { usedTexts, type Counted } from '@holdfast/protocol/vault/used';
import { recordedHere, recordedText, type Recorded } from '../audit/recorded.ts';
import { askDaemon, findHome } from '../door-client.ts';
import { limitText } from '../operator/limits.ts';
import { asOperator } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';
import { termsOf } from './vault.ts';

type Terms = ReturnType<typeof termsOf>;

/** What of its limits is used up, where this machine counts it. */
interface CountedShown extends ShownLimits, Counted {
  readonly agent: Uint8Array;
  readonly scope: string;
}

/** One agent's leave to use it. */
interface Use extends CountedShown {
  readonly approve: boolean;
  readonly recorded: Recorded | null;
}

/** What is answered, and what it says in words. */
interface Said<T> {
  readonly shown: T;
  readonly sentence: string;
}

const shownOf = <T>(said: readonly Said<T>[]): readonly T[] => said.map(({ shown }) => shown);

/** With a passphrase: the operator's own view. Without: what this machine may use, as its daemon reads the fleet. */
export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) return listHere(output);
  await asOperator(output, options, async (session) => {
    const { items: kept, grants, agents } = session.state;
    const held = [...grants.values()].flatMap((granted) => [...granted.values()]);
    const recorded = await recordedHere(held.map(({ agent }) => agent));
    const scopeOf = (agent: Uint8Array) => agents.get(toHex(agent))?.scope ?? '';
    const items = [...kept.values()].map((item) => ({
      terms: { item: item.id, ...termsOf(item), addedAtMs: item.addedAtMs },
      grants: held
        .filter((each) => toHex(each.item) === toHex(item.id))
        .map((each) => {
          const [scope, approve] = [scopeOf(each.agent), each.sealed === undefined];
          const { grant, agent, fence } = each;
          const shown = { grant, agent, scope, approve, recorded: recorded(agent, item.id), ...shownLimits(fence) };
          return { shown, sentence: grantSentence(named({ agent, scope }), { fence, approve }).text };
        }),
    }));
    const budgets = [...session.state.budgets.values()].map((budget) => {
      const { id, agent, setAtMs } = budget;
      const scope = scopeOf(agent);
      const shown = { budget: id, agent, scope, setAtMs, ...shownLimits(budget) };
      return { shown, sentence: budgetSentence(named({ agent, scope }), budget).text };
    });
    output.result(
      {
        view: 'operator',
        items: items.map(({ terms, grants: granted }) => ({ ...terms, grants: shownOf(granted) })),
        budgets: shownOf(budgets),
      },
      [
        ...(items.length === 0 ? ['no credentials yet'] : items.flatMap((item) => linesOf(item.terms, item.grants))),
        ...budgets.flatMap(budgetLines),
      ],
    );
  });
}

async function listHere(output: Output): Promise<void> {
  const { grants, budgets: limited = [], agents } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
  const recorded = await recordedHere(grants.map(({ agent }) => agent));
  const scopes = new Map(agents.map(({ agent, scope }) => [toHex(agent), scope]));
  const items = grants.map(({ agent, granted, grantedAtMs, used, usedBytes, open }) => {
    const scope = scopes.get(toHex(agent)) ?? '';
    const shown = {
      item: granted.item,
      ...termsOf(granted),
      agent,
      scope,
      grant: granted.grant,
      approve: granted.approve,
      grantedAtMs,
      recorded: recorded(agent, granted.item),
      ...(used && { used }),
      ...(usedBytes && { usedBytes }),
      ...(open !== undefined && { open }),
    };
    return { shown, sentence: grantSentence(named({ agent, scope }), granted).text };
  });
  const budgets = limited.map(({ budget, setAtMs, ...counted }) => {
    const { id, agent } = budget;
    const scope = scopes.get(toHex(agent)) ?? '';
    const shown = { budget: id, agent, scope, setAtMs, ...shownLimits(budget), ...counted };
    return { shown, sentence: budgetSentence(named({ agent, scope }), budget).text };
  });
  output.result({ view: 'machine', items: shownOf(items), budgets: shownOf(budgets) }, [
    ...(items.length === 0 ? ['nothing is granted to this machine'] : items.flatMap((item) => linesOf(item.shown, [item]))),
    ...budgets.flatMap(budgetLines),
  ]);
}

function linesOf({ name, purpose, attach, env, ...item }: Terms, uses: readonly Said<Use>[]): string[] {
  const within = limitText(item);
  return [
    `${visible(name).padEnd(20)} ${item.hosts.join(',')}  ${item.methods.join(',')} ${item.paths.join(',')}  ${visible(attach)}`,
    ...(purpose === undefined ? [] : [`  for: ${visible(purpose)}`]),
    ...(env === undefined ? [] : [`  in sessions: ${env}`]),
    ...(uses.length === 0 ? [...(within === '' ? [] : [`  within ${within}`]), '  granted to nobody'] : uses.flatMap(useLines)),
  ];
}

/** By the id as well: several machines may have an agent of that scope. */
const named = ({ agent, scope }: Pick<CountedShown, 'agent' | 'scope'>): string => `${scope} ${toHex(agent).slice(0, 8)}`;

function useLines({ shown, sentence }: Said<Use>): string[] {
  return [`  ${visible(sentence)}`, `    ${[recordedText(shown.recorded), ...usedTexts(shown, shown)].join('; ')}`];
}

function budgetLines({ shown, sentence }: Said<CountedShown>): string[] {
  const counted = usedTexts(shown, shown);
  return [visible(sentence), ...(counted.length === 0 ? [] : [`    ${counted.join('; ')}`])];
}
