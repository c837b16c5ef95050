// Controls of published checkpoints, their witnesses and the tiles that proofs for them are made from: THREAT_MODEL.md, A.

import type { Area } from './mutation.ts';
import { ofDevices } from './witness/devices.ts';

const bundle = 'packages/audit-verifier/test/bundle.test.ts';
const cliAudit = 'apps/cli/test/audit.test.ts';
const custody = 'apps/custody/test/serve.test.ts';
const log = 'apps/daemon/test/agent/witnessed-log.test.ts';
const relay = 'apps/relay/test/witness.test.ts';
const tiles = 'packages/protocol/test/audit/tiles.test.ts';
const logTiles = 'apps/daemon/test/audit/tiles.test.ts';
const vectors = 'packages/protocol/test/blind/witness-vectors.test.ts';

const forked = 'a fork is proven to whoever has the key';
const cutOrForked = 'a log that was cut, rewritten or forked is not';

export const witness: Area = {
  mutations: [
    {
      id: 'A-20.proof',
      off: 'the relay cosigns what does not continue what it cosigned',
      file: 'apps/relay/src/witness.ts',
      from: 'if (last !== undefined) verifyConsistency(primitives, { from: last, to: head, proof });',
      to: 'if (last !== undefined) verifyConsistency(primitives, { from: head, to: head, proof: [] });',
      red: { [relay]: cutOrForked },
    },
    {
      id: 'A-20.size',
      off: 'the relay believes which size it cosigned last',
      file: 'apps/relay/src/witness.ts',
      from: 'if (request.old !== (last?.size ?? 0)) return conflict(known);',
      to: '',
      red: { [relay]: cutOrForked },
    },
    {
      id: 'A-20.race',
      off: 'two requests at once both pass',
      file: 'apps/relay/src/sqlite-store.ts',
      from: "if (!unchanged) return { kind: 'conflict', head: undefined };",
      to: 'void unchanged;',
      red: { [relay]: 'of many at once for one place, one wins' },
    },
    {
      id: 'A-21.key',
      off: 'any signature passes for one of the agent',
      file: 'packages/protocol/src/keys/note.ts',
      from: 'if (raw === undefined || !isLowS(raw) || !(await primitives.p256Verify(point, utf8(note.text), raw)))',
      to: 'if (raw === undefined)',
      red: { [vectors]: 'published checkpoints' },
    },
    {
      id: 'A-21.text',
      off: 'a key signs any text as a published checkpoint',
      file: 'packages/protocol/src/keys/domain.ts',
      from: "if (domain === 'log-note') return assertLogNote(statement);",
      to: "if (domain === 'log-note') return statement;",
      red: { [vectors]: 'are signed as such a text and as nothing else' },
    },
    {
      id: 'A-21.bound',
      off: "custody names a log that is not its key's",
      file: 'apps/custody/src/serve.ts',
      from: 'const origin = logName(this.#ports.primitives, fleet, agent);',
      to: 'const origin = logName(this.#ports.primitives, agent, fleet);',
      red: { [custody]: 'publishes a checkpoint under the name of its own log alone' },
    },
    {
      id: 'A-22.root',
      off: 'the log is not held against what the relay cosigned',
      file: 'apps/daemon/src/agent/witnessed-log.ts',
      from: "if (ours === undefined) return fault('audit_truncated', `${size} audit records were published, ${audit.size} are left`);",
      to: 'if (ours === undefined) return;',
      red: { [log]: 'a machine that was put back to an older image' },
    },
    {
      id: 'A-22.signature',
      off: 'a relay can condemn a log by a checkpoint that nobody signed',
      file: 'packages/protocol/src/keys/note.ts',
      from: 'if (raw === undefined || !isLowS(raw) || !(await primitives.p256Verify(point, utf8(note.text), raw)))',
      to: 'if (raw === undefined)',
      red: { [log]: 'what a relay shows as ours without our signature counts for nothing' },
    },
    {
      id: 'A-23.held',
      off: 'proofs from tiles are believed as they come',
      file: 'packages/protocol/src/audit/tiles.ts',
      from: 'held(() => verifyConsistency(this.primitives, { from: { size, root }, to: this.head, proof }));',
      to: 'void verifyConsistency;',
      red: { [tiles]: 'audit-tiles: what a reader believes', [logTiles]: 'is told of and made anew' },
    },
    {
      id: 'A-23.told',
      off: 'tiles that did not hold are made anew in silence',
      file: 'apps/daemon/src/audit/tiles.ts',
      from: 'this.parts.remade();',
      to: 'void this.parts.remade;',
      red: { [logTiles]: 'is told of and made anew' },
    },
    {
      id: 'A-23.condemned',
      off: 'tiles that were changed condemn a log that holds',
      file: 'apps/daemon/src/audit/tiles.ts',
      from: 'await this.cutTo(0);',
      to: '',
      red: { [logTiles]: 'is told of and made anew' },
      says: 'the audit records do not give the root that was signed',
    },
    {
      id: 'A-24.alone',
      off: 'the standalone verifier takes a note that the named witness has not cosigned',
      file: 'packages/audit-verifier/bin/holdfast-verify.mjs',
      from: "if (times.length === 0) fail('witness_missing',",
      to: "if (times.length === 0) times.push(1);\n  if (times.length === 0) fail('witness_missing',",
      red: { [bundle]: 'a published checkpoint has the cosignature of each witness' },
    },
    {
      id: 'A-24.signature',
      off: 'the standalone verifier takes any bytes for a cosignature',
      file: 'packages/audit-verifier/bin/holdfast-verify.mjs',
      from: 'return signs && isTime ? atS',
      to: 'return signs || isTime ? atS',
      red: { [bundle]: 'a published checkpoint has the cosignature of each witness' },
    },
    {
      id: 'A-24.core',
      off: 'audit verify takes a note that the named witness has not cosigned',
      file: 'packages/protocol/src/blind/log-note.ts',
      from: 'const atS = await witnessedAt(primitives, note, witness);',
      to: 'const atS = (await witnessedAt(primitives, note, witness)) ?? 1;',
      red: { [cliAudit]: 'a witness that is named has cosigned the published checkpoint' },
    },
    {
      id: 'A-25.alone',
      off: 'the standalone verifier takes two checkpoints of one history for a fork',
      file: 'packages/audit-verifier/bin/holdfast-verify.mjs',
      from: 'if (was.equals(older.root) ||',
      to: 'if (',
      red: { [bundle]: forked },
    },
    {
      id: 'A-25.core',
      off: 'audit verify takes two checkpoints of one history for a fork',
      file: 'packages/protocol/src/audit/fork.ts',
      from: '|| equalBytes(was, older.root))',
      to: ')',
      red: { [bundle]: forked },
    },
    {
      id: 'A-25.root',
      off: 'a fork is taken as proven by subtrees that do not make the newer root',
      file: 'packages/protocol/src/audit/fork.ts',
      from: '|| !equalBytes(tree.root(), newer.root)',
      to: '',
      red: { [bundle]: forked },
    },
    {
      id: 'A-25.kept',
      off: 'the daemon forgets the note that its log contradicts',
      file: 'apps/daemon/src/agent/witnessed-log.ts',
      from: 'this.contradiction = { older: note,',
      to: 'void { older: note,',
      red: { [log]: 'another history that the relay had cosigned under our key' },
    },
    {
      id: 'A-20.forgot',
      off: 'a relay that forgot what it cosigned goes on under its key',
      file: 'apps/relay/src/witness-key.ts',
      from: 'if (!hasWitnessed || !existsSync(path))',
      to: 'if ((!hasWitnessed && false) || !existsSync(path))',
      red: { [relay]: 'a relay that lost what it cosigned, or its key, is another witness' },
    },
    ...ofDevices,
  ],
  exceptions: {},
};
