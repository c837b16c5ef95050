// What `holdfast status` says needs mending, of each state that a machine can be in, and the picture that people get of it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Facts, Operates } from '../src/status/facts.ts';
import { noticesOf } from '../src/status/notices.ts';
import { pictureOf } from '../src/status/picture.ts';

const hour = 3_600_000;
const id = (fill: number) => new Uint8Array(16).fill(fill);
const hash = (fill: number) => new Uint8Array(32).fill(fill);
const fleet = hash(9);

const well: AgentView = {
  agent: id(1),
  fleet,
  fleetName: 'home',
  scope: 'main',
  custody: 'software',
  state: 'live',
  relay: 'http://r:1',
  relayState: 'connected',
  control: { position: 7, hash: hash(7) },
  freshness: { relayAgeMs: 3_000, pulseAgeMs: hour, pulseMaxAgeMs: 24 * hour },
  grants: 2,
  egress: 0,
  rules: 4,
  undecryptable: 0,
  rejected: 0,
  events: 12,
  recording: true,
};

const operates: Operates = { fleet, fleetName: 'home', relay: 'http://r:1', head: { position: 7, hash: hash(7) } };

function factsOf(agents: readonly AgentView[], change: Partial<Facts> = {}): Facts {
  const nowMs = 1_700_000_000_000;
  return {
    home: '/home/of/holdfast',
    nowMs,
    freeBytes: 1e12,
    daemon: {
      version: '0.1.0',
      pid: 7,
      startedAtMs: nowMs - hour,
      custody: 'software',
      keyStores: [{ level: 'software', state: 'ready' }],
      agents: [...agents],
      sessions: [],
      notices: [],
    },
    operates: undefined,
    keyFault: undefined,
    ...change,
  };
}

const { rules: _, ...withoutRules } = well;

const told = (facts: Facts): string[] => noticesOf(facts).map(({ code, state }) => `${state} ${code}`);
const picture = (facts: Facts, columns?: number): string[] => pictureOf(facts, noticesOf(facts), columns);
const stale = { ...well.freshness, relayAgeMs: 90_000, refusal: 'stale_relay' };
const stopped = 'main can use no credential now.';

describe('a machine where all is well', () => {
  it('says so first, and asks for nothing', () => {
    assert.deepEqual(told(factsOf([well])), []);
    assert.deepEqual(picture(factsOf([well])), [
      'Nothing needs you.',
      '',
      'main of home',
      '  agent         live, 01010101, keys: software',
      '  may use       2 credentials; no hosts without one',
      '  rules         version 4',
      '  relay         http://r:1 answered just now',
      '  operator      heard of 60 min ago; that holds for 23 h',
      '  journal       entry 7, 07070707',
      '  audit log     12 records',
      '  sessions      none',
      '',
      'this machine',
      '  daemon        0.1.0, up 60 min, pid 7',
      '  key stores    software',
      '  home          /home/of/holdfast',
    ]);
  });

  // [WITNESS-11]
  it('says how much of the log a witness cosigned and how long ago, and alarms when that is too long', () => {
    const of = (witness: NonNullable<AgentView['witness']>): [string | undefined, string[]] => {
      const facts = factsOf([{ ...well, witness }]);
      return [picture(facts).find((each) => each.startsWith('  audit log')), told(facts)];
    };
    assert.deepEqual(of({ size: 10, ageMs: 20_000, stale: false }), [
      '  audit log     12 records, 10 of them cosigned 20 s ago',
      [],
    ]);
    // [WITNESS-23]
    assert.deepEqual(of({ size: 10, ageMs: 20_000, stale: false, device: { size: 8, ageMs: 7_200_000 } }), [
      "  audit log     12 records, 10 of them cosigned 20 s ago, 8 by an operator's device 2 h ago",
      [],
    ]);
    assert.deepEqual(of({ stale: false }), ['  audit log     12 records, none of them cosigned yet', []]);
    assert.deepEqual(of({ size: 10, ageMs: 130_000, stale: true }), [
      '  audit log     12 records, 10 of them cosigned 2 min ago: too long ago',
      ['warn witness_stale'],
    ]);
    assert.deepEqual(of({ stale: true }), [
      '  audit log     12 records, none of them cosigned yet: too long',
      ['warn witness_stale'],
    ]);
  });

  it('names the key stores as people do, the best first', () => {
    const { daemon } = factsOf([{ ...well, custody: 'tpm' }]);
    const keyStores: NonNullable<Facts['daemon']>['keyStores'] = [
      { level: 'tpm', state: 'slow' },
      { level: 'pkcs11', label: 'desk\u001b', state: 'ready' },
      { level: 'software', state: 'ready' },
    ];
    const lines = picture(factsOf([{ ...well, custody: 'tpm' }], { daemon: daemon && { ...daemon, keyStores } }));
    assert.ok(lines.includes('  agent         live, 01010101, keys: TPM 2.0'), lines.join('\n'));
    const stores = lines.find((each) => each.startsWith('  key stores')) ?? '';
    assert.ok(!stores.includes('\u001b'));
    assert.match(stores, /^ {2}key stores {4}TPM 2\.0 \(slow\); PKCS#11: desk.*; software$/);
  });

  it('tells sealed from guarded sessions by their word, and how many children live below one', () => {
    const { daemon } = factsOf([well]);
    const session = { session: id(5), agent: id(1), command: 'claude', startedAtMs: 1_700_000_000_000 - 720_000 };
    const sessions = [
      { ...session, mode: 'sealed' },
      { ...session, mode: 'guarded' },
      { ...session, mode: 'sealed', command: 'codex', children: 2 },
    ];
    const lines = picture(factsOf([well], { daemon: daemon && { ...daemon, sessions } }));
    assert.ok(lines.includes('  sealed        claude, 12 min, 05050505'), lines.join('\n'));
    assert.ok(lines.includes('  guarded       claude, 12 min, 05050505'));
    assert.ok(lines.includes('  sealed        codex, 12 min, 05050505, 2 children'));
  });

  it('compares the head of the agent with the one that the operator key saw', () => {
    const line = (head: Operates['head']) =>
      picture(factsOf([well], { operates: { ...operates, ...(head && { head }) } })).find((each) => each.includes('journal'));
    assert.match(line({ position: 7, hash: hash(7) }) ?? '', /the operator key saw the same$/);
    assert.match(line({ position: 9, hash: hash(9) }) ?? '', /the operator key saw entry 9 last$/);
  });
});

describe('what is missing', () => {
  const cases: readonly (readonly [string, Facts, readonly string[], string])[] = [
    [
      'no daemon',
      factsOf([], { daemon: undefined, freeBytes: undefined }),
      ['fail daemon_unreachable'],
      'Holdfast does not run here: no agent of this machine can use a credential.',
    ],
    ['no agent', factsOf([]), ['fail scope_unknown'], '1 thing to mend.'],
    ...(
      [
        ['key_store_foreign', 'fail key_store_foreign'],
        ['key_store_locked', 'fail key_store_locked'],
        ['key_store_absent', 'fail key_store_absent'],
        ['pin_wrong', 'fail pin_wrong'],
        ['slow', 'warn key_store_slow'],
      ] as const
    ).map(([state, notice]): (typeof cases)[number] => {
      const { daemon } = factsOf([well]);
      const keyStores = [{ level: 'tpm', state } as const, { level: 'software', state: 'ready' } as const];
      const headline = state === 'slow' ? 'Everything works. 1 thing could be better.' : '1 thing to mend.';
      return [
        `a key store that is ${state}`,
        factsOf([well], { daemon: daemon && { ...daemon, keyStores } }),
        [notice],
        headline,
      ];
    }),
    [
      'a relay that is gone, for seconds',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'relay_unreachable' }]),
      ['warn relay_unreachable'],
      'Everything works. 1 thing could be better.',
    ],
    [
      'a relay that is gone, for longer than a minute',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'relay_unreachable', freshness: stale }]),
      ['fail stale_relay'],
      stopped,
    ],
    ['a relay that hangs', factsOf([{ ...well, freshness: stale }]), ['fail stale_relay'], stopped],
    [
      'another relay, at once',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'relay_impostor' }]),
      ['fail relay_impostor'],
      '1 thing to mend.',
    ],
    [
      'another history',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'entry_fork', freshness: stale }]),
      ['fail entry_fork'],
      stopped,
    ],
    [
      'another history than the operator key saw',
      factsOf([well], { operates: { ...operates, head: { position: 7, hash: hash(8) } } }),
      ['fail entry_fork', 'warn operator_here'],
      '1 thing to mend.',
    ],
    [
      'a revocation that was not heard of',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'relay_refused', freshness: stale }]),
      ['fail relay_refused'],
      stopped,
    ],
    [
      'a revocation',
      factsOf([{ ...well, state: 'revoked', grants: 0, relayState: 'ended', freshness: stale }]),
      ['fail agent_revoked'],
      stopped,
    ],
    [
      'an operator long unheard of',
      factsOf([{ ...well, freshness: { ...well.freshness, pulseAgeMs: 25 * hour, refusal: 'stale_pulse' } }]),
      ['fail stale_pulse'],
      stopped,
    ],
    [
      'an operator soon unheard of for too long',
      factsOf([{ ...well, freshness: { ...well.freshness, pulseAgeMs: 20 * hour } }]),
      ['warn pulse_ages'],
      'Everything works. 1 thing could be better.',
    ],
    [
      'what is no history of the fleet',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'signature_invalid' }]),
      ['fail signature_invalid'],
      '1 thing to mend.',
    ],
    [
      'rules that this machine cannot read',
      factsOf([{ ...well, rulesUnreadable: { version: 5, code: 'rules_invalid' } }]),
      ['fail rules_unreadable'],
      '1 thing to mend.',
    ],
    ['a log that takes no record', factsOf([{ ...well, recording: false }]), ['fail audit_unavailable'], stopped],
    [
      'a disk without room for what the relay sends',
      factsOf([{ ...well, relayState: 'waiting', relayError: 'store_failed', freshness: stale }]),
      ['fail store_failed'],
      stopped,
    ],
    [
      'a disk that fills',
      factsOf([well], { freeBytes: 20 << 20 }),
      ['warn disk_low'],
      'Everything works. 1 thing could be better.',
    ],
    ['a disk that is full', factsOf([well], { freeBytes: 4096 }), ['fail disk_low'], '1 thing to mend.'],
    [
      'an agent that may use nothing',
      factsOf([{ ...well, grants: 0 }]),
      ['warn nothing_granted'],
      'Everything works. 1 thing could be better.',
    ],
    ['an agent without rules', factsOf([withoutRules]), ['warn rules_absent'], 'Everything works. 1 thing could be better.'],
    [
      'an operator key that cannot be read',
      factsOf([well], { keyFault: new HoldfastError('key_invalid', 'damaged', { next: 'restore it' }) }),
      ['fail key_invalid'],
      '1 thing to mend.',
    ],
    [
      "an operator's machine whose relay is gone",
      factsOf([], { operates: { ...operates, relayState: 'relay_unreachable' } }),
      ['fail scope_unknown', 'fail relay_unreachable'],
      '2 things to mend.',
    ],
    [
      'entries that do not open, and others that break a rule',
      factsOf([{ ...well, undecryptable: 1, rejected: 2 }]),
      ['warn open_failed', 'warn entry_rejected'],
      'Everything works. 2 things could be better.',
    ],
  ];
  for (const [name, facts, codes, headline] of cases) {
    it(`${name}: told once, with what to do`, () => {
      assert.deepEqual(told(facts), codes);
      assert.equal(picture(facts)[0], headline);
      for (const { message, next } of noticesOf(facts)) {
        assert.ok(next !== undefined && next.length > 0, message);
        assert.ok(picture(facts).includes(`    ${next}`), next);
      }
    });
  }

  it('a fault comes before what could be better', () => {
    const facts = factsOf(
      [
        { ...well, grants: 0 },
        { ...well, scope: 'other', recording: false },
      ],
      { operates },
    );
    assert.deepEqual(told(facts), ['fail audit_unavailable', 'warn nothing_granted', 'warn operator_here']);
    assert.equal(picture(facts)[0], 'other can use no credential now.');
  });

  it('an operator who is elsewhere is named as such', () => {
    const aged = { ...well, freshness: { ...well.freshness, pulseAgeMs: 25 * hour, refusal: 'stale_pulse' } };
    assert.match(noticesOf(factsOf([aged]))[0]?.next ?? '', /^on the operator's machine: holdfast pulse$/);
    assert.equal(noticesOf(factsOf([aged], { operates }))[0]?.next, 'holdfast pulse');
  });

  it('words are wrapped at a terminal, and no word is cut', () => {
    const facts = factsOf([{ ...well, relayState: 'waiting', relayError: 'relay_unreachable', freshness: stale }]);
    const mends = picture(facts, 40).slice(picture(facts).findIndex((each) => each.startsWith('X')));
    assert.ok(mends.length > 2 && mends.every((each) => each.length <= 40), mends.join('\n'));
    assert.equal(
      mends.map((each) => each.replace(/^X/, '').trim()).join(' '),
      picture(facts)
        .slice(-2)
        .map((each) => each.replace(/^X/, '').trim())
        .join(' '),
    );
  });
});
