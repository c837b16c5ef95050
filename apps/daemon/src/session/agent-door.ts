// The agent's own door: the origin that a session's one port serves beside the proxy, spec/agent-door.md. It tells an agent what it may use, in
// metadata; it takes no decision and changes nothing.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Agent } from '../agent/agent.ts';
import type { SessionAuthority } from './authority.ts';

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}

/** Browsers say where a request comes from, in one of these; a name that was bound to loopback says it in Host. */
function isOfWebPage({ headers }: IncomingMessage): boolean {
  const { origin, referer, host = '' } = headers;
  return (
    origin !== undefined ||
    referer !== undefined ||
    headers['sec-fetch-site'] !== undefined ||
    !/^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host)
  );
}

/** Handles requests whose caller is known by the socket they came through: this session and no other. */
export function agentDoor(
  agent: Agent,
  authority: SessionAuthority,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (isOfWebPage(request)) {
      answer(response, 403, { error: { code: 'refused', message: 'web pages are not answered here' } }); // [AGENT-DOOR-2]
    } else if (request.method !== 'GET') {
      answer(response, 405, { error: { code: 'usage', message: 'only GET is answered here' } }); // [AGENT-DOOR-3]
    } else if (request.url === '/v1/vault') {
      answer(response, 200, { items: vaultOf(agent, authority) });
    } else if (request.url === '/v1/status') {
      answer(response, 200, { agent: toHex(agent.id), scope: agent.enrolment.scope, mode: 'sealed' });
    } else {
      answer(response, 404, { error: { code: 'usage', message: 'no such path', next: 'GET /v1/vault or /v1/status' } }); // [AGENT-DOOR-3]
    }
  };
}

/** Name, attachment, and where it may go: never the secret, never another agent's. */
function vaultOf(agent: Agent, authority: SessionAuthority) {
  const placeholders = new Map(authority.grants().map(({ grantId, placeholder }) => [grantId, placeholder]));
  return agent.grants().map(({ grant, name, attach, fence, env }) => ({
    name,
    attach,
    env,
    placeholder: placeholders.get(toHex(grant)),
    hosts: fence.hosts,
    methods: fence.methods,
    paths: fence.paths,
  })); // [AGENT-DOOR-1]
}
