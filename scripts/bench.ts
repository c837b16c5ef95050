// `npm run bench [-- NAME…]`: the measurements of bench/*.ts, one after the other, so that none disturbs another.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const names = process.argv.slice(2);
const files = globSync('bench/*.ts')
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .toSorted();
if (files.length === 0) {
  process.stdout.write('no measurement of that name in bench/\n');
  process.exitCode = 2;
}
for (const file of files) {
  process.stdout.write(`${file}\n`);
  // A terminal's Ctrl-C reaches the child as well; its end ends the run.
  const { status, signal } = spawnSync(process.execPath, [file], { stdio: 'inherit' });
  if (signal !== null || status !== 0) {
    process.exitCode = status ?? 130;
    break;
  }
}
