// The real Codex, fetched only for its stories: one pinned version of its native binary.

import { fetchedProgram } from '../claude/program.ts';

const version = '0.169.0';

/** Path of the binary; fetches it the first time. Throws like `fetchedProgram`. */
export function codex(): string {
  return fetchedProgram(`codex-${version}`, {
    x64: {
      packed: `@openai/codex@${version}-linux-x64`,
      integrity: 'sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==',
      member: 'package/vendor/x86_64-unknown-linux-musl/bin/codex',
    },
  });
}
