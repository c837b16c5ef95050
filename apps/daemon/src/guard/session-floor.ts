// What the rules keep from one session below its hook: looked up for its mounts when it starts, and again whenever the rules change while it runs.
// A running session's mounts stay as they are; what they would have to hold now is told, and ends the session. spec/guard.md [GUARD-25], [GUARD-26].

import { realpath } from 'node:fs/promises';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { floor, type PathPattern } from '@holdfast/protocol/rules/floor';
import type { Agent } from '../agent/agent.ts';
import { heldPlaces, type HeldPlaces } from './held-places.ts';
import { repositoryOf } from './repository.ts';

type Patterns = Parameters<typeof heldPlaces>[1];

const nothing: Patterns = { denyRead: [], denyWrite: [] };

/** A home inside holds what sessions themselves made there. */
const home = '/home/agent';

/** What `SessionFloor` asks of an agent. */
export type FloorAgent = Pick<Agent, 'id' | 'rules'> & { readonly enrolment: Pick<Agent['enrolment'], 'scope'> };

export class SessionFloor {
  /** For the session's mounts. */
  readonly held: HeldPlaces;
  readonly #agent: FloorAgent;
  readonly #tree: string;
  /** Patterns that have been held against the tree: what appears there later is another matter. */
  readonly #looked = new Set<string>();

  private constructor(agent: FloorAgent, tree: string, now: Patterns, held: HeldPlaces) {
    this.#agent = agent;
    this.#tree = tree;
    this.held = held;
    this.#keep(now);
  }

  /** @throws sandbox_tree_refused */
  static async atStart(agent: FloorAgent, cwd: string): Promise<SessionFloor> {
    const tree = await realpath(cwd).catch(() => cwd);
    const now = patternsOf(agent, tree);
    return new SessionFloor(agent, tree, now, await heldPlaces(tree, now));
  }

  /** @throws sandbox_rules_changed when rules that came since keep a place from the session that its mounts do not. */
  async assertHolds(): Promise<void> {
    const now = patternsOf(this.#agent, this.#tree);
    const isNew = (kind: keyof Patterns) => (pattern: PathPattern) => !this.#looked.has(keyOf(kind, pattern));
    const since = { denyRead: now.denyRead.filter(isNew('denyRead')), denyWrite: now.denyWrite.filter(isNew('denyWrite')) };
    const { masked, readOnly } = await heldPlaces(this.#tree, since).catch((thrown: unknown) => {
      throw changed(`the tree could not be looked through (${codeOf(thrown)})`);
    });
    const hidden = [...this.held.masked];
    const open =
      masked.find((place) => !isBelow(hidden, place)) ??
      readOnly.find((place) => !isBelow([...hidden, ...this.held.readOnly], place));
    if (open !== undefined) throw changed(`they keep ${open} from it now`);
    this.#keep(now);
  }

  #keep({ denyRead, denyWrite }: Patterns): void {
    for (const pattern of denyRead) this.#looked.add(keyOf('denyRead', pattern));
    for (const pattern of denyWrite) this.#looked.add(keyOf('denyWrite', pattern));
  }
}

function patternsOf(agent: FloorAgent, tree: string): Patterns {
  const { version, rules } = agent.rules;
  if (version === undefined) return nothing;
  const repository = repositoryOf(tree);
  return floor(rules, {
    agent: toHex(agent.id),
    scope: agent.enrolment.scope,
    mode: 'sealed',
    directory: tree,
    home,
    ...(repository !== undefined && { repository }),
  });
}

function keyOf(kind: keyof Patterns, { pattern, except, ignoreCase }: PathPattern): string {
  return JSON.stringify([kind, pattern, except, ignoreCase]);
}

function isBelow(folders: readonly string[], place: string): boolean {
  return folders.some((folder) => place === folder || place.startsWith(`${folder}/`));
}

function changed(why: string): HoldfastError {
  return new HoldfastError('sandbox_rules_changed', `the rules changed while the session was open, and ${why}, so it was ended`, {
    next: 'start it again: what the rules keep is masked from the start; a conversation goes on with `claude --continue`',
  });
}
