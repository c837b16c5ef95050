// What readers of a log hold it against: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const alone = 'packages/audit-verifier/bin/holdfast-verify.mjs';
const bundle = 'packages/audit-verifier/test/bundle.test.ts';
const cliAudit = 'apps/cli/test/audit.test.ts';
const cliTime = 'apps/cli/test/time.test.ts';
const properties = 'packages/protocol/test/audit/audit-properties.test.ts';
const tamper = 'packages/audit-verifier/test/tamper.test.ts';
const vectors = 'packages/protocol/test/audit/audit-vectors.test.ts';

export const onVerifying: readonly Mutation[] = [
  {
    id: 'A-1.root',
    off: 'records are not held against the signed root',
    file: 'packages/protocol/src/audit/verify.ts',
    from: 'if (!equalBytes(mark.root, frontier.root()))',
    to: 'if (mark.root.length === 0)',
    red: { [properties]: 'does not verify with any bit flipped', [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.signature',
    off: 'checkpoints need no signature',
    file: 'packages/protocol/src/audit/checkpoint.ts',
    from: "await verifySignature(primitives, { domain: 'audit-checkpoint', ...outer, publicKey: by.key });",
    to: 'void by;',
    red: { [properties]: 'does not verify with any bit of its checkpoint flipped', [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.truncated',
    off: 'missing records at the end are no fault',
    file: 'packages/protocol/src/audit/verify.ts',
    from: 'if (missing !== undefined && missing.size > frontier.size) {',
    to: 'if (missing !== undefined && missing.size > Infinity) {',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.gap',
    off: 'missing records in the middle are no fault',
    file: 'packages/protocol/src/audit/verify.ts',
    from: "if (event.sequence > index) fail('audit_gap', `record ${index} is missing`);",
    to: '',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.order',
    off: 'records may stand at other places',
    file: 'packages/protocol/src/audit/verify.ts',
    from: "if (event.sequence < index) fail('audit_altered', `record ${index} says that it is number ${event.sequence}`);",
    to: '',
    red: { [properties]: 'does not verify with any record twice' },
  },
  {
    id: 'A-1.agent',
    off: "another agent's records are taken",
    file: 'packages/protocol/src/audit/verify.ts',
    from: "if (!equalBytes(event.agent, this.agent)) fail('audit_forged', `record ${index} is of another agent`);",
    to: '',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.chain',
    off: 'a checkpoint may be missing between two',
    file: 'packages/protocol/src/audit/verify.ts',
    from: "if (!linked) fail('audit_altered', 'a checkpoint is missing between two');",
    to: "if (!linked && wires.length === 0) fail('audit_altered', 'a checkpoint is missing between two');",
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.old-keys',
    off: 'keys that were replaced sign on after those in their place',
    file: 'packages/protocol/src/audit/verify.ts',
    from: 'if (nth < reached) fail(',
    to: 'if (nth < 0) fail(',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.another-log',
    off: "another log's checkpoint is taken",
    file: 'packages/protocol/src/audit/checkpoint.ts',
    from: 'if (origin !== logOrigin(fleet, agent) || logOrigin(read.statement.fleet, read.statement.agent) !== origin) {',
    to: "if (origin === '') {",
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-1.leaves',
    off: 'a leaf may pass for a node',
    file: 'packages/protocol/src/primitives/merkle.ts',
    from: 'nodeInput[0] = 1;',
    to: 'nodeInput[0] = 0;',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-11.kept',
    off: 'a log need not have made the checkpoint that somebody kept',
    file: 'packages/protocol/src/audit/verify.ts',
    from: 'const expected: Anchor[] = [...signed, ...anchors.filter(({ size }) => size > 0)]',
    to: 'const expected: Anchor[] = [...signed, ...anchors.filter(({ size }) => size < 0)]',
    red: { [cliAudit]: 'a checkpoint is kept elsewhere', [tamper]: 'all of it made anew' },
  },
  {
    id: 'A-11.root',
    off: 'the standalone verifier holds records against no root',
    file: alone,
    from: 'if (!mark.root.equals(tree.root())) fail(',
    to: 'if (mark.root.length === 0) fail(',
    red: { [tamper]: 'all of it made anew' },
  },
  {
    id: 'A-11.signed',
    off: 'the standalone verifier needs no signature of a checkpoint',
    file: alone,
    from: "if (!isSigned('audit-checkpoint', statement, signature, key))",
    to: 'if (key.length === 0)',
    red: { [tamper]: 'a byte of a checkpoint flipped' },
  },
  {
    id: 'A-11.keys',
    off: "the bundle's own keys are taken where others are named",
    file: alone,
    from: 'keys: pinned.length > 0 ? pinned : claimed.keys',
    to: 'keys: claimed.keys',
    red: { [bundle]: "the bundle's own word on its keys" },
  },
  {
    id: 'A-11.pinned',
    off: 'whatever key signed behind a published checkpoint counts as known',
    file: alone,
    from: 'size <= each.size || each.by?.includes(nth)',
    to: 'size <= each.size || nth > -2',
    red: { [bundle]: 'behind a true checkpoint' },
  },
  {
    id: 'A-11.pinned-core',
    off: 'whatever key signed behind a published checkpoint counts as known',
    file: 'packages/protocol/src/audit/verify.ts',
    from: 'each.size <= size || by.includes(each.nth)',
    to: 'each.size <= size || by.length >= 0',
    red: { [bundle]: 'behind a true checkpoint' },
  },
  {
    id: 'A-11.file',
    off: "a checkpoint's file of another log is taken",
    file: 'apps/cli/src/commands/audit-verify.ts',
    from: "throw new HoldfastError('audit_forged', 'that checkpoint is of another log');",
    to: 'void whose;',
    red: { [cliAudit]: 'a checkpoint is kept elsewhere' },
  },
  {
    id: 'A-41.open',
    off: 'a handle that nothing ended counts for nothing',
    file: 'packages/protocol/src/audit/permissioned-time.ts',
    from: 'for (const each of this.windows.closeAll(nowMs)) this.window(',
    to: 'for (const each of this.windows.closeAll(nowMs).slice(0, 0)) this.window(',
    red: { [vectors]: 'permissioned time' },
  },
  {
    id: 'A-41.span',
    off: 'a span leaves out what lies in it',
    file: 'packages/protocol/src/audit/permissioned-time.ts',
    from: 'if (event.atMs >= this.fromMs) this.windows.open',
    to: 'if (this.fromMs === 0) this.windows.open',
    red: { [vectors]: 'permissioned time', [cliTime]: 'are the same, of one agent or all' },
  },
  {
    id: 'A-41.left-out',
    off: 'figures are made of an export that leaves events out',
    file: 'apps/cli/src/audit/exported-file.ts',
    from: "if ('leaf' in line) throw new Error('an event is left out: figures need all');",
    to: "if ('leaf' in line) return undefined;",
    red: { [cliTime]: 'what cannot be counted is refused' },
  },
];
