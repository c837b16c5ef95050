// The closed registry of error codes, spec/errors.md. The same codes appear on sockets, in journals' verdicts and in the CLI.
// Coarse where detail helps an attacker: every decryption fault is `open_failed`, every vault refusal `refused`.

/** One line per code, alphabetical; each has a row in spec/errors.md with its meaning and its next step. */
export const errorCodes = [
  'access_forged',
  'access_stale',
  'address_refused',
  'agent_active',
  'agent_ambiguous',
  'agent_revoked',
  'agent_suspended',
  'agent_taken',
  'agent_unknown',
  'already_running',
  'approval_crowded',
  'approval_denied',
  'approval_expired',
  'approval_unavailable',
  'ask_mismatch',
  'ask_unknown',
  'attestation_absent',
  'attestation_invalid',
  'attestation_untrusted',
  'audience_wrong',
  'audit_altered',
  'audit_corrupt',
  'audit_forged',
  'audit_gap',
  'audit_time',
  'audit_truncated',
  'audit_unavailable',
  'author_unknown',
  'bedrock_unknown',
  'bundle_shape',
  'child_ended',
  'child_spent',
  'child_unknown',
  'client_auth_refused',
  'codec_limit',
  'codec_noncanonical',
  'codec_shape',
  'codec_trailing',
  'codec_truncated',
  'collector_refused',
  'credential_ambiguous',
  'credential_expired',
  'credential_foreign',
  'credential_invalid',
  'credential_revoked',
  'credential_suspended',
  'credential_unbound',
  'custody_refused',
  'custody_unavailable',
  'daemon_unreachable',
  'delegation_exceeded',
  'delegation_expired',
  'delegation_invalid',
  'delegation_revoked',
  'device_invalid',
  'device_older',
  'device_unknown',
  'egress_denied',
  'egress_unknown',
  'entry_control',
  'entry_duplicate',
  'entry_foreign',
  'entry_fork',
  'entry_gap',
  'entry_misplaced',
  'entry_stale',
  'entry_time',
  'epoch_key_missing',
  'epoch_wrong',
  'fence_body',
  'fence_concurrent',
  'fence_host',
  'fence_method',
  'fence_path',
  'fence_place',
  'fence_query',
  'fence_scheme',
  'fence_time',
  'fence_uses',
  'freshness_forged',
  'genesis_invalid',
  'grant_unknown',
  'handle_burned',
  'handle_expired',
  'handle_foreign',
  'handle_used',
  'harness_unfit',
  'home_unsafe',
  'id_taken',
  'internal',
  'item_unknown',
  'key_invalid',
  'key_reused',
  'key_store_absent',
  'key_store_failed',
  'key_store_foreign',
  'key_store_locked',
  'key_unknown',
  'limit_exceeded',
  'lockbox_invalid',
  'members_wrong',
  'name_taken',
  'open_failed',
  'operator_absent',
  'operator_exists',
  'pairing_answer_invalid',
  'pairing_code_invalid',
  'pairing_expired',
  'pairing_offer_invalid',
  'pairing_words_wrong',
  'passphrase_wrong',
  'path_unsafe',
  'pin_wrong',
  'placeholder_misplaced',
  'port_taken',
  'presentation_algorithm',
  'presentation_audience',
  'presentation_critical',
  'presentation_disclosure',
  'presentation_forged',
  'presentation_hash',
  'presentation_key',
  'presentation_malformed',
  'presentation_nonce',
  'presentation_replayed',
  'presentation_time',
  'presentation_unbound',
  'proof_invalid',
  'pulse_forged',
  'pulse_stale',
  'pulse_time',
  'recovery_code_dead',
  'recovery_code_invalid',
  'refused',
  'relay_impostor',
  'relay_protocol',
  'relay_refused',
  'relay_unreachable',
  'rendezvous_used',
  'reply_refused',
  'request_ambiguous',
  'request_cut',
  'request_malformed',
  'rotation_unasked',
  'rules_altered',
  'rules_denied',
  'rules_invalid',
  'rules_version',
  'sandbox_command_not_found',
  'sandbox_rules_changed',
  'sandbox_start_failed',
  'sandbox_tree_changed',
  'sandbox_tree_refused',
  'sandbox_unavailable',
  'scope_enrolled',
  'scope_unknown',
  'secret_unfit',
  'session_key_expired',
  'session_suspended',
  'signal_expired',
  'signal_forged',
  'signature_invalid',
  'stale_pulse',
  'stale_relay',
  'status_forged',
  'status_stale',
  'status_unavailable',
  'store_failed',
  'store_full',
  'target_mismatch',
  'upgrade_refused',
  'upstream_timeout',
  'upstream_unpinned',
  'upstream_unreachable',
  'upstream_untrusted',
  'usage',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetail {
  /** What the person can do about it, one line. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** Compare by `code`, never by `instanceof` across packages. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, 'cause' in detail ? { cause: detail.cause } : undefined);
    this.code = code;
    this.next = detail.next;
  }
}

const known: ReadonlySet<string> = new Set(errorCodes);

/** The code of anything thrown; what is not ours is `internal`, so that an unexpected fault is never mistaken for a verdict. */
export function codeOf(thrown: unknown): ErrorCode {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown) {
    const { code } = thrown;
    if (typeof code === 'string' && known.has(code)) return code as ErrorCode;
  }
  return 'internal';
}

/** Narrows a text from a wire to a code; unknown texts become `internal`. */
export function parseCode(text: string): ErrorCode {
  return known.has(text) ? (text as ErrorCode) : 'internal';
}
