// From a call to the proxy's address: the comment before a command, and the shell that reads it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { CallTags } from '../../src/guard/call-tags.ts';
import { callShell, tagged, untagged } from '../../src/guard/claude-code/tagged.ts';

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const by = (id: string) => ({ id, types: ['helper'], child: undefined }) as const;
const tag = `hft_${'A-_9'.repeat(10)}abc`;

// [GUARD-30]
test('a tag stands before the command and nowhere else, and is taken off as it was put', () => {
  const input = { command: 'cat <<X\nhi\nX', timeout: 5 };
  const with_ = tagged(input, tag);
  assert.deepEqual(with_, { command: `# ${tag}\ncat <<X\nhi\nX`, timeout: 5 });
  assert.deepEqual(untagged(with_, tag), input);
  for (const other of [`# ${tag}`, `x # ${tag}\nls`, `# ${tag.replace('hft_A', 'hft_B')}\nls`])
    assert.deepEqual(untagged({ command: other }, tag), { command: other });
  for (const none of [null, 'text', [], {}, { command: 7 }]) assert.deepEqual(tagged(none, tag), none);
});

const cause = { trace: new Uint8Array(16), from: new Uint8Array(16) };

// [GUARD-30]
test('each call has one tag, of its own sub-agent, and it is known for longer than the call', () => {
  const tags = new CallTags(random);
  tags.begins('call-1', { by: by('a1'), cause });
  tags.begins('call-2', { by: by('a2'), cause });
  const [one, two] = [tags.tagFor('call-1'), tags.tagFor('call-2')];
  assert.match(one, /^hft_[A-Za-z0-9_-]{43}$/);
  assert.notEqual(one, two);
  assert.equal(tags.tagFor('call-1'), one);
  tags.over('call-1');
  assert.deepEqual([tags.callOf('call-1'), tags.tagOf('call-1')], [undefined, undefined]);
  assert.deepEqual([tags.named(one)?.by?.id, tags.named(two)?.by?.id, tags.named(tag)], ['a1', 'a2', undefined]);
  tags.begins('call-2', { by: by('a3'), cause });
  assert.notEqual(tags.tagFor('call-2'), two, 'another one’s call of that id');
  assert.equal(tags.named(tags.tagFor('never begun')), undefined);
});

function inShell(t: TestContext, words: readonly string[], environment: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-shell-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const shell = path.join(folder, 'bash');
  writeFileSync(shell, callShell('/bin/bash'), { mode: 0o755 });
  const env = { PATH: '/usr/bin:/bin', HOME: folder, ...environment };
  return execFileSync(shell, words, { env, encoding: 'utf8' });
}

// [GUARD-30]
test('the shell names the tag to every proxy of the session’s, and runs the command as bash would', (t) => {
  const proxies = { HTTPS_PROXY: 'http://127.0.0.1:8080', http_proxy: 'http://127.0.0.1:8080', ALL_PROXY: 'http://elsewhere:1' };
  const look = 'echo "$HTTPS_PROXY $http_proxy $ALL_PROXY [$HTTP_PROXY] $SHELL"; exit $1';
  const named = `http://${tag}:x@127.0.0.1:8080`;
  const command = `source /dev/null 2>/dev/null || true && eval '# ${tag}\necho "$HTTPS_PROXY $http_proxy $ALL_PROXY [$HTTP_PROXY] $SHELL"'`;
  assert.equal(inShell(t, ['-c', command], proxies), `${named} ${named} http://elsewhere:1 [] /bin/bash\n`);
  assert.equal(
    inShell(t, ['-c', look, 'sh', '0'], proxies),
    'http://127.0.0.1:8080 http://127.0.0.1:8080 http://elsewhere:1 [] /bin/bash\n',
  );
  assert.throws(
    () => inShell(t, ['-c', look, 'sh', '3'], proxies),
    (thrown) => (thrown as { status?: number }).status === 3,
  );
});
