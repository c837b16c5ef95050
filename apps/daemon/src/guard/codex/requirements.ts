// What Codex finds in /etc/codex in a sealed session, read-only: requirements that no setting of a user, a repository or a plugin overrides, with
// hooks that need nobody's trust. spec/guard.md [GUARD-17], [GUARD-18]. Measured with 0.169.0, whose hooks are commands: it runs the tool when
// one exits with anything but 2, is killed, times out, or prints what it does not expect. So ours has a deadline of its own and one way to pass.

import { actTimeoutMs } from '../claude-code/hooks.ts';
import { codexPath } from './door.ts';

/** Codex's own deadline, after which the tool would run; ours comes well before. */
const harnessTimeoutMs = 2 * actTimeoutMs;
const defaultAnswerWithinMs = actTimeoutMs + 15_000;

const events = ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse'];

interface HookQuery {
  readonly doorPort: number;
  readonly shell: string;
  readonly node: string;
  /** Shorter ones are for tests of what happens when nobody answers. */
  readonly answerWithinMs?: number;
}

export function codexFiles(query: HookQuery) {
  const command = hookCommand(query);
  const hooks = events.flatMap((event) => [
    `[[hooks.${event}]]`,
    `[[hooks.${event}.hooks]]`,
    'type = "command"',
    `command = ${JSON.stringify(command)}`,
    `timeout = ${harnessTimeoutMs / 1000}`,
  ]);
  const text = [
    'allow_managed_hooks_only = true',
    '[features]',
    'hooks = true',
    '[hooks]',
    'managed_dir = "/etc/codex"',
    ...hooks,
  ].join('\n');
  return [{ path: '/etc/codex/requirements.toml', data: Buffer.from(`${text}\n`) }];
}

/** Codex hands it to a shell; what is inside the single quotes is ours alone. */
function hookCommand({ doorPort, shell, node, answerWithinMs = defaultAnswerWithinMs }: HookQuery): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  if (shell !== '/bin/bash') return `exec ${quoted(node)} -e ${quoted(nodeText(doorPort, answerWithinMs))}`;
  return `exec ${shell} --norc --noprofile -p -c ${quoted(bashText(doorPort, answerWithinMs))}`;
}

function bashText(doorPort: number, answerWithinMs: number): string {
  const seconds = answerWithinMs / 1000;
  return `LC_ALL=C
no() { printf "%s\\n" "$1" >&2; exit 2; }
IFS= read -r -d "" body
exec 3<>/dev/tcp/127.0.0.1/${doorPort} || no "Holdfast does not answer, so this does not happen."
printf "POST ${codexPath} HTTP/1.0\\r\\nHost: 127.0.0.1:${doorPort}\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s" "\${#body}" "$body" >&3
verdict=none
while IFS= read -r -t ${seconds} line <&3 && [ "$line" != $'\\r' ]; do
  case "$line" in x-holdfast:*pass*) verdict=pass ;; x-holdfast:*deny*) verdict=deny ;; esac
done
IFS= read -r -t ${seconds} -d "" answer <&3
case "$verdict" in
  pass) printf "%s\\n" "$answer" ;;
  deny) no "$answer" ;;
  *) no "Holdfast does not answer, so this does not happen." ;;
esac`;
}

function nodeText(doorPort: number, answerWithinMs: number): string {
  return `const no = (why) => { process.stderr.write(why + '\\n'); process.exit(2); };
const silent = 'Holdfast does not answer, so this does not happen.';
setTimeout(() => no(silent), ${answerWithinMs}).unref();
let body = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const request = require('node:http').request({ host: '127.0.0.1', port: ${doorPort}, path: '${codexPath}', method: 'POST', headers }, (reply) => {
    let answer = '';
    reply.setEncoding('utf8').on('data', (chunk) => (answer += chunk)).on('error', () => no(silent)).on('end', () => {
      if (reply.headers['x-holdfast'] === 'pass' && reply.complete) process.stdout.write(answer);
      else no(reply.headers['x-holdfast'] === 'deny' ? answer : silent);
    });
  });
  request.on('error', () => no(silent)).end(body);
});`;
}
