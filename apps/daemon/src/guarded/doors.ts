// The guarded doors of this machine's agents: opened when an operator installs the plugin, opened again with each run of the daemon, closed when it
// is removed. spec/guarded.md.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import { guardedFiles, guardedSettings } from '../guard/claude-code/guarded-settings.ts';
import type { Ports } from '../ports.ts';
import type { StateStore } from '../state/store.ts';
import { GuardedDoor } from './door.ts';
import { decodeKept, encodeKept, type Kept } from './record.ts';

export interface Installed {
  readonly port: number;
  /** For the settings of a user: JSON. */
  readonly settings: string;
  /** For /etc/claude-code. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export class GuardedDoors {
  readonly #ports: Ports;
  readonly #store: StateStore;
  readonly #open = new Map<string, GuardedDoor>();
  readonly #failed = new Map<string, { readonly scope: string; readonly thrown: unknown }>();

  constructor(ports: Ports, store: StateStore) {
    this.#ports = ports;
    this.#store = store;
  }

  /** Those that were open before. One whose port is taken is named in `status`: acts of its agents do not happen, or another program answers them. */
  async reopen(agents: readonly Agent[]): Promise<void> {
    for (const agent of agents) {
      try {
        if (this.#keptOf(agent)?.port !== undefined) await this.#opened(agent);
      } catch (thrown) {
        const { scope } = agent.enrolment;
        this.#failed.set(toHex(agent.id), { scope, thrown });
        this.#ports.log.warn({ agent: toHex(agent.id), code: codeOf(thrown) }, 'a guarded door could not be opened');
      }
    }
  }

  /** What the harness's settings have to say. The same again while it is open. @throws port_taken, usage, store_failed */
  async install(agent: Agent, modelUrl: string | undefined): Promise<Installed> {
    agent.assertAble();
    const door = await this.#opened(agent);
    const query = { doorPort: door.port ?? 0, key: door.key, modelUrl };
    return { port: query.doorPort, settings: guardedSettings(query), files: guardedFiles(query) };
  }

  async remove(agent: Agent): Promise<void> {
    const id = toHex(agent.id);
    const door = this.#open.get(id);
    this.#open.delete(id);
    this.#failed.delete(id);
    if (door !== undefined) await door.close(true);
    else {
      const kept = this.#keptOf(agent);
      if (kept !== undefined) this.#store.saveGuarded(agent.id, encodeKept({ v: 1, key: kept.key, sessions: kept.sessions }));
    }
  }

  /** The port of an agent's door, while it is open. */
  portOf(agent: Agent): number | undefined {
    return this.#open.get(toHex(agent.id))?.port;
  }

  failures(): readonly { readonly scope: string; readonly thrown: unknown }[] {
    return [...this.#failed.values()];
  }

  views() {
    return [...this.#open].flatMap(([id, door]) =>
      door.sessions().map((each) => ({
        session: each.session,
        agent: Buffer.from(id, 'hex'),
        mode: 'guarded' as const,
        command: each.program,
        startedAtMs: each.startedAtMs,
        ...(each.suspendedFor !== undefined && { suspended: each.suspendedFor.join(', ').slice(0, 1024) }),
        ...(!each.isFit && { unfit: true as const }),
      })),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((door) => door.close(false)));
  }

  async #opened(agent: Agent): Promise<GuardedDoor> {
    const id = toHex(agent.id);
    const open = this.#open.get(id);
    if (open !== undefined) return open;
    const kept = this.#keptOf(agent) ?? { v: 1, key: toHex(this.#ports.primitives.random(32)), sessions: [] };
    const keep = (value: Kept) => this.#store.saveGuarded(agent.id, encodeKept(value));
    const door = new GuardedDoor({ agent, ports: this.#ports, kept, keep });
    await door.open();
    this.#open.set(id, door);
    this.#failed.delete(id);
    return door;
  }

  #keptOf(agent: Agent): Kept | undefined {
    const wire = this.#store.guarded(agent.id);
    return wire === undefined ? undefined : decodeKept(wire);
  }
}
