// Operators' devices as witnesses: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const cli = 'apps/cli/test/witnessing.test.ts';
const daemon = 'apps/daemon/test/agent/device-witnesses.test.ts';
const relay = 'apps/relay/test/device-notes.test.ts';
const vectors = 'packages/protocol/test/blind/witness-vectors.test.ts';

const witnessing = 'apps/cli/src/audit/witnessing.ts';
const deviceKey = 'apps/cli/src/operator/device-witness.ts';

const another = 'another history than was seen is found whoever saw it';
const whole = 'the log has the root of the checkpoint that is shown, and all of its records';

export const ofDevices: readonly Mutation[] = [
  {
    id: 'A-26.last',
    off: 'a device does not hold a log against what it cosigned last',
    file: witnessing,
    from: '[...(last === undefined ? [] : [last]), ...given].map(read)',
    to: '[...(last === undefined ? [] : []), ...given].map(read)',
    red: { [cli]: another },
  },
  {
    id: 'A-26.given',
    off: 'a device does not hold a log against a checkpoint that it is handed',
    file: witnessing,
    from: '[...(last === undefined ? [] : [last]), ...given].map(read)',
    to: '[...(last === undefined ? [] : [last]), ...given.slice(given.length)].map(read)',
    red: { [cli]: another },
  },
  {
    id: 'A-26.devices',
    off: 'a device does not hold a log against what other devices cosigned',
    file: witnessing,
    from: 'for (const { note } of asked.devices)',
    to: 'for (const { note } of asked.devices.slice(asked.devices.length))',
    red: { [cli]: another },
  },
  {
    id: 'A-26.shorter',
    off: 'a device takes a checkpoint that is shorter than one it saw',
    file: witnessing,
    from: 'if ((shown?.size ?? 0) < longest) throw',
    to: 'if (longest < 0) throw',
    red: { [cli]: 'less than this device, another one or a kept checkpoint saw is refused' },
  },
  {
    id: 'A-26.seen',
    off: 'the records that a device reads need not be those of what it saw',
    file: witnessing,
    from: 'isWhole ? [shown, ...seen] : seen',
    to: 'isWhole ? [shown] : []',
    red: { [cli]: another },
  },
  {
    id: 'A-26.root',
    off: 'the records that a device reads need not be those of the checkpoint that it cosigns',
    file: witnessing,
    from: 'isWhole ? [shown, ...seen] : seen',
    to: 'isWhole ? seen : seen',
    red: { [cli]: whole },
  },
  {
    id: 'A-26.whole',
    off: 'a device cosigns what it has not read to its end',
    file: witnessing,
    from: 'if (published > there) throw',
    to: 'if (published < 0) throw',
    red: { [cli]: whole },
  },
  {
    id: 'A-26.topic',
    off: "the records that a device reads need not be those of the topic's newest checkpoint",
    file: witnessing,
    from: 'topic <= there && { anchor }',
    to: 'topic < 0 && { anchor }',
    red: { [cli]: 'a topic that is ahead of what was shipped is waited for' },
  },
  {
    id: 'A-26.disk',
    off: 'a cosignature leaves before the device has what it cosigned on its disk',
    file: deviceKey,
    from: 'writeAtomically(this.file, encode(stateFile, state));',
    to: 'void writeAtomically;',
    red: { [cli]: 'what is cosigned is on the disk first' },
    says: 'ENOENT',
  },
  {
    id: 'A-26.turn',
    off: 'two commands of a device witness at once',
    file: deviceKey,
    from: "const release = await takeTurn(folder, 'another witness of this device', 0);",
    to: 'const release = (): void => void takeTurn;',
    red: { [cli]: 'what is cosigned is on the disk first' },
  },
  {
    id: 'A-26.new',
    off: 'a device that lost what it saw goes on under the key that it had',
    file: deviceKey,
    from: 'salt: primitives.random(32)',
    to: 'salt: new Uint8Array(32)',
    red: { [cli]: 'a device has one witness key as long as it has what it saw' },
  },
  {
    id: 'A-26.evidence',
    off: 'the daemon does not hold its log against what devices cosigned',
    file: 'apps/daemon/src/agent/witnessed-log.ts',
    from: 'await this.assertOurs(kept.note, note);',
    to: '',
    red: { [daemon]: 'another history of ours that a device cosigned is evidence' },
  },
  {
    id: 'A-27.word',
    off: 'anybody vouches for the witness key of a device',
    file: 'packages/protocol/src/blind/witness.ts',
    from: "await verifySignature(primitives, { domain: 'witness-key', ...outer, publicKey: signer });",
    to: 'void [verifySignature, signer];',
    red: { [vectors]: 'what devices cosigned', [daemon]: 'the newest that a device in force cosigned is shown', [relay]: 'it is taken from a device alone' }, // prettier-ignore
  },
  {
    id: 'A-27.cosigned',
    off: 'a note passes for cosigned by the device that only vouches for a key',
    file: 'packages/protocol/src/blind/witness.ts',
    from: 'const [seen] = await seenBy(primitives, published.note, [witness]);',
    to: 'const [seen] = await seenBy(primitives, published.note, []);',
    red: { [vectors]: 'what devices cosigned', [relay]: 'it is taken from a device alone' },
  },
  {
    id: 'A-27.name',
    off: 'a device vouches for a key under the name of another witness',
    file: 'packages/protocol/src/blind/witness.ts',
    from: 'if (witness.name !== deviceWitness(primitives, witness.key).name)',
    to: "if (witness.name === '')",
    red: { [vectors]: 'what devices cosigned' },
  },
  {
    id: 'A-27.role',
    off: 'an agent puts a cosignature at the relay',
    file: 'apps/relay/src/device-notes.ts',
    from: "member.role === 'device' && whose?.role === 'agent'",
    to: "whose?.role === 'agent'",
    red: { [relay]: 'it is taken from a device alone' },
  },
  {
    id: 'A-27.removed',
    off: 'the relay shows what a device cosigned that was removed',
    file: 'apps/relay/src/device-notes.ts',
    from: "fleet.member(device)?.role === 'device'",
    to: 'device.length > 0',
    red: { [relay]: 'what a device cosigned that was removed is shown to nobody' },
  },
  {
    id: 'A-27.dropped',
    off: 'the relay keeps what removed devices cosigned for ever',
    file: 'apps/relay/src/sqlite-store.ts',
    from: 'if (!devices.some((each) => equalBytes(each, kept.device)))',
    to: 'if (devices.length === 0)',
    red: { [relay]: 'what a device cosigned that was removed is shown to nobody' },
  },
];
