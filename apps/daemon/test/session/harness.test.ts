// The build of a session's program: of the file that was there at the start, or of none.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Harness } from '../../src/session/harness.ts';

test('is measured of the file that was there at the start, and of no other [PRESENT-13]', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-harness-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = path.join(folder, 'program');
  const bytes = Buffer.alloc(3 << 20, 'build');
  writeFileSync(program, bytes);
  const harness = new Harness(program);
  const later = new Harness(program);
  const wanted = createHash('sha256').update(bytes).digest();
  assert.deepEqual(await harness.digest(), new Uint8Array(wanted));

  writeFileSync(program, Buffer.alloc(3 << 20, 'other'));
  assert.equal(await later.digest(), undefined, 'written over before it was measured');
  assert.deepEqual(await harness.digest(), new Uint8Array(wanted), 'what was measured stays');
  const replaced = new Harness(program);
  rmSync(program);
  writeFileSync(program, bytes);
  assert.equal(await replaced.digest(), undefined);
  assert.equal(await new Harness(path.join(folder, 'nothing')).digest(), undefined);
});
