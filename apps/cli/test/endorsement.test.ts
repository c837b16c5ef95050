// Who vouches for a TPM: certificates of endorsement keys against the authorities that an operator installed, and the file that has those. [ATTEST-1] [ATTEST-2]
// [ATTEST-8]

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { readRoots, writeRoots } from '../src/operator/custody-roots.ts';
import { endorsedBy, readAuthorities } from '../src/operator/endorsement.ts';

const day = 86_400_000;
const forEndorsement = 'extendedKeyUsage=2.23.133.8.1';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-roots-'));
});
after(() => rmSync(folder, { recursive: true }));

const openssl = (...parameters: string[]) =>
  execFileSync('openssl', parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
const derOf = (name: string): Uint8Array =>
  new Uint8Array(new X509Certificate(readFileSync(path.join(folder, `${name}.pem`))).raw);

function authority(name: string, subject: string, extensions: readonly string[], days = 30): Uint8Array {
  const added = extensions.flatMap((each) => ['-addext', each]);
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${subject}`],
    ...['-days', String(days), '-keyout', `${name}.key`, '-out', `${name}.pem`, ...added],
  );
  return derOf(name);
}

function endorsement(name: string, by: string, extensions: readonly string[], days = 10): Uint8Array {
  writeFileSync(path.join(folder, `${name}.ext`), `${extensions.join('\n')}\n`);
  openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=chip', '-keyout', `${name}.key`, '-out', `${name}.csr`);
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-set_serial', '7'],
    ...['-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`],
  );
  return derOf(name);
}

const maySign = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];

describe('certificates of endorsement keys', () => {
  it('count when an installed authority signed them, now, for that use', async () => {
    const root = authority('root', 'maker', maySign);
    const namesake = authority('namesake', 'maker', maySign);
    const notSigning = authority('not-signing', 'maker', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign']);
    const nobody = authority('nobody', 'maker', ['basicConstraints=critical,CA:FALSE']);
    const short = authority('short', 'short', maySign, 5);
    const good = endorsement('good', 'root', [forEndorsement]);
    const nowMs = Date.now();
    const outcome = (certificate: Uint8Array, roots: readonly Uint8Array[], atMs = Date.now()) =>
      outcomeOf(() => endorsedBy(certificate, roots, atMs));

    assert.equal(await outcome(good, [namesake, root]), 'ok');
    const { endorsed, authority: named } = endorsedBy(good, [root], nowMs);
    assert.deepEqual([named, endorsed.modulus.length], ['CN=maker', 256]);

    assert.equal(await outcome(good, []), 'attestation_untrusted', 'no root');
    assert.equal(await outcome(good, [namesake]), 'attestation_untrusted', 'a root that only has the name');
    assert.equal(
      await outcome(endorsement('by-not-signing', 'not-signing', [forEndorsement]), [notSigning]),
      'attestation_untrusted',
    );
    assert.equal(await outcome(endorsement('by-nobody', 'nobody', [forEndorsement]), [nobody]), 'attestation_untrusted');
    assert.equal(await outcome(good, [root], nowMs + 11 * day), 'attestation_untrusted', 'the certificate is over');
    assert.equal(await outcome(good, [root], nowMs - day), 'attestation_untrusted', 'it has not begun');
    const longer = endorsement('longer', 'short', [forEndorsement], 20);
    assert.equal(await outcome(longer, [short]), 'ok');
    assert.equal(await outcome(longer, [short], nowMs + 6 * day), 'attestation_untrusted', 'the authority is over');
    assert.equal(
      await outcome(endorsement('plain', 'root', ['keyUsage=keyEncipherment']), [root]),
      'attestation_untrusted',
      'no use',
    );
    assert.equal(await outcome(endorsement('server', 'root', ['extendedKeyUsage=serverAuth']), [root]), 'attestation_untrusted');
    assert.equal(
      await outcome(endorsement('sub', 'root', [forEndorsement, ...maySign]), [root]),
      'attestation_untrusted',
      'an authority',
    );
    assert.equal(await outcome(root, [root]), 'attestation_untrusted', 'the root itself');
    assert.equal(await outcome(Buffer.concat([good, Buffer.from([0])]), [root]), 'attestation_invalid', 'something after it');
    assert.equal(await outcome(good.subarray(0, -1), [root]), 'attestation_invalid');
    assert.equal(
      await outcome(
        good.map((byte, at) => (at === good.length - 5 ? byte ^ 1 : byte)),
        [root],
      ),
      'attestation_untrusted',
    );

    assert.equal(
      readAuthorities(Buffer.concat(['root', 'short'].map((each) => readFileSync(path.join(folder, `${each}.pem`))))).length,
      2,
    );
    assert.equal(readAuthorities(root).length, 1);
    for (const file of [new Uint8Array(3), readFileSync(path.join(folder, 'good.pem')), nobody])
      assert.equal(await outcomeOf(() => readAuthorities(file)), 'usage');
  });

  it('come from a file that this operator signed, for this fleet, as it is', async () => {
    const holder = await SoftwareKeyHolder.generate(nodePrimitives);
    const [fleet, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const owner = { folder, fleet, holder };
    assert.deepEqual(await readRoots(owner), []);
    await writeRoots(owner, [Uint8Array.of(1, 2, 3)]);
    assert.deepEqual(await readRoots(owner), [Uint8Array.of(1, 2, 3)]);
    assert.equal(await outcomeOf(() => readRoots({ ...owner, fleet: other })), 'key_invalid');
    const stranger = await SoftwareKeyHolder.generate(nodePrimitives);
    assert.equal(await outcomeOf(() => readRoots({ ...owner, holder: stranger })), 'key_invalid');
    const file = path.join(folder, 'custody-roots');
    const content = readFileSync(file);
    for (let at = 0; at < content.length; at += 1) {
      writeFileSync(
        file,
        content.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      );
      assert.equal(await outcomeOf(() => readRoots(owner)), 'key_invalid', `byte ${at}`);
    }
    const many = Array.from({ length: 65 }, (_, each) => Uint8Array.of(each));
    assert.equal(await outcomeOf(() => writeRoots(owner, many)), 'limit_exceeded');
  });
});
