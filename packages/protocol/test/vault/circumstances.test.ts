// When and where a credential may be used: over the days on which clocks change, and in trees that are named almost alike.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import {
  bytesText,
  byteWindowText,
  hoursText,
  parseApproveWithin,
  parseBytes,
  parseConcurrent,
  parseDirectories,
  parseHours,
  parseRepositories,
  parseUses,
  windowText,
} from '@holdfast/protocol/vault/circumstance-terms';
import { assertCircumstances } from '@holdfast/protocol/vault/circumstances';

const usage = (act: () => unknown): void => assert.throws(act, (thrown) => codeOf(thrown) === 'usage');
const outcome = (
  limits: Parameters<typeof assertCircumstances>[0],
  change: Partial<Parameters<typeof assertCircumstances>[1]>,
) => {
  try {
    assertCircumstances(limits, { nowMs: 0, directory: undefined, repository: undefined, ...change });
    return 'ok';
  } catch (thrown) {
    return codeOf(thrown);
  }
};

describe('hours', () => {
  // [FENCE-33]
  const at = (typed: string, moments: Readonly<Record<string, 'ok' | ErrorCode>>): void => {
    for (const [moment, expected] of Object.entries(moments))
      assert.equal(outcome({ hours: parseHours([typed]) }, { nowMs: Date.parse(moment) }), expected, `${typed} at ${moment}`);
  };
  it('hold their beginning and not their end, in the zone of the fence', () => {
    at('09:00-18:00 Europe/Berlin Mon-Fri', {
      '2026-01-05T07:59:59Z': 'fence_time',
      '2026-01-05T08:00:00Z': 'ok',
      '2026-01-05T16:59:59Z': 'ok',
      '2026-01-05T17:00:00Z': 'fence_time',
      '2026-01-10T10:00:00Z': 'fence_time',
      '2026-07-06T07:00:00Z': 'ok',
      '2026-07-06T16:00:00Z': 'fence_time',
    });
  });
  it('follow the clocks of the zone on the days on which they change', () => {
    // 29 March: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
    at('02:00-03:00 Europe/Berlin', {
      '2026-03-29T00:59:59Z': 'fence_time',
      '2026-03-29T01:00:00Z': 'fence_time',
      '2026-10-25T00:00:00Z': 'ok',
      '2026-10-25T01:00:00Z': 'ok',
      '2026-10-25T02:00:00Z': 'fence_time',
    });
    at('09:00-18:00 Europe/Berlin', {
      '2026-03-28T07:30:00Z': 'fence_time',
      '2026-03-29T07:30:00Z': 'ok',
      '2026-10-25T07:30:00Z': 'fence_time',
    });
    at('00:00-24:00 Asia/Kathmandu Sun', { '2026-01-03T18:14:59Z': 'fence_time', '2026-01-03T18:15:00Z': 'ok' });
  });
  it('over midnight belong to the day on which they begin', () => {
    at('22:00-06:00 UTC Fri', {
      '2026-01-02T21:59:00Z': 'fence_time',
      '2026-01-02T22:00:00Z': 'ok',
      '2026-01-03T05:59:00Z': 'ok',
      '2026-01-03T06:00:00Z': 'fence_time',
      '2026-01-03T22:00:00Z': 'fence_time',
    });
  });
  it('of a zone that nobody knows are never open', () => {
    const hours = [{ days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1440, zone: 'Mars/Olympus' }];
    assert.equal(outcome({ hours }, { nowMs: 1_790_000_000_000 }), 'fence_time');
  });
  it('are one of several', () => {
    const hours = parseHours(['09:00-12:00 UTC', '13:00-18:00 UTC']);
    const told = [8, 9, 12, 13, 18].map((hour) => outcome({ hours }, { nowMs: hour * 3_600_000 }));
    assert.deepEqual(told, ['fence_time', 'ok', 'fence_time', 'ok', 'fence_time']);
  });
});

describe('places', () => {
  // [FENCE-34]
  it('are the folder and what lies below it, by its real path', () => {
    const directories = parseDirectories(['/home/me/src/app', '/srv/b']);
    for (const directory of ['/home/me/src/app', '/home/me/src/app/sub', '/srv/b'])
      assert.equal(outcome({ directories }, { directory }), 'ok');
    for (const directory of [
      undefined,
      '/',
      '/home/me/src',
      '/home/me/src/app2',
      '/home/me/src/App',
      '/home/me/src/ap',
      '/srv',
      '/x/home/me/src/app',
    ])
      assert.equal(outcome({ directories }, { directory }), 'fence_place', directory);
  });
  // [FENCE-35]
  it('are the working trees of a repository', () => {
    const repositories = parseRepositories(['github.com/me/app']);
    assert.equal(outcome({ repositories }, { repository: 'github.com/me/app' }), 'ok');
    for (const repository of [
      undefined,
      'github.com/me/app2',
      'github.com/me',
      'github.com.evil.example/me/app',
      'gitlab.com/me/app',
    ])
      assert.equal(outcome({ repositories }, { repository }), 'fence_place', repository);
    assert.equal(
      outcome({ repositories, directories: ['/a'] }, { repository: 'github.com/me/app', directory: '/b' }),
      'fence_place',
      'both must hold',
    );
  });
});

describe('a last moment', () => {
  // [FENCE-30]
  it('is still inside', () => {
    assert.deepEqual(
      [
        outcome({ untilMs: 10 }, { nowMs: 10 }),
        outcome({ untilMs: 10 }, { nowMs: 11 }),
        outcome({ untilMs: 10 }, { nowMs: Number.NaN }),
      ],
      ['ok', 'fence_time', 'fence_time'],
    );
  });
});

describe('what a person types', () => {
  // [CLI-41]
  it('is read in any order and shown in one', () => {
    for (const typed of [
      '09:00-18:00 Europe/Berlin Mon-Fri',
      'Mon-Fri 09:00-18:00 Europe/Berlin',
      'Europe/Berlin 09:00-18:00 Mon,Tue-Thu,Fri',
    ])
      assert.deepEqual(parseHours([typed]).map(hoursText), ['09:00-18:00 Europe/Berlin mon,tue,wed,thu,fri']);
    assert.deepEqual(parseHours(['00:00-24:00 UTC']).map(hoursText), ['00:00-24:00 UTC']);
    const { windows, total } = parseUses(['20/h', '3/10m', '100/7d', '1/s'], '500');
    assert.deepEqual([parseConcurrent('1'), parseConcurrent('1024')], [1, 1024]);
    assert.deepEqual([windows.map(windowText), total], [['20/h', '3/10m', '100/7d', '1/s'], 500]);
    const bytes = parseBytes(['50MB/d', '1GiB/12h', '512KB/m', '1000B/s'], '2000GB');
    assert.deepEqual([parseApproveWithin('30s'), parseApproveWithin('9m')], [30_000, 540_000]);
    for (const typed of ['0s', '10m', '1h', 's', '-1s']) usage(() => parseApproveWithin(typed));
    assert.deepEqual(parseBytes(['512kB/m'], '1kB'), parseBytes(['512KB/m'], '1KB'));
    assert.deepEqual(bytes.windows[0], { max: 50_000_000, windowMs: 86_400_000 });
    assert.deepEqual(bytes.windows.map(byteWindowText), ['50MB/d', '1GiB/12h', '512KB/m', '1KB/s']);
    assert.deepEqual([bytes.total, bytesText(2e12), bytesText(1023), bytesText(1.5e9)], [2e12, '2TB', '1023B', '1500MB']);
  });
  it('is refused where it could be meant otherwise', () => {
    for (const typed of [
      '',
      '09:00-18:00',
      'Europe/Berlin',
      '9-18 UTC',
      '09:00-18:00 Mars/Olympus',
      '09:00-18:00 UTC UTC',
      '09:00-25:00 UTC',
      '24:00-01:00 UTC',
      '09:00-18:00 UTC Mon-Foo',
      '09:00-18:00 UTC Mon-Wed-Fri',
      '09:00 UTC',
      '09:00-12:00-18:00 UTC',
      '09:00-18:00 UTC Mon Tue',
    ])
      usage(() => parseHours([typed]));
    for (const typed of ['20', '20/', '20/h/d', '0/h', '20/0h', '20/60d', '-1/h', '20/y', '20000/h'])
      usage(() => parseUses([typed], undefined));
    for (const total of ['0', '-1', '1e3', '', '1.5']) usage(() => parseUses([], total));
    usage(() => parseUses(['1/h', '2/h'], undefined));
    for (const typed of ['50/d', '50mb/d', '0MB/d', '1.5GB/d', '50MB', '50 MB/d', '50MB/d/d', '50iB/d', '50MB/32d', '1001TB/d'])
      usage(() => parseBytes([typed], undefined));
    for (const total of ['0B', '-1B', '1', '', '1.5GB', '1001TB', '999999999999999TiB']) usage(() => parseBytes([], total));
    usage(() => parseBytes(['1MB/h', '2MB/h'], undefined));
    for (const typed of ['0', '1025', '-1', '1.5', '1e2', ' 4', '']) usage(() => parseConcurrent(typed));
    for (const typed of ['src', '/', '/a/../b']) usage(() => parseDirectories([typed]));
    for (const typed of ['app', 'https://github.com/me/app', 'github.com/me/app ']) usage(() => parseRepositories([typed]));
  });
});
