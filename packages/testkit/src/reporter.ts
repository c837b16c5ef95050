// The reporter of our test runner (scripts/test.ts). Quiet about what passes, complete about what fails, loud about what is
// skipped. It counts a test once, and refuses what Node would let pass in silence: a file without tests, a file whose process
// ended before its tests did, a skip without a reason.

import { inspect } from 'node:util';
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0 };
}

export function addTally(to: Tally, from: Tally): void {
  to.passed += from.passed;
  to.failed += from.failed;
  to.skipped += from.skipped;
}

/** The line that scripts read: nothing but it stands on the last line of a run. */
export function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;
}

/** What a failed file wrote is worth reading; how much of it is kept, from the end. */
const maxOutputChars = 20_000;

interface FileState {
  /** Tests announced and not yet finished, by id. */
  readonly open: Map<number, string>;
  output: string;
  tests: number;
  failed: boolean;
}

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>;

/**
 * Yields text for the terminal while the events come in; counts into `tally`, and notes in `tookMs` how long each file ran; both are the caller's. With
 * `telling`, also what tests say of what they have seen (`t.diagnostic`).
 */
export async function* report(
  events: AsyncIterable<TestEvent>,
  tally: Tally,
  { tookMs = new Map<string, number>(), telling = false }: { tookMs?: Map<string, number>; telling?: boolean } = {},
): AsyncGenerator<string> {
  const files = new Map<string, FileState>();
  const stateOf = (file: string): FileState => {
    const known = files.get(file);
    if (known !== undefined) return known;
    const fresh: FileState = { open: new Map(), output: '', tests: 0, failed: false };
    files.set(file, fresh);
    return fresh;
  };

  for await (const event of events) {
    switch (event.type) {
      case 'test:stdout':
      case 'test:stderr': {
        const state = stateOf(event.data.file);
        state.output = (state.output + event.data.message).slice(-maxOutputChars);
        break;
      }
      case 'test:diagnostic':
        if (telling && event.data.file !== undefined) yield `TOLD    ${place(fileOf(event.data))}  ${event.data.message}\n`;
        break;
      case 'test:enqueue': {
        const { file, name, nesting } = event.data;
        const id = idOf(event.data);
        if (file !== undefined && id !== undefined && !isFileItself(name, nesting, file))
          stateOf(fileOf(event.data)).open.set(id, name);
        break;
      }
      case 'test:pass':
      case 'test:fail': {
        const file = fileOf(event.data);
        const state = stateOf(file);
        if (isFileItself(event.data.name, event.data.nesting, file)) {
          yield* endFile(event, file, state, tally);
        } else {
          const id = idOf(event.data);
          if (id !== undefined) state.open.delete(id);
          yield* endTest(event, file, state, tally);
        }
        break;
      }
      case 'test:summary':
        if (event.data.file !== undefined) {
          tookMs.set(place(fileOf(event.data)), event.data.duration_ms);
          yield* closeFile(fileOf(event.data), stateOf(fileOf(event.data)), tally);
        }
        break;
      default:
    }
  }
  // A process that ends itself with exit 0 sends no summary.
  for (const [file, state] of files) yield* closeFile(file, state, tally);
}

function* endTest(event: Ended, file: string, state: FileState, tally: Tally): Generator<string> {
  const { data } = event;
  const where = `${place(file, data.line)}  ${data.name}`;
  const error = event.type === 'test:fail' ? event.data.details.error : undefined;
  // A parent that failed only through its children has nothing of its own to tell; Node names that case.
  const echo = error !== undefined && 'failureType' in error && error.failureType === 'subtestsFailed';
  if (event.data.details.type === 'suite') {
    if (event.type === 'test:fail' && !echo) {
      tally.failed += 1;
      state.failed = true;
      yield `FAILED  ${where}\n${indent(textOf(error))}\n`;
    }
    return;
  }
  state.tests += 1;
  const excuse = data.skip ?? data.todo;
  if (excuse !== undefined && excuse !== false) {
    if (typeof excuse === 'string' && excuse !== '') {
      tally.skipped += 1;
      yield `SKIPPED ${where}: ${excuse}\n`;
    } else {
      tally.failed += 1;
      state.failed = true;
      yield `FAILED  ${where}\n    skipped without a reason\n`;
    }
  } else if (event.type === 'test:pass') {
    tally.passed += 1;
  } else {
    tally.failed += 1;
    state.failed = true;
    if (!echo) yield `FAILED  ${where}\n${indent(textOf(error))}\n`;
  }
}

/** Node reports a file as a test of its own when it held no test, could not load, or its process ended badly. */
function* endFile(event: Ended, file: string, state: FileState, tally: Tally): Generator<string> {
  tally.failed += 1;
  state.failed = true;
  const why = event.type === 'test:pass' ? 'holds no tests' : `failed as a whole: ${exitOf(event)}`;
  yield `FAILED  ${place(file)}  the file ${why}\n`;
  yield* closeFile(file, state, tally);
}

/** The file's process is gone: what it announced and never finished has failed, and what it wrote helps if anything failed. */
function* closeFile(file: string, state: FileState, tally: Tally): Generator<string> {
  for (const name of state.open.values()) {
    tally.failed += 1;
    state.failed = true;
    yield `FAILED  ${place(file)}  ${name}\n    the file's process ended before this test did\n`;
  }
  state.open.clear();
  if (state.failed && state.output !== '') yield `    what ${place(file)} wrote:\n${indent(state.output)}\n`;
  state.output = '';
}

function exitOf(event: Ended): string {
  if (event.type === 'test:pass') return 'exit 0';
  const { error } = event.data.details;
  const { exitCode, signal } = error as { exitCode?: number | null; signal?: string | null };
  if (typeof signal === 'string') return `killed by ${signal}`;
  return typeof exitCode === 'number' ? `exit ${exitCode}` : error.message;
}

function isFileItself(name: string, nesting: number, file: string): boolean {
  return nesting === 0 && (name === file || name === relative(process.cwd(), file));
}

/** Events carry the id and the file that was run; the published types of Node 24 lack both. */
function idOf(data: object): number | undefined {
  return 'testId' in data && typeof data.testId === 'number' ? data.testId : undefined;
}

function fileOf(data: { readonly file?: string | undefined }): string {
  if ('entryFile' in data && typeof data.entryFile === 'string') return data.entryFile;
  return data.file ?? '';
}

function place(file: string, line?: number): string {
  const path = relative(process.cwd(), file);
  return line === undefined ? path : `${path}:${line}`;
}

function textOf(error: (Error & { cause?: unknown }) | undefined): string {
  const cause = error?.cause ?? error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6, breakLength: 120 });
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ');
}
