// What the tests of the operator's key file write into one, where it does not matter what.

import { nodePrimitives } from '@holdfast/protocol/primitives/node';

export const random = (length: number): Uint8Array => nodePrimitives.random(length);

export const facts = {
  fleet: random(32),
  fleetName: 'home',
  device: random(16),
  relayUrl: 'http://127.0.0.1:7433',
  relayKey: random(65),
};
