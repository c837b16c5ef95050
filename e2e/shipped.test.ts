// An agent's log read from the relay by an operator's device that never saw its machine: all of it after a time offline, nothing of it in the clear at
// the relay, and by name where the relay dropped part of it or shows an older state.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { leaksBelow } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, root, runProgram } from '../packages/testkit/src/installation.ts';

interface Event {
  readonly kind: string;
}

describe('a log at the relay', () => {
  /** The relay and the operator's first device, the agent's machine, and a device that joined later. */
  let hub: Installation;
  let machine: Installation;
  let phone: Installation;
  const relayDb = (): string => path.join(hub.home, 'relay/relay.db');

  before(async () => {
    hub = await Installation.create();
    machine = await Installation.create();
    phone = await Installation.create();
    await hub.start();
    await hub.must(['init', '--name', 'story', '--json']);
    machine.relayUrl = hub.url;
    await machine.start();
    await machine.enrol('main', hub);
    await phone.join(hub, 'phone');
  });
  after(async () => {
    await machine.remove();
    await phone.remove();
    await hub.remove();
  });

  const shown = async (): Promise<Event[]> =>
    jsonOf<{ events: Event[] }>(await phone.operator(['audit', 'show', '--shipped', '--json'])).events;
  /** Until the relay has so many sessions to their end: shipping follows on its own. */
  const shownSessions = async (count: number): Promise<Event[]> => {
    for (;;) {
      const events = await shown().catch(() => []); // before anything was shipped there is no log
      if (events.filter(({ kind }) => kind === 'session-end').length >= count) return events;
    }
  };

  it('[SHIP-6, CLI-70] is all there after a time offline, and holds for whoever verifies it elsewhere', async () => {
    await machine.run(['true']);
    await shownSessions(1);
    await hub.stop();
    for (let times = 0; times < 2; times += 1) await machine.run(['true']);
    await hub.start();
    await shownSessions(3);
    const bundle = path.join(phone.folder, 'bundle');
    const fetched = jsonOf<{ events: number; covered: number }>(
      await phone.operator(['audit', 'fetch', '--out', bundle, '--json']),
    );
    assert.ok(fetched.covered > 0 && fetched.events >= fetched.covered);
    const verifier = path.join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs');
    const said = await runProgram(process.execPath, [verifier, bundle], {});
    assert.equal(said.code, 0, said.stdout);
    assert.deepEqual(await leaksBelow(path.join(hub.home, 'relay'), 'session-start'), []);
  });

  it('[SHIP-8, SHIP-9] that lost part of it, or shows an older state, is told by name', async () => {
    await machine.stop();
    await hub.stop();
    await copyFile(relayDb(), `${relayDb()}.old`);
    await hub.start();
    await machine.start();
    await machine.run(['true']);
    await shownSessions(4);
    await machine.stop();
    await hub.stop();
    await copyFile(relayDb(), `${relayDb()}.new`);
    await copyFile(`${relayDb()}.old`, relayDb());
    await hub.start();
    assert.equal(failureOf(await phone.operator(['audit', 'fetch', '--json'])).code, 'audit_truncated');
    await hub.stop();
    await copyFile(`${relayDb()}.new`, relayDb());
    const database = new DatabaseSync(relayDb());
    database.exec('DELETE FROM shipments WHERE ordinal = 0');
    database.close();
    await hub.start();
    assert.equal(failureOf(await phone.operator(['audit', 'fetch', '--json'])).code, 'audit_gap');
  });
});
