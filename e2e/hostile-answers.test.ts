// Answers that reach the agent as its relay likes: a second time, for another ask, in another session, of two devices at once, of a device that was
// removed meanwhile. The relay is hostile, everything else is real; what the service saw is the evidence.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { RelayFrame } from '@holdfast/protocol/blind/frames';
import { parseSignal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { listenHostile, type ListeningRelay } from '../packages/testkit/src/hostile-relay.ts';
import { Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

type Pushed = Extract<RelayFrame, { kind: 'push-signal' }>;

interface Event {
  readonly kind: string;
  readonly ask?: string;
  readonly outcome?: string;
  readonly device?: string;
  readonly code?: string;
}

/** One request a line of standard input: an id and a path; says the status and what refused it. */
const client = `
while read -r id path; do
  { curl -sS -o /dev/null -w "$id %{http_code} %header{x-holdfast-error}\\n" -d 'amount=10' "$BANK$path" || echo "$id failed"; } &
done
wait`;

describe('answers through a hostile relay', () => {
  const secret = newCanary();
  const pushed = new EventEmitter();
  let agent: string;
  let laptop: Installation;
  let phone: Installation;
  let between: ListeningRelay;
  let origin: Origin;
  let first: LiveProgram;
  let second: LiveProgram;
  /** What each device shows of what waits and what is over. */
  let followers: readonly LiveProgram[];
  const programs: LiveProgram[] = [];
  const devices = { laptop: '', phone: '' };
  /** Devices whose answers the relay keeps for now. */
  const kept = new Set<string>();
  const known = new Set<string>();

  const follow = (installation: Installation): LiveProgram =>
    installation.live(['approvals', '--follow', '--json', '--passphrase-file', installation.passphraseFile]);
  const session = (): LiveProgram => laptop.session(['sh', '-c', `BANK=https://localhost:${origin.port}; ${client}`]);

  before(async () => {
    origin = await startOrigin();
    [laptop, phone] = [await Installation.create(), await Installation.create()];
    between = await listenHostile(() => laptop.url);
    laptop.relayUrl = between.url;
    agent = await laptop.settle();
    const own = jsonOf<{ devices: { device: string }[] }>(await laptop.must(['devices', 'list', '--json'])).devices;
    devices.laptop = own[0]?.device ?? assert.fail();
    devices.phone = (await phone.join(laptop, 'phone')).device;
    await laptop.addCredential('bank', secret, origin, { paths: ['/v1/**'], methods: ['POST'] });
    await laptop.must(['vault', 'grant', 'bank', '--to', 'main', '--approve']);
    between.relay.script = {
      answer: (frame, line) => {
        if (frame.kind !== 'push-signal' || line.principal !== agent) return [frame];
        const from = toHex(parseSignal(frame.signal).statement.from);
        if (!Object.values(devices).includes(from)) return [frame];
        pushed.emit(from, frame);
        return kept.has(from) ? [] : [frame];
      },
    };
    followers = [follow(laptop), follow(phone)];
    [first, second] = [session(), session()];
    programs.push(first, second, ...followers);
  });
  after(async () => {
    await Promise.all(programs.map((program) => program.end()));
    await laptop.remove();
    await phone.remove();
    await between.close();
    await origin.close();
  });

  /** The ask that this request begins. */
  const ask = async (program: LiveProgram, id: string, path: string): Promise<string> => {
    program.write(`${id} ${path}\n`);
    const [operator = assert.fail()] = followers;
    const found = await operator.until(() => {
      const asks = operator.said.split('\n').filter((line) => line.includes(`"path":"${path}"`));
      return asks.map((line) => (JSON.parse(line) as { ask: string }).ask).find((each) => !known.has(each));
    }, `an ask about ${path}`);
    known.add(found);
    return found;
  };
  const answer = (by: Installation, verdict: string, id: string): Promise<Ran> =>
    by.operator(['approvals', verdict, id, '--json']);
  /** What the relay has of the device's next answer. */
  const fromDevice = async (device: string): Promise<Pushed> => ((await once(pushed, device)) as [Pushed])[0];
  const serve = (...frames: readonly Pushed[]): void => between.relay.toClients(frames, agent);
  /** `STATUS CODE` of a request. */
  const told = async (program: LiveProgram, id: string): Promise<string> =>
    (await program.waitFor(new RegExp(`^${id} (.*)$`, 'm')))[1]?.trim() ?? '';
  const events = async (): Promise<Event[]> => jsonOf<{ events: Event[] }>(await laptop.cli(['audit', 'show', '--json'])).events;
  const refusals = async (): Promise<(string | undefined)[]> =>
    (await events()).flatMap(({ kind, code }) => (kind === 'answer-refused' ? [code] : []));
  /** Asks until so many answers were refused in all; resolves with their codes. */
  const refusedSoFar = async (count: number): Promise<(string | undefined)[]> => {
    for (let codes = await refusals(); ; codes = await refusals()) if (codes.length >= count) return codes;
  };
  /** What both devices show of an end. */
  const shown = async (id: string): Promise<(string | undefined)[]> =>
    Promise.all(
      followers.map(async (each) => (await each.waitFor(new RegExp(`^\\{"ask":"${id}","closed":"(\\w+)"\\}$`, 'm')))[1]),
    );

  it('one that was used lets nothing go a second time: not its own ask, not the same request again, not in another session', async () => {
    const used = fromDevice(devices.laptop);
    const one = await ask(first, 'one', '/v1/pay');
    await first.until(() => (/: waiting for approval, /.test(first.complained) ? true : undefined), 'that it waits');
    assert.match(
      first.complained,
      new RegExp(`^holdfast: one request with a credential: waiting for approval, .* ${one.slice(0, 8)}$`, 'm'),
    );
    assert.equal(jsonOf<{ outcome: string }>(await answer(laptop, 'approve', one)).outcome, 'allowed');
    assert.equal(await told(first, 'one'), '200');
    const replayed = await used;
    serve(replayed, replayed);
    await refusedSoFar(2);
    const again = await ask(first, 'again', '/v1/pay');
    const elsewhere = await ask(second, 'elsewhere', '/v1/pay');
    serve(replayed);
    assert.deepEqual(await refusedSoFar(3), Array(3).fill('ask_unknown'));
    assert.doesNotMatch(first.said, /^again/m);
    assert.doesNotMatch(second.said, /^elsewhere/m);
    assert.equal(origin.seen.length, 1);
    assert.equal(jsonOf<{ outcome: string }>(await answer(laptop, 'approve', elsewhere)).outcome, 'allowed');
    assert.equal(await told(second, 'elsewhere'), '200');
    assert.equal(jsonOf<{ outcome: string }>(await answer(laptop, 'deny', again)).outcome, 'denied');
    assert.equal(await told(first, 'again'), '403 approval_denied');
    assert.equal(origin.seen.length, 2);
  });

  for (const [index, order] of (['allow first', 'deny first', 'at once'] as const).entries())
    it(`of two devices that answer one ask differently, ${order}, one is heard; both show the one outcome`, async () => {
      const [before, refused] = [origin.seen.length, (await refusals()).length];
      const open = await ask(first, `two-${index}`, `/v1/two-${index}`);
      kept.add(devices.laptop).add(devices.phone);
      const held = [fromDevice(devices.laptop), fromDevice(devices.phone)] as const;
      const answers = [answer(laptop, 'approve', open), answer(phone, 'deny', open)];
      const [allow, deny] = await Promise.all(held);
      kept.clear();
      if (order === 'at once') serve(allow, deny);
      else serve(order === 'allow first' ? allow : deny);
      const status = await told(first, `two-${index}`);
      if (order !== 'at once') serve(order === 'allow first' ? deny : allow);
      assert.equal((await refusedSoFar(refused + 1)).at(-1), 'ask_unknown');
      const allowed = status === '200';
      assert.ok(allowed ? order !== 'deny first' : status === '403 approval_denied' && order !== 'allow first', status);
      assert.equal(origin.seen.length - before, allowed ? 1 : 0);
      const outcome = allowed ? 'allowed' : 'denied';
      const recorded = (await events()).filter(({ kind, ask: of }) => kind === 'answered' && of === open);
      assert.deepEqual(
        recorded.map(({ outcome: said, device }) => [said, device]),
        [[outcome, allowed ? devices.laptop : devices.phone]],
      );
      assert.deepEqual(await shown(open), [outcome, outcome]);
      // Whoever still waited for it is told the same, and the loser fails with it.
      for (const [ran, verdict] of [
        [await answers[0], 'allowed'],
        [await answers[1], 'denied'],
      ] as const) {
        const said = ran?.code === 0 || ran?.stdout.includes('"outcome"') ? jsonOf<{ outcome?: string }>(ran).outcome : undefined;
        if (said === undefined) continue;
        assert.deepEqual([said, ran?.code], [outcome, said === verdict ? 0 : 1]);
      }
    });

  it('one of a device that was removed meanwhile does not count; one of a device that is there does', async () => {
    const [before, refused] = [origin.seen.length, (await refusals()).length];
    const open = await ask(first, 'removed', '/v1/removed');
    kept.add(devices.phone);
    const held = fromDevice(devices.phone);
    const answered = answer(phone, 'approve', open);
    const late = await held;
    const removed = jsonOf<{ applied: boolean }>(await laptop.must(['devices', 'remove', 'phone', '--json']));
    assert.equal(removed.applied, true); // the agent's machine has read it
    serve(late);
    assert.equal((await refusedSoFar(refused + 1)).at(-1), 'signal_forged');
    assert.doesNotMatch(first.said, /^removed/m);
    assert.equal(origin.seen.length, before);
    assert.equal(jsonOf<{ outcome: string }>(await answer(laptop, 'approve', open)).outcome, 'allowed');
    assert.equal(await told(first, 'removed'), '200');
    assert.equal(origin.seen.length, before + 1);
    await answered;
  });

  it('the person who ran the session is told what did not pass, and why', async () => {
    first.closeInput();
    await first.ended;
    assert.match(
      first.complained,
      /^holdfast: \d+ requests? to localhost:\d+ did not pass \(approval_denied\): an operator said no/m,
    );
  });
});
