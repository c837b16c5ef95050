// How agents are just now by their machines' own word, spec/presence.md, for `holdfast agents`: what the relay has kept of it, read as the console reads it.

import { hasApplied, Presences, type Heard, type PresentSession } from '@holdfast/protocol/approvals/presence';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { ago } from '@holdfast/protocol/codec/shown';
import { hearPresence } from '@holdfast/protocol/operator/hear-presence';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { visible } from '../output.ts';

/** More than a relay keeps for a reader. */
const maxKept = 8192;

/** Signals as they are pushed while the fleet is being read; what does not hold of them is dropped. */
export class PresenceEars {
  readonly #kept: { readonly wire: Uint8Array; readonly heardAtMs: number }[] = [];

  hear(push: RelayPush): void {
    if (push.kind === 'push-signal' && this.#kept.length < maxKept) this.#kept.push({ wire: push.signal, heardAtMs: Date.now() });
  }

  async heard(session: OperatorSession): Promise<Presences> {
    const presences = new Presences();
    for (const { wire, heardAtMs } of this.#kept.splice(0)) {
      const heard = await hearPresence(session, wire, heardAtMs).catch(() => undefined);
      if (heard !== undefined) presences.take(heard);
    }
    return presences;
  }
}

/** As `--json` has it. [CLI-99] */
export interface Present {
  readonly heardAtMs: number;
  readonly hasNewest: boolean;
  readonly rules?: number | undefined;
  readonly bedrock: number;
  readonly incidents: readonly string[];
  readonly sessions: readonly PresentSession[];
  readonly children: Heard['presence']['children'];
  readonly counts: Heard['presence']['counts'];
  readonly unlisted: Heard['presence']['unlisted'];
}

export function presentOf({ presence, heardAtMs }: Heard, control: Parameters<typeof hasApplied>[1]): Present {
  const { rules, bedrock, incidents, sessions, children, counts, unlisted } = presence;
  const hasNewest = hasApplied(presence, control);
  const versions = { ...(rules !== undefined && { rules }), bedrock };
  return { heardAtMs, hasNewest, ...versions, incidents, sessions, children, counts, unlisted };
}

export function presentLines({ heardAtMs, hasNewest, incidents, sessions, children }: Present, nowMs: number): readonly string[] {
  const newest = hasNewest ? 'has your newest change' : 'does not have your newest change yet';
  const nameOf = ({ child }: PresentSession): string => {
    const of = child && children.find((each) => equalBytes(each.child, child));
    return of === undefined ? '' : `${visible(of.name)}: `;
  };
  return [
    `  heard ${ago(Math.max(0, nowMs - heardAtMs))}; ${newest}`,
    ...incidents.map((code) => `  ! ${code}`),
    ...sessions.map((each) => {
      const { mode, program, calls, bedrock, rules } = each;
      const seen = [...(rules === undefined ? [] : [`rules ${rules}`]), ...(bedrock === undefined ? [] : [`bedrock ${bedrock}`])];
      const about = [`${calls} ${calls === 1 ? 'act' : 'acts'}`, ...(seen.length === 0 ? [] : [`under ${seen.join(', ')}`])];
      return `  ${nameOf(each)}${mode} ${visible(program)}, ${about.join(', ')}; ${doing(each)}`;
    }),
  ];
}

function doing({ now, more, waiting, suspended }: PresentSession): string {
  if (suspended !== undefined) return 'stopped until you let it go on';
  if (waiting !== undefined) return waiting === 1 ? 'waits for you' : `waits for you, ${waiting} times`;
  if (now === undefined) return 'nothing just now';
  const cut = now.cut === undefined ? '' : `… (${now.cut} more characters)`;
  return `${visible(now.name)}: ${visible(now.text)}${cut}${more === undefined ? '' : `, and ${more} more`}`;
}
