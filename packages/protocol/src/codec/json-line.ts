// A value as one line of JSON for scripts and for files that people hand on: what commands answer with `--json`, and events of an export.

import { toHex } from './bytes.ts';
import { unseen } from './shown.ts';

/** Ids and keys are hex; what a terminal would obey or hide is escaped, so that JSON may be looked at as well. [CLI-1] [CLI-6] */
export function jsonLine(value: unknown): string {
  // Buffers turn themselves into something else before a replacer sees them: the holder still has the bytes.
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key: string, each: unknown) {
    const bytes = this[key];
    return bytes instanceof Uint8Array ? toHex(bytes) : each;
  });
  return text.replaceAll(unseen, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
