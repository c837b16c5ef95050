// How long a test waits for what has to come.

/**
 * Milliseconds, long for a machine with two busy cores; whoever waits longer waits for something that will not come. With a control switched off that is what
 * is to be seen, so HOLDFAST_TEST_WAIT_MS shortens it.
 */
export const patienceMs = Number(process.env['HOLDFAST_TEST_WAIT_MS'] ?? 180_000);
