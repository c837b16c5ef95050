// A sealed session: a sandbox whose one socket is the broker's, for one agent. Made and ended here; ended also when the agent is revoked,
// when whoever asked for it is gone, and with the daemon.

import path from 'node:path';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Cause } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { maxDelegationDepth } from '@holdfast/protocol/custody/delegation';
import type { ChildTerms, DoorRequest } from '@holdfast/protocol/door/wire';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import { createBroker, type Broker } from '../broker/broker.ts';
import { refusal } from '../broker/refusal.ts';
import type { Child } from '../children/child.ts';
import type { Caller } from '../door/server.ts';
import { CallTags, type TaggedCall } from '../guard/call-tags.ts';
import { claudeCodeRoutes } from '../guard/claude-code/door.ts';
import { claudeCodeFiles } from '../guard/claude-code/settings.ts';
import { assertFit, isClaudeCode } from '../guard/claude-code/version.ts';
import { codexRoutes } from '../guard/codex/door.ts';
import { codexFiles } from '../guard/codex/requirements.ts';
import type { HeldPlaces } from '../guard/held-places.ts';
import { repositoryOf } from '../guard/repository.ts';
import { SessionFloor } from '../guard/session-floor.ts';
import { guardOf } from '../guard/session-guard.ts';
import { mcpRoutes } from '../mcp/door.ts';
import { OwnRequests } from '../mcp/own-request.ts';
import type { Ports } from '../ports.ts';
import { isWithin } from '../sandbox/places.ts';
import { startSandbox, type Sandbox } from '../sandbox/start.ts';
import { AccessAsks } from './agent-access.ts';
import { agentChildren, leaveAsked, type RunChildRequest } from './agent-children.ts';
import { agentDoor } from './agent-door.ts';
import { agentDelegations } from './agent-delegations.ts';
import { agentHandles } from './agent-handles.ts';
import { agentPresentations } from './agent-presentations.ts';
import { agentView } from './agent-view.ts';
import { type SessionAuthority, type WorkingTree } from './authority.ts';
import { CallAuthorities } from './call-authorities.ts';
import { Harness } from './harness.ts';
import { mcpTools } from './mcp-view.ts';
import { ToolRequests } from './tool-requests.ts';
import { RuledAuthority, type Judge } from './ruled-authority.ts';
import { carryStreams } from './streams.ts';
import { trustBundle } from './trust-bundle.ts';
import { TurnedAway } from './turned-away.ts';

interface Place {
  readonly authority: SessionAuthority;
  readonly broker: Broker;
  readonly child: Child | undefined;
  /** Where the program may lie besides, for a session that a session asks for; undefined: anywhere. */
  readonly within: readonly string[] | undefined;
  /** Told which program it is, before it runs. */
  readonly found: (program: string) => void;
}

/** Holdfast's own tree: read-only inside every session. */
const installation = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

/** Whatever a session writes later changes nothing of it. A folder that is not there has no session either. */
function placeOf(cwd: string): WorkingTree {
  const directory = existsSync(cwd) ? realpathSync(cwd) : undefined;
  return { directory, repository: directory && repositoryOf(directory) };
}

/** For the record; nothing where a part of it does not go in as it is. */
function recordedTree({ directory, repository }: WorkingTree): { directory?: string; repository?: string } {
  const fits = (text: string | undefined): boolean => text === undefined || /^[\x20-\x7e]{1,512}$/.test(text);
  if (!fits(directory) || !fits(repository)) return {};
  return { ...(directory !== undefined && { directory }), ...(repository !== undefined && { repository }) };
}

export type RunRequest = Extract<DoorRequest, { kind: 'run' }>;

export interface SessionView {
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly mode: 'sealed';
  readonly command: string;
  readonly startedAtMs: number;
  /** Whose of the agent's children it is. */
  readonly child?: Uint8Array;
}

/** The session that asks for a child: what a child's session has of it, and nothing else. */
interface Parent {
  readonly session: Uint8Array;
  readonly child: Child | undefined;
  readonly authority: SessionAuthority;
  readonly request: RunRequest;
  readonly labels: Set<string>;
  /** Programs that it sees besides what every session of this request sees. */
  readonly programs: readonly string[];
  /** What began it. */
  readonly trace: Uint8Array;
}

/** Who asks for a child's session, and by which of the parent's calls, where that is known. */
interface Asker {
  readonly caller: Caller;
  readonly cause: Cause;
}

/** All sessions of this daemon. */
export class Sessions {
  private readonly ports: Ports;
  private readonly paths: HomePaths;
  private readonly running = new Map<string, { readonly view: SessionView; end(): void; readonly ended: Promise<void> }>();
  private closing = false;

  constructor(ports: Ports, paths: HomePaths) {
    this.ports = ports;
    this.paths = paths;
    this.sweepHomes();
  }

  views(): readonly SessionView[] {
    return [...this.running.values()].map(({ view }) => view);
  }

  /** Runs a command to its end; its exit code is the last reply. Throws coded errors before the command has started. */
  async run(agent: Agent, request: RunRequest, caller: Caller): Promise<void> {
    await this.carry(agent, request, caller, undefined);
  }

  /** Beside its parent's session: with the parent's tree, places and environment, whatever the parent says. [CHILD-8] */
  private async runBeside(agent: Agent, parent: Parent, asked: RunChildRequest, { caller, cause }: Asker): Promise<void> {
    const { scope, cwd, path: searched, home, environment } = parent.request;
    const { command, terminal, child } = asked;
    const own = { command, child, ...(terminal !== undefined && { terminal }) };
    const request: RunRequest = { kind: 'run', scope, cwd, path: searched, home, environment, ...own };
    await this.carry(agent, request, caller, { ...parent, cause });
  }

  private async carry(
    agent: Agent,
    request: RunRequest,
    caller: Caller,
    parent: (Parent & Pick<Asker, 'cause'>) | undefined,
  ): Promise<void> {
    agent.assertAble();
    if (this.closing)
      throw new HoldfastError('daemon_unreachable', 'the daemon is stopping', { next: 'start it again: npm start' });
    const { primitives, clock, log } = this.ports;
    const session = primitives.random(16);
    const program = path
      .basename(request.command[0] ?? '')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 256);
    const place = placeOf(request.cwd);
    const child = request.child && (await this.enrol(agent, request.child, { session, program, parent }));
    const view: SessionView = {
      session,
      agent: agent.id,
      mode: 'sealed',
      command: program,
      startedAtMs: clock.nowMs(),
      ...(child !== undefined && { child: child.id }),
    };
    try {
      await agent.audit.append({ kind: 'session-start', session, mode: 'sealed', program, ...recordedTree(place) }); // no record, no session
    } catch (thrown) {
      if (child !== undefined) agent.children.retire(child, 'failed');
      throw thrown;
    }

    const by = { session, mode: 'sealed', program } as const;
    const living = agent.living.begin({ ...by, startedAtMs: Math.trunc(view.startedAtMs), child: child?.id });
    if (parent !== undefined) agent.approvals.beside(session, parent.session);
    agent.approvals.onWaiting(session, ({ act, ...waiting }) => caller.reply({ kind: 'waiting', ...waiting, act: act.kind })); // [DOOR-18]
    const authority = new RuledAuthority(agent, this.ports, by, child, place);
    const access = new AccessAsks(agent, authority, by, this.ports);
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    const stop = new AbortController();
    child?.onEnd(() => stop.abort());
    const labels = parent?.labels ?? new Set<string>(); // what one of them has read, all carry [CHILD-9]
    this.running.set(toHex(session), { view, end: () => stop.abort(), ended });
    const turnedAway = new TurnedAway((counts) => agent.note({ kind: 'turned-away', session, counts: [...counts] }));
    const turn = (code: ErrorCode): void => turnedAway.count(code);
    let broker: Broker | undefined;
    let own: OwnRequests | undefined;
    let exitCode: number | undefined;
    try {
      // Nothing asks before the sandbox is there, and only then is known how it sees files.
      let door = agentDoor(turn, agentView(agent, authority, child));
      let named = (_tag: string): RuledAuthority => {
        throw refusal('child_ended');
      };
      broker = await createBroker({
        authority,
        named: (tag) => named(tag),
        door: (asked, reply) => door(asked, reply),
        turnedAway: turn,
        log,
      });
      const floor = await SessionFloor.atStart(agent, request.cwd);
      const programs = [...(parent?.programs ?? [])];
      const seenBefore = parent && [...programs];
      let harness: Harness | undefined;
      const found = (program: string) => {
        programs.push(program);
        harness = new Harness(program);
      };
      const sandbox = await this.start(
        agent,
        { ...request, ...floor.held },
        { authority, broker, child, within: seenBefore, found },
      );
      const view = { root: sandbox.root, home: sandbox.home };
      const tags = new CallTags((length) => primitives.random(length));
      const guarding = guardOf(agent, this.ports, {
        session,
        mode: 'sealed',
        program,
        tree: request.cwd,
        view,
        labels,
        child,
        tags,
        turnedAway: turn,
        living,
      });
      const judge =
        (call?: TaggedCall): Judge =>
        async (readings) =>
          agent.rules.version === undefined ? { kind: 'allow', notes: [] } : guarding.guard.judgeRequest(readings, call);
      authority.heldBy(judge(), () => guarding.guard.lastCommand);
      const authorities = new CallAuthorities(
        tags,
        (call) => authority.beside({ child: call.by?.child, cause: call.cause, judge: judge(call) }),
        broker.cutOf,
      );
      named = (tag) => authorities.named(tag);
      own = new OwnRequests(broker, path.dirname(this.paths.doorSocket));
      const requests = new ToolRequests(own, agent.approvals, session);
      const tools = mcpTools({ agent, authority, guard: guarding.guard, own: requests, access, child }, authorities, tags);
      const trace = agent.children.childOf(session)?.trace ?? session;
      const asParent: Parent = { session, child, authority, request, labels, programs, trace };
      door = agentDoor(
        turn,
        agentView(agent, authority, child),
        agentHandles(authority),
        access.routes(),
        agentPresentations(agent, authority, { session, clock, harness: child === undefined ? harness : undefined, child }),
        agentDelegations(agent.children, session, child),
        agentChildren(
          (asked, caller, cause) => this.runBeside(agent, asParent, asked, { caller, cause }),
          (tag) => authorities.causeOf(tag),
          log,
        ),
        claudeCodeRoutes(() => guarding),
        codexRoutes(guarding),
        mcpRoutes((_request, call) => tools(call)),
      );
      stop.signal.addEventListener('abort', () => sandbox.kill());
      if (stop.signal.aborted) sandbox.kill();
      exitCode = await this.accompany(agent, session, { sandbox, broker, caller, floor, child });
    } finally {
      await broker?.close();
      await own?.close();
      turnedAway.tell();
      await agent.endSession(session, exitCode);
      if (child !== undefined) this.forget(agent, child);
      this.running.delete(toHex(session));
      finish();
    }
    caller.reply({ kind: 'exited', code: exitCode, ...authority.refusals.told() });
  }

  /** Ends all sessions and waits until nothing of them is left; later ones are refused. */
  async close(): Promise<void> {
    this.closing = true;
    const all = [...this.running.values()];
    for (const { end } of all) end();
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** In less than its parent has, and known to be itself from its first record on. */
  private async enrol(
    agent: Agent,
    terms: ChildTerms,
    { session, program, parent }: { session: Uint8Array; program: string; parent: (Parent & Pick<Asker, 'cause'>) | undefined },
  ): Promise<Child> {
    const above = parent?.child?.leave ?? { capabilities: agent.own?.capabilities ?? [], depth: maxDelegationDepth };
    const grants = parent?.authority.held() ?? agent.grants();
    const child = await agent.children.enrol({
      ...leaveAsked(terms, { grants, leave: above }),
      session: parent?.session ?? session,
      kind: 'session',
      name: program,
      parent: parent?.child?.id,
      cause: parent?.cause,
    });
    agent.children.speaks(child, session, parent?.cause.trace ?? parent?.trace); // [GUARD-33]
    return child;
  }

  /** Nothing of a child stays. */
  private forget(agent: Agent, child: Child): void {
    agent.children.retire(child);
    rmSync(this.homeOf(agent, child), { recursive: true, force: true });
  }

  /** An agent's sessions keep theirs; a child's is its own, and gone with it: what it leaves there must not run with more than it had. [CHILD-8] */
  private homeOf({ enrolment: { scope } }: Agent, child: Child | undefined): string {
    const own = path.join(this.paths.scopes, scope);
    return child === undefined ? path.join(own, 'home') : path.join(own, 'children', child.hex);
  }

  /** What a daemon that was killed left. */
  private sweepHomes(): void {
    try {
      for (const scope of readdirSync(this.paths.scopes))
        rmSync(path.join(this.paths.scopes, scope, 'children'), { recursive: true, force: true });
    } catch {
      // no session has run here yet
    }
  }

  private async start(
    agent: Agent,
    request: RunRequest & HeldPlaces,
    { authority, broker, child, within, found: tellFound }: Place,
  ): Promise<Sandbox> {
    const scopeHome = this.homeOf(agent, child);
    mkdirSync(scopeHome, { recursive: true, mode: 0o700 });
    return startSandbox({
      command: request.command,
      within,
      assertFit: ({ path: found, realPath }, tree) => {
        tellFound(realPath);
        if (!isClaudeCode(found, realPath)) return;
        // A session could make it a file that is never read to its end.
        if (within !== undefined && isWithin(realPath, tree))
          throw new HoldfastError('harness_unfit', `${found} lies where the session that asks may write`);
        assertFit(realPath);
      },
      cwd: request.cwd,
      scopeHome,
      callerPath: request.path,
      callerHome: request.home,
      environment: { ...request.environment, ...authority.environment() },
      brokered: authority.loopbackNames(),
      terminal: request.terminal,
      caBundle: trustBundle(broker.caPem),
      withheld: [this.paths.home, path.dirname(this.paths.doorSocket)],
      installation,
      etcFiles: (inside) => [
        ...claudeCodeFiles({ ...inside, modelUrl: request.environment['ANTHROPIC_BASE_URL'] }),
        ...codexFiles(inside),
      ],
      masked: request.masked,
      readOnly: request.readOnly,
    });
  }

  private async accompany(
    agent: Agent,
    session: Uint8Array,
    parts: { sandbox: Sandbox; broker: Broker; caller: Caller; floor: SessionFloor; child: Child | undefined },
  ): Promise<number> {
    const { sandbox, broker, caller, floor, child } = parts;
    broker.attach(sandbox.door);
    let halted = false;
    let unheld: Error | undefined;
    const holds = (): void => {
      floor.assertHolds().catch((thrown: Error) => {
        unheld ??= thrown; // [GUARD-26]
        sandbox.kill();
      });
    };
    const halt = (): void => {
      halted = true;
      void broker.close(); // at once, before the sandbox has ended; what has no credential, too
      agent.note({ kind: 'stream-cut', session });
      sandbox.kill();
    };
    const unsubscribe = agent.subscribe({
      revoked: halt,
      suspended: halt,
      grantEnded: (grant, goesOn) => {
        broker.cutCredentialed(toHex(grant), { approvedGoOn: goesOn }); // [VAULT-19]
        agent.note({ kind: 'stream-cut', session, grant });
      },
      budgetBegan: () => {
        broker.cutCredentialed();
        agent.note({ kind: 'stream-cut', session });
      },
      rulesChanged: holds,
    });
    child?.onEnd(() => broker.cutCredentialed());
    holds(); // they may have changed since the mounts were planned
    const gone = () => sandbox.kill(); // [DOOR-6]
    caller.gone.addEventListener('abort', gone);
    if (caller.gone.aborted || !agent.mayAct) sandbox.kill();
    caller.reply({ kind: 'started', session, agent: agent.id, mode: 'sealed' });
    try {
      const [code] = await Promise.all([sandbox.exited, carryStreams(sandbox, caller)]);
      // The caller is told why, instead of a code that the command never gave.
      if (halted) agent.assertAble();
      child?.assertGoing();
      if (unheld !== undefined) throw unheld;
      return code;
    } finally {
      unsubscribe();
      caller.gone.removeEventListener('abort', gone);
    }
  }
}
