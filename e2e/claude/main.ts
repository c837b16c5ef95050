// `npm run e2e:claude`: fetches the pinned Claude Code, an older one and Codex, and runs their stories.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { codex } from '../codex/program.ts';
import { claudeCode, olderClaudeCode } from './program.ts';

const runner = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));
const ran = spawnSync(process.execPath, [runner, 'e2e/claude/', 'e2e/codex/'], {
  stdio: 'inherit',
  env: { ...process.env, HOLDFAST_CLAUDE: claudeCode(), HOLDFAST_CLAUDE_OLDER: olderClaudeCode(), HOLDFAST_CODEX: codex() },
});
process.exitCode = ran.status ?? 1;
