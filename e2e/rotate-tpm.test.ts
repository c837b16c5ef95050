// Other keys for an agent that lives in a TPM. It can't forget a wrapped key: a copy of one opens beside its chip for as long as the chip lives.

import { noSoftTpm, SoftTpm } from '../packages/testkit/src/soft-tpm.ts';
import { rotates } from './rotation.ts';

rotates({
  level: 'tpm',
  skip: noSoftTpm(),
  copyOfBefore: 'turned away',
  insert: async () => {
    const tpm = await SoftTpm.start();
    return { parameters: ['--tpm', tpm.device], remove: () => tpm.remove() };
  },
});
