// What a harness in a session tells of its tools, for benches: scripts for Node in the session, which say on stdout when they told what.

/** How a script tells its hook of an event. */
export const teller = `
const door = process.env.HOLDFAST_DOOR ?? process.env.HTTP_PROXY;
const said = { session_id: 's', cwd: process.cwd() };
const tell = async (event) => (await fetch(new URL('/v1/hook/claude-code', door), {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...said, ...event }) })).text();
`;

/** `count` calls of Read, one after the other: the file is `/etc/number-N-`, from `first` on. Says `at N MILLISECONDS` just before each is told. */
export function readCalls({
  first,
  count,
  everyMs,
}: {
  readonly first: number;
  readonly count: number;
  readonly everyMs: number;
}): string {
  return `${teller}
for (let n = ${first}; n < ${first + count}; n += 1) {
  const call = { tool_use_id: 'toolu_' + n, tool_name: 'Read', tool_input: { file_path: '/etc/number-' + n + '-' } };
  console.log('at ' + n + ' ' + Date.now());
  await tell({ ...call, hook_event_name: 'PreToolUse' });
  await new Promise((resolve) => setTimeout(resolve, ${everyMs / 2}));
  await tell({ ...call, hook_event_name: 'PostToolUse', tool_response: {} });
  await new Promise((resolve) => setTimeout(resolve, ${everyMs / 2}));
}`;
}
