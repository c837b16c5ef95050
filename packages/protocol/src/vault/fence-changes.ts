// What one fence allows that another does not, field by field, for whoever decides between them. Where a field can't be compared in one way it is told
// as another, never as a narrower one.

import { toHex } from '../codec/bytes.ts';
import { fenceFields, type Fence, type FenceField } from './fence.ts';
import { fenceParts, type Reader } from './sentence.ts';

export type Direction = 'narrower' | 'wider' | 'other';

export interface FenceChange {
  readonly of: FenceField;
  readonly direction: Direction;
  /** In words; undefined: there is no such limit. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface FenceChanges {
  /** Of all of them together; undefined: they are the same. */
  readonly direction: Direction | undefined;
  readonly changes: readonly FenceChange[];
}

/** Fields of which one that is there takes away what could be done without it. */
const limiting: ReadonlySet<FenceField> = new Set<FenceField>([
  'query',
  'body',
  'uses',
  'bytes',
  'concurrent',
  'untilMs',
  'hours',
  'directories',
  'repositories',
  'pins',
]);
/** Lists of which one member is enough. */
const choices: ReadonlySet<FenceField> = new Set<FenceField>([
  'hosts',
  'methods',
  'paths',
  'hours',
  'directories',
  'repositories',
  'pins',
]);

export function fenceChanges(before: Fence, after: Fence, reader: Reader = {}): FenceChanges {
  const [was, is] = [before, after].map(
    (fence) => new Map<string, string>(fenceParts(fence, reader).map(({ of, text }) => [of, text])),
  );
  const changes = fenceFields.flatMap((of): FenceChange[] =>
    of === 'v' || isSame(of, before[of], after[of])
      ? []
      : [{ of, direction: directionOf(of, before[of], after[of]), before: was?.get(of), after: is?.get(of) }],
  );
  const directions = new Set(changes.map(({ direction }) => direction));
  const [only, another] = directions;
  return { direction: another === undefined ? only : 'other', changes };
}

/** The same for the same, whatever the order of its keys. */
const written = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array
      ? toHex(each)
      : each !== null && typeof each === 'object' && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)))
        : each,
  ) ?? '';

const members = (list: readonly unknown[]): ReadonlySet<string> => new Set(list.map(written));

const isWithin = (some: ReadonlySet<string>, all: ReadonlySet<string>): boolean => [...some].every((each) => all.has(each));

function isSame(of: FenceField, before: unknown, after: unknown): boolean {
  if (!choices.has(of) || !Array.isArray(before) || !Array.isArray(after)) return written(before) === written(after);
  const [was, is] = [members(before), members(after)];
  return was.size === is.size && isWithin(is, was);
}

function directionOf(of: FenceField, before: unknown, after: unknown): Direction {
  if (limiting.has(of) && before === undefined) return 'narrower';
  if (limiting.has(of) && after === undefined) return 'wider';
  if (of === 'allowPrivate') return after === true ? 'wider' : 'narrower';
  if (typeof before === 'number' && typeof after === 'number' && of !== 'approveWithinMs')
    return after < before ? 'narrower' : 'wider';
  if (!choices.has(of) || !Array.isArray(before) || !Array.isArray(after)) return 'other';
  const [was, is] = [members(before), members(after)];
  if (isWithin(is, was)) return 'narrower';
  return isWithin(was, is) ? 'wider' : 'other';
}
