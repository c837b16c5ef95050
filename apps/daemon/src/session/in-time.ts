// Waits for what an operator decides, no longer than a tool call may take.

/** What a promise comes to; undefined when it takes longer. Rejects as it does. */
export async function inTime<T>(what: Promise<T>, waitMs: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), waitMs);
  try {
    return await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
  }
}
