// How a call's tag gets from the guard to what the call starts, spec/guard.md [GUARD-30]: as a comment in the first line of its command, which Claude Code's own
// permissions pass over, and from there into the proxy's address by the shell that Claude Code is told to start. Measured with 2.1.330: its shells are `bash -c`
// with a socket for stdin, so that bash takes itself for a remote one and reads no BASH_ENV; a line that exports variables would need leave of its own, and is none
// that merely reads.

import type { Json } from '@holdfast/protocol/rules/call';
import { tagPattern } from '../call-tags.ts';

const line = (tag: string): string => `# ${tag}\n`;

/** The input of a shell's call with its tag. */
export function tagged(input: Json, tag: string): Json {
  return withCommand(input, (command) => line(tag) + command);
}

/** The input as it was before, where it carries this tag. */
export function untagged(input: Json, tag: string): Json {
  return withCommand(input, (command) => (command.startsWith(line(tag)) ? command.slice(line(tag).length) : command));
}

function withCommand(input: Json, change: (command: string) => string): Json {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const fields = input as { readonly [key: string]: Json };
  const { command } = fields;
  return typeof command === 'string' ? { ...fields, command: change(command) } : input;
}

/** A bash that names the call's tag to the proxy; reads no file and no variable that a session may write before. */
export function callShell(bash: string): string {
  return `#!${bash} -p
export SHELL=${bash}
if [[ "$*" =~ "# "(${tagPattern}) ]]; then
  for name in HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy; do
    [[ \${!name-} == http://127.0.0.1:* ]] && export "$name=http://\${BASH_REMATCH[1]}:x@\${!name#http://}"
  done
  export GIT_HTTP_PROXY_AUTHMETHOD=basic
fi
exec ${bash} "$@"
`;
}
