// An attacker's code as a function: it runs by the pinned Node inside a sealed session and sees nothing of its test but its argument.

import type { Installation, RunOptions } from './installation.ts';

/** Marks the answer among whatever else the command writes. */
const mark = '\u0001answer ';

/** What `node -e` is told. `attack` must name nothing from around it. */
export function scriptOf<A>(attack: (argument: A) => unknown, argument: A): string {
  return `Promise.resolve((${attack.toString()})(${JSON.stringify(argument)})).then((answer) => process.stdout.write(${JSON.stringify(mark)} + JSON.stringify(answer ?? null) + '\\n'))`;
}

/** Runs `attack` in a session of its own; resolves with what it returned, as JSON carries it. */
export async function inside<A, R>(
  holdfast: Installation,
  attack: (argument: A) => R | Promise<R>,
  argument: A,
  options: RunOptions = {},
): Promise<R> {
  const ran = await holdfast.run([process.execPath, '-e', scriptOf(attack, argument)], options);
  const at = ran.stdout.lastIndexOf(mark);
  if (at < 0) throw new Error(`the attack did not come to its end (${ran.code})\n${ran.stdout}${ran.stderr}`);
  return JSON.parse(ran.stdout.slice(at + mark.length)) as R;
}
