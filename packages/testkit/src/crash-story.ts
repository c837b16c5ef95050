// A fleet at work whose parts are killed, and all that must hold whenever one was: told by the service, by the record and by the operator.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { assertVerifies, consumedOnce, eventsOf, type RecordedEvent } from './caller.ts';
import { Installation } from './installation.ts';
import { startOrigin, type Origin } from './origin.ts';
import { intervene } from './strace.ts';

/** Does something once: `undefined` when it was acknowledged, else what was said instead. */
export type Step = () => Promise<string | undefined>;

export type Part = 'daemon' | 'custody' | 'relay';
export const partNames: readonly Part[] = ['daemon', 'custody', 'relay'];

/** When a part is killed: so long after a step was begun, or before the n-th call of a kind that one of its threads makes. */
export type Moment = { readonly afterMs: number } | { readonly call: string; readonly number: number };

/** All by which a part changes anything outside of itself: a file, a pipe, a connection. */
const outwardCalls = [
  'write',
  'writev',
  'sendto',
  'sendmsg',
  'connect',
  'pwrite64',
  'ftruncate',
  'fsync',
  'fdatasync',
  '?rename',
  '?unlink',
];

/** What one thread writes to wake another. */
const wakingAThread = String.raw`"\1\0\0\0\0\0\0\0", 8)`;

/** Asks for each path, all at once; resolves with the statuses, 0 for none. */
export async function askAll({ base, paths }: { base: string; paths: string[] }): Promise<number[]> {
  return Promise.all(
    paths.map((each) =>
      fetch(base + each).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  );
}

export class CrashStory {
  readonly holdfast: Installation;
  readonly origin: Origin;
  private asked = 0;
  private logs = 0;
  /** Everything that the record has shown once. */
  private recorded: readonly RecordedEvent[] = [];

  private constructor(holdfast: Installation, origin: Origin) {
    this.holdfast = holdfast;
    this.origin = origin;
  }

  static async begin(): Promise<CrashStory> {
    return new CrashStory(await Installation.create(), await startOrigin());
  }

  async end(): Promise<void> {
    await this.origin.close();
    await this.holdfast.remove();
  }

  get base(): string {
    return `https://localhost:${this.origin.port}`;
  }

  /** Paths that were never asked for before. */
  paths(count: number): string[] {
    return Array.from({ length: count }, () => `/v1/call-${(this.asked += 1)}`);
  }

  events(): Promise<readonly RecordedEvent[]> {
    return eventsOf(this.holdfast);
  }

  private get log(): string {
    return path.join(this.holdfast.folder, `calls-${(this.logs += 1)}`);
  }

  /** Every call that `part` makes for a step, undisturbed. */
  async momentsOf(part: Part, step: Step): Promise<{ readonly call: string; readonly number: number }[]> {
    const { log } = this;
    const pid = (await this.holdfast.parts())[part];
    const watching = await intervene(pid, { calls: outwardCalls, by: { error: 'EIO' }, when: '65535' }, log);
    assert.equal(await step(), undefined);
    await watching.end();
    const made = new Map<string, number>();
    return [...readFileSync(log, 'latin1').matchAll(/^(\d+) +(\w+)\((.*)$/gm)].flatMap(
      ([, thread = '', call = '', words = '']) => {
        const number = (made.get(`${thread} ${call}`) ?? 0) + 1;
        made.set(`${thread} ${call}`, number);
        return words.includes(wakingAThread) ? [] : { call, number };
      },
    );
  }

  /**
   * Does `step` while `part` is killed, then starts again, and does it again if it was not acknowledged: by hand only what a person would do.
   * A call that the part does not make this time kills it at the end of the step.
   */
  async crossed(part: Part, moment: Moment, step: Step): Promise<void> {
    const { holdfast } = this;
    const pid = (await holdfast.parts())[part];
    const ended = holdfast.ended();
    let instead: string | undefined;
    if ('call' in moment) {
      const { call, number } = moment;
      const armed = await intervene(pid, { calls: [call], by: { signal: 'SIGKILL' }, when: String(number) }, this.log);
      instead = await step();
      await armed.end();
      kill(pid);
    } else {
      const doing = step();
      await later(moment.afterMs);
      kill(pid);
      instead = await doing;
    }
    assert.equal(await ended, 3, 'start ends, and says that something is wrong');
    assert.match(holdfast.log, /; stopping/);
    await holdfast.start();
    if (instead !== undefined) assert.equal(await step(), undefined, 'the step can be done again');
  }

  /** All that must hold at any time. */
  async check(): Promise<void> {
    const events = await this.events();
    assert.deepEqual(events.slice(0, this.recorded.length), this.recorded, 'what was recorded stays');
    this.recorded = events;
    await assertVerifies(this.holdfast);
    const handles = new Map(
      events.flatMap(({ kind, handle, request }) => (kind === 'minted' ? [[request?.path ?? '', handle] as const] : [])),
    );
    const consumed = consumedOnce(events);
    const arrived = this.origin.seen.map(({ url }) => url);
    assert.equal(new Set(arrived).size, arrived.length, 'no call arrived twice');
    for (const url of arrived)
      assert.ok(consumed.includes(handles.get(url) ?? ''), `${url} arrived with a credential and is on record`);
  }
}

/** It may be gone already. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
