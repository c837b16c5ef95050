// What an open session signs by itself, and what only within a leave.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Domain } from '@holdfast/protocol/keys/domain';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { Leaves } from '../../src/keys/leaves.ts';

/** Every domain there is: a new one is `custody_refused` until somebody decides. */
const domains: Readonly<Record<Domain, 'always' | 'with a leave' | 'never'>> = {
  'access-list': 'with a leave',
  'audit-checkpoint': 'never',
  'custody-roots': 'with a leave',
  'dc+sd-jwt': 'with a leave',
  'device+jwt': 'with a leave',
  'device-answer': 'with a leave',
  'device-offer': 'with a leave',
  entry: 'with a leave',
  freshness: 'never',
  'kb+jwt': 'never',
  'kb+sd-jwt': 'never',
  'log-note': 'never',
  'pairing-answer': 'with a leave',
  'pairing-offer': 'never',
  pulse: 'always',
  'relay-auth': 'always',
  'session-key': 'never',
  signal: 'with a leave',
  'statuslist+jwt': 'always',
  warrant: 'with a leave',
  'witness-key': 'always',
};
const yes = async (): Promise<void> => {};

/** What each domain meets now. */
async function verdicts(leaves: Leaves): Promise<Record<string, string>> {
  const said: Record<string, string> = {};
  for (const domain of Object.keys(domains)) said[domain] = await outcomeOf(() => leaves.assert(domain as Domain));
  return said;
}

const expected = (withLeave: (domain: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(domains).map(([domain, when]) => {
      if (when === 'never') return [domain, 'custody_refused'];
      return [domain, when === 'always' || withLeave(domain) ? 'ok' : 'step_up_needed'];
    }),
  );

describe('leaves', () => {
  it('[BKEY-7] without one nothing is signed that gives or ends power, with one everything an operator signs', async () => {
    const leaves = new Leaves(() => 0);
    assert.deepEqual(
      await verdicts(leaves),
      expected(() => false),
    );
    assert.deepEqual(
      await leaves.during(yes, () => verdicts(leaves)),
      expected(() => true),
    );
    assert.deepEqual(
      await verdicts(leaves),
      expected(() => false),
    );
  });

  it('[BKEY-8] ends with its work, also when that fails', async () => {
    const leaves = new Leaves(() => 0);
    const fails = leaves.during(yes, async () => {
      throw new HoldfastError('relay_unreachable', 'no relay');
    });
    assert.equal(await outcomeOf(() => fails), 'relay_unreachable');
    assert.equal(await outcomeOf(() => leaves.assert('entry')), 'step_up_needed');
    assert.equal(await leaves.during(yes, async () => 'the next'), 'the next');
  });

  it('[BKEY-8] does not begin unless the act was confirmed', async () => {
    const leaves = new Leaves(() => 0);
    let worked = false;
    const no = async (): Promise<void> => {
      throw new HoldfastError('passkey_refused', 'no');
    };
    const act = leaves.during(no, async () => {
      worked = true;
    });
    assert.equal(await outcomeOf(() => act), 'passkey_refused');
    assert.equal(worked, false);
  });

  it('[BKEY-8] is not there while the person is asked', async () => {
    const leaves = new Leaves(() => 0);
    let then = '';
    const confirm = async (): Promise<void> => {
      then = await outcomeOf(() => leaves.assert('entry'));
    };
    await leaves.during(confirm, async () => {});
    assert.equal(then, 'step_up_needed');
  });

  it('[BKEY-8] of two acts at once the second one asks when the first has ended', async () => {
    const leaves = new Leaves(() => 0);
    const told: string[] = [];
    const act = (name: string): Promise<void> =>
      leaves.during(
        async () => void told.push(`asked for ${name}`),
        async () => {
          await new Promise((soon) => setImmediate(soon));
          told.push(`did ${name}`);
        },
      );
    await Promise.all([act('one'), act('two')]);
    assert.deepEqual(told, ['asked for one', 'did one', 'asked for two', 'did two']);
  });

  it('[BKEY-8] is over after two minutes, though its work hangs', async () => {
    let nowMs = 1_000;
    const leaves = new Leaves(() => nowMs);
    await leaves.during(yes, async () => {
      nowMs += 119_999;
      assert.equal(await outcomeOf(() => leaves.assert('entry')), 'ok');
      nowMs += 1;
      assert.equal(await outcomeOf(() => leaves.assert('entry')), 'step_up_needed');
    });
  });

  it('[BKEY-8] ends with a lock', async () => {
    const leaves = new Leaves(() => 0);
    await leaves.during(yes, async () => {
      leaves.end();
      assert.equal(await outcomeOf(() => leaves.assert('entry')), 'step_up_needed');
    });
  });

  it('[BKEY-10] for a denial it is for a signal alone: an approval would need a warrant', async () => {
    const leaves = new Leaves(() => 0);
    assert.deepEqual(
      await leaves.denying(() => verdicts(leaves)),
      expected((domain) => domain === 'signal'),
    );
  });
});
