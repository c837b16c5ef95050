// Controls of the audit log: THREAT_MODEL.md, A.

import type { Area } from './mutation.ts';

const alone = 'packages/audit-verifier/bin/holdfast-verify.mjs';
const anchor = 'apps/daemon/test/agent/anchor.test.ts';
const authority = 'packages/audit-verifier/test/authority.test.ts';
const bundle = 'packages/audit-verifier/test/bundle.test.ts';
const cliAudit = 'apps/cli/test/audit.test.ts';
const cliPower = 'apps/cli/test/power-loss.test.ts';
const cliTime = 'apps/cli/test/time.test.ts';
const clients = 'apps/daemon/test/broker/clients.test.ts';
const completeness = 'e2e/completeness.test.ts';
const crash = 'e2e/crash.test.ts';
const custodyPower = 'apps/custody/test/power-loss.test.ts';
const door = 'apps/daemon/test/session/agent-door.test.ts';
const e2eFaults = 'e2e/faults.test.ts';
const faults = 'apps/daemon/test/audit/faults.test.ts';
const flooding = 'e2e/flooding.test.ts';
const journalVectors = 'packages/protocol/test/journal/journal-vectors.test.ts';
const guard = 'apps/daemon/test/guard/guard.test.ts';
const policy = 'apps/daemon/test/agent/audit-policy.test.ts';
const properties = 'packages/protocol/test/audit/audit-properties.test.ts';
const stream = 'apps/cli/test/audit-stream.test.ts';
const redactor = 'apps/daemon/test/audit/redactor.test.ts';
const shipments = 'apps/relay/test/shipments.test.ts';
const shippedLog = 'packages/protocol/test/audit/shipped-log.test.ts';
const shipping = 'apps/daemon/test/agent/log-shipper.test.ts';
const tiles = 'packages/protocol/test/audit/tiles.test.ts';
const logTiles = 'apps/daemon/test/audit/tiles.test.ts';
const tamper = 'packages/audit-verifier/test/tamper.test.ts';
const use = 'apps/daemon/test/session/use-record.test.ts';
const vectors = 'packages/protocol/test/audit/audit-vectors.test.ts';
const writer = 'apps/daemon/test/audit/writer.test.ts';

export const audit: Area = {
  mutations: [
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
      from: 'equalBytes(device, said.device) && (said.atMs >= atMs || shownAtMs >= atMs)',
      to: 'equalBytes(device, said.device) && said.atMs + shownAtMs < atMs',
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
      from: `    return low && isSigned(input, signature, point) ? said : lack('warrant_invalid');`,
      to: `    return low && input.length > 0 ? said : lack('warrant_invalid');`,
      red: { [authority]: 'uses of credentials, by both verifiers' },
    },
    {
      id: 'A-13.pieces',
      off: 'pieces of a shipped file need not follow each other',
      file: 'packages/protocol/src/audit/shipped-log.ts',
      from: 'if (first !== current.first || offset !== current.bytes)',
      to: 'if (first !== current.first)',
      red: { [shippedLog]: 'audit-shipping: logs' },
    },
    {
      id: 'A-13.files',
      off: 'files of a shipped log need not follow each other',
      file: 'packages/protocol/src/audit/shipped-log.ts',
      from: 'if (id.first !== events.length) throw',
      to: 'if (id.first < 0) throw',
      red: { [shippedLog]: 'audit-shipping: logs' },
    },
    {
      id: 'A-14.place',
      off: 'a relay takes pieces that leave a gap',
      file: 'apps/relay/src/sqlite-shipments.ts',
      from: 'offset === last.end && first',
      to: 'offset >= last.end && first',
      red: { [shipments]: '[SHIP-2, SHIP-3] a log goes on where it ends' },
    },
    {
      id: 'A-14.digest',
      off: 'a daemon ships on behind whatever the relay holds',
      file: 'apps/daemon/src/agent/log-shipper.ts',
      from: "if (!equalBytes(ours, digest)) throw conflict('the relay has another one');",
      to: 'void equalBytes(ours, digest);',
      red: {
        [shipping]: '[SHIP-6] a relay that lost some of it gets that again; one that holds another log, or more, gets nothing',
      },
    },
    {
      id: 'A-14.told',
      off: 'a relay that takes no more is not told of',
      file: 'apps/daemon/src/agent/log-shipper.ts',
      from: "this.parts.audit.note({ kind: 'shipping-stopped', code });",
      to: '',
      red: {
        [shipping]: '[SHIP-5] a relay that is full stops nothing here, is told of once, and gets the rest when there is room',
      },
    },
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

    // An agent's own making.
    {
      id: 'A-4.label',
      off: 'what a hook reports passes for what the daemon saw',
      file: 'apps/daemon/src/guard/guard.ts',
      from: "? ('observed' as const) : ('reported' as const);",
      to: "? ('observed' as const) : ('observed' as const);",
      red: { [guard]: 'what the rules allow may happen' },
    },
    {
      id: 'A-4.sealed',
      off: 'the log is written in the clear',
      file: 'packages/protocol/src/audit/segment.ts',
      from: 'const sealed = await this.primitives.aeadSeal(this.key, nonce, noAssociated, encode(frame, content));',
      to: 'const sealed = concat(encode(frame, content), (await this.primitives.aeadSeal(this.key, nonce, noAssociated, new Uint8Array(0))));',
      red: { [writer]: 'hold ciphertext, and are private' },
    },

    // A flood of refusals.
    {
      id: 'A-5.half',
      off: 'what a session can bring about without end may fill the whole queue',
      file: 'apps/daemon/src/audit/writer.ts',
      from: 'const maxQueueOfProvoked = maxQueue / 2;',
      to: 'const maxQueueOfProvoked = maxQueue;',
      red: { [writer]: 'a flood of refused hides neither itself nor what else happened' },
      says: 'the audit record could not be written',
    },
    {
      id: 'A-5.counted',
      off: 'what found no place is forgotten',
      file: 'apps/daemon/src/audit/writer.ts',
      from: 'written.catch(() => this.drop(kind, 1));',
      to: 'written.catch(() => {});',
      red: { [writer]: 'a flood of refused hides neither itself nor what else happened' },
    },

    // A session that floods or closes its door.
    {
      id: 'A-70.crowd',
      off: 'connections past their limit leave no record',
      file: 'apps/daemon/src/broker/clients.ts',
      from: "    if (this.#isFull) {\n      this.#ports.turnedAway('limit_exceeded');",
      to: '    if (this.#isFull) {',
      red: { [clients]: 'is counted by code; a client that rests' },
    },
    {
      id: 'A-70.calls',
      off: 'calls of the door that are none leave no record',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: "if (code === 'usage' || code === 'limit_exceeded') turnedAway(code);",
      to: 'void code;',
      red: { [door]: 'what is no call of the door is counted' },
    },
    {
      id: 'A-70.recorded',
      off: 'what was counted is not recorded',
      file: 'apps/daemon/src/session/turned-away.ts',
      from: 'this.#record(counts);',
      to: 'void counts;',
      red: { [flooding]: 'closes it for itself, and for nobody else' },
    },

    // All is on record, and nothing else.
    {
      id: 'A-71.request',
      off: 'a request without a credential leaves no record',
      file: 'apps/daemon/src/session/authority.ts',
      from: "await this.agent.audit.append({ kind: 'request', ...this.who, request });",
      to: 'void request;',
      red: { [completeness]: 'each request that a service saw' },
    },
    {
      id: 'A-71.refusal',
      off: 'a refusal leaves no record',
      file: 'apps/daemon/src/session/authority.ts',
      from: "this.agent.note({ kind: 'refused', ...this.who, code: parseCode(code), request });",
      to: 'void [request, parseCode(code)];',
      red: { [completeness]: 'each that was refused' },
    },
    {
      id: 'A-71.matched',
      off: 'a request is not recorded as of the call that it came from',
      file: 'apps/daemon/src/session/session.ts',
      from: '(call) => authority.beside({ child: call.by?.child, cause: call.cause, judge: judge(call) }),',
      to: '(call) => authority.beside({ child: call.by?.child, cause: {}, judge: judge(call) }),',
      red: { [completeness]: 'what the harness says' },
    },

    // Leaving at the right moment.
    {
      id: 'A-6.opening',
      off: 'a client that leaves while the secret is opened ends the record',
      file: 'apps/daemon/src/session/use-record.ts',
      from: "if (this.#state === 'closed') this.#record(0, false);",
      to: "if (this.#state !== 'recorded') this.#record(0, false);",
      red: { [use]: 'a client that leaves while the secret is being opened: the record waits until it is overwritten' },
    },
    {
      id: 'A-6.sent',
      off: 'bytes that were handed over count as not sent',
      file: 'apps/daemon/src/session/use-record.ts',
      from: 'this.#openedUs)), sent);',
      to: 'this.#openedUs)), sent && !this.#failed);',
      red: { [use]: 'a client that leaves after the bytes were handed over: they count as sent' },
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
      id: 'A-40.signed',
      off: 'events are streamed that no checkpoint covers',
      file: 'apps/cli/src/commands/audit-stream.ts',
      from: 'return items.slice(0, Math.max(0, signed - position.next));',
      to: 'return signed < 0 ? [] : items;',
      red: { [stream]: 'each event that is signed for arrives once' },
    },
    {
      id: 'A-40.position',
      off: 'the position is not kept',
      file: 'apps/cli/src/audit/position.ts',
      from: 'writeAtomically(this.file, encode(positionFile, moved));',
      to: 'void writeAtomically;',
      red: { [stream]: 'each event that is signed for arrives once' },
    },
    {
      id: 'A-40.gap',
      off: 'a gap is streamed over',
      file: 'apps/cli/src/commands/audit-stream.ts',
      from: 'if (event.sequence !== from + at)',
      to: 'if (event.sequence < 0)',
      red: { [stream]: 'is not streamed' },
    },
    {
      id: 'A-40.again',
      off: 'a batch that a busy collector did not take counts as taken',
      file: 'apps/cli/src/audit/collector.ts',
      from: 'if (status === 408 || status === 429 || status >= 500) {',
      to: "if (status === 429 || status >= 500) return { kind: 'taken', rejected: 0, why: '' };\n  if (status === 408) {",
      red: { [stream]: 'a collector that is away, or busy' },
    },
    {
      id: 'A-40.place',
      off: 'a collector elsewhere may be asked in the clear',
      file: 'apps/cli/src/audit/collector.ts',
      from: "!(url.protocol === 'http:' && loopback)",
      to: "!(url.protocol === 'http:' || loopback)",
      red: { [stream]: 'a collector is asked by https' },
    },
    {
      id: 'A-50.made',
      off: 'a prompt begins no turn',
      file: 'apps/daemon/src/guard/turns.ts',
      from: 'return this.#parents ?? this.#newest.get(conversation);',
      to: 'return this.#parents;',
      red: { 'apps/daemon/test/guard/door.test.ts': 'a prompt begins a turn' },
    },
    {
      id: 'A-50.call',
      off: 'a request does not name its call',
      file: 'apps/daemon/src/session/authority.ts',
      from: '    this.cause = cause;',
      to: '    this.cause = undefined;',
      red: { 'apps/daemon/test/session/call-authorities.test.ts': 'is recorded as that call’s' },
    },
    {
      id: 'A-50.shared',
      off: 'where several could have started a sub-agent, the first did',
      file: 'apps/daemon/src/guard/sub-agents.ts',
      from: 'id !== undefined && others.every((each) => each[name] !== undefined && equalBytes(each[name], id))',
      to: 'id !== undefined && others.every(() => equalBytes(id, id))',
      red: { 'apps/daemon/test/guard/sub-agents.test.ts': 'of what holds for all' },
    },
    {
      id: 'A-50.stranger',
      off: 'a call in a child’s session is the agent’s own',
      file: 'apps/daemon/src/session/ruled-authority.ts',
      from: 'child = this.child,',
      to: 'child,',
      red: { 'apps/daemon/test/session/call-authorities.test.ts': 'is the child’s, also where no more' },
    },
    {
      id: 'A-41.open',
      off: 'a handle that nothing ended counts for nothing',
      file: 'packages/protocol/src/audit/permissioned-time.ts',
      from: 'for (const started of this.open.values()) this.window(',
      to: 'for (const started of [...this.open.values()].slice(0, 0)) this.window(',
      red: { [vectors]: 'permissioned time' },
    },
    {
      id: 'A-41.span',
      off: 'a span leaves out what lies in it',
      file: 'packages/protocol/src/audit/permissioned-time.ts',
      from: 'if (event.atMs >= this.fromMs) this.open.set',
      to: 'if (this.fromMs === 0) this.open.set',
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
    {
      id: 'A-42.forward',
      off: 'an older policy takes effect',
      file: 'packages/protocol/src/journal/rules.ts',
      from: "return version === (state.auditPolicy?.version ?? 0) + 1 ? undefined : 'policy_version';",
      to: 'return version > 0 && state.pulseMaxAgeMs > 0 ? undefined : undefined;',
      red: { [policy]: 'an older policy' },
    },
    {
      id: 'A-42.counted',
      off: 'what is silenced is not counted',
      file: 'apps/daemon/src/audit/writer.ts',
      from: 'this.silenced.set(kind, (this.silenced.get(kind) ?? 0) + 1);',
      to: 'void kind;',
      red: { [policy]: 'what is silenced is counted' },
    },
    {
      id: 'A-42.always',
      off: 'refusals can be silenced',
      file: 'packages/protocol/src/audit/policy.ts',
      from: 'if (policy === undefined || alwaysRecorded.has(kind)) return false;',
      to: 'if (policy === undefined || alwaysRecorded.size === 0) return false;',
      red: { [policy]: 'are recorded under every policy' },
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
      id: 'A-42.start',
      off: 'the start of a run can be silenced',
      file: 'packages/protocol/src/audit/policy.ts',
      from: "'child-end', 'daemon-start']",
      to: "'child-end']",
      red: { [policy]: 'are recorded under every policy' },
    },
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
  ],
  exceptions: {},
};
