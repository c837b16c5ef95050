// A sealed session: a sandbox whose one socket is the broker's, for one agent. Made and ended here; ended also when the agent is revoked,
// when whoever asked for it is gone, and with the daemon.

import path from 'node:path';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { DoorRequest } from '@holdfast/protocol/door/wire';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import { createBroker, type Broker } from '../broker/broker.ts';
import type { Caller } from '../door/server.ts';
import { claudeCodeRoutes } from '../guard/claude-code/door.ts';
import { claudeCodeFiles } from '../guard/claude-code/settings.ts';
import { assertFit, isClaudeCode } from '../guard/claude-code/version.ts';
import { codexRoutes } from '../guard/codex/door.ts';
import { codexFiles } from '../guard/codex/requirements.ts';
import type { HeldPlaces } from '../guard/held-places.ts';
import { SessionFloor } from '../guard/session-floor.ts';
import { guardOf } from '../guard/session-guard.ts';
import { mcpRoutes } from '../mcp/door.ts';
import { OwnRequests } from '../mcp/own-request.ts';
import type { Ports } from '../ports.ts';
import { findCommand } from '../sandbox/command.ts';
import { startSandbox, type Sandbox } from '../sandbox/start.ts';
import { AccessAsks } from './agent-access.ts';
import { agentDoor } from './agent-door.ts';
import { agentDelegations } from './agent-delegations.ts';
import { agentHandles } from './agent-handles.ts';
import { agentPresentations } from './agent-presentations.ts';
import { agentView } from './agent-view.ts';
import type { SessionAuthority } from './authority.ts';
import { Harness } from './harness.ts';
import { mcpView } from './mcp-view.ts';
import { RuledAuthority } from './ruled-authority.ts';
import { carryStreams } from './streams.ts';
import { trustBundle } from './trust-bundle.ts';

/** Holdfast's own tree: read-only inside every session. */
const installation = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

export type RunRequest = Extract<DoorRequest, { kind: 'run' }>;

export interface SessionView {
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly mode: 'sealed';
  readonly command: string;
  readonly startedAtMs: number;
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
  }

  views(): readonly SessionView[] {
    return [...this.running.values()].map(({ view }) => view);
  }

  /** Runs a command to its end; its exit code is the last reply. Throws coded errors before the command has started. */
  async run(agent: Agent, request: RunRequest, caller: Caller): Promise<void> {
    agent.assertAble();
    if (this.closing)
      throw new HoldfastError('daemon_unreachable', 'the daemon is stopping', { next: 'start it again: npm start' });
    const { primitives, clock, log } = this.ports;
    const session = primitives.random(16);
    const program = path
      .basename(request.command[0] ?? '')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 256);
    const view: SessionView = { session, agent: agent.id, mode: 'sealed', command: program, startedAtMs: clock.nowMs() };
    await agent.audit.append({ kind: 'session-start', session, mode: 'sealed', program }); // no record, no session

    const by = { session, mode: 'sealed', program } as const;
    const authority = new RuledAuthority(agent, this.ports, by);
    const access = new AccessAsks(agent, authority, by, this.ports);
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    const stop = new AbortController();
    this.running.set(toHex(session), { view, end: () => stop.abort(), ended });
    let broker: Broker | undefined;
    let own: OwnRequests | undefined;
    let exitCode: number | undefined;
    try {
      // Nothing asks before the sandbox is there, and only then is known how it sees files.
      let door = agentDoor(agentView(agent, authority));
      broker = await createBroker({ authority, door: (asked, reply) => door(asked, reply), log });
      const floor = await SessionFloor.atStart(agent, request.cwd);
      const harness = new Harness(findCommand(request.command[0] ?? '', request.path, request.cwd).realPath);
      const sandbox = await this.start(agent, { ...request, ...floor.held }, authority, broker);
      const view = { root: sandbox.root, home: sandbox.home };
      const guarding = guardOf(agent, this.ports, { session, mode: 'sealed', program, tree: request.cwd, view });
      authority.heldBy(
        async (readings) =>
          agent.rules.version === undefined ? { kind: 'allow', notes: [] } : guarding.guard.judgeRequest(readings),
        () => guarding.guard.lastCommand,
      );
      own = new OwnRequests(broker, path.dirname(this.paths.doorSocket));
      const tools = mcpView({ agent, authority, guard: guarding.guard, own, access });
      door = agentDoor(
        agentView(agent, authority),
        agentHandles(authority),
        access.routes(),
        agentPresentations(agent, authority, { session, clock, harness }),
        agentDelegations(agent.children, session),
        claudeCodeRoutes(() => guarding),
        codexRoutes(guarding),
        mcpRoutes(() => tools),
      );
      stop.signal.addEventListener('abort', () => sandbox.kill());
      if (stop.signal.aborted) sandbox.kill();
      exitCode = await this.accompany(agent, session, { sandbox, broker, caller, floor });
    } finally {
      await broker?.close();
      await own?.close();
      await agent.endSession(session, exitCode);
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

  private async start(
    agent: Agent,
    request: RunRequest & HeldPlaces,
    authority: SessionAuthority,
    broker: Broker,
  ): Promise<Sandbox> {
    const { path: found, realPath } = findCommand(request.command[0] ?? '', request.path, request.cwd);
    if (isClaudeCode(found, realPath)) assertFit(realPath);
    const scopeHome = path.join(this.paths.scopes, agent.enrolment.scope, 'home');
    mkdirSync(scopeHome, { recursive: true, mode: 0o700 });
    return startSandbox({
      command: request.command,
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
    parts: { sandbox: Sandbox; broker: Broker; caller: Caller; floor: SessionFloor },
  ): Promise<number> {
    const { sandbox, broker, caller, floor } = parts;
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
      grantEnded: (grant) => {
        broker.cutCredentialed(toHex(grant));
        agent.note({ kind: 'stream-cut', session, grant });
      },
      rulesChanged: holds,
    });
    holds(); // they may have changed since the mounts were planned
    const gone = () => sandbox.kill(); // [DOOR-6]
    caller.gone.addEventListener('abort', gone);
    if (caller.gone.aborted || !agent.mayAct) sandbox.kill();
    caller.reply({ kind: 'started', session, agent: agent.id, mode: 'sealed' });
    try {
      const [code] = await Promise.all([sandbox.exited, carryStreams(sandbox, caller)]);
      // The caller is told why, instead of a code that the command never gave.
      if (halted) agent.assertAble();
      if (unheld !== undefined) throw unheld;
      return code;
    } finally {
      unsubscribe();
      caller.gone.removeEventListener('abort', gone);
    }
  }
}
