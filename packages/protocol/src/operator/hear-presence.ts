// What an agent's machine says of it just now (spec/presence.md), as an operator's device hears it from the relay. Nothing is decided by it.

import { hearAgent } from '../approvals/signals.ts';
import type { Heard } from '../approvals/presence.ts';
import { toHex } from '../codec/bytes.ts';
import { isLive } from '../journal/state.ts';
import type { OperatorSession } from './session.ts';

/**
 * `heardAtMs`: by this device's clock. Undefined: the signal says something else. Throws `signal_forged` for one that is not by a live agent of the
 * session's own state, and what `hearAgent` says. [PRESENCE-2]
 */
export async function hearPresence(session: OperatorSession, wire: Uint8Array, heardAtMs: number): Promise<Heard | undefined> {
  const { state, facts, operator, ports } = session;
  const { from, said, expiresAtMs } = await hearAgent(
    {
      primitives: ports.primitives,
      fleet: facts.fleet,
      reader: facts.device,
      signKeyOf: (sender) => (isLive(state, sender) ? state.agents.get(toHex(sender))?.keys.sign : undefined), // [PRESENCE-2]
      epochKey: (audience, epoch) => operator.replica.epochKey(audience, epoch),
      nowMs: heardAtMs,
    },
    wire,
  );
  return said.kind === 'presence' ? { agent: from, presence: said, heardAtMs, expiresAtMs } : undefined;
}
