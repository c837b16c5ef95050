// Asks that are the same to whoever looks at them: one card with a count. Two are the same only if every word that the card shows is: an answer is
// given to what was read, and each ask of a group is answered by itself, under its own digest.

import type { Ask } from '@holdfast/protocol/approvals/ask';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { ShownAsk } from '../../fleet/fleet.ts';

/** Of everything that a card shows of an ask but its time. */
export function sameness({ open: { agent, ask }, unusual }: ShownAsk): string {
  const { mode, program, because } = ask;
  return JSON.stringify([
    toHex(agent.id),
    mode,
    program,
    shownOf(ask.act),
    because.map(({ rule, reason }) => [rule, reason]),
    unusual,
  ]);
}

/** Without what differs in each ask and is shown to nobody: the key that an answer is sealed to. */
function shownOf(act: Ask['act']): unknown {
  switch (act.kind) {
    case 'tool-call': {
      const { tool, harness, name, text, rest, directory, subagent } = act;
      return [act.kind, tool, harness, name, text, rest ?? null, directory ?? null, subagent ?? null];
    }
    case 'use': {
      const { grant, item, name, method, host, port, path, query, headers, body, reported } = act;
      const said = headers.map((header) => [header.name, header.value]);
      const who = [toHex(grant), toHex(item), name];
      return [act.kind, who, method, host, port, path, query, said, body, reported?.command ?? null];
    }
    case 'access': {
      const { method, host, port, path, reason } = act;
      return [act.kind, method, host, port, path, reason];
    }
  }
}
