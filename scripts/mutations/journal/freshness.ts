// How long an older state counts: THREAT_MODEL.md, J.

import type { Mutation } from '../mutation.ts';

const changes = 'apps/daemon/test/agent/changes.test.ts';
const freshness = 'apps/daemon/test/freshness/freshness.test.ts';
const hostile = 'apps/daemon/test/link/hostile.test.ts';
const replica = 'packages/protocol/test/journal/replica.test.ts';
const wire = 'packages/protocol/test/blind/wire-vectors.test.ts';

export const onFreshness: readonly Mutation[] = [
  // Two histories.
  {
    id: 'J-4.heads',
    off: 'heads that differ are not noticed',
    file: 'packages/protocol/src/journal/replica.ts',
    from: "if (!equalBytes(ours, head.hash)) throw new HoldfastError('entry_fork', 'control heads differ: two histories');",
    to: '',
    red: { [replica]: 'the control head that an agent names is known, awaited, or another history' },
  },
  {
    id: 'J-4.told',
    off: 'a head that differs from the one that was seen is not noticed',
    file: 'packages/protocol/src/blind/freshness.ts',
    from: 'if (!equalBytes(told.hash, seen.hash))',
    to: 'if (told.hash.length === 0)',
    red: { [wire]: '' },
  },
  {
    id: 'J-4.pulse',
    off: 'a pulse of another history is passed over',
    file: 'apps/daemon/src/agent/journal.ts',
    from: `if (thrown instanceof Error) this.fork ??= thrown; // [PULSE-8]
      this.options.freshness.relayDoubted();
      throw thrown;`,
    to: `void thrown; // [PULSE-8]
      return 'ahead';`,
    red: { [hostile]: 'each holds until they compare heads, then entry_fork for good' },
  },

  // A withheld revocation.
  {
    id: 'J-5.sixty-seconds',
    off: "the relay's word holds for an hour",
    file: 'apps/daemon/src/freshness.ts',
    from: 'const maxRelayAgeMs = 60_000;',
    to: 'const maxRelayAgeMs = 3_600_000;',
    red: {
      [freshness]: "the relay's word holds for sixty seconds",
      [hostile]: 'the bound is 60 s from the question, to the second',
    },
  },
  {
    id: 'J-5.pulse',
    off: 'a pulse is never too old',
    file: 'apps/daemon/src/freshness.ts',
    from: 'pulseAgeMs === undefined || pulseAgeMs > pulseMaxAgeMs',
    to: 'pulseAgeMs === undefined',
    red: { [hostile]: 'minting stops when the pulse is as old as the fleet allows' },
  },
  {
    id: 'J-5.nonce',
    off: 'a freshness statement may answer another question',
    file: 'packages/protocol/src/blind/freshness.ts',
    from: 'if (!equalBytes(statement.nonce, asked.nonce))',
    to: 'if (statement.nonce.length === 0)',
    red: { [hostile]: 'freshness_forged, for its nonce was of another question' },
  },
  {
    id: 'J-5.signature',
    off: 'a freshness statement may be signed by anybody',
    file: 'packages/protocol/src/blind/freshness.ts',
    from: `    await verifySignature(primitives, {
      domain: 'freshness',`,
    to: `    if (wire.length === 0) await verifySignature(primitives, {
      domain: 'freshness',`,
    red: { [hostile]: 'and nothing is minted after a minute' },
  },
  {
    id: 'J-5.pulse-signature',
    off: 'a pulse may be signed by anybody',
    file: 'packages/protocol/src/blind/pulse.ts',
    from: `    await verifySignature(primitives, {
      domain: 'pulse',`,
    to: `    if (pulse.wire.length === 0) await verifySignature(primitives, {
      domain: 'pulse',`,
    red: { [hostile]: 'and the good one is as old as it is' },
  },
  {
    id: 'J-6.heads-of-pulses',
    off: 'a pulse counts before the entries that it names were read',
    file: 'apps/daemon/src/agent/journal.ts',
    from: "if (early === undefined || this.comparedWithOperator(early) === 'ahead') return;",
    to: 'if (early === undefined) return;',
    red: { [hostile]: 'one that names entries which were not shown does not count until they are' },
  },
  {
    id: 'J-7.before-storing',
    off: 'entries act only once they are stored',
    file: 'apps/daemon/src/agent/journal.ts',
    from: `    this.unkept.push(...taken);
    try {`,
    to: `    this.unkept.push(...taken);
    this.keep();
    try {`,
    red: { [changes]: 'a revocation acts although its entry cannot be stored' },
    says: 'it did not come to: told; "store_failed"',
  },
];
