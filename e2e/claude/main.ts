// `npm run e2e:claude`: fetches the pinned Claude Code and runs its stories.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { claudeCode } from './program.ts';

const runner = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));
const ran = spawnSync(process.execPath, [runner, 'e2e/claude/'], {
  stdio: 'inherit',
  env: { ...process.env, HOLDFAST_CLAUDE: claudeCode() },
});
process.exitCode = ran.status ?? 1;
