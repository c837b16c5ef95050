// How a command answers: words for people, one JSON value for scripts, and exit codes that scripts rely on (spec/cli.md).

import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';

/** 0 done, 1 refused by policy, 2 usage, 3 not available, 4 verification failed. `run` has its own: the command's, or 125. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

const exits: Partial<Record<ErrorCode, ExitCode>> = {
  usage: 2,
  codec_shape: 2,
  codec_limit: 2,
  already_running: 3,
  daemon_unreachable: 3,
  relay_unreachable: 3,
  port_taken: 3,
  sandbox_unavailable: 3,
  custody_unavailable: 3,
  home_unsafe: 3,
  internal: 3,
  store_full: 3,
  limit_exceeded: 3,
  entry_fork: 4,
  entry_gap: 4,
  entry_stale: 4,
  entry_time: 4,
  signature_invalid: 4,
  relay_impostor: 4,
  audit_altered: 4,
  audit_truncated: 4,
  audit_corrupt: 4,
};

/** Refusal is the answer to whatever no line above names. */
export function exitCodeOf(thrown: unknown): ExitCode {
  return exits[codeOf(thrown)] ?? 1;
}

export function usage(message: string, next?: string): HoldfastError {
  return new HoldfastError('usage', message, next === undefined ? {} : { next });
}

/** Every command answers through one of these, never by writing on its own. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The command's result: `value` as one JSON line, or `lines` for people. */
  result(value: unknown, lines: readonly string[]): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value, printable)}\n`);
    else for (const line of lines) process.stdout.write(`${line}\n`);
  }

  /** Something for the person meanwhile; never on stdout, never in JSON. */
  say(line: string): void {
    if (!this.json) process.stderr.write(`${line}\n`);
  }

  failed(thrown: unknown): void {
    const code = codeOf(thrown);
    const message = thrown instanceof HoldfastError ? thrown.message : `unexpected: ${String(thrown)}`;
    const next = thrown instanceof HoldfastError ? thrown.next : undefined;
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ error: { code, message, ...(next !== undefined && { next }) } })}\n`);
      return;
    }
    process.stderr.write(`holdfast: ${message} (${code})\n`);
    if (next !== undefined) process.stderr.write(`  next: ${next}\n`);
  }
}

/** Ids and keys are hex in JSON. */
function printable(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

/** Control characters shown as what they are: names and reasons come from other machines. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}
