// `holdfast passphrase`: another passphrase for this machine's operator key. The keys stay the same, and no relay is asked.

import { usage, type Output } from '../output.ts';
import { findHome } from '../door-client.ts';
import { changePassphrase, operatorFacts } from '../operator/key-file.ts';
import { takeOperatorTurn } from '../operator/turn.ts';
import { newPassphrase, passphrase } from '../secrets-input.ts';

interface PassphraseOptions {
  readonly passphraseFile?: string;
  readonly newPassphraseFile?: string;
}

export async function change(output: Output, options: PassphraseOptions): Promise<void> {
  const { operator: folder } = findHome();
  const { fleet, device } = operatorFacts(folder); // says so before it asks for a passphrase
  const old = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  let chosen: Buffer | undefined;
  try {
    chosen = await newPassphrase(options.newPassphraseFile, '--new-passphrase-file');
    if (chosen.equals(old)) throw usage('the new passphrase is the old one', 'choose another');
    const release = await takeOperatorTurn(folder);
    try {
      await changePassphrase(folder, old, chosen); // [OPKEY-10]
    } finally {
      release();
    }
  } finally {
    old.fill(0);
    chosen?.fill(0);
  }
  output.result({ fleet, device, changed: true }, [
    'the operator key opens with the new passphrase alone',
    '  copies of its file that were made before, backups for example, open with the old one: if it is known to others, destroy them',
  ]);
}
