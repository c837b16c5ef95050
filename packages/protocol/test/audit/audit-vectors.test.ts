// spec/vectors/{audit,permissioned-time}.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { auditEvent, decodeEvent, maxEventBytes } from '@holdfast/protocol/audit/event';
import { permissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { decode, encode } from '@holdfast/protocol/codec/schema';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

describe('audit: events', () => {
  for (const { name, clause, expect, hex } of ownVectors<VectorEntry & { hex: string }>('audit/events').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const input = fromVectorHex(hex);
      assert.equal(await outcomeOf(() => decode(auditEvent, input, maxEventBytes)), expect);
      if (expect === 'ok') assert.equal(toHex(encode(auditEvent, decodeEvent(input))), hex);
    });
  }
});

describe('audit: logs', () => {
  type Log = {
    fleet: string;
    agent: string;
    agentKey: string;
    earlierKeys?: string[];
    leaves?: string[];
    events: string[];
    checkpoints: string[];
    anchor?: { size: number; root: string };
  };
  for (const { name, clause, expect, anchor, ...log } of ownVectors<VectorEntry & Log>('audit/logs').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const identity = {
        fleet: fromVectorHex(log.fleet),
        agent: fromVectorHex(log.agent),
        agentKey: fromVectorHex(log.agentKey),
        earlierKeys: (log.earlierKeys ?? []).map(fromVectorHex),
      };
      const content = {
        leaves: (log.leaves ?? []).map(fromVectorHex),
        events: log.events.map(fromVectorHex),
        checkpoints: log.checkpoints.map(fromVectorHex),
        anchors: anchor === undefined ? [] : [{ size: anchor.size, root: fromVectorHex(anchor.root) }],
      };
      assert.equal(await outcomeOf(() => verifyAudit(nodePrimitives, identity, content)), expect);
    });
  }
});

describe('permissioned time', () => {
  type Ledger = { events: string[]; nowMs: number; fromMs?: number; result: object };
  for (const { name, clause, events, nowMs, fromMs, result } of ownVectors<VectorEntry & Ledger>('permissioned-time/ledgers')
    .entries) {
    it(`${clause} ${name}`, () => {
      const computed = permissionedTime(
        events.map((wire) => decodeEvent(fromVectorHex(wire))),
        nowMs,
        fromMs,
      );
      assert.deepEqual(JSON.parse(JSON.stringify(computed)), result);
    });
  }
});
