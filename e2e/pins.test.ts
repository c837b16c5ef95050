// A credential for who has a key that the operator knows: the service's key changes, and until an operator says so nobody gets a byte.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { makeCertificate, startService, type Certificate, type Service } from '../packages/testkit/src/origin.ts';

/** As `openssl x509 -pubkey … | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64` has it. */
const pinOf = (pem: string): string =>
  `sha256/${createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`;

describe('a pinned key', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let service: Service & { readonly server: Server };
  let [first, second]: Certificate[] = [];
  let ca: string;
  const asked: (string | undefined)[] = [];
  const ask = async () =>
    (await holdfast.run(['curl', '-sS', '-w', '\n%{http_code}', `https://localhost:${service.port}/v1/me`])).stdout;
  const moveTo = ({ certPem, keyPem }: Certificate): void => {
    service.server.setSecureContext({ cert: certPem, key: keyPem });
    service.server.closeAllConnections();
  };

  before(async () => {
    [first, second] = await Promise.all([makeCertificate(['localhost']), makeCertificate(['localhost'])]);
    service = await startService((request, response) => {
      asked.push(request.headers.authorization);
      response.end('yes');
    });
    assert.ok(first && second);
    moveTo(first);
    holdfast = await Installation.create();
    await holdfast.settle();
    ca = path.join(holdfast.folder, 'both.pem');
    await writeFile(ca, first.caPem + second.caPem);
  });
  after(async () => {
    await holdfast.remove();
    await service.close();
  });

  // [FENCE-50] [FENCE-51]
  it('a service that has another key, with a certificate that verifies, gets nothing', async () => {
    assert.ok(first && second);
    const host = ['--host', `localhost:${service.port}`, '--allow-private', '--ca', ca];
    const added = await holdfast.must(
      ['vault', 'add', 'svc', ...host, '--attach', 'bearer', '--pin', pinOf(first.certPem), '--json'],
      { input: secret },
    );
    assert.deepEqual(jsonOf<{ pin: string[] }>(added).pin, [pinOf(first.certPem)]);
    await holdfast.must(['vault', 'grant', 'svc', '--to', 'main']);
    assert.match(await ask(), /^yes\n200$/);
    assert.deepEqual(asked.splice(0), [`Bearer ${secret}`]);

    moveTo(second);
    const refused = await ask();
    assert.match(refused, /"code":"upstream_unpinned".*--pin.*\n502$/s);
    assert.deepEqual(asked, []);
    assert.match((await holdfast.cli(['audit', 'show'])).stdout, /upstream_unpinned/);
  });

  it('until an operator grants it with the new one, beside the old or alone', async () => {
    assert.ok(first && second);
    const pins = [pinOf(first.certPem), pinOf(second.caPem)];
    await holdfast.must(['vault', 'ungrant', 'svc', '--from', 'main']);
    await holdfast.must(['vault', 'grant', 'svc', '--to', 'main', ...pins.flatMap((pin) => ['--pin', pin])]);
    assert.match(await ask(), /^yes\n200$/);
    moveTo(first);
    assert.match(await ask(), /^yes\n200$/);
    assert.deepEqual(asked.splice(0), [`Bearer ${secret}`, `Bearer ${secret}`]);
    const { items } = jsonOf<{ items: { pin: string[] }[] }>(await holdfast.cli(['vault', 'list', '--json']));
    assert.deepEqual(items[0]?.pin, pins);
    await holdfast.must(['vault', 'ungrant', 'svc', '--from', 'main']);
  });

  it('the same of a host that needs no credential', async () => {
    assert.ok(second);
    const pin = ['--pin', pinOf(second.certPem)];
    await holdfast.must(['egress', 'allow', `localhost:${service.port}`, '--to', 'main', '--allow-private', '--ca', ca, ...pin]);
    assert.match(await ask(), /upstream_unpinned/);
    assert.deepEqual(asked, []);
  });
});
