// `holdfast pulse --every`: on and on, until it is ended or the history does not hold; then its key is overwritten. [CLI-21] [OPKEY-5]

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { everyMs, renewEvery } from '../src/commands/pulse.ts';

test('times are whole minutes or hours, one minute at least', () => {
  assert.deepEqual(['1m', '30m', '1h', '12h'].map(everyMs), [60_000, 1_800_000, 3_600_000, 43_200_000]);
  for (const typed of ['', '0m', '30s', '59s', '1', '1d', '-1m', '1.5h', '01h', ' 1h', '1h ', '999999h'])
    assert.throws(() => everyMs(typed), { code: 'usage' }, typed);
});

/** Plays renewals one after the other, each as its code says; ends after the last. */
async function play(outcomes: readonly (ErrorCode | 'done')[]) {
  const told: string[] = [];
  const ended = new AbortController();
  const left = [...outcomes];
  const finished = await renewEvery(3_600_000, ended.signal, {
    renew: () => {
      const outcome = left.shift();
      if (left.length === 0) ended.abort();
      if (outcome === undefined || outcome === 'done') return Promise.resolve(void told.push('pulse'));
      return Promise.reject(new HoldfastError(outcome, 'played'));
    },
    wait: (ms) => Promise.resolve(void told.push(`wait ${ms}`)),
    away: () => void told.push('away'),
    back: () => void told.push('back'),
    wipe: () => void told.push('wipe'),
  }).then(
    () => 'ended',
    (thrown: HoldfastError) => thrown.code,
  );
  return { finished, told };
}

test('a relay that was away is asked again soon, and that it is back is told', async () => {
  assert.deepEqual(await play(['done', 'relay_unreachable', 'relay_unreachable', 'done', 'done']), {
    finished: 'ended',
    told: ['pulse', 'wait 3600000', 'away', 'wait 15000', 'away', 'wait 15000', 'pulse', 'back', 'wait 3600000', 'pulse', 'wipe'],
  });
});

test('a history that does not hold ends it, and so does a first pulse that fails', async () => {
  assert.deepEqual(await play(['done', 'entry_fork', 'done']), {
    finished: 'entry_fork',
    told: ['pulse', 'wait 3600000', 'wipe'],
  });
  assert.deepEqual(await play(['relay_unreachable', 'done']), { finished: 'relay_unreachable', told: ['wipe'] });
});
