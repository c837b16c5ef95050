// What a TPM shows of two of its keys, spec/attestation.md: the maker's certificate of its endorsement key, and, once it has opened a challenge with that
// key, its word about both keys. The attestation key is made for one enrolment and kept nowhere.

import { concat } from '@holdfast/protocol/codec/bytes';
import { qualifyingData, type KeyChallenge, type KeyEvidence, type KeyProof } from '@holdfast/protocol/custody/attestation';
import { afterHead, alg, heads, padded } from '@holdfast/protocol/custody/tpm-keys';
import { Reader, sized, u16, u32, u8 } from '@holdfast/protocol/custody/tpm-marshal';
import { HoldfastError } from '@holdfast/protocol/errors';
import { lowS } from '@holdfast/protocol/primitives/p256-scalar';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

import type { Attester } from '../attester.ts';
import { nameOf, templates, type Tpm, type TpmAtWork, type Wrapped } from './chip.ts';
import { withoutSessions, withSessions, type TpmDevice } from './device.ts';
import { openAuthorization, type Entity } from './session.ts';

const commands = {
  activateCredential: 0x147,
  certify: 0x148,
  createPrimary: 0x131,
  flushContext: 0x165,
  nvRead: 0x14e,
  nvReadPublic: 0x169,
  policySecret: 0x151,
  readPublic: 0x173,
  startAuthSession: 0x176,
} as const;

const rhEndorsement = 0x4000000b;
const rhNull = 0x40000007;
const policySession = 1;

/** TCG EK Credential Profile: where the RSA 2048 key and its certificate lie. */
const endorsementHandle = 0x81010001;
const certificateIndex = 0x01c00002;
const maxCertificateBytes = 4096;
const nvChunkBytes = 512;

export function tpmAttester(
  primitives: Primitives,
  tpm: Tpm,
  { sign, agree, auth }: { readonly sign: Wrapped; readonly agree: Wrapped; readonly auth: Uint8Array },
): Attester {
  let attesting: Wrapped | undefined;
  return {
    evidence: async (): Promise<KeyEvidence> =>
      tpm.together(async (work) => {
        const endorsement = await readCertificate(work.device);
        const { handle, area } = await endorsementKey(work.device);
        await flushTransient(work, handle);
        attesting = await work.create(templates.attest);
        return {
          v: 1,
          endorsement,
          endorsementKey: area,
          attestationKey: attesting.public,
          sign: sign.public,
          agree: agree.public,
        };
      }),
    prove: async (challenge, offerHash): Promise<KeyProof> =>
      tpm.together(async (work) => {
        if (attesting === undefined) throw new HoldfastError('custody_refused', 'evidence comes before proof');
        const attester = await work.load(attesting);
        try {
          const secret = await activate(work, attester, challenge);
          const data = qualifyingData(primitives, secret, offerHash);
          secret.fill(0);
          return {
            v: 1,
            sign: await certified(work, { attester, key: sign, auth, data }),
            agree: await certified(work, { attester, key: agree, auth, data }),
          };
        } finally {
          await work.flush(attester.handle);
        }
      }),
  };
}

/** Throws `attestation_absent`: the maker gave it no certificate, or keeps it elsewhere. */
async function readCertificate(device: TpmDevice): Promise<Uint8Array> {
  try {
    const publicArea = new Reader(
      new Reader(await device.send(withoutSessions, commands.nvReadPublic, u32(certificateIndex))).sized(),
    );
    publicArea.take(4 + 2 + 4); // index, hash, attributes
    publicArea.sized();
    const size = publicArea.u16();
    if (size > maxCertificateBytes) throw new HoldfastError('key_store_failed', "the TPM's certificate is too long");
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < size; at += nvChunkBytes) {
      const body = concat(
        ...[u32(certificateIndex), u32(certificateIndex), u32(openAuthorization.length), openAuthorization],
        ...[u16(Math.min(nvChunkBytes, size - at)), u16(at)],
      );
      const reader = new Reader(await device.send(withSessions, commands.nvRead, body));
      reader.u32();
      pieces.push(reader.sized().slice());
    }
    return withoutPadding(concat(...pieces));
  } catch (cause) {
    if (cause instanceof HoldfastError && cause.code === 'key_store_absent') throw cause;
    throw new HoldfastError('attestation_absent', 'the TPM has no certificate of its maker', { cause });
  }
}

/** An index may be longer than the certificate in it: DER says where that ends. */
function withoutPadding(written: Uint8Array): Uint8Array {
  const [tag, form, high = 0, low = 0] = written;
  if (tag !== 0x30 || form !== 0x82) throw new HoldfastError('key_store_failed', 'what the TPM has there is no certificate');
  return written.subarray(0, 4 + high * 0x100 + low);
}

/** The one that is kept in the TPM, or made anew of the template: it is the same. */
async function endorsementKey(device: TpmDevice): Promise<{ readonly handle: number; readonly area: Uint8Array }> {
  try {
    const kept = new Reader(await device.send(withoutSessions, commands.readPublic, u32(endorsementHandle))).sized().slice();
    if (afterHead(kept, heads.endorsement) !== undefined) return { handle: endorsementHandle, area: kept };
  } catch (thrown) {
    if (thrown instanceof HoldfastError && thrown.code === 'key_store_absent') throw thrown;
  }
  const template = concat(heads.endorsement, sized(new Uint8Array(256)));
  const body = concat(
    ...[u32(rhEndorsement), u32(openAuthorization.length), openAuthorization],
    ...[sized(sized(), sized()), sized(template), sized(), u32(0)],
  );
  const reader = new Reader(await device.send(withSessions, commands.createPrimary, body));
  const handle = reader.u32();
  reader.u32();
  return { handle, area: reader.sized().slice() };
}

async function flushTransient({ flush }: TpmAtWork, handle: number): Promise<void> {
  if (handle !== endorsementHandle) await flush(handle);
}

/** The endorsement key works under its template's policy: whoever may use the endorsement hierarchy. */
async function activate(work: TpmAtWork, attester: Entity, { credential, secret }: KeyChallenge): Promise<Uint8Array> {
  const { device } = work;
  const endorsement = await endorsementKey(device);
  let session: number | undefined;
  try {
    const begun = new Reader(
      await device.send(
        withoutSessions,
        commands.startAuthSession,
        concat(u32(rhNull), u32(rhNull), sized(new Uint8Array(32)), sized(), u8(policySession), u16(alg.none), u16(alg.sha256)),
      ),
    );
    session = begun.u32();
    const policy = concat(
      ...[u32(rhEndorsement), u32(session), u32(openAuthorization.length), openAuthorization],
      ...[sized(), sized(), sized(), u32(0)],
    );
    await device.send(withSessions, commands.policySecret, policy);
    const authorizations = concat(openAuthorization, concat(u32(session), sized(), u8(1), sized()));
    const answer = new Reader(
      await device.send(
        withSessions,
        commands.activateCredential,
        concat(
          ...[u32(attester.handle), u32(endorsement.handle), u32(authorizations.length), authorizations],
          ...[sized(credential), sized(secret)],
        ),
      ),
    );
    answer.u32();
    return answer.sized().slice();
  } finally {
    if (session !== undefined) await work.flush(session);
    await flushTransient(work, endorsement.handle);
  }
}

async function certified(
  work: TpmAtWork,
  given: { readonly attester: Entity; readonly key: Wrapped; readonly auth: Uint8Array; readonly data: Uint8Array },
): Promise<KeyProof['sign']> {
  const { attester, key, auth, data } = given;
  const object = await work.load(key);
  try {
    const answer = await work.run({
      code: commands.certify,
      handles: [{ handle: object.handle, name: nameOf(key.public) }, attester],
      auth,
      parameters: concat(sized(data), u16(alg.none)),
      answersSized: true,
      secondIsOpen: true,
    });
    const reader = new Reader(answer);
    const attest = reader.sized().slice();
    if (reader.u16() !== alg.ecdsa || reader.u16() !== alg.sha256)
      throw new HoldfastError('key_store_failed', 'the TPM signed in another way than was asked');
    const signature = lowS(concat(padded(reader.sized()), padded(reader.sized())));
    reader.end();
    return { attest, signature };
  } finally {
    await work.flush(object.handle);
  }
}
