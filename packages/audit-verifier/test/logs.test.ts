// The standalone verifier agrees with the one of the core on every vector of whole logs, spec/vectors/audit/logs.json.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { verifyLog } from '../bin/holdfast-verify.mjs';

interface Log extends VectorEntry {
  readonly fleet: string;
  readonly agent: string;
  readonly agentKey: string;
  readonly earlierKeys?: readonly string[];
  readonly leaves?: readonly string[];
  readonly events: readonly string[];
  readonly checkpoints: readonly string[];
  readonly anchor?: { readonly size: number; readonly root: string };
}

const bytes = (hex: string): Buffer => Buffer.from(fromVectorHex(hex));

for (const { name, clause, expect, ...log } of ownVectors<Log>('audit/logs').entries) {
  test(`${clause} ${name}: ${expect}`, async () => {
    const whose = {
      fleet: bytes(log.fleet),
      agent: bytes(log.agent),
      keys: [...(log.earlierKeys ?? []), log.agentKey].map(bytes),
    };
    const known = log.anchor === undefined ? [] : [{ size: log.anchor.size, root: bytes(log.anchor.root) }];
    const leaves = (log.leaves ?? []).map((leaf) => ({ leaf: bytes(leaf) }));
    const records = [...leaves, ...log.events.map((event) => ({ event: bytes(event) }))];
    const verdict = await outcomeOf(async () => {
      const { withheld } = await verifyLog(whose, log.checkpoints.map(bytes), records, known);
      // [AUDIT-68] A bundle may withhold records and tells how many; a log may not.
      if (withheld > 0) throw Object.assign(new Error('withheld'), { code: 'audit_gap' });
    });
    assert.equal(verdict, expect.replace(/^codec_.*/, 'codec_shape')); // it has one word for all that is no encoding
  });
}
