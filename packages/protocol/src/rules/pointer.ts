// JSON pointers into a call's input, spec/rules.md: as RFC 6901, where `*` stands for any one key or index and `**` for any number of them.

import type { Json } from './call.ts';
import type { Scalar } from './rule.ts';
import type { CallView } from './view.ts';

const unescaped = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~');

/** All scalars at the pointer. The input's depth is bounded by the view. */
export function pointerValues(view: CallView, pointer: string): readonly Scalar[] {
  if (pointer === '/**') return view.leaves.map(({ value }) => value);
  if (view.leaves.length === 0) return [];
  const tokens = pointer.slice(1).split('/').map(unescaped);
  let reached = new Set<Json>([view.call.input]);
  for (const token of tokens) {
    const next = new Set<Json>();
    for (const value of reached) {
      if (token === '**') for (const each of withAllBelow(value)) next.add(each);
      else for (const each of childrenOf(value, token)) next.add(each);
    }
    reached = next;
  }
  return [...reached].filter((value): value is Scalar => value === null || typeof value !== 'object');
}

function childrenOf(value: Json, token: string): readonly Json[] {
  if (value === null || typeof value !== 'object') return [];
  if (token === '*') return Object.values(value);
  const child = Object.hasOwn(value, token) ? (value as Readonly<Record<string, Json>>)[token] : undefined;
  return child === undefined ? [] : [child];
}

function withAllBelow(value: Json): readonly Json[] {
  const all: Json[] = [value];
  for (let index = 0; index < all.length; index += 1) {
    const each = all[index];
    if (each !== null && typeof each === 'object') all.push(...Object.values(each));
  }
  return all;
}

/** A copy with the value at the pointer replaced; undefined where there is no such place. */
export function withValueAt(input: Json, pointer: string, value: Scalar): Json | undefined {
  const [first, ...rest] = pointer.slice(1).split('/').map(unescaped);
  return first === undefined ? undefined : replaced(input, first, rest, value);
}

function replaced(input: Json, key: string, rest: readonly string[], value: Scalar): Json | undefined {
  if (input === null || typeof input !== 'object') return undefined;
  const [next, ...below] = rest;
  if (Array.isArray(input)) {
    const index = /^(?:0|[1-9][0-9]*)$/.test(key) ? Number(key) : -1;
    const items = input as readonly Json[];
    if (index < 0 || index >= items.length) return undefined;
    const item = next === undefined ? value : replaced(items[index] ?? null, next, below, value);
    return item === undefined ? undefined : items.with(index, item);
  }
  const fields = input as Readonly<Record<string, Json>>;
  if (next === undefined) return { ...fields, [key]: value };
  const field = Object.hasOwn(fields, key) ? replaced(fields[key] ?? null, next, below, value) : undefined;
  return field === undefined ? undefined : { ...fields, [key]: field };
}
