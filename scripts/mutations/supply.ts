// Controls of the supply chain: THREAT_MODEL.md, P.

import type { Area } from './mutation.ts';

const checks = 'scripts/test/checks.test.ts';
const setUp = 'scripts/test/set-up.test.ts';

export const supply: Area = {
  mutations: [
    {
      id: 'P-1.install',
      off: 'npm may run scripts',
      file: 'scripts/run.sh',
      from: 'npm ci --ignore-scripts --no-audit',
      to: 'npm ci --no-audit',
      red: { [setUp]: 'a fresh clone installs exact packages without scripts' },
    },
    {
      id: 'P-1.lock',
      off: 'a package with an install script comes into the lock file unseen',
      file: 'scripts/check-source.ts',
      from: 'if (entry.hasInstallScript === true)',
      to: "if (entry.hasInstallScript === undefined && path === '-')",
      red: { [checks]: 'source finds an install script' },
    },
    {
      id: 'P-2.install',
      off: 'npm may install other versions than the locked ones',
      file: 'scripts/run.sh',
      from: 'npm ci --ignore-scripts --no-audit',
      to: 'npm install --ignore-scripts --no-audit',
      red: { [setUp]: 'a fresh clone installs exact packages without scripts' },
    },
    {
      id: 'P-2.exact',
      off: 'a version may be a range',
      file: 'scripts/check-source.ts',
      from: 'if (!/^(npm:[@\\w/.-]+@)?\\d+\\.\\d+\\.\\d+[\\w.+-]*$/.test(version))',
      to: "if (version === '')",
      red: { [checks]: 'source finds a version that is not exact' },
    },
    {
      id: 'P-2.stale',
      off: 'a lock file that changed is not installed anew',
      file: 'scripts/run.sh',
      from: '[ "$stamped" = "$wanted" ]',
      to: '[ -n "$stamped" ]',
      red: { [setUp]: 'another lock file is stale' },
    },
    {
      id: 'P-2.holes',
      off: 'a lock file with holes passes',
      file: 'scripts/check-source.ts',
      from: 'if (!isLocked(packages, path, name))',
      to: "if (name === '' && !isLocked(packages, path, name))",
      red: { [checks]: 'source finds a lock file with holes' },
    },
  ],
  exceptions: {},
};
