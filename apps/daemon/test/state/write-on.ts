// The program of durability.test.ts: a daemon's store that takes what a fleet sends, round by round. What fails is done again. Arguments: folder,
// file for promises (the round that is safe), how many rounds.

import { openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { codeOf } from '@holdfast/protocol/errors';
import { StateStore, type Enrolment } from '../../src/state/store.ts';

/** More than a store that works again could need. */
const maxFailures = 40;

export const agent = new Uint8Array(16).fill(1);

/** Two entries of one page, which arrive together; 1 to 4 KB each. */
export const entriesOf = (round: number): { position: number; wire: Uint8Array }[] =>
  [2 * round, 2 * round + 1].map((position) => ({
    position,
    wire: new Uint8Array(1000 + ((position * 977) % 3000)).fill(position % 251),
  }));
export const boxOf = (round: number): Uint8Array => new Uint8Array(1200).fill(round % 251);
export const placeOf = (round: number) => ({
  audience: 'fleet',
  epoch: round,
  keyCommitment: new Uint8Array(32).fill(round % 251),
  member: agent,
});
/** Every tenth round the scope is enrolled again, by an attempt that was noted before. */
export const enrolmentOf = (round: number): Enrolment | undefined =>
  round % 10 === 0
    ? {
        v: 1,
        scope: 'main',
        agent: new Uint8Array(16).fill(round % 251),
        fleet: new Uint8Array(32),
        key: new Uint8Array(16).fill(round % 251),
        relayUrl: 'http://relay',
        relayKey: new Uint8Array(65),
        pinned: { position: round, hash: new Uint8Array(32) },
        enrolledAtMs: round,
      }
    : undefined;

/** All that one round changes, in the order of its transactions; each is done once. */
export function acts(store: StateStore, round: number): (() => void)[] {
  const enrolment = enrolmentOf(round);
  return [
    ...(enrolment === undefined ? [] : [() => store.beginAttempt(enrolment.key), () => store.saveEnrolment(enrolment)]),
    () => store.saveEntries(agent, controlTopic, entriesOf(round)),
    () => store.saveLockbox(placeOf(round), boxOf(round)),
    () => store.savePulse(agent, { wire: boxOf(round), countedMs: round }),
  ];
}

function main(folder: string, promises: string, rounds: number): number {
  const said = openSync(promises, 'a');
  let store: StateStore;
  try {
    store = new StateStore(path.join(folder, 'journal.db'));
  } catch (thrown) {
    process.stderr.write(`(${codeOf(thrown)})\n`);
    return 3;
  }
  let failures = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const act of acts(store, round)) {
      for (let done = false; !done;) {
        try {
          act();
          done = true;
        } catch (thrown) {
          if (codeOf(thrown) !== 'store_failed') throw thrown;
          failures += 1;
          if (failures === maxFailures) return 4;
        }
      }
    }
    writeSync(said, `${round}\n`);
  }
  store.close();
  return 0;
}

const [, program = '', folder = '', promises = '', rounds = ''] = process.argv;
if (import.meta.url === pathToFileURL(program).href) process.exitCode = main(folder, promises, Number(rounds));
