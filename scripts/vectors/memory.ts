// node scripts/vectors/memory.ts: vectors of spec/memory-search.md. The terms are written by hand, each list for one property.

import { writeVectors } from './write.ts';

type Row = readonly [name: string, clause: string, text: string, terms: string];

const rows: readonly Row[] = [
  ['nothing', 'RECALL-1', '', ''],
  ['nothing but marks', 'RECALL-1', ' … ¿? — !!', ''],
  ['full-width letters', 'RECALL-1', 'ＡＢＣ', 'abc'],
  ['accents', 'RECALL-1', 'café naïve', 'cafe naiv'],
  ['a term of 70 letters', 'RECALL-1', 'ж'.repeat(70), 'ж'.repeat(64)],
  ['joiners at the ends', 'RECALL-2', '.env -x- "quoted"', 'env x quot'],
  ['languages with marks', 'RECALL-2', 'C++ C# F# total# x++', 'c++ c# f# total x'],
  ['camel case', 'RECALL-3', 'maxRetryCount', 'maxretrycount max retri count'],
  ['snake case', 'RECALL-3', 'max_retry_count', 'maxretrycount max retri count'],
  ['kebab case', 'RECALL-3', 'max-retry-count', 'maxretrycount max retri count'],
  ['several upper-case letters', 'RECALL-3', 'HTTPServer', 'httpserver http server'],
  ['an error code', 'RECALL-3', 'ERR_MODULE_NOT_FOUND', 'errmodulenotfound err modul not found'],
  ['letters and numbers', 'RECALL-3', 'TS2345 sha256 p99', 'ts2345 ts 2345 sha256 sha 256 p99 99'],
  ['a commit', 'RECALL-3', 'A1B2C3D4E5', 'a1b2c3d4e5 a1b2c3d'],
  ['seven digits without a letter', 'RECALL-3', '1234567', '1234567'],
  ['a path', 'RECALL-4', 'src/auth/session.ts', 'src/auth/session.ts auth/session.ts src auth session.ts session ts'],
  ['a path of another system', 'RECALL-4', 'src\\auth.rs', 'src/auth.rs src auth.rs auth rs'],
  ['a path that goes up', 'RECALL-4', '../lib/x', 'lib/x lib x'],
  ['nine segments', 'RECALL-4', 'a0/b0/c0/d0/e0/f0/g0/h0/i0', ''],
  ['a dotted name', 'RECALL-5', 'retry.max', 'retry.max retri max'],
  ['a name with colons', 'RECALL-5', 'std::vec', 'std.vec std vec'],
  ['a version', 'RECALL-5', 'v24.21.0', '24 24.21 24.21.0'],
  ['a version with more', 'RECALL-5', '1.2.0-beta', '1 1.2 1.2.0 beta'],
  ['a day', 'RECALL-5', '2026-03-14', '2026 2026-03 2026-03-14 march'],
  ['a month', 'RECALL-5', '2026-03', '2026 2026-03 march'],
  ['no month', 'RECALL-5', '2026-13', '202613 2026 13'],
  ['words that tell nothing', 'RECALL-6', 'What is the name of it', 'name'],
  ['negation', 'RECALL-6', 'never without none', 'not not not'],
  ['contracted negation', 'RECALL-6', "don't can’t", 'not not'],
  ['contractions', 'RECALL-6', "Marek's we're", 'marek'],
  ['case beyond ASCII', 'RECALL-6', 'Straße ΟΔΟΣ', 'strass οδοσ'],
  ['writing without spaces', 'RECALL-6', '検索機能', '検索 索機 機能'],
  ['one sign', 'RECALL-6', '索', '索'],
  ['stems', 'RECALL-7', 'migrations migrating migrate', 'migrat migrat migrat'],
  [
    'stems by every step',
    'RECALL-7',
    'ponies agreed hopping relational triplicate adjustment controlling',
    'poni agre hop relat triplic adjust control',
  ],
  ['no stem of two letters', 'RECALL-7', 'ts es', 'ts es'],
  ['no stem beyond a to z', 'RECALL-7', 'книги', 'книги'],
];

const nine = 'b0 c0 d0 e0 f0 g0 h0 i0'.split(' ');
const ends = nine.slice(0, -1).map((_, from) => nine.slice(from).join('/'));

writeVectors(
  'memory/terms',
  'Texts and the terms that they are searched by, in their order.',
  rows.map(([name, clause, text, terms]) => ({
    name,
    clause,
    expect: 'ok',
    text,
    terms: name === 'nine segments' ? [...ends, 'a0', ...nine] : terms.split(' ').filter((term) => term !== ''),
  })),
);

const now = '2026-11-30';
const spans: readonly (readonly [
  name: string,
  clause: string,
  query: string,
  spans: readonly (readonly [string, string])[],
  wants?: string,
])[] = [
  ['no time', 'RECALL-13', 'we may march on', []],
  ['a day', 'RECALL-13', 'on 2026-03-14', [['2026-03-14', '2026-03-15']]],
  ['no day', 'RECALL-13', 'the 2026-02-30', []],
  ['a month in numbers', 'RECALL-13', 'deploys of 2026-02', [['2026-02-01', '2026-03-01']]],
  ['a month by name', 'RECALL-13', 'in December', [['2025-12-01', '2026-01-01']]],
  ['a month of a year', 'RECALL-13', 'March 2024', [['2024-03-01', '2024-04-01']]],
  ['a day by name', 'RECALL-13', 'the 29th of February 2024', [['2024-02-29', '2024-03-01']]],
  ['a day by name that is to come', 'RECALL-13', 'Dec 24', [['2025-12-24', '2025-12-25']]],
  ['a quarter', 'RECALL-13', 'Q2', [['2026-04-01', '2026-07-01']]],
  ['a year', 'RECALL-13', 'in 2025', [['2025-01-01', '2026-01-01']]],
  ['yesterday', 'RECALL-13', 'what broke yesterday', [['2026-11-29', '2026-11-30']]],
  ['weeks ago', 'RECALL-13', 'two weeks ago', [['2026-11-12', '2026-11-21']]],
  ['the last days', 'RECALL-13', 'last 10 days', [['2026-11-20', '2026-12-01']]],
  ['last month', 'RECALL-13', 'last month', [['2026-10-01', '2026-11-01']]],
  ['this week', 'RECALL-13', 'this week', [['2026-11-30', '2026-12-07']]],
  ['last quarter', 'RECALL-13', 'last quarter', [['2026-07-01', '2026-10-01']]],
  ['a weekday', 'RECALL-13', 'on Friday', [['2026-11-27', '2026-11-28']]],
  ['since', 'RECALL-13', 'since May', [['2026-05-01', '2026-12-01']]],
  ['after', 'RECALL-13', 'after May 2026', [['2026-06-01', '2026-12-01']]],
  ['before', 'RECALL-13', 'before the 2026-05-03', [['-', '2026-05-03']]],
  ['the newest', 'RECALL-14', 'current database', [], 'newest'],
  ['the oldest', 'RECALL-14', 'what did we originally use', [], 'oldest'],
];
writeVectors(
  'memory/times',
  `What queries say of time, where now is noon of ${now}: days, the second of each not part of the span; - is no bound.`,
  spans.map(([name, clause, text, days, wants]) => ({ name, clause, expect: 'ok', text, now, spans: days, wants: wants ?? '' })),
);
