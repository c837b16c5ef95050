// What the broker asks of the daemon around it. It knows no vault, no journal and no audit log: grants, egress, uses and records are given.

import type { Header } from './request-head.ts';
import type { Target } from './target.ts';

/** The request as it will go out. */
export interface RequestFacts extends Target {
  readonly method: string;
  /** Canonical where the host has a grant, else as received; without the query. */
  readonly path: string;
  /** As it will go out, without the question mark and without an attached secret. */
  readonly query: string;
}

/** A body whose limits are judged, as it was received. Header values; undefined where there is no such header. */
export interface ReceivedBody {
  readonly type: string | undefined;
  readonly coding: string | undefined;
  readonly bytes: Uint8Array;
}

/** What was judged, as it is to go out. */
export interface Judged {
  readonly query: string;
  /** Undefined: the body is not judged, and passes as it comes. */
  readonly body:
    | {
        readonly type: string | undefined;
        readonly bytes: Uint8Array;
        /** Of a credential that stands in the body: these of the bytes stand for the secret, a text of JSON or of a form. */
        readonly secret?: { readonly from: number; readonly to: number; readonly format: 'json' | 'form' };
      }
    | undefined;
}

/** For a grant whose uses are approved one by one. */
export interface ToApprove {
  /** With that body, as they will go out: without what frames the message and without the credential. */
  headers(body: Judged['body']): readonly Header[];
  /** The client has left, or the session has ended. */
  readonly gone: AbortSignal;
}

export type Attach =
  | { readonly kind: 'bearer' }
  /** The secret is the password, or the whole `user:password` when `username` is empty. */
  | { readonly kind: 'basic'; readonly username: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  /** The value of a field; where it stands, `use` says. */
  | { readonly kind: 'body'; readonly at: string };

export interface GrantView {
  readonly grantId: string;
  /** `hf_…` */
  readonly placeholder: string;
  readonly attach: Attach;
  /** PEM; the only authorities trusted for its hosts. */
  readonly ca: string | undefined;
  /** SHA-256 of SubjectPublicKeyInfo: one of them is in its chain; undefined: any chain that verifies. */
  readonly pins: readonly Uint8Array[] | undefined;
  readonly allowPrivate: boolean;
  /** Whether an operator is asked about each use, and so may keep it waiting. */
  readonly approve: boolean;
  /** Whether its fence limits arguments: then a header that may be one goes no further. */
  readonly limitsArguments: boolean;
  /** Whether `use` has to be given the whole body. */
  readonly judgesBody: boolean;
  matches(facts: RequestFacts): boolean;
}

export interface EgressView {
  readonly allowPrivate: boolean;
  readonly ca: string | undefined;
  readonly pins: readonly Uint8Array[] | undefined;
}

/** What may pass of one use, of a grant that is limited in bytes. */
export interface Meter {
  /** Undefined: so many bytes may pass. Else they may when it resolves; when it rejects, none of them. */
  take(bytes: number): Promise<void> | undefined;
  /** Sees to it that so many can be taken at once, if at all. Rejects as `take`. */
  ready(bytes: number): Promise<void>;
}

/** One consumed handle. After `open` the broker calls `wiped` once, when it is overwritten; `failed` when the request did not succeed. */
export interface Use {
  readonly handleId: string;
  /** All that may be sent of the request, besides its head. */
  readonly judged: Judged;
  /** Every byte that goes to the service or comes from it is taken here first. */
  readonly meter?: Meter | undefined;
  /** A fresh Buffer over memory of its own (not V8's heap, not Node's pool), the broker's to overwrite. */
  open(): Promise<Buffer>;
  /** `sent`: its bytes were handed to the upstream's connection, whatever became of them. */
  wiped(sent: boolean): void;
  failed(code: string): void;
  /** Called once, when the request and its answer are over, however they ended; before `failed`. */
  over(): void;
}

export interface Authority {
  /** Grants of this session for that host and port; none for plain http. */
  grantsFor(target: Target): readonly GrantView[];
  /** The operator's leave to reach the target without a credential. */
  egressFor(target: Target): EgressView | undefined;
  /**
   * Mint, fences, durable consumption; throws a coded refusal, resolves only when the use is durable. `handle`: the text of one that the
   * agent asked for before, presented instead of minting. `body`: of a grant that judges it;
   * `toApprove`: of one whose uses are approved.
   */
  use(grant: GrantView, facts: RequestFacts, handle?: string, body?: ReceivedBody, toApprove?: ToApprove): Promise<Use>;
  /** The grant that a handle of this session waits for; undefined for any other text. */
  grantOf(handle: string): string | undefined;
  /** Handles that stood where they are not for: dead when this returns. */
  misused(handles: readonly string[]): void;
  /** An uncredentialed request, recorded before its effect. */
  passed(facts: RequestFacts): Promise<void>;
  refused(facts: Partial<RequestFacts>, code: string): void;
}
