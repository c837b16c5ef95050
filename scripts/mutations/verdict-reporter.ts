// The reporter of the tests that run with a control switched off: one line of JSON for each test that ended, no prose.

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** How one test ended. */
export interface Ending {
  readonly name: string;
  /** `file`: the file as a whole failed, so no test of it said anything. */
  readonly how: 'passed' | 'failed' | 'skipped' | 'timed out' | 'file';
  /** What it failed with, the beginning of it on one line. */
  readonly why: string;
  /** Of the error: `AssertionError`, `SyntaxError`. */
  readonly kind: string;
}

/** @public Node imports it by its name. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const ending = endingOf(event);
    if (ending !== undefined) yield `${JSON.stringify(ending)}\n`;
  }
}

function endingOf(event: TestEvent): Ending | undefined {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { name, nesting, file = '', details, skip, todo } = event.data;
  const ended = (how: Ending['how'], error?: unknown): Ending => ({ name, how, why: lineOf(error), kind: kindOf(error) });
  if (nesting === 0 && (name === file || name === relative(process.cwd(), file)))
    return ended('file', event.type === 'test:fail' ? event.data.details.error : 'it holds no such test');
  const excuse = skip ?? todo;
  if (excuse !== undefined && excuse !== false) return ended('skipped', excuse);
  if (event.type === 'test:pass') return details.type === 'suite' ? undefined : ended('passed');
  const { error } = event.data.details;
  const type = 'failureType' in error ? error.failureType : undefined;
  // A parent that failed only through its children has nothing of its own to tell.
  if (type === 'subtestsFailed') return undefined;
  return ended(type === 'testTimeoutFailure' || type === 'cancelledByParent' ? 'timed out' : 'failed', error.cause ?? error);
}

const maxChars = 200;

function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, maxChars);
}

/** A property of fast-check fails with an error of its own, whose cause is what the property said. */
function kindOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause)
    if ('code' in each && each.code === 'ERR_ASSERTION') return 'AssertionError';
  return error instanceof Error ? error.name : '';
}
