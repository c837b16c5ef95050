// The curated packs: every example of every rule, and what they make of other people's corpora.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';

import { compile } from '@holdfast/protocol/rules/compile';
import { decide, type Decision } from '@holdfast/protocol/rules/decide';
import { exampleCall, testRules } from '@holdfast/protocol/rules/examples';
import { packNames, packRules, withPacks } from '@holdfast/protocol/rules/packs/packs';
import { externalVectors, noExternalVectors } from '@holdfast/testkit/vectors';

const all = compile(withPacks({ packs: packNames, without: [], rules: [] }));
const decideShell = (command: string): Decision => {
  const { call, context } = exampleCall({ tool: 'shell', subject: command });
  return decide(all, call, context);
};

describe('packs: examples', () => {
  for (const name of packNames) {
    for (const { id, hits, misses, ...rest } of packRules(name)) {
      it(`${id} has examples of both kinds`, () => assert.ok(hits.length > 0 && misses.length > 0));
      for (const { example, wanted, ok, found } of testRules({ packs: [], without: [], rules: [{ id, hits, misses, ...rest }] }))
        it(`${id} ${wanted}s ${example.tool}: ${example.subject}`, () => assert.ok(ok, `found: ${found}`)); // [RULES-27]
    }
  }
});

describe('packs: putting them in', () => {
  it('leaves out what the set leaves out', () => {
    const { rules } = withPacks({ packs: ['secrets'], without: ['secrets/env-files'], rules: [] });
    assert.ok(rules.length > 0 && rules.every(({ id }) => id.startsWith('secrets/') && id !== 'secrets/env-files')); // [RULES-26]
  });

  it('refuses names that lead nowhere', () => {
    assert.throws(() => withPacks({ packs: ['secret'], without: [], rules: [] }), {
      code: 'rules_invalid',
      next: 'did you mean `secrets`?',
    });
    assert.throws(() => withPacks({ packs: ['secrets'], without: ['secrets/no'], rules: [] }), { code: 'rules_invalid' });
  });
});

/** Lines of tldr-pages with their placeholders filled in. */
function ordinaryCommands(): readonly string[] {
  return readFileSync(resolve(externalVectors ?? '', 'tldr-commands/benign-commands-tldr-a-m.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\{\{\[?([^}]*?)\]?\}\}/g, (_whole, inside: string) => inside.split('|').at(-1) ?? ''));
}

/** Commands whose ordinary use is to destroy, to print a credential or to change what runs: tldr shows these as well. */
const byNature =
  /^(sudo )?(mkfs|mke2fs|badblocks|blkdiscard|cfdisk|cryptsetup|mdadm|lvremove|btrfs subvolume delete|halt|init|deluser|groupdel|crontab -r|history -c|aa-teardown|auditctl|dropdb|bfg|git (clean|reset|restore|filter|stash|push|checkout))\b|\b(delete|destroy|rb|rm|prune|reset|uninstall|remove|purge|del|drain|down --|trust)\b|delete-|\.env\b|>> |\.ssh|secret|token|get-secret|completions|credential/;

describe('packs: ordinary commands', { skip: noExternalVectors }, () => {
  it('denies at most one in two hundred that are not destructive by nature', () => {
    const commands = ordinaryCommands();
    const denied = commands.filter((command) => decideShell(command).effect === 'deny');
    const falsely = denied.filter((command) => !byNature.test(command));
    assert.ok(commands.length > 15_000);
    assert.ok(denied.length < commands.length * 0.015, `${denied.length} denied at all`);
    assert.ok(falsely.length <= commands.length * 0.005, falsely.join('\n'));
  });
});

/** `command = …` and what is expected, of a TOML file with nothing else that matters. */
function corpus(file: string): readonly { readonly command: string; readonly expected: string }[] {
  const text = readFileSync(resolve(externalVectors ?? '', 'dcg-corpus', file), 'utf8');
  return text
    .split(/^\[\[case\]\]$/m)
    .slice(1)
    .map((part) => {
      const [, quoted = '""'] = /^command = (".*")$/m.exec(part) ?? [];
      return { command: JSON.parse(quoted) as string, expected: /^expected(?:_decision)? = "(\w+)"/m.exec(part)?.[1] ?? '' };
    });
}

/** What this project decides otherwise, and why. */
const otherwise: Readonly<Record<string, string>> = {
  'rm -rf ./build': 'a folder below the working tree, by name',
  'python -c "import shutil; shutil.rmtree(\'/tmp/demo\')"': 'a folder below /tmp',
  'python -c \'import shutil; shutil.rmtree("/tmp/demo")\'': 'a folder below /tmp',
};

describe('packs: a corpus of destructive commands', { skip: noExternalVectors }, () => {
  const files = [
    'canonical',
    'true_positives/git_destructive',
    'true_positives/rm_destructive',
    'false_positives/git_safe',
    'false_positives/heredoc_data',
    'false_positives/non_execution',
  ];
  for (const file of externalVectors === undefined ? [] : files) {
    for (const { command, expected } of corpus(`${file}.toml`)) {
      it(`${file}: ${JSON.stringify(command)}`, () => {
        const wanted = command in otherwise ? 'allow' : expected;
        assert.equal(decideShell(command).effect === 'deny' ? 'deny' : 'allow', wanted);
      });
    }
  }
});
