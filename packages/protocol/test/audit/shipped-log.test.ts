// spec/vectors/audit-shipping: what a reader makes of whatever a relay shows as the pieces of a log.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openShipped } from '@holdfast/protocol/audit/shipped-log';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { shippedPiece } from '@holdfast/protocol/blind/shipment';
import { decode, encode } from '@holdfast/protocol/codec/schema';
import { codeOf } from '@holdfast/protocol/errors';
import { readShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';

type Piece = { ordinal: number; offset: number; first: number; bytes: string };
type Shipped = {
  fleet: string;
  agent: string;
  agentKey: string;
  key: string;
  anchor?: { size: number; root: string };
  pieces: Piece[];
};

describe('audit-shipping: logs', () => {
  for (const { name, clause, expect, pieces, anchor, ...hex } of ownVectors<VectorEntry & Shipped>('audit-shipping/logs')
    .entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const [fleet, agent, agentKey, key] = [hex.fleet, hex.agent, hex.agentKey, hex.key].map(fromVectorHex);
      assert.ok(fleet !== undefined && agent !== undefined && agentKey !== undefined && key !== undefined);
      async function* shown() {
        for (const each of pieces) yield { ...each, bytes: fromVectorHex(each.bytes) };
      }
      const anchors = anchor === undefined ? [] : [{ size: anchor.size, root: fromVectorHex(anchor.root) }];
      const read = async () => {
        const log = await openShipped({ primitives, key, fleet, agent }, shown());
        await verifyAudit(primitives, { fleet, agent, agentKey }, { ...log, anchors });
      };
      assert.equal(await outcomeOf(read), expect);
    });
  }
});

describe('pieces as a relay shows them', () => {
  const bytes = new Uint8Array(10);
  const shows = (...pages: readonly (readonly { ordinal: number; offset: number; first: number; bytes: Uint8Array }[])[]) => {
    const left = [...pages];
    return { request: async () => ({ pieces: left.shift() ?? [] }) } as unknown as RelayExchange;
  };
  const read = async (relay: RelayExchange): Promise<number> => {
    let count = 0;
    for await (const _ of readShipments(relay, new Uint8Array(16))) count += 1;
    return count;
  };
  const piece = (ordinal: number, offset: number, content = bytes) => ({ ordinal, offset, first: 0, bytes: content });

  it('[SHIP-7] come in their order and once, or it is no relay', async () => {
    assert.equal(await read(shows([piece(0, 0), piece(0, 10)], [piece(1, 0)])), 3);
    for (const wrong of [
      shows([piece(0, 0), piece(0, 0)]),
      shows([piece(0, 0)], [piece(0, 9)]),
      shows([piece(1, 0), piece(0, 0)]),
      shows([piece(0, 0, new Uint8Array(0))]),
    ]) {
      await assert.rejects(read(wrong), (thrown) => codeOf(thrown) === 'relay_protocol');
    }
  });

  it('[SHIP-1] are of at most 128 KiB', () => {
    assert.equal(decode(shippedPiece, encode(shippedPiece, piece(0, 0)), 1000).bytes.length, 10);
    assert.throws(
      () => encode(shippedPiece, piece(0, 0, new Uint8Array(128 * 1024 + 1))),
      (thrown) => codeOf(thrown) === 'codec_limit',
    );
  });
});
