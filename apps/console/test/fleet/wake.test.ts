// Being woken while the console is closed: what is put at the relay and what is not, with a browser and a relay of the test's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayRequest } from '@holdfast/protocol/blind/frames';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { keepOn, switchOff, switchOn, wakeOf, type Subscription, type Wakeable } from '../../src/fleet/wake.ts';

const keyOf = (fill: number): Uint8Array => new Uint8Array(65).fill(fill);

/** A relay with one place for an endpoint, and a browser with one subscription; `done` is what both were asked, in order. */
class Played {
  key: Uint8Array | undefined = keyOf(1);
  permission: ReturnType<Wakeable['allowed']> = 'unasked';
  answer: 'yes' | 'no' = 'yes';
  refuses = false;
  endpoint: string | undefined;
  subscribed: Subscription | undefined;
  readonly done: string[] = [];
  #count = 0;

  readonly relay = {
    request: async (asked: RelayRequest): Promise<unknown> => {
      if (asked.kind === 'webpush-key') return { key: this.key };
      this.done.push(asked.kind);
      if (asked.kind === 'webpush-put') {
        if (this.refuses) throw new HoldfastError('address_refused', 'no service of ours');
        this.endpoint = asked.endpoint;
      } else this.endpoint = undefined;
      return {};
    },
  } as unknown as RelayExchange;

  readonly browser: Wakeable = {
    allowed: () => this.permission,
    ask: async () => {
      this.done.push('ask');
      if (this.permission === 'unasked') this.permission = this.answer;
    },
    subscription: async () => this.subscribed,
    subscribe: async (key) => {
      this.#count += 1;
      this.done.push('subscribe');
      this.subscribed = {
        ...{ endpoint: `https://push.example/${this.#count}`, key },
        end: async () => {
          this.done.push('end');
          this.subscribed = undefined;
        },
      };
      return this.subscribed;
    },
  };
}

test('[CONSOLE-32] nothing is asked or put before its person wants it, and where the relay or the browser cannot, nothing at all', async () => {
  const { relay, browser, done, ...rest } = new Played();
  assert.equal(await wakeOf(relay, browser), 'off');
  await keepOn(relay, browser);
  assert.deepEqual([done, rest.endpoint], [[], undefined]);
  const mute = new Played();
  mute.key = undefined;
  assert.deepEqual(
    [await wakeOf(mute.relay, mute.browser), await switchOn(mute.relay, mute.browser)],
    ['relay-cannot', 'relay-cannot'],
  );
  const bare = new Played();
  bare.permission = 'cannot';
  assert.deepEqual(
    [await wakeOf(bare.relay, bare.browser), await switchOn(bare.relay, bare.browser)],
    ['browser-cannot', 'browser-cannot'],
  );
  const shy = new Played();
  shy.answer = 'no';
  assert.deepEqual([await switchOn(shy.relay, shy.browser), shy.done, shy.subscribed], ['denied', ['ask'], undefined]);
});

test('[CONSOLE-33] on, the relay has the endpoint; off, it forgets it before the subscription ends', async () => {
  const played = new Played();
  const { relay, browser } = played;
  assert.equal(await switchOn(relay, browser), 'on');
  assert.deepEqual([played.endpoint, await wakeOf(relay, browser)], ['https://push.example/1', 'on']);
  assert.equal(await switchOff(relay, browser), 'off');
  assert.deepEqual(played.done, ['ask', 'subscribe', 'webpush-put', 'webpush-forget', 'end']);
  assert.deepEqual([played.endpoint, played.subscribed], [undefined, undefined]);
});

test('[CONSOLE-32] an endpoint that the relay does not take ends the subscription', async () => {
  const played = new Played();
  played.refuses = true;
  await assert.rejects(switchOn(played.relay, played.browser), { code: 'address_refused' });
  assert.deepEqual([played.subscribed, await wakeOf(played.relay, played.browser)], [undefined, 'off']);
});

test('[CONSOLE-34] each connection puts it anew, under the key that the relay has by then', async () => {
  const played = new Played();
  const { relay, browser } = played;
  await switchOn(relay, browser);
  played.endpoint = undefined; // a relay that was set up anew
  await keepOn(relay, browser);
  assert.equal(played.endpoint, 'https://push.example/1');
  played.key = keyOf(2);
  assert.equal(await wakeOf(relay, browser), 'off');
  await keepOn(relay, browser);
  assert.deepEqual(
    [played.endpoint, played.subscribed?.key, await wakeOf(relay, browser)],
    ['https://push.example/2', keyOf(2), 'on'],
  );
});
