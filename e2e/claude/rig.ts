// The real Claude Code in a real sandbox with its real managed settings and the real guard, without a fleet around it: the rules are the test's, the
// record is a list, and the model's stand-in answers at the session's own port. What stands between it and a fault is the test's to choose.

import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { rootCertificates } from 'node:tls';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { callDigest } from '@holdfast/protocol/approvals/call';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { compile } from '@holdfast/protocol/rules/compile';
import { decide } from '@holdfast/protocol/rules/decide';
import { floor } from '@holdfast/protocol/rules/floor';
import { parseRules } from '@holdfast/protocol/rules/language';
import { withPacks } from '@holdfast/protocol/rules/packs/packs';
import { BedrockContext, type BedrockNow } from '../../apps/daemon/src/guard/bedrock.ts';
import { claudeCodePath, claudeCodeRoutes, type Guarding } from '../../apps/daemon/src/guard/claude-code/door.ts';
import { claudeCodeFiles, type SettingsQuery } from '../../apps/daemon/src/guard/claude-code/settings.ts';
import { CallTags } from '../../apps/daemon/src/guard/call-tags.ts';
import { Turns } from '../../apps/daemon/src/guard/turns.ts';
import { Guard, type JudgedAct } from '../../apps/daemon/src/guard/guard.ts';
import { SubAgents } from '../../apps/daemon/src/guard/sub-agents.ts';
import { heldPlaces } from '../../apps/daemon/src/guard/held-places.ts';
import { mcpPath, mcpRoutes } from '../../apps/daemon/src/mcp/door.ts';
import { startSandbox } from '../../apps/daemon/src/sandbox/start.ts';
import { agentDoor } from '../../apps/daemon/src/session/agent-door.ts';
import { answerAsModel, type Script } from '../../packages/testkit/src/model-server.ts';
import type { Seen } from '../../packages/testkit/src/origin.ts';
import { quiet } from './quiet.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';
const installation = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface Scene {
  readonly script: Script;
  readonly subagents?: Readonly<Record<string, Script>>;
  /** YAML. Default: everything may happen. */
  readonly rules?: string;
  readonly prompt?: string;
  /** Words for Claude Code after the prompt. Default: the tools that stories use are allowed without asking. */
  readonly words?: readonly string[];
  /** Relative to the working tree, and to HOME. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of files in the working tree. */
  readonly modes?: Readonly<Record<string, number>>;
  /** Symbolic links in the working tree, to what they lead. */
  readonly links?: Readonly<Record<string, string>>;
  readonly homeFiles?: Readonly<Record<string, string>>;
  /** A folder whose files are in HOME from the start: that of an earlier scene. */
  readonly homeFrom?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly bedrock?: () => BedrockNow;
  /** What an operator says to an act that a rule asks about. */
  readonly operator?: (act: Omit<JudgedAct, 'allowed'>) => string;
  /**
   * Stands in for the guard's door from the model's first answer on; false leaves the request to the door. `by`: the hooks of the settings, or
   * the mod.
   */
  readonly fault?: (by: 'hook' | 'mod', response: ServerResponse, body: string) => boolean;
  /** Hears of each event that came to the guard's door before it is answered. */
  readonly onEvent?: (event: Readonly<Record<string, unknown>>, tree: string) => void;
  /** The hooks ask at a port where nobody listens. */
  readonly closed?: boolean;
  /** Nobody listens at the door any more while the model answers: the socket is gone. */
  readonly closes?: boolean;
  /** Stands in for the program of the start's hook. */
  readonly startProgram?: string;
  /** Loopback names that mean the host's. */
  readonly brokered?: readonly string[];
  readonly timeoutsMs?: SettingsQuery['timeoutsMs'];
  /** Changes what lies in /etc/claude-code. `/noop` at the door answers every hook with an empty object. */
  readonly settings?: (files: ReturnType<typeof claudeCodeFiles>, inside: { readonly doorPort: number }) => typeof files;
  /** Beside the list. */
  readonly record?: (act: JudgedAct) => Promise<void>;
  /** Another program than Claude Code's own start. */
  readonly command?: readonly string[];
}

export interface Played {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** Every act that was judged, in order. */
  readonly acts: readonly JudgedAct[];
  readonly faults: readonly string[];
  /** Every event that came to the guard's door. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly requests: readonly Seen[];
  /** What the model was told its tools answered, by the name of the call. */
  readonly results: readonly string[];
  /** The ids of all calls that the model made. */
  readonly calls: readonly string[];
  /** From each answer of the model's to the next request of any kind. */
  readonly turnsMs: readonly number[];
  /** How long the guard's door took for each event. */
  readonly answersMs: readonly number[];
  readonly tree: string;
  readonly home: string;
  exists(file: string): boolean;
}

const everything = 'rules: {}\n';
const allowed = ['Bash', 'Read', 'Write', 'Edit', 'Agent', 'Skill', 'Monitor', 'WebFetch', 'ToolSearch', 'mcp__demo__make'];

/** Plays a scene to its end; everything of it is gone when the test ends. */
export async function play(t: Pick<TestContext, 'after'>, scene: Scene): Promise<Played> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-claude-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [tree, scopeHome, withheld] = ['tree', 'home', 'data'].map((name) => path.join(folder, name)) as [string, string, string];
  for (const place of [tree, scopeHome, withheld]) mkdirSync(place, { mode: 0o700 });
  write(tree, scene.files ?? {});
  for (const [name, mode] of Object.entries(scene.modes ?? {})) chmodSync(path.join(tree, name), mode);
  for (const [name, target] of Object.entries(scene.links ?? {})) symlinkSync(target, path.join(tree, name));
  if (scene.homeFrom !== undefined) cpSync(scene.homeFrom, scopeHome, { recursive: true });
  write(scopeHome, scene.homeFiles ?? {});

  const acts: JudgedAct[] = [];
  const faults: string[] = [];
  const events: Record<string, unknown>[] = [];
  const requests: Seen[] = [];
  const rules = compile(withPacks(parseRules(scene.rules ?? everything)));
  const { prompt = 'Go on.', words = ['--allowedTools', ...allowed] } = scene;
  const context = { agent: 'a'.repeat(32), scope: 'main', mode: 'sealed', directory: tree, home: '/home/agent' } as const;
  const sandbox = await startSandbox({
    ...(await heldPlaces(tree, floor(rules, context))),
    command: scene.command ?? [claude, '-p', prompt, '--output-format', 'stream-json', '--verbose', ...words],
    cwd: tree,
    scopeHome,
    callerPath: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    callerHome: path.join(folder, 'operator'),
    environment: {
      ANTHROPIC_API_KEY: 'stand-in',
      ...quiet,
      IS_SANDBOX: '1',
      ...scene.environment,
    },
    terminal: undefined,
    brokered: scene.brokered ?? [],
    caBundle: Buffer.from(rootCertificates.slice(0, 1).join('\n')),
    withheld: [withheld],
    installation,
    etcFiles: (inside) => {
      const files = claudeCodeFiles({
        ...inside,
        ...(scene.closed === true && { doorPort: 9 }),
        ...(scene.startProgram !== undefined && { shell: '', node: scene.startProgram }),
        modelUrl: `http://127.0.0.1:${inside.doorPort}`,
        ...(scene.timeoutsMs !== undefined && { timeoutsMs: scene.timeoutsMs }),
      });
      return scene.settings?.(files, inside) ?? files;
    },
  });
  const view = { root: sandbox.root, home: sandbox.home };
  const guard = new Guard(
    {
      digest: (call) => callDigest(primitives, { agent: new Uint8Array(16), session: new Uint8Array(16) }, call),
      nowMs: () => Date.now(),
      step: () => primitives.random(16),
      policy: () => ({ version: 1, decide: (call, context) => decide(rules, call, context) }),
      approve: async (act) => scene.operator?.(act) ?? 'unasked',
      record: async (act) => {
        acts.push(act);
        await scene.record?.(act);
      },
      fault: (code) => void faults.push(code),
    },
    { agent: 'a'.repeat(32), scope: 'main', mode: 'sealed', view, branch: () => undefined },
  );
  const subAgents = new SubAgents({ nowMs: () => 0, enrol: async () => undefined, retire: () => {} });
  const tags = new CallTags((length) => primitives.random(length));
  const turns = new Turns((length) => primitives.random(length));
  const prompted: Guarding['prompted'] = async ({ conversation }) => void turns.begin(conversation);
  const bedrock = new BedrockContext(scene.bedrock ?? (() => ({ version: 0, texts: [] })));
  const tools = mcpRoutes(() => ({
    whoami: () => ({ agent: 'the rig' }),
    vault: () => [],
    rules: () => ({ version: 1 }),
    uses: {
      mint: async () => ({ handle: 'none here' }),
      request: async ({ url }) => ({ asked: url.href }),
      access: async () => ({ state: 'waiting' }),
    },
  }));
  const fault = (code: string) => void faults.push(code);
  const door = agentDoor(
    () => {},
    claudeCodeRoutes(() => ({ guard, subAgents, tags, turns, prompted, bedrock, view, settings: 'fixed', fault })),
    tools,
  );
  const model = answerAsModel(scene.script, scene.subagents);
  const turnsMs: number[] = [];
  let answeredAtMs: number | undefined;
  const answerWhole = async (request: IncomingMessage, response: ServerResponse) => {
    if (answeredAtMs !== undefined) turnsMs.push(performance.now() - answeredAtMs);
    response.once('finish', () => (answeredAtMs = performance.now()));
    const body = await buffer(request);
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    requests.push(seen);
    if (scene.closes === true) {
      // What is still open is the connection that the model's answer goes out on.
      response.setHeader('connection', 'close');
      sandbox.door.close();
      for (const socket of sockets) if (socket !== request.socket) socket.destroy();
    }
    model(seen, request, response);
  };
  const answersMs: number[] = [];
  const guardOrFault = async (request: IncomingMessage, response: ServerResponse) => {
    const askedAtMs = performance.now();
    response.once('finish', () => answersMs.push(performance.now() - askedAtMs));
    const body = await buffer(request);
    keep(body, (event) => {
      events.push(event);
      scene.onEvent?.(event, tree);
    });
    const by = request.headers['user-agent']?.startsWith('axios') === true ? 'hook' : 'mod';
    if (requests.length > 0 && scene.fault?.(by, response, body.toString('utf8')) === true) return;
    door(replayed(request, body), response);
  };
  const server = createServer((request, response) => {
    // By the proxy, as the broker takes it for its own port.
    request.url = (request.url ?? '').replace(/^http:\/\/127\.0\.0\.1:\d+/, '');
    if (request.url === '/noop') request.resume().once('end', () => response.end('{}'));
    else if (request.url === claudeCodePath) void guardOrFault(request, response);
    else if (request.url === mcpPath) door(request, response);
    else void answerWhole(request, response);
  });
  const sockets = new Set<Socket>();
  sandbox.door.on('connection', (socket) => {
    sockets.add(socket);
    server.emit('connection', socket);
  });
  t.after(() => {
    sandbox.kill();
    sandbox.door.close();
    server.closeAllConnections();
    return sandbox.exited.catch(() => undefined);
  });
  sandbox.input.end();
  const [code, output, errors] = await Promise.all([
    sandbox.exited,
    text(sandbox.output),
    sandbox.errors === undefined ? '' : text(sandbox.errors),
  ]);
  return {
    code,
    output,
    errors,
    acts,
    faults,
    events,
    requests,
    turnsMs,
    answersMs,
    results: [...blocksOf(requests, 'tool_result').values()].map(({ content }) => JSON.stringify(content)),
    calls: [...blocksOf(requests, 'tool_use').keys()],
    tree,
    home: scopeHome,
    exists: (file) => existsSync(path.join(tree, file)),
  };
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
}

/** The same request to be read once more. */
function replayed({ method, url, headers }: IncomingMessage, body: Buffer): IncomingMessage {
  return Object.assign(Readable.from([body]), { method, url, headers, complete: true }) as unknown as IncomingMessage;
}

function keep(body: Buffer, hear: (event: Record<string, unknown>) => void): void {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return; // the door says what it makes of it
  }
  hear(event);
}

interface Message {
  readonly content: unknown;
}

type Block = Readonly<Record<string, unknown>>;

/** Each block of that kind once, by the id of its call, from the last request that carries it. */
function blocksOf(requests: readonly Seen[], kind: 'tool_use' | 'tool_result'): ReadonlyMap<string, Block> {
  const blocks = new Map<string, Block>();
  for (const { body, url } of requests) {
    if (!url.startsWith('/v1/messages')) continue;
    const { messages = [] } = JSON.parse(body.toString('utf8')) as { messages?: readonly Message[] };
    for (const block of messages.flatMap(({ content }) => (Array.isArray(content) ? (content as Block[]) : []))) {
      if (block['type'] === kind) blocks.set(String(block[kind === 'tool_use' ? 'id' : 'tool_use_id']), block);
    }
  }
  return blocks;
}
