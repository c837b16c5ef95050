// What an agent can ask of Holdfast as tools, spec/mcp.md: who it is, what it may use, which rules hold for it, a handle, and a request through the
// session's broker. Nothing here can do what the session could not do without it.

import type { Json } from '@holdfast/protocol/rules/call';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { McpTool } from './server.ts';

/** What the tools show, as it is at the moment they are asked. */
export interface McpView {
  whoami(): object;
  vault(): readonly object[];
  rules(): object;
  /** What may be done with credentials; absent in a session that may use none. */
  readonly uses?: CredentialUses;
}

export interface CredentialUses {
  /** As `POST /v1/handles` takes it, not looked at yet. */
  mint(asked: { readonly credential: Json; readonly request: { readonly method: Json; readonly url: Json } }): Promise<object>;
  request(request: OwnRequest): Promise<object>;
  /** As `POST /v1/access` takes it, not looked at yet. */
  access(asked: { readonly request: { readonly method: Json; readonly url: Json }; readonly reason: Json }): Promise<object>;
}

export interface OwnRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const none = { type: 'object', properties: {}, additionalProperties: false } as const;
const reads = { readOnlyHint: true, openWorldHint: false };
const maxHeaders = 64;

const vaultOfItsOwn =
  'The credentials that this session may use: name, purpose, how it is attached, hosts, methods, paths, and the placeholder to put where the secret ' +
  'would stand. The secrets themselves cannot be read; the broker puts them into requests that fit. Where `approve` is true each request waits, two ' +
  'minutes at most, until an operator has approved it.';
const vaultOfOthers =
  'The credentials that sealed sessions of this agent may use: name, purpose, how it is attached, hosts, methods, paths. This session was started by hand and ' +
  'may use none of them.';

export function holdfastTools(view: McpView): readonly McpTool[] {
  const { uses } = view;
  return [
    {
      name: 'whoami',
      description: 'Which agent this session is, its scope and mode, and the labels that it carries for the rules.',
      inputSchema: none,
      annotations: reads,
      call: async () => view.whoami(),
    },
    {
      name: 'vault_list',
      description: uses === undefined ? vaultOfOthers : vaultOfItsOwn,
      inputSchema: none,
      annotations: reads,
      call: async () => ({ items: view.vault() }),
    },
    {
      name: 'rules_status',
      description: "Which version of the operators' rules holds for this session, and the ids and reasons of its rules.",
      inputSchema: none,
      annotations: reads,
      call: async () => view.rules(),
    },
    ...(uses === undefined ? [] : toolsThatUse(uses)),
  ];
}

function toolsThatUse(uses: CredentialUses): readonly McpTool[] {
  return [
    {
      name: 'handle_mint',
      description:
        'A handle for one use of one credential: put it where the placeholder would stand, in the one request that is named here. It is used up by ' +
        'that request, by any other that it stands in, and after five minutes; the answer says how long it lasts. Programs that send the ' +
        'placeholder need none.',
      inputSchema: {
        type: 'object',
        properties: {
          credential: { type: 'string', description: 'its name, as vault_list shows it' },
          method: { type: 'string', description: 'GET if absent' },
          url: { type: 'string', description: 'https://HOST/PATH, without a query' },
        },
        required: ['credential', 'url'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: false, openWorldHint: false },
      call: async ({ credential = null, method = 'GET', url = null }) => uses.mint({ credential, request: { method, url } }),
    },
    {
      name: 'http_request',
      description:
        "One HTTP request through the session's broker, under the same limits as any program of the session: a credential is attached where one is " +
        'granted for the host, method and path. Answers status, headers and body; a body that is longer than 1 MiB is cut. `waiting`: an operator was asked to ' +
        'approve it and has not answered yet; make the same call again to hear, which sends nothing anew.',
      inputSchema: {
        type: 'object',
        properties: {
          url: { type: 'string', description: 'https:// or http://' },
          method: { type: 'string', description: 'GET if absent' },
          headers: { type: 'object', additionalProperties: { type: 'string' } },
          body: { type: 'string', description: 'sent as UTF-8' },
        },
        required: ['url'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: false, openWorldHint: true },
      call: async (input) => uses.request(ownRequest(input)),
    },
    {
      name: 'request_access',
      description:
        'Asks an operator for access that this session lacks: the method and address of the request that was refused, and why it is needed, in your ' +
        'own words. `granted`: send the request again. `waiting`: no operator has answered yet; ask again with the same method and url to hear. ' +
        'Anything else is a no for now.',
      inputSchema: {
        type: 'object',
        properties: {
          method: { type: 'string', description: 'GET if absent' },
          url: { type: 'string', description: 'https://HOST/PATH, without a query' },
          reason: { type: 'string', description: 'shown to the operator as your words; at most 512 characters' },
        },
        required: ['url', 'reason'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: false, openWorldHint: false },
      call: async ({ method = 'GET', url = null, reason = null }) => uses.access({ request: { method, url }, reason }),
    },
  ];
}

function ownRequest({ url, method = 'GET', headers = {}, body }: { readonly [key: string]: Json }): OwnRequest {
  if (typeof url !== 'string' || !URL.canParse(url)) throw new HoldfastError('usage', 'url is no address');
  const target = new URL(url);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw new HoldfastError('usage', 'url is not http');
  if (target.username !== '' || target.password !== '') throw new HoldfastError('usage', 'url holds a user');
  if (typeof method !== 'string' || !/^[A-Z]{1,16}$/.test(method) || method === 'CONNECT')
    throw new HoldfastError('usage', 'method is no method');
  if (body !== undefined && typeof body !== 'string') throw new HoldfastError('usage', 'body is no text');
  return { method, url: target, headers: headersOf(headers), body };
}

function headersOf(headers: Json): Readonly<Record<string, string>> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new HoldfastError('usage', 'headers are no object');
  const all = Object.entries(headers);
  if (all.length > maxHeaders) throw new HoldfastError('limit_exceeded', `more than ${maxHeaders} headers`);
  return Object.fromEntries(
    all.map(([name, value]) => {
      if (!/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(name) || typeof value !== 'string' || !/^[\t\x20-\x7e]{0,8192}$/.test(value))
        throw new HoldfastError('usage', 'a header is out of form');
      if (/^(?:host|connection|content-length|transfer-encoding|proxy-.*|upgrade|expect|te|trailer)$/i.test(name))
        throw new HoldfastError('usage', `the header ${name} is not the caller's`);
      return [name, value];
    }),
  );
}
