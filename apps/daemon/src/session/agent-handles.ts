// Handles that an agent asks for at its door, spec/agent-door.md: one use of one credential for one request, to be put where the placeholder
// would stand. Reads what the agent wrote strictly; what may be used decides the session's authority.

import { HoldfastError } from '@holdfast/protocol/errors';
import { handleLifeMs } from '@holdfast/protocol/vault/handle';
import type { RequestFacts } from '../broker/broker.ts';
import { canonicalPath } from '../broker/path.ts';
import { parseAuthority } from '../broker/target.ts';
import { answer, readJson, type Routes } from './agent-door.ts';
import type { SessionAuthority } from './authority.ts';

const maxBodyBytes = 16 * 1024;
const maxNameCharacters = 128;

export function agentHandles(authority: SessionAuthority): Routes {
  return {
    '/v1/handles': {
      POST: async (request, response) => {
        answer(response, 201, await mintAsked(authority, await readJson(request, maxBodyBytes)));
      },
    },
  };
}

/** `asked` as the agent wrote it: `{credential, request: {method, url}}`. @throws usage, and as the authority does */
export async function mintAsked(
  authority: SessionAuthority,
  asked: unknown,
): Promise<{ readonly handle: string; readonly expiresInMs: number }> {
  const { credential, facts } = readAsked(asked);
  return { handle: await authority.handleFor(credential, facts), expiresInMs: handleLifeMs };
}

function usage(message: string): never {
  throw new HoldfastError('usage', message, {
    next: 'a request is {"method": "GET", "url": "https://HOST/PATH"}',
  });
}

/** Exactly these fields; nothing is guessed. [AGENT-DOOR-6] */
export function fields<Name extends string>(value: unknown, names: readonly Name[]): Record<Name, unknown> {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length !== names.length || !names.every((name) => entries.some(([key]) => key === name)))
    usage(`expected exactly ${names.join(' and ')}`);
  return Object.fromEntries(entries) as Record<Name, unknown>;
}

function readAsked(body: unknown): { readonly credential: string; readonly facts: RequestFacts } {
  const { credential, request } = fields(body, ['credential', 'request']);
  const facts = readRequest(request);
  if (typeof credential !== 'string' || credential.length > maxNameCharacters) usage('the credential is named by its name');
  return { credential, facts };
}

/** `{method, url}`, in the broker's one spelling. Throws `usage`. */
export function readRequest(request: unknown): RequestFacts {
  const { method, url } = fields(request, ['method', 'url']);
  if (typeof method !== 'string' || !/^[A-Z][A-Z-]{0,31}$/.test(method)) usage('the method is written in capitals');
  if (typeof url !== 'string') usage('the URL is a text');
  const parts = /^https:\/\/([^/?#@\\]+)(\/[^?#]*)?(\?[^#]*)?$/.exec(url);
  if (parts?.[1] === undefined) usage('the URL is not https://HOST/PATH');
  if (parts[3] !== undefined) usage('leave the query out: method, host and path are what counts');
  const path = canonicalPath(parts[2] ?? '/');
  if (path === undefined) usage('the path can be read in more than one way');
  return { ...targetOf(parts[1]), method, path, query: '' };
}

function targetOf(authority: string): ReturnType<typeof parseAuthority> {
  try {
    return parseAuthority(authority, 'https', 443);
  } catch {
    return usage('the URL names no usable host and port');
  }
}
