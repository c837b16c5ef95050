// How many rounds a test runs: a small share in CI, a large one under `npm run soak` (HOLDFAST_SOAK=1).

/** True in a soak run; for tests that want more time than the ordinary limit, too. */
export const soaking = process.env['HOLDFAST_SOAK'] === '1';

/** The count for this run: `for (let i = 0; i < share({ ci: 10, soak: 100 }); i += 1) …`. Both counts are positive integers. */
export function share(counts: { readonly ci: number; readonly soak: number }): number {
  return soaking ? counts.soak : counts.ci;
}
