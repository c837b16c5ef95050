// Access that an agent asks for, spec/approval.md: what it names is what an operator's answer is bound to. Its reason is its own words: nothing is
// bound to it, so that the same request in other words is the same.

import { utf8 } from '../codec/bytes.ts';
import { bytes, encode, record, type Infer } from '../codec/schema.ts';
import { principalId } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { accessRequest } from './ask.ts';

const boundAccess = record({ agent: principalId, session: bytes(16), ...accessRequest });

/** Throws `codec_*` for what can't be shown as a whole. [APPROVAL-21] */
export function accessDigest(primitives: Primitives, wanted: Infer<typeof boundAccess>): Uint8Array {
  const { agent, session, method, host, port, path } = wanted;
  return primitives.sha256(utf8('holdfast/v1 access\0'), encode(boundAccess, { agent, session, method, host, port, path }));
}
