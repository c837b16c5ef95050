// Until when a grant lasts, as it is typed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { parseUntil } from '@holdfast/protocol/vault/until';

// [CLI-41]
test('a span counts from now, a moment names its zone, and both lie ahead', () => {
  assert.equal(parseUntil('2h', 1000), 7_201_000);
  assert.equal(parseUntil('2026-12-01T18:00+01:00', 0), Date.parse('2026-12-01T17:00Z'));
  for (const typed of ['', '0h', '2026-12-01', '2026-12-01T18:00', '1999-01-01T00:00Z', '2026-13-01T00:00Z', 'tomorrow'])
    assert.throws(
      () => parseUntil(typed, 1_000_000_000_000),
      (thrown) => codeOf(thrown) === 'usage',
      typed,
    );
});
