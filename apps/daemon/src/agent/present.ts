// An agent proves who it is to a service, spec/presentation.md: its credential, checked before it is shown, the disclosures that were asked for,
// and the proof that custody makes of its key. The record comes first.

import type { AuditReport } from '@holdfast/protocol/audit/event';
import { toBase64url, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { maxDelegationDepth, type DelegationTerms } from '@holdfast/protocol/custody/delegation';
import type { KeyBindingTerms } from '@holdfast/protocol/custody/key-binding';
import { HoldfastError } from '@holdfast/protocol/errors';
import {
  disclose,
  disclosedIn,
  readCredential,
  rootOf,
  verifyCredential,
  type CredentialStatement,
} from '@holdfast/protocol/identity/credential';
import { makerOf, type Agent, type FleetState } from '@holdfast/protocol/journal/state';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import type { Child } from '../children/child.ts';
import type { Origin } from '../children/children.ts';
import type { Ports } from '../ports.ts';

const nonceBytes = 18;

export interface PresentRequest {
  readonly audience: string;
  /** What the service asked for; undefined: one is made up. */
  readonly nonce: string | undefined;
  /** `scope`, `machine`, `capability:NAME`, `capabilities` for all of them, `harness`, or `all`. */
  readonly show: readonly string[];
  /** Of the session that asks, if that is known; shown only where it is asked for. */
  readonly harness?: Uint8Array | undefined;
  /** The session that asks; absent: whoever is at this machine's own door. */
  readonly session?: Uint8Array;
}

export interface MadePresentation {
  readonly presentation: string;
  readonly nonce: string;
  /** The names of what it discloses. */
  readonly shown: readonly string[];
  readonly expiresAtMs: number;
}

export interface Presenter {
  readonly ports: Ports;
  readonly holder: Pick<KeyHolder, 'publicKeys'> & {
    present(terms: KeyBindingTerms): Promise<string>;
    delegate(credential: string, terms: DelegationTerms): Promise<string>;
  };
  readonly own: Agent;
  readonly state: FleetState;
  readonly record: (report: AuditReport) => Promise<unknown>;
}

/** Throws `credential_expired`, `credential_invalid`, `usage` for what the credential does not have, `audit_unavailable`, `custody_*`. */
export async function presentAs(
  { ports, holder, own, state, record }: Presenter,
  { audience, nonce: asked, show, session, harness: known }: PresentRequest,
): Promise<MadePresentation> {
  const { primitives } = ports;
  const { expiresAtMs } = await verifyOwn({ ports, holder, own, state });
  const wanted = new Set(show);
  const isShown = (name: string): boolean =>
    wanted.has(name) || wanted.has('all') || (name.startsWith('capability:') && wanted.has('capabilities'));
  const credential = disclose(own.credential, isShown);
  const harness = isShown('harness') ? known : undefined;
  const shown = [...disclosedIn(credential), ...(harness === undefined ? [] : ['harness'])];
  const missing = show.find((name) => name !== 'all' && name !== 'capabilities' && !shown.includes(name));
  if (missing !== undefined) throw new HoldfastError('usage', `there is no ${missing} to show`, { next: 'see: holdfast agents' });
  const nonce = asked ?? toBase64url(primitives.random(nonceBytes));
  // No record, no proof. [PRESENT-12]
  const by = session === undefined ? {} : { session };
  await record({ kind: 'presented', ...by, audience, nonce, shown, credential: primitives.sha256(utf8(credential)) });
  const proof = await holder.present({ audience, nonce, credential, harness }); // [PRESENT-13]
  return { presentation: credential + proof, nonce, shown, expiresAtMs };
}

/** As its child: with what the child was given, and by its key. Throws as `presentAs`, and `child_ended`, `delegation_exceeded`. */
export async function presentAsChild(
  { ports: { primitives }, record }: Presenter,
  { audience, nonce: asked, show, session }: PresentRequest,
  child: Child,
): Promise<MadePresentation> {
  const { credential, leave } = child;
  const shown = leave.capabilities.map((each) => `capability:${each}`);
  const missing = show.find((name) => name !== 'all' && name !== 'capabilities' && !shown.includes(name));
  if (missing !== undefined) throw new HoldfastError('usage', `a child shows its capabilities, and no ${missing}`);
  const nonce = asked ?? toBase64url(primitives.random(nonceBytes));
  const by = session === undefined ? {} : { session };
  await record({
    kind: 'presented',
    ...by,
    child: child.id,
    audience,
    nonce,
    shown,
    credential: primitives.sha256(utf8(credential)),
  });
  const proof = await child.present({ audience, nonce });
  return { presentation: credential + proof, nonce, shown, expiresAtMs: leave.expiresAtMs };
}

/** Its own credential, up to the root and in force. [PRESENT-12] */
async function verifyOwn({ ports, holder, own, state }: Omit<Presenter, 'record'>): Promise<CredentialStatement> {
  const { primitives, clock } = ports;
  const root = rootOf(toHex(state.fleet), makerOf(state).keys.sign);
  return verifyCredential(primitives, own.credential, { root, keys: holder.publicKeys, nowMs: clock.nowMs() });
}

/** What this agent's children come from. `fresh`: throws why nothing may be proved now. */
export function originOf({
  nowMs,
  able,
  fresh,
  presenter,
  note,
  burn,
}: {
  nowMs(): number;
  able(): void;
  fresh(): void;
  presenter(): Presenter;
} & Pick<Origin, 'note' | 'burn'>): Origin {
  return {
    get leave() {
      const { own } = presenter();
      const { expiresAtMs } = readCredential(own.credential);
      if (nowMs() >= expiresAtMs) throw new HoldfastError('credential_expired', 'the credential is past its life');
      return { capabilities: own.capabilities, depth: maxDelegationDepth, expiresAtMs };
    },
    // A sub-agent of a harness works on, as its parent does, while nothing may be proved.
    assertAble: (kind) => (kind === 'sub-agent' ? able() : fresh()),
    credential: async (capabilities) => {
      const { own, ...rest } = presenter();
      await verifyOwn({ own, ...rest }); // [DELEGATE-7]
      const wanted = new Set(capabilities.map((each) => `capability:${each}`));
      return disclose(own.credential, (name) => wanted.has(name));
    },
    delegate: (credential, terms) => presenter().holder.delegate(credential, terms),
    record: (report) => presenter().record(report),
    note,
    burn,
  };
}
