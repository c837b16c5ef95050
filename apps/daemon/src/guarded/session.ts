// One Claude Code that was started by hand, from its first event to the end of its process, spec/guarded.md: its guard, what it knows of what steers
// it, and whether it is suspended. What steers it is looked at before each event is judged, and every second by its door.

import type { ToolCall } from '@holdfast/protocol/rules/call';
import { equalBytes, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import type { Guarding } from '../guard/claude-code/door.ts';
import { isFit, minimumVersion } from '../guard/claude-code/version.ts';
import { guardOf } from '../guard/session-guard.ts';
import type { Ports } from '../ports.ts';
import type { LivingSession } from '../presence/living.ts';
import type { Harness } from './peer.ts';
import type { KeptSession } from './record.ts';
import { differences, look, type Look } from './steering.ts';

/** As long as an operator can be asked at all. */
const askWithinMs = 9 * 60_000;
const maxPlaces = 16;
const earlier = 'what holdfast audit show names';
const away = 'something that steers it, while the daemon was not running';

export class GuardedSession {
  readonly session: Uint8Array;
  readonly harness: Harness;
  readonly startedAtMs: number;
  readonly guarding: Guarding;
  readonly #agent: Agent;
  readonly #ports: Ports;
  readonly #changed: () => void;
  readonly #living: LivingSession;
  #steering: Look;
  #suspendedFor: readonly string[] | undefined;
  #asking = false;
  #keptLabels: number;

  /** `changed`: what is kept of it is another now. @throws limit_exceeded for a session that too much steers */
  constructor(agent: Agent, ports: Ports, harness: Harness, changed: () => void, kept?: KeptSession) {
    this.#agent = agent;
    this.#ports = ports;
    this.#changed = changed;
    this.harness = harness;
    this.session = kept?.session ?? ports.primitives.random(16);
    this.startedAtMs = kept?.startedAtMs ?? Math.trunc(ports.clock.nowMs());
    this.#steering = look(harness);
    this.#keptLabels = kept?.labels.length ?? 0;
    const { session, startedAtMs, isFit: fit } = this;
    this.#living = agent.living.begin({ session, mode: 'guarded', program: this.program, startedAtMs, unfit: !fit });
    this.guarding = guardOf(agent, ports, {
      session: this.session,
      mode: 'guarded', // [GUARDED-2]
      program: this.program,
      tree: harness.tree,
      view: { root: '/', home: harness.home },
      labels: new Set(kept?.labels),
      assertGoing: () => this.assertGoing(),
      living: this.#living,
    });
    if (kept === undefined) return;
    // [GUARDED-12]
    const same = equalBytes(kept.steering, this.#digest(this.#steering));
    if (kept.suspended) this.#suspend([earlier]);
    else if (!same) this.#alarm(this.#suspend([away]));
  }

  /** For people and the record. A version that lets acts pass when a hook fails is called what it is. [GUARDED-5] */
  get program(): string {
    const { version } = this.harness;
    if (version === undefined) return 'claude-code, version unknown';
    return isFit(version) ? `claude-code ${version}` : `claude-code ${version}, fails open below ${minimumVersion}`;
  }

  get isFit(): boolean {
    return isFit(this.harness.version);
  }

  get suspendedFor(): readonly string[] | undefined {
    return this.#suspendedFor;
  }

  /** Looks, and says why nothing may happen now. @throws session_suspended, limit_exceeded */
  assertGoing(): void {
    this.watch();
    if (this.#suspendedFor === undefined) return;
    this.#askToResume();
    throw new HoldfastError('session_suspended', `this session is suspended; changed was ${named(this.#suspendedFor)}`, {
      next: 'an operator looks at it, and lets it go on with: holdfast approvals',
    }); // [GUARDED-10]
  }

  /** What changed since the session began suspends it. @throws limit_exceeded */
  watch(): void {
    if (this.#suspendedFor !== undefined) return;
    const changed = differences(this.#steering, look(this.harness));
    if (changed.length === 0) {
      if (this.guarding.guard.labels.size !== this.#keptLabels) this.#keep();
      return;
    }
    this.#alarm(this.#suspend(changed));
    this.#askToResume();
  }

  kept(): KeptSession {
    const { pid, born, version, tree, home, config } = this.harness;
    return {
      session: this.session,
      pid,
      born,
      startedAtMs: this.startedAtMs,
      ...(version !== undefined && { version }),
      tree,
      home,
      config,
      labels: [...this.guarding.guard.labels],
      steering: this.#digest(this.#steering),
      suspended: this.#suspendedFor !== undefined,
    };
  }

  #suspend(changed: readonly string[]): readonly string[] {
    this.#suspendedFor = changed;
    this.#living.suspended = true;
    return changed;
  }

  #alarm(changed: readonly string[]): void {
    this.#keep();
    const places = changed.slice(0, maxPlaces).map((place) => place.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256));
    const unlisted = changed.length - places.length;
    this.#agent.note({ kind: 'tampered', session: this.session, places, ...(unlisted > 0 && { unlisted }) }); // [GUARDED-10]
    this.#ports.log.warn({ places: changed.length }, 'a guarded session was tampered with and is suspended');
  }

  /** One ask at a time. A yes is for what the operator was shown: what has changed since is another matter. [GUARDED-11] */
  #askToResume(): void {
    if (this.#asking) return;
    const shown = look(this.harness);
    const changed = differences(this.#steering, shown);
    if (changed.length > 0) this.#suspendedFor = changed;
    const all = this.#suspendedFor ?? [];
    const unlisted = Math.max(0, all.length - maxPlaces);
    const input = { changed: all.slice(0, maxPlaces), ...(unlisted > 0 && { unlisted }) };
    const call: ToolCall = { tool: 'other', harness: 'holdfast', name: 'resume', input };
    const because = [{ rule: 'tampered', reason: 'What steers this session was changed while it ran; it is suspended.' }];
    this.#asking = true;
    const answered = async () => {
      try {
        const by = { session: this.session, mode: 'guarded', program: this.program } as const;
        const outcome = await this.#agent.approvals.askAboutCall(by, call, {
          because,
          directory: this.harness.tree,
          withinMs: askWithinMs,
        });
        this.#asking = false;
        if (outcome === 'allowed') this.#resume(shown);
      } catch (thrown) {
        // It stays suspended; the next event asks again, or says what is wrong.
        this.#asking = false;
        this.#ports.log.warn({ code: codeOf(thrown) }, 'a guarded session could not be let go on');
      }
    };
    void answered();
  }

  /** @throws limit_exceeded; then its next event is denied for that */
  #resume(shown: Look): void {
    this.#steering = shown;
    this.#suspendedFor = undefined;
    this.#living.suspended = false;
    this.#agent.note({ kind: 'resumed', session: this.session });
    this.watch();
    this.#keep();
  }

  #keep(): void {
    this.#keptLabels = this.guarding.guard.labels.size;
    this.#changed();
  }

  #digest(of: Look): Uint8Array {
    return this.#ports.primitives.sha256(utf8(JSON.stringify([...of])));
  }
}

function named(places: readonly string[]): string {
  const [first = '', ...more] = places;
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
