// The recovery kit: what a person keeps apart from every device, and the check that they have it. Nothing of it is kept here.

import { toHex } from '@holdfast/protocol/codec/bytes';

export interface RecoveryKit {
  /** Groups of four, with dashes. */
  readonly code: string;
  readonly fleet: Uint8Array;
  readonly fleetName: string;
  readonly relayUrl: string;
}

/** The id as it is read from paper: in groups. */
export const fleetGroups = (fleet: Uint8Array): string => toHex(fleet).match(/.{8}/g)?.join(' ') ?? '';

/** The kit as a text file, for a printer or a password manager. */
export function kitText({ code, fleet, fleetName, relayUrl }: RecoveryKit, atMs: number): string {
  return [
    `Recovery kit of the Holdfast fleet "${fleetName}"`,
    `made ${new Date(atMs).toISOString().slice(0, 10)}`,
    '',
    'Recovery code (after each use the newest one alone counts):',
    '',
    `    ${code}`,
    '',
    'The id of the fleet:',
    '',
    `    ${toHex(fleet)}`,
    '',
    `Its relay: ${relayUrl}`,
    '',
    'Whoever has this paper can take over the fleet. Keep it where no computer reads it.',
    'To use it: open the console on a new browser, "Recover"; or: holdfast recover --fleet ID',
    '',
  ].join('\n');
}

/** Which two groups a person is asked for, drawn so that who copied nothing can't answer. Positions from 0, ascending. */
export function groupsToCheck(code: string, random: (length: number) => Uint8Array): readonly [number, number] {
  const count = code.split('-').length;
  const [a = 0, b = 0] = random(2);
  const first = a % count;
  const second = (first + 1 + (b % (count - 1))) % count;
  return first < second ? [first, second] : [second, first];
}

/** Whether what was typed is that group, in any case. */
export function isGroup(code: string, at: number, typed: string): boolean {
  return code.split('-')[at] !== undefined && typed.trim().toUpperCase() === code.split('-')[at]?.toUpperCase();
}
