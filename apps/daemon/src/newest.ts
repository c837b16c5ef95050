// Bounds what grows with what others do: the oldest goes first.

/** Forgets the oldest of a map or a set until `max` are left. */
export function keepNewest<K>(kept: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean }, max: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(oldest);
  }
}
