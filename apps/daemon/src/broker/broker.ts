// The broker: a sealed session's only way out, spec/broker.md. A forward proxy for HTTP/1.1 and HTTP/2 with TLS interception that attaches the session's
// granted credentials, lets pass what the operator allowed, and refuses the rest. Trusts the authority it is given; nothing that a client
// or an origin sends.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import { systemResolve, type Resolve } from './addresses.ts';
import type { Authority, RequestFacts } from './authority.ts';
import { createSessionAuthority } from './certificates.ts';
import { Clients } from './clients.ts';
import { decide } from './decide.ts';
import { Exchange, type ExchangePorts } from './exchange.ts';
import { Fingerprints } from './fingerprints.ts';
import { HeldBodies } from './held-body.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { splitOriginForm } from './path.ts';
import { handlesIn } from './placeholder.ts';
import type { Inbound } from './inbound.ts';
import { refusal } from './refusal.ts';
import { valuesOf, type RequestHead } from './request-head.ts';
import { hostHeaderMatches, type Target } from './target.ts';
import { Upstreams } from './upstreams.ts';
import { assertWebSocketHandshake } from './websocket.ts';

export type {
  Attach,
  Authority,
  EgressView,
  GrantView,
  Judged,
  Meter,
  ReceivedBody,
  RequestFacts,
  ToApprove,
  Use,
} from './authority.ts';
export type { Limits } from './limits.ts';
export type { Target } from './target.ts';

/** Ids and codes only. */
export interface BrokerLog {
  info(fields: Readonly<Record<string, string | number | undefined>>, message: string): void;
  warn(fields: Readonly<Record<string, string | number | undefined>>, message: string): void;
}

export interface BrokerOptions {
  readonly authority: Authority;
  /** Whose request it is that names somebody to its proxy. Throws a coded refusal for a name that nobody has. Default: nobody has one. */
  readonly named?: (name: string) => Authority;
  /** Answers requests to the session's own port as an origin. */
  readonly door: (request: IncomingMessage, response: ServerResponse) => void;
  /** What came and was no request, by code: it has no refusal of its own. Default: nobody is told. */
  readonly turnedAway?: (code: ErrorCode) => void;
  readonly log: BrokerLog;
  /** Every address of a name; called only for targets that passed. Default: the system's. */
  readonly resolve?: Resolve;
  readonly limits?: Partial<Limits>;
  /** Dates the session's certificates, milliseconds since 1970. Default: the system's clock. */
  readonly nowMs?: () => number;
  /** `off` is for the positive control of the core-dump test alone: it hands Node's client the secret as a string. */
  readonly swap?: 'bytes' | 'off';
}

export interface Broker {
  /** What clients in the session trust, PEM. */
  readonly caPem: string;
  /** Serves a listening server's connections. The server is the broker's from now on, to close. */
  attach(server: Server): void;
  /**
   * Revocation: open requests that carry a credential end at once, and so do connections that carried it. `approvedGoOn`: but for requests whose
   * use was approved for itself.
   */
  cutCredentialed(grantId?: string, how?: { readonly approvedGoOn?: boolean }): void;
  /** Ends the open requests of those that are named for which it is true, whatever they carry. */
  cutOf(isEnded: (authority: Authority) => boolean): void;
  /** Ends everything; resolves when the attached servers are closed. */
  close(): Promise<void>;
}

/** One broker a session: its certificates, fingerprints and upstream connections are shared with no other. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { authority: own, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const certificates = await createSessionAuthority(options.nowMs ?? Date.now);
  const upstreams = new Upstreams(options.resolve ?? systemResolve, limits);
  const shared: Omit<ExchangePorts, 'authority'> = {
    upstreams,
    limits,
    prints: new Fingerprints(limits.maxSecrets),
    bodies: new HeldBodies(limits),
    swap: options.swap ?? 'bytes',
  };
  const exchanges = new Set<Exchange>();
  const servers = new Set<Server>();

  const refused = (facts: Partial<RequestFacts>, thrown: unknown, authority: Authority = own): void => {
    const code = codeOf(thrown);
    if (code === 'internal') log.warn({ code }, 'a request failed in the broker');
    authority.refused(facts, code);
  };

  const forward = (target: Target, originForm: string, client: Inbound, authority: Authority): void => {
    let facts: Partial<RequestFacts> = target;
    let head: RequestHead | undefined;
    try {
      head = client.readHead();
      facts = { ...target, method: head.method };
      // An origin may route by it. [BROKER-4]
      if (!hostHeaderMatches(head.host, target)) throw refusal('target_mismatch');
      const url = splitOriginForm(originForm);
      if (url === undefined) throw refusal('request_malformed');
      const decision = decide(target, head, url, authority);
      facts = decision.facts;
      if (decision.kind === 'refuse') throw refusal(decision.code);
      if (head.upgrade === 'websocket' && client.switchTo !== undefined) assertWebSocketHandshake(head);
      else if (head.upgrade !== 'none') throw refusal('upgrade_refused'); // [BROKER-12]
      if (head.upgrade !== 'none' && decision.kind === 'attach' && decision.grant.approve) throw refusal('upgrade_refused'); // [APPROVAL-18]
      if (valuesOf(head.headers, 'expect').length > 0) client.proceed();
      run(new Exchange({ ...shared, authority }, decision, head, client));
    } catch (error) {
      if (head !== undefined) authority.misused(handlesIn(head, originForm)); // [HANDLE-6]
      refused(facts, error, authority);
      client.refuse(error);
    }
  };

  const run = (exchange: Exchange): void => {
    exchanges.add(exchange);
    void exchange.run().finally(() => exchanges.delete(exchange));
  };

  const clients = new Clients({
    certificates,
    limits,
    asker: (name) => (name === undefined ? own : (options.named ?? nobody)(name)),
    mayConnect: (target, by) => by.grantsFor(target).length > 0 || by.egressFor(target) !== undefined,
    refused,
    turnedAway: options.turnedAway ?? (() => {}),
    forward,
    door: options.door,
  });

  return {
    caPem: certificates.caPem,
    attach(server) {
      servers.add(server);
      server.on('connection', (socket) => clients.accept(socket));
    },
    cutCredentialed(grantId, { approvedGoOn = false } = {}) {
      const going = new Set<Exchange>();
      for (const exchange of exchanges) {
        if (exchange.grantId === undefined || (grantId !== undefined && exchange.grantId !== grantId)) continue;
        if (approvedGoOn && exchange.isApproved) going.add(exchange);
        else exchange.cut(); // [BROKER-26]
      }
      upstreams.cut(grantId, (socket) => [...going].some((exchange) => exchange.uses(socket)));
    },
    cutOf(isEnded) {
      for (const exchange of exchanges) if (isEnded(exchange.authority)) exchange.cut(); // [BROKER-34]
    },
    async close() {
      const closed = [...servers].map((server) => new Promise<void>((done) => server.close(() => done())));
      for (const exchange of exchanges) exchange.cut();
      clients.close();
      upstreams.close();
      await Promise.all(closed);
    },
  };
}

function nobody(): never {
  throw refusal('child_ended');
}
