// Primitives whose chance comes from a seed, for vectors that must come out the same again and for tests that can be repeated.

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { webPrimitivesOver } from '@holdfast/protocol/primitives/web';

/** Signatures are deterministic, too (RFC 6979). Never for real keys. */
export function seededPrimitives(seed: string): Primitives {
  let draws = 0;
  return webPrimitivesOver((length) => {
    draws += 1;
    return nodePrimitives.shake256(concat(utf8(`${seed}\0`), new Uint8Array(Uint32Array.of(draws).buffer)), length);
  });
}
