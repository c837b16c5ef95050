// Controls that hold when a process is killed, the power goes or the disk fails: THREAT_MODEL.md, A-9 and A-10.

import type { Area } from './mutation.ts';

const relay = 'apps/relay/test/durability.test.ts';
const state = 'apps/daemon/test/state/durability.test.ts';
const stateStore = 'apps/daemon/test/state/store.test.ts';
const audit = 'apps/daemon/test/audit/durability.test.ts';

export const crash: Area = {
  mutations: [
    {
      id: 'A-9.relay-sync',
      off: "a commit of the relay's store returns before it is synced",
      file: 'apps/relay/src/sqlite-store.ts',
      from: 'PRAGMA synchronous = FULL',
      to: 'PRAGMA synchronous = NORMAL',
      red: { [relay]: 'without power at any moment' },
    },
    {
      id: 'A-9.state-sync',
      off: "a transaction of the daemon's store returns before it is synced",
      file: 'apps/daemon/src/state/store.ts',
      from: 'PRAGMA synchronous = FULL',
      to: 'PRAGMA synchronous = NORMAL',
      red: { [state]: 'without power at any moment' },
    },
    {
      id: 'A-9.record-sync',
      off: 'a durable record is written and not synced',
      file: 'apps/daemon/src/audit/files.ts',
      from: 'sync: () => handle.datasync(),',
      to: 'sync: async () => {},',
      red: { [audit]: 'without power at any moment' },
    },
    {
      id: 'A-9.record-name',
      off: 'the name of a new audit file is not synced',
      file: 'apps/daemon/src/audit/files.ts',
      from: "const handle = await open(at(name), 'wx', 0o600);\n      try {\n        await syncFolder(folder);",
      to: "const handle = await open(at(name), 'wx', 0o600);\n      try {",
      red: { [audit]: 'without power at any moment' },
    },
    {
      id: 'A-10.relay-acknowledges',
      off: 'a commit that failed is acknowledged',
      file: 'apps/relay/src/sqlite-store.ts',
      from: "this.#database.exec('ROLLBACK');\n      throw storeError(cause);",
      to: "this.#database.exec('ROLLBACK');\n      return writes.map(() => ({ kind: 'done', repeated: false }));",
      red: { [relay]: 'EIO at the n-th call' },
    },
    {
      id: 'A-10.state-keeps-silent',
      off: 'a transaction that failed says nothing',
      file: 'apps/daemon/src/state/store.ts',
      from: "if (this.db.isTransaction) this.db.exec('ROLLBACK');\n      throw thrown;",
      to: "if (this.db.isTransaction) this.db.exec('ROLLBACK');",
      red: { [stateStore]: 'a transaction that fails half-way says so' },
    },
    {
      id: 'A-10.record-acknowledged',
      off: 'a record that could not be written is acknowledged',
      file: 'apps/daemon/src/audit/writer.ts',
      from: 'for (const { reject } of batch) reject(unavailable(cause));',
      to: 'for (const { resolve } of batch) resolve();',
      red: { [audit]: 'EIO at the n-th call', 'apps/daemon/test/audit/faults.test.ts': 'no record, no effect' },
    },
  ],
  exceptions: {},
};
