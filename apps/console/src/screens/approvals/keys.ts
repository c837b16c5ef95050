// Which key means what for cards. Nothing while somebody types, and nothing with a modifier: those are the browser's.

export type CardKey = 'next' | 'previous' | 'approve' | 'deny';

const meanings: Readonly<Record<string, CardKey>> = { j: 'next', k: 'previous', a: 'approve', d: 'deny' };

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly repeat: boolean;
  readonly defaultPrevented: boolean;
  readonly target: unknown;
}

/** `a` and `d` held down are one press: nobody answers a second time by a heavy finger. */
export function keyMeans({ key, ctrlKey, metaKey, altKey, repeat, defaultPrevented, target }: Pressed): CardKey | undefined {
  if (defaultPrevented || ctrlKey || metaKey || altKey || isTypedInto(target)) return undefined;
  const means = Object.hasOwn(meanings, key) ? meanings[key] : undefined;
  return repeat && (means === 'approve' || means === 'deny') ? undefined : means;
}

function isTypedInto(target: unknown): boolean {
  const { closest } = (target ?? {}) as { closest?: (selector: string) => unknown };
  return (
    typeof closest === 'function' && closest.call(target, 'input, textarea, select, [contenteditable], [role="dialog"]') !== null
  );
}
