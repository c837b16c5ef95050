// The real Claude Code, fetched only for its stories: one pinned version of its native binary, checked against the hash that is written here,
// unpacked without running anything of it.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const version = '2.1.330';
const builds: Readonly<Record<string, { readonly name: string; readonly integrity: string }>> = {
  x64: {
    name: '@anthropic-ai/claude-code-linux-x64',
    integrity: 'sha512-9Gn+V7DtJ8M1nztP9CeDVl9g3RtrepI7rOFTyPRRnZe8D6zebIHKmC7OvBauucuAP0X0k85SDN/LPVZyjsGezQ==',
  },
};

const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Path of the binary; fetches it the first time. Throws when this machine has no build, or the package is not the pinned one. */
export function claudeCode(): string {
  const build = builds[process.arch];
  if (build === undefined || process.platform !== 'linux')
    throw new Error(`no pinned Claude Code for ${process.platform}-${process.arch}`);
  const folder = path.join(cache, `claude-code-${version}`);
  const program = path.join(folder, 'package', 'claude');
  if (existsSync(program)) return program;
  const fetched = `${folder}.${process.pid}`;
  mkdirSync(fetched, { recursive: true });
  try {
    execFileSync('npm', ['pack', `${build.name}@${version}`, '--silent', '--pack-destination', fetched], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = path.join(fetched, readdirSync(fetched)[0] ?? '');
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== build.integrity) throw new Error(`${build.name}@${version} is not the pinned package: ${found}`);
    execFileSync('tar', ['xzf', archive, '-C', fetched, 'package/claude']);
    rmSync(archive);
    renameSync(fetched, folder);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return program;
}
