// Requests to a host that has a grant for GET and POST of `/v1/…`, each with the code by which it must be refused, whatever protocol carries it.

import { placeholder } from './world.ts';

const other = 'hf_zyxwvutsrqponmlkjihgfedcba';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Attack {
  readonly what: string;
  readonly line?: string;
  readonly headers?: string;
  readonly code: string;
}

export const attacks: readonly Attack[] = [
  { what: 'a fenced path', line: 'GET /v2/me', code: 'egress_denied' },
  {
    what: 'a fenced path with the placeholder',
    line: 'GET /v2/me',
    headers: `Authorization: Bearer ${placeholder}`,
    code: 'egress_denied',
  },
  { what: 'a fenced method', line: 'DELETE /v1/me', code: 'egress_denied' },
  { what: 'TRACE, which sends the credential back', line: 'TRACE /v1/me', code: 'egress_denied' },
  ...[
    '/v1/../v2/me',
    '/v1/%2e%2e/v2/me',
    '/v1/.%2E/v2',
    '/v1/x%2f..%2fv2',
    '/v1/x%5cy',
    '/v1/x;y=1',
    '/v1//x',
    '/v1/%252e%252e/v2',
  ].map((path) => ({ what: `path ${path}`, line: `GET ${path}`, code: 'path_unsafe' })),
  ...[
    'X-HTTP-Method-Override: DELETE',
    'X-Method-Override: DELETE',
    'X_HTTP_METHOD_OVERRIDE: DELETE',
    'X-Original-URL: /v2/me',
    'X-Rewrite-URL: /v2/me',
    'X-Forwarded-Host: evil.example',
    'Forwarded: host=evil.example',
    'X-Forwarded-Prefix: /v2',
    'X-Host: evil.example',
  ].map((headers) => ({ what: headers, headers, code: 'request_ambiguous' })),
  { what: 'a method override in the query', line: 'POST /v1/me?_method=DELETE', code: 'request_ambiguous' },
  { what: 'the placeholder in another header', headers: `X-Note: see ${placeholder}`, code: 'placeholder_misplaced' },
  {
    what: 'the placeholder twice',
    headers: `Authorization: Bearer ${placeholder}\r\nX-Note: ${placeholder}`,
    code: 'placeholder_misplaced',
  },
  { what: 'the placeholder in the path', line: `GET /v1/${placeholder}`, code: 'placeholder_misplaced' },
  { what: 'the placeholder in the query', line: `GET /v1/me?a=${placeholder}`, code: 'placeholder_misplaced' },
  {
    what: 'the placeholder percent-encoded in the query',
    line: `GET /v1/me?a=${placeholder.replace('hf_', '%68f%5f')}`,
    code: 'placeholder_misplaced',
  },
  {
    what: 'the placeholder as a password for a bearer item',
    headers: `Authorization: Basic ${base64(`a:${placeholder}`)}`,
    code: 'placeholder_misplaced',
  },
  { what: 'the placeholder in a header name', headers: `${placeholder}: x`, code: 'placeholder_misplaced' },
  { what: "another session's placeholder", headers: `Authorization: Bearer ${other}`, code: 'placeholder_misplaced' },
  {
    what: 'a made-up placeholder',
    headers: 'Authorization: Bearer hf_aaaaaaaaaaaaaaaaaaaaaaaaaa',
    code: 'placeholder_misplaced',
  },
  ...[
    'Authorization: Bearer mine',
    'Authorization: Basic bWU6bWU=',
    'authorization: AWS4-HMAC-SHA256 Credential=x',
    'Cookie: session=mine',
    'X-Api-Key: mine',
    'x_api_key: mine',
    'Api-Key: mine',
    'X-Auth-Token: mine',
    'PRIVATE-TOKEN: mine',
    'X-Goog-Api-Key: mine',
    'Ocp-Apim-Subscription-Key: mine',
    'X-Amz-Security-Token: mine',
    'X-Vault-Token: mine',
    'DD-API-KEY: mine',
    'Signature: mine',
    'Authorization:',
  ].map((headers) => ({ what: headers, headers, code: 'client_auth_refused' })),
  {
    what: 'a second authentication beside the placeholder',
    headers: `Authorization: Bearer ${placeholder}\r\nX-Api-Key: mine`,
    code: 'client_auth_refused',
  },
  {
    what: 'two Authorization headers',
    headers: `Authorization: Bearer ${placeholder}\r\nAuthorization: Bearer mine`,
    code: 'client_auth_refused',
  },
  ...[
    'access_token=mine',
    'api_key=mine',
    'key=mine',
    'token=mine',
    'access%5Ftoken=mine',
    'x=1;token=mine',
    'token%5B%5D=mine',
    'X-Amz-Signature=mine',
    'sig=mine',
    'Client_Secret=mine',
  ].map((query) => ({ what: `query ${query}`, line: `GET /v1/me?${query}`, code: 'client_auth_refused' })),
];
