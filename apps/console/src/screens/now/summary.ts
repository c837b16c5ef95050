// The one sentence for when nothing needs anybody, and what does need somebody, in words: pure, from what is known.

import { ago, coarse, listed, visible } from '@holdfast/protocol/codec/shown';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent, Device } from '@holdfast/protocol/journal/state';
import type { AgentNode } from '../agents/tree.ts';

/** "Nothing needs you. 3 agents, all sealed. Last pulse 2 h ago." */
export function quietWords(nodes: readonly AgentNode[], pulsedAtMs: number | undefined, nowMs: number): string {
  const living = nodes.filter(({ standing }) => standing !== 'revoked');
  const pulse = pulsedAtMs === undefined ? '' : ` Last pulse ${ago(Math.max(0, nowMs - pulsedAtMs))}.`;
  if (living.length === 0) return `Nothing needs you. No agent yet.${pulse}`;
  const count = living.length === 1 ? '1 agent' : `${living.length} agents`;
  return `Nothing needs you. ${count}, ${modesWords(living)}.${pulse}`;
}

function modesWords(living: readonly AgentNode[]): string {
  const away = living.filter(({ heard }) => heard === undefined).length;
  const sealed = living.reduce((sum, each) => sum + each.sealed, 0);
  const guarded = living.reduce((sum, each) => sum + each.guarded, 0);
  const unheard = away === 0 ? [] : [away === living.length ? 'none heard of just now' : `${away} not heard of just now`];
  if (away === living.length) return listed(unheard);
  if (sealed + guarded === 0) return listed(['nothing runs', ...unheard]);
  const runs = guarded === 0 ? 'all sealed' : sealed === 0 ? 'all guarded' : `${sealed} sealed and ${guarded} guarded`;
  return [runs, ...unheard].join(', ');
}

/** What stops when, as long as no operator gives another sign of life. */
export function freshnessWords(pulsedAtMs: number | undefined, pulseMaxAgeMs: number, nowMs: number): string {
  if (pulsedAtMs === undefined) return 'No operator has given a sign of life yet: agents use no credential.';
  const leftMs = pulsedAtMs + pulseMaxAgeMs - nowMs;
  if (leftMs <= 0)
    return `The last pulse is too old, from ${ago(nowMs - pulsedAtMs)}. Agents use no credential until there is one.`;
  return `Last pulse ${ago(Math.max(0, nowMs - pulsedAtMs))}. Without another one agents use no credential in ${coarse(leftMs)}.`;
}

/** One thing that should be looked at. */
export interface Warning {
  readonly kind: 'stop' | 'warn' | 'info';
  readonly title: string;
  readonly about?: string;
  readonly href?: string;
  readonly link?: string;
}

export interface Warned {
  readonly nodes: readonly AgentNode[];
  readonly refused: number;
  readonly newDevices: readonly Pick<Device, 'name'>[];
  readonly renamedDevices: readonly Pick<Device, 'name' | 'renamed'>[];
  readonly newAgents: readonly (Pick<Agent, 'id' | 'scope' | 'machine'> & { readonly by: string | undefined })[];
}

/** Incidents first, as machines name them; then what waits for a decision that no ask asks for. */
export function warningsOf({ nodes, refused, newDevices, renamedDevices, newAgents }: Warned): readonly Warning[] {
  return [
    ...nodes.flatMap(({ agent, heard, id }): Warning[] => {
      const { incidents = [], recording = true } = heard?.presence ?? {};
      const href = `/agents/${id}`;
      const named = recording ? incidents : [...new Set([...incidents, 'audit_unavailable'])];
      if (named.length === 0) return [];
      const title = `${agent.scope} on ${visible(agent.machine)}: something is wrong there`;
      return [{ kind: 'stop', title, about: named.join(', '), href, link: `Open ${agent.scope}` }];
    }),
    ...(refused === 0
      ? []
      : [
          {
            kind: 'warn' as const,
            title: `${refused === 1 ? '1 signal' : `${refused} signals`} did not hold`,
            about: 'They were not shown. The relay sends them, or a machine that was taken over.',
          },
        ]),
    ...newDevices.map(({ name }): Warning => ({
      kind: 'warn',
      title: `A new operator device: ${visible(name)}`,
      about: 'It may do all that you may. If you did not add it, remove it now.',
      href: '/devices',
      link: 'Look at it, or remove it',
    })),
    ...newAgents.map(({ id, scope, machine, by }): Warning => ({
      kind: 'info',
      title: `A new agent: ${scope} on ${visible(machine)}`,
      about: `${by === undefined ? 'A device that has gone' : visible(by)} admitted it. If you don't want it, suspend or revoke it.`,
      href: `/agents/${toHex(id)}`,
      link: `Open ${scope}`,
    })),
    ...renamedDevices.map(({ name, renamed }): Warning => ({
      kind: 'info',
      title: `An operator device is called ${visible(name)} now`,
      about: `It was added as ${visible(renamed?.joinedAs ?? name)}.`,
      href: '/devices',
      link: 'Look at it',
    })),
    ...nodes.flatMap(({ agent, standing, id }): Warning[] =>
      standing !== 'suspended'
        ? []
        : [
            {
              kind: 'info',
              title: `${agent.scope} on ${visible(agent.machine)} is suspended`,
              about: agent.suspended === undefined ? '' : visible(agent.suspended.reason),
              href: `/agents/${id}`,
              link: 'Open it, or resume it',
            },
          ],
    ),
  ];
}

export interface Doing {
  readonly key: string;
  readonly who: string;
  readonly what: string;
  readonly sinceMs: number | undefined;
  readonly mode: 'sealed' | 'guarded';
  readonly href: string;
}

/** One line for each session that does something, what began last first. Times of a machine are shown by its own clock's differences. */
export function doingNow(nodes: readonly AgentNode[]): readonly Doing[] {
  return nodes
    .flatMap(({ id, agent, heard }): Doing[] =>
      (heard?.presence.sessions ?? []).flatMap((session): Doing[] => {
        const { now, child, mode, program } = session;
        const { heardAtMs = 0, presence } = heard ?? {};
        const below = child && presence?.children.find((each) => each.child.every((byte, at) => byte === child[at]));
        const who = `${agent.scope}${below === undefined ? '' : ` › ${visible(below.name)}`}`;
        const key = `${id}${[...session.session].join('.')}`;
        if (now === undefined) return [{ key, who, what: visible(program), sinceMs: undefined, mode, href: `/agents/${id}` }];
        const sinceMs = heardAtMs - Math.max(0, (presence?.atMs ?? 0) - now.sinceMs);
        const what = `${visible(now.name)}: ${visible(now.text)}${now.cut === undefined ? '' : '…'}`;
        return [{ key, who, what, sinceMs, mode, href: `/agents/${id}` }];
      }),
    )
    .toSorted((one, other) => (other.sinceMs ?? 0) - (one.sinceMs ?? 0));
}
