// The fence around a credential, spec/fence.md: where, how and on which paths it may be used. It is signed with the grant; the daemon
// checks each request against it from its own knowledge. What a fence does not name is refused, and an unknown key makes it unknown.

import { equalBytes } from '../codec/bytes.ts';
import { bool, bytes, list, literal, optional, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { assertBodyWithin, judgedBody, judgedQuery, type ReceivedBody, type SentBody } from './argument-text.ts';
import { bodyLimits, queryLimits, type ArgumentLimits } from './arguments.ts';
import { readWithField, type BodyWithSecret, type Field } from './body-field.ts';
import {
  approveWithinMs,
  byteLimits,
  concurrentUses,
  directories,
  hours,
  repositories,
  untilMs,
  useLimits,
} from './circumstances.ts';
import { hostName, portNumber } from './host.ts';
import { globMatches, isCanonicalPath, isPathGlob, maxGlobCharacters, withSlashes } from './path.ts';

/** Certificates only, as RFC 7468 §2 writes them, so that no private key rides along into an entry by mistake. */
export const caBundle = text({
  max: 64 * 1024,
  pattern: /^(?:-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----\n)+$/,
});

/** Each the SHA-256 of a SubjectPublicKeyInfo, as RFC 7469 §2.4 has it. */
export const keyPins = refine(list(bytes(32), { min: 1, max: 16 }), (pins, path) => {
  if (pins.some((pin, index) => pins.slice(0, index).some((other) => equalBytes(other, pin))))
    throw new HoldfastError('codec_shape', `${path}: different pins expected`); // [FENCE-50]
  return pins;
});

/** Refused: CONNECT opens a tunnel past the fence, TRACE and TRACK send the credential back. */
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);
const method = refine(text({ min: 1, max: 32, pattern: /^[A-Z][A-Z-]*$/ }), (name, path) => {
  if (refusedMethods.has(name)) throw new HoldfastError('codec_shape', `${path}: the method ${name} cannot be allowed`); // [FENCE-10]
  return name;
});

const pathGlob = refine(text({ min: 1, max: maxGlobCharacters }), (glob, path) => {
  if (!isPathGlob(glob)) throw new HoldfastError('codec_shape', `${path}: path glob in canonical form expected`); // [FENCE-5]
  return glob;
});

/** What a fence may hold besides where it leads: since version 2. */
const limitFields = {
  query: optional(queryLimits),
  body: optional(bodyLimits),
  uses: optional(useLimits),
  bytes: optional(byteLimits),
  concurrent: optional(concurrentUses),
  untilMs: optional(untilMs),
  approveWithinMs: optional(approveWithinMs),
  hours: optional(hours),
  directories: optional(directories),
  repositories: optional(repositories),
  /** One of them is a key of the upstream's verified chain. */
  pins: optional(keyPins),
};
const fenceLimits = record(limitFields);
export type FenceLimits = Infer<typeof fenceLimits>;

const fields = {
  v: optional(literal(2)),
  hosts: list(record({ host: hostName, port: portNumber }), { min: 1, max: 16 }),
  /** Written out; an empty list is refused rather than read as "all". */
  methods: list(method, { min: 1, max: 16 }),
  paths: list(pathGlob, { min: 1, max: 32 }),
  /** True: the host may resolve to private, loopback or link-local addresses. */
  allowPrivate: bool,
  /** Trusted for these hosts instead of the public authorities. */
  ca: optional(caBundle),
  ...limitFields,
}; // [FENCE-1] [FENCE-2]
export const fence = refine(record(fields), (value, path) => {
  const limited = Object.keys(limitFields).some((key) => key in value);
  if (limited === (value.v === undefined))
    throw new HoldfastError('codec_shape', `${path}: version 2 expected of a fence with limits, and of no other`); // [FENCE-27]
  return value;
});
export type Fence = Infer<typeof fence>;
export type FenceField = keyof typeof fields;
/** All that a fence may hold, so that whoever shows one can be held to show all of it. */
export const fenceFields = Object.keys(fields) as readonly FenceField[];

/** The fence with limits of a grant's own besides; one of a kind that it has already takes that one's place. */
export function withLimits(within: Fence, limits: FenceLimits): Fence {
  return Object.keys(limits).length === 0 ? within : { ...within, v: 2, ...limits };
}

/** The request as the broker parsed it itself: `host` canonical, `path` without the query, exactly as it will go out. */
export interface RequestFacts {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

export type FenceDecision = { readonly kind: 'allow' } | { readonly kind: 'refuse'; readonly code: ErrorCode };

const refuse = (code: ErrorCode): FenceDecision => ({ kind: 'refuse', code });

/** Whether a request's place is inside. Total: never throws. The codes are for the record; an agent is told `refused` whatever the reason. */
export function decide(within: Fence, facts: RequestFacts): FenceDecision {
  if (facts.scheme !== 'https') return refuse('fence_scheme'); // [FENCE-11]
  if (!within.hosts.some(({ host, port }) => host === facts.host && port === facts.port)) return refuse('fence_host'); // [FENCE-12]
  if (!within.methods.includes(facts.method)) return refuse('fence_method'); // [FENCE-13]
  if (!isCanonicalPath(facts.path)) return refuse('path_unsafe'); // [FENCE-6] [FENCE-7] [FENCE-8] [FENCE-9]
  for (const path of new Set([facts.path, withSlashes(facts.path)]))
    if (!within.paths.some((glob) => globMatches(glob, path))) return refuse('fence_path'); // [FENCE-14]
  return { kind: 'allow' };
}

/** The query and, where the fence has limits for it or the secret stands there, the body as they go out: what was judged, written anew. [FENCE-16] */
export interface Judged {
  readonly query: string;
  readonly body: SentBody | BodyWithSecret | undefined;
  /** What stood in the secret's field of the body. */
  readonly presented?: string | undefined;
}

/** Whether what the request says is judged at all: then its body is, too. */
export const limitsArguments = ({ query, body }: Fence): boolean => query !== undefined || body !== undefined;

/**
 * What the request says. Throws `fence_query`, `fence_body`, `client_auth_refused`. `body` is needed where the fence limits arguments, or where
 * `field` names where in it the secret stands.
 */
export function judge(
  within: Fence,
  said: { readonly query: string; readonly body: ReceivedBody | undefined; readonly field?: Field | undefined },
): Judged {
  const isLimited = limitsArguments(within);
  const { body } = within;
  const query = isLimited ? judgedQuery(said.query, within.query ?? none) : said.query; // [FENCE-36]
  if (said.field !== undefined) {
    const { rest, presented, body: written } = readWithField(said.body, said.field);
    if (isLimited) assertBodyWithin(rest, body ?? { ...none, format: rest.format }); // [FENCE-42]
    return { query, body: written, presented };
  }
  if (isLimited && body === undefined && said.body !== undefined && said.body.bytes.length > 0)
    throw new HoldfastError('fence_body', 'this credential is for requests without a body', { next: 'leave the body out' }); // [FENCE-36]
  return { query, body: body && judgedBody(said.body, body) };
}

const none: ArgumentLimits = { arguments: [], others: false };
