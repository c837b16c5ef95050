// Where the console keeps bytes between visits, as a port: the browser's is indexed-db.ts, tests have one in memory.

/** Named byte strings, each read and written whole. */
export interface Records {
  /** Throws `store_failed`. */
  get(name: string): Promise<Uint8Array | undefined>;
  /**
   * Reads, decides and writes in one transaction that no other tab gets between; undefined removes. What `change` throws leaves all as it was.
   * On disk when this returns. Throws `store_failed`; then the one before stays. [BKEY-13]
   */
  change(name: string, change: (before: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>;
  /** The names that begin so, sorted. */
  names(prefix: string): Promise<readonly string[]>;
  /** Removes them all at once. */
  remove(names: readonly string[]): Promise<void>;
}
