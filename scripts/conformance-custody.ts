// `npm run conformance:custody -- [--level LEVEL] [--passphrase-file FILE] [--pin-file FILE] --command 'PROGRAM WORD…'`: whether a program does what
// spec/custody.md asks of custody, clause by clause, over its stdin and stdout. Exit code 1 when it does not. It is started twice.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { conformance, levelOf } from '../packages/testkit/src/custody-conformance.ts';

const { values } = parseArgs({
  options: {
    command: { type: 'string' },
    level: { type: 'string' },
    'passphrase-file': { type: 'string' },
    'pin-file': { type: 'string' },
  },
});

/** Without one newline at its end. */
function secretIn(file: string): Uint8Array {
  return new TextEncoder().encode(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
}

const { command, level, 'passphrase-file': passphraseFile, 'pin-file': pinFile } = values;
if (command === undefined) {
  process.stderr.write(
    "usage: npm run conformance:custody -- [--level LEVEL] [--passphrase-file FILE] [--pin-file FILE] --command 'PROGRAM WORD…'\n",
  );
  process.exitCode = 2;
} else {
  const verdicts = await conformance({
    command: ['sh', '-c', `exec ${command}`],
    ...(level !== undefined && { level: levelOf(level) }),
    ...(passphraseFile !== undefined && { passphrase: secretIn(passphraseFile) }),
    ...(pinFile !== undefined && { pin: secretIn(pinFile) }),
  });
  for (const { clause, what, fault } of verdicts)
    process.stdout.write(
      `${fault === undefined ? 'ok    ' : 'FAILED'}  ${clause.padEnd(10)}  ${what}${fault === undefined ? '' : `: ${fault}`}\n`,
    );
  const failed = verdicts.filter(({ fault }) => fault !== undefined).length;
  process.stdout.write(`${verdicts.length - failed} ok, ${failed} failed\n`);
  if (failed > 0 || verdicts.length === 0) process.exitCode = 1;
}
