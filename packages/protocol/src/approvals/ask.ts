// What an agent asks its operators and what they answer, spec/approval.md: the bodies of signals in the agent's audience. Everything that a
// person decides by stands in the ask, whole, or nothing is asked.

import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  literal,
  oneOf,
  optional,
  record,
  text,
  union,
  type Infer,
} from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { digest, sealPublicKey } from '../keys/public-keys.ts';
import { sealed } from '../seal/hpke.ts';
import { maxSignalBodyBytes } from '../seal/signal-body.ts';
import { portNumber } from '../vault/host.ts';
import { grantId, itemId, itemName } from '../vault/item.ts';
import { maxApprovalBytes } from '../vault/warrant.ts';
import { presence } from './presence.ts';

/** Longer than this nobody is asked: the session key that signs asks lives ten minutes. */
export const maxAskLifeMs = 9 * 60_000;
/** An act that is longer can't be shown as a whole. */
const maxActCharacters = 8192;
/** A longer body can't be shown as a whole beside the rest of its request. */
const maxShownBodyBytes = 6144;
const maxShownHeaders = 64;

const askId = bytes(16);

/** Text that the agent may have chosen: whoever shows it escapes what a terminal would obey or a person not see. */
const agentsText = (max: number) => text({ max });

/** What of a request an approval is bound to: all that goes out but the secret and what frames the message. [APPROVAL-14] */
export const useRequest = {
  grant: grantId,
  item: itemId,
  name: itemName,
  method: text({ min: 1, max: 32 }),
  host: text({ min: 1, max: 253 }),
  port: portNumber,
  path: agentsText(2048),
  query: agentsText(2048),
  headers: list(record({ name: agentsText(256), value: agentsText(4096) }), { max: maxShownHeaders }),
  body: agentsText(maxShownBodyBytes),
} as const;

/** Where an agent wants to be let. [APPROVAL-21] */
export const accessRequest = {
  method: text({ min: 1, max: 32 }),
  host: text({ min: 1, max: 253 }),
  port: portNumber,
  path: agentsText(2048),
} as const;

/** What the session says of itself: the last command that its harness told of. Nobody can hold it to that. */
const reported = record({ command: optional(agentsText(1024)) });

/** What would happen, to the letter. Kinds of acts are added here. */
const act = union({
  'tool-call': {
    tool: text({ min: 1, max: 16, pattern: /^[a-z]+$/ }),
    harness: agentsText(32),
    /** The harness's own word for the tool. */
    name: agentsText(256),
    /** The whole command, path, address or input. */
    text: agentsText(maxActCharacters),
    /** What else the input of a command says. */
    rest: optional(agentsText(maxActCharacters)),
    directory: optional(agentsText(1024)),
    subagent: optional(agentsText(128)),
  },
  /** One request with a credential that is approved per use. */
  use: {
    ...useRequest,
    /** What the secret is sealed to, made for this ask alone. */
    key: sealPublicKey,
    reported: optional(reported),
  },
  /** A grant that the agent lacks; `reason`: its own words. */
  access: { ...accessRequest, reason: agentsText(512) },
});
export type Act = Infer<typeof act>;

/** The rule that wants an answer, in the operator's own words. */
const reason = record({ rule: text({ max: 128 }), reason: text({ max: 512 }) });
export type Because = Infer<typeof reason>;

const ask = {
  v: literal(1),
  ask: askId,
  session: bytes(16),
  mode: oneOf('sealed', 'guarded'),
  /** What the session runs. */
  program: agentsText(256),
  act,
  /** Digest of the very call, call-digest.ts. */
  call: digest,
  because: list(reason, { max: 8 }),
  /** From when it was asked; the statement says when that ends by the clock on the wall. */
  lifeMs: integer({ min: 1, max: maxAskLifeMs }),
};

export const outcomes = ['allowed', 'denied', 'expired', 'crowded', 'unasked', 'withdrawn'] as const;
/** What became of an ask: nothing but `allowed` lets anything happen. */
export type Outcome = (typeof outcomes)[number];

const said = union({
  ask,
  /** `sealed`: for a use, the secret under the key of the ask. `warrant`: with `once`, the approval for those who can't read this. */
  answer: {
    v: literal(1),
    ask: askId,
    call: digest,
    verdict: oneOf('once', 'deny'),
    sealed: optional(sealed),
    warrant: optional(bytesUpTo(maxApprovalBytes)),
  },
  /** By the agent: nobody needs to answer any more. */
  closed: {
    v: literal(1),
    ask: askId,
    outcome: oneOf(...outcomes),
    /** Of what was allowed: from the ask to the moment at which the act was let go, on the machine's monotonic clock. [APPROVAL-24] */
    letGoAfterMs: optional(integer()),
  },
  /** By the agent: how it is just now. */
  presence,
}); // [APPROVAL-1]
export type Said = Infer<typeof said>;
export type Ask = Extract<Said, { kind: 'ask' }>;
export type Answer = Extract<Said, { kind: 'answer' }>;
export type Closed = Extract<Said, { kind: 'closed' }>;

/** Throws `codec_*`; `codec_limit` for an ask that is too long to be shown. [APPROVAL-3] */
export const encodeSaid = (value: Said): Uint8Array => encode(said, value);

/** Throws `codec_*`. */
export function decodeSaid(plain: Uint8Array): Said {
  const read = decode(said, plain, maxSignalBodyBytes);
  if (read.kind === 'closed' && read.letGoAfterMs !== undefined && read.outcome !== 'allowed')
    throw new HoldfastError('codec_shape', 'only what was allowed is let go'); // [APPROVAL-24]
  return read;
}
