// `npm run conformance:presentation -- [--python PYTHON]`: whether the verifier in Python that docs/verify-presentation.md shows, on PyJWT, lets in what
// our vectors let in and refuses each of their faults. Exit code 1 when it does not, 3 when there is no Python with PyJWT.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ownVectors, type VectorEntry } from '../packages/testkit/src/vectors.ts';

interface Case {
  readonly name: string;
  readonly isGood: boolean;
  readonly call: 'verify' | 'in_force';
  readonly given: readonly unknown[];
}

/** Answers a list of cases with a list of what was wrong with each, null for nothing. */
const driver = `
import sys
def fault(case):
    try:
        {"verify": verify, "in_force": in_force}[case["call"]](*case["given"])
    except Exception as wrong:
        return type(wrong).__name__ + ": " + str(wrong)
print(json.dumps([fault(case) for case in json.load(sys.stdin)]))
`;

const seconds = (ms: number): number => Math.floor(ms / 1000);

function cases(): Case[] {
  type Presentation = VectorEntry & {
    presentation: string;
    root: unknown;
    audience: string;
    challenge: string | null;
    nowMs: number;
  };
  type List = VectorEntry & { token: string; root: unknown; uri: string; nowMs: number; index: number };
  const of = ({ clause, name, expect }: VectorEntry) => ({ name: `${clause} ${name}`, isGood: expect === 'ok' });
  return [
    ...ownVectors<Presentation>('presentation/presentations').entries.map((each): Case => {
      const { presentation, root, audience, challenge, nowMs } = each;
      return { ...of(each), call: 'verify', given: [presentation, root, audience, challenge, seconds(nowMs)] };
    }),
    ...ownVectors<List>('status-list/lists')
      .entries.filter(({ clause }) => clause !== 'STATUS-8') // it lets no children in, revoked or not
      .map((each): Case => {
        const { token, root, uri, nowMs, index } = each;
        const said = { status: { status_list: { idx: index, uri } } };
        return { ...of(each), call: 'in_force', given: [token, said, root, seconds(nowMs)] };
      }),
  ];
}

function main(): number {
  const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
  const page = readFileSync(new URL('../docs/verify-presentation.md', import.meta.url), 'utf8');
  const [, program] = /```python\n([\s\S]*?)```/.exec(page) ?? [];
  if (program === undefined) throw new Error('docs/verify-presentation.md shows no Python');
  if (spawnSync(values.python, ['-c', 'import jwt, cryptography']).status !== 0) {
    process.stderr.write(
      `NOT RUN: ${values.python} has no PyJWT: pip install pyjwt cryptography, or name another with --python\n`,
    );
    return 3;
  }
  const asked = cases();
  const { stdout, stderr } = spawnSync(values.python, ['-c', program + driver], {
    input: JSON.stringify(asked),
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  const faults = JSON.parse(stdout) as (string | null)[];
  let failed = 0;
  for (const [at, { name, isGood }] of asked.entries()) {
    const fault = faults[at] ?? null;
    const conforms = (fault === null) === isGood;
    failed += conforms ? 0 : 1;
    process.stdout.write(`${conforms ? 'ok    ' : 'FAILED'}  ${name}: ${fault ?? 'let in'}\n`);
  }
  process.stdout.write(`${asked.length - failed} ok, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main();
