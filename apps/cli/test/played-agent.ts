// An agent that a test plays, enrolled by the real command at a real relay: it reads its fleet, and says and hears signals with the real keys.

import type { TestContext } from 'node:test';
import type { Act, Answer, Ask, Closed } from '@holdfast/protocol/approvals/ask';
import type { Presence } from '@holdfast/protocol/approvals/presence';
import { agentSays, hearOperator } from '@holdfast/protocol/approvals/signals';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { getLockbox, putRendezvous, putSignal, readTopic, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { formatPairingCode, newPairingCode, Pairing, pairingLifeMs } from '@holdfast/protocol/identity/pairing';
import { agentPairing, type PairingAnswer } from '@holdfast/protocol/identity/pairing-kind';
import { Replica } from '@holdfast/protocol/journal/replica';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

function connect(url: string, onPush: (push: RelayPush) => void = () => {}, identity?: RelayIdentity): Promise<RelayExchange> {
  return connectRelay(url, {
    webSocket: WebSocket,
    primitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs: 60_000,
    onPush,
    onClosed: () => {},
    ...(identity !== undefined && { identity }),
  });
}

export class PlayedAgent {
  readonly id: Uint8Array;
  readonly holder: SoftwareKeyHolder;
  readonly fleet: Uint8Array;
  private readonly exchange: RelayExchange;
  readonly replica: Replica;
  private readonly heard: Uint8Array[];
  private readonly arrived: { promise: Promise<void>; resolve: () => void };

  private constructor(
    { id, holder, fleet }: { id: Uint8Array; holder: SoftwareKeyHolder; fleet: Uint8Array },
    exchange: RelayExchange,
    heard: Uint8Array[],
    arrived: { promise: Promise<void>; resolve: () => void },
  ) {
    this.id = id;
    this.holder = holder;
    this.fleet = fleet;
    this.exchange = exchange;
    this.heard = heard;
    this.arrived = arrived;
    this.replica = new Replica({ primitives, holder, self: id, fleet, lockboxes: (place) => getLockbox(exchange, place) });
  }

  /** `approve` is given the code and the words, as the operator has them from the machine. */
  static async enrolled(
    t: TestContext,
    url: string,
    approve: (code: string, words: string) => Promise<unknown>,
    terms: { readonly scope?: string; readonly machine?: string } = {},
  ): Promise<PlayedAgent> {
    const holder = await SoftwareKeyHolder.generate(primitives);
    const stranger = await connect(url);
    t.after(() => stranger.close());
    const code = newPairingCode(primitives, agentPairing);
    const text = formatPairingCode(primitives, agentPairing, code);
    const { scope = 'main', machine = 'box' } = terms;
    const id = primitives.random(16);
    const said = { agent: id, scope, machine, custody: 'software', capabilities: [] } as const;
    const pairing = await Pairing.begin(primitives, agentPairing, holder, said, { code, monotonicMs: 0 });
    await putRendezvous(stranger, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
    await approve(text, pairing.words.join(' '));
    const sealed = await takeRendezvous(stranger, { rendezvous: pairing.rendezvous, slot: 'answer' }, 60_000);
    const answer: PairingAnswer = await pairing.openAnswer(sealed ?? new Uint8Array(), 1);
    const heard: Uint8Array[] = [];
    const arrived = Promise.withResolvers<void>();
    const identity = { fleet: answer.fleet, principal: id, holder };
    const state = { promise: arrived.promise, resolve: arrived.resolve };
    const exchange = await connect(
      url,
      (push) => {
        if (push.kind !== 'push-signal') return;
        heard.push(push.signal);
        state.resolve();
      },
      identity,
    );
    t.after(() => exchange.close());
    const agent = new PlayedAgent({ id, holder, fleet: answer.fleet }, exchange, heard, state);
    await agent.readOn();
    return agent;
  }

  /** Answers, and whatever else the relay has pushed, that nobody has asked for. */
  get unheard(): number {
    return this.heard.length;
  }

  async readOn(): Promise<void> {
    const from = this.replica.hasBegun ? this.replica.state.control.position + 1 : 0;
    const wires: Uint8Array[] = [];
    for await (const wire of readTopic(this.exchange, controlTopic, from)) wires.push(wire);
    await this.replica.ingest(controlTopic, wires); // at once: later epochs hand earlier keys down
  }

  /** Asks about an act; the ask as it was said. */
  async ask(
    act: Partial<Extract<Act, { kind: 'tool-call' }>>,
    change: Partial<Ask> & { readonly expiresAtMs?: number } = {},
  ): Promise<Ask> {
    const { expiresAtMs, ...fields } = change;
    const ask: Ask = {
      kind: 'ask',
      v: 1,
      ask: primitives.random(16),
      session: primitives.random(16),
      mode: 'sealed',
      program: 'claude',
      act: { kind: 'tool-call', tool: 'shell', harness: 'claude-code', name: 'Bash', text: 'git push --force', ...act },
      call: primitives.random(32),
      because: [{ rule: 'no-force-push', reason: 'It rewrites what others have pulled.' }],
      lifeMs: 120_000,
      ...fields,
    };
    await this.say(ask, expiresAtMs);
    return ask;
  }

  async say(body: Ask | Closed | Presence, expiresAtMs = Date.now() + 120_000): Promise<void> {
    const key = await SoftwareKeyHolder.generate(primitives);
    const certificate = await certifySessionKey(this.holder, {
      v: 1,
      fleet: this.fleet,
      agent: this.id,
      key: key.publicKeys.sign,
      notBeforeMs: expiresAtMs - 500_000,
      notAfterMs: expiresAtMs + 1000,
    });
    const epochKey = await this.replica.epochKey(`agent:${toHex(this.id)}`);
    const to = { primitives, fleet: this.fleet, agent: this.id, epochKey, expiresAtMs };
    await putSignal(this.exchange, await agentSays(to, { certificate, sign: (domain, bytes) => key.sign(domain, bytes) }, body));
  }

  /** The next answer that an operator's device gave. */
  async answer(): Promise<Answer> {
    for (;;) {
      const wire = this.heard.shift();
      if (wire === undefined) {
        await this.arrived.promise;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.arrived.promise = promise;
        this.arrived.resolve = resolve;
        continue;
      }
      const { said } = await hearOperator(
        {
          primitives,
          fleet: this.fleet,
          reader: this.id,
          signKeyOf: (sender) => this.replica.state.devices.get(toHex(sender))?.keys.sign,
          epochKey: (audience, epoch) => this.replica.epochKey(audience, epoch),
          nowMs: Date.now(),
        },
        wire,
      );
      return said;
    }
  }
}
