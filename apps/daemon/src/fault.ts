// What the log may say of something that nobody expected: its kind and where in our code it arose. Never its message: messages carry paths,
// names and pieces of what was being read. [DOOR-9]

export interface Fault {
  readonly fault: string;
  /** The system's own code, like `ENOSPC`. */
  readonly errno?: string;
  /** The innermost places, as `file.ts:line`. */
  readonly at?: string;
}

const maxFrames = 6;

/** Total for anything thrown. */
export function faultOf(thrown: unknown): Fault {
  if (!(thrown instanceof Error)) return { fault: typeof thrown };
  const name = /^[A-Za-z]{1,64}$/.test(thrown.name) ? thrown.name : 'Error';
  const errno =
    'code' in thrown && typeof thrown.code === 'string' && /^[A-Za-z_0-9]{1,64}$/.test(thrown.code) ? thrown.code : undefined;
  // Only lines that V8 made: a message may have lines of its own.
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  const places = frames.flatMap((line) => {
    const [, file, number] = /([\w.-]+\.[cm]?[jt]s):(\d+):\d+\)?$/.exec(line) ?? [];
    return file === undefined ? [] : [`${file}:${number}`];
  });
  return {
    fault: name,
    ...(errno !== undefined && { errno }),
    ...(places.length > 0 && { at: places.slice(0, maxFrames).join(' ') }),
  };
}
