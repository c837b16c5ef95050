// Controls of a sealed session: THREAT_MODEL.md, S.

import type { Area } from './mutation.ts';

const escape = 'apps/daemon/test/sandbox/escape.test.ts';

export const session: Area = {
  mutations: [
    {
      id: 'S-2.own-network',
      off: 'the session shares the network of the host',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--unshare-net',`,
      to: '',
      red: { [escape]: 'the only thing to connect to is the door' },
    },
    {
      id: 'S-3.user-namespaces',
      off: 'code inside can make user namespaces',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--disable-userns',`,
      to: '',
      red: { [escape]: 'user namespaces are at an end inside' },
    },
  ],
  exceptions: {
    'S-1': 'not tried yet',
    'S-4': 'not tried yet',
    'S-5': 'not tried yet',
    'S-6': 'not tried yet',
    'S-7': 'not tried yet',
    'S-8': 'not tried yet',
    'S-9': 'not tried yet',
    'S-10': 'not tried yet',
    'S-11': 'not tried yet',
  },
};
