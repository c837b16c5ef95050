// One child of an agent while it lives, spec/delegation.md: what it may do, what it holds in proof, and whether it still goes on. Its key is in this
// process's memory and dies with it (docs/adr/0013). Whoever acts for a child asks here at each use: an ended child has nothing.

import { toBase64url, toHex } from '@holdfast/protocol/codec/bytes';
import type { Leave } from '@holdfast/protocol/custody/delegation';
import { proveKey } from '@holdfast/protocol/custody/key-binding';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import type { Clock } from '../ports.ts';
import type { BytePurse } from '../vault/byte-counts.ts';

/** `session`: a sealed session beside its parent's; `sub-agent`: within its parent's session; `key`: a process of the agent's with a key of its own. */
export type ChildKind = 'session' | 'sub-agent' | 'key';
export type ChildEnd = 'stopped' | 'expired' | 'revoked' | 'parent' | 'session' | 'agent' | 'failed';

export interface ChildTerms {
  readonly id: Uint8Array;
  readonly kind: ChildKind;
  /** For people and the record: printable ASCII. */
  readonly name: string;
  /** The session that it belongs to, and ends with. */
  readonly session: Uint8Array;
  readonly parent: Child | undefined;
  /** `grants` are ids, base64url. */
  readonly leave: Leave;
  /** On the clock that never falls. */
  readonly untilMs: number;
}

interface ChildPorts {
  readonly clock: Clock;
  readonly primitives: Primitives;
}

const spent = (): HoldfastError =>
  new HoldfastError('child_spent', 'this child has used what it was given', { next: 'its parent may start another' });

export class Child {
  readonly id: Uint8Array;
  readonly hex: string;
  readonly kind: ChildKind;
  readonly name: string;
  readonly session: Uint8Array;
  readonly parent: Child | undefined;
  readonly leave: Leave;
  readonly startedAtMs: number;
  readonly #ports: ChildPorts;
  readonly #untilMs: number;
  readonly #listeners = new Set<(why: ChildEnd) => void>();
  #proof: { readonly credential: string; readonly holder: SoftwareKeyHolder | undefined } | undefined;
  #end: ChildEnd | undefined;
  #used = 0;
  #passed = 0;
  #seenAtMs: number;

  constructor(ports: ChildPorts, { id, kind, name, session, parent, leave, untilMs }: ChildTerms) {
    this.#ports = ports;
    this.id = id;
    this.hex = toHex(id);
    this.kind = kind;
    this.name = name;
    this.session = session;
    this.parent = parent;
    this.leave = leave;
    this.#untilMs = untilMs;
    this.startedAtMs = this.#seenAtMs = Math.trunc(ports.clock.nowMs());
  }

  /** Why it does nothing any more; undefined while it may. */
  get ended(): ChildEnd | undefined {
    return this.#end ?? (this.#ports.clock.monotonicMs() >= this.#untilMs ? 'expired' : this.parent?.ended && 'parent');
  }

  /** When it last did something. */
  get seenAtMs(): number {
    return this.#seenAtMs;
  }

  /** How many uses are left to it; undefined: nobody counts. */
  get usesLeft(): number | undefined {
    const own = this.leave.uses === undefined ? undefined : this.leave.uses - this.#used;
    const above = this.parent?.usesLeft;
    return own === undefined || above === undefined ? (own ?? above) : Math.min(own, above);
  }

  /** How many bytes may still pass with credentials; undefined: nobody counts. */
  get bytesLeft(): number | undefined {
    const own = this.leave.bytes === undefined ? undefined : this.leave.bytes - this.#passed;
    const above = this.parent?.bytesLeft;
    return own === undefined || above === undefined ? (own ?? above) : Math.min(own, above);
  }

  /** What the bytes of one of its uses are taken from, its own share and those of all above it; undefined: nobody counts. [CHILD-11] */
  purse(): BytePurse | undefined {
    if (this.bytesLeft === undefined) return undefined;
    const line = [...this.line()];
    const count = (bytes: number): void => {
      for (const each of line) each.#passed += bytes;
    };
    return { left: () => this.bytesLeft ?? 0, take: count, giveBack: (bytes) => count(-bytes), spent };
  }

  /** Throws `child_ended`. */
  assertGoing(): void {
    if (this.ended !== undefined)
      throw new HoldfastError('child_ended', 'this child has ended', { next: 'its parent may start another' }); // [CHILD-3]
    this.#seenAtMs = Math.trunc(this.#ports.clock.nowMs());
  }

  mayUse(grant: Uint8Array): boolean {
    return this.leave.grants === undefined || this.leave.grants.includes(toBase64url(grant)); // [CHILD-4]
  }

  mayReach(host: string, port: number): boolean {
    return this.leave.hosts === undefined || this.leave.hosts.includes(`${host}:${port}`); // [CHILD-4]
  }

  /**
   * Takes one use from it and from all above it, in one step: of many at once no more pass than are left. Returns what gives it back, for a use
   * that never came to be. Throws `child_ended`, `child_spent`.
   */
  takeUse(): () => void {
    this.assertGoing();
    if ((this.usesLeft !== undefined && this.usesLeft <= 0) || (this.bytesLeft !== undefined && this.bytesLeft <= 0))
      throw spent(); // [CHILD-5]
    const line = [...this.line()];
    for (const each of line) each.#used += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      for (const each of line) each.#used -= 1;
    };
  }

  /** It, its parent, and so on up to the agent's own child. */
  *line(): Iterable<Child> {
    yield this;
    if (this.parent !== undefined) yield* this.parent.line();
  }

  /** All that is presented before the proof. Throws `child_ended` also before it was made. */
  get credential(): string {
    this.assertGoing();
    if (this.#proof === undefined) throw new HoldfastError('child_ended', 'this child has not begun');
    return this.#proof.credential;
  }

  /** The key that its own children's delegations are signed with. Throws `child_ended`. */
  get holder(): SoftwareKeyHolder {
    const { credential: _made } = this;
    const holder = this.#proof?.holder;
    if (holder === undefined) throw new HoldfastError('delegation_exceeded', 'the key of this child is not here');
    return holder;
  }

  /** The token that binds its credential to an audience and a moment. Throws `child_ended`, `delegation_exceeded`. */
  async present({ audience, nonce }: { readonly audience: string; readonly nonce: string }): Promise<string> {
    if (this.leave.audiences?.includes(audience) === false)
      throw new HoldfastError('delegation_exceeded', 'this child may not present there'); // [DELEGATE-6]
    const { credential, holder } = this;
    return proveKey(this.#ports.primitives, holder, { credential, audience, nonce }, this.#ports.clock.nowMs());
  }

  /** Called once, by whoever made it; the key is this child's to overwrite. */
  begin(credential: string, holder: SoftwareKeyHolder | undefined): void {
    if (this.#end !== undefined) holder?.wipe();
    else this.#proof = { credential, holder };
  }

  /** Told at once; also when it has ended already. */
  onEnd(listener: (why: ChildEnd) => void): void {
    if (this.#end === undefined) this.#listeners.add(listener);
    else listener(this.#end);
  }

  /** Idempotent. The first reason stays. False: it had ended before. */
  end(why: ChildEnd): boolean {
    if (this.#end !== undefined) return false;
    this.#end = why;
    this.#proof?.holder?.wipe();
    for (const listener of this.#listeners) listener(why);
    this.#listeners.clear();
    return true;
  }
}
