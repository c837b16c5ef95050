import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { refusedLines, waitingLine } from '../src/commands/refused.ts';

const one = { code: 'egress_denied', host: 'pypi.org', port: 443, granted: false, count: 3 };
const linesOf = (...refused: (typeof one)[]): string[] => refusedLines({ kind: 'exited', code: 0, refused }, 'main');

it('nothing refused: nothing said', () => {
  assert.deepEqual(refusedLines({ kind: 'exited', code: 0 }, 'main'), []);
});

it('a host that nobody allowed: how often, where, why, and what to do', () => {
  assert.deepEqual(linesOf(one), [
    'holdfast: 3 requests to pypi.org:443 did not pass (egress_denied); to allow that host: holdfast egress allow pypi.org --to main',
  ]);
  assert.match(
    linesOf({ ...one, port: 8443, count: 1 })[0] ?? '',
    /^holdfast: 1 request to pypi\.org:8443 .* allow pypi\.org:8443 --to main$/,
  );
});

it('a host with a credential is not offered to be opened without one', () => {
  assert.deepEqual(linesOf({ ...one, granted: true }), [
    'holdfast: 3 requests to pypi.org:443 did not pass (egress_denied): outside of what its credential is granted for',
  ]);
  assert.deepEqual(linesOf({ ...one, code: 'path_unsafe' }), ['holdfast: 3 requests to pypi.org:443 did not pass (path_unsafe)']);
});

it('what waits for an operator: that it does, how long, and what to type', () => {
  const ask = new Uint8Array(16).fill(0xab);
  assert.equal(
    waitingLine({ kind: 'waiting', ask, act: 'use', withinMs: 120_000 }),
    'holdfast: one request with a credential: waiting for approval, 2 min at most; to see it: holdfast approvals; to answer: holdfast approvals approve abababab',
  );
  const codes = ['approval_expired', 'approval_denied', 'approval_crowded', 'approval_unavailable'];
  for (const code of codes) assert.match(linesOf({ ...one, code, granted: true })[0] ?? '', new RegExp(`\\(${code}\\): \\w`));
});

it('a client that does not trust the session: where it is said how it would', () => {
  assert.deepEqual(linesOf({ ...one, code: 'authority_untrusted' }), [
    "holdfast: 3 requests to pypi.org:443 did not pass (authority_untrusted): the client does not trust the session's authority; see: holdfast doctor",
  ]);
});

it('at most five lines, and none is lost from the count', () => {
  const seven = Array.from({ length: 7 }, (_, index) => ({ ...one, host: `h${index}.example` }));
  const lines = refusedLines({ kind: 'exited', code: 0, refused: seven, unlisted: 10 }, 'main');
  assert.equal(lines.length, 5);
  assert.equal(lines[4], 'holdfast: and 19 more; all of them: holdfast audit show');
});

it('no host gets control characters onto a terminal, or a shell’s own into a command that is offered', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
        fc.constantFrom('a;b', 'a$(id)', 'a`id`', '-x', '--to', 'a&b', '\u001b[2J'),
      ),
      (host) => {
        const [line = ''] = linesOf({ ...one, host });
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
        const [, offered] = line.split('; to allow that host: ');
        if (offered !== undefined) assert.match(offered, /^holdfast egress allow [a-z0-9_.[\]:][a-z0-9_.[\]:-]* --to main$/);
      },
    ),
  );
});
