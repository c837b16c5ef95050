// `holdfast pulse`: the operator is here. Without one for longer than the fleet allows, no agent gets a handle. With `--every` it goes on
// until it is ended, and the unlocked key lies in this one process only; with `--witness` this device looks at the agents' logs each time.
// spec/cli.md [CLI-21], [CLI-94].

import { setTimeout as later } from 'node:timers/promises';
import { codeOf } from '@holdfast/protocol/errors';
import { unitMs } from '@holdfast/protocol/vault/circumstance-terms';
import { findHome } from '../door-client.ts';
import { operatorFacts, unlockOperator } from '../operator/key-file.ts';
import { asOperator, LocalOperator } from '../operator/session.ts';
import { duration, told, usage, visible, type Output } from '../output.ts';
import { passphrase } from '../secrets-input.ts';
import { witnessEach } from './audit-witness.ts';

const leastEveryMs = 60_000;
/** How soon a relay that was away is asked again. */
const retryAfterMs = 15_000;

interface PulseOptions {
  readonly passphraseFile?: string;
  readonly every?: string;
  /** The agents' logs are read and cosigned as well. */
  readonly witness?: boolean;
}

export async function pulse(output: Output, options: PulseOptions): Promise<void> {
  if (options.every !== undefined) return keepAlive(output, options, everyMs(options.every));
  await asOperator(output, options, async (session) => {
    await session.pulse();
    const { pulseMaxAgeMs } = session.state;
    const logs = options.witness === true ? await witnessEach(output, session) : undefined;
    output.result({ fleet: session.facts.fleet, validForMs: pulseMaxAgeMs, ...logs?.value }, [
      `the fleet may mint for another ${duration(pulseMaxAgeMs)}`,
      ...(logs?.lines ?? []),
    ]);
    if (logs !== undefined && logs.exitCode !== 0) process.exitCode = logs.exitCode;
  });
}

/** `30m` or `12h` in milliseconds. Throws `usage`. */
export function everyMs(typed: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([mh])$/.exec(typed) ?? [];
  const ms = Number(count) * (unitMs[unit ?? ''] ?? 0);
  if (!(ms >= leastEveryMs)) throw usage(`--every takes a time such as 30m or 12h, not ${typed}`, 'holdfast pulse --every 1h'); // [CLI-21]
  return ms;
}

async function keepAlive(output: Output, options: PulseOptions, periodMs: number): Promise<void> {
  const paths = findHome();
  operatorFacts(paths.operator); // says so before it asks for a passphrase
  const phrase = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const holder = await unlockOperator(paths.operator, phrase).finally(() => phrase.fill(0));
  await renewEvery(periodMs, ended.signal, {
    wipe: () => holder.wipe(),
    wait: (ms) => later(ms, undefined, { signal: ended.signal }).catch(() => {}),
    away: (ms) =>
      process.stderr.write(`holdfast: the relay is not reachable: no pulse was made; trying again in ${duration(ms)}\n`),
    back: () => process.stderr.write('holdfast: the relay is reachable again\n'),
    renew: async () => {
      // A pulse vouches for the head that its operator has read, so each begins with reading and checking what came since.
      const session = await LocalOperator.connect(paths, holder);
      try {
        const { pulseMaxAgeMs: validForMs } = session.state;
        if (periodMs >= validForMs) throw usage(`the fleet takes a pulse for ${duration(validForMs)}: renew it sooner than that`); // [CLI-21]
        await session.pulse();
        const atMs = Date.now();
        const logs = options.witness === true ? await lookedAt(output, session) : undefined; // [CLI-94]
        output.result({ fleet: session.facts.fleet, validForMs, atMs, ...logs?.value }, [
          `${new Date(atMs).toISOString()}: the fleet may mint for another ${duration(validForMs)}`,
          ...(logs?.lines ?? []),
        ]);
      } finally {
        session.disconnect();
      }
    },
  });
}

/** Never rejects: what keeps this device from looking at logs keeps no agent from its pulse. [CLI-94] */
async function lookedAt(
  output: Output,
  session: LocalOperator,
): Promise<{ readonly value: object; readonly lines: readonly string[] }> {
  try {
    return await witnessEach(output, session);
  } catch (thrown) {
    const witnessError = told(thrown);
    return {
      value: { witnessError },
      lines: [`! no log was looked at: ${visible(witnessError.message)} (${witnessError.code})`],
    };
  }
}

/** What a renewal does and waits for; a test plays it. */
interface Renewal {
  readonly renew: () => Promise<void>;
  /** Resolves early when ended. */
  readonly wait: (ms: number) => Promise<void>;
  readonly away: (retryInMs: number) => void;
  readonly back: () => void;
  /** Overwrites the key: the last that happens, whatever happened. */
  readonly wipe: () => void;
}

/**
 * Renews at once and then each `periodMs`, until `ended`. A relay that goes away is asked again; anything else ends it, above all a history
 * that does not hold, and so does a first pulse that fails.
 */
export async function renewEvery(periodMs: number, ended: AbortSignal, renewal: Renewal): Promise<void> {
  const { renew, wait, away, back, wipe } = renewal;
  let hasRenewed = false;
  let isAway = false;
  try {
    while (!ended.aborted) {
      try {
        await renew();
        if (isAway) back();
        hasRenewed = true;
        isAway = false;
      } catch (thrown) {
        if (!hasRenewed || codeOf(thrown) !== 'relay_unreachable') throw thrown; // [CLI-21]
        isAway = true;
        away(retryAfterMs);
      }
      if (!ended.aborted) await wait(isAway ? retryAfterMs : periodMs);
    }
  } finally {
    wipe(); // [CLI-21] [OPKEY-5]
  }
}
