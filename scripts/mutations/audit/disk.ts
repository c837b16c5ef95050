// What a crash or a hand on the disk does to the log: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const anchor = 'apps/daemon/test/agent/anchor.test.ts';
const cliPower = 'apps/cli/test/power-loss.test.ts';
const crash = 'e2e/crash.test.ts';
const custodyPower = 'apps/custody/test/power-loss.test.ts';
const e2eFaults = 'e2e/faults.test.ts';
const faults = 'apps/daemon/test/audit/faults.test.ts';
const writer = 'apps/daemon/test/audit/writer.test.ts';

export const onDisk: readonly Mutation[] = [
  {
    id: 'A-12.cut',
    off: 'what was cut off the end at start is not told',
    file: 'apps/daemon/src/audit/writer.ts',
    from: "if (!writer.frozen && (stored.cut.bytes > 0 || stored.cut.files > 0)) writer.note({ kind: 'repaired', ...stored.cut });",
    to: '',
    red: { [writer]: '[AUDIT-19, AUDIT-40] a tail that was never synced is cut, and the log says so before anything else' },
  },
  {
    id: 'A-12.clock',
    off: 'a wall clock that was set is not told',
    file: 'apps/daemon/src/audit/wall-clock.ts',
    from: 'if (Math.abs(byMs) <= toleratedMs) return undefined;',
    to: 'if (Math.abs(byMs) <= Infinity) return undefined;',
    red: { [writer]: '[AUDIT-41] that is set, also in small steps, is told before the next record, once' },
  },

  // Cut, deleted or put back.
  {
    id: 'A-2.put-back',
    off: 'the log is not held against what its topic shows',
    file: 'apps/daemon/src/agent/audit-log.ts',
    from: 'if (published === undefined || this.writer.frozen) return;',
    to: 'if (published === undefined || published.length > 0) return;',
    red: { [anchor]: 'a machine put back to an older image mints nothing before it has met its own newer entries, nor after' },
  },
  {
    id: 'A-2.another',
    off: 'a log that never made the checkpoint is taken',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'if (!(await this.reader.hasCheckpoint(checkpoint))) {',
    to: 'if (checkpoint.length === 0) {',
    red: { [anchor]: 'a log that was put back and has grown past the checkpoint since is another log' },
  },
  {
    id: 'A-2.start',
    off: 'the start does not look at the newest checkpoint of the journal',
    file: 'apps/daemon/src/audit/stored-log.ts',
    from: 'const wanted = Math.max(mark.records, mark.checkpoint, anchor?.size ?? 0, log.checkpoint?.statement.size ?? 0);',
    to: 'const wanted = Math.max(mark.records, mark.checkpoint, log.checkpoint?.statement.size ?? 0);',
    red: { [writer]: 'a log that was cut is noticed by its mark, by its checkpoints and by the journal' },
  },

  // Acknowledged is durable.
  {
    id: 'A-7.synced',
    off: 'a durable record is acknowledged before it is synced',
    file: 'apps/daemon/src/audit/writer.ts',
    from: 'for (const { durable, resolve } of batch) if (!durable) resolve();',
    to: 'for (const { resolve } of batch) resolve();',
    red: {
      [writer]: 'resolves a durable append only after a sync',
      [faults]: 'keeps what was acknowledged, in order, and a log that verifies',
    },
  },
  {
    id: 'A-7.written',
    off: 'a durable record is acknowledged before it is written',
    file: 'apps/daemon/src/audit/writer.ts',
    from: '    this.queue.push({ ...content, durable, resolve, reject });',
    to: `    this.queue.push({ ...content, durable, resolve, reject });
    setImmediate(resolve);`,
    red: { [faults]: 'at any moment leaves every acknowledged durable record, and a log that goes on' },
  },

  // Crashes.
  {
    id: 'A-8.recorded',
    off: 'a use is on no record',
    file: 'apps/daemon/src/vault/mint.ts',
    from: "await recorder(agent).appendDurable({ kind: 'consumed', ...who, handle: id, grant, item, ...used, ...standsOn });",
    to: 'void [grant, item, agent, standsOn];',
    red: { [crash]: 'the service sees exactly as many as were consumed' },
  },
  {
    id: 'A-8.socket',
    off: 'the socket that a killed daemon left is in the way of the next',
    file: 'apps/daemon/src/door/server.ts',
    from: 'rmSync(path, { force: true });',
    to: 'void [path, rmSync];',
    red: { [e2eFaults]: 'of the daemon: start ends and says so, the open session is gone, nothing recorded is lost' },
    says: 'start ended with 3',
  },

  // Power losses.
  {
    id: 'A-9.key-synced',
    off: 'a key is not synced before it gets its name',
    file: 'apps/custody/src/store-files.ts',
    from: 'await file.sync();',
    to: '',
    red: { [custodyPower]: 'without power at any point' },
    says: 'input ends inside a value',
  },
  {
    id: 'A-9.key-folder',
    off: "a key's name is not synced",
    file: 'apps/custody/src/store-files.ts',
    from: `      throw cause;
    }
    await syncFolder(folder);`,
    to: `      throw cause;
    }`,
    red: { [custodyPower]: 'without power at any point' },
    says: 'the key store has keys and no header',
  },
  {
    id: 'A-9.operator-synced',
    off: 'the operator key is not synced before it gets its name',
    file: 'apps/cli/src/operator/key-file.ts',
    from: 'fsyncSync(descriptor);',
    to: '',
    red: { [cliPower]: 'without power at any point' },
    says: 'is damaged',
  },
  {
    id: 'A-9.operator-folder',
    off: "the operator key's name is not synced",
    file: 'apps/cli/src/operator/key-file.ts',
    from: 'fsyncSync(folder);',
    to: '',
    red: { [cliPower]: 'without power at any point' },
  },
  {
    id: 'A-9.io-error',
    off: 'an I/O error counts as written',
    file: 'apps/custody/src/store-files.ts',
    from: `      await unlink(path + newSuffix).catch(() => {});
      throw cause;`,
    to: `      await unlink(path + newSuffix).catch(() => {});
      void cause;`,
    red: { [custodyPower]: 'with EIO at any call' },
    says: 'the key store has keys and no header',
  },
];
