// Children that a session starts beside itself, spec/agent-door.md: one POST whose two bodies carry what `holdfast run` carries over the CLI's door. The
// session says what to run and how much less it may; where it runs and what it sees is the session's own.

import type { Cause } from '@holdfast/protocol/audit/event';
import type { ChildTerms, DoorRequest } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Grant } from '@holdfast/protocol/journal/state';
import type { Leave } from '@holdfast/protocol/custody/delegation';
import type { ChildRequest } from '../children/children.ts';
import { converse, type Caller } from '../door/server.ts';
import type { Log } from '../ports.ts';
import type { Routes } from './agent-door.ts';

const conversationType = 'application/vnd.holdfast.door';
/** Sealed sessions are heavy: each holds a sandbox. */
const maxAtOnce = 16;

export type RunChildRequest = Extract<DoorRequest, { kind: 'run-child' }>;

/** By which a call of the session says that it asks: its tag. */
const callHeader = 'x-holdfast-call';

/** `causeOf`: of what the call of that tag asks. Throws for one that is nobody's. */
export function agentChildren(
  start: (request: RunChildRequest, caller: Caller, cause: Cause) => Promise<void>,
  causeOf: (tag: string) => Cause,
  log: Log,
): Routes {
  let open = 0;
  return {
    '/v1/children': {
      POST: (request, response) => {
        if (request.headers['content-type'] !== conversationType)
          throw new HoldfastError('usage', `the body is not announced as ${conversationType}`, {
            next: 'use holdfast run --child',
          });
        if (open >= maxAtOnce) throw new HoldfastError('limit_exceeded', `more than ${maxAtOnce} children of one session run`); // [AGENT-DOOR-10]
        const tag = request.headers[callHeader];
        const cause = typeof tag === 'string' ? causeOf(tag) : {};
        open += 1;
        response.once('close', () => (open -= 1));
        // What is left of a body that nobody reads on must not be taken for the next request.
        response.writeHead(200, { 'content-type': conversationType, 'cache-control': 'no-store', connection: 'close' });
        response.flushHeaders();
        const line = { input: request, output: response, finish: () => response.end(), destroy: () => request.destroy() };
        converse(line, log, async (asked, caller) => {
          if (asked.kind !== 'run-child') throw new HoldfastError('usage', 'a session only starts children here'); // [AGENT-DOOR-10]
          await start(asked, caller, cause);
        });
      },
    },
  };
}

/** What a child is asked to get, of what its parent has at this moment. Throws `delegation_exceeded`. */
export function leaveAsked(
  { only, hosts, uses, bytes, lifeS, depth }: ChildTerms,
  parent: { readonly grants: readonly Grant[]; readonly leave: Pick<Leave, 'capabilities'> },
): Pick<ChildRequest, 'capabilities' | 'fences' | 'uses' | 'bytes' | 'lifeS' | 'depth'> {
  const named = only.flatMap((each) => /^vault:use(?::(.+))?$/.exec(each)?.slice(1) ?? []) as (string | undefined)[];
  const missing = named.find((name) => name !== undefined && !parent.grants.some((grant) => grant.name === name));
  if (missing !== undefined)
    throw new HoldfastError('delegation_exceeded', 'a child gets no more than its parent has: credentials', {
      next: 'see what this session may use: GET $HOLDFAST_DOOR/v1/vault',
    });
  const all = only.includes('vault:use');
  const grants = parent.grants.filter(({ name }) => all || named.includes(name)).map(({ grant }) => grant);
  // A credential may say in so many words that its holder may use the vault: then services hear it of the child, too.
  const capabilities = only.filter((each) => !/^vault:use(:|$)/.test(each) || parent.leave.capabilities.includes(each));
  return { capabilities, fences: { grants, hosts }, uses, bytes, lifeS, depth };
}
