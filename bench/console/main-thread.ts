// What the main thread of a page did: each task over 50 ms as the page's own observer tells it, and, of the longest tasks, the processor's time alone, by
// the browser's trace: a busy machine makes every task look long.

import type { Visitor } from '@holdfast/testkit/browser';

type Page = Visitor['page'];

/** A task longer than this is felt. */
const longMs = 50;

export interface Tasks {
  /** Over 50 ms on the clock. */
  readonly long: number;
  readonly longestMs: number;
  /** Over 50 ms of the processor's time. */
  readonly longOnProcessor: number;
  readonly longestOnProcessorMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** While `work` goes on. */
export async function tasksOf(page: Page, work: () => Promise<void>): Promise<Tasks> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  await page.evaluate(`globalThis.longTasks = [];
    globalThis.longTaskObserver?.disconnect();
    globalThis.longTaskObserver = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)));
    longTaskObserver.observe({ type: 'longtask' });`);
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', '__metadata'] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const long = await page.evaluate<number[]>('longTasks');
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const mains = new Set(threads.map(({ pid, tid }) => `${pid}/${tid}`));
  const tasks = traceEvents.filter(({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && mains.has(`${pid}/${tid}`));
  const onProcessor = tasks.map(({ tdur = 0 }) => tdur / 1000);
  const longest = (all: readonly number[]): number => Math.round(all.reduce((most, each) => Math.max(most, each), 0));
  return {
    long: long.length,
    longestMs: longest(long),
    longOnProcessor: onProcessor.filter((ms) => ms > longMs).length,
    longestOnProcessorMs: longest(onProcessor),
  };
}

/** Elements of the whole page. */
export const nodesOf = (page: Page): Promise<number> => page.evaluate<number>(`document.getElementsByTagName('*').length`);
