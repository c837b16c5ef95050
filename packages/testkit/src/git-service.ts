// A real git server, git's own `http-backend`, behind TLS: what `git clone`, `fetch` and `push` speak to.

import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startService, type Service } from './origin.ts';

export interface GitService extends Service {
  /** Every request as `METHOD URL AUTHORIZATION`. */
  readonly asked: readonly string[];
}

/** The head of a CGI answer ends with an empty line. */
const headEnd = /\r?\n\r?\n/;

function answer(root: string, user: string | undefined, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const { headers } = request;
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      ...(headers['content-length'] !== undefined && { CONTENT_LENGTH: headers['content-length'] }),
      // Only who is known may push.
      ...(user !== undefined && { REMOTE_USER: user }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => {});
  request.pipe(backend.stdin);
  let head = '';
  backend.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) {
      response.write(chunk);
      return;
    }
    head += chunk.toString('latin1');
    const end = headEnd.exec(head);
    if (end === null) return;
    for (const line of head.slice(0, end.index).split(/\r?\n/)) {
      const [name = '', value = ''] = line.split(/: (.*)/);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(Buffer.from(head.slice(end.index + end[0].length), 'latin1'));
  });
  backend.once('close', () => response.end());
}

/** Serves the bare repositories below `root`; with `password`, to the user `agent` alone. */
export async function startGitService(root: string, host: string, password?: string): Promise<GitService> {
  const asked: string[] = [];
  const wanted = password === undefined ? undefined : `Basic ${Buffer.from(`agent:${password}`).toString('base64')}`;
  const { server: _, ...service } = await startService((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    answer(root, wanted === undefined ? undefined : 'agent', request, response);
  }, host);
  return { ...service, asked };
}
