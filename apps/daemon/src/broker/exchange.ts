// One request from its decision to the end of its reply, spec/broker.md §5: record, connect, send, pass the reply on. In that order: no
// record, no effect.

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { codeOf } from '@holdfast/protocol/errors';
import type { Authority, GrantView, Judged, ReceivedBody, ToApprove, Use } from './authority.ts';
import type { Decision } from './decide.ts';
import { joined } from './encode.ts';
import { encodedSecret, filledBody, makeMarker, Swap } from './swap.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { HeldBodies } from './held-body.ts';
import type { Inbound } from './inbound.ts';
import type { Limits } from './limits.ts';
import { parametersOf } from './path.ts';
import { declaresHeader } from './placeholder.ts';
import { refusal } from './refusal.ts';
import { headersForClient, passReply } from './reply.ts';
import { isHopByHop, pairsOf, type Header, type RequestHead } from './request-head.ts';
import { hostHeader } from './target.ts';
import type { UpstreamSocket } from './upstream-socket.ts';
import type { Upstreams } from './upstreams.ts';
import { assertSwitched, carryFrames, webSocketHeaders } from './websocket.ts';

/** What one session's exchanges have in common, but for whose they are. */
export interface ExchangePorts {
  readonly authority: Authority;
  readonly upstreams: Upstreams;
  readonly prints: Fingerprints;
  readonly bodies: HeldBodies;
  readonly limits: Limits;
  /** `off` hands Node's client the secret as a string: the positive control of the core-dump test. */
  readonly swap: 'bytes' | 'off';
}

export type Passing = Exclude<Decision, { kind: 'refuse' }>;

/** Requests that change the reply's form, which a guarded host's are not asked. */
const droppedWhenGuarded: ReadonlySet<string> = new Set([
  'a-im',
  'accept-charset',
  'accept-encoding',
  'if-range',
  'range',
  'want-content-digest',
  'want-repr-digest',
]);

/** Headers that are no arguments: what a client is, what it can read, which edition of a service it means, and what describes the body. */
const tellsNothing =
  /^(?:accept|accept-language|cache-control|content-.*|idempotency-key|pragma|traceparent|user-agent|x-request-id|.*-version|sec-websocket-.*)$/;

/** What is said of a body that is written anew. */
const describesBody = /^(?:content-.*|digest|repr-digest)$/;
const described = ({ type }: NonNullable<Judged['body']>): Header[] => (type === undefined ? [] : [['Content-Type', type]]);

/** The client's own, as they go on. [BROKER-12, BROKER-16] */
function keptHeaders(head: RequestHead, decision: Passing, body: Judged['body']): Header[] {
  const guarded = decision.kind === 'attach' || decision.guarded;
  const kept = head.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || lower === 'host' || lower === 'expect') return false;
    if (guarded && droppedWhenGuarded.has(lower)) return false;
    if (body !== undefined && describesBody.test(lower)) return false;
    if (decision.kind === 'attach' && decision.grant.limitsArguments && !tellsNothing.test(lower)) return false; // [BROKER-35]
    return !(decision.kind === 'attach' && declaresHeader(decision.grant.attach, lower));
  });
  return guarded ? kept.map(([name, value]) => [name, isAccept(name) ? value.replaceAll(charset, '') : value]) : kept; // [BROKER-24]
}

const isAccept = (name: string): boolean => name.toLowerCase() === 'accept';
/** Some services write their reply in the characters that a client asks for. */
const charset = /;\s*charset\s*=\s*(?:"[^"]*"?|[^",;]*)/gi;

/** What an operator is shown of them. [APPROVAL-14] */
function shownHeaders(head: RequestHead, decision: Passing, body: Judged['body']): Header[] {
  const kept = keptHeaders(head, decision, body).filter(([name]) => name.toLowerCase() !== 'content-length');
  return body === undefined ? kept : [...kept, ...described(body)];
}

/** The headers that go upstream; `attached` is the credential's, if it is one. [BROKER-12, BROKER-16] */
function headersUpstream(
  head: RequestHead,
  decision: Passing,
  { attached, body }: { readonly attached: Attached | undefined; readonly body: Judged['body'] },
): Header[] {
  const guarded = decision.kind === 'attach' || decision.guarded;
  const kept = keptHeaders(head, decision, body);
  return [
    ['Host', hostHeader(decision.facts)],
    ...(head.upgrade === 'websocket' ? webSocketHeaders(kept) : [...kept, ['Connection', 'keep-alive'] as const]),
    ...(guarded ? [['Accept-Encoding', 'identity'] as const] : []),
    ...(body === undefined && head.body === 'chunked' ? [['Transfer-Encoding', 'chunked'] as const] : []),
    ...(body === undefined
      ? []
      : [...described(body), ['Content-Length', attached?.length ?? String(body.bytes.length)] as const]), // [BROKER-33]
    ...(attached?.header === undefined ? [] : [attached.header]),
  ];
}

/** Where the credential stands: a header, the query, or the body, whose length is not known before its secret is. */
interface Attached {
  readonly query: string;
  readonly header?: Header;
  readonly length?: string;
}

/** `text` is the marker. */
function attachment({ attach }: GrantView, query: string, text: string): Attached {
  switch (attach.kind) {
    case 'bearer':
      return { header: ['Authorization', `Bearer ${text}`], query };
    case 'basic':
      return { header: ['Authorization', `Basic ${text}`], query };
    case 'header':
      return { header: [attach.name, text], query };
    case 'query': {
      const parameters = [...parametersOf(query).map(({ raw }) => raw), `${attach.name}=${text}`];
      return { query: parameters.join('&') };
    }
    case 'body':
      return { query, length: text };
    default:
      attach satisfies never;
      throw refusal('internal');
  }
}

/** Settled once: by its end, or by a cut from outside. */
export class Exchange {
  readonly grantId: string | undefined;
  readonly authority: Authority;
  readonly #ports: ExchangePorts;
  readonly #decision: Passing;
  readonly #head: RequestHead;
  readonly #client: Inbound;
  readonly #aborted = new AbortController();
  readonly #quiet: NodeJS.Timeout;
  readonly #over = Promise.withResolvers<void>();
  #use: Use | undefined;
  #upstream: ClientRequest | undefined;
  #socket: UpstreamSocket | undefined;
  /** Both ends, once they speak something else than HTTP. */
  #ends: readonly Duplex[] = [];
  #replied = false;
  #settled = false;

  constructor(ports: ExchangePorts, decision: Passing, head: RequestHead, client: Inbound) {
    this.#ports = ports;
    this.authority = ports.authority;
    this.#decision = decision;
    this.#head = head;
    this.#client = client;
    this.grantId = decision.kind === 'attach' ? decision.grant.grantId : undefined;
    this.#quiet = setTimeout(() => this.#fail(refusal('upstream_timeout')), ports.limits.quietTimeoutMs);
    this.#quiet.unref();
  }

  /** Resolves when the client's side is over; faults have been answered. [BROKER-27] */
  async run(): Promise<void> {
    const over = new Promise<void>((done) => {
      this.#client.onOver((whole) => {
        if (whole) this.#settle();
        else this.#fail(refusal('request_cut'));
        done();
      });
    });
    try {
      await this.#send();
    } catch (error) {
      this.#fail(error);
    }
    await over;
  }

  /** Its use of a credential was approved by an operator, for itself. */
  get isApproved(): boolean {
    return this.#use !== undefined && this.#decision.kind === 'attach' && this.#decision.grant.approve;
  }

  uses(socket: UpstreamSocket): boolean {
    return this.#socket === socket;
  }

  /** A revocation, or the end of the session: nothing more goes either way. [BROKER-26] */
  cut(): void {
    this.#fail(refusal('request_cut'));
    this.#client.cut();
  }

  async #send(): Promise<void> {
    const { authority, upstreams } = this.#ports;
    const decision = this.#decision;
    if (decision.kind === 'attach') {
      const body = decision.grant.judgesBody ? await this.#held() : undefined;
      this.#assertWanted();
      const use = await this.#consume(decision, body);
      if (this.#settled) {
        use.over();
        use.failed('request_cut');
      } else this.#use = use;
    } else {
      await authority.passed(decision.facts);
    }
    this.#assertWanted();
    const { allowPrivate, ca, pins } = decision.kind === 'attach' ? decision.grant : decision.egress;
    const judged = this.#use?.judged ?? { query: decision.facts.query, body: undefined };
    const { attached, swap, body } = await this.#attach(judged);
    const to = { target: decision.facts, allowPrivate, ca, pins };
    const upstream = await upstreams.take(to, this.grantId, this.#aborted.signal);
    this.#socket = upstream.socket;
    if (this.#settled) upstream.socket.destroy();
    this.#assertWanted(); // nothing is awaited from here to the sending

    const guarded = decision.kind === 'attach' || decision.guarded;
    const prints = guarded ? this.#ports.prints : undefined;
    upstream.socket.begin({ prints, swap, meter: this.#use?.meter });
    const query = attached?.query ?? judged.query;
    const outgoing = httpRequest({
      agent: upstream.agent,
      method: decision.facts.method,
      path: query === '' ? decision.facts.path : `${decision.facts.path}?${query}`,
      headers: headersUpstream(this.#head, decision, { attached, body: judged.body }).flat(),
      maxHeaderSize: this.#ports.limits.maxHeadBytes,
      insecureHTTPParser: false,
    });
    this.#upstream = outgoing;
    outgoing.on('error', (error) =>
      this.#fail(
        codeOf(error) === 'internal' ? refusal(parseFault(error) ? 'reply_refused' : 'upstream_unreachable', error) : error,
      ),
    );
    outgoing.on('upgrade', (reply, _socket, ahead: Buffer) => this.#switch(reply, upstream.socket, ahead, prints));
    outgoing.on('response', (reply) => this.#reply(reply, prints));
    if (judged.body === undefined) this.#upload(outgoing);
    else if (swap?.fillsBody === true) outgoing.end();
    else outgoing.end(body ?? judged.body.bytes);
  }

  #held(): Promise<ReceivedBody> {
    const body = this.#head.body === 'none' || this.#head.upgrade === 'websocket' ? undefined : this.#client.takeBody();
    body?.on('data', () => this.#quiet.refresh());
    return this.#ports.bodies.hold(this.#head, body, this.#over.promise);
  }

  async #consume({ grant, facts, handle }: Extract<Passing, { kind: 'attach' }>, body: ReceivedBody | undefined): Promise<Use> {
    try {
      return await this.#ports.authority.use(grant, facts, handle, body, grant.approve ? this.#toApprove() : undefined);
    } catch (error) {
      if (handle !== undefined) this.#ports.authority.misused([handle]); // [HANDLE-6]
      throw error;
    }
  }

  #toApprove(): ToApprove {
    return { headers: (body) => shownHeaders(this.#head, this.#decision, body), gone: this.#aborted.signal };
  }

  async #attach({ query, body }: Judged): Promise<{ attached?: Attached; swap?: Swap; body?: Buffer }> {
    const decision = this.#decision;
    if (decision.kind === 'pass' || this.#use === undefined) return {};
    const { grant } = decision;
    if (this.#ports.swap === 'off') {
      const text = await openAsText(this.#use, grant);
      if (body?.secret === undefined) return { attached: attachment(grant, query, text) };
      const filled = filledBody(body, Buffer.from(text, 'latin1'));
      return { attached: { query, length: String(filled.length) }, body: filled };
    }
    const marker = makeMarker();
    return { attached: attachment(grant, query, marker), swap: new Swap(grant.attach, this.#use, this.#ports.prints, marker) };
  }

  #upload(outgoing: ClientRequest): void {
    if (this.#head.body === 'none' || this.#head.upgrade === 'websocket') {
      outgoing.end();
      return;
    }
    const body = this.#client.takeBody();
    body.on('data', () => this.#quiet.refresh());
    body.pipe(outgoing);
  }

  #reply(reply: IncomingMessage, prints: Fingerprints | undefined): void {
    this.#replied = true;
    reply.on('data', () => this.#quiet.refresh());
    reply.on('error', (error) => this.#fail(refusal('upstream_unreachable', error)));
    try {
      passReply(reply, this.#client, this.#decision.facts.method, prints, (error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** In one go: what the service sends from now on must find its reader. */
  #switch(reply: IncomingMessage, upstream: UpstreamSocket, ahead: Buffer, prints: Fingerprints | undefined): void {
    try {
      const { switchTo } = this.#client;
      if (this.#head.upgrade !== 'websocket' || switchTo === undefined) throw refusal('reply_refused');
      assertSwitched(this.#head, reply);
      this.#replied = true;
      upstream.switched();
      // Node's parser gave back a part of its own chunk.
      if (ahead.length > 0) upstream.unshift(joined(ahead));
      const headers = headersForClient(pairsOf(reply.rawHeaders), prints !== undefined, false);
      const client = switchTo([...headers, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']]);
      this.#ends = [client, upstream];
      carryFrames({ client, upstream }, prints, {
        heard: () => this.#quiet.refresh(),
        over: (fault) => (fault === undefined ? this.#settle() : this.#fail(fault)),
      });
    } catch (error) {
      upstream.destroy();
      this.#fail(error);
    }
  }

  #assertWanted(): void {
    if (this.#settled) throw refusal('request_cut');
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#over.resolve();
    this.#use?.over(); // [BROKER-41]
    clearTimeout(this.#quiet);
    return true;
  }

  /** Once: tells the record, ends the upstream's side, answers the client if it can still be answered. */
  #fail(error: unknown): void {
    if (!this.#settle()) return;
    const code = codeOf(error);
    if (this.#use !== undefined) this.#use.failed(code);
    else if (!this.#replied) this.#ports.authority.refused(this.#decision.facts, code);
    this.#aborted.abort();
    this.#upstream?.destroy();
    for (const end of this.#ends) end.destroy();
    this.#client.refuse(error);
  }
}

const parseFault = (error: Error): boolean => 'code' in error && String(error.code).startsWith('HPE_');

async function openAsText(use: Use, grant: GrantView): Promise<string> {
  const secret = await use.open();
  const text = encodedSecret(grant.attach, secret, use.judged.body).toString('latin1');
  secret.fill(0);
  use.wiped(true);
  return text;
}
