// A session's authority with the operators' rules before it: what the vault would let out is held against them first, from what the broker itself
// saw. spec/guard.md [GUARD-16].

import type { Cause } from '@holdfast/protocol/audit/event';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import type { RequestFacts } from '../broker/broker.ts';
import type { Child } from '../children/child.ts';
import { brokerHarness } from '../guard/guard.ts';
import type { Verdict } from '../guard/reported.ts';
import { SessionAuthority } from './authority.ts';

export type Judge = (readings: readonly [ToolCall, ...ToolCall[]]) => Promise<Verdict>;

export class RuledAuthority extends SessionAuthority {
  #lastCommand: () => string | undefined = () => undefined;
  #judge: Judge = () => Promise.resolve({ kind: 'deny', reason: 'nobody judges yet' });

  /** The same session's, for what one of its calls starts. `child`: the sub-agent's whose call it is; undefined: as the session, whose child it may be. */
  beside({ child = this.child, cause, judge }: { child?: Child | undefined; cause?: Cause; judge: Judge }): RuledAuthority {
    const made = new RuledAuthority(this.agent, this.ports, this.by, child, this.place, this.refusals, cause);
    made.heldBy(judge, this.#lastCommand);
    return made;
  }

  /** Until then nothing is let out. `lastCommand`: what the session says that it is doing. */
  heldBy(judge: Judge, lastCommand: () => string | undefined = () => undefined): void {
    this.#judge = judge;
    this.#lastCommand = lastCommand;
  }

  protected override lastCommand(): string | undefined {
    return this.#lastCommand();
  }

  override async passed(facts: RequestFacts): Promise<void> {
    await this.allowed(facts, undefined);
    return super.passed(facts);
  }

  /** In both readings, where servers have two of a path. */
  protected override async allowed(facts: RequestFacts, credential: string | undefined): Promise<number | undefined> {
    const { version } = this.agent.rules;
    const decoded = facts.path.replaceAll(/%2f/gi, '/');
    const also = decoded === facts.path ? [] : [asCall({ ...facts, path: decoded }, credential)];
    const verdict = await this.#judge([asCall(facts, credential), ...also]);
    // A request cannot be changed here.
    if (verdict.kind === 'deny' || verdict.input !== undefined)
      throw new HoldfastError('rules_denied', "the operators' rules deny this request"); // [GUARD-16]
    return version;
  }
}

function asCall({ scheme, host, port, method, path }: RequestFacts, credential: string | undefined): ToolCall {
  const place = port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
  return {
    tool: 'fetch',
    harness: brokerHarness,
    name: 'request',
    input: { method, scheme, host, port, path, ...(credential !== undefined && { credential }) },
    url: `${scheme}://${place}${path}`,
    method,
  };
}
