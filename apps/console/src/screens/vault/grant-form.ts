// What stands in the form of a grant, and the limits that are signed of it: every one that the command line has, read by the same readers
// (packages/protocol/src/vault/limits.ts), so that both mean the same by the same words.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Fence, FenceLimits } from '@holdfast/protocol/vault/fence';
import { withLimits } from '@holdfast/protocol/vault/fence';
import { limitsOf, shownLimits, type LimitOptions } from '@holdfast/protocol/vault/limits';

/** All as typed; lists one a line. Empty: no limit of the grant's own. */
export interface GrantForm {
  readonly approve: boolean;
  readonly approveWithin: string;
  readonly max: string;
  readonly total: string;
  readonly bytes: string;
  readonly bytesTotal: string;
  readonly concurrent: string;
  readonly until: string;
  readonly hours: string;
  readonly dir: string;
  readonly repo: string;
  readonly query: string;
  readonly bodyFormat: 'json' | 'form';
  readonly body: string;
  readonly pin: string;
}

export type LimitField = Exclude<keyof GrantForm, 'approve' | 'bodyFormat'>;

export const emptyGrantForm: GrantForm = {
  approve: false,
  approveWithin: '',
  ...{ max: '', total: '', bytes: '', bytesTotal: '', concurrent: '' },
  ...{ until: '', hours: '', dir: '', repo: '' },
  ...{ query: '', bodyFormat: 'json', body: '', pin: '' },
};

export const linesOf = (typed: string): readonly string[] =>
  typed.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));

/** Undefined for nothing, so that a limit is either there or not. */
const listOf = (typed: string): readonly string[] | undefined => {
  const lines = linesOf(typed);
  return lines.length === 0 ? undefined : lines;
};
const oneOf = (typed: string): string | undefined => (typed.trim() === '' ? undefined : typed.trim());

/** As they would be typed on a command line. */
function optionsOf(form: GrantForm): LimitOptions {
  const body = listOf(form.body);
  const given = {
    max: listOf(form.max),
    total: oneOf(form.total),
    bytes: listOf(form.bytes),
    bytesTotal: oneOf(form.bytesTotal),
    concurrent: oneOf(form.concurrent),
    until: oneOf(form.until),
    approveWithin: form.approve ? oneOf(form.approveWithin) : undefined,
    hours: listOf(form.hours),
    dir: listOf(form.dir),
    repo: listOf(form.repo),
    query: listOf(form.query),
    [form.bodyFormat === 'json' ? 'body' : 'form']: body,
    pin: listOf(form.pin),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Which fields are read together: one of them alone says nothing, or not what is meant. */
const together: Readonly<Record<LimitField, readonly (keyof LimitOptions)[]>> = {
  approveWithin: ['approveWithin'],
  max: ['max'],
  total: ['total'],
  bytes: ['bytes'],
  bytesTotal: ['bytesTotal'],
  concurrent: ['concurrent'],
  until: ['until'],
  hours: ['hours'],
  dir: ['dir'],
  repo: ['repo'],
  query: ['query'],
  body: ['body', 'form'],
  pin: ['pin'],
};

export type FieldErrors = { readonly [K in LimitField]?: string };

export type ReadForm =
  | { readonly kind: 'read'; readonly limits: FenceLimits; readonly fence: Fence }
  | { readonly kind: 'wrong'; readonly errors: FieldErrors; readonly error: string | undefined };

/** The very fence that is signed: the credential's own with what stands in the form. */
export function readGrantForm(within: Fence, form: GrantForm, nowMs: number): ReadForm {
  const options = optionsOf(form);
  try {
    const limits = limitsOf(options, nowMs);
    return { kind: 'read', limits, fence: withLimits(within, limits) };
  } catch (thrown) {
    const errors = Object.fromEntries(
      (Object.keys(together) as LimitField[]).flatMap((field) => {
        const own = Object.fromEntries(together[field].flatMap((key) => (key in options ? [[key, options[key]]] : [])));
        const wrong = faultOf(() => limitsOf(own, nowMs));
        return wrong === undefined ? [] : [[field, wrong]];
      }),
    );
    const isTold = Object.keys(errors).length > 0;
    return { kind: 'wrong', errors, error: isTold ? undefined : sentenceOf(thrown) };
  }
}

function faultOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (thrown) {
    return sentenceOf(thrown);
  }
}

/** What is wrong, and what would be right. */
export function sentenceOf(thrown: unknown): string {
  if (!(thrown instanceof HoldfastError)) return 'This cannot be read.';
  // the command line's words for an option say nothing here
  const plain = thrown.message.replaceAll(/(?:HoldfastError: )?--[a-z-]+[^:]*: /g, '');
  const message = plain.charAt(0).toUpperCase() + plain.slice(1);
  const next = thrown.next?.replaceAll(/--[a-z-]+ /g, '');
  return next === undefined ? `${message}.` : `${message}: ${next}.`;
}

/** The form that would make these limits, to begin with. */
export function formOf(fence: FenceLimits, approve: boolean): GrantForm {
  const shown = shownLimits(fence);
  const lines = (list: readonly string[] | undefined): string => (list ?? []).join('\n');
  return {
    approve,
    approveWithin: shown.approveWithin === undefined ? '' : withUnit(shown.approveWithin),
    max: lines(shown.max),
    total: shown.total === undefined ? '' : String(shown.total),
    bytes: lines(shown.bytes),
    bytesTotal: shown.bytesTotal ?? '',
    concurrent: shown.concurrent === undefined ? '' : String(shown.concurrent),
    until: shown.untilMs === undefined ? '' : new Date(shown.untilMs).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    hours: lines(shown.hours),
    dir: lines(shown.dir),
    repo: lines(shown.repo),
    query: lines(shown.query?.map(asName)),
    bodyFormat: shown.form === undefined ? 'json' : 'form',
    body: lines(shown.body ?? shown.form?.map(asName)),
    pin: lines(shown.pin),
  };
}

/** A span of one is shown without its number. */
const withUnit = (text: string): string => (/^[0-9]/.test(text) ? text : `1${text}`);

/** Parameters are typed by their names, and shown by pointers. */
function asName(shown: string): string {
  const [, name = '', rest = ''] = /^\/([^<=>?#]*)(.*)$/s.exec(shown) ?? [];
  return name.replaceAll('~1', '/').replaceAll('~0', '~') + rest;
}
