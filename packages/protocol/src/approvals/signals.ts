// Asks and answers as signals, spec/approval.md: who may say what to whom, checked before anything is opened. The keys of senders and epochs come
// from the reader's own verified state, never from a signal.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { parseSignal, signSignal, verifySignalFrom, type Signal } from '../blind/signal.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { openSignal, sealSignal } from '../seal/signal-body.ts';
import { decodeSaid, encodeSaid, type Answer, type Ask, type Closed, type Said } from './ask.ts';
import type { Presence } from './presence.ts';

/** The audience of everything about one agent's acts: that agent and the operators. */
const audienceOf = (agent: Uint8Array): string => `agent:${toHex(agent)}`;

interface EpochKey {
  readonly epoch: number;
  /** The caller's own copy: overwritten here. */
  readonly key: Uint8Array;
}

/** What a sender needs. `expiresAtMs`: by the wall clock. */
export interface ToSay {
  readonly primitives: Primitives;
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly epochKey: EpochKey;
  readonly expiresAtMs: number;
  /** What the relay is told of it, beside its size. */
  readonly urgent?: true;
  readonly latest?: true;
}

/** By an agent, to all its operators; signed by a session key whose certificate is still good when the signal expires. Throws `codec_limit`. */
export function agentSays(
  to: ToSay,
  signer: Pick<KeyHolder, 'sign'> & { readonly certificate: Uint8Array },
  body: Ask | Closed | Presence,
  { urgent = body.kind === 'ask' }: { readonly urgent?: boolean } = {},
): Promise<Signal> {
  const marks = {
    ...(urgent && { urgent: true as const }), // [SIGNAL-10]
    ...(body.kind === 'presence' && { latest: true as const }), // [SIGNAL-11]
  };
  return say({ ...to, ...marks }, { from: to.agent, holder: signer, session: signer.certificate }, body);
}

/** By an operator's device, to that agent alone. */
export function operatorAnswers(
  to: ToSay,
  device: { readonly id: Uint8Array; readonly holder: Pick<KeyHolder, 'sign'> },
  body: Answer,
): Promise<Signal> {
  return say(to, { from: device.id, holder: device.holder, to: to.agent }, body);
}

async function say(
  { primitives, fleet, agent, epochKey, expiresAtMs, urgent, latest }: ToSay,
  sender: {
    readonly from: Uint8Array;
    readonly holder: Pick<KeyHolder, 'sign'>;
    readonly to?: Uint8Array;
    readonly session?: Uint8Array;
  },
  body: Said,
): Promise<Signal> {
  const { epoch, key } = epochKey;
  const { from, to, holder, session } = sender;
  const statement = {
    v: 1,
    fleet,
    from,
    ...(to !== undefined && { to }),
    audience: audienceOf(agent),
    epoch,
    expiresAtMs,
    ...(urgent !== undefined && { urgent }),
    ...(latest !== undefined && { latest }),
  } as const;
  try {
    return await signSignal(holder, await sealSignal(primitives, key, statement, encodeSaid(body)), session);
  } finally {
    key.fill(0);
  }
}

/** What a reader knows for itself. */
export interface Reading {
  readonly primitives: Primitives;
  readonly fleet: Uint8Array;
  readonly reader: Uint8Array;
  /** The signing key of whoever may speak: a live agent to an operator, a device of the fleet to an agent. Undefined: nobody. */
  readonly signKeyOf: (sender: Uint8Array) => Uint8Array | undefined;
  /** A copy, which is overwritten here. Throws `epoch_key_missing`. */
  readonly epochKey: (audience: string, epoch: number) => Promise<{ readonly key: Uint8Array }>;
  readonly nowMs: number;
}

interface Heard<T> {
  readonly from: Uint8Array;
  readonly expiresAtMs: number;
  readonly said: T;
}

/** As an operator. Throws `signal_forged`, `signal_expired`, `open_failed`, `epoch_key_missing`, `codec_*`. [APPROVAL-4] */
export async function hearAgent(reading: Reading, wire: Uint8Array): Promise<Heard<Ask | Closed | Presence>> {
  const signal = parseSignal(wire);
  const { from, expiresAtMs } = signal.statement;
  const said = await hear(reading, signal, from);
  if (said.kind === 'answer') throw new HoldfastError('signal_forged', 'an agent does not answer'); // [APPROVAL-4] [PRESENCE-2]
  return { from, expiresAtMs, said };
}

/** As the agent that asked. Throws like `hearAgent`. [APPROVAL-5] */
export async function hearOperator(reading: Reading, wire: Uint8Array): Promise<Heard<Answer>> {
  const signal = parseSignal(wire);
  const { from, to, expiresAtMs } = signal.statement;
  if (to === undefined) throw new HoldfastError('signal_forged', 'the answer is for nobody'); // [APPROVAL-5]
  if (signal.session !== undefined) throw new HoldfastError('signal_forged', 'an operator answers with its own key'); // [APPROVAL-5]
  const said = await hear(reading, signal, reading.reader);
  if (said.kind !== 'answer') throw new HoldfastError('signal_forged', 'an operator only answers'); // [APPROVAL-5]
  return { from, expiresAtMs, said };
}

async function hear(reading: Reading, signal: Signal, agent: Uint8Array): Promise<Said> {
  const { primitives, fleet, reader, nowMs } = reading;
  const { from, audience, epoch } = signal.statement;
  const ownKey = reading.signKeyOf(from);
  if (ownKey === undefined) throw new HoldfastError('signal_forged', 'the signal is by nobody who may say this');
  if (audience !== audienceOf(agent)) throw new HoldfastError('signal_forged', 'the signal is for other readers');
  const { statement } = await verifySignalFrom(primitives, signal, { fleet, reader, ownKey, nowMs });
  const { key } = await reading.epochKey(audience, epoch);
  try {
    return decodeSaid(await openSignal(primitives, key, statement));
  } finally {
    key.fill(0);
  }
}

/** Whether an answer is for this ask and this very call, and brings what lets an act go, and only that. [APPROVAL-5] [APPROVAL-16] */
export function isFor({ ask, call, verdict, sealed, warrant }: Answer, asked: Pick<Ask, 'ask' | 'call' | 'act'>): boolean {
  const allows = verdict === 'once';
  const brings = (sealed !== undefined) === (allows && asked.act.kind === 'use') && (warrant !== undefined) === allows;
  return equalBytes(ask, asked.ask) && equalBytes(call, asked.call) && brings;
}
