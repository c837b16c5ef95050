// A fleet for tests of what a relay sees: real keys and signatures, sealed bodies of random bytes. `world.device`, `await world.agent()`.

import { signAccessList, type AccessList } from '@holdfast/protocol/blind/access-list';
import {
  controlTopic,
  noHash,
  signEntry,
  type EntryStatement,
  type Head,
  type UnverifiedEntry,
} from '@holdfast/protocol/blind/entry';
import { signPulse, type Pulse } from '@holdfast/protocol/blind/pulse';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

export interface Actor {
  readonly id: Uint8Array;
  readonly holder: SoftwareKeyHolder;
}

/** What is under a test's control of an entry; the rest follows from where it stands. */
export type EntryParts = Partial<EntryStatement> & { readonly topic: Uint8Array; readonly after: Head | undefined };

/** 2026-01-01: tests own their clock. */
export const worldStartMs = Date.UTC(2026, 0, 1);

export async function newActor(): Promise<Actor> {
  return { id: nodePrimitives.random(16), holder: await SoftwareKeyHolder.generate(nodePrimitives) };
}

export class FleetWorld {
  readonly device: Actor;
  readonly genesis: UnverifiedEntry;
  /** The newest list that this world made. */
  access: AccessList;

  private constructor(device: Actor, genesis: UnverifiedEntry, access: AccessList) {
    this.device = device;
    this.genesis = genesis;
    this.access = access;
  }

  static async make(): Promise<FleetWorld> {
    const device = await newActor();
    const genesis = await makeEntry(device, { fleet: noHash, topic: controlTopic, after: undefined });
    const devices = [{ id: device.id, sign: device.holder.publicKeys.sign }];
    const statement = { v: 1 as const, fleet: genesis.hash, version: 1, atMs: worldStartMs, devices, agents: [] };
    return new FleetWorld(device, genesis, await signAccessList(device.holder, device.id, statement));
  }

  get fleet(): Uint8Array {
    return this.genesis.hash;
  }

  /** Identity of one of the fleet's actors for a relay exchange. */
  identity({ id, holder }: Actor): { fleet: Uint8Array; principal: Uint8Array; holder: SoftwareKeyHolder } {
    return { fleet: this.fleet, principal: id, holder };
  }

  async entry(author: Actor, parts: EntryParts): Promise<UnverifiedEntry> {
    return makeEntry(author, { fleet: this.fleet, ...parts });
  }

  /** The next access list: these agents, and these devices besides the first. Moves `access` on. */
  async nextAccess(agents: readonly Actor[], moreDevices: readonly Actor[] = []): Promise<AccessList> {
    const { v, fleet, version, atMs } = this.access.statement;
    const listed = ({ id, holder }: Actor): { id: Uint8Array; sign: Uint8Array } => ({ id, sign: holder.publicKeys.sign });
    const statement = {
      v,
      fleet,
      version: version + 1,
      atMs,
      devices: [this.device, ...moreDevices].map(listed),
      agents: agents.map(listed),
    };
    this.access = await signAccessList(this.device.holder, this.device.id, statement);
    return this.access;
  }

  async pulse(control: Head, atMs: number, by: Actor = this.device): Promise<Pulse> {
    return signPulse(by.holder, { v: 1, fleet: this.fleet, id: nodePrimitives.random(16), device: by.id, atMs, control });
  }
}

async function makeEntry(
  author: Actor,
  { after, ...parts }: EntryParts & { readonly fleet: Uint8Array },
): Promise<UnverifiedEntry> {
  return signEntry(nodePrimitives, author.holder, {
    v: 1,
    position: after === undefined ? 0 : after.position + 1,
    previous: after?.hash ?? noHash,
    id: nodePrimitives.random(16),
    author: author.id,
    atMs: worldStartMs,
    audience: 'fleet',
    epoch: 0,
    keyCommitment: nodePrimitives.random(32),
    sealed: nodePrimitives.random(48),
    ...parts,
  });
}

/** The head that an entry makes. */
export function headAfter(entry: UnverifiedEntry): Head {
  return { position: entry.statement.position, hash: entry.hash };
}
