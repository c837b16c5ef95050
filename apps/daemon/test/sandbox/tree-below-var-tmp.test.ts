// A working tree below /var/tmp, which is a folder of its own inside as well.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import test from 'node:test';
import { makeWorld, requestFor, run } from './world.ts';

test('[SANDBOX-4] a tree below /var/tmp starts, and its triggers are read-only', async (t) => {
  const tree = mkdtempSync('/var/tmp/holdfast-tree-');
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  const source = 'pwd; touch .claude/x 2>/dev/null || echo read-only; echo made > new && cat new; touch /var/tmp/own && echo own';
  const { output } = await run(t, { ...requestFor(makeWorld(t), ['sh', '-c', source]), cwd: tree });
  assert.equal(output, `${tree}\nread-only\nmade\nown\n`);
});
