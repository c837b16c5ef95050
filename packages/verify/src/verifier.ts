// A service's verifier of agents' presentations, docs/verify-presentation.md: it can't be made without the fleet's root, the service's name and a
// decision about nonces, and it has no lenient path.

import { HoldfastError } from '@holdfast/protocol/errors';
import { nonceOf, verifyPresentation, type Presented } from '@holdfast/protocol/identity/presentation';
import type { FleetRoot } from '@holdfast/protocol/identity/token';
import { webPrimitives as primitives } from '@holdfast/protocol/primitives/web';
import { Challenges, replayMemory, type ReplayMemory } from './memory.ts';
import { StatusSource } from './status-source.ts';

export interface VerifierOptions {
  /** What the operator's `holdfast root` printed. */
  readonly root: FleetRoot;
  /** What this service is called: agents name it, to the letter, in what they present. */
  readonly audience: string;
  /** `ours`: only answers to challenges that `challenge()` gave out. `theirs`: agents make them up; the memory alone tells a replay. */
  readonly nonces: 'ours' | 'theirs';
  /** Default: one of this process. */
  readonly memory?: ReplayMemory;
  /** How long a status list may be used again: so long a revocation may go unnoticed here. Default 5 s; 0: each presentation asks. */
  readonly statusMaxAgeMs?: number;
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  readonly nowMs?: () => number;
}

export interface PresentationVerifier {
  readonly audience: string;
  readonly nonces: 'ours' | 'theirs';
  /** A nonce for one presentation within two minutes. */
  challenge(): string;
  /** Who presented it, or throws: `presentation_*`, `credential_*`, `delegation_*`, `status_*`. */
  verifyPresentation(presentation: string): Promise<Presented>;
}

export function presentationVerifier(options: VerifierOptions): PresentationVerifier {
  const { root, audience, nonces, statusMaxAgeMs = 5000, nowMs = () => Date.now() } = options;
  if (!/^[\x21-\x7e]{1,512}$/.test(audience)) throw new HoldfastError('usage', 'the audience is no address');
  const memory = options.memory ?? replayMemory({ nowMs });
  const challenges = new Challenges(primitives, nowMs);
  const status = new StatusSource({
    primitives,
    root,
    fetch: options.fetch ?? globalThis.fetch,
    nowMs,
    monotonicMs: () => performance.now(),
    maxAgeMs: statusMaxAgeMs,
  });
  return {
    audience,
    nonces,
    challenge: () => challenges.give(),
    verifyPresentation: async (presentation) => {
      const expected = {
        root,
        audience,
        nowMs,
        firstUse: (name: string, untilMs: number) => memory.firstUse(name, untilMs),
        assertInForce: (
          statement: { readonly status: { readonly index: number; readonly uri: string } },
          children: readonly string[],
        ) => status.assertInForce(statement.status, children),
      };
      if (nonces === 'theirs') return verifyPresentation(primitives, presentation, { ...expected, challenge: null });
      const nonce = nonceOf(presentation);
      const refuse = () => {
        throw new HoldfastError('presentation_nonce', 'the presentation answers no open challenge');
      };
      if (!challenges.isOpen(nonce)) refuse();
      const presented = await verifyPresentation(primitives, presentation, { ...expected, challenge: nonce });
      // By whoever proved who it is, and by nobody else: nobody answers one challenge twice.
      if (!challenges.answer(nonce)) refuse();
      return presented;
    },
  };
}
