// WebSocket upgrades, spec/broker.md §3: a handshake that both sides read alike, and then frames both ways. The credential goes into the
// handshake as into any request; what the service says afterwards is scrubbed as any reply. Trusts neither side.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Fingerprints } from './fingerprints.ts';
import { FrameGate } from './frame-gate.ts';
import { refusal } from './refusal.ts';
import { pairsOf, valuesOf, type Header, type RequestHead } from './request-head.ts';

/** RFC 6455 §1.3 */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const listOf = (headers: readonly Header[], lowerName: string): string[] =>
  valuesOf(headers, lowerName).flatMap((value) => value.split(',').map((each) => each.trim()));

/** Throws `request_malformed` for a handshake that is not RFC 6455's. [BROKER-31] */
export function assertWebSocketHandshake(head: RequestHead): void {
  const { method, headers, body } = head;
  const [key, ...otherKeys] = valuesOf(headers, 'sec-websocket-key');
  // Java says of its handshake that it has no body.
  const bodiless = body === 'none' || valuesOf(headers, 'content-length').join() === '0';
  const whole =
    method === 'GET' &&
    bodiless &&
    otherKeys.length === 0 &&
    /^[A-Za-z0-9+/]{22}==$/.test(key ?? '') &&
    valuesOf(headers, 'sec-websocket-version').join() === '13';
  if (!whole) throw new HoldfastError('request_malformed', 'the WebSocket handshake is not plain');
}

/** What upstream is asked instead of keeping a connection. No extension is offered: in packed frames nothing is recognised. [BROKER-31] */
export function webSocketHeaders(kept: readonly Header[]): Header[] {
  return [
    ...kept.filter(([name]) => !['sec-websocket-extensions', 'content-length'].includes(name.toLowerCase())),
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ];
}

/** Throws `reply_refused` unless the reply switches to what was asked for and to nothing else. [BROKER-31] */
export function assertSwitched(head: RequestHead, reply: IncomingMessage): void {
  const headers = pairsOf(reply.rawHeaders);
  const key = valuesOf(head.headers, 'sec-websocket-key').join();
  const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
  const chosen = valuesOf(headers, 'sec-websocket-protocol');
  const offered = new Set(listOf(head.headers, 'sec-websocket-protocol'));
  const switched =
    valuesOf(headers, 'upgrade').join().toLowerCase() === 'websocket' &&
    listOf(headers, 'connection').some((token) => token.toLowerCase() === 'upgrade') &&
    valuesOf(headers, 'sec-websocket-accept').join() === accept &&
    valuesOf(headers, 'sec-websocket-extensions').length === 0 &&
    chosen.length <= 1 &&
    chosen.every((protocol) => offered.has(protocol));
  if (!switched) throw refusal('reply_refused');
}

interface Ends {
  readonly client: Duplex;
  readonly upstream: Duplex;
}

/**
 * Carries frames both ways, with back-pressure, until both sides have ended or one breaks off; a broken one takes the other with it. `heard`
 * is called for whatever comes, `over` once, with the fault if there was one. [BROKER-32]
 */
export function carryFrames(
  { client, upstream }: Ends,
  prints: Fingerprints | undefined,
  { heard, over }: { heard(): void; over(fault?: Error): void },
): void {
  const down = new FrameGate({ from: 'server', prints });
  const up = new FrameGate({ from: 'client' });
  for (const gate of [down, up]) gate.on('data', heard);
  let open = 2;
  const ended = (fault?: Error | null): void => {
    if (open === 0) return;
    open = fault ? 0 : open - 1;
    if (open > 0) return;
    if (fault) for (const end of [client, upstream]) end.destroy();
    over(fault ?? undefined);
  };
  // Each end is in both pipelines, which listen much.
  for (const end of [client, upstream]) end.setMaxListeners(30);
  pipeline(upstream, down, client, ended);
  pipeline(client, up, upstream, ended);
}
