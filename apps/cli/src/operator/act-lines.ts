// An act that an agent asks for, in lines for a terminal; not escaped yet.

import type { Act } from '@holdfast/protocol/approvals/ask';
import type { UseAct } from '@holdfast/protocol/operator/asks';

/** What would happen, in lines; not escaped yet. */
export function actLines(act: Act): readonly string[] {
  switch (act.kind) {
    case 'tool-call': {
      const { name, text, rest, directory, subagent } = act;
      return [
        `${name}: ${text}`,
        ...(rest === undefined ? [] : [`with ${rest}`]),
        ...(directory === undefined ? [] : [`in ${directory}`]),
        ...(subagent === undefined ? [] : [`by its sub-agent ${subagent}`]),
      ];
    }
    case 'use':
      return useLines(act);
    case 'access':
      return [
        `wants access: ${act.method} https://${act.host}${act.port === 443 ? '' : `:${act.port}`}${act.path}`,
        `because, in the agent's words: ${act.reason}`,
      ];
  }
}

/** All that goes out, and whose credential with it. */
function useLines({ name, method, host, port, path, query, headers, body, reported }: UseAct): readonly string[] {
  return [
    `one use of ${name}: ${method} https://${host}${port === 443 ? '' : `:${port}`}${path}${query === '' ? '' : `?${query}`}`,
    ...headers.map((header) => `  ${header.name}: ${header.value}`),
    ...(body === '' ? [] : [`  ${body}`]),
    ...(reported?.command === undefined ? [] : [`as the session says, for: ${reported.command}`]),
  ];
}
