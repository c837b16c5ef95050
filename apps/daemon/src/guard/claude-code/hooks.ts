// The hooks of Claude Code's settings, the same for a sealed session and for one that was started by hand: on every event with an effect or a context
// they ask the door, and a failure blocks. spec/guard.md [GUARD-10], [GUARD-13].

import { claudeCodePath } from './door.ts';

/** The operator's word may take this long; then it is a no. */
export const actTimeoutMs = 330_000;
/** For events that nobody is asked about. */
export const eventTimeoutMs = 10_000;

/** Acts: they wait for a verdict. */
const acts = ['PreToolUse', 'UserPromptExpansion'];
/** What has an effect, takes context or brings something into it. */
const others = [
  'PostToolUse',
  'PostToolUseFailure',
  'UserPromptSubmit',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'ConfigChange',
  'InstructionsLoaded',
];

export interface Timeouts {
  readonly act: number;
  readonly event: number;
}

export interface Asking {
  readonly doorPort: number;
  /** What the door asks for beside the caller being who it is; a session's own asks for nothing. */
  readonly key?: string;
  readonly shell: string;
  readonly node: string;
  readonly timeoutsMs?: Timeouts;
}

export function hooksThatAsk(asking: Asking): Readonly<Record<string, readonly object[]>> {
  const { doorPort, key, timeoutsMs = { act: actTimeoutMs, event: eventTimeoutMs } } = asking;
  const url = `http://127.0.0.1:${doorPort}${claudeCodePath}`;
  const headers = key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } };
  const ask = (timeoutMs: number) => [
    { matcher: '*', hooks: [{ type: 'http', url, ...headers, timeout: timeoutMs / 1000, onFailure: 'block' }] },
  ];
  const start = { type: 'command', ...startCommand(asking), timeout: timeoutsMs.event / 1000 };
  return {
    ...Object.fromEntries(acts.map((event) => [event, ask(timeoutsMs.act)])),
    ...Object.fromEntries(others.map((event) => [event, ask(timeoutsMs.event)])),
    // An http hook is silently not called on this one.
    SessionStart: [{ hooks: [start] }],
  };
}

/**
 * Passes its input to the door and the answer on. Bash by itself takes 3 ms, Node 40: no other program is certain to be there. `-p` and the rest:
 * no file and no variable that a session may write is read first.
 */
function startCommand({ doorPort, key, shell, node }: Asking): { readonly command: string; readonly args: readonly string[] } {
  if (shell !== '/bin/bash') return { command: node, args: ['-e', nodeText(doorPort, key)] };
  return { command: shell, args: ['--norc', '--noprofile', '-p', '-c', bashText(doorPort, key)] };
}

function bashText(doorPort: number, key: string | undefined): string {
  return `LC_ALL=C
IFS= read -r -d '' body
exec 3<>/dev/tcp/127.0.0.1/${doorPort} || exit 2
printf 'POST ${claudeCodePath} HTTP/1.0\\r\\nHost: 127.0.0.1:${doorPort}\\r\\nContent-Type: application/json${key === undefined ? '' : `\\r\\nAuthorization: Bearer ${key}`}\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "\${#body}" "$body" >&3
while IFS= read -r line <&3; do [ "$line" = $'\\r' ] && break; done
while IFS= read -r line <&3 || [ -n "$line" ]; do printf '%s\\n' "$line"; done`;
}

function nodeText(doorPort: number, key: string | undefined): string {
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  return `let body = '';
process.stdin.on('data', (chunk) => (body += chunk)).on('end', () => {
  const options = { host: '127.0.0.1', port: ${doorPort}, path: '${claudeCodePath}', method: 'POST', headers: ${JSON.stringify(headers)} };
  require('node:http').request(options, (reply) => reply.pipe(process.stdout)).on('error', () => process.exit(2)).end(body);
});`;
}
