// Preferences come back, keep to their bounds, and are the usual ones where they are damaged.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { outcomeOf } from '@holdfast/testkit/vectors';
import { changePreferences, readPreferences } from '../../src/store/preferences.ts';
import { MemoryRecords } from './memory-records.ts';

describe('preferences', () => {
  it('change one by one, and a page locks after 1 to 60 minutes [BKEY-11]', async () => {
    const records = new MemoryRecords();
    assert.deepEqual(await readPreferences(records), { theme: 'system', lockMinutes: 10 });
    await changePreferences(records, { theme: 'dark' });
    await changePreferences(records, { lockMinutes: 5 });
    for (const lockMinutes of [0, 61, 1.5, Number.NaN])
      assert.equal(await outcomeOf(() => changePreferences(records, { lockMinutes })), 'codec_shape');
    assert.deepEqual(await readPreferences(records), { theme: 'dark', lockMinutes: 5 });
    records.kept.set('preferences', Uint8Array.of(1));
    assert.deepEqual(await readPreferences(records), { theme: 'system', lockMinutes: 10 });
  });
});
