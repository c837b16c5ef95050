// What pairing means, in plain words, before anybody types anything.

import { listed, visible } from '@holdfast/protocol/codec/shown';
import type { HoldfastError } from '@holdfast/protocol/errors';
import type { DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';

/** What admitting an agent would do. */
export function agentConsequences({ scope, machine, capabilities }: PairingOffer, fleet: string): readonly string[] {
  return [
    `${scope} on ${visible(machine)} becomes an agent of ${visible(fleet)}: it reads your rules and bedrock texts, and may ask you for approvals.`,
    'It gets no credential by this. What it may use, you grant it by itself.',
    ...(capabilities.length === 0 ? [] : [`It may show to others, signed by you, that it may: ${listed(capabilities)}.`]),
    'You can suspend or revoke it at any moment; your other devices are told of it and can, too.',
  ];
}

/** What adding a device would do. */
export function deviceConsequences({ name }: DeviceOffer): readonly string[] {
  return [
    `${visible(name)} may do all that you may: approve, grant, revoke, add devices, and read everything.`,
    'Devices that were there before it can remove it; it can remove none of them.',
  ];
}

export const agentSentence = ({ scope, machine }: PairingOffer): string =>
  `Admit ${scope} on ${visible(machine)} as an agent of this fleet`;

export const deviceSentence = ({ name, machine }: DeviceOffer): string =>
  `Add ${visible(name)} on ${visible(machine)} as an operator device: it may do all that you may`;

/** Why it did not go on, where a code alone says too little; undefined: the error's own words do. */
export function stoppedWords({ code }: HoldfastError, kind: 'agent' | 'device'): string | undefined {
  const again =
    kind === 'agent'
      ? 'Run holdfast enroll on the machine again, and use the new code.'
      : 'Let the device ask anew, and use the new code.';
  switch (code) {
    case 'rendezvous_used':
      return `This code was used already, here or elsewhere: no code works twice. If it was not you, somebody saw it; nothing was admitted by this. ${again}`;
    case 'pairing_offer_invalid':
      return `Nobody waits behind this code. It may be over (a code lives ten minutes), used, or of another relay. ${again}`;
    case 'agent_taken':
      return `This agent is in the fleet already. ${again}`;
    case 'id_taken':
      return `This device is in the fleet already, or was removed from it. ${again}`;
    default:
      return undefined;
  }
}
