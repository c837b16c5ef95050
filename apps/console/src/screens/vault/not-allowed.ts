// What a grant does not allow, and what it leaves open, said from the very fence that is signed: beside the sentence that says what it does allow.

import { listed } from '@holdfast/protocol/codec/shown';
import type { Fence } from '@holdfast/protocol/vault/fence';
import { defaultMethods } from '@holdfast/protocol/vault/terms';

/** Each ends a sentence that begins with "It may not". */
export function notAllowed(fence: Fence, approve: boolean): readonly string[] {
  const { hosts, methods, paths, query, body, uses, bytes, concurrent, untilMs, hours, directories, repositories } = fence;
  const missing = defaultMethods.filter((method) => !methods.includes(method));
  return [
    ...(approve ? ['use it before you approved that very request'] : []),
    `call any host but ${listed(hosts.map(({ host }) => host))}, nor one below ${hosts.length === 1 ? 'it' : 'them'}`,
    ...(missing.length === 0 ? [] : [`send ${listed(missing, 'or')}`]),
    ...(paths.includes('/**') ? [] : ['call any other path there']),
    ...(query === undefined && body === undefined ? [] : ['say anything in a query or a body that is not named above']),
    ...(uses === undefined && bytes === undefined && concurrent === undefined ? [] : ['use it more, or more at once, than that']),
    ...(hours === undefined ? [] : ['use it at other hours']),
    ...(untilMs === undefined ? [] : ['use it after that']),
    ...(directories === undefined && repositories === undefined ? [] : ['use it from any other working tree']),
    'read the key itself, or hand it on',
  ];
}

/** What nobody limited: each is a choice, and is said as one. */
export function leftOpen({ uses, bytes, untilMs, hours, directories, repositories, methods, paths }: Fence): readonly string[] {
  const isWide = paths.includes('/**') && defaultMethods.every((method) => methods.includes(method));
  return [
    ...(isWide ? ['what it does there: any method, any path'] : []),
    ...(uses === undefined ? ['how often'] : []),
    ...(bytes === undefined ? ['how many bytes'] : []),
    ...(untilMs === undefined ? ['until when'] : []),
    ...(hours === undefined ? ['at which hours'] : []),
    ...(directories === undefined && repositories === undefined ? ['from which project'] : []),
  ];
}
