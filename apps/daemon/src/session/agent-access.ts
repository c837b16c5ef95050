// Access that an agent lacks and asks for at its door, spec/agent-door.md: an operator sees what would be let through and the agent's reason as its
// words. What the agent hears depends on operators alone, never on what there is in the vault.

import { HoldfastError } from '@holdfast/protocol/errors';
import { accessDigest } from '@holdfast/protocol/approvals/access';
import type { Outcome } from '@holdfast/protocol/approvals/ask';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent } from '../agent/agent.ts';
import type { Asking } from '../approvals/approvals.ts';
import type { RequestFacts } from '../broker/broker.ts';
import type { Ports } from '../ports.ts';
import { answer, readJson, type Routes } from './agent-door.ts';
import { fields, readRequest } from './agent-handles.ts';
import type { SessionAuthority } from './authority.ts';
import { refusalOf } from './approved-use.ts';
import { inTime } from './in-time.ts';

const maxBodyBytes = 16 * 1024;
const maxReasonCharacters = 512;
const askLifeMs = 9 * 60_000;
/** Longer no tool call is kept waiting; the operator has more time, and the agent asks again to hear. */
const usualWaitMs = 20_000;
/** A place stays for what the operators' rules and grants ask about. */
const maxWaiting = 2;

type AccessAnswer =
  | { readonly state: 'granted' }
  | { readonly state: 'waiting'; readonly message: string; readonly next: string };

const stillWaits: AccessAnswer = {
  state: 'waiting',
  message: 'waiting for approval: no operator has answered yet',
  next: 'ask again with the same method and url to hear; nine minutes after the first time it is denied',
};

/** Of one session. */
export class AccessAsks {
  readonly #agent: Agent;
  readonly #authority: SessionAuthority;
  readonly #by: Asking;
  readonly #primitives: Ports['primitives'];
  readonly #waitMs: number;
  /** By the digest of what is asked for: asking again is no second ask. */
  readonly #waiting = new Map<string, Promise<Outcome>>();

  constructor(
    agent: Agent,
    authority: SessionAuthority,
    by: Asking,
    { primitives }: Pick<Ports, 'primitives'>,
    waitMs = usualWaitMs,
  ) {
    this.#agent = agent;
    this.#authority = authority;
    this.#by = by;
    this.#primitives = primitives;
    this.#waitMs = waitMs;
  }

  routes(): Routes {
    return {
      '/v1/access': {
        POST: async (request, response) => {
          const told = await this.ask(await readJson(request, maxBodyBytes));
          answer(response, told.state === 'granted' ? 200 : 202, told);
        },
      },
    };
  }

  /** `asked` as the agent wrote it: `{request: {method, url}, reason}`. Throws `usage`, and `approval_*` when it is over. [AGENT-DOOR-9] */
  async ask(asked: unknown): Promise<AccessAnswer> {
    const { request, reason } = fields(asked, ['request', 'reason']);
    const facts = readRequest(request);
    if (typeof reason !== 'string' || reason.length > maxReasonCharacters)
      throw new HoldfastError('usage', `the reason is a text of at most ${maxReasonCharacters} characters`);
    if (this.#authority.allows(facts)) return { state: 'granted' };
    const call = accessDigest(this.#primitives, { agent: this.#agent.id, session: this.#by.session, ...facts });
    const outcome = await inTime(this.#outcome(call, facts, reason), this.#waitMs);
    if (outcome === undefined) return stillWaits;
    if (outcome !== 'allowed') throw refusalOf(outcome);
    return { state: 'granted' };
  }

  #outcome(call: Uint8Array, { method, host, port, path }: RequestFacts, reason: string): Promise<Outcome> {
    const key = toHex(call);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    if (this.#waiting.size >= maxWaiting) return Promise.resolve('crowded');
    const act = { kind: 'access', method, host, port, path, reason } as const;
    const outcome = this.#agent.approvals.ask(this.#by, { act, call, because: [], withinMs: askLifeMs });
    this.#waiting.set(key, outcome);
    void outcome.then(() => this.#waiting.delete(key));
    return outcome;
  }
}
