// What one session may do, as the broker asks it: from the fleet's signed state at that very moment, never from what the session says. Every
// use is minted, consumed durably and only then opened; every refusal is recorded with its true reason.

import { whoOf, type Acting, type Cause } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, parseCode } from '@holdfast/protocol/errors';
import type { Grant } from '@holdfast/protocol/journal/state';
import { openSealed, type Sealed } from '@holdfast/protocol/seal/hpke';
import { egressFor } from '@holdfast/protocol/vault/egress';
import type { Field } from '@holdfast/protocol/vault/body-field';
import { assertCircumstances } from '@holdfast/protocol/vault/circumstances';
import { decide, judge, limitsArguments } from '@holdfast/protocol/vault/fence';
import { handleText, parseHandleText } from '@holdfast/protocol/vault/handle';
import type { Agent } from '../agent/agent.ts';
import type { Asking } from '../approvals/approvals.ts';
import { recordedRequest } from '../audit/redact.ts';
import type {
  Authority,
  EgressView,
  GrantView,
  Judged,
  ReceivedBody,
  RequestFacts,
  Target,
  ToApprove,
  Use,
} from '../broker/broker.ts';
import type { Child } from '../children/child.ts';
import type { Ports } from '../ports.ts';
import { Allowance } from './allowance.ts';
import { approvedUse, wholeOf, type Opening } from './approved-use.ts';
import { Refusals } from './refusals.ts';
import { UseRecord } from './use-record.ts';

/** Where a session works, read by the daemon from outside before it began. */
export interface WorkingTree {
  /** By its real path. */
  readonly directory: string | undefined;
  readonly repository: string | undefined;
}

/** In no place that a fence could name. */
const nowhere: WorkingTree = { directory: undefined, repository: undefined };

interface Consumed {
  readonly handle: Uint8Array;
  readonly facts: RequestFacts;
  /** Ends the use: another may begin. */
  readonly over: () => void;
}

/** One request for one grant, its place and arguments judged. */
interface Wanted {
  readonly grant: Grant;
  readonly facts: RequestFacts;
  readonly handle: string | undefined;
  readonly judged: Judged;
  readonly body: ReceivedBody | undefined;
  readonly toApprove: ToApprove | undefined;
  /** By which it was judged; undefined: there were no rules. */
  readonly rulesVersion: number | undefined;
}

/** Where in the body the secret stands, for what stands in the body. */
const fieldOf = ({ attach }: Grant, placeholder: string): Field | undefined =>
  attach.kind === 'body'
    ? { at: attach.at, placeholder, takes: (text) => text === placeholder || parseHandleText(text) !== undefined }
    : undefined;

const vaultRefuses = (): HoldfastError => new HoldfastError('refused', 'the vault refuses this');

export class SessionAuthority implements Authority {
  /** What did not pass so far; sub-agents' are their session's. */
  readonly refusals: Refusals;
  protected readonly agent: Agent;
  protected readonly ports: Pick<Ports, 'primitives' | 'clock'>;
  protected readonly by: Asking;
  protected readonly child: Child | undefined;
  protected readonly place: WorkingTree;
  private readonly allowance: Allowance;
  private readonly cause: Cause | undefined;
  /** Asked for again and again by each request. */
  private readonly placeholders = new Map<string, string>();

  /** `child`: whose session it is, or a sub-agent in it; undefined: the agent's own. `cause`: of what is asked here, for the record. */
  constructor(
    agent: Agent,
    ports: Pick<Ports, 'primitives' | 'clock'>,
    by: Asking,
    child?: Child,
    place: WorkingTree = nowhere,
    refusals = new Refusals(),
    cause?: Cause,
  ) {
    this.refusals = refusals;
    this.agent = agent;
    this.allowance = new Allowance(agent);
    this.ports = ports;
    this.by = by;
    this.child = child;
    this.place = place;
    this.cause = cause;
  }

  /** What of the agent's grants this session may use at this moment. */
  held(): readonly Grant[] {
    const { child } = this;
    if (child === undefined) return this.agent.grants();
    if (child.ended !== undefined) return []; // [CHILD-3]
    return this.agent
      .grants()
      .filter(({ grant, fence }) => child.mayUse(grant) && fence.hosts.some(({ host, port }) => child.mayReach(host, port)));
  }

  private egress(): ReturnType<Agent['egress']> {
    return this.child?.ended === undefined ? this.agent.egress() : []; // [CHILD-3]
  }

  private mayReach({ host, port }: Pick<Target, 'host' | 'port'>): boolean {
    return this.child === undefined || (this.child.ended === undefined && this.child.mayReach(host, port)); // [CHILD-4]
  }

  /** What the session's environment holds in place of secrets. */
  environment(): Record<string, string> {
    return Object.fromEntries(
      this.held().flatMap((grant) => (grant.env === undefined ? [] : [[grant.env, this.placeholder(grant)]])),
    );
  }

  /** Loopback names at which the operator granted something: inside the session they mean the host, not the session itself. */
  loopbackNames(): string[] {
    const fenced = this.held().flatMap(({ fence }) => fence.hosts.map(({ host }) => host));
    const allowed = this.egress().map(({ host }) => host);
    const names = new Set([...fenced, ...allowed].map((host) => (host === '[::1]' ? '::1' : host)));
    return ['localhost', '127.0.0.1', '::1'].filter((name) => names.has(name));
  }

  grants(): readonly GrantView[] {
    return this.held().map((grant) => this.viewOf(grant));
  }

  grantsFor({ scheme, host, port }: Target): readonly GrantView[] {
    if (scheme !== 'https' || !this.mayReach({ host, port })) return [];
    return this.held()
      .filter(({ fence }) => fence.hosts.some((each) => each.host === host && each.port === port))
      .map((grant) => this.viewOf(grant));
  }

  /** Whether a request there needs no other leave than the session has. */
  allows(facts: RequestFacts): boolean {
    return this.grantsFor(facts).some((view) => view.matches(facts)) || this.egressFor(facts) !== undefined;
  }

  egressFor({ scheme, host, port }: Target): EgressView | undefined {
    if (scheme === 'http' && port === 443) return undefined; // leave for TLS is no leave for plain text
    const rule = this.mayReach({ host, port }) ? egressFor(this.egress(), host, port) : undefined;
    return rule && { allowPrivate: rule.allowPrivate, ca: rule.ca, pins: rule.pins };
  }

  /** Throws `refused`, `client_auth_refused`, `fence_query`, `fence_body`, `fence_time`, `fence_place`, `fence_uses`, `fence_bytes`, `fence_concurrent`, `budget_spent`, `stale_relay`, `stale_pulse`, `limit_exceeded`, `audit_unavailable`. */
  async use(view: GrantView, facts: RequestFacts, handle?: string, body?: ReceivedBody, toApprove?: ToApprove): Promise<Use> {
    const rulesVersion = await this.allowed(facts, this.nameOf(view));
    const grant = this.current(view);
    if (!this.mayReach(facts)) throw vaultRefuses(); // [CHILD-4]
    const decision = decide(grant.fence, facts);
    if (decision.kind === 'refuse') throw new HoldfastError(decision.code, 'the fence does not allow this request');
    this.assertNow(grant);
    const judged = judge(grant.fence, { query: facts.query, body, field: fieldOf(grant, view.placeholder) });
    // In a body it is found only now. [BROKER-16]
    const inBody = judged.presented === view.placeholder ? undefined : judged.presented;
    const wanted = { grant, facts, handle, judged, body, toApprove, rulesVersion };
    if (inBody === undefined) return this.useJudged(view, wanted);
    try {
      return await this.useJudged(view, { ...wanted, handle: inBody });
    } catch (thrown) {
      this.misused([inBody]); // [HANDLE-6]
      throw thrown;
    }
  }

  private async useJudged(view: GrantView, wanted: Wanted): Promise<Use> {
    const { grant, judged, body } = wanted;
    if (grant.sealed !== undefined) {
      const opened = this.sealedTo(grant, grant.sealed);
      return this.useOf(grant, await this.consumed(wanted), judged, opened);
    }
    const whole = { query: judged.query, body: judged.body ?? wholeOf(body) };
    this.allowance.assertRoom(grant); // nobody is asked about it [FENCE-37]
    const approved = await this.approved(view, wanted, whole);
    try {
      return this.useOf(grant, await this.consumed(wanted, approved.ask), whole, approved);
    } catch (thrown) {
      approved.wipe();
      throw thrown;
    } finally {
      approved.over?.(); // whoever hears it may change the grant: the use is under way by then [VAULT-19]
    }
  }

  /** A handle that the agent asks for by its credential's name, for one request. Throws as `use` does; the record has the reason. [HANDLE-12] */
  async handleFor(name: string, facts: RequestFacts): Promise<string> {
    const named = this.mayReach(facts) ? this.held().filter((grant) => grant.name === name) : [];
    const decisions = named.map(({ fence }) => decide(fence, facts));
    const grant = named[decisions.findIndex(({ kind }) => kind === 'allow')];
    if (grant === undefined) {
      const [first] = decisions;
      this.refused(facts, first?.kind === 'refuse' ? first.code : 'grant_unknown');
      throw vaultRefuses();
    }
    this.assertNow(grant);
    return handleText(await this.mint(grant, facts, { asked: true }));
  }

  grantOf(handle: string): string | undefined {
    const parsed = parseHandleText(handle);
    const grant = parsed && this.agent.handles.grantOf(parsed, this.by.session);
    return grant && toHex(grant);
  }

  misused(handles: readonly string[]): void {
    for (const text of handles) {
      const handle = parseHandleText(text);
      // It is dead already; a log that cannot be written stops what comes next.
      if (handle !== undefined) void this.agent.handles.misused(handle).catch(() => {});
    }
  }

  async passed(facts: RequestFacts): Promise<void> {
    this.agent.assertLive();
    this.child?.assertGoing(); // [CHILD-3]
    const request = recordedRequest(this.ports.primitives, facts, this.agent.recordPolicy);
    await this.agent.audit.append({ kind: 'request', ...this.who, request }); // [AUDIT-64]
  }

  refused(facts: Partial<RequestFacts>, code: string): void {
    const { scheme = 'https', host = '', port = 0, method = '', path = '' } = facts;
    const request = recordedRequest(
      this.ports.primitives,
      { scheme, host, port, method, path: path.slice(0, 8192) },
      this.agent.recordPolicy,
    );
    this.refusals.note(code, facts, facts.host !== undefined && this.grantsFor({ scheme, host, port }).length > 0);
    this.agent.note({ kind: 'refused', ...this.who, code: parseCode(code), request });
  }

  /** The version of the rules that let a request go, of whoever has rules before it; undefined: there are none. */
  protected allowed(_facts: RequestFacts, _credential: string | undefined): Promise<number | undefined> {
    return Promise.resolve(this.agent.rules.version);
  }

  /** The operators' name for a credential. */
  private nameOf(view: GrantView): string {
    return this.current(view).name;
  }

  /** Throws `rules_denied`: by others it was not judged. */
  private assertSameRules(version: number | undefined): void {
    if (this.agent.rules.version !== version)
      throw new HoldfastError('rules_denied', 'the rules changed while the request waited');
  }

  /** Throws `fence_time`, `fence_place`, `fence_uses`, `fence_bytes`, `budget_spent`. */
  private assertNow(grant: Grant): void {
    assertCircumstances(grant.fence, { nowMs: this.agent.nowMs, ...this.place });
    this.allowance.assertLeft(grant);
  }

  /** Leave of an operator; the state may have changed while one was waited for. [APPROVAL-19] */
  private async approved(view: GrantView, { grant, facts, toApprove, rulesVersion }: Wanted, judged: Judged): Promise<Opening> {
    if (toApprove === undefined) throw vaultRefuses();
    const parts = {
      agent: this.agent,
      ports: this.ports,
      by: this.by,
      child: this.child?.id,
      cause: this.cause,
      lastCommand: () => this.lastCommand(),
    };
    const approved = await approvedUse(parts, grant, facts, { judged, ...toApprove });
    try {
      const decision = decide(this.current(view).fence, facts);
      if (decision.kind === 'refuse') throw new HoldfastError(decision.code, 'the fence does not allow this request any more');
      this.assertNow(this.current(view));
      this.assertSameRules(rulesVersion);
      return approved;
    } catch (thrown) {
      approved.wipe();
      approved.over?.();
      throw thrown;
    }
  }

  /** What the session says that it is doing. */
  protected lastCommand(): string | undefined {
    return undefined;
  }

  private async consumed({ grant, facts, handle, rulesVersion }: Wanted, ask?: Uint8Array): Promise<Consumed> {
    const { grant: id, agent, warrant } = grant;
    const over = this.allowance.begin(grant); // before a use is spent [FENCE-37]
    try {
      const presented = handle === undefined ? await this.mint(grant, facts) : parseHandleText(handle);
      if (presented === undefined) throw vaultRefuses();
      const by = { ...this.who, agent, grant: id, cause: this.cause };
      this.assertSameRules(rulesVersion); // [AUTHORITY-5]
      const basis = { warrant, rulesVersion, ask };
      const { handle: used } = await this.agent.handles.consume(presented, by, facts, basis, this.allowance.accountsOf(grant));
      return { handle: used, facts, over };
    } catch (thrown) {
      over();
      throw thrown;
    }
  }

  private sealedTo({ grant, item }: Grant, sealed: Sealed): Opening {
    const { fleet, agent } = this.agent.enrolment;
    const purpose = { kind: 'grant', fleet, grant, item, agent } as const;
    return { open: () => openSealed(this.agent.holder, this.ports.primitives, purpose, sealed), wipe: () => {} };
  }

  private async mint(
    { grant, item, name, agent }: Grant,
    facts: RequestFacts,
    options?: { asked: boolean },
  ): Promise<Uint8Array> {
    const { child } = this;
    const { session } = this.by;
    const giveBack = child?.takeUse(); // [CHILD-5]
    try {
      const holder = { session, agent, grant, item, name, child: child?.id, cause: this.cause };
      const handle = await this.agent.handles.mint(holder, facts, options);
      child?.assertGoing(); // it may have ended while the event was written; its handles were burned before this one [CHILD-3]
      return handle;
    } catch (thrown) {
      giveBack?.();
      throw thrown;
    }
  }

  private get who(): Acting {
    return whoOf({ session: this.by.session, child: this.child?.id, cause: this.cause });
  }

  private placeholder({ grant }: Grant): string {
    const key = toHex(grant);
    const known = this.placeholders.get(key) ?? this.agent.placeholder(grant);
    this.placeholders.set(key, known);
    return known;
  }

  private viewOf(grant: Grant): GrantView {
    return {
      grantId: toHex(grant.grant),
      placeholder: this.placeholder(grant),
      attach: grant.attach,
      ca: grant.fence.ca,
      pins: grant.fence.pins,
      allowPrivate: grant.fence.allowPrivate,
      approve: grant.sealed === undefined,
      limitsArguments: limitsArguments(grant.fence),
      judgesBody: limitsArguments(grant.fence) || grant.attach.kind === 'body' || grant.sealed === undefined,
      matches: (facts) => decide(grant.fence, facts).kind === 'allow',
    };
  }

  /** The grant as the fleet's state has it now; a view may be older than a revocation. */
  private current({ grantId }: GrantView): Grant {
    const grant = this.held().find((each) => toHex(each.grant) === grantId);
    if (grant === undefined) throw vaultRefuses();
    return grant;
  }

  private useOf(granted: Grant, { handle, facts, over }: Consumed, judged: Judged, opening: Opening): Use {
    const { who } = this;
    const { grant, item } = granted;
    const flow = this.allowance.flowOf(granted, handle, who, this.child);
    const record = new UseRecord(
      () => this.ports.clock.monotonicMs() * 1000,
      (credentialedUs, sent) => this.agent.note({ kind: 'credentialed', ...who, handle, grant, item, credentialedUs, sent }),
    );
    return {
      handleId: toHex(handle),
      judged,
      meter: flow,
      open: async () => {
        const secret = await record.open(() => opening.open());
        this.agent.redactor.know(item, secret); // [COMMIT-5]
        return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
      },
      wiped: (sent) => record.wiped(sent),
      failed: (code) => {
        opening.wipe();
        record.failed();
        this.agent.note({ kind: 'fault', code: codeOf({ code }) });
        if (!['fence_bytes', 'budget_spent', 'child_spent'].includes(code)) return;
        this.refusals.note(code, facts, true);
        this.agent.note({ kind: 'stream-cut', ...who, grant }); // [FENCE-38]
      },
      over: () => {
        over();
        flow?.end();
      },
    };
  }
}
