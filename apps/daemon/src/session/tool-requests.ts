// Requests that an agent makes by a tool, spec/mcp.md: one that waits for an operator is told of at once and goes on meanwhile; the same call again hears
// what came of it. Sends each once, through the session's own broker.

import type { Act } from '@holdfast/protocol/approvals/ask';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Approvals, Waiting } from '../approvals/approvals.ts';
import { ownRequestMs, type OwnReply, type OwnRequests } from '../mcp/own-request.ts';
import type { OwnRequest } from '../mcp/tools.ts';
import { inTime } from './in-time.ts';

/** Longer no tool call is kept waiting. */
const usualWaitMs = 20_000;
/** What came of a request that nobody asks for again. */
const keptMs = 9 * 60_000;

export interface StillWaits {
  readonly state: 'waiting';
  readonly message: string;
  readonly next: string;
}

interface Sent {
  readonly reply: Promise<OwnReply>;
  readonly waits: StillWaits;
}

export class ToolRequests {
  readonly #own: Pick<OwnRequests, 'send'>;
  readonly #approvals: Pick<Approvals, 'onWaiting'>;
  readonly #session: Uint8Array;
  readonly #waitMs: number;
  /** Those that an operator was asked about, by who made them and all that they say. */
  readonly #sent = new Map<string, Sent>();

  constructor(
    own: Pick<OwnRequests, 'send'>,
    approvals: Pick<Approvals, 'onWaiting'>,
    session: Uint8Array,
    waitMs = usualWaitMs,
  ) {
    this.#own = own;
    this.#approvals = approvals;
    this.#session = session;
    this.#waitMs = waitMs;
  }

  /** `name`: as the broker knows the call; `by`: whose call it is, within the session. Throws as `OwnRequests.send`. [MCP-10] */
  async send(request: OwnRequest, name?: string, by = ''): Promise<OwnReply | StillWaits> {
    const { method, url, headers, body } = request;
    const key = JSON.stringify([by, method, url.href, headers, body]);
    const sent = this.#sent.get(key);
    if (sent !== undefined) {
      try {
        const reply = await inTime(sent.reply, this.#waitMs);
        if (reply === undefined) return sent.waits;
        this.#sent.delete(key);
        return reply;
      } catch (thrown) {
        this.#sent.delete(key);
        throw thrown;
      }
    }
    const { promise: asked, resolve: hear } = Promise.withResolvers<Waiting>();
    const late = lateness();
    const forget = this.#approvals.onWaiting(this.#session, (waiting) => {
      if (!isAbout(waiting.act, request)) return;
      late.waitsAlso(waiting.withinMs);
      hear(waiting);
    });
    const reply = this.#own.send(request, name, late.signal).finally(() => {
      forget();
      late.end();
    });
    const first = await Promise.race([reply, asked]);
    if (!('act' in first)) return first;
    const waits = stillWaits(first);
    this.#keep(key, { reply, waits });
    return waits;
  }

  #keep(key: string, sent: Sent): void {
    this.#sent.set(key, sent);
    const forget = (): void => {
      setTimeout(() => {
        if (this.#sent.get(key) === sent) this.#sent.delete(key);
      }, keptMs).unref();
    };
    sent.reply.then(forget, forget);
  }
}

function stillWaits({ ask, withinMs }: Waiting): StillWaits {
  return {
    state: 'waiting',
    message: `waiting for approval: an operator was asked (${toHex(ask).slice(0, 8)}) and has ${Math.ceil(withinMs / 1000)} seconds to answer`,
    next: 'make the same call again to hear what came of it: it is sent once',
  };
}

/** As long as any request of ours may take, and as an operator may besides. */
function lateness(): { readonly signal: AbortSignal; waitsAlso(ms: number): void; end(): void } {
  const controller = new AbortController();
  const within = (ms: number) => setTimeout(() => controller.abort(), ms).unref();
  let timer = within(ownRequestMs);
  return {
    signal: controller.signal,
    waitsAlso: (ms) => {
      clearTimeout(timer);
      timer = within(ownRequestMs + ms);
    },
    end: () => clearTimeout(timer),
  };
}

/** As the broker reads it, its path written as a URL has it. */
function isAbout(act: Act, { method, url }: OwnRequest): boolean {
  const port = url.port === '' ? 443 : Number(url.port);
  return (
    act.kind === 'use' && act.method === method && act.host === url.hostname && act.port === port && act.path === url.pathname
  );
}
