// The ways into this console for a browser that has no key yet: a new fleet, an invitation by another device, the recovery code. Each keeps the sealed key
// before anybody can count on it, and can be begun again when it was cut off.

import { equalBytes, fromHex, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { visible } from '@holdfast/protocol/codec/shown';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { makeRecoveryCode, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import type { Device } from '@holdfast/protocol/journal/state';
import { composeFleet, foundFleet, type ComposedFleet } from '@holdfast/protocol/operator/found';
import { joinFleet } from '@holdfast/protocol/operator/join';
import { assertOwnRelay, codeIsDead, factsOfCode, replaceCode } from '@holdfast/protocol/operator/recovery';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { browserPorts, openRelay } from '../fleet/ports.ts';
import type { NewKeys } from '../keys/new-keys.ts';
import type { ThisBrowser } from '../keys/this-browser.ts';
import type { Way } from '../keys/ways.ts';
import { forgetAll, forgetOfKey } from '../store/operator-store.ts';
import type { RecoveryKit } from './kit.ts';

export interface NewFleetTerms {
  readonly name: string;
  readonly deviceName: string;
  readonly relayUrl: string;
  readonly way: Way;
}

/** A fleet that nobody knows of yet, and the kit that has to be saved before anybody does. */
export interface PreparedFleet {
  readonly kit: RecoveryKit;
  /** Makes it known to the relay, and this browser its first device. Throws `relay_*`, `store_failed`. */
  found(): Promise<void>;
  /** Of one that nobody wants after all. */
  drop(): void;
}

/** Throws `operator_exists`, `relay_unreachable`, `usage`, `passkey_refused`, `passkey_unfit`. */
export async function prepareFleet(
  browser: ThisBrowser,
  { name, deviceName, relayUrl, way }: NewFleetTerms,
): Promise<PreparedFleet> {
  await assertFree(browser);
  const ports = browserPorts(browser.store());
  (await openRelay(relayUrl)).close(); // before anybody touches a passkey
  const keys = await browser.session.keys.make(way, name);
  const recovery = await makeRecoveryCode(webPrimitives);
  let composed: ComposedFleet;
  try {
    const terms = { relayUrl, name, deviceName, holder: keys.holder, recovery: recovery.keys.publicKeys };
    composed = await keys.within(() => composeFleet(ports, terms));
  } catch (thrown) {
    keys.wipe();
    throw thrown;
  } finally {
    recovery.keys.wipe();
  }
  const { facts, made } = composed;
  return {
    kit: { code: recovery.code, fleet: facts.fleet, fleetName: name, relayUrl },
    async found() {
      await assertFree(browser); // another tab may have been faster
      await foundFleet(ports, composed);
      await beginAnew(browser);
      await ports.store.remember({ control: { position: 0, hash: made.genesis.hash } });
      await browser.session.save(keys, facts);
    },
    drop: () => keys.wipe(),
  };
}

/**
 * A browser is a device of one fleet: whoever leads its operator to a way in makes it forget nothing. A key that has not read its fleet yet is one that
 * nobody may have admitted, and gives way [DEVICES-6]; one of `fleet`, to whoever has the recovery code of that. Throws `operator_exists`.
 */
export async function assertFree({ session, store }: ThisBrowser, fleet?: Uint8Array): Promise<void> {
  const record = await session.keys.record();
  if (record === undefined || (await store().seen()) === undefined) return;
  if (fleet !== undefined && equalBytes(record.fleet, fleet)) return;
  throw new HoldfastError('operator_exists', `this browser is a device of "${visible(record.fleetName)}" already`, {
    next: "go to Now and unlock it, or use another browser or profile; to have this one forget its key, clear this site's data",
  });
}

/** Throws `operator_exists`. */
async function beginAnew(browser: ThisBrowser): Promise<void> {
  await assertFree(browser);
  await browser.session.keys.forget();
  await forgetAll(browser.records);
}

export interface JoinTerms {
  readonly name: string;
  readonly relayUrl: string;
  readonly way: Way;
  /** What this browser is, for the other device to show. */
  readonly machine: string;
  /** Taken over. */
  readonly code: Uint8Array;
  show(words: readonly string[]): void;
}

/** Asks to be an operator device, and waits until the other one has said so. Throws as `joinFleet`, and as `prepareFleet`. */
export async function joinAsDevice(browser: ThisBrowser, terms: JoinTerms): Promise<void> {
  const { name, relayUrl, way, machine, code, show } = terms;
  await assertFree(browser);
  const ports = browserPorts(browser.store());
  const relay = await openRelay(relayUrl);
  try {
    const keys = await browser.session.keys.make(way, name);
    const newcomer = {
      ...{ relay, relayUrl, holder: keys.holder, name, machine, show },
      monotonicMs: () => performance.now(),
      async keep(facts: Parameters<ThisBrowser['session']['save']>[1]) {
        await beginAnew(browser);
        await browser.session.save(keys, facts); // [DEVICES-6]
      },
      forget: () => browser.session.keys.forget(),
    };
    const read = await keys.within(() => joinFleet(ports, newcomer, code));
    new OperatorSession(read).disconnect();
  } finally {
    relay.close();
  }
}

export interface RecoverTerms {
  readonly code: string;
  readonly fleet: Uint8Array;
  readonly relayUrl: string;
  readonly deviceName: string;
}

/** The fleet as the code reads it: who would be removed, before anything is written. */
export interface Recovering {
  readonly fleetName: string;
  readonly devices: readonly Device[];
  /** `keep`: hex ids of devices that are not lost. `hand`: resolves once the person has the new kit. */
  recover(way: Way, keep: ReadonlySet<string>, hand: (kit: RecoveryKit) => Promise<void>): Promise<void>;
  drop(): void;
}

/** Throws `operator_exists`, `recovery_code_invalid`, `recovery_code_dead`, `relay_*`. */
export async function beginRecovery(browser: ThisBrowser, terms: RecoverTerms): Promise<Recovering> {
  const { fleet, relayUrl, deviceName } = terms;
  await assertFree(browser, fleet);
  const used = await recoveryKeys(webPrimitives, terms.code);
  const ports = browserPorts(browser.store('code'));
  try {
    const facts = await factsOfCode(ports, { fleet, relayUrl, used });
    const record = await browser.session.keys.record();
    if (record === undefined || !equalBytes(record.fleet, fleet)) await beginAnew(browser); // else what it has seen of this fleet still counts
    const reader = new OperatorSession(await readFleet(ports, facts, used).catch(deadIfRefused));
    assertOwnRelay(reader);
    const drop = (): void => {
      reader.disconnect();
      used.wipe();
    };
    return {
      fleetName: reader.state.name,
      devices: [...reader.state.devices.values()],
      drop,
      async recover(way, keep, hand) {
        try {
          const keys = await browser.session.keys.make(way, reader.state.name);
          await recoverWith(browser, reader, { keys, deviceName, keep, hand });
        } finally {
          drop();
        }
      },
    };
  } catch (thrown) {
    used.wipe();
    throw thrown;
  }
}

function deadIfRefused(thrown: unknown): never {
  throw codeOf(thrown) === 'relay_refused' ? codeIsDead() : thrown;
}

async function recoverWith(
  browser: ThisBrowser,
  reader: OperatorSession,
  {
    keys,
    deviceName,
    keep,
    hand,
  }: {
    readonly keys: NewKeys;
    readonly deviceName: string;
    readonly keep: ReadonlySet<string>;
    readonly hand: (kit: RecoveryKit) => Promise<void>;
  },
): Promise<void> {
  const { name: fleetName, relayKey } = reader.state;
  const { fleet, relayUrl } = reader.facts;
  const device = deviceIdOf(webPrimitives, keys.holder.publicKeys.sign);
  const facts = { fleet, fleetName, device, relayUrl, relayKey };
  await browser.session.keys.forget(); // one of this fleet that nobody can unlock
  await forgetOfKey(browser.records);
  const unlocked = await browser.session.save(keys, facts); // before anything counts [RECOVERY-6]
  const { cut } = await replaceCode(reader, {
    device: { name: deviceName, keys: keys.holder.publicKeys },
    removed: [...reader.state.devices.values()].map(({ id }) => id).filter((id) => !keep.has(toHex(id))),
    isDone: ({ devices }) => devices.has(toHex(device)),
    hand: (code) => hand({ code, fleet, fleetName, relayUrl }),
  });
  await keys.within(async () => {
    const read = await readFleet(browserPorts(browser.store()), facts, unlocked.holder).catch((thrown: unknown) => {
      throw codeOf(thrown) === 'relay_refused' && cut !== undefined ? cut : thrown;
    });
    const session = new OperatorSession(read);
    try {
      await session.finishOthersWork(); // re-keys what the removed ones could read
      await session.pulse();
    } finally {
      session.disconnect();
    }
  });
}

/** The id of a fleet as it was typed from paper. Throws `usage`. */
export function typedFleet(typed: string): Uint8Array {
  const digits = typed.replaceAll(/[\s-]/g, '').toLowerCase();
  const fleet = fromHex(digits);
  if (fleet?.length === 32) return fleet;
  throw new HoldfastError('usage', 'a fleet is named by its id, 64 digits', { next: 'it stands beside the recovery code' });
}

/** The bytes of a passphrase field, which is emptied. */
export function takePassphrase(field: HTMLInputElement): Way {
  const passphrase = utf8(field.value);
  field.value = '';
  return { kind: 'passphrase', passphrase };
}
