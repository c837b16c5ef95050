// `holdfast doctor`: whether this machine has what Holdfast needs, and what to type where it has not. It changes nothing. spec/cli.md [CLI-20].

import type { AgentView } from '@holdfast/protocol/door/wire';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import { askDaemon, findHome } from '../door-client.ts';
import { fail, ok, warn, type Check } from '../doctor/check.ts';
import { clientChecks } from '../doctor/clients.ts';
import { keyStoreChecks } from '../doctor/key-stores.ts';
import { clockCheck, homeCheck, pinnedNode, probes, userNamespaces } from '../doctor/machine.ts';
import { reach } from '../status/notices.ts';
import { duration, told, visible, type Output } from '../output.ts';

const marks = { ok: '  ', warn: '! ', fail: 'X ' } as const;

export async function doctor(output: Output): Promise<void> {
  const paths = findHome();
  const checks = [
    pinnedNode(),
    ...(await probes()),
    userNamespaces(),
    homeCheck(paths),
    clockCheck(paths, Date.now()),
    ...(await daemonChecks(paths)),
    ...(await clientChecks(process.env['PATH'] ?? '')),
  ];
  const failed = checks.filter(({ state }) => state === 'fail').length;
  output.result({ ok: failed === 0, checks }, [
    ...checks.flatMap(({ name, state, detail, fix }) => [
      `${marks[state]}${name}: ${visible(detail)}`,
      ...(fix === undefined ? [] : [`    fix: ${visible(fix)}`]),
    ]),
    failed === 0 ? 'nothing has to be mended' : `${failed} to mend`,
  ]);
  if (failed > 0) process.exitCode = 3; // [CLI-20]
}

async function daemonChecks(paths: HomePaths): Promise<Check[]> {
  try {
    const { version, pid, agents, keyStores } = await askDaemon(paths, { kind: 'status' }, 'status');
    return [
      ok('daemon', `${version}, pid ${pid}`),
      ...keyStoreChecks(keyStores),
      ...agents.filter(({ state }) => state === 'live').map(relayCheck),
    ];
  } catch (thrown) {
    const { message, next = 'see: holdfast status' } = told(thrown);
    const absent: ErrorCode = 'daemon_unreachable';
    return [(codeOf(thrown) === absent ? warn : fail)('daemon', message, next)];
  }
}

/** Whether an agent could get a handle at this moment, as far as its relay and its operator go. */
function relayCheck({ scope, relay, relayState, relayError, freshness }: AgentView): Check {
  const name = `relay-${scope}`;
  const { relayAgeMs, refusal } = freshness;
  const age = relayAgeMs === undefined ? 'it has not answered yet' : `its last answer is ${duration(relayAgeMs)} old`;
  const detail = `${relay} is ${relayState}${relayError === undefined ? '' : ` (${relayError})`}; ${age}`;
  if (refusal === 'stale_pulse') return fail(name, `${detail}; no operator has been heard of for too long`, 'holdfast pulse');
  if (refusal !== undefined || relayState !== 'connected') return fail(name, detail, reach(relay));
  return ok(name, detail);
}
