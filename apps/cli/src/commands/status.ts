// `holdfast status`: what runs here, how fresh it is, what is missing and how to mend it. spec/cli.md [CLI-14].

import { findHome } from '../door-client.ts';
import type { Output } from '../output.ts';
import { readFacts } from '../status/facts.ts';
import { noticesOf } from '../status/notices.ts';
import { pictureOf } from '../status/picture.ts';

export async function status(output: Output): Promise<void> {
  const facts = await readFacts(findHome(), Date.now());
  const { home, daemon, operates, keyFault } = facts;
  const notices = noticesOf(facts);
  output.result(
    {
      running: daemon !== undefined,
      home,
      operator: operates !== undefined || keyFault !== undefined,
      ...(operates && { operates }),
      ...(daemon ?? { agents: [], sessions: [] }),
      notices,
    },
    pictureOf(facts, notices, process.stdout.isTTY ? process.stdout.columns : undefined),
  );
  if (daemon === undefined) process.exitCode = 3; // [CLI-14]
}
