// Publishes rules or a bedrock text as the operator of HOLDFAST_HOME: `publish.ts rules|bedrock PASSPHRASE-FILE`, the text on stdin.

import { text } from 'node:stream/consumers';
import { addBedrock, setRules } from '@holdfast/protocol/journal/compose';
import { asOperator } from '../../apps/cli/src/operator/session.ts';
import { Output } from '../../apps/cli/src/output.ts';

const [what = '', passphraseFile = ''] = process.argv.slice(2);
const said = await text(process.stdin);
await asOperator(new Output(true), { passphraseFile }, async (session) => {
  if (what === 'rules') await session.write((operator) => setRules(operator, said));
  else await session.write((operator) => addBedrock(operator, said));
  await session.appliedHere();
});
