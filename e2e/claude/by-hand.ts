// A Claude Code that a person starts by hand, with a home of its own and a stand-in for the model; nothing of Holdfast's is between the two but what
// `holdfast plugin install` wrote.

import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { root, runProgram, type Installation, type Ran } from '../../packages/testkit/src/installation.ts';
import { answerAsModel, type Script } from '../../packages/testkit/src/model-server.ts';
import type { Seen } from '../../packages/testkit/src/origin.ts';
import { quiet } from './quiet.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';

export interface Conversation extends Ran {
  /** What the model was sent. */
  readonly heard: string;
}

interface Model {
  readonly url: string;
  readonly listening: { onRequest?: (body: string) => Promise<void> };
  close(): Promise<void>;
}

export interface Spoken {
  readonly words?: readonly string[];
  readonly prompt?: string;
  /** Another Claude Code than the pinned one. */
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called when the model is asked for the nth time, from 1, before it answers. */
  readonly onRequest?: (nth: number) => Promise<void> | void;
}

const allowed = ['Bash', 'Read', 'Write', 'Edit', 'Agent', 'Monitor', 'ToolSearch', 'mcp__demo__make'];

/** A machine whose /etc/claude-code is this folder: words before a command. Claude Code knows no other place for what is managed. */
export function managedBy(folder: string): readonly string[] {
  const etc = readdirSync('/etc', { withFileTypes: true }).filter(({ name }) => name !== 'claude-code');
  const same = etc.flatMap((each) => {
    const place = `/etc/${each.name}`;
    return each.isSymbolicLink() ? ['--symlink', readlinkSync(place), place] : ['--ro-bind-try', place, place];
  });
  return ['bwrap', '--dev-bind', '/', '/', '--tmpfs', '/etc', ...same, '--bind', folder, '/etc/claude-code', '--'];
}

export class Person {
  readonly home: string;
  readonly tree: string;
  /** A program and its words before everything that this person types. */
  within: readonly string[] = [];
  readonly #holdfast: Installation;

  constructor(holdfast: Installation, name: string) {
    this.#holdfast = holdfast;
    this.home = path.join(holdfast.folder, `${name}-home`);
    this.tree = path.join(holdfast.folder, `${name}-tree`);
    for (const folder of [this.home, this.tree]) mkdirSync(folder);
  }

  get settings(): string {
    return path.join(this.home, '.claude', 'settings.json');
  }

  /** `holdfast …`, typed by this person. */
  holdfast(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const [file = '', ...rest] = [...this.within, process.execPath, path.join(root, 'apps/cli/src/main.ts'), ...words];
    return runProgram(file, rest, { ...this.#holdfast.environment, ...environment, HOME: this.home });
  }

  /** `claude -p …` to its end, with a model that follows the script. */
  async claude(model: Script | Model, spoken: Spoken = {}): Promise<Conversation> {
    if ('url' in model) return this.#talk(model, spoken);
    const own = await this.listen(model);
    try {
      return await this.#talk(own, spoken);
    } finally {
      await own.close();
    }
  }

  /** A model of its own, at one address. */
  async listen(script: Script): Promise<Model> {
    const answer = answerAsModel(script);
    const listening: { onRequest?: (body: string) => Promise<void> } = {};
    const server = createServer((request, response) => {
      void (async () => {
        const seen: Seen = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body: await buffer(request),
        };
        if (/^\/v1\/messages(\?|$)/.test(seen.url)) await listening.onRequest?.(seen.body.toString('utf8'));
        answer(seen, request, response);
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { url: `http://127.0.0.1:${port}`, listening, close };
  }

  async #talk(
    { url, listening }: Model,
    { words, prompt = 'Go on.', program = claude, environment, onRequest }: Spoken,
  ): Promise<Conversation> {
    const heard: string[] = [];
    listening.onRequest = async (body) => {
      heard.push(body);
      await onRequest?.(heard.length);
    };
    const options = ['--output-format', 'stream-json', '--verbose', ...(words ?? ['--allowedTools', ...allowed])];
    const [file = '', ...rest] = [...this.within, program, '-p', prompt, ...options];
    const own = {
      PATH: process.env['PATH'],
      HOME: this.home,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'stand-in',
      ...quiet,
      IS_SANDBOX: '1',
      ...environment,
    };
    const ran = await runProgram(file, rest, own, { cwd: this.tree, timeoutMs: 180_000 });
    return { ...ran, heard: heard.join('\n') };
  }
}
