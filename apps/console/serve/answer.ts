// What a request for the console is answered, spec/console.md: a function of the request's head, the bundle and the names that this
// server has. It reads no disk, keeps nothing and knows nobody.

import { gzipSync } from 'node:zlib';
import type { Bundle } from './bundle.ts';
import { bundleHash } from './bundle.ts';

/** A request, as far as it is looked at; names of headers in lower case. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Site {
  readonly bundle: Bundle;
  /** `http` or `https`, host and port: what nothing but `URL.origin` gave. */
  readonly relay: string;
  /** Under which it may be asked for: `http://localhost:7434`. */
  readonly origins: readonly string[];
}

const maxTargetLength = 2_048;

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};
const compressible = new Set(['css', 'html', 'js', 'json', 'svg', 'webmanifest']);

interface Served {
  readonly type: string;
  readonly caching: string;
  readonly plain: Uint8Array;
  readonly gzip?: Uint8Array;
}

/** Answers requests for one site; made once, since it compresses. */
export function answerer({ bundle, relay, origins }: Site): (request: RequestHead) => Answer {
  const always = headersOf(relay);
  const hosts = new Set(origins.map((origin) => new URL(origin).host));
  const files = new Map([...bundle].map(([name, content]) => [`/${name}`, served(name, content)]));
  const settings = JSON.stringify({ relay, bundle: bundleHash(bundle) });
  files.set('/relay.json', { ...served('relay.json', Buffer.from(settings)), caching: 'no-store' }); // [CONSOLE-3]
  const index = files.get('/index.html');

  const text = (status: number, words: string, more: Readonly<Record<string, string>> = {}): Answer => ({
    status,
    headers: { ...always, ...more, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    body: Buffer.from(`${words}\n`),
  });

  return ({ method, target, headers }) => {
    const { host, origin } = headers;
    if (typeof host !== 'string' || !hosts.has(host.toLowerCase()))
      return text(421, `The console answers at ${origins.join(', ')}.`); // [CONSOLE-4]
    if (origin !== undefined && !origins.some((own) => own === origin)) return text(403, 'Not for other pages.'); // [CONSOLE-5]
    if (isForeign(headers)) return text(403, 'Not for other pages.'); // [CONSOLE-6]
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Files are read, nothing else.', { allow: 'GET, HEAD' }); // [CONSOLE-2]
    if (!target.startsWith('/') || target.length > maxTargetLength) return text(400, 'No such address.'); // [CONSOLE-1]
    const [path = ''] = target.split('?');
    const file = files.get(path) ?? (isScreen(path) ? index : undefined);
    if (file === undefined) return text(404, 'No such file.');
    const zipped = file.gzip !== undefined && /\bgzip\b/.test(String(headers['accept-encoding'] ?? '')) ? file.gzip : undefined;
    return {
      status: 200,
      headers: {
        ...always,
        'content-type': file.type,
        'cache-control': file.caching,
        vary: 'accept-encoding',
        ...(zipped !== undefined && { 'content-encoding': 'gzip' }),
      },
      body: zipped ?? file.plain,
    };
  };
}

/** A screen's address: its last part has no dot. */
function isScreen(path: string): boolean {
  return !path.slice(path.lastIndexOf('/')).includes('.');
}

/** From another site or another port, other than by a link that fills the window. Clients that are no browsers say nothing. */
function isForeign(headers: RequestHead['headers']): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}

/** [CONSOLE-8]; of the relay its WebSocket and nothing wider. [CONSOLE-9] */
function headersOf(relay: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${relay.replace(/^http/, 'ws')}`,
    "img-src 'self' data:",
    "manifest-src 'self'",
    "worker-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types holdfast-templates holdfast-worker',
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'permissions-policy':
      'camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), microphone=(), payment=(), usb=()',
  };
}

function served(name: string, content: Uint8Array): Served {
  const ending = name.slice(name.lastIndexOf('.') + 1);
  return {
    type: types[ending] ?? 'application/octet-stream',
    caching: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache', // [CONSOLE-11]
    plain: content,
    ...(compressible.has(ending) && { gzip: gzipSync(content) }),
  };
}
