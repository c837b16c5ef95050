// What taking secrets and personal data out of a record costs a decision of the hook: every text of a call is searched, and once more all of it for the
// sake of its digest [COMMIT-6]. `node bench/redaction.ts [calls per round]`; prints microseconds a call (medians of rounds) and one JSON line.

import { loadavg } from 'node:os';
import { committedDigest } from '@holdfast/protocol/audit/commitment';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { MemoryDisk } from '../apps/daemon/test/audit/memory-disk.ts';
import { Redactor } from '../apps/daemon/src/audit/redactor.ts';
import { SaltStore } from '../apps/daemon/src/audit/salts.ts';

const calls = Number(process.argv[2] ?? 2_000);
const rounds = 7;
const random = (length: number) => primitives.random(length);
const personal = [
  { subject: 'jane', values: ['jane.doe@mail.example', 'Jane Doe', '+49 170 5550123'], like: [] },
  { subject: 'customers', values: [], like: ['C-######', '*@example.org'] },
];
const texts = {
  'a command of 120 characters': `git -C /home/me/src/app log --since=2.weeks --author=me --pretty=oneline -- packages/protocol/src/audit ${'x'.repeat(20)}`,
  'a file of 4 KB': 'const answer = (of: string): number => of.length;\n'.repeat(82),
  'a file of 64 KB': 'const answer = (of: string): number => of.length;\n'.repeat(1310).slice(0, 64 * 1024),
};

async function redactorOf(secrets: number, declared: boolean): Promise<Redactor> {
  const [agent, fleet, key] = [random(32), random(32), random(32)];
  const salts = await SaltStore.open({
    files: new MemoryDisk(),
    secrets: { primitives, key, fleet, agent },
    erasures: () => new Map(),
  });
  const policy = () => ({ version: 1, silenced: [], ...(declared && { personal }) });
  const redactor = new Redactor({ primitives, agent, salts, policy });
  for (let made = 0; made < secrets; made += 1)
    redactor.know(random(16), Buffer.from(`sk-${Buffer.from(random(24)).toString('hex')}`));
  return redactor;
}

function microseconds(redactor: Redactor, text: string): number {
  const digest = committedDigest(primitives, Buffer.from(text));
  const times = Array.from({ length: rounds + 1 }, () => {
    const count = Math.max(10, Math.ceil((calls * 120) / text.length));
    const beganMs = performance.now();
    for (let done = 0; done < count; done += 1) {
      redactor.text(text);
      redactor.digest(digest, text);
    }
    return ((performance.now() - beganMs) / count) * 1000;
  });
  const [, ...measured] = times; // the first one warms up
  return Number((measured.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0).toFixed(1));
}

const kinds = [
  ['nothing to look for', 0, false],
  ['4 secrets', 4, false],
  ['100 secrets', 100, false],
  ['4 secrets and personal data', 4, true],
] as const;
const table: Record<string, Record<string, number>> = {};
for (const [name, secrets, declared] of kinds) {
  const redactor = await redactorOf(secrets, declared);
  const row = Object.entries(texts).map(([what, text]): [string, number] => [what, microseconds(redactor, text)]);
  table[name] = Object.fromEntries(row);
}
console.log('µs a call');
console.table(table);
console.log(JSON.stringify({ bench: 'redaction', load: Number(loadavg()[0]?.toFixed(1)), table }));
