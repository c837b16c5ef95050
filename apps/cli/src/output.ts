// How a command answers: words for people, one JSON value for scripts, and exit codes that scripts rely on (spec/cli.md).

import { jsonLine } from '@holdfast/protocol/codec/json-line';
import { visible } from '@holdfast/protocol/codec/shown';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';

export { ago, coarse, duration, size, visible } from '@holdfast/protocol/codec/shown';

/** 0 done, 1 refused by policy, 2 usage, 3 not available, 4 verification failed. `run` has its own: the command's, or 125. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

const usageCodes: readonly ErrorCode[] = [
  'agent_ambiguous',
  'bundle_shape',
  'usage',
  'codec_shape',
  'codec_limit',
  'pairing_code_invalid',
  'recovery_code_invalid',
  'rules_invalid',
  'secret_unfit',
];

const unavailableCodes: readonly ErrorCode[] = [
  'already_running',
  'audit_unavailable',
  'collector_refused',
  'console_unbuilt',
  'custody_unavailable',
  'daemon_unreachable',
  'home_unsafe',
  'internal',
  'key_store_absent',
  'key_store_failed',
  'key_store_foreign',
  'key_store_locked',
  'limit_exceeded',
  'operator_absent',
  'port_taken',
  'relay_protocol',
  'relay_unreachable',
  'sandbox_unavailable',
  'shipment_full',
  'store_failed',
  'store_full',
];

const unverifiedCodes: readonly ErrorCode[] = [
  'access_forged',
  'attestation_invalid',
  'audit_altered',
  'audit_corrupt',
  'audit_forged',
  'audit_gap',
  'audit_pruned',
  'audit_tiles',
  'audit_time',
  'audit_truncated',
  'author_unknown',
  'commitment_mismatch',
  'entry_foreign',
  'entry_fork',
  'entry_gap',
  'entry_stale',
  'entry_time',
  'freshness_forged',
  'genesis_invalid',
  'key_invalid',
  'lockbox_invalid',
  'open_failed',
  'pairing_answer_invalid',
  'pairing_offer_invalid',
  'pulse_forged',
  'relay_impostor',
  'shipment_conflict',
  'signature_invalid',
  'witness_missing',
];

/** Refusal is the answer to whatever no list above names. [CLI-3] */
export function exitCodeOf(thrown: unknown): ExitCode {
  const code = codeOf(thrown);
  if (usageCodes.includes(code)) return 2;
  if (unavailableCodes.includes(code)) return 3;
  return unverifiedCodes.includes(code) ? 4 : 1;
}

export function usage(message: string, next?: string): HoldfastError {
  return new HoldfastError('usage', message, next === undefined ? {} : { next });
}

/** Text that others will see on their terminals, as typed. Throws `usage`. */
export function plainText(what: string, typed: string, max: number): string {
  if (typed.length > max) throw usage(`${what} is longer than ${max} characters`);
  if (/\p{C}/u.test(typed)) throw usage(`${what} has control characters in it`);
  return typed;
}

/** What people and scripts are told of anything thrown. [CLI-2] */
export interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next?: string;
}

export function told(thrown: unknown): Told {
  const code = codeOf(thrown);
  if (!(thrown instanceof HoldfastError)) return { code, message: `unexpected: ${String(thrown)}` };
  return { code, message: thrown.message, ...(thrown.next !== undefined && { next: thrown.next }) };
}

/** Every command answers through one of these, never by writing on its own. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The command's result: `value` as one JSON line, or `lines` for people. */
  result(value: unknown, lines: readonly string[]): void {
    if (this.json) process.stdout.write(`${jsonLine(value)}\n`); // [CLI-1]
    else for (const line of lines) process.stdout.write(`${line}\n`);
  }

  /** Something for the person meanwhile; never on stdout, never in JSON. */
  say(line: string): void {
    if (!this.json) process.stderr.write(`${line}\n`);
  }

  failed(thrown: unknown): void {
    const { code, message, next } = told(thrown);
    if (this.json) {
      process.stdout.write(`${jsonLine({ error: { code, message, ...(next !== undefined && { next }) } })}\n`); // [CLI-2]
      return;
    }
    process.stderr.write(`holdfast: ${visible(message)} (${code})\n`); // [CLI-2]
    if (next !== undefined) process.stderr.write(`  next: ${visible(next)}\n`);
  }
}

/** Resolves when a stream of this process has taken it, or is gone: whoever reads sets the pace. */
export function written(stream: NodeJS.WriteStream, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => stream.write(data, () => resolve()));
}
