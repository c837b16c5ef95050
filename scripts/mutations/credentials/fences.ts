// What a fence allows: THREAT_MODEL.md, C.

import type { Mutation } from '../mutation.ts';

const argumentProperties = 'packages/protocol/test/vault/arguments-properties.test.ts';
const argumentsStory = 'e2e/arguments.test.ts';
const circumstances = 'packages/protocol/test/vault/circumstances.test.ts';
const fenceVectors = 'packages/protocol/test/vault/vault-vectors.test.ts';
const freshness = 'apps/daemon/test/freshness/freshness.test.ts';
const heldBody = 'apps/daemon/test/broker/held-body.test.ts';
const uses = 'apps/daemon/test/vault/use-counts.test.ts';

export const onFences: readonly Mutation[] = [
  {
    id: 'C-16.decoded',
    off: 'only the path as it is sent has to be inside',
    file: 'packages/protocol/src/vault/fence.ts',
    from: 'new Set([facts.path, withSlashes(facts.path)])',
    to: '[facts.path]',
    red: { 'packages/protocol/test/vault/vault-properties.test.ts': 'with encoded slashes pass only if both' },
  },
  {
    id: 'C-16.segments',
    off: 'dot segments behind encoded slashes pass',
    file: 'apps/daemon/src/broker/path.ts',
    from: ` || !plainSegments(plain.replaceAll(encodedSlash, '/'))`,
    to: '',
    red: { 'apps/daemon/test/broker/targets.test.ts': 'a path is canonical or refused' },
  },
  {
    id: 'C-40.anew',
    off: 'the body goes out as it came',
    file: 'packages/protocol/src/vault/argument-text.ts',
    from: "utf8(limits.format === 'json' ? writeExactJson(read) : writeForm(read as ReadonlyMap<string, string>))",
    to: 'body.bytes',
    red: { [fenceVectors]: 'fence: arguments', [heldBody]: 'what was judged goes out' },
  },
  {
    id: 'C-40.judged',
    off: 'nobody judges arguments',
    file: 'apps/daemon/src/session/authority.ts',
    from: 'const judged = judge(grant.fence, { query: facts.query, body });',
    to: "const judged: Judged = { query: facts.query, body: body && { type: body.type ?? '', bytes: body.bytes } };",
    red: { [argumentsStory]: 'keeps everything else from the service' },
  },
  {
    id: 'C-40.headers',
    off: 'any header goes along',
    file: 'apps/daemon/src/broker/exchange.ts',
    from: 'decision.grant.limitsArguments && !tellsNothing.test(lower)',
    to: 'decision.grant.limitsArguments && lower === tellsNothing.source',
    red: { [heldBody]: 'what was judged goes out' },
  },
  {
    id: 'C-40.half',
    off: 'half an upload is judged',
    file: 'apps/daemon/src/broker/exchange.ts',
    from: `      this.#assertWanted();
      const use =`,
    to: '      const use =',
    red: { [heldBody]: 'one that ends early is none' },
  },
  {
    id: 'C-40.closed',
    off: 'other keys may stand beside the named ones',
    file: 'packages/protocol/src/vault/arguments.ts',
    from: 'if (outlines === undefined || resembles(key, outlines)) return false;',
    to: 'if (outlines !== undefined && resembles(key, outlines)) return false;',
    red: { [fenceVectors]: 'fence: arguments', [argumentProperties]: 'of JSON has the named arguments' },
  },
  {
    id: 'C-40.alike',
    off: 'look-alikes pass where others may stand beside',
    file: 'packages/protocol/src/vault/arguments.ts',
    from: 'if (outlines === undefined || resembles(key, outlines)) return false;',
    to: 'if (outlines === undefined) return false;',
    red: { [fenceVectors]: 'fence: arguments' },
  },
  {
    id: 'C-40.twice',
    off: 'a key may stand twice',
    file: 'packages/protocol/src/codec/exact-json.ts',
    from: "if (fields.has(key)) fail('a key stands twice');",
    to: '',
    red: { [fenceVectors]: 'fence: arguments' },
  },
  {
    id: 'C-40.numbers',
    off: 'numbers are read as floating point',
    file: 'packages/protocol/src/vault/arguments.ts',
    from: 'return isDecimal(digits) && isWithin(digits, holds); // [FENCE-19]',
    to: 'return Number(digits) >= Number(holds.min) && Number(digits) <= Number(holds.max); // [FENCE-19]',
    red: { [fenceVectors]: 'fence: arguments' },
  },
  {
    id: 'C-40.coding',
    off: 'a coding is passed over',
    file: 'packages/protocol/src/vault/argument-text.ts',
    from: 'body.coding !== undefined || ',
    to: '',
    red: { [fenceVectors]: 'fence: arguments', [heldBody]: 'never leaves' },
  },
  {
    id: 'C-41.counted',
    off: 'uses are counted once they are written',
    file: 'apps/daemon/src/vault/mint.ts',
    from: 'this.ports.counts.take(grant, limits); // [FENCE-31]',
    to: 'if (limits !== undefined) this.ports.counts.assertLeft(grant, limits); // [FENCE-31]',
    red: { [uses]: 'are no more than the budget' },
  },
  {
    id: 'C-41.restarts',
    off: 'a restart begins at nothing',
    file: 'apps/daemon/src/agent/counted-uses.ts',
    from: 'for (const each of all.values()) counts.add(each.grant, each.total, each.recentAtMs);',
    to: '',
    red: { [uses]: 'are no more than the budget', 'e2e/uses.test.ts': 'a budget of 100' },
  },
  {
    id: 'C-41.index',
    off: 'an older index is taken for the count',
    file: 'apps/daemon/src/agent/counted-uses.ts',
    from: 'await countTo(Math.max(size, signed), audit.size);',
    to: '',
    red: { [uses]: 'are the same whatever became of their index' },
  },
  {
    id: 'C-41.cut',
    off: 'a log that was cut counts less',
    file: 'apps/daemon/src/agent/counted-uses.ts',
    from: 'if (size > audit.size)',
    to: 'if (size < 0)',
    red: { [uses]: 'are the same whatever became of their index' },
  },
  {
    id: 'C-42.windows',
    off: 'windows go by the wall clock',
    file: 'apps/daemon/src/vault/use-counts.ts',
    from: 'windows.map(({ windowMs }) => within(count.recent, nowMs - windowMs))',
    to: 'windows.map(({ windowMs }) => within(count.recent, nowMs + this.#clock.nowMs() - 1_790_000_000_000 - windowMs))',
    red: { [uses]: 'no clock that is set gives one' },
  },
  {
    id: 'C-42.pulse',
    off: 'a last moment goes by the wall clock alone',
    file: 'apps/daemon/src/freshness.ts',
    from: 'return Math.max(this.clock.nowMs(), pulse === undefined ? 0 : pulse.atMs + pulseAgeMs);',
    to: 'return this.clock.nowMs() + 0 * (pulse === undefined ? 0 : pulseAgeMs);',
    red: { [freshness]: 'now is no earlier than' },
  },
  {
    id: 'C-43.folder',
    off: 'any folder will do',
    file: 'packages/protocol/src/vault/circumstances.ts',
    from: 'if (folders?.some(isInside) === false) throw misplaced();',
    to: '',
    red: { [circumstances]: 'are the folder and what lies below it', 'e2e/places.test.ts': 'is good nowhere else' },
  },
  {
    id: 'C-43.alike',
    off: 'a folder that begins alike will do',
    file: 'packages/protocol/src/vault/circumstances.ts',
    from: 'tree?.startsWith(`${folder}/`)',
    to: 'tree?.startsWith(folder)',
    red: { [circumstances]: 'are the folder and what lies below it', 'e2e/places.test.ts': 'is good nowhere else' },
  },
  {
    id: 'C-43.repository',
    off: 'any repository will do',
    file: 'packages/protocol/src/vault/circumstances.ts',
    from: 'if (named !== undefined && (repository === undefined || !named.includes(repository))) throw misplaced();',
    to: '',
    red: { [circumstances]: 'are the working trees of a repository' },
  },
];
