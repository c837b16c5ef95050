// The mod's files, for where root alone may write: a sealed session's /etc, or this machine's. spec/guard.md [GUARD-12].

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '@holdfast/protocol/errors';

interface ModQuery {
  readonly door: string;
  /** What the door asks for beside the caller being who it is; a session's own asks for nothing. */
  readonly key?: string;
  readonly deadlineMs: number;
  readonly modelUrl: string;
}

/** By their path in the mod. @throws usage for a model's address that is none */
export function modFiles({ door, key, deadlineMs, modelUrl }: ModQuery): Readonly<Record<string, string>> {
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  return {
    '.claude-plugin/plugin.json': JSON.stringify({
      name: 'guard',
      version: '1.0.0',
      description: 'Asks Holdfast where hooks do not reach',
    }),
    'hooks/hooks.json': JSON.stringify({ modules: ['./register.ts'] }),
    'hooks/register.ts': modText(),
    'hooks/door.ts': [
      `export const door = ${JSON.stringify(door)};`,
      `export const headers = ${JSON.stringify(headers)};`,
      `export const deadlineMs = ${deadlineMs};`,
      `export const model = ${JSON.stringify(originOf(modelUrl))};`,
      `export const elsewhere = ${notUnder(originOf(modelUrl)).toString()};`,
    ].join('\n'),
  };
}

function originOf(modelUrl: string): string {
  if (!URL.canParse(modelUrl)) throw new HoldfastError('usage', 'ANTHROPIC_BASE_URL is no address');
  return new URL(modelUrl).origin;
}

/** Of an address that does not begin with this origin as it is written. */
function notUnder(origin: string): RegExp {
  return new RegExp(`^(?!${`${origin}/`.replace(/[^a-z0-9]/g, String.raw`\$&`)})`);
}

let source: string | undefined;

/** As JavaScript, which every version reads alike; the name stays, for the import beside it. */
function modText(): string {
  if (source !== undefined) return source;
  const written = readFileSync(fileURLToPath(new URL('mod/register.ts', import.meta.url)), 'utf8');
  // Node would warn, on the daemon's terminal, that the function is not yet stable.
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    source = stripTypeScriptTypes(written);
  } finally {
    process.emitWarning = emitWarning;
  }
  return source;
}
