// What operators and agents write into the journal, spec/journal.md: each act as signed entries, with the lockboxes and the access list that
// go with them.
//
// The order to send in: lockboxes, entries, access list. Readers then find every key, and a revoked agent still hears that it is.
// When an append conflicts, ingest what came and compose again.

import type { AuditPolicy } from '../audit/policy.ts';
import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { signAccessList, type AccessList } from '../blind/access-list.ts';
import { controlTopic, noHash, type UnverifiedEntry } from '../blind/entry.ts';
import { signPulse, type Pulse } from '../blind/pulse.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import { recoveryIdOf } from '../identity/recovery.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { commitToKey, epochKeyBytes } from '../seal/body.ts';
import { sealTo } from '../seal/hpke.ts';
import { makeLockbox } from '../seal/lockbox.ts';
import { assertSecretFits } from '../vault/attach.ts';
import type { EgressRule } from '../vault/egress.ts';
import { withLimits, type Fence, type FenceLimits } from '../vault/fence.ts';
import type { VaultItem } from '../vault/item.ts';
import { agentAudience, hashRules, type BodyOf } from './bodies.ts';
import { composeEntry, drafted, type Composed, type Operator, type PlacedLockbox } from './draft.ts';
import type { Replica } from './replica.ts';
import { isLive, topicTip } from './state.ts';

export type { Composed, Operator } from './draft.ts';

export interface NewFleet extends Composed {
  readonly fleet: Uint8Array;
  readonly genesis: UnverifiedEntry;
  readonly device: Uint8Array;
  /** Version 1; goes to the relay together with the genesis entry, before the lockboxes. */
  readonly access: AccessList;
}

/** Makes a fleet: its genesis entry, both first epochs, the first access list. Throws `codec_*`. */
export async function composeGenesis(
  primitives: Primitives,
  terms: {
    readonly name: string;
    readonly deviceName: string;
    /** The first device's keys. */
    readonly holder: KeyHolder;
    /** Public keys of the recovery code. */
    readonly recovery: PublicKeys;
    /** The relay's signing key. */
    readonly relayKey: Uint8Array;
    readonly pulseMaxAgeMs: number;
    readonly nowMs: number;
  },
): Promise<NewFleet> {
  const { name, deviceName, holder, recovery, relayKey, pulseMaxAgeMs, nowMs } = terms;
  const device = { id: deviceIdOf(primitives, holder.publicKeys.sign), name: deviceName, keys: holder.publicKeys };
  const keys = new Map(['fleet', 'operators'].map((audience) => [audience, primitives.random(epochKeyBytes)] as const));
  const [fleetKey = noHash, operatorsKey = noHash] = keys.values();
  const body: BodyOf<'genesis'> = {
    kind: 'genesis',
    name,
    device,
    recovery: { id: recoveryIdOf(primitives, recovery.sign), keys: recovery }, // [RECOVERY-3]
    relay: { key: relayKey },
    operators: commitToKey(primitives, operatorsKey),
    pulseMaxAgeMs,
  };
  const place = {
    fleet: noHash,
    topic: controlTopic,
    tip: undefined,
    author: device.id,
    holder,
    audience: 'fleet',
    epoch: 0,
    nowMs,
  };
  try {
    const genesis = await composeEntry(primitives, place, fleetKey, body);
    const fleet = genesis.hash;
    const lockboxes: PlacedLockbox[] = [];
    for (const [audience, key] of keys) {
      for (const member of [device, body.recovery]) {
        const wire = await makeLockbox(
          primitives,
          { fleet, audience, epoch: 0 },
          { member: member.id, recipient: member.keys.seal },
          key,
        );
        lockboxes.push({ audience, epoch: 0, keyCommitment: commitToKey(primitives, key), member: member.id, wire });
      }
    }
    const devices = [{ id: device.id, sign: device.keys.sign }];
    const access = await signAccessList(holder, device.id, {
      v: 1,
      fleet,
      version: 1,
      atMs: nowMs,
      devices,
      agents: [],
      recovery: { id: body.recovery.id, sign: recovery.sign },
    });
    return { fleet, genesis, device: device.id, access, lockboxes, entries: [genesis] };
  } finally {
    for (const key of keys.values()) key.fill(0);
  }
}

/** Starts the fleet's next epoch for those who are members now: after a revocation has been appended and ingested. */
export async function rekeyFleet(operator: Operator): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.startEpoch('fleet')));
}

/** `secret` stays the caller's to overwrite. Throws `secret_unfit`, `name_taken`, `id_taken`, `codec_*`. */
export async function addItem(operator: Operator, item: VaultItem, secret: Uint8Array): Promise<Composed> {
  assertSecretFits(secret, item.attach);
  return plain(await drafted(operator, (draft) => draft.write('operators', { kind: 'item-add', item, secret })));
}

/** Removes an item and ends every grant of it; upstream the secret lives on until it is rotated there. Throws `item_unknown`. */
export async function removeItem(operator: Operator, item: Uint8Array): Promise<Composed> {
  const { grants } = operator.replica.state;
  const held = [...grants.values()].flatMap((granted) => [...granted.values()]);
  return plain(
    await drafted(operator, async (draft) => {
      for (const each of held) {
        if (equalBytes(each.item, item)) await draft.write(agentAudience(each.agent), { kind: 'grant-end', grant: each.grant });
      }
      await draft.write('operators', { kind: 'item-remove', item });
    }),
  );
}

/**
 * Puts a new secret in an item's place: the item anew, under an id of its own, and every grant of it with its own terms and id, in one append,
 * so that sessions keep their placeholders and nobody is left with the old one. Grants of revoked agents end. `secret` stays the caller's
 * to overwrite. Throws `item_unknown`, `secret_unfit`. [JOURNAL-36]
 */
export async function rotateItem(
  operator: Operator,
  { item: itemId, secret }: { readonly item: Uint8Array; readonly secret: Uint8Array },
): Promise<Composed & { readonly item: Uint8Array; readonly grants: number }> {
  const { primitives, replica } = operator;
  const { fleet, items, grants, agents } = replica.state;
  const old = items.get(toHex(itemId));
  if (old === undefined) throw new HoldfastError('item_unknown', 'there is no such item', { next: 'see: holdfast vault list' });
  assertSecretFits(secret, old.attach);
  const { addedAtMs: _added, position: _position, ...terms } = old;
  const item = { ...terms, id: primitives.random(16) };
  const held = [...grants.values()].flatMap((granted) => [...granted.values()]).filter((each) => equalBytes(each.item, itemId));
  let renewed = 0;
  const composed = await drafted(operator, async (draft) => {
    for (const { agent, grant } of held) await draft.write(agentAudience(agent), { kind: 'grant-end', grant });
    await draft.write('operators', { kind: 'item-remove', item: itemId });
    await draft.write('operators', { kind: 'item-add', item, secret });
    for (const { grantedAtMs: _granted, warrant: _warrant, ...granted } of held) {
      const agent = agents.get(toHex(granted.agent));
      if (agent === undefined || !isLive(replica.state, granted.agent)) continue;
      const purpose = { kind: 'grant', fleet, grant: granted.grant, item: item.id, agent: granted.agent } as const;
      // Where each use is approved the secret stays the operators'.
      const sealed = granted.sealed && { sealed: await sealTo(primitives, agent.keys.seal, purpose, secret) };
      await draft.write(agentAudience(granted.agent), { kind: 'grant', granted: { ...granted, item: item.id, ...sealed } });
      renewed += 1;
    }
  });
  return { ...plain(composed), item: item.id, grants: renewed };
}

/**
 * Grants an item to an agent: its terms with limits of the grant's own, and its secret sealed to that agent's key alone, or to nobody but the operators where each use is to
 * be approved. `secret` (from `replica.openSecret`) stays the caller's to overwrite. Throws `item_unknown`, `agent_unknown`, `agent_revoked`, `name_taken`.
 */
export async function grantItem(
  operator: Operator,
  {
    item: itemId,
    agent: agentId,
    secret,
    limits = {},
    within = {},
  }: {
    readonly item: Uint8Array;
    readonly agent: Uint8Array;
    readonly secret: Uint8Array | 'approved per use';
    readonly limits?: FenceLimits;
    /** Narrower than the item's own. */
    readonly within?: Partial<Pick<Fence, 'hosts' | 'methods' | 'paths'>>;
  },
): Promise<Composed & { readonly grant: Uint8Array }> {
  const { primitives, replica } = operator;
  const { fleet, items, agents } = replica.state;
  const item = items.get(toHex(itemId));
  if (item === undefined) throw new HoldfastError('item_unknown', 'there is no such item', { next: 'see: holdfast vault list' }); // [JOURNAL-14]
  const agent = agents.get(toHex(agentId));
  if (agent === undefined) throw new HoldfastError('agent_unknown', 'there is no such agent', { next: 'see: holdfast agents' });
  if (!isLive(replica.state, agentId)) throw new HoldfastError('agent_revoked', 'the agent is revoked'); // nothing is sealed to it any more
  const grant = primitives.random(16);
  const sealing = { kind: 'grant', fleet, grant, item: itemId, agent: agentId } as const;
  const { id, name, purpose, attach, fence, env } = item;
  const granted = {
    ...{ grant, item: id, name, agent: agentId, attach, fence: withLimits({ ...fence, ...within }, limits) },
    ...(purpose !== undefined && { purpose }),
    ...(env !== undefined && { env }),
    ...(secret !== 'approved per use' && { sealed: await sealTo(primitives, agent.keys.seal, sealing, secret) }),
  };
  const composed = await drafted(operator, (draft) => draft.write(agentAudience(agentId), { kind: 'grant', granted }));
  return { ...plain(composed), grant };
}

/** Throws `grant_unknown`. */
export async function endGrant(
  operator: Operator,
  { agent, grant }: { readonly agent: Uint8Array; readonly grant: Uint8Array },
): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write(agentAudience(agent), { kind: 'grant-end', grant })));
}

/** Throws `name_taken` when the host and port are open already, `agent_unknown`, `agent_revoked`. */
export async function allowEgress(
  operator: Operator,
  rule: Omit<EgressRule, 'id'>,
): Promise<Composed & { readonly rule: Uint8Array }> {
  const id = operator.primitives.random(16);
  const composed = await drafted(operator, (draft) =>
    draft.write(agentAudience(rule.agent), { kind: 'egress-allow', rule: { ...rule, id } }),
  );
  return { ...plain(composed), rule: id };
}

/** Throws `egress_unknown`. */
export async function endEgress(
  operator: Operator,
  { agent, rule }: { readonly agent: Uint8Array; readonly rule: Uint8Array },
): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write(agentAudience(agent), { kind: 'egress-end', rule })));
}

/** Publishes the next version of the fleet's rules; its text must be one that agents can read. Throws `codec_*`. */
export async function setRules(operator: Operator, text: string): Promise<Composed & { readonly version: number }> {
  const { primitives, replica } = operator;
  const version = (replica.state.rules?.version ?? 0) + 1;
  const body = { kind: 'rules-set', version, text, hash: hashRules(primitives, text) } as const;
  return { ...plain(await drafted(operator, (draft) => draft.write('fleet', body))), version };
}

/** The next version of what daemons record. Throws `codec_*` for a class that is always recorded. */
export async function setAuditPolicy(
  operator: Operator,
  policy: Pick<AuditPolicy, 'silenced' | 'personal'> & { readonly retentionDays?: number | undefined },
): Promise<Composed & { readonly version: number }> {
  const version = (operator.replica.state.auditPolicy?.version ?? 0) + 1;
  const { silenced, retentionDays, personal } = policy;
  const body = {
    kind: 'audit-policy',
    version,
    silenced,
    ...(retentionDays !== undefined && { retentionDays }),
    ...(personal !== undefined && personal.length > 0 && { personal }),
  } as const;
  return { ...plain(await drafted(operator, (draft) => draft.write('fleet', body))), version };
}

/** Nothing that audit logs hold of the subject so far can be proven any more. Throws `codec_shape` for what names none. */
export async function eraseSubject(operator: Operator, subject: string): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write('fleet', { kind: 'erase', subject })));
}

/** Throws `limit_exceeded`, `codec_*`. */
export async function addBedrock(operator: Operator, text: string): Promise<Composed & { readonly id: Uint8Array }> {
  const id = operator.primitives.random(16);
  return { ...plain(await drafted(operator, (draft) => draft.write('fleet', { kind: 'bedrock-add', id, text }))), id };
}

/** Another text in the place of one, in one append: an agent that hears one entry before the other has neither for a moment, and never both. Throws `bedrock_unknown`, `limit_exceeded`, `codec_*`. */
export async function replaceBedrock(
  operator: Operator,
  { before, text }: { readonly before: Uint8Array; readonly text: string },
): Promise<Composed & { readonly id: Uint8Array }> {
  const id = operator.primitives.random(16);
  const composed = await drafted(operator, async (draft) => {
    await draft.write('fleet', { kind: 'bedrock-remove', id: before });
    await draft.write('fleet', { kind: 'bedrock-add', id, text });
  });
  return { ...plain(composed), id };
}

/** Throws `bedrock_unknown`. */
export async function removeBedrock(operator: Operator, id: Uint8Array): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write('fleet', { kind: 'bedrock-remove', id })));
}

function plain({ lockboxes, entries }: Composed): Composed {
  return { lockboxes, entries };
}

/** "I am here, and this is the control head." */
export async function makePulse({ primitives, replica, device, holder, nowMs }: Operator): Promise<Pulse> {
  const { fleet, control } = replica.state;
  const head = { position: control.position, hash: control.hash };
  return signPulse(holder, { v: 1, fleet, id: primitives.random(16), device, atMs: nowMs, control: head });
}

/** The next entry of an agent's own topic, for the agent and the operators. Throws `agent_unknown`, `agent_revoked`, `epoch_key_missing`. */
export async function composeAgentEntry(
  agent: {
    readonly primitives: Primitives;
    readonly replica: Replica;
    readonly id: Uint8Array;
    readonly holder: KeyHolder;
    readonly nowMs: number;
  },
  body: BodyOf<'checkpoint'> | BodyOf<'enrolled'> | BodyOf<'new-keys'>,
): Promise<UnverifiedEntry> {
  const { primitives, replica, id, holder, nowMs } = agent;
  const { state } = replica;
  const found = state.agents.get(toHex(id));
  if (found === undefined) throw new HoldfastError('agent_unknown', 'this agent is not enrolled');
  if (found.revoked !== undefined) throw new HoldfastError('agent_revoked', 'this agent is revoked: it writes no more');
  const audience = agentAudience(id);
  const { epoch, key } = await replica.epochKey(audience);
  const control = { position: state.control.position, hash: state.control.hash };
  const place = { fleet: state.fleet, topic: id, tip: topicTip(state, id), author: id, holder, control, audience, epoch, nowMs };
  try {
    return await composeEntry(primitives, place, key, body);
  } finally {
    key.fill(0);
  }
}
