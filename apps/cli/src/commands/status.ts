// `holdfast status`: what runs here, how fresh it is, and what is missing.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { askDaemon, findHome } from '../door-client.ts';
import { hasOperator } from '../operator/key-file.ts';
import { duration, visible, type Output } from '../output.ts';

interface Notice {
  readonly code: string;
  readonly message: string;
  readonly next?: string | undefined;
}

export async function status(output: Output): Promise<void> {
  const paths = findHome();
  const operatorHere = hasOperator(paths.operator);
  const notices: Notice[] = [];
  try {
    const found = await askDaemon(paths, { kind: 'status' }, 'status');
    notices.push(...found.notices, ...found.agents.flatMap(agentNotices));
    if (found.agents.length === 0)
      notices.push({ code: 'scope_unknown', message: 'no agent is enrolled on this machine', next: 'holdfast enroll' });
    if (found.custody === 'software, unsealed') {
      notices.push({
        code: 'custody_unsealed',
        message: 'agent keys lie unsealed on this disk: a copy of it is a copy of the agent',
        next: 'npm start -- --passphrase-file FILE',
      });
    }
    if (operatorHere) {
      notices.push({
        code: 'operator_here',
        message: 'the operator key is on this machine: an unsealed agent of this user could wait for its passphrase',
        next: 'run agents sealed, or operate from another machine',
      });
    }
    const { kind: _, ...shown } = found;
    output.result({ running: true, home: paths.home, operator: operatorHere, ...shown, notices }, [
      `daemon ${found.version}, pid ${found.pid}, up ${duration(Date.now() - found.startedAtMs)}; keys: ${found.custody}`,
      ...found.agents.map(agentLine),
      ...found.sessions.map(
        ({ session, mode, command, startedAtMs }) =>
          `  ${mode} session ${toHex(session).slice(0, 8)}: ${visible(command)}, ${duration(Date.now() - startedAtMs)}`,
      ),
      ...notices.flatMap(({ message, next }) => [
        `! ${visible(message)}`,
        ...(next === undefined ? [] : [`  next: ${visible(next)}`]),
      ]),
    ]);
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError) || thrown.code !== 'daemon_unreachable') throw thrown;
    output.result(
      {
        running: false,
        home: paths.home,
        operator: operatorHere,
        agents: [],
        sessions: [],
        notices: [{ code: thrown.code, message: thrown.message, next: thrown.next }],
      },
      [thrown.message, `  next: ${thrown.next ?? ''}`],
    );
    process.exitCode = 3; // [CLI-14]
  }
}

function agentLine({
  agent,
  scope,
  custody,
  state,
  fleetName,
  relayState,
  relayError,
  freshness,
  grants,
  rules,
}: AgentView): string {
  const relay =
    relayState === 'connected' ? 'relay connected' : `relay ${relayState}${relayError === undefined ? '' : ` (${relayError})`}`;
  const pulse = freshness.pulseAgeMs === undefined ? 'no pulse yet' : `pulse ${duration(freshness.pulseAgeMs)} old`;
  return `${scope} ${toHex(agent).slice(0, 8)} of ${visible(fleetName)}: ${state}, ${custody}; ${relay}, ${pulse}; ${grants} grants; ${
    rules === undefined ? 'no rules: only reading' : `rules ${rules}`
  }`;
}

/** What is shown as the fleet's history and is none. */
const foreignHistory: readonly string[] = [
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
];

function agentNotices(view: AgentView): Notice[] {
  const { scope, freshness, undecryptable, rejected, state, relayError, rules, rulesUnreadable } = view;
  const found: Notice[] = [];
  if (state === 'live' && relayError !== undefined && foreignHistory.includes(relayError))
    found.push({
      code: relayError,
      message: `${scope}: the relay shows what is no part of the fleet's history; nothing of it is used, the rules stay as they are`,
      next: 'see: holdfast audit show; if it repeats, the relay is not to be trusted',
    });
  if (rulesUnreadable !== undefined)
    found.push({
      code: 'rules_unreadable',
      message: `${scope}: this machine cannot read version ${rulesUnreadable.version} of the rules (${rulesUnreadable.code}); ${
        rules === undefined ? 'only reading is allowed' : `version ${rules} stays in force`
      }`,
      next: 'bring this machine up to date, or apply rules that it can read',
    });
  if (state === 'live' && relayError === 'relay_refused')
    found.push({
      code: 'relay_refused',
      message: `${scope}: the relay does not let this agent in; it was probably revoked`,
      next: `ask the operator; to start anew: holdfast enroll --scope ${scope}`,
    });
  if (state === 'live' && (relayError === 'entry_fork' || relayError === 'entry_stale'))
    found.push({
      code: relayError,
      message: `${scope}: the relay shows another history than was seen before; no handle is minted`,
      next: 'compare with another device; the relay was rolled back or lies',
    });
  if (state === 'live' && freshness.refusal === 'stale_relay')
    found.push({
      code: 'stale_relay',
      message: `${scope}: the relay has not confirmed our state within a minute; no handle is minted`,
      next: 'check that the relay runs and is reachable',
    });
  if (state === 'live' && freshness.refusal === 'stale_pulse')
    found.push({
      code: 'stale_pulse',
      message: `${scope}: no operator has been heard of for too long; no handle is minted`,
      next: 'holdfast pulse',
    });
  if (undecryptable > 0)
    found.push({ code: 'open_failed', message: `${scope}: ${undecryptable} entries or keys meant for it do not open` });
  if (rejected > 0)
    found.push({
      code: 'entry_rejected',
      message: `${scope}: ${rejected} entries broke a rule and have no effect; rules and grants stay as they were`,
    });
  return found;
}
