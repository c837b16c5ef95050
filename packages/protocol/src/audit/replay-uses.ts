// Decisions about requests as the audit log holds them, made again from the record and the terms of the grants alone, spec/audit.md: what a grant let
// out, what needed none, and what was refused. Pure. What a record does not tell is told, never guessed.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { maxDelegationDepth } from '../custody/delegation.ts';
import { codeOf } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { assertCircumstances } from '../vault/circumstances.ts';
import { decide, limitsArguments, type RequestFacts } from '../vault/fence.ts';
import { requestDigest } from '../vault/handle.ts';
import { isCanonicalPath } from '../vault/path.ts';
import { readWarrant, type WarrantOf } from '../vault/warrant.ts';
import type { AuditEvent, RecordedRequest } from './event.ts';

type EventOf<K extends AuditEvent['kind']> = Extract<AuditEvent, { kind: K }>;
export type RecordedDecision = EventOf<'consumed'> | EventOf<'request'> | EventOf<'refused'>;
type Terms = WarrantOf<'grant'>['terms'];

/** Why a decision can't be made again. */
export type Untold = 'pruned' | 'cut' | 'redacted' | 'terms' | 'place' | 'arguments' | 'counts' | 'other';
export interface ReplayedUse {
  readonly event: RecordedDecision;
  readonly recorded: string;
  /** `cannot`: the record leaves out what it was decided by. */
  readonly verdict: 'same' | 'differs' | 'cannot';
  readonly why?: Untold;
  readonly replayed?: string;
}

/** Of a log in its order. `warrants`: of the grants that it names. `pruned`: it had other events before. [AUDIT-54] */
export function replayedUses(
  primitives: Primitives,
  events: Iterable<AuditEvent>,
  warrants: readonly Uint8Array[],
  pruned = false,
): readonly ReplayedUse[] {
  const told = new Told(primitives, warrants, pruned);
  return [...events].flatMap((event) => told.take(event) ?? []);
}

const same = (event: RecordedDecision, recorded: string): ReplayedUse => ({
  event,
  recorded,
  verdict: 'same',
  replayed: recorded,
});
const differs = (event: RecordedDecision, recorded: string, replayed: string): ReplayedUse => ({
  ...{ event, recorded, verdict: 'differs', replayed },
});
const cannot = (event: RecordedDecision, recorded: string, why: Untold): ReplayedUse => ({
  ...{ event, recorded, verdict: 'cannot', why },
});

/** Why a request is not there whole: personal data or a secret stands in it, or it was too long. */
const partOf = (request: RecordedRequest | undefined): Untold => (request?.salted === true ? 'redacted' : 'cut');

/** What the log has told so far of grants, leave to reach, sessions and children. */
class Told {
  readonly #primitives: Primitives;
  readonly #terms = new Map<string, Terms>();
  readonly #grants = new Map<string, Terms | undefined>();
  readonly #egress = new Map<string, EventOf<'egress-allowed'>>();
  readonly #sessions = new Map<string, EventOf<'session-start'>>();
  readonly #children = new Map<string, EventOf<'delegated'>>();
  readonly #minted = new Map<string, EventOf<'minted'>>();
  readonly #allowed = new Set<string>();
  readonly #pruned: boolean;

  constructor(primitives: Primitives, warrants: readonly Uint8Array[], pruned: boolean) {
    this.#primitives = primitives;
    this.#pruned = pruned;
    for (const wire of warrants) {
      const { said, digest } = readWarrant(primitives, wire);
      if (said.kind === 'grant') this.#terms.set(toHex(digest), said.terms);
    }
  }

  take(event: AuditEvent): ReplayedUse | undefined {
    switch (event.kind) {
      case 'granted':
        this.#grants.set(toHex(event.grant), event.warrant && this.#terms.get(toHex(event.warrant)));
        return undefined;
      case 'grant-ended':
        this.#grants.delete(toHex(event.grant));
        return undefined;
      case 'egress-allowed':
        this.#egress.set(toHex(event.rule), event);
        return undefined;
      case 'egress-ended':
        this.#egress.delete(toHex(event.rule));
        return undefined;
      case 'session-start':
        this.#sessions.set(toHex(event.session), event);
        return undefined;
      case 'delegated':
        this.#children.set(toHex(event.child), event);
        return undefined;
      case 'minted':
        this.#minted.set(toHex(event.handle), event);
        return undefined;
      case 'answered':
        if (event.outcome === 'allowed') this.#allowed.add(toHex(event.ask));
        return undefined;
      case 'consumed':
        return this.#asFarAsKnown(this.#used(event));
      case 'request':
        return this.#asFarAsKnown(this.#passed(event));
      case 'refused':
        return this.#asFarAsKnown(this.#refused(event));
      default:
        return undefined;
    }
  }

  /** What was pruned may have given leave, or named a child. */
  #asFarAsKnown(told: ReplayedUse): ReplayedUse {
    const { event, recorded, verdict } = told;
    if (!this.#pruned || verdict === 'cannot') return told;
    const line = this.#line(event);
    const cut = event.child !== undefined && (line.length === 0 || line.at(-1)?.parent !== undefined);
    const absent =
      event.kind === 'consumed'
        ? told.replayed === 'approval_denied'
        : event.kind === 'request'
          ? verdict === 'differs'
          : verdict === 'differs' || recorded === 'egress_denied';
    return cut || absent ? cannot(event, recorded, 'pruned') : told;
  }

  #used(event: EventOf<'consumed'>): ReplayedUse {
    const [recorded, minted] = ['used', this.#minted.get(toHex(event.handle))];
    const terms = event.warrant && this.#terms.get(toHex(event.warrant));
    if (terms === undefined) return cannot(event, recorded, 'terms');
    const facts = minted && this.#facts(minted.request);
    if (facts === undefined) return cannot(event, recorded, partOf(minted?.request));
    if (!equalBytes(minted?.request.digest ?? event.request, event.request)) return differs(event, recorded, 'handle_foreign');
    const decision = decide(terms.fence, facts);
    if (decision.kind === 'refuse') return differs(event, recorded, decision.code);
    if (!this.#mayUse(event, terms, facts)) return differs(event, recorded, 'refused');
    if (terms.approve && (event.ask === undefined || !this.#allowed.has(toHex(event.ask))))
      return differs(event, recorded, 'approval_denied');
    const when = this.#circumstances(event, terms);
    if (when === 'place') return cannot(event, recorded, when);
    if (when !== undefined) return differs(event, recorded, when);
    if (limitsArguments(terms.fence)) return cannot(event, recorded, 'arguments');
    const { uses, bytes, concurrent } = terms.fence;
    return (uses ?? bytes ?? concurrent) === undefined ? same(event, recorded) : cannot(event, recorded, 'counts');
  }

  /** Without a credential: by leave to reach the host alone. */
  #passed(event: EventOf<'request'>): ReplayedUse {
    const facts = this.#facts(event.request);
    if (facts === undefined) return cannot(event, 'passed', partOf(event.request));
    return this.#reaches(event, facts) ? same(event, 'passed') : differs(event, 'passed', 'egress_denied');
  }

  #refused(event: EventOf<'refused'>): ReplayedUse {
    const { code, request } = event;
    const facts = this.#facts(request);
    if (facts === undefined) return cannot(event, code, partOf(request));
    const here = this.#grantsOf(event, facts);
    if (here === undefined) return cannot(event, code, 'terms');
    const matching = here.filter(({ fence }) => decide(fence, facts).kind === 'allow');
    switch (code) {
      case 'egress_denied': {
        if (this.#reaches(event, facts)) return differs(event, code, 'passed');
        const open = facts.method === '' ? here : matching; // a tunnel, before there is a request
        return open.length === 0 ? same(event, code) : differs(event, code, 'used');
      }
      case 'path_unsafe':
        return here.length > 0 && !isCanonicalPath(facts.path) ? same(event, code) : differs(event, code, 'used');
      case 'fence_time':
      case 'fence_place': {
        const found = matching.map((terms) => this.#circumstances(event, terms));
        if (found.includes(code)) return same(event, code);
        return found.includes('place') ? cannot(event, code, 'place') : differs(event, code, 'used');
      }
      default:
        return cannot(event, code, 'other');
    }
  }

  /** The request, whole, as its digest has it; undefined: the record holds a part. */
  #facts({ method, host, port, path, pathCut, digest }: RecordedRequest): RequestFacts | undefined {
    if (path === undefined || pathCut === true) return undefined;
    const readings = ['https', 'http'].map((scheme) => ({ scheme, method, host, port, path }));
    return readings.find((facts) => equalBytes(requestDigest(this.#primitives, facts), digest));
  }

  /** The grants in force that name this place, as far as the child has them; undefined: one has terms that are not at hand. */
  #grantsOf(event: RecordedDecision, facts: RequestFacts): readonly Terms[] | undefined {
    const held = [...this.#grants.values()];
    if (held.includes(undefined)) return undefined;
    const named = ({ fence }: Terms): boolean => fence.hosts.some(({ host, port }) => host === facts.host && port === facts.port);
    return held.flatMap((terms) => (terms !== undefined && named(terms) && this.#mayUse(event, terms, facts) ? [terms] : []));
  }

  #reaches(event: RecordedDecision, { scheme, method, host, port }: RequestFacts): boolean {
    if ((scheme === 'http' && port === 443) || ['CONNECT', 'TRACE', 'TRACK'].includes(method)) return false;
    const allowed = [...this.#egress.values()].some((rule) => rule.host === host && rule.port === port);
    return allowed && this.#line(event).every(({ mayReach }) => mayReach?.includes(`${host}:${port}`) !== false);
  }

  #mayUse(event: RecordedDecision, { grant }: Terms, { host, port }: RequestFacts): boolean {
    return this.#line(event).every(
      ({ mayUse, mayReach }) =>
        mayUse?.some((each) => equalBytes(each, grant)) !== false && mayReach?.includes(`${host}:${port}`) !== false,
    );
  }

  /** The child whose request it is, and those above it. */
  #line({ child }: RecordedDecision): readonly EventOf<'delegated'>[] {
    const line: EventOf<'delegated'>[] = [];
    for (let at = child; at !== undefined && line.length < maxDelegationDepth; at = line.at(-1)?.parent) {
      const found = this.#children.get(toHex(at));
      if (found === undefined) break;
      line.push(found);
    }
    return line;
  }

  /** The code of what the time or the place is against, `place` where that is not told. */
  #circumstances({ session, atMs }: RecordedDecision, { fence }: Terms): string | undefined {
    const started = this.#sessions.get(toHex(session));
    const { directory, repository } = started ?? {};
    if ((fence.directories !== undefined || fence.repositories !== undefined) && directory === undefined) return 'place';
    try {
      assertCircumstances(fence, { nowMs: atMs, directory, repository });
      return undefined;
    } catch (thrown) {
      return codeOf(thrown);
    }
  }
}
