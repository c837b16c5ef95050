// What rules protect holds below the hook: no harness is here, nothing is reported, programs simply run in a sealed session. Each of them reads, writes
// and asks for what is allowed, so that a refusal means something. spec/guard.md [GUARD-16], [GUARD-25], [GUARD-26].

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findProgram, whyWithout, withNames } from '../packages/testkit/src/clients.ts';
import { Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const rules = `rules:
  no-env:
    deny: [read, search]
    paths: ['.env', keys]
    reason: Credentials live in the vault.
  no-steering:
    deny: [write, edit]
    paths: CLAUDE.md
    reason: It steers the next agent.
  no-partner:
    deny: fetch
    hosts: partner.holdfast.test
    reason: Not from here.
`;
const more = (rule: string) => `${rules}${rule}`;

const secret = 'floor-canary-4f1d';
const files = {
  '.env': `TOKEN=${secret}\n`,
  'apps/web/.env': `TOKEN=${secret}\n`,
  'keys/prod.key': `${secret}\n`,
  'CLAUDE.md': 'Be kind.\n',
  'open.txt': 'in the open\n',
  'later.txt': `${secret}\n`,
};
const hidden = ['.env', 'apps/web/.env', 'keys/prod.key', 'keys/../.env', '/proc/self/cwd/.env'];

// Each reads its arguments, appends to those that begin with +, and asks for those that are addresses: a line `ok WHAT` or `no WHAT`, and what it got.
const python = `
import sys, urllib.request
for what in sys.argv[1:]:
    try:
        if what.startswith("http"): got = urllib.request.urlopen(what).read().decode()
        elif what[0] == "+": got = str(open(what[1:], "a").write("x"))
        else: got = open(what).read()
        print("ok", what, got)
    except OSError as error: print("no", what, error)
`;
const perl = `
for my $what (@ARGV) {
  my $mode = $what =~ s/^\\+// ? '>>' : '<';
  if (open(my $file, $mode, $what)) { print "ok ", $mode eq '>>' ? '+' : '', "$what ", $mode eq '<' ? <$file> : '', "\\n" }
  else { print "no ", $mode eq '>>' ? '+' : '', "$what $!\\n" }
}
`;
const go = `
package main
import ("fmt"; "io"; "net/http"; "os"; "strings")
func try(what string) (string, error) {
  if strings.HasPrefix(what, "http") {
    reply, err := http.Get(what)
    if err != nil { return "", err }
    got, _ := io.ReadAll(reply.Body)
    if reply.StatusCode != 200 { return "", fmt.Errorf("status %d", reply.StatusCode) }
    return string(got), nil
  }
  if strings.HasPrefix(what, "+") {
    file, err := os.OpenFile(what[1:], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0644)
    if err == nil { file.Close() }
    return "", err
  }
  got, err := os.ReadFile(what)
  return string(got), err
}
func main() {
  for _, what := range os.Args[1:] {
    got, err := try(what)
    if err != nil { fmt.Println("no", what, err) } else { fmt.Println("ok", what, got) }
  }
}
`;
const java = `
import java.net.URI;
import java.nio.file.*;
public class Try {
  public static void main(String[] all) {
    for (String what : all) try {
      String got = "";
      if (what.startsWith("http")) got = new String(URI.create(what).toURL().openStream().readAllBytes());
      else if (what.startsWith("+")) Files.writeString(Path.of(what.substring(1)), "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      else got = Files.readString(Path.of(what));
      System.out.println("ok " + what + " " + got);
    } catch (Exception fault) { System.out.println("no " + what + " " + fault); }
  }
}
`;

/** Go compiles its own library first, which takes a minute of a processor that nobody else wants. */
const compilesWithinMs = 500_000;

const systemPython = '/usr/bin/python3';
const withoutPython =
  !findProgram('python3', (file) => file.startsWith('/usr/bin/')) && 'no python3 in /usr/bin: apt-get install python3';

describe('below the hook', { timeout: 900_000 }, () => {
  let holdfast: Installation;
  let partner: Origin;
  let other: Origin;

  before(async () => {
    [partner, other] = await Promise.all([
      startOrigin(undefined, 'partner.holdfast.test'),
      startOrigin(undefined, 'other.holdfast.test'),
    ]);
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('partner', 'partner-secret-of-some-length', partner);
    await holdfast.allowEgress(other);
    await apply(rules);
    for (const [name, text] of Object.entries(files)) await put(name, text);
  });
  after(async () => {
    await holdfast.remove();
    await Promise.all([partner.close(), other.close()]);
  });

  async function put(name: string, text: string): Promise<void> {
    await mkdir(path.dirname(path.join(holdfast.work, name)), { recursive: true });
    await writeFile(path.join(holdfast.work, name), text);
  }

  async function apply(text: string): Promise<void> {
    const { version } = jsonOf<{ version: number }>(await holdfast.applyRules(text));
    // Signed and in force here are two things on a slow machine.
    for (let held = 0; held < version;)
      held = jsonOf<{ version?: number }>(await holdfast.cli(['rules', 'list', '--json'])).version ?? 0;
  }

  const address = (origin: Origin): string => `https://${origin.host}:${origin.port}/v1/here`;

  /** What of all this came to pass, for a program that speaks of it as those above do. */
  const outcomes = ({ stdout, stderr }: Ran): { readonly ok: readonly string[]; readonly no: readonly string[] } => {
    assert.ok(!stdout.includes(secret), stdout);
    const said = (word: string) => [...stdout.matchAll(new RegExp(`^${word} (\\S+)`, 'gm'))].map(([, what = '']) => what);
    assert.ok(said('no').length > 0, stdout + stderr);
    return { ok: said('ok'), no: said('no') };
  };

  async function tries(command: readonly string[], { asks = true } = {}): Promise<void> {
    const already = [partner.connections, other.seen.length];
    const allowed = ['open.txt', '+made.txt', ...(asks ? [address(other)] : [])];
    const refused = [...hidden, '+CLAUDE.md', ...(asks ? [address(partner)] : [])];
    const ran = await holdfast.run([...command, ...allowed, ...refused]);
    assert.deepEqual(outcomes(ran), { ok: allowed, no: refused }, ran.stdout + ran.stderr);
    assert.deepEqual([partner.connections, other.seen.length], [already[0], (already[1] ?? 0) + (asks ? 1 : 0)]);
    assert.equal(await readFile(path.join(holdfast.work, 'CLAUDE.md'), 'utf8'), files['CLAUDE.md']);
  }

  it('python -c', { skip: withoutPython }, () => tries([systemPython, '-c', python]));

  it('perl -e', { skip: whyWithout('perl', 'perl') }, () => tries(['perl', '-e', perl, '--'], { asks: false }));

  it('a script that one session writes and the next one runs', { skip: withoutPython }, async () => {
    const wrote = await holdfast.run(['sh', '-c', 'cat > innocent.py'], { input: python });
    assert.equal(wrote.code, 0, wrote.stderr);
    await tries([systemPython, 'innocent.py']);
  });

  it('a Go program, compiled inside', { skip: whyWithout('go', 'golang-go') }, async () => {
    await put('try/main.go', go);
    const built = await holdfast.run(['go', 'build', '-o', 'compiled', 'try/main.go'], { timeoutMs: compilesWithinMs });
    assert.equal(built.code, 0, built.stderr);
    await tries(['./compiled']);
  });

  it('a Java program', { skip: whyWithout('javac', 'default-jdk-headless') }, async () => {
    await put('Try.java', java);
    await tries(['java', 'Try.java']);
  });

  it('neither a link, a copy, a new name nor a mount made inside leads there', async () => {
    const script = `
      try() { "$@" > got 2>/dev/null && cat got && echo "ok $1"; }
      ln .env hard; ln -s .env soft; ln keys/prod.key hard-key; mv .env moved; mv keys elsewhere; mv apps apps2
      cp -r . /tmp/copy
      try cat hard soft hard-key moved elsewhere/prod.key apps2/web/.env /tmp/copy/.env /tmp/copy/keys/prod.key
      try mount --bind apps /mnt; try umount .env; try chmod 644 .env; try chmod -R 755 keys; try cat .env keys/prod.key
      try tar cf - .env keys; try dd if=.env; try sh -c 'exec 3< .env; cat <&3'
      echo "no more"`;
    const ran = await holdfast.run(['sh', '-c', script]);
    assert.deepEqual(outcomes(ran), { ok: [], no: ['more'] }, ran.stdout);
    for (const name of ['.env', 'keys/prod.key', 'apps/web/.env'] as const)
      assert.equal(await readFile(path.join(holdfast.work, name), 'utf8'), files[name], `${name} is as it was`);
  });

  describe('rules that come while a session runs', () => {
    /** Asks for an address a line of standard input. */
    const asker = `while read -r url; do curl -s -o /dev/null -w '%{http_code}' "$url" > status || true; echo "answer $url $(cat status)"; done`;
    let program: LiveProgram;
    const answer = async (url: string): Promise<string> => {
      const already = program.said.length;
      program.write(`${url}\n`);
      const told = await program.until(
        () => /answer \S+ (\d+)/.exec(program.said.slice(already)) ?? undefined,
        `an answer about ${url}`,
      );
      return told[1] ?? '';
    };

    it('hold at the broker for the next request of a program that runs already', async () => {
      program = holdfast.session(['sh', '-c', asker]);
      assert.equal(await answer(address(other)), '200');
      await apply(more('  no-other: {deny: fetch, hosts: other.holdfast.test, reason: Not now.}\n'));
      const already = other.seen.length;
      assert.equal(await answer(address(other)), '403');
      assert.equal(other.seen.length, already);
    });

    it('end no session whose mounts hold what they keep already', async () => {
      await apply(more('  same-again: {deny: read, paths: .env, reason: Once more.}\n'));
      assert.equal(await answer(address(other)), '200');
    });

    it('end the session when they keep a file from it that it could read until now', async () => {
      await apply(more('  no-later: {deny: read, paths: later.txt, reason: It is secret now.}\n'));
      const { code } = await program.ended;
      assert.equal(code, 125);
      assert.match(program.complained, /later\.txt[^]*sandbox_rules_changed/);
      const ran = await holdfast.run(['sh', '-c', 'cat later.txt; echo "no later.txt"']);
      assert.deepEqual(outcomes(ran), { ok: [], no: ['later.txt'] });
    });

    it('end the session when it could write until now what they keep it from writing', async () => {
      await apply(rules);
      program = holdfast.session(['sh', '-c', asker]);
      assert.equal(await answer(address(other)), '200');
      await apply(more('  no-open: {deny: write, paths: open.txt, reason: It is fixed now.}\n'));
      assert.equal((await program.ended).code, 125);
      assert.match(program.complained, /open\.txt[^]*sandbox_rules_changed/);
    });
  });
});
