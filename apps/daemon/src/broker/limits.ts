// How much one session may ask of the broker at once, spec/broker.md §7. Each bound has a reason; a session that reaches one hurts itself only.

export interface Limits {
  /** Client connections and streams of HTTP/2 together; the next one is closed or refused at once. */
  readonly maxClientConnections: number;
  /** Streams at once on one connection of HTTP/2. */
  readonly maxStreamsPerConnection: number;
  /** What a client may send ahead on a stream of HTTP/2. */
  readonly streamWindowBytes: number;
  /** Request heads and reply heads, bytes. */
  readonly maxHeadBytes: number;
  /** From accepting a connection, or from the end of a reply, to the end of the next request head: slow senders and idle clients. */
  readonly headTimeoutMs: number;
  /** From CONNECT to the end of the client's TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Resolving, connecting and the upstream's TLS handshake together. */
  readonly connectTimeoutMs: number;
  /** No byte in either direction: models that think for long are quiet for minutes. */
  readonly quietTimeoutMs: number;
  /** Upstream connections kept idle for reuse, in all. */
  readonly maxIdleUpstreams: number;
  /** Below the five seconds after which common servers close. */
  readonly idleUpstreamMs: number;
  /** Secrets that replies are scrubbed for; a session that uses more is refused the next. */
  readonly maxSecrets: number;
  /** A body that is judged: reading one keeps the daemon from everything else. */
  readonly maxJudgedBodyBytes: number;
  /** All of those at once. */
  readonly maxHeldBytes: number;
}

export const defaultLimits: Limits = {
  maxClientConnections: 1_200,
  maxStreamsPerConnection: 100,
  streamWindowBytes: 64 * 1024,
  maxHeadBytes: 64 * 1024,
  headTimeoutMs: 75_000,
  handshakeTimeoutMs: 10_000,
  connectTimeoutMs: 15_000,
  quietTimeoutMs: 600_000,
  maxIdleUpstreams: 64,
  idleUpstreamMs: 4_000,
  maxSecrets: 512,
  maxJudgedBodyBytes: 256 * 1024,
  maxHeldBytes: 16 * 1024 * 1024,
};
