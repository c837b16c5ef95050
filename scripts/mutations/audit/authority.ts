// By whose leave a use was: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const authority = 'packages/audit-verifier/test/authority.test.ts';
const journalVectors = 'packages/protocol/test/journal/journal-vectors.test.ts';

export const onAuthority: readonly Mutation[] = [
  {
    id: 'A-51.entry',
    off: "an entry's warrant may be over other terms",
    file: 'packages/protocol/src/journal/warranted.ts',
    from: '  await verifyWarrant(primitives, warrant, authorKey);',
    to: '  void [verifyWarrant, authorKey];',
    red: { [journalVectors]: 'journal vectors' },
  },
  {
    id: 'A-51.signature',
    off: 'terms count whoever signed them',
    file: 'packages/protocol/src/audit/proofs.ts',
    from: '      await verifyWarrant(this.#primitives, warrant, key);',
    to: '      void [verifyWarrant, key];',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.removed',
    off: 'a removed device goes on to give leave',
    file: 'packages/protocol/src/audit/proofs.ts',
    from: '!(Math.max(...timesMs) < each.atMs)',
    to: 'Math.max(...timesMs) < 0',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.grant',
    off: "a use stands on any grant's warrant",
    file: 'packages/protocol/src/audit/authority.ts',
    from: '    if (!equalBytes(terms.agent, agent) || !equalBytes(terms.grant, grant) || !equalBytes(terms.item, item))',
    to: '    if (!equalBytes(terms.agent, agent) || !equalBytes(terms.item, item))',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.end',
    off: "a use goes on after its grant's end",
    file: 'packages/protocol/src/audit/authority.ts',
    from: ` || this.#ended.has(toHex(grant))) return lack('grant_unknown');`,
    to: `) return lack('grant_unknown');`,
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.fence',
    off: 'a use counts wherever it went',
    file: 'packages/protocol/src/audit/authority.ts',
    from: `    if (decision.kind === 'refuse') return lack(decision.code);`,
    to: '    void decision;',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.approval',
    off: 'an approval is of any request',
    file: 'packages/protocol/src/audit/authority.ts',
    from: '[said.grant, grant], [said.request, request]]',
    to: '[said.grant, grant]]',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.child',
    off: 'a child may have more than its parent',
    file: 'packages/protocol/src/audit/authority.ts',
    from: '      assertWithin(leaveOf(each), above === undefined ? agentsLeave(each) : leaveOf(above));',
    to: '      void [assertWithin, agentsLeave, above, leaveOf(each)];',
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
  {
    id: 'A-51.alone',
    off: 'the standalone program takes altered terms',
    file: 'packages/audit-verifier/bin/holdfast-authority.mjs',
    from: `    return isSigned('warrant', statement, signature, point) ? said : lack('warrant_invalid');`,
    to: `    return [isSigned, statement, signature, point].length > 0 ? said : lack('warrant_invalid');`,
    red: { [authority]: 'uses of credentials, by both verifiers' },
  },
];
