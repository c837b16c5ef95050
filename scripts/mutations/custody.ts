import type { Area } from './mutation.ts';

export const custody: Area = {
  mutations: [
    {
      id: 'K-11.lost-store',
      off: 'a key whose store is shut counts as one that never was',
      file: 'apps/custody/src/stores.ts',
      from: 'if (holding !== undefined) throw holding.thrown;',
      to: '',
      red: { 'apps/custody/test/tpm-store.test.ts': 'is not replaced when it is lost' },
    },
    {
      id: 'K-12.lockout',
      off: 'wrong passphrases do not count',
      file: 'apps/custody/src/tpm/tpm-store.ts',
      from: 'tpm.seal(storeKey, auth, passphrase !== undefined)',
      to: 'tpm.seal(storeKey, auth, false)',
      red: { 'apps/custody/test/tpm-store.test.ts': 'lets the chip judge the passphrase' },
    },
  ],
  exceptions: {
    'K-1': 'not tried yet',
    'K-2': 'not tried yet',
    'K-3': 'not tried yet',
    'K-4': 'not tried yet',
    'K-5': 'not tried yet',
    'K-6': 'not tried yet',
    'K-8': 'not tried yet',
    'K-9': 'not tried yet',
    'K-10': 'the chip itself is the control: no text of ours switches it off',
  },
};
