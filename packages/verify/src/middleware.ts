// The verifier in front of a service: for Hono (and whatever hands it Web requests) and for servers in the manner of Express. The presentation comes as
// `Authorization: Holdfast <presentation>`; who is refused gets 401 with the code, and a challenge where those are asked for.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Presented } from '@holdfast/protocol/identity/presentation';
import type { PresentationVerifier } from './verifier.ts';

interface Refusal {
  readonly status: 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Asked = { readonly presented: Presented } | { readonly refusal: Refusal };

async function ask(verifier: PresentationVerifier, authorization: string | undefined): Promise<Asked> {
  const [, presentation] = /^Holdfast ([\w.~-]+)$/.exec(authorization ?? '') ?? [];
  try {
    if (presentation === undefined)
      throw new HoldfastError('presentation_malformed', 'a presentation is expected: Authorization: Holdfast …');
    return { presented: await verifier.verifyPresentation(presentation) };
  } catch (thrown) {
    return { refusal: refusalOf(verifier, thrown) };
  }
}

/** Whatever happened, nobody is let in; what is not ours is told as `internal`. */
function refusalOf(verifier: PresentationVerifier, thrown: unknown): Refusal {
  const code = codeOf(thrown);
  const isUs = code === 'internal' || code === 'status_unavailable' || code === 'status_stale';
  const message = code === 'internal' ? 'the presentation could not be verified' : (thrown as HoldfastError).message;
  let asks = `Holdfast audience="${verifier.audience.replaceAll(/["\\]/g, '')}"`;
  if (verifier.nonces === 'ours') asks += `, challenge="${verifier.challenge()}"`;
  return {
    status: isUs ? 503 : 401,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'www-authenticate': asks },
    body: JSON.stringify({ error: { code, message } }),
  };
}

/** The part of Hono's context that the middleware uses. */
interface HonoContext {
  readonly req: { header(name: string): string | undefined };
  set(key: 'agent', value: Presented): void;
}

/** For Hono: handlers behind it find who presented by `c.get('agent')`. */
export function honoAgent(
  verifier: PresentationVerifier,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const asked = await ask(verifier, context.req.header('authorization'));
    if ('refusal' in asked) {
      const { status, headers, body } = asked.refusal;
      return new Response(body, { status, headers });
    }
    context.set('agent', asked.presented);
    await next();
    return undefined;
  };
}

interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined };
}
interface NodeResponse {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  end(body: string): unknown;
}

const presenters = new WeakMap<object, Presented>();

/** For Express, Connect and `node:http`: handlers behind it find who presented by `agentOf(request)`. */
export function nodeAgent(
  verifier: PresentationVerifier,
): (request: NodeRequest, response: NodeResponse, next: () => void) => Promise<void> {
  return async (request, response, next) => {
    const asked = await ask(verifier, request.headers.authorization);
    if ('refusal' in asked) {
      const { status, headers, body } = asked.refusal;
      response.writeHead(status, headers);
      response.end(body);
      return;
    }
    presenters.set(request, asked.presented);
    next();
  };
}

/** Throws for a request that `nodeAgent` did not let through: a handler that asks is never without an answer. */
export function agentOf(request: object): Presented {
  const presented = presenters.get(request);
  if (presented === undefined) throw new HoldfastError('presentation_unbound', 'no agent was verified for this request');
  return presented;
}
