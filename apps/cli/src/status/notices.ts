// What is missing on this machine and how to mend it, one notice a cause: of several signs of the same trouble the one is told that can be acted on.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { parseCode, type ErrorCode } from '@holdfast/protocol/errors';
import { coarse } from '../output.ts';
import type { Facts } from './facts.ts';
import { keyStoreName } from './key-stores.ts';

export interface Notice {
  readonly code: string;
  /** `fail`: something is not possible until this is mended; `warn`: it is, with less than it could be. */
  readonly state: 'fail' | 'warn';
  readonly message: string;
  /** What to type, or to do. */
  readonly next?: string | undefined;
}

/** Told before it is too late: with a quarter of the time left. */
const pulseIsOld = 3 / 4;
const relayWordHoldsMs = 60_000;
/** Some days of records; a full disk stops every agent. */
const scarceBytes = 64 << 20;
const fullBytes = 1 << 20;

/** What stops something comes first, then what may stop an agent soon. */
export function noticesOf(facts: Facts): Notice[] {
  const found = [...(facts.daemon?.agents ?? []).flatMap((agent) => agentNotices(agent, facts)), ...machineNotices(facts)];
  return [...found.filter(({ state }) => state === 'fail'), ...found.filter(({ state }) => state === 'warn')];
}

function machineNotices(facts: Facts): Notice[] {
  const { daemon, keyFault, operates } = facts;
  const found = diskNotices(facts);
  if (daemon === undefined)
    found.push(
      fail('daemon_unreachable', 'no daemon answers on this machine', 'start it: npm start (in the clone), in another terminal'),
    );
  else {
    found.push(...keyStoreNotices(daemon));
    found.push(...daemon.sessions.flatMap(sessionNotices));
    found.push(...daemon.notices.map((each) => ({ ...each, state: 'fail' as const })));
    if (daemon.agents.length === 0) found.push(enrolNotice(facts));
    if (daemon.custody === 'software, unsealed')
      found.push(
        warn(
          'custody_unsealed',
          'the agent keys lie unsealed on this disk: a copy of it is a copy of the agent',
          'keys are sealed from the first start on: HOLDFAST_HOME=NEW npm start -- --passphrase-file FILE',
        ),
      );
  }
  if (keyFault !== undefined) found.push(fail(keyFault.code, keyFault.message, keyFault.next));
  if (operates?.relayState !== undefined && operates.relayState !== 'reachable' && daemon !== undefined)
    found.push(
      relayFault(operates.relayState, { relay: operates.relay, effect: 'no operator command is possible', home: facts.home }),
    );
  if (operates !== undefined && daemon !== undefined && daemon.agents.length > 0)
    found.push(
      warn(
        'operator_here',
        'the operator key is on this machine: an agent that runs unsealed could wait for its passphrase',
        'run agents sealed only, or operate from another machine',
      ),
    );
  return found;
}

/** A store that is shut is told by its agents, where it has any. */
function keyStoreNotices({ keyStores, notices }: NonNullable<Facts['daemon']>): Notice[] {
  return keyStores.flatMap(({ level, label, state, message, next }) => {
    const name = keyStoreName(level, label);
    if (state === 'ready' || notices.some(({ code }) => code === state)) return [];
    if (state === 'slow')
      return [
        warn(
          'key_store_slow',
          `${name} takes a second or more to answer: so does every use of a credential`,
          'see what else uses it, and wait; if it stays so: npm start again',
        ),
      ];
    return [fail(state, `${name} cannot be used: ${message ?? state}`, next ?? 'bring it back as it was, then: npm start')];
  });
}

function sessionNotices({ session, command, suspended, unfit }: NonNullable<Facts['daemon']>['sessions'][number]): Notice[] {
  const which = `${command} (${toHex(session).slice(0, 8)})`;
  return [
    ...(suspended === undefined
      ? []
      : [
          fail(
            'session_suspended',
            `${which} is suspended, changed was: ${suspended}`,
            'see who changed it; if it was meant: holdfast approvals, else end that agent',
          ),
        ]),
    ...(unfit === undefined
      ? []
      : [
          warn(
            'harness_unfit',
            `${which} lets acts pass when its guard fails`,
            'install a newer Claude Code, or start it sealed',
          ),
        ]),
  ];
}

function diskNotices({ freeBytes, home }: Facts): Notice[] {
  if (freeBytes === undefined || freeBytes >= scarceBytes) return [];
  const message = `the disk of ${home} has ${freeBytes >> 20} MB left: once it is full every agent stops`;
  return [{ code: 'disk_low', state: freeBytes < fullBytes ? 'fail' : 'warn', message, next: `free space: df -h ${home}` }];
}

function enrolNotice({ operates }: Facts): Notice {
  const message = 'no agent is enrolled on this machine';
  return operates === undefined
    ? fail('scope_unknown', message, 'a new fleet: holdfast init; to join one: holdfast enroll --relay URL')
    : fail('scope_unknown', message, 'holdfast enroll');
}

function agentNotices(agent: AgentView, facts: Facts): Notice[] {
  const { scope, state, undecryptable, rejected, recording, shippingFault } = agent;
  const found: Notice[] = [];
  if (state === 'revoked')
    found.push(fail('agent_revoked', `${scope} was revoked: it may do nothing any more`, `holdfast enroll --scope ${scope}`));
  else {
    const stopped = [...historyNotices(agent, facts), ...relayNotices(agent, facts), ...pulseNotices(agent, facts)].slice(0, 1);
    found.push(...stopped);
    if (!recording)
      found.push(
        fail(
          'audit_unavailable',
          `the audit log of ${scope} takes no record, and nothing happens without one`,
          `free space: df -h ${facts.home}`,
        ),
      );
    if (shippingFault !== undefined)
      found.push(
        warn(
          parseCode(shippingFault),
          `the relay does not take the audit log of ${scope}: it is kept here alone until it does`,
          shippingFault === 'shipment_full'
            ? 'make room at the relay, or raise its quota'
            : 'look at the relay, and whether another machine has a copy of this home',
        ),
      );
    if (agent.witness?.stale === true)
      found.push(
        warn(
          'witness_stale',
          `no witness has cosigned the audit log of ${scope} for two minutes: nobody outside vouches for what it recorded since`,
          "see the daemon's log for what the relay answers",
        ),
      ); // [WITNESS-11]
    if (state === 'live' && agent.grants === 0 && agent.egress === 0)
      found.push(
        warn(
          'nothing_granted',
          `${scope} may use no credential and reach no host`,
          `holdfast vault add NAME --host HOST --attach bearer, then: holdfast vault grant NAME --to ${scope}`,
        ),
      );
  }
  found.push(...rulesNotices(agent));
  if (undecryptable > 0)
    found.push(
      warn(
        'open_failed',
        `${undecryptable} entries or keys meant for ${scope} do not open`,
        'see who wrote them: holdfast agents --passphrase-file FILE',
      ),
    );
  if (rejected > 0)
    found.push(
      warn(
        'entry_rejected',
        `${rejected} entries of the fleet broke a rule and have no effect here; rules and grants stay as they were`,
        'look at the devices that may write: somebody tries something, or runs another version',
      ),
    );
  return found;
}

function rulesNotices({ scope, state, rules, rulesUnreadable }: AgentView): Notice[] {
  if (rulesUnreadable === undefined) {
    if (rules !== undefined || state !== 'live') return [];
    return [
      warn(
        'rules_absent',
        `no rules are in force for ${scope}: a harness there may only read, and nothing of the working tree is kept from its programs`,
        "echo 'packs: [secrets, destructive, guardrail]' | holdfast rules apply -",
      ),
    ];
  }
  const { version, code } = rulesUnreadable;
  const instead = rules === undefined ? 'only reading is allowed' : `version ${rules} stays in force`;
  return [
    fail(
      'rules_unreadable',
      `version ${version} of the rules cannot be read here (${code}): for ${scope} ${instead}`,
      'bring this machine up to date, or apply rules that it can read',
    ),
  ];
}

/** The operator's key of this machine has seen another history than this agent reads. */
function historyNotices({ scope, fleet, control }: AgentView, { operates }: Facts): Notice[] {
  const seen = operates !== undefined && toHex(operates.fleet) === toHex(fleet) ? operates.head : undefined;
  if (seen === undefined || seen.position !== control?.position || toHex(seen.hash) === toHex(control.hash)) return [];
  return [fail('entry_fork', `${scope} is shown another history than the operator key of this machine`, distrust)];
}

const distrust =
  'go no further with this relay; restore its data, or compare the journal line of holdfast status with another device';

function relayNotices({ scope, relay, relayState, relayError, freshness, state }: AgentView, { home }: Facts): Notice[] {
  const stopped = freshness.refusal === 'stale_relay';
  if (!stopped && (relayState === 'connected' || relayError === undefined)) return [];
  const effect = stopped
    ? `${scope} gets no credential`
    : `${scope} gets credentials for ${coarse(relayWordHoldsMs - (freshness.relayAgeMs ?? 0))} more`;
  if (relayError === undefined || relayError === 'relay_unreachable') {
    const since = state === 'new' || freshness.relayAgeMs === undefined ? 'yet' : `for ${coarse(freshness.relayAgeMs)}`;
    const message = `the relay ${relay} has not answered ${since}: ${effect}`;
    return [stopped ? fail('stale_relay', message, reach(relay)) : warn('relay_unreachable', message, reach(relay))];
  }
  const cause = relayFault(relayError, { relay, effect, home, scope });
  return [stopped || cause.next === distrust ? cause : { ...cause, state: 'warn' }];
}

/** What is shown as the fleet's history and is none. */
const foreignHistory: ReadonlySet<string> = new Set<ErrorCode>([
  'author_unknown',
  'codec_limit',
  'codec_noncanonical',
  'codec_shape',
  'codec_trailing',
  'codec_truncated',
  'entry_foreign',
  'entry_gap',
  'entry_time',
  'genesis_invalid',
  'signature_invalid',
]);

interface Met {
  readonly relay: string;
  /** What is not possible meanwhile. */
  readonly effect: string;
  readonly home: string;
  /** Undefined: the operator asked. */
  readonly scope?: string;
}

function relayFault(code: string, { relay, effect, home, scope }: Met): Notice {
  switch (code) {
    case 'relay_unreachable':
      return fail(code, `the relay ${relay} does not answer: ${effect}`, reach(relay));
    case 'relay_refused':
      return scope === undefined
        ? fail(code, `the relay ${relay} does not know this operator: ${effect}`, distrust)
        : fail(
            code,
            `the relay does not let ${scope} in: it was probably revoked`,
            `ask the operator; to start anew: holdfast enroll --scope ${scope}`,
          );
    case 'relay_impostor':
    case 'freshness_forged':
    case 'entry_fork':
    case 'entry_stale':
      return fail(code, `the relay ${relay} is another, or shows another history than before: ${effect}`, distrust);
    case 'store_failed':
      return fail(code, `what the relay sent could not be written down here: ${effect}`, `free space: df -h ${home}`);
    default:
      if (foreignHistory.has(code))
        return fail(
          code,
          `the relay ${relay} shows what is no part of the fleet's history; nothing of it is used: ${effect}`,
          distrust,
        );
      return fail(code, `the relay ${relay} answers in a way that cannot be used (${code}): ${effect}`, reach(relay));
  }
}

/** Exact, for whoever stands at either end. */
export function reach(relay: string): string {
  return `on the relay's machine: npm start; from here: curl -sS ${relay}/health`;
}

function pulseNotices({ scope, freshness }: AgentView, { operates }: Facts): Notice[] {
  const { pulseAgeMs, pulseMaxAgeMs, refusal } = freshness;
  const next = operates === undefined ? "on the operator's machine: holdfast pulse" : 'holdfast pulse';
  if (refusal === 'stale_pulse')
    return [fail('stale_pulse', `no operator was heard of for too long: ${scope} gets no credential until one is`, next)];
  if (pulseAgeMs === undefined || pulseAgeMs < pulseMaxAgeMs * pulseIsOld) return [];
  const left = coarse(Math.max(0, pulseMaxAgeMs - pulseAgeMs));
  return [warn('pulse_ages', `no operator was heard of for ${coarse(pulseAgeMs)}: in ${left} ${scope} gets no credential`, next)];
}

function fail(code: string, message: string, next?: string): Notice {
  return { code, state: 'fail', message, next };
}

function warn(code: string, message: string, next: string): Notice {
  return { code, state: 'warn', message, next };
}
