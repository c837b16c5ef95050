// Whether a request passes and with which credential, spec/broker.md §4. Pure: reads the request and the authority's views, changes
// nothing. What it cannot tell apart it refuses.

import {
  isAuthenticationHeader,
  isAuthenticationParameter,
  isOverrideHeader,
  isOverrideParameter,
  namesProtocols,
} from './authentication.ts';
import type { Authority, EgressView, GrantView, RequestFacts } from './authority.ts';
import { canonicalPath, parametersOf, type SplitUrl } from './path.ts';
import { declaresHeader, presentedFor, strayPlaceholder, type Place } from './placeholder.ts';
import type { RefusalCode } from './refusal.ts';
import type { RequestHead } from './request-head.ts';
import type { Target } from './target.ts';

export type Decision =
  /** `handle` is one that the agent asked for, and presents. */
  | { readonly kind: 'attach'; readonly grant: GrantView; readonly handle: string | undefined; readonly facts: RequestFacts }
  /** `guarded`: the host has a grant that does not cover this request. */
  | { readonly kind: 'pass'; readonly egress: EgressView; readonly guarded: boolean; readonly facts: RequestFacts }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly facts: RequestFacts };

/** Methods that send the request back, or open a tunnel. */
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

export function decide(target: Target, head: RequestHead, { path, query }: SplitUrl, authority: Authority): Decision {
  const grants = authority.grantsFor(target);
  const guarded = grants.length > 0;
  const canonical = canonicalPath(path);
  const facts: RequestFacts = { ...target, method: head.method, path: (guarded ? canonical : undefined) ?? path, query };
  const refuse = (code: RefusalCode): Decision => ({ kind: 'refuse', code, facts });

  const egress = authority.egressFor(target);
  if (refusedMethods.has(head.method)) return refuse('egress_denied');
  if (guarded) {
    if (canonical === undefined) return refuse('path_unsafe'); // [BROKER-9]
    if (overrides(head, query)) return refuse('request_ambiguous'); // [BROKER-10]
  }

  const matching = target.scheme === 'https' ? grants.filter((grant) => grant.matches(facts)) : []; // [BROKER-13]
  if (matching.length === 0 && egress === undefined) return refuse('egress_denied'); // [BROKER-13]

  const chosen = matching.flatMap((grant) => {
    const presented = presentedFor(grant, head, query);
    if (presented === undefined) return [];
    // A handle is for one grant. One that is not known counts for the first that it fits, and will be refused there. [HANDLE-8]
    const { grantId } = grant;
    const owner = presented.handle === undefined ? grantId : (authority.grantOf(presented.handle) ?? grantId);
    return owner === grantId ? [{ grant, ...presented }] : [];
  });
  const [choice] = chosen;
  if (strayPlaceholder(grants, head, facts.path, query, choice?.place)) return refuse('placeholder_misplaced'); // [BROKER-14]
  if (guarded && bringsAuthentication(grants, head, query, choice?.place)) return refuse('client_auth_refused'); // [BROKER-17] [BROKER-18]

  if (choice !== undefined) {
    const { grant, handle, place } = choice;
    return { kind: 'attach', grant, handle, facts: withoutPlaceholder(facts, place) }; // [BROKER-16]
  }
  const [grant] = matching;
  if (matching.length > 1) return refuse('credential_ambiguous'); // [BROKER-15]
  if (grant !== undefined) return { kind: 'attach', grant, handle: undefined, facts }; // [BROKER-15]
  return egress === undefined ? refuse('egress_denied') : { kind: 'pass', egress, guarded, facts };
}

function overrides(head: RequestHead, query: string): boolean {
  return (
    head.headers.some(([name]) => isOverrideHeader(name)) || parametersOf(query).some(({ name }) => isOverrideParameter(name))
  );
}

/** A second authentication beside the placeholder counts as well; so does anything at another grant's position. */
function bringsAuthentication(
  grants: readonly GrantView[],
  head: RequestHead,
  query: string,
  except: Place | undefined,
): boolean {
  const inHeader = head.headers.some(
    ([name, value], index) =>
      !(except?.kind === 'header' && except.index === index) &&
      // For the broker's own door, which takes it off.
      name.toLowerCase() !== 'proxy-authorization' &&
      (isAuthenticationHeader(name) ||
        (name.toLowerCase() === 'sec-websocket-protocol' && !namesProtocols(value)) ||
        grants.some(({ attach }) => declaresHeader(attach, name.replaceAll('_', '-')))),
  );
  if (inHeader) return true;
  // Some servers take a semicolon for an ampersand.
  return parametersOf(query).some(({ name, raw }, index) => {
    if (except?.kind === 'parameter' && except.index === index) return raw.includes(';');
    const names = [name, ...parametersOf(raw.replaceAll(';', '&')).map((part) => part.name)];
    return names.some(
      (each) => isAuthenticationParameter(each) || grants.some(({ attach }) => attach.kind === 'query' && attach.name === each),
    );
  });
}

function withoutPlaceholder(facts: RequestFacts, place: Place): RequestFacts {
  if (place.kind !== 'parameter') return facts;
  const rest = parametersOf(facts.query).filter((_, index) => index !== place.index);
  return { ...facts, query: rest.map(({ raw }) => raw).join('&') };
}
