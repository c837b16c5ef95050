// `holdfast audit stream`: an agent's events to a collector as they come, spec/audit-export.md. One batch is held at a time; what the collector
// has is remembered on disk, so that it goes on there whatever ended it.

import { setTimeout as later } from 'node:timers/promises';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { parseCaBundle } from '@holdfast/protocol/vault/terms';
import { collectorHeaders, collectorUrl, rejectedBatch, send, type Collector } from '../audit/collector.ts';
import { exportedOf, type LogName } from '../audit/exported.ts';
import { askEvents, leafAt } from '../audit/log.ts';
import { otlpBatch, otlpLine } from '../audit/otlp.ts';
import { StreamPosition } from '../audit/position.ts';
import { findHome } from '../door-client.ts';
import { duration, visible, type Output } from '../output.ts';
import { readText } from '../secrets-input.ts';

/** How often the daemon is asked for more. */
const lookEveryMs = 500;
const firstWaitMs = 1000;
const longestWaitMs = 60_000;
/** What a batch that is under way gets when the stream is told to end. */
const graceMs = 5000;

export interface StreamOptions {
  readonly otlp: string;
  readonly agent: string;
  readonly headerFile?: string;
  readonly ca?: string;
  readonly redact?: boolean;
}

export async function stream(output: Output, options: StreamOptions): Promise<void> {
  const collector: Collector = {
    url: collectorUrl(options.otlp),
    headers: options.headerFile === undefined ? {} : collectorHeaders(readText(options.headerFile)),
    ...(options.ca !== undefined && { ca: parseCaBundle(readText(options.ca)) }),
  };
  const ended = new AbortController();
  const cut = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      ended.abort();
      setTimeout(() => cut.abort(), graceMs).unref(); // [EXPORT-10]
    });
  const log = await askEvents(options.agent, 0, 1);
  const position = await StreamPosition.take(findHome().streams, log, collector.url);
  try {
    output.say(`events from number ${position.next} on go to ${visible(collector.url.href)}`);
    await new Streaming({ output, options, collector, position, log, ended: ended.signal, cut: cut.signal }).run();
  } finally {
    position.close();
  }
}

interface Parts {
  readonly output: Output;
  readonly options: StreamOptions;
  readonly collector: Collector;
  readonly position: StreamPosition;
  readonly log: LogName;
  /** Nothing new begins. */
  readonly ended: AbortSignal;
  /** What is under way is given up. */
  readonly cut: AbortSignal;
}

class Streaming {
  private readonly parts: Parts;
  private away = false;
  /** Asked anew whenever the daemon was away: what was put back meanwhile is another log. */
  private isSame = false;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  async run(): Promise<void> {
    const { ended } = this.parts;
    while (!ended.aborted) {
      const { from, wires } = await this.news();
      if (wires.length === 0) await this.wait(lookEveryMs);
      else if (!(await this.deliver(from, wires))) return;
    }
  }

  private wait(ms: number): Promise<unknown> {
    return later(ms, undefined, { signal: this.parts.ended }).catch(() => {});
  }

  /** The log must still hold what the collector has of it. [EXPORT-7] */
  private async assertSameLog(): Promise<void> {
    const { position, options } = this.parts;
    if (position.leaf === undefined) return;
    const last = await leafAt(options.agent, position.next - 1);
    if (last === undefined)
      throw new HoldfastError('audit_truncated', `the collector has ${position.next} events, the log has fewer`, {
        next: 'see: holdfast audit verify',
      });
    if (!equalBytes(last, position.leaf))
      throw new HoldfastError('audit_altered', `event ${position.next - 1} is another than the one that the collector has`, {
        next: 'see: holdfast audit verify',
      });
  }

  /** The next events that are signed for, as many as one batch takes; none while the daemon is away. A stream begins with what was not pruned. [EXPORT-6] */
  private async news(): Promise<{ readonly from: number; readonly wires: readonly Uint8Array[] }> {
    const { options, position } = this.parts;
    try {
      if (!this.isSame) await this.assertSameLog();
      this.isSame = true;
      const { items, signed, pruned } = await askEvents(options.agent, position.next, otlpBatch);
      if (pruned > position.next && position.leaf !== undefined)
        throw new HoldfastError(
          'audit_gap',
          `events ${position.next} to ${pruned - 1} were pruned before the collector had them`,
        ); // [EXPORT-6]
      const from = Math.max(pruned, position.next);
      return { from, wires: items.slice(0, Math.max(0, signed - from)) };
    } catch (thrown) {
      if (codeOf(thrown) !== 'daemon_unreachable') throw thrown;
      this.isSame = false;
      this.tellAway('the daemon is away', lookEveryMs);
      return { from: position.next, wires: [] };
    }
  }

  /** One batch, until the collector has it. False: the stream was ended meanwhile. */
  private async deliver(from: number, wires: readonly Uint8Array[]): Promise<boolean> {
    const { options, collector, position, log, ended, cut } = this.parts;
    const events = wires.map((wire) => exportedOf(wire, options.redact === true));
    for (const [at, { event }] of events.entries())
      if (event.sequence !== from + at) throw new HoldfastError('audit_gap', `event ${from + at} is missing`); // [EXPORT-6]
    const body = otlpLine(log, events);
    for (let waitMs = firstWaitMs; !ended.aborted; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      const answer = await send(collector, body, cut).catch((thrown: unknown) => {
        if (cut.aborted) return undefined;
        throw thrown;
      });
      if (answer === undefined) return false;
      if (answer.kind === 'taken') {
        const last = wires.at(-1);
        if (last !== undefined) position.move(from + wires.length, leafHash(nodePrimitives, last));
        const to = position.next - 1;
        if (answer.rejected > 0) throw rejectedBatch(from, to, answer);
        this.tellBack();
        if (this.parts.output.json) this.parts.output.result({ agent: toHex(log.agent), from, to }, []);
        return true;
      }
      this.tellAway(`the collector is away (${answer.why})`, answer.waitMs ?? waitMs);
      await this.wait(answer.waitMs ?? waitMs);
    }
    return false;
  }

  private tellAway(why: string, waitMs: number): void {
    if (!this.away) process.stderr.write(`holdfast: ${visible(why)}; trying again, first in ${duration(waitMs)}\n`);
    this.away = true;
  }

  private tellBack(): void {
    if (this.away) process.stderr.write('holdfast: the collector has what came meanwhile\n');
    this.away = false;
  }
}
