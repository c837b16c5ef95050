// How tokens name who is meant, spec/credential.md: `urn:holdfast:agent:` and the hex of the id.

import { fromHex, toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';

const idBytes = { fleet: 32, agent: 16, child: 16, device: 16 } as const;
export type Named = keyof typeof idBytes;

export function urnOf(kind: Named, id: Uint8Array): string {
  return `urn:holdfast:${kind}:${toHex(id)}`;
}

/** The id in such a name. Throws `codec_shape`. */
export function idOfUrn(kind: Named, urn: unknown): Uint8Array {
  const prefix = `urn:holdfast:${kind}:`;
  const id = typeof urn === 'string' && urn.startsWith(prefix) ? fromHex(urn.slice(prefix.length)) : undefined;
  if (id?.length !== idBytes[kind])
    throw new HoldfastError('codec_shape', `the name of ${kind === 'agent' ? 'an' : 'a'} ${kind} expected`);
  return id;
}
