// The door of one agent for Claude Codes that were started by hand, spec/guarded.md: one port of loopback, fixed, open while the daemon runs. It answers
// nobody but processes of this user that are, or were started by, a Claude Code and know the key; which of them is asking the kernel says. What it
// can do for them is judge, show, and nothing else: no credential is used through it.

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Agent } from '../agent/agent.ts';
import { claudeCodeRoutes } from '../guard/claude-code/door.ts';
import { faultOf } from '../fault.ts';
import { mcpRoutes } from '../mcp/door.ts';
import type { Ports } from '../ports.ts';
import { agentDoor, answerText, type Routes } from '../session/agent-door.ts';
import { statusLineOf } from '../session/agent-view.ts';
import { harnessBehind, stillRuns, type Harness } from './peer.ts';
import { maxSessions, type Kept } from './record.ts';
import { GuardedSession } from './session.ts';
import { guardedView } from './view.ts';

/** How soon a change of what steers a session, or the end of its process, is seen. [GUARDED-9] */
const watchEveryMs = 1000;
const maxConnections = 256;

export interface GuardedDoorOptions {
  readonly agent: Agent;
  readonly ports: Ports;
  readonly kept: Kept;
  /** Writes down what must outlive this run. */
  readonly keep: (kept: Kept) => void;
  /** Who is at the other end; tests have their own. */
  readonly behind?: (socket: Socket, known: readonly Harness[]) => Harness | undefined;
  readonly runs?: (harness: Harness) => boolean;
}

export class GuardedDoor {
  readonly #options: GuardedDoorOptions;
  readonly #sessions = new Map<string, GuardedSession>();
  readonly #behind = new WeakMap<Socket, Harness>();
  readonly #server: Server;
  #port: number | undefined;
  #watching: NodeJS.Timeout | undefined;

  constructor(options: GuardedDoorOptions) {
    this.#options = options;
    const { agent, ports, kept } = options;
    for (const each of kept.sessions) {
      const { pid, born, version, tree, home, config } = each;
      const harness = { pid, born, version, tree, home, config };
      if (this.#runs(harness))
        this.#sessions.set(keyOf(harness), new GuardedSession(agent, ports, harness, () => this.#keep(), each));
      else agent.note({ kind: 'session-end', session: each.session });
    }
    const answer = agentDoor(
      () => {},
      claudeCodeRoutes((request) => this.#asking(request)),
      mcpRoutes((request) => guardedView(agent, this.#sessionOf(request))),
      this.#statusLine(),
    );
    this.#server = createServer(answer);
    this.#server.maxConnections = maxConnections;
  }

  /** @throws port_taken */
  async open(): Promise<number> {
    const { port = 0 } = this.#options.kept;
    await new Promise<void>((resolve, reject) => {
      const taken = (cause: Error) =>
        reject(new HoldfastError('port_taken', `another program listens on 127.0.0.1:${port}`, { cause, next: takenNext }));
      // [GUARDED-1]
      this.#server.once('error', taken).listen(port, '127.0.0.1', () => resolve(void this.#server.off('error', taken)));
    });
    // A connection that the system could not give: others may come.
    this.#server.on('error', (cause) =>
      this.#options.ports.log.warn({ ...faultOf(cause) }, 'a guarded door missed a connection'),
    );
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#watching = setInterval(() => this.#watch(), watchEveryMs);
    this.#keep();
    return this.#port;
  }

  get port(): number | undefined {
    return this.#port;
  }

  get key(): string {
    return this.#options.kept.key;
  }

  sessions(): readonly GuardedSession[] {
    return [...this.#sessions.values()];
  }

  /** `forget`: it is closed for good, not only for this run. */
  async close(forget: boolean): Promise<void> {
    clearInterval(this.#watching);
    this.#port = undefined;
    if (forget) this.#keep();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** For an event: the session of whoever asks, which may go on. @throws refused, limit_exceeded, session_suspended */
  #asking(request: IncomingMessage) {
    const session = this.#sessionOf(request);
    session.assertGoing();
    return session.guarding;
  }

  /** @throws refused, limit_exceeded */
  #sessionOf(request: IncomingMessage): GuardedSession {
    const harness = this.#harnessOf(request.socket);
    this.#assertKey(request);
    const known = this.#sessions.get(keyOf(harness));
    if (known !== undefined) return known;
    const { agent, ports } = this.#options;
    if (this.#sessions.size >= maxSessions)
      throw new HoldfastError('limit_exceeded', `more than ${maxSessions} sessions at once`, { next: 'end some of them' }); // [GUARDED-6]
    const session = new GuardedSession(agent, ports, harness, () => this.#keep());
    this.#sessions.set(keyOf(harness), session);
    agent.note({ kind: 'session-start', session: session.session, mode: 'guarded', program: session.program });
    this.#keep();
    return session;
  }

  #harnessOf(socket: Socket): Harness {
    const met = this.#behind.get(socket);
    if (met !== undefined) return met;
    const { behind = harnessBehind } = this.#options;
    const harness = behind(
      socket,
      this.sessions().map((each) => each.harness),
    );
    if (harness === undefined) throw new HoldfastError('refused', 'only Claude Code is answered here, and what it starts'); // [GUARDED-4]
    this.#behind.set(socket, harness);
    return harness;
  }

  #assertKey({ headers }: IncomingMessage): void {
    const given = utf8(headers.authorization ?? '');
    const wanted = utf8(`Bearer ${this.key}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new HoldfastError('refused', 'the key is another'); // [GUARDED-4]
  }

  /** Without the key, which would stand in a command line: it tells little, and nobody but this user's Claude Code. */
  #statusLine(): Routes {
    const { agent } = this.#options;
    return {
      '/v1/status-line': {
        GET: ({ socket }, response) => {
          const session = this.#sessions.get(keyOf(this.#harnessOf(socket)));
          const state = session?.suspendedFor === undefined ? '' : ', SUSPENDED';
          answerText(response, `${statusLineOf(agent, 'guarded')}${state}`);
        },
      },
    };
  }

  #watch(): void {
    const { agent, ports } = this.#options;
    for (const [key, session] of this.#sessions) {
      try {
        if (this.#runs(session.harness)) session.watch();
        else {
          this.#sessions.delete(key);
          void agent.endSession(session.session, undefined);
          this.#keep();
        }
      } catch (thrown) {
        // The next event is denied for the same reason.
        ports.log.warn({ code: codeOf(thrown), ...faultOf(thrown) }, 'a guarded session could not be looked at');
      }
    }
  }

  #runs(harness: Harness): boolean {
    return (this.#options.runs ?? stillRuns)(harness);
  }

  /** What cannot be written down is lost with this run, and nothing else. */
  #keep(): void {
    const { ports, keep, kept } = this.#options;
    const port = this.#port;
    try {
      keep({ v: 1, ...(port !== undefined && { port }), key: kept.key, sessions: this.sessions().map((each) => each.kept()) });
    } catch (thrown) {
      ports.log.warn({ code: codeOf(thrown) }, 'what is known of guarded sessions could not be written down');
    }
  }
}

const takenNext =
  'stop it: it hears what agents do here, and may answer them; or take another port: holdfast plugin remove, then install';

/** [GUARDED-6] */
function keyOf({ pid, born }: Harness): string {
  return `${pid} ${born}`;
}
