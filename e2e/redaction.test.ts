// Personal data and secrets that people, tools and pages bring into a session: they come into no file of the daemon or the relay in clear, and into no
// export; who has a value can have it proven; and when it is erased, nobody can, while the log holds. [COMMIT-5] [COMMIT-9] [COMMIT-12]

import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formsOf, leaksBelow, leaksIn, newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, root, runProgram } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Event {
  readonly kind: string;
  readonly sequence: number;
  readonly act?: string;
  readonly prompt?: string;
  readonly salted?: boolean;
  readonly subject?: string;
}

const jane = 'jane.doe+private@mail.example.com';
const phone = '+49 170 5550123';
const customer = 'C-7104412';
const formats = ['jsonl', 'otlp', 'ocsf', 'bundle'] as const;

/** A harness that says what a person and its model say. */
const harness = `
const door = process.env.HOLDFAST_DOOR;
const ask = async (event) => (await fetch(new URL('/v1/hook/claude-code', door), {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ session_id: 'c', cwd: process.cwd(), ...event }),
})).json();
let id = 0;
export const use = (tool_name, tool_input) => ask({ hook_event_name: 'PreToolUse', tool_use_id: 'toolu_' + id++, tool_name, tool_input });
export const prompt = (text) => ask({ hook_event_name: 'UserPromptSubmit', prompt: text });
`;

describe('secrets and personal data in a session', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  const values = [jane, phone, customer, secret];
  /** Of what only a pattern knows, encodings that change every character are not found. [COMMIT-8] */
  const plainly: readonly string[] = ['as it is', 'percent, where needed'];
  const isFound = (value: string, form: string): boolean => value !== customer || plainly.some((name) => form.endsWith(name));
  const place = (name: string): string => path.join(holdfast.folder, name);
  const events = async (): Promise<readonly Event[]> =>
    jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
  const say = async (value: string, ...parameters: string[]) => holdfast.cli(parameters, { input: value });

  before(async () => {
    [holdfast, origin] = await Promise.all([Installation.create(), startOrigin()]);
    await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
    await holdfast.allowEgress(origin);
    await writeFile(path.join(holdfast.work, 'harness.mjs'), harness);
    const personal = [
      { subject: 'jane', values: [jane, phone] },
      { subject: 'customers', like: ['C-#######'] },
    ];
    await holdfast.must(['audit', 'policy', 'set', '--record-all', '--personal', '-', '--json'], {
      input: JSON.stringify(personal),
    });
  });
  after(async () => {
    await holdfast?.remove();
    await origin?.close();
  });

  it('come in by prompts, commands, paths, addresses, queries, headers and refusals, in every form', async () => {
    const get = (what: string, more = ''): string =>
      `curl -sS -o /dev/null ${more} -H "authorization: Bearer $DEMO_TOKEN" 'https://${origin.host}:${origin.port}/v1/${what}'`;
    const first = await holdfast.run(['sh', '-c', get('me')]);
    assert.equal(first.code, 0, first.stderr); // from here on the daemon knows the secret again
    const said = values.flatMap((value) =>
      [...formsOf(value)].filter(([name]) => name !== 'utf-16' && isFound(value, name)).map(([, form]) => form),
    );
    await writeFile(
      path.join(holdfast.work, 'talk.mjs'),
      `import { prompt, use } from './harness.mjs';
       await prompt('write to ${jane}');
       for (const said of ${JSON.stringify(said)}) {
         await use('Bash', { command: 'notify ' + said + ' now' });
         await use('Read', { file_path: process.cwd() + '/' + said.replaceAll('/', '%2F') });
         await use('WebFetch', { url: 'https://api.example.com/' + said + '?q=' + said, prompt: 'x' });
         await use('Write', { file_path: 'note.txt', content: said });
       }`,
    );
    const talked = await holdfast.run([process.execPath, 'talk.mjs']);
    assert.equal(talked.code, 0, talked.stderr);
    const calls = [jane, phone, customer]
      .map(encodeURIComponent)
      .flatMap((value) => [
        get(`users/${value}?q=${value}`, `-H 'x-about: ${value}' -A '${value}' -d '${value}'`),
        `curl -sS 'https://refused.example.com/${value}?q=${value}' -H 'x-about: ${value}' || true`,
        `curl -sS 'https://${origin.host}:${origin.port}/nowhere/${value}' -H 'authorization: Bearer ${value}' || true`,
      ]);
    const ran = await holdfast.run(['sh', '-c', calls.join('; '), jane]);
    assert.equal(ran.code, 0, ran.stderr);
    const kinds = new Set((await events()).map(({ kind }) => kind));
    for (const kind of ['prompted', 'tool-call', 'refused', 'consumed']) assert.ok(kinds.has(kind), kind);
  });

  it('stand in no file of daemon and relay, and in no export; what was done can still be told', async () => {
    await holdfast.must(['audit', 'fetch', '--out', place('shipped'), '--json']);
    const exports = await Promise.all(
      formats.map(async (format) => {
        const ran = await holdfast.cli(['audit', 'export', '--format', format, '--out', place(format)]);
        assert.equal(ran.code, 0, ran.stderr);
        return readFile(place(format), 'utf8');
      }),
    );
    exports.push(await readFile(place('shipped'), 'utf8'));
    const plain = exports.map((text) =>
      [
        text,
        ...[...text.matchAll(/"event":"([^"]+)"/g)].map(([, data = '']) => Buffer.from(data, 'base64url').toString('latin1')),
      ].join('\n'),
    );
    for (const value of values) {
      for (const text of plain) assert.deepEqual(leaksIn(text, value), [], value);
      for (const folder of ['daemon', 'relay'])
        assert.deepEqual(await leaksBelow(path.join(holdfast.home, folder), value), [], value);
    }
    const acts = (await events()).flatMap(({ act }) => (act === undefined ? [] : [act]));
    for (const subject of ['jane', 'customers', 'vault\\.[0-9a-f]{32}'])
      assert.ok(
        acts.some((act) => new RegExp(`notify \\[committed:${subject}:[\\w-]{64}\\] now`).test(act)),
        subject,
      );
    const prompted = (await events()).find(({ kind }) => kind === 'prompted');
    assert.equal(prompted?.salted, true);
  });

  // [CLI-90] [CLI-91]
  it('are proven by who has the value, and by nobody else', async () => {
    const number = String((await events()).find(({ act }) => act?.includes('notify [committed:jane:'))?.sequence);
    assert.match((await holdfast.cli(['audit', 'reveal', number])).stdout, /^jane\n/);
    const guessed = await say('john.doe@example.com', 'audit', 'reveal', number, '--value', '-', '--json');
    assert.equal(failureOf(guessed).code, 'commitment_mismatch');
    assert.equal((await say(jane, 'audit', 'reveal', number, '--value', jane)).code, 2, 'no value is an argument');
    const revealed = await say(jane, 'audit', 'reveal', number, '--value', '-', '--out', place('proof'));
    assert.equal(revealed.code, 0, revealed.stderr);
    assert.deepEqual(leaksIn(await readFile(place('proof')), jane), []);
    const checked = jsonOf<{ ok: boolean; leaf: string }>(
      await say(jane, 'audit', 'check', place('proof'), '--value', '-', '--json'),
    );
    assert.equal(checked.ok, true);
    assert.ok((await readFile(place('jsonl'), 'utf8')).length > 0 && checked.leaf.length === 64);
    assert.ok((await readFile(place('otlp'), 'utf8')).includes(checked.leaf), 'the log holds that event');
    assert.equal((await say(phone, 'audit', 'check', place('proof'), '--value', '-')).code, 4);
  });

  // [CLI-92]
  it('can never be proven again once an operator erased them; both verifiers say what they said', async () => {
    const number = String((await events()).find(({ act }) => act?.includes('notify [committed:jane:'))?.sequence);
    assert.equal((await holdfast.operator(['audit', 'erase', 'jane', '--confirm', 'erase everybody'])).code, 2);
    assert.equal((await holdfast.operator(['audit', 'erase', 'Jane Doe', '--confirm', 'erase Jane Doe'])).code, 2);
    await holdfast.must(['audit', 'erase', 'jane', '--confirm', 'erase jane', '--json']);
    const told = (await events()).find(({ kind }) => kind === 'erased');
    assert.equal(told?.subject, 'jane');
    const again = await say(jane, 'audit', 'reveal', number, '--value', '-', '--json');
    assert.equal(failureOf(again).code, 'commitment_erased');
    const other = String((await events()).find(({ act }) => act?.includes('notify [committed:customers:'))?.sequence);
    assert.equal((await say(customer, 'audit', 'reveal', other, '--value', '-')).code, 0);
    assert.equal((await holdfast.cli(['audit', 'checkpoint', '--out', place('checkpoint')])).code, 0);
    assert.equal((await holdfast.cli(['audit', 'verify', '--checkpoint', place('checkpoint')])).code, 0);
    assert.equal((await holdfast.cli(['audit', 'export', '--format', 'bundle', '--out', place('after')])).code, 0);
    await copyFile(path.join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs'), place('holdfast-verify.mjs'));
    const elsewhere = await runProgram(
      process.execPath,
      [place('holdfast-verify.mjs'), place('after'), '--checkpoint', place('checkpoint')],
      {},
    );
    assert.equal(elsewhere.code, 0, elsewhere.stdout);
  });

  // [CLI-93]
  it('stay declared and erased over a restart, and a new policy does not forget them', async () => {
    await holdfast.stop();
    await holdfast.start();
    await holdfast.must(['audit', 'policy', 'set', '--silence', 'session', '--json']);
    const shown = jsonOf<{ subjects: { subject: string }[] }>(await holdfast.must(['audit', 'policy', 'show', '--json']));
    assert.deepEqual(
      shown.subjects.map(({ subject }) => subject),
      ['jane', 'customers'],
    );
    const url = `https://${origin.host}:${origin.port}/nowhere/${encodeURIComponent(jane)}`;
    const ran = await holdfast.run(['sh', '-c', `curl -sS '${url}' || true`]);
    assert.equal(ran.code, 0, ran.stderr);
    const last = (await events()).findLast((event) => JSON.stringify(event).includes('[committed:jane:'));
    const proven = await say(jane, 'audit', 'reveal', String(last?.sequence), '--value', '-', '--json');
    assert.equal(proven.code, 0, 'what comes after an erasure has new salts');
    assert.deepEqual(await leaksBelow(path.join(holdfast.home, 'daemon'), jane), []);
  });
});
