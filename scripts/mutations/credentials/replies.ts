// What comes back to the agent, and what stays in memory: THREAT_MODEL.md, C.

import type { Mutation } from '../mutation.ts';

const atRest = 'e2e/at-rest.test.ts';
const dump = 'apps/daemon/test/broker/core-dump.test.ts';
const fences = 'e2e/fences.test.ts';
const replies = 'apps/daemon/test/broker/replies.test.ts';
const scrub = 'apps/daemon/test/broker/scrub.test.ts';

/** Every form that replies are searched for, as it stands in the source, and the reflection that answers to it. */
const forms: Readonly<Record<string, string>> = {
  exact: '{ bytes: joined(secret), fill: star },',
  reversed: '{ bytes: reversed(secret), fill: star },',
  hex: '{ bytes: hex(secret), fill: zero },',
  'hex with colons': '{ bytes: hex(secret, colon), fill: zero },',
  'hex with dashes': '{ bytes: hex(secret, dash), fill: zero },',
  'json as an array of codes': '{ bytes: decimal(secret), fill: one },',
};
const encodings = Object.entries(forms).map(([form, from]) => ({
  id: `C-4.${form.replaceAll(/[^a-z]+/g, '-')}`,
  off: `replies are not searched for the form: ${form}`,
  file: 'apps/daemon/src/broker/fingerprints.ts',
  from,
  to: '',
  red: { [scrub]: `finds the secret: ${form}, wherever chunks are cut` },
}));
const reading = (id: string, off: string, from: string, to: string, form: string): Mutation => ({
  id: `C-4.${id}`,
  off,
  file: 'apps/daemon/src/broker/reading.ts',
  from,
  to,
  red: { [scrub]: `finds the secret: ${form}, wherever chunks are cut` },
});

export const onReplies: readonly Mutation[] = [
  // Replies show nothing.
  {
    id: 'C-4.bodies',
    off: 'bodies are not scrubbed',
    file: 'apps/daemon/src/broker/reply.ts',
    from: 'stages.push(scrubStream(prints));',
    to: 'scrubStream(prints);',
    red: {
      [replies]: 'an echoing origin shows nothing',
      [fences]: 'nor one that repeats it in pieces over time, or compressed',
    },
  },
  {
    id: 'C-4.heads',
    off: 'reply heads are not scrubbed',
    file: 'apps/daemon/src/broker/upstream-socket.ts',
    from: 'scrubWhole(prints, head);',
    to: '',
    red: { [replies]: 'an echoing origin shows nothing' },
  },
  {
    id: 'C-4.borders',
    off: 'a secret across the border of two chunks is not seen',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: "if (match === 'partial') return { settled: reading.startOf(candidate), telling: true };",
    to: "if (match === 'partial') return { settled: work.length, telling: true };",
    red: { [scrub]: 'holds back only what could begin a secret' },
  },
  {
    id: 'C-4.short-ends',
    off: 'a short beginning at the end of a chunk goes out',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: 'const live = this.#prints.liveLength(at);',
    to: 'const live = 0 * at;',
    red: { [scrub]: 'finds the secret: exact, wherever chunks are cut' },
  },
  {
    id: 'C-4.compressed',
    off: 'compressed replies are scrubbed as they come',
    file: 'apps/daemon/src/broker/reply.ts',
    from: 'stages.push(...decoders);',
    to: '',
    red: { [replies]: 'compressed replies are decoded and scrubbed' },
  },
  {
    id: 'C-4.characters',
    off: 'a reply may be in EBCDIC',
    file: 'apps/daemon/src/broker/reply.ts',
    from: '(status === 226 || !isAscii(headers))',
    to: '(status === 226 && !isAscii(headers))',
    red: { [replies]: 'replies that break HTTP or cannot be cleaned are refused' },
  },
  {
    id: 'C-4.asked-characters',
    off: 'a client says in which characters it would have a reply',
    file: 'apps/daemon/src/broker/exchange.ts',
    from: "isAccept(name) ? value.replaceAll(charset, '') : value",
    to: "isAccept('') ? value.replaceAll(charset, '') : value",
    red: { [replies]: 'no client chooses the characters of a reply' },
  },
  {
    id: 'C-4.parts',
    off: 'a part of a reply is passed on',
    file: 'apps/daemon/src/broker/reply.ts',
    from: "if (prints !== undefined && status === 206) throw refusal('reply_refused');",
    to: '',
    red: { [replies]: 'replies that break HTTP or cannot be cleaned are refused' },
  },
  ...encodings,
  {
    id: 'C-4.base64',
    off: 'base64 is looked for at one offset only',
    file: 'apps/daemon/src/broker/fingerprints.ts',
    from: 'for (const offset of [0, 1, 2])',
    to: 'for (const offset of [0])',
    red: { [scrub]: 'finds the secret: base64, one byte in, wherever chunks are cut' },
  },
  {
    id: 'C-4.base64-edges',
    off: 'the characters beside a base64 core stay',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: '...(beside.bitsBehind ? neighbour(last + 1)',
    to: '...(beside.bitsBehind && last < 0 ? neighbour(last + 1)',
    red: { [scrub]: 'finds the secret: base64, one byte in, wherever chunks are cut' },
  },
  reading(
    'escapes',
    'escapes are not undone',
    'if (kinds === escapes.none || !opening.some((byte) => bytes.includes(byte))) this.#readPlain(bytes);',
    'if (kinds >= escapes.none) this.#readPlain(bytes);',
    'percent, partly',
  ),
  reading(
    'nested',
    'an escape within another stays',
    'const nested = this.#kinds === escapes.all;',
    'const nested = this.#kinds < escapes.none;',
    'percent, twice',
  ),
  reading('entities', 'entities of HTML are not undone', 'return this.#entity(count);', 'return 0 * count;', 'html, decimal'),
  reading('lines', 'line ends count as characters', 'if (byte <= 0x20 ||', 'if (byte < 0x0a ||', 'broken into lines'),
  {
    id: 'C-4.lines-that-go',
    off: 'a line that does not wait goes out as it came',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: 'const clean = this.#overwrite(work, covers, lineGoes ? work.length : settled);',
    to: 'const clean = lineGoes ? work.length : this.#overwrite(work, covers, settled);',
    red: { 'apps/daemon/test/broker/reflection.test.ts': 'every reflection at every place of a reply' },
  },
  {
    id: 'C-4.plain-too',
    off: 'a reply is read in one way only',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: 'for (const kinds of others) {',
    to: 'for (const kinds of others.slice(9)) {',
    red: { [scrub]: 'what stands before a secret cannot swallow its beginning' },
  },
  {
    id: 'C-4.bombs',
    off: 'a reply may unpack to any size',
    file: 'apps/daemon/src/broker/inflate.ts',
    from: 'if (given > freeBytes + taken * maxExpansion)',
    to: 'if (given > Infinity)',
    red: { [replies]: 'a reply that unpacks to far more than it was ends' },
  },
  {
    id: 'C-4.passwords',
    off: 'of a pair only the whole is looked for, not the password',
    file: 'apps/daemon/src/broker/swap.ts',
    from: 'if (at < 0) return;',
    to: 'if (at !== Infinity) return;',
    red: { [replies]: 'of a name and a password the password is found by itself' },
  },

  // No copy stays in memory.
  {
    id: 'C-9.written',
    off: 'the head with the secret stays in memory',
    file: 'apps/daemon/src/broker/upstream-socket.ts',
    from: `whole.fill(0);
      swap.wiped(sent);`,
    to: 'swap.wiped(sent);',
    red: { [dump]: 'a core dump one second after calls of every kind holds no copy of the secret' },
  },
  {
    id: 'C-9.opened',
    off: 'what custody opened stays in memory',
    file: 'apps/daemon/src/broker/swap.ts',
    from: `secret.fill(0);
      encoded.fill(0);`,
    to: 'encoded.fill(0);',
    red: {
      [dump]: 'a core dump one second after calls of every kind holds no copy of the secret',
    },
  },
  {
    id: 'C-9.body',
    off: 'the body with the secret in it stays in memory, once a whole request was made of it',
    file: 'apps/daemon/src/broker/swap.ts',
    from: `encoded.fill(0);
      filled.fill(0);`,
    to: 'encoded.fill(0);',
    red: { [dump]: 'a core dump one second after calls of every kind holds no copy of the secret' },
  },
  {
    id: 'C-9.strings',
    off: "Node's HTTP client is given the secret as a string",
    file: 'apps/daemon/src/broker/broker.ts',
    from: "swap: options.swap ?? 'bytes',",
    to: "swap: options.swap ?? 'off',",
    red: { [atRest]: 'no copy is left one second after the first call' },
  },
  {
    id: 'C-13.messages',
    off: 'messages are not searched',
    file: 'apps/daemon/src/broker/frame-gate.ts',
    from: 'this.#scrubber = prints === undefined ? undefined : new Scrubber(prints);',
    to: 'this.#scrubber = undefined;',
    red: { 'apps/daemon/test/broker/websocket.test.ts': 'what the service repeats is overwritten' },
  },
  {
    id: 'C-13.borders',
    off: 'a secret may be laid over messages',
    file: 'apps/daemon/src/broker/scrub.ts',
    from: 'if (this.#beginsASecret()) whole.fill(star);',
    to: '',
    red: { 'apps/daemon/test/broker/websocket.test.ts': 'a secret over several messages' },
  },
  {
    id: 'C-13.control',
    off: 'control frames are not searched',
    file: 'apps/daemon/src/broker/frame-gate.ts',
    from: 'if (this.#prints !== undefined) scrubWhole(this.#prints, whole);',
    to: '',
    red: { 'apps/daemon/test/broker/websocket.test.ts': 'control frames are scrubbed' },
  },
];
