// What leaves the machine: shipments to the relay, the stream to a collector: THREAT_MODEL.md, A.

import type { Mutation } from '../mutation.ts';

const stream = 'apps/cli/test/audit-stream.test.ts';
const shipments = 'apps/relay/test/shipments.test.ts';
const shippedLog = 'packages/protocol/test/audit/shipped-log.test.ts';
const shipping = 'apps/daemon/test/agent/log-shipper.test.ts';

export const onLeaving: readonly Mutation[] = [
  {
    id: 'A-13.pieces',
    off: 'pieces of a shipped file need not follow each other',
    file: 'packages/protocol/src/audit/shipped-log.ts',
    from: 'if (current === undefined || first !== current.first || offset !== current.bytes)',
    to: 'if (current === undefined || first !== current.first)',
    red: { [shippedLog]: 'audit-shipping: logs' },
  },
  {
    id: 'A-13.files',
    off: 'files of a shipped log need not follow each other',
    file: 'packages/protocol/src/audit/shipped-log.ts',
    from: 'if (first !== next) throw missing(`records',
    to: 'if (first < 0) throw missing(`records',
    red: { [shippedLog]: 'audit-shipping: logs' },
  },
  {
    id: 'A-13.pushed',
    off: 'whoever reads along takes pieces again, or of a place before',
    file: 'packages/protocol/src/exchange/shipment-calls.ts',
    from: `if (!isLater || bytes.length === 0)`,
    to: `if (!isLater && bytes.length === 0)`,
    red: { [shipments]: 'a piece from before, or an empty one, is found' },
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
    id: 'A-14.piece',
    off: 'a relay takes pieces that are none of a file',
    file: 'apps/relay/src/shipments.ts',
    from: 'assertPiece(piece); // [SHIP-1]',
    to: 'void assertPiece;',
    red: { [shipments]: '[SHIP-1, SHIP-4]' },
  },
  {
    id: 'A-14.quota',
    off: "an agent's log takes all of the relay's disk",
    file: 'apps/relay/src/sqlite-shipments.ts',
    from: 'if (total > maxShippedBytes)',
    to: 'if (total > maxShippedBytes * maxShippedBytes)',
    red: { [shipments]: '[SHIP-5] past its quota an agent is told so by name' },
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
    id: 'A-40.signed',
    off: 'events are streamed that no checkpoint covers',
    file: 'apps/cli/src/commands/audit-stream.ts',
    from: 'wires: items.slice(0, Math.max(0, signed - from))',
    to: 'wires: signed < 0 ? [] : items',
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
];
