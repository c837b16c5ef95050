// Is all on record, and nothing else? A seeded mix of acts in one sealed session: allowed, refused, denied, killed in the middle, told by the harness or not. What
// the log has is then held, act by act and both ways, against the services' own logs, the session's system calls and the harness's transcript.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertVerifies, consumedOnce, eventsOf, type RecordedEvent } from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import { startService, type Service } from '../packages/testkit/src/origin.ts';
import { sessionProgram } from '../packages/testkit/src/processes.ts';
import { share } from '../packages/testkit/src/shares.ts';
import { noStrace, watch } from '../packages/testkit/src/strace.ts';

/** Of a hundred acts so many are of each kind. */
const mix = {
  use: 26,
  open: 12,
  fenced: 10,
  elsewhere: 10,
  command: 10,
  forbidden: 6,
  /** The harness says nothing of it. */
  untold: 8,
  /** The harness says it and does not do it. */
  undone: 6,
  /** Killed when half of the answer is there. */
  hung: 6,
  /** Killed at a moment of chance. */
  cut: 6,
} as const;
type Kind = keyof typeof mix;

interface Act {
  readonly id: string;
  readonly kind: Kind;
  readonly killAfterMs?: number;
}

/** What the harness did and was told. */
interface Told {
  readonly id: string;
  readonly reported: boolean;
  readonly denied: boolean;
  readonly status?: string;
}

/** Numbers below one, the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function actsOf(seed: number, count: number): Act[] {
  const chance = chanceOf(seed);
  const kinds = (Object.keys(mix) as Kind[]).flatMap((kind) => Array<Kind>(mix[kind]).fill(kind));
  return Array.from({ length: count }, (_, number) => {
    // Each kind once, whatever the seed.
    const kind = (Object.keys(mix) as Kind[])[number] ?? kinds[Math.floor(chance() * kinds.length)] ?? 'use';
    const id = `${kind}-${number}`;
    return { id, kind, ...(kind === 'cut' && { killAfterMs: Math.floor(chance() * 250) }) };
  });
}

/** A harness that does what acts.json says, in four lines, and writes down what it did. */
const harness = `
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
const { acts, service, open } = JSON.parse(readFileSync('acts.json', 'utf8'));
const door = process.env.HOLDFAST_DOOR;
const told = [];
const before = async (id, command) => {
  const event = { session_id: 'c', cwd: process.cwd(), hook_event_name: 'PreToolUse', tool_use_id: id, tool_name: 'Bash', tool_input: { command } };
  const reply = await fetch(new URL('/v1/hook/claude-code', door), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
  const said = (await reply.json()).hookSpecificOutput ?? {};
  return { denied: said.permissionDecision === 'deny', tag: /^# (hft_\\S+)/.exec(said.updatedInput?.command ?? '')?.[1] };
};
const proxies = (tag) => Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) =>
  [name, tag === undefined ? process.env[name] : process.env[name].replace('//', '//' + tag + ':x@')]));
const urlOf = ({ id, kind }) =>
  kind === 'open' ? 'https://' + open + '/v1/' + id :
  kind === 'elsewhere' ? 'https://' + id + '.example/' :
  'https://' + service + (kind === 'fenced' ? '/private/' : '/v1/') + id;
const curl = async (url, tag, { atFirst = false, afterMs } = {}) => {
  const child = spawn('curl', ['-sSN', '-w', ' %{http_code}', url], { env: { ...process.env, ...proxies(tag) }, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
    if (atFirst) child.kill('SIGKILL');
  });
  const killing = afterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), afterMs);
  await once(child, 'close');
  clearTimeout(killing);
  return /(\\d{3})$/.exec(said)?.[1] ?? 'killed';
};
const perform = async (act) => {
  const { id, kind } = act;
  const command = kind === 'command' ? 'true # ' + id : kind === 'forbidden' ? 'git push origin ' + id : 'curl ' + urlOf(act);
  const { denied = false, tag } = kind === 'untold' ? {} : await before(id, command);
  const done = { id, reported: kind !== 'untold', denied };
  if (denied || kind === 'undone') return done;
  if (kind === 'command') return once(spawn('true', [id]), 'close').then(() => done);
  return { ...done, status: await curl(urlOf(act), tag, { atFirst: kind === 'hung', afterMs: act.killAfterMs }) };
};
console.log('ready');
await once(process.stdin, 'data');
let next = 0;
const line = async () => {
  while (next < acts.length) told.push(await perform(acts[next++]));
};
await Promise.all([line(), line(), line(), line()]);
writeFileSync('transcript.json', JSON.stringify({ door: new URL(door).port, told }));
process.exit(0);
`;

const rules = `rules:
  no-push:
    deny: shell
    command: git push
    reason: It is not for agents.
`;

/** Which act a request was of: a path or a host of its own. */
const actOf = ({ request }: RecordedEvent): string =>
  /^\/(?:v1|private)\/(.*)$/.exec(request?.path ?? '')?.[1] ?? (request?.host ?? '').replace(/\.example$/, '');

/** In order, so that two lists of the same can be compared; one that stands there twice stays twice. */
const sorted = (ids: Iterable<string>): string[] => [...ids].toSorted();

/** Acts whose own process came to the door, by the system calls of the session. */
function connectedIn(log: string, port: string): Set<string> {
  const acts = new Map<string, string>();
  const connected = new Set<string>();
  for (const line of log.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const act = /^execve\(.*"https:\/\/[^"]*?\/?([a-z]+-\d+)(?:\.example\/)?"\]/.exec(rest)?.[1];
    if (act !== undefined) acts.set(pid, act);
    if (rest.startsWith('connect(') && rest.includes(`sin_port=htons(${port})`)) connected.add(acts.get(pid) ?? '');
  }
  connected.delete(''); // the harness itself, which asks the door
  return connected;
}

describe('what is on record of a session', { timeout: 7_200_000 }, () => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const acts = actsOf(seed, share({ ci: 300, soak: 10_000 }));
  const idsOf = (...kinds: readonly Kind[]): string[] =>
    sorted(acts.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id));
  const [seen, seenOpen]: [string[], string[]] = [[], []];
  let service: Service;
  let open: Service;
  let holdfast: Installation;
  let events: RecordedEvent[];
  let told: readonly Told[];
  /** Undefined where nobody can watch. */
  let connected: Set<string> | undefined;
  const cannotWatch = noStrace();

  const of = (...kinds: readonly string[]): RecordedEvent[] => events.filter(({ kind }) => kinds.includes(kind));
  const mintedFor = (): Map<string, string> => new Map(of('minted').map((event) => [event.handle ?? '', actOf(event)]));

  before(async () => {
    service = await startService((request, response) => {
      const id = (request.url ?? '').replace('/v1/', '');
      seen.push(id);
      response.on('error', () => {});
      if (id.startsWith('hung')) response.write('the half of an answer');
      else response.end('done');
    });
    open = await startService((request, response) => {
      seenOpen.push((request.url ?? '').replace('/v1/', ''));
      response.end('done');
    });
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', newCanary(), service, { paths: ['/v1/**'] });
    await holdfast.allowEgress(open);
    await holdfast.applyRules(rules);
    const at = ({ host, port }: Service): string => `${host}:${port}`;
    await writeFile(path.join(holdfast.work, 'acts.json'), JSON.stringify({ acts, service: at(service), open: at(open) }));
    await writeFile(path.join(holdfast.work, 'harness.mjs'), harness);

    const mark = `harness-${process.pid}-${Date.now()}`;
    const session = holdfast.session([process.execPath, 'harness.mjs', mark]);
    await session.waitFor(/ready/);
    const log = path.join(holdfast.folder, 'calls');
    const watching = cannotWatch ? undefined : await watch(await sessionProgram(mark), ['execve', 'connect'], log);
    session.write('go\n');
    const { code } = await session.ended;
    assert.equal(code, 0, session.complained);
    await watching?.end();
    const transcript = await readFile(path.join(holdfast.work, 'transcript.json'), 'utf8');
    const { door, ...said } = JSON.parse(transcript) as { door: string; told: Told[] };
    told = said.told;
    connected = watching && connectedIn(await readFile(log, 'latin1'), door);
    await assertVerifies(holdfast);
    events = await eventsOf(holdfast);
  });
  after(async () => {
    await holdfast?.remove();
    await open?.close();
    await service?.close();
  });

  it('[AUDIT-64] each request that a service saw is on record as one use or one request, and the other way round', (t) => {
    t.diagnostic(
      `seed ${seed}: ${acts.length} acts, ${events.length} events, ${seen.length} and ${seenOpen.length} requests seen`,
    );
    const acted = mintedFor();
    assert.equal(acted.size, new Set(acted.values()).size, 'one handle an act');
    const sent = of('credentialed').filter((event) => event.sent === true);
    assert.deepEqual(sorted(sent.map(({ handle }) => acted.get(handle ?? '') ?? '')), sorted(seen)); // prettier-ignore
    const consumed = new Set(consumedOnce(events).map((handle) => acted.get(handle)));
    assert.deepEqual(seen.filter((id) => !consumed.has(id)), []); // prettier-ignore
    assert.deepEqual(sorted(of('request').map(actOf)), sorted(seenOpen));
    assert.deepEqual(sorted(seen.filter((id) => !id.startsWith('cut'))), idsOf('use', 'untold', 'hung'));
    assert.deepEqual(sorted(seenOpen), idsOf('open'));
  });

  it('[AUDIT-64] each that was refused is on record once, with why, and no service saw it', () => {
    const refused = of('refused').map((event) => `${actOf(event)} ${event.code}`);
    const expected = idsOf('fenced', 'elsewhere').map((id) => `${id} egress_denied`);
    const left = of('refused')
      .filter((event) => event.code === 'request_cut')
      .map(actOf); // its client was killed before it passed
    assert.deepEqual(left.filter((id) => !id.startsWith('cut') || seen.includes(id)), []); // prettier-ignore
    assert.deepEqual(sorted(refused), sorted([...expected, ...left.map((id) => `${id} request_cut`)]));
  });

  it(
    '[AUDIT-64] each process that came to the door is on record, and nothing is of one that did not',
    { skip: cannotWatch },
    (t) => {
      const came = connected ?? assert.fail('nobody watched');
      const observed = new Set(of('minted', 'request', 'refused').map(actOf));
      const unseen = [...observed].filter((id) => !came.has(id));
      assert.deepEqual(unseen, [], 'on record, and never came');
      const without = [...came].filter((id) => !observed.has(id));
      t.diagnostic(`${came.size} came; killed before they had asked: ${without.join(' ') || 'none'}`);
      assert.deepEqual(without.filter((id) => !id.startsWith('cut')), []); // prettier-ignore
    },
  );

  it('[AUDIT-64] what the harness says is on record as it said it, told apart from what was seen, and every difference shows', () => {
    const calls = of('tool-call');
    assert.deepEqual([...new Set(calls.map(({ label }) => label))], ['reported']);
    const named = (all: readonly RecordedEvent[]): string[] => sorted(all.map(({ toolUse }) => toolUse ?? ''));
    const inTranscript = (wanted: (each: Told) => boolean): string[] => sorted(told.filter(wanted).map(({ id }) => id));
    assert.deepEqual(named(calls), inTranscript(({ reported }) => reported)); // prettier-ignore
    assert.deepEqual(named(calls.filter(({ allowed }) => allowed === false)), inTranscript(({ denied }) => denied)); // prettier-ignore
    assert.deepEqual(inTranscript(({ denied }) => denied), idsOf('forbidden')); // prettier-ignore
    const statusOf = new Map(told.map(({ id, status }) => [id, status]));
    for (const id of idsOf('use', 'open', 'untold')) assert.equal(statusOf.get(id), '200', id);

    const stepOf = new Map(calls.map(({ step, toolUse }) => [step ?? '', toolUse ?? '']));
    const observed = of('minted', 'request', 'refused');
    const asSaid = observed.filter(({ from }) => from !== undefined);
    for (const event of asSaid) assert.equal(stepOf.get(event.from ?? ''), actOf(event), 'its own call’s');
    const seenAndNotSaid = sorted(observed.filter(({ from }) => from === undefined).map(actOf));
    assert.deepEqual(seenAndNotSaid, idsOf('untold'));
    const effects = new Set(asSaid.map(actOf));
    const saidAndNotSeen = sorted(stepOf.values()).filter((id) => !effects.has(id) && !id.startsWith('cut'));
    assert.deepEqual(saidAndNotSeen, idsOf('command', 'forbidden', 'undone'));
  });
});
