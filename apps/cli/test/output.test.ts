// How answers look, and which exit code each fault has: scripts rely on both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { errorCodes, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { duration, exitCodeOf, Output, plainText, told, visible } from '../src/output.ts';

/** What a call writes to stdout and stderr. */
function written(work: () => void): { readonly out: string; readonly err: string } {
  const said = { out: '', err: '' };
  const [out, err] = [process.stdout.write, process.stderr.write];
  const into = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += String(text);
    return true;
  };
  process.stdout.write = into('out');
  process.stderr.write = into('err');
  try {
    work();
  } finally {
    process.stdout.write = out;
    process.stderr.write = err;
  }
  return said;
}

// [CLI-3]
test('exit codes are pinned; what no list names is a refusal', () => {
  const pinned: Readonly<Record<2 | 3 | 4, readonly ErrorCode[]>> = {
    2: [
      'agent_ambiguous',
      'codec_limit',
      'codec_shape',
      'pairing_code_invalid',
      'recovery_code_invalid',
      'rules_invalid',
      'secret_unfit',
      'bundle_shape',
      'usage',
    ],
    3: [
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
    ],
    4: [
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
    ],
  };
  for (const code of errorCodes) {
    const expected = ([2, 3, 4] as const).find((exit) => pinned[exit].includes(code)) ?? 1;
    assert.equal(exitCodeOf(new HoldfastError(code, '')), expected, code);
  }
  assert.equal(exitCodeOf(new Error('a bug')), 3);
  assert.equal(exitCodeOf({ code: 'EACCES' }), 3);
});

// [CLI-1]
test('a result is one line of JSON with ids in hex, or lines for people', () => {
  const value = { id: new Uint8Array([0, 255]), deep: [{ hash: Buffer.from('ab') }], absent: undefined, none: null };
  assert.deepEqual(
    written(() => new Output(true).result(value, ['for people'])),
    { out: '{"id":"00ff","deep":[{"hash":"6162"}],"none":null}\n', err: '' },
  );
  assert.deepEqual(
    written(() => new Output(false).result(value, ['for', 'people'])),
    { out: 'for\npeople\n', err: '' },
  );
});

// [CLI-2]
test('a fault is one object on stdout in JSON, and two lines on stderr else', () => {
  const fault = new HoldfastError('daemon_unreachable', 'no daemon', { next: 'start it' });
  assert.deepEqual(
    written(() => new Output(true).failed(fault)),
    { out: '{"error":{"code":"daemon_unreachable","message":"no daemon","next":"start it"}}\n', err: '' },
  );
  assert.deepEqual(
    written(() => new Output(false).failed(fault)),
    { out: '', err: 'holdfast: no daemon (daemon_unreachable)\n  next: start it\n' },
  );
  assert.deepEqual(told(new TypeError('x is not a function')), {
    code: 'internal',
    message: 'unexpected: TypeError: x is not a function',
  });
});

test('what is said meanwhile is for people only, never on stdout', () => {
  assert.deepEqual(
    written(() => new Output(false).say('wait')),
    { out: '', err: 'wait\n' },
  );
  assert.deepEqual(
    written(() => new Output(true).say('wait')),
    { out: '', err: '' },
  );
});

// [CLI-6]
test('nothing of another machine reaches a terminal as a command to it', () => {
  const hostile = 'a\u001b[2Jb\u009b31mc\u202ed\u2028e\u0000\u007f\u200b';
  assert.equal(visible(hostile), 'a\\u{1b}[2Jb\\u{9b}31mc\\u{202e}d\\u{2028}e\\u{0}\\u{7f}\\u{200b}');
  assert.equal(
    visible('a\u{e0161}b\ufe01c\u3164d\u2800e\u034ff\ue000g\ud800'),
    'a\\u{e0161}b\\u{fe01}c\\u{3164}d\\u{2800}e\\u{34f}f\\u{e000}g\\u{d800}',
  );
  assert.equal(visible('Grüße, 世界 👋'), 'Grüße, 世界 👋');
  for (const json of [true, false]) {
    const output = new Output(json);
    const fault = new HoldfastError('refused', hostile, { next: hostile });
    const { out, err } = written(() => {
      output.failed(fault);
      if (json) output.result({ name: hostile }, []);
    });
    assert.doesNotMatch((out + err).replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
});

// [CLI-1] [CLI-6]
test('JSON stays JSON, and means the same, whatever text is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { out } = written(() => new Output(true).result({ text }, []));
      assert.deepEqual(JSON.parse(out), {
        text: text.toWellFormed() === text ? text : (JSON.parse(JSON.stringify({ text })) as { text: string }).text,
      });
      assert.doesNotMatch(out.slice(0, -1), /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
    }),
    { numRuns: 300 },
  );
});

test('text that others will see may hold no control characters, and says so', () => {
  assert.equal(plainText('the reason', 'laptop stolen', 256), 'laptop stolen');
  assert.throws(() => plainText('the reason', 'a\u001bb', 256), { code: 'usage', message: /the reason/ });
  assert.throws(() => plainText('the reason', 'a'.repeat(257), 256), { code: 'usage' });
});

test('durations read as people say them', () => {
  const said = [0, 999, 1000, 119_999, 120_000, 7_199_999, 7_200_000, 172_799_999, 172_800_000].map(duration);
  assert.deepEqual(said, ['0 ms', '999 ms', '1.0 s', '120.0 s', '2 min', '120 min', '2 h', '48 h', '2 d']);
});
