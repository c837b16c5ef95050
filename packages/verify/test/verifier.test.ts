// A service's verifier: what it thinks of lists that it can't get, of older ones and of too many, and what stands between its callers and its handlers.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Hono } from 'hono';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { delegate } from '@holdfast/protocol/custody/delegation';
import { bindKey, proveKey } from '@holdfast/protocol/custody/key-binding';
import { disclose, readCredential, rootOf } from '@holdfast/protocol/identity/credential';
import { issueStatusList } from '@holdfast/protocol/identity/status-list';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';
import {
  agentOf,
  honoAgent,
  nodeAgent,
  presentationVerifier,
  replayMemory,
  type Presented,
  type PresentationVerifier,
  type VerifierOptions,
} from '@holdfast/verify';

const audience = 'https://api.example.com';
type Served = string | Response | (() => Promise<Response>);

describe('a verifier', () => {
  let world: World;
  let main: AgentActor;
  let credential: string;
  let nowMs: number;
  let served: Served;
  let asked = 0;

  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    credential = disclose(main.replica.state.agents.get(toHex(main.id))?.credential ?? assert.fail(), () => true);
    nowMs = world.tick();
  });

  const answering = async (): Promise<Response> => {
    asked += 1;
    if (typeof served === 'function') return served();
    if (typeof served !== 'string') return served.clone();
    return new Response(served, { headers: { 'content-type': 'application/statuslist+jwt' } });
  };
  const verifier = (change: Partial<VerifierOptions> = {}): PresentationVerifier =>
    presentationVerifier({
      root: rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign),
      audience,
      nonces: 'theirs',
      fetch: answering,
      nowMs: () => nowMs,
      ...change,
    });
  const list = async (
    change: { control?: number; issuedAtMs?: number; revoked?: boolean; livesMs?: number; children?: Uint8Array[] } = {},
  ) => {
    const { status } = readCredential(new TextEncoder().encode(credential));
    return issueStatusList(world.operator.holder, {
      fleet: world.fleet,
      device: world.operator.id,
      uri: status.uri,
      standings: new Map(change.revoked === true ? [[status.index, 'revoked']] : []),
      length: status.index + 1,
      revokedChildren: change.children ?? [],
      control: change.control ?? 9,
      issuedAtMs: change.issuedAtMs ?? nowMs,
      livesMs: change.livesMs ?? 86_400_000,
    });
  };
  /** Each a second later than the one before: no two are the same. */
  const present = async (nonce = 'n-0S6_WzA2Mj-2026') => {
    nowMs += 1000;
    return credential + (await bindKey(world.primitives, main.holder, { audience, nonce, credential }, nowMs));
  };
  const outcome = async (by: PresentationVerifier) => {
    const presentation = await present();
    return outcomeOf(() => by.verifyPresentation(presentation));
  };

  it('[STATUS-7]: lets nobody in without a list of the right kind, size and signature', async () => {
    const faults: readonly (readonly [string, Served, string])[] = [
      ['no answer', () => Promise.reject(new TypeError('fetch failed')), 'status_unavailable'],
      ['another status', new Response('', { status: 404 }), 'status_unavailable'],
      ['another type', new Response(await list(), { headers: { 'content-type': 'text/html' } }), 'status_unavailable'],
      ['garbage', 'garbage', 'status_forged'],
      ['another list', (await list()).replace(/^[^.]+/, 'e30'), 'status_forged'],
      ['half a list', (await list()).slice(0, -20), 'status_forged'],
      ['megabytes', 'A'.repeat(300 * 1024), 'status_forged'],
      ['an expired one', await list({ issuedAtMs: nowMs - 7_200_000, livesMs: 3_600_000 }), 'status_stale'],
    ];
    for (const [name, answer, expect] of faults) {
      served = answer;
      assert.equal(await outcome(verifier({ statusMaxAgeMs: 0 })), expect, name);
    }
    served = await list();
    assert.equal(await outcome(verifier({ statusMaxAgeMs: 0 })), 'ok');
  });

  it('[STATUS-7]: reads no more of an endless list than it may', async () => {
    let pulled = 0;
    served = async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            pulled += 1;
            controller.enqueue(new Uint8Array(16 * 1024).fill(65));
          },
        }),
        { headers: { 'content-type': 'application/statuslist+jwt' } },
      );
    assert.equal(await outcome(verifier({ statusMaxAgeMs: 0 })), 'status_forged');
    assert.ok(pulled < 40, `${pulled} pieces were read`);
  });

  it('[STATUS-7]: takes no list that is older than one that it has seen', async () => {
    const one = verifier({ statusMaxAgeMs: 0 });
    served = await list({ control: 12, revoked: true });
    assert.equal(await outcome(one), 'credential_revoked');
    served = await list({ control: 11 });
    assert.equal(await outcome(one), 'status_stale');
    served = await list({ control: 13, issuedAtMs: nowMs - 60_000 });
    assert.equal(await outcome(one), 'status_stale');
  });

  it('[DELEGATE-10] [STATUS-8]: lets in no child that was revoked, nor what it handed on; its sibling and its agent go on', async () => {
    const one = verifier({ statusMaxAgeMs: 0 });
    const keys = await Promise.all([0, 1, 2].map(() => SoftwareKeyHolder.generate(world.primitives)));
    const [childKey, belowKey, siblingKey] = [keys[0] ?? assert.fail(), keys[1] ?? assert.fail(), keys[2] ?? assert.fail()];
    const [child, below, sibling] = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte));
    const handed = async (
      by: SoftwareKeyHolder,
      before: string,
      id: Uint8Array | undefined,
      to: SoftwareKeyHolder,
      depth: number,
    ) => {
      const terms = { child: id ?? assert.fail(), key: to.publicKeys.sign, capabilities: [], depth, lifeS: 600 };
      return `${before}${await delegate(world.primitives, by, { ...terms, credential: before }, nowMs)}~`;
    };
    const toChild = await handed(main.holder, credential, child, childKey, 1);
    const toBelow = await handed(childKey, toChild, below, belowKey, 0);
    const toSibling = await handed(main.holder, credential, sibling, siblingKey, 0);
    const outcomes = async () => {
      const found: string[] = [];
      for (const [shown, holder] of [
        [toChild, childKey],
        [toBelow, belowKey],
        [toSibling, siblingKey],
        [credential, main.holder],
      ] as const) {
        nowMs += 1000;
        const terms = { audience, nonce: 'n-0S6_WzA2Mj-2026', credential: shown };
        const presentation = shown + (await proveKey(world.primitives, holder, terms, nowMs));
        found.push(await outcomeOf(() => one.verifyPresentation(presentation)));
      }
      return found;
    };
    served = await list();
    assert.deepEqual(await outcomes(), ['ok', 'ok', 'ok', 'ok']);
    const old = served;
    served = await list({ control: 10, children: [child ?? assert.fail()] });
    assert.deepEqual(await outcomes(), ['delegation_revoked', 'delegation_revoked', 'ok', 'ok']);
    served = old;
    assert.deepEqual(new Set(await outcomes()), new Set(['status_stale']), 'an older list revives nobody');
  });

  it('asks again for each presentation, or as seldom as it was told', async () => {
    served = await list();
    asked = 0;
    const each = verifier({ statusMaxAgeMs: 0 });
    const seldom = verifier({ statusMaxAgeMs: 3_600_000 });
    for (let round = 0; round < 3; round += 1) assert.equal(await outcome(each), 'ok');
    assert.equal(asked, 3);
    for (let round = 0; round < 3; round += 1) assert.equal(await outcome(seldom), 'ok');
    assert.equal(asked, 4);
  });

  it('is not filled with challenges by strangers, and takes one answer to each of them', async () => {
    served = await list();
    const one = verifier({ nonces: 'ours' });
    const challenge = one.challenge();
    for (let count = 0; count < 100_001; count += 1) one.challenge();
    const [first, second] = [await present(challenge), await present(challenge)];
    const forged = first.slice(0, -8) + 'A'.repeat(8);
    assert.equal(await outcomeOf(() => one.verifyPresentation(forged)), 'presentation_forged');
    const outcomes = await Promise.all([first, second].map(async (each) => outcomeOf(() => one.verifyPresentation(each))));
    assert.deepEqual(outcomes.toSorted(), ['ok', 'presentation_nonce']);
  });

  it('takes no answer to a challenge of another verifier, or to an altered one', async () => {
    served = await list();
    const [one, other] = [verifier({ nonces: 'ours' }), verifier({ nonces: 'ours' })];
    const challenge = other.challenge();
    const altered = [challenge.slice(0, 20) + (challenge[20] === 'A' ? 'B' : 'A') + challenge.slice(21), `${challenge}AAAA`];
    for (const nonce of altered) {
      const presentation = await present(nonce);
      assert.equal(await outcomeOf(() => other.verifyPresentation(presentation)), 'presentation_nonce');
    }
    const presentation = await present(challenge);
    assert.equal(await outcomeOf(() => one.verifyPresentation(presentation)), 'presentation_nonce');
    assert.equal(await outcomeOf(() => other.verifyPresentation(presentation)), 'ok');
  });

  it('takes an answer to each challenge once, and to none that it did not give', async () => {
    served = await list();
    const one = verifier({ nonces: 'ours' });
    const challenge = one.challenge();
    const presentation = await present(challenge);
    assert.equal(await outcomeOf(() => one.verifyPresentation(presentation)), 'ok');
    assert.equal(await outcomeOf(() => one.verifyPresentation(presentation)), 'presentation_nonce');
    assert.equal(await outcome(one), 'presentation_nonce');
    const late = one.challenge();
    nowMs += 121_000;
    const answer = await present(late);
    assert.equal(await outcomeOf(() => one.verifyPresentation(answer)), 'presentation_nonce');
  });

  it('[PRESENT-10]: refuses when its memory is full, instead of forgetting', async () => {
    served = await list();
    const one = verifier({ memory: replayMemory({ max: 2, nowMs: () => nowMs }) });
    const first = await present();
    assert.equal(await outcomeOf(() => one.verifyPresentation(first)), 'ok');
    assert.equal(await outcome(one), 'ok');
    assert.equal(await outcome(one), 'presentation_replayed');
    assert.equal(await outcomeOf(() => one.verifyPresentation(first)), 'presentation_replayed');
    nowMs += 120_000;
    served = await list();
    assert.equal(await outcome(one), 'ok');
  });

  it('[PRESENT-10]: takes none twice by waiting for its status list until the first is forgotten', async () => {
    const fresh = await list();
    served = fresh;
    const one = verifier({ statusMaxAgeMs: 0 });
    const presentation = await present();
    assert.equal(await outcomeOf(() => one.verifyPresentation(presentation)), 'ok');
    nowMs += 60_000;
    served = async () => {
      nowMs += 5000; // whoever serves the list chooses how long it takes
      return new Response(fresh, { headers: { 'content-type': 'application/statuslist+jwt' } });
    };
    assert.equal(await outcomeOf(() => one.verifyPresentation(presentation)), 'presentation_time');
  });

  it('can not be made without a name', () => {
    assert.throws(() => verifier({ audience: '' }), { code: 'usage' });
    assert.throws(() => verifier({ audience: 'two words' }), { code: 'usage' });
  });

  it('stands in front of Hono: handlers know who it is, nobody else comes to them', async () => {
    served = await list();
    const app = new Hono<{ Variables: { agent: Presented } }>();
    app.use(honoAgent(verifier()));
    app.get('/', (context) => context.text(context.get('agent').agent));
    const call = async (authorization?: string) =>
      app.request('/', authorization === undefined ? {} : { headers: { authorization } });
    const let_in = await call(`Holdfast ${await present()}`);
    assert.deepEqual([let_in.status, await let_in.text()], [200, toHex(main.id)]);
    const code = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;
    for (const authorization of [
      undefined,
      '',
      'Bearer x',
      `Bearer ${await present()}`,
      'Holdfast ',
      `Holdfast ${await present()} `.repeat(2),
    ]) {
      const answer = await call(authorization);
      assert.equal(answer.status, 401, authorization);
      assert.equal(await code(answer), 'presentation_malformed');
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Holdfast audience="https:\/\/api\.example\.com"$/);
    }
    served = () => Promise.reject(new TypeError('fetch failed'));
    const unavailable = await new Hono().use(honoAgent(verifier({ statusMaxAgeMs: 0 }))).request('/', {
      headers: { authorization: `Holdfast ${await present()}` },
    });
    assert.deepEqual([unavailable.status, await code(unavailable)], [503, 'status_unavailable']);
  });

  it('stands in front of servers in the manner of Express', async () => {
    served = await list();
    const guard = nodeAgent(verifier({ nonces: 'ours' }));
    const call = async (authorization?: string) => {
      const request = { headers: { authorization } };
      const told: { status?: number; asks?: string; agent?: string } = {};
      const response = {
        writeHead: (status: number, headers: Readonly<Record<string, string>>) =>
          Object.assign(told, { status, asks: headers['www-authenticate'] }),
        end: () => {},
      };
      await guard(request, response, () => (told.agent = agentOf(request).agent));
      return told;
    };
    const refused = await call();
    assert.equal(refused.status, 401);
    const [, challenge = ''] = /challenge="([^"]+)"/.exec(refused.asks ?? '') ?? [];
    assert.deepEqual(await call(`Holdfast ${await present(challenge)}`), { agent: toHex(main.id) });
    assert.throws(() => agentOf({}), { code: 'presentation_unbound' });
  });
});
