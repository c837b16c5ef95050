// Other keys for an agent that lives in a PKCS#11 token, which has forgotten the old ones.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { noSoftToken, pkcs11Addon, SoftToken } from '../packages/testkit/src/soft-token.ts';
import { rotates } from './rotation.ts';

rotates({
  level: 'pkcs11',
  skip: noSoftToken(),
  copyOfBefore: 'shut',
  insert: (folder) => {
    pkcs11Addon();
    const token = SoftToken.make();
    const pin = path.join(folder, 'pin');
    writeFileSync(pin, `${token.pin}\n`, { mode: 0o600 });
    const named = ['--pkcs11-module', token.module, '--pkcs11-token', token.label, '--pkcs11-pin-file', pin];
    const needs = ['--pkcs11-needs', token.folder, '--pkcs11-env', `SOFTHSM2_CONF=${token.environment.SOFTHSM2_CONF}`];
    return { parameters: [...named, ...needs], kept: () => token.objects(), remove: () => token.remove() };
  },
});
