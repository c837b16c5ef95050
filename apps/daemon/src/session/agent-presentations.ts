// Presentations that an agent asks for at its door, spec/agent-door.md: a proof of who it is, for a service that its operator lets it reach. Reads
// what the agent wrote strictly; the record names the session.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import type { Child } from '../children/child.ts';
import { parseAuthority } from '../broker/target.ts';
import type { Clock } from '../ports.ts';
import { answer, readJson, type Routes } from './agent-door.ts';
import type { SessionAuthority } from './authority.ts';
import type { Harness } from './harness.ts';

const maxBodyBytes = 16 * 1024;
/** Each is a signature by a key store, of which hardware makes a few a second. [AGENT-DOOR-7] */
const maxInPeriod = 60;
const periodMs = 60_000;

interface Asked {
  readonly audience: string;
  readonly nonce: string | undefined;
  readonly show: readonly string[];
}

export function agentPresentations(
  agent: Pick<Agent, 'present'>,
  authority: Pick<SessionAuthority, 'grantsFor' | 'egressFor' | 'refused'>,
  {
    session,
    clock,
    harness,
    child,
  }: {
    readonly session: Uint8Array;
    readonly clock: Clock;
    /** Undefined in a child's session, which shows what it was given and no more. */
    readonly harness: Pick<Harness, 'digest'> | undefined;
    readonly child?: Child | undefined;
  },
): Routes {
  let made: number[] = [];
  return {
    '/v1/presentations': {
      POST: async (request, response) => {
        const asked = readAsked(await readJson(request, maxBodyBytes));
        const target = targetOf(asked.audience);
        if (authority.grantsFor(target).length === 0 && authority.egressFor(target) === undefined) {
          authority.refused({ ...target, method: 'POST', path: '/' }, 'egress_denied');
          throw new HoldfastError('refused', 'the operator does not let this session reach that service'); // [AGENT-DOOR-7]
        }
        const nowMs = clock.monotonicMs();
        made = [...made.filter((atMs) => nowMs - atMs < periodMs), nowMs];
        if (made.length > maxInPeriod) {
          made.pop();
          throw new HoldfastError('limit_exceeded', `more than ${maxInPeriod} presentations in a minute`); // [AGENT-DOOR-7]
        }
        const wantsHarness = asked.show.includes('harness') || asked.show.includes('all');
        const digest = wantsHarness ? await harness?.digest() : undefined;
        const { presentation, nonce, shown, expiresAtMs } = await agent.present({ ...asked, session, harness: digest }, child); // [CHILD-6]
        answer(response, 201, { presentation, nonce, shown, expiresAtMs });
      },
    },
  };
}

function usage(message: string): never {
  throw new HoldfastError('usage', message, {
    next: 'send {"audience": "https://HOST", "nonce": TEXT?, "show": ["scope", "capabilities", …]?}',
  });
}

function readAsked(body: unknown): Asked {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return usage('an object is expected');
  const { audience, nonce, show = ['capabilities'], ...more } = body as Readonly<Record<string, unknown>>;
  if (Object.keys(more).length > 0) return usage('only audience, nonce and show are read');
  if (typeof audience !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(audience))
    return usage('the audience is the address of a service');
  if (nonce !== undefined && (typeof nonce !== 'string' || !/^[\x21-\x7e]{16,256}$/.test(nonce)))
    return usage('the nonce is 16 to 256 printable characters');
  const names = Array.isArray(show) ? show : usage('show is a list');
  if (names.length > 64 || !names.every((each): each is string => typeof each === 'string' && /^[a-z0-9._:-]{1,80}$/.test(each)))
    return usage('show names claims');
  return { audience, nonce, show: names };
}

function targetOf(audience: string): ReturnType<typeof parseAuthority> {
  const [, scheme, authority] = /^(https?):\/\/([^/?#@\\]+)(?:\/[^?#]*)?$/.exec(audience) ?? [];
  if (authority === undefined) return usage('the audience is not https://HOST');
  try {
    return parseAuthority(authority, scheme === 'http' ? 'http' : 'https', scheme === 'http' ? 80 : 443);
  } catch {
    return usage('the audience names no usable host and port');
  }
}
