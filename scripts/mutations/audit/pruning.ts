// What may be pruned of a log, and what passes for pruned: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const pruner = 'apps/daemon/test/agent/pruner.test.ts';
const prune = 'apps/daemon/test/audit/prune.test.ts';
const durability = 'apps/daemon/test/audit/durability.test.ts';
const vectors = 'packages/protocol/test/audit/audit-vectors.test.ts';
const logs = 'packages/audit-verifier/test/logs.test.ts';

export const onPruning: readonly Mutation[] = [
  // When records go.
  {
    id: 'A-43.witness',
    off: 'what a witness saw of fewer records counts for all',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: 'filter((each) => each.size >= size)',
    to: 'filter((each) => each.size >= 0)',
    red: { [pruner]: 'that no witness has seen, or not to its end' },
  },
  {
    id: 'A-43.signed',
    off: 'a cosignature is taken for a time without being verified',
    file: 'packages/protocol/src/exchange/witness-calls.ts',
    from: 'atS: await cosignedAt(primitives, text, answer.line, witness)',
    to: 'atS: text.length',
    red: { [pruner]: 'what a relay shows as a cosignature without signing is no time at which a witness saw anything' },
  },
  {
    id: 'A-43.pulse',
    off: 'records go as soon as a witness has seen them',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: 'return seenAtMs !== undefined && seenAtMs + retentionDays * dayMs <= pulseAtMs;',
    to: 'return seenAtMs !== undefined;',
    red: { [pruner]: 'before a pulse says that its time is over, and without a pulse' },
  },
  {
    id: 'A-43.clock',
    off: "the machine's clock stands for the operator's pulse",
    file: 'apps/daemon/src/agent/pruner.ts',
    from: 'const pulseAtMs = this.parts.pulseAtMs();',
    to: 'const pulseAtMs: number | undefined = Date.now();',
    red: { [pruner]: 'before a pulse says that its time is over, and without a pulse' },
  },
  {
    id: 'A-43.relay',
    off: 'records go of which the relay has no copy',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: 'reached !== undefined && ordinal < reached',
    to: 'reached !== undefined || ordinal >= 0',
    red: { [pruner]: 'that the relay has not, all of it' },
  },
  {
    id: 'A-43.counted',
    off: 'records go that the index of uses does not count',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: 'segment.next > size || ',
    to: '',
    red: { [pruner]: 'that the index does not count, all of it' },
  },
  {
    id: 'A-43.open',
    off: 'records go of a use that is open',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: "if ('handle' in event && handles.has(toHex(event.handle))) return true;",
    to: "if ('handle' in event && handles.size === 0) return true;",
    red: { [pruner]: 'keeps a file in which a use began that is open, until that is over' },
  },
  {
    id: 'A-43.policy',
    off: 'records go by a policy that another has taken the place of',
    file: 'apps/daemon/src/agent/pruner.ts',
    from: ' || policy()?.version !== seen.version',
    to: '',
    red: { [pruner]: 'without a policy that says for how long, or where that changes meanwhile' },
  },
  {
    id: 'A-43.uses',
    off: 'uses are counted from what is left of a log',
    file: 'apps/daemon/src/agent/counted-uses.ts',
    from: 'if (size < audit.firstKept)',
    to: 'if (size < 0)',
    red: { [pruner]: 'counts the same after what it counted was pruned; without it the log is no longer enough' },
  },

  // What passes for pruned.
  {
    id: 'A-44.more',
    off: 'more hashes pass for pruned than the log says',
    file: 'packages/protocol/src/audit/pruning.ts',
    from: 'records > below || ',
    to: '',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-44.itself',
    off: 'a record can prune what comes after it',
    file: 'packages/protocol/src/audit/pruning.ts',
    from: 'if (below > sequence)',
    to: 'if (below < 0)',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-44.early',
    off: 'a record can prune before its time',
    file: 'packages/protocol/src/audit/pruning.ts',
    from: 'if (pulseAtMs - seenAtMs < retentionDays * dayMs)',
    to: 'if (pulseAtMs < seenAtMs)',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-44.policy',
    off: 'a record can prune by any policy',
    file: 'packages/protocol/src/audit/pruning.ts',
    from: 'if (!isTheirs)',
    to: 'if (isTheirs === undefined)',
    red: { [vectors]: 'audit: logs' },
  },
  {
    id: 'A-44.alone',
    off: 'the verifier that stands alone takes any record of pruning',
    file: 'packages/audit-verifier/bin/holdfast-verify.mjs',
    from: 'this.pruned = fits ?',
    to: 'this.pruned = fits || at >= 0 ?',
    red: { [logs]: '' },
  },
  {
    id: 'A-44.withheld',
    off: 'to the verifier that stands alone what is withheld passes for pruned',
    file: 'packages/audit-verifier/bin/holdfast-verify.mjs',
    from: 'const pruned = Math.min(leading, order.pruned.below);',
    to: 'const pruned = leading;',
    red: { [logs]: '' },
  },
  {
    id: 'A-44.mixed',
    off: 'a file that says that it was pruned may hold records',
    file: 'packages/protocol/src/audit/segment.ts',
    from: " || opened.kind === (pruned ? 'records' : 'leaves')",
    to: '',
    red: { [prune]: 'a segment pruned behind one that is not, or that is not what it says, is damaged' },
  },
  {
    id: 'A-44.behind',
    off: 'a file may be pruned behind one that is not',
    file: 'apps/daemon/src/audit/reader.ts',
    from: 'if (!isAsKnown && index !== going)',
    to: 'if (!isAsKnown && index < 0 && index !== going)',
    red: { [prune]: 'a segment pruned behind one that is not, or that is not what it says, is damaged' },
  },

  // Killed, without power, on a disk that fails.
  {
    id: 'A-45.order',
    off: 'records go before the record of it is written',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'await this.appendDurable(report);',
    to: 'void this.appendDurable(report).catch(() => {});',
    red: { [prune]: 'nothing goes where the record of it could not be written, and no more than it names' },
  },
  {
    id: 'A-45.synced',
    off: 'a pruned file takes its place before it is synced',
    file: 'apps/daemon/src/audit/files.ts',
    from: 'await writeAll(handle, bytes, null);\n        await handle.sync();',
    to: 'await writeAll(handle, bytes, null);',
    red: { [durability]: 'without power at any moment of a prune: each record is there or pruned, as the log says' },
    says: 'is damaged',
  },
  {
    id: 'A-45.leftover',
    off: 'what a prune that was killed leaves stays',
    file: 'apps/daemon/src/audit/stored-log.ts',
    from: 'if (isLeftover(name)) await files.remove(name);',
    to: 'if (isLeftover(name)) continue;',
    red: { [durability]: 'kill -9 at the n-th call of a prune: each record is there or pruned, as the log says' },
  },
];
