// Enrolling a scope of this machine, spec/pairing.md: new keys in custody, an offer behind a code, the operator's answer, and then the fleet's
// journal read and compared with what the answer named. Nothing is kept of an attempt that does not end well, and of one that was killed the
// next start removes the keys.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { DoorRequest } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { formatPairingCode, newPairingCode, Pairing, pairingLifeMs, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { agentPairing, type PairingAnswer } from '@holdfast/protocol/identity/pairing-kind';
import { assertPairedWith } from '@holdfast/protocol/journal/state';
import type { Agent } from './agent/agent.ts';
import type { Agents } from './agents.ts';
import type { Custody } from './custody/custody.ts';
import type { Caller } from './door/server.ts';
import type { Ports } from './ports.ts';
import { offerEvidence } from './prove-keys.ts';
import type { StateStore } from './state/store.ts';

const answerWithinMs = 15_000;
const waitMs = 20_000;
const readFleetWithinMs = 20_000;

export interface EnrolOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly custody: Custody;
  readonly agents: Agents;
  readonly defaultRelay: string | undefined;
  /** What this machine calls itself: what callers say of it does not count. */
  readonly machine: string;
}

type EnrolRequest = Extract<DoorRequest, { kind: 'enroll' }>;

export class Enrolments {
  private readonly options: EnrolOptions;
  private readonly pending = new Set<string>();

  constructor(options: EnrolOptions) {
    this.options = options;
  }

  /** One enrolment, from the offer to the fleet read. Throws `scope_enrolled`, `pairing_*`, `relay_*`, `custody_*`. */
  async enrol({ scope, relay, custody, may }: EnrolRequest, caller: Caller): Promise<void> {
    const relayUrl = relay ?? this.options.defaultRelay;
    if (relayUrl === undefined)
      throw new HoldfastError('usage', 'no relay is known here', { next: 'name one: holdfast enroll --relay URL' });
    this.assertFree(scope);
    this.pending.add(scope);
    try {
      const agent = await this.pair({ scope, relayUrl, level: custody, may }, caller);
      const { fleet } = agent.enrolment;
      caller.reply({
        kind: 'enroll-done',
        agent: agent.id,
        fleet,
        fleetName: agent.state?.name ?? '',
        scope,
        custody: agent.custodyLevel,
      });
    } finally {
      this.pending.delete(scope);
    }
  }

  /** A scope whose agent lives is taken; one that the relay turns away was most likely revoked while this machine was off. */
  private assertFree(scope: string): void {
    const { agents } = this.options;
    if (this.pending.has(scope))
      throw new HoldfastError('scope_enrolled', `the scope ${scope} is being enrolled in another terminal`, {
        next: 'finish or end that one first',
      });
    if (agents.unopened().some((each) => each.scope === scope)) {
      throw new HoldfastError('scope_enrolled', `the scope ${scope} is enrolled, but its agent could not be opened`, {
        next: 'see why: holdfast status',
      });
    }
    const enrolled = agents.all().find((agent) => agent.enrolment.scope === scope);
    if (enrolled?.live === true && enrolled.relayError !== 'relay_refused') {
      throw new HoldfastError('scope_enrolled', `the scope ${scope} is enrolled already`, {
        next: 'use another --scope, or revoke it first',
      });
    }
  }

  private async pair(
    {
      scope,
      relayUrl,
      level,
      may = [],
    }: { scope: string; relayUrl: string; level: EnrolRequest['custody']; may: EnrolRequest['may'] },
    caller: Caller,
  ): Promise<Agent> {
    const { ports, custody, store, agents, machine } = this.options;
    const { primitives, clock } = ports;
    const relay = await connectRelay(relayUrl, {
      webSocket: ports.webSocket,
      primitives,
      deadline: (afterMs, expired) => {
        const timer = setTimeout(expired, afterMs);
        return () => clearTimeout(timer);
      },
      answerWithinMs,
      onPush: () => {},
      onClosed: () => {},
    });
    const giveUp = () => relay.close();
    caller.gone.addEventListener('abort', giveUp);
    const over = new AbortController();
    const { key, ...created } = await custody.create(scope, level);
    try {
      store.beginAttempt(key);
      const code = newPairingCode(primitives, agentPairing);
      const text = formatPairingCode(primitives, agentPairing, code);
      const url = pairingUrl(primitives, agentPairing, relayUrl, code);
      const terms = { agent: primitives.random(16), scope, machine, custody: created.custody, capabilities: may };
      const pairing = await Pairing.begin(primitives, agentPairing, custody.holder({ key, ...created }), terms, {
        code,
        monotonicMs: clock.monotonicMs(),
      });
      const proving = { ports, custody, relay, code, key, over: over.signal };
      if (created.custody === 'tpm') await offerEvidence(proving, pairing.offerHash); // before the offer: whoever reads that looks for it
      await putRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
      const label = custody.stores.find((each) => each.level === created.custody)?.label;
      caller.reply({
        kind: 'enroll-offer',
        code: text,
        url,
        words: pairing.words,
        expiresAtMs: clock.nowMs() + pairingLifeMs,
        custody: created.custody,
        ...(label !== undefined && { label }),
      });
      const sealed = await this.answer(relay, pairing, caller);
      caller.gone.removeEventListener('abort', giveUp); // the operator has admitted this machine: that is carried through
      return await this.adopt(await pairing.openAnswer(sealed, clock.monotonicMs()), { scope, relayUrl, key });
    } catch (thrown) {
      await agents.dropKey(key);
      throw thrown;
    } finally {
      over.abort();
      caller.gone.removeEventListener('abort', giveUp);
      relay.close();
    }
  }

  private async answer(relay: RelayExchange, { rendezvous }: Pairing, caller: Caller): Promise<Uint8Array> {
    const { clock } = this.options.ports;
    const untilMs = clock.monotonicMs() + pairingLifeMs;
    while (clock.monotonicMs() < untilMs && !caller.gone.aborted) {
      const taken = await takeRendezvous(relay, { rendezvous, slot: 'answer' }, waitMs);
      if (taken !== undefined) return taken;
    }
    throw new HoldfastError('pairing_expired', 'no operator answered in time', { next: 'run holdfast enroll again' });
  }

  /** Pins what the answer named, reads the fleet, and keeps the enrolment only if it is that fleet. */
  private async adopt(
    answer: PairingAnswer,
    { scope, relayUrl, key }: { scope: string; relayUrl: string; key: Uint8Array },
  ): Promise<Agent> {
    const { ports, custody, agents } = this.options;
    const { fleet, admitted: agent, relay: relayKey, control: pinned } = answer;
    await custody.bind(key, { fleet, agent });
    const enrolment = { v: 1, scope, agent, fleet, key, relayUrl, relayKey, pinned, enrolledAtMs: ports.clock.nowMs() } as const;
    const admitted = await agents.admit(enrolment, async (opened) => {
      await opened.ready(readFleetWithinMs);
      if (opened.state === undefined) throw new HoldfastError('pairing_answer_invalid', 'the fleet could not be read');
      assertPairedWith(opened.state, answer);
    });
    ports.log.info({ agent: toHex(agent) }, 'enrolled');
    return admitted;
  }
}
