// Delegations that an agent asks for at its door, spec/agent-door.md: a child's key, and what of the agent's own leave the child gets. Reads what the agent
// wrote strictly; custody sees that it is no more than the agent has.

import { HoldfastError } from '@holdfast/protocol/errors';
import { keyOfJwk } from '@holdfast/protocol/keys/jws';
import type { Child } from '../children/child.ts';
import type { Children } from '../children/children.ts';
import { answer, readJson, type Routes } from './agent-door.ts';

const maxBodyBytes = 16 * 1024;
const defaultLifeS = 15 * 60;
/** Each is a signature by a key store. */
const maxOfSession = 256;

/** `parent`: the child whose session this is; undefined: the agent itself. */
export function agentDelegations(children: Pick<Children, 'enrol'>, session: Uint8Array, parent?: Pick<Child, 'id'>): Routes {
  let made = 0;
  return {
    '/v1/delegations': {
      POST: async (request, response) => {
        const { audiences, ...asked } = readAsked(await readJson(request, maxBodyBytes));
        if ((made += 1) > maxOfSession)
          throw new HoldfastError('limit_exceeded', `more than ${maxOfSession} children of one session`); // [AGENT-DOOR-8]
        const child = await children.enrol({
          ...asked,
          fences: { audiences },
          kind: 'key',
          name: 'a key',
          session,
          parent: parent?.id,
        });
        answer(response, 201, { child: child.hex, credential: child.credential, expiresAtMs: child.leave.expiresAtMs });
      },
    },
  };
}

function usage(message: string): never {
  throw new HoldfastError('usage', message, {
    next: 'send {"key": {"kty": "EC", "crv": "P-256", "x": …, "y": …}, "capabilities": [NAME, …], "lifeS": SECONDS?, "audiences": ["https://HOST", …]?}',
  });
}

function readAsked(body: unknown) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return usage('an object is expected');
  const { key, capabilities, lifeS = defaultLifeS, audiences, ...more } = body as Readonly<Record<string, unknown>>;
  if (Object.keys(more).length > 0) return usage('only key, capabilities, lifeS and audiences are read');
  const texts = (value: unknown, pattern: RegExp, max: number): readonly string[] =>
    Array.isArray(value) &&
    value.length <= max &&
    value.every((each): each is string => typeof each === 'string' && pattern.test(each))
      ? value
      : usage('a list of names is expected');
  if (typeof lifeS !== 'number' || !Number.isInteger(lifeS) || lifeS < 1 || lifeS > 3600)
    return usage('lifeS is 1 to 3600 seconds');
  const asked = {
    key: keyOf(key),
    capabilities: texts(capabilities, /^[a-z0-9][a-z0-9._:-]{0,63}$/, 32),
    lifeS,
    audiences: undefined,
  };
  if (audiences === undefined) return asked;
  const services = texts(audiences, /^[\x21-\x7e]{1,512}$/, 16);
  return services.length === 0 ? usage('audiences name at least one service') : { ...asked, audiences: services };
}

function keyOf(key: unknown): Uint8Array {
  try {
    return keyOfJwk(key);
  } catch {
    return usage("the child's key is a P-256 public key as JWK");
  }
}
