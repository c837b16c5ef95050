// What stands in place of secrets and personal data: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const redactor = 'apps/daemon/test/audit/redactor.test.ts';

export const onCommitments: readonly Mutation[] = [
  {
    id: 'A-60.nonce',
    off: 'commitments of one value are alike',
    file: 'apps/daemon/src/audit/redactor.ts',
    from: 'const nonce = primitives.random(nonceBytes);',
    to: 'const nonce = primitives.random(nonceBytes).fill(0);',
    red: { [redactor]: '[COMMIT-2] two of one value' },
  },
  {
    id: 'A-60.digest',
    off: 'digests of what holds a secret can be tried',
    file: 'apps/daemon/src/audit/redactor.ts',
    from: 'if (subjects.length === 0) return { digest };',
    to: 'if (subjects.length >= 0) return { digest };',
    red: { [redactor]: '[COMMIT-6]' },
  },
  {
    id: 'A-60.forms',
    off: 'declared values are found as they stand alone',
    file: 'apps/daemon/src/audit/redactor.ts',
    from: 'for (const each of [this.vault, known]) text',
    to: 'for (const each of [this.vault]) text',
    red: { [redactor]: '[COMMIT-5] declared values' },
  },
  {
    id: 'A-60.forged',
    off: 'a text forges a commitment',
    file: 'packages/protocol/src/audit/commitment.ts',
    from: 'said.replaceAll(opening, blot);',
    to: 'said.replaceAll(opening, opening || blot);',
    red: { [redactor]: '[COMMIT-1]' },
  },
  {
    id: 'A-60.synced',
    off: 'a record is written before the salts that it stands on',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'await this.options.redactor?.settle();',
    to: 'void this.options.redactor?.settle().catch(() => {});',
    red: { [redactor]: '[COMMIT-3]' },
  },
  {
    id: 'A-61.told',
    off: 'salts are destroyed before the log says so',
    file: 'apps/daemon/src/audit/redactor.ts',
    from: "await tell({ kind: 'erased', subject });",
    to: "void tell({ kind: 'erased', subject }).catch(() => {});",
    red: { [redactor]: '[COMMIT-11] does not happen while' },
  },
  {
    id: 'A-61.done',
    off: 'what was told as erased is still there',
    file: 'apps/daemon/src/audit/redactor.ts',
    from: 'await this.options.salts.destroy(subject);',
    to: 'void this.options.salts;',
    red: { [redactor]: '[COMMIT-11, COMMIT-12]' },
  },
];
