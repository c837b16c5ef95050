// An agent with a long log: enrolled in a real fleet, written by the daemon's own writer and shipped by its own shipper, with keys of this process. What it
// says of itself is made up: calls of tools, and uses of a credential among them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { enrollAgent } from '@holdfast/protocol/journal/compose-agents';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { quiet } from '@holdfast/testkit/numbered';
import { overWebSocket } from '@holdfast/testkit/over-web-socket';
import { LogShipper } from '../apps/daemon/src/agent/log-shipper.ts';
import { openAuditFolder } from '../apps/daemon/src/audit/files.ts';
import { AuditWriter } from '../apps/daemon/src/audit/writer.ts';

const random = (length: number): Uint8Array => primitives.random(length);
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const tools = ['Read', 'Edit', 'Bash', 'Grep'];

export class LongAgent {
  readonly id: Uint8Array;
  readonly #writer: AuditWriter;
  readonly #shipper: LogShipper;
  readonly #end: () => void;
  readonly #session = random(16);
  readonly #grant = random(16);
  readonly #item = random(16);
  #written = 0;

  private constructor(id: Uint8Array, writer: AuditWriter, shipper: LogShipper, end: () => void) {
    this.id = id;
    this.#writer = writer;
    this.#shipper = shipper;
    this.#end = end;
  }

  static async enrol(operator: OperatorSession, scope: string): Promise<LongAgent> {
    const [agent, custody, key] = [random(16), await SoftwareKeyHolder.generate(primitives), await SoftwareKeyHolder.generate(primitives)]; // prettier-ignore
    const { fleet, relayUrl, relayKey } = operator.facts;
    const offer = {
      v: 1 as const,
      ...{ agent, scope, machine: 'bench', keys: custody.publicKeys, custody: 'software' as const, capabilities: [] },
    };
    await operator.write(async (writing) =>
      enrollAgent(writing, {
        offer: offer as unknown as Parameters<typeof enrollAgent>[1]['offer'],
        evidence: 'claimed',
        statusUri: operator.statusUri,
        accessVersion: await operator.accessVersion(),
      }),
    );
    const { key: secret } = await operator.operator.replica.epochKey(agentAudience(agent), 0);
    const notBeforeMs = Date.now() - 1000;
    const life = { notBeforeMs, notAfterMs: notBeforeMs + maxSessionKeyMs };
    const certificate = await certifySessionKey(custody, { v: 1, fleet, agent, key: key.publicKeys.sign, ...life });
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-log-'));
    const grew = { tell: (): void => {} };
    const writer = await AuditWriter.open({
      files: await openAuditFolder(path.join(folder, 'log')),
      secrets: { primitives, key: secret, fleet, agent },
      clock,
      log: quiet,
      run: { id: random(16), startedMs: performance.now() },
      sign: (statement) => signCheckpoint({ certificate, sign: (domain, bytes) => key.sign(domain, bytes) }, statement),
      grew: { written: () => {}, synced: () => grew.tell() },
    });
    const identity = { fleet, principal: agent, holder: custody };
    const relay = await connectRelay(relayUrl, {
      ...overWebSocket,
      identity,
      relayKey,
      onPush: ({ kind }) => (kind === 'push-watched' ? shipper.watched() : undefined),
    });
    const link = { isOpen: true, ask: <T>(asked: (exchange: typeof relay) => Promise<T>): Promise<T> => asked(relay) };
    const shipper = new LogShipper({ audit: writer, link, agent, ports: { log: quiet, primitives, clock } });
    grew.tell = () => shipper.grew();
    return new LongAgent(agent, writer, shipper, () => {
      relay.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** Durable when it resolves. The same again may be shipped at any time after. */
  async write(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const many = Math.min(left, 256);
      await Promise.all(Array.from({ length: many }, (_, at) => this.#writer.append(this.#record(this.#written + at))));
      this.#written += many;
      left -= many;
    }
    await this.#writer.appendDurable(this.#record(this.#written));
    this.#written += 1;
  }

  ship(): Promise<void> {
    return this.#shipper.shipping.now();
  }

  async close(): Promise<void> {
    this.#shipper.shipping.stop();
    await this.#writer.close();
    this.#end();
  }

  /** Of ten, four are calls of tools that are allowed, one that is refused, and five make up two uses of a credential. */
  #record(number: number): AuditReport {
    const acting = { session: this.#session };
    const use = { ...acting, handle: random(16), grant: this.#grant, item: this.#item };
    const path = `/repos/anybody/${number}`;
    const request = { method: 'GET', host: 'api.example.com', port: 443, path, digest: random(32) };
    switch (number % 10) {
      case 2:
      case 6:
        return { kind: 'minted', ...use, name: 'demo', request };
      case 3:
      case 7:
        return { kind: 'consumed', ...use, request: random(32) };
      case 8:
        return { kind: 'credentialed', ...use, credentialedUs: 900, sent: true };
      default: {
        const isAllowed = number % 10 !== 9;
        return {
          ...{ kind: 'tool-call', ...acting, toolUse: `toolu_${number}`, label: 'reported', harness: 'claude-code' },
          ...{ tool: 'read', name: tools[number % tools.length] ?? 'Read', call: random(32), directory: '/work' },
          act: JSON.stringify({ paths: [`src/file-${number}`] }),
          ...{
            decision: isAllowed ? 'allow' : 'deny',
            allowed: isAllowed,
            rules: isAllowed ? [] : ['secrets/read'],
            rulesVersion: 1,
          },
        } as unknown as AuditReport;
      }
    }
  }
}
