// What `holdfast status` knows: what the daemon says of itself and its agents, and what the operator key of this machine knows without one.

import { statfsSync } from 'node:fs';
import type { Head } from '@holdfast/protocol/blind/entry';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { askDaemon } from '../door-client.ts';
import { hasOperator, operatorFacts, seenBefore } from '../operator/key-file.ts';
import { openRelay } from '../operator/relay.ts';

/** A glance does not wait for a relay that says nothing. */
const relayAnswersWithinMs = 3_000;

/** Whose operator this machine's key is. */
export interface Operates {
  readonly fleet: Uint8Array;
  readonly fleetName: string;
  readonly relay: string;
  /** The control head that it saw last. */
  readonly head?: Head;
  /** Asked only where no agent of this machine follows that relay and tells itself. */
  readonly relayState?: 'reachable' | ErrorCode;
}

export interface Facts {
  readonly home: string;
  readonly nowMs: number;
  /** Of the disk that the home lies on; undefined before it is made. */
  readonly freeBytes: number | undefined;
  /** Undefined: none answers. */
  readonly daemon: Omit<DoorReplyOf<'status'>, 'kind'> | undefined;
  readonly operates: Operates | undefined;
  /** Why the operator key cannot be read. */
  readonly keyFault: HoldfastError | undefined;
}

/** Throws what the daemon says, and not `daemon_unreachable`. */
export async function readFacts(paths: HomePaths, nowMs: number): Promise<Facts> {
  const daemon = await askedDaemon(paths);
  const facts = { home: paths.home, nowMs, freeBytes: freeBytesOf(paths.home), daemon };
  if (!hasOperator(paths.operator)) return { ...facts, operates: undefined, keyFault: undefined };
  try {
    return { ...facts, operates: await readOperates(paths, daemon), keyFault: undefined };
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError)) throw thrown;
    return { ...facts, operates: undefined, keyFault: thrown };
  }
}

function freeBytesOf(home: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(home);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

async function askedDaemon(paths: HomePaths): Promise<Facts['daemon']> {
  try {
    const { kind: _, ...found } = await askDaemon(paths, { kind: 'status' }, 'status');
    return found;
  } catch (thrown) {
    if (codeOf(thrown) === 'daemon_unreachable') return undefined;
    throw thrown;
  }
}

/** Needs no passphrase. Throws `key_invalid`, `store_failed`. */
async function readOperates(paths: HomePaths, daemon: Facts['daemon']): Promise<Operates> {
  const { fleet, fleetName, relayUrl: relay, relayKey } = operatorFacts(paths.operator);
  const head = seenBefore(paths.operator)?.control;
  const told = daemon?.agents.some((agent) => agent.relay === relay && agent.state !== 'revoked') ?? false;
  const relayState = told ? undefined : await relayAnswers(relay, relayKey);
  return { fleet, fleetName, relay, ...(head && { head }), ...(relayState && { relayState }) };
}

async function relayAnswers(relay: string, relayKey: Uint8Array): Promise<'reachable' | ErrorCode> {
  try {
    (await openRelay(relay, { relayKey, answerWithinMs: relayAnswersWithinMs })).close();
    return 'reachable';
  } catch (thrown) {
    return codeOf(thrown);
  }
}
