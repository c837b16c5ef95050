// A key that is held down is one press: nobody answers a second time by a heavy finger.

const answering: ReadonlySet<string> = new Set(['a', 'd']);

export const isHeld = ({ key, repeat }: { readonly key: string; readonly repeat: boolean }): boolean =>
  repeat && answering.has(key.toLowerCase());
