// What the daemon keeps of an agent's guarded door from one run to the next: where it is, and what it knew of the sessions that were open, so that no
// restart lifts a suspension or forgets a label. Nothing here is worth anything to others. spec/guarded.md [GUARDED-12].

import {
  bytes,
  decode,
  encode,
  bool,
  integer,
  list,
  literal,
  optional,
  record,
  text,
  type Infer,
} from '@holdfast/protocol/codec/schema';
import { digest, wallClockMs } from '@holdfast/protocol/keys/public-keys';

/** More Claude Codes than a person runs at once. [GUARDED-6] */
export const maxSessions = 64;
const maxLabels = 256;
const maxRecordBytes = 2 << 20;

const place = text({ min: 1, max: 4096 });

const keptSession = record({
  session: bytes(16),
  pid: integer(),
  born: text({ max: 128 }),
  startedAtMs: integer(wallClockMs),
  version: optional(text({ max: 32 })),
  tree: place,
  home: place,
  config: place,
  labels: list(text({ max: 256 }), { max: maxLabels }),
  /** Of what steers it, as it was when the session began or was last let go on. */
  steering: digest,
  suspended: bool,
});
export type KeptSession = Infer<typeof keptSession>;

const kept = record({
  v: literal(1),
  /** Absent: closed. */
  port: optional(integer({ min: 1, max: 65_535 })),
  key: text({ min: 64, max: 64, pattern: /^[0-9a-f]+$/ }),
  sessions: list(keptSession, { max: maxSessions }),
});
export type Kept = Infer<typeof kept>;

export const encodeKept = (value: Kept): Uint8Array => encode(kept, value);

/** Throws `codec_*`. */
export const decodeKept = (wire: Uint8Array): Kept => decode(kept, wire, maxRecordBytes);
