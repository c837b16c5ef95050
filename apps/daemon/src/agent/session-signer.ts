// The key that signs audit checkpoints: the daemon's own, in memory, certified by custody for at most ten minutes (spec/session-key.md), so
// that signing often costs the hardware little and a copied memory signs nothing for long.

import type { SessionSigner } from '@holdfast/protocol/audit/checkpoint';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import type { Ports } from '../ports.ts';

/** A new key this long before the old certificate ends. */
const marginMs = 60_000;
/** What is signed was dated a moment before its signer was asked for. */
const datedBeforeMs = 30_000;

interface Certified {
  readonly key: SoftwareKeyHolder;
  readonly signer: SessionSigner;
  readonly fromMs: number;
  readonly untilMs: number;
}

export class SessionSigners {
  private readonly ports: Ports;
  private readonly holder: KeyHolder;
  private readonly fleet: Uint8Array;
  private readonly agent: Uint8Array;
  private current: Promise<Certified> | undefined;

  constructor(ports: Ports, holder: KeyHolder, { fleet, agent }: { fleet: Uint8Array; agent: Uint8Array }) {
    this.ports = ports;
    this.holder = holder;
    this.fleet = fleet;
    this.agent = agent;
  }

  /** A signer whose certificate covers the present moment, and at least so long after it. Throws what custody throws. */
  async signer(lastsMs = marginMs): Promise<SessionSigner> {
    const asked = this.current;
    const held = await asked?.catch(() => undefined);
    const nowMs = this.ports.clock.nowMs();
    if (
      this.current === asked &&
      (held === undefined || nowMs < held.fromMs + datedBeforeMs || nowMs > held.untilMs - Math.max(lastsMs, marginMs))
    ) {
      held?.key.wipe();
      this.current = this.certify(nowMs);
    }
    return (await (this.current as Promise<Certified>)).signer;
  }

  /** Overwrites the key in memory; the next `signer` makes a new one. */
  async wipe(): Promise<void> {
    const held = await this.current?.catch(() => undefined);
    this.current = undefined;
    held?.key.wipe();
  }

  private async certify(nowMs: number): Promise<Certified> {
    const key = await SoftwareKeyHolder.generate(this.ports.primitives);
    const fromMs = nowMs - datedBeforeMs;
    const untilMs = fromMs + maxSessionKeyMs;
    const { fleet, agent } = this;
    const certificate = await certifySessionKey(this.holder, {
      v: 1,
      fleet,
      agent,
      key: key.publicKeys.sign,
      notBeforeMs: fromMs,
      notAfterMs: untilMs,
    });
    return { key, fromMs, untilMs, signer: { certificate, sign: (domain, statement) => key.sign(domain, statement) } };
  }
}
