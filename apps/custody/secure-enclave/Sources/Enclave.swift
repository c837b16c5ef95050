// NEVER COMPILED, NEVER RUN: see ../README.md.
// One agent's keys in the Secure Enclave: P-256 to sign, P-256 and ML-KEM-768 to open. What is kept of them is what the Enclave wrapped for itself.

import CryptoKit
import Foundation
import Security

struct EnclaveKeys {
    let sign: SecureEnclave.P256.Signing.PrivateKey
    let agree: SecureEnclave.P256.KeyAgreement.PrivateKey
    let kem: SecureEnclave.MLKEM768.PrivateKey

    static func make() throws -> EnclaveKeys {
        try inEnclave {
            let access = try usableAfterFirstUnlock()
            return EnclaveKeys(
                sign: try .init(accessControl: access),
                agree: try .init(accessControl: access),
                kem: try .init(accessControl: access)
            )
        }
    }

    static func from(sign: Data, agree: Data, kem: Data) throws -> EnclaveKeys {
        try inEnclave {
            EnclaveKeys(
                sign: try .init(dataRepresentation: sign),
                agree: try .init(dataRepresentation: agree),
                kem: try .init(dataRepresentation: kem)
            )
        }
    }

    var signPoint: Data { sign.publicKey.x963Representation }
    var agreePoint: Data { agree.publicKey.x963Representation }
    /// ML-KEM-768 encapsulation key, then the P-256 point: 1,249 bytes.
    var sealKey: Data { kem.publicKey.rawRepresentation + agreePoint }

    /// ES256 with the smaller s. [KEYS-5]
    func signature(over input: Data) throws -> Data {
        try inEnclave { lowS(try sign.signature(for: input).rawRepresentation) }
    }

    /// HPKE's key schedule as a whole: AEAD key and nonce of one sealing, spec/hpke.md. [CUSTODY-13] [HPKE-6]
    func open(_ encapsulated: Data, info: Data) throws -> (key: Data, nonce: Data) {
        let (ciphertext, ephemeral) = (encapsulated.prefix(1088), Data(encapsulated.suffix(65)))
        guard let point = try? P256.KeyAgreement.PublicKey(x963Representation: ephemeral)
        else { throw Fault("open_failed", "sealing does not open") } // [HPKE-4]
        let shared = try inEnclave {
            var hash = SHA3_256() // [HPKE-3]
            try kem.decapsulate(Data(ciphertext)).withUnsafeBytes { hash.update(bufferPointer: $0) }
            try agree.sharedSecretFromKeyAgreement(with: point).withUnsafeBytes { hash.update(bufferPointer: $0) }
            hash.update(data: ephemeral + agreePoint + Data("MLKEM768-P256".utf8))
            return Data(hash.finalize())
        }
        return keySchedule(shared, info)
    }
}

func inEnclave<T>(_ act: () throws -> T) throws -> T {
    do { return try act() } catch let fault as Fault { throw fault } catch {
        throw Fault("key_store_failed", "the Secure Enclave does not do it")
    }
}

func usableAfterFirstUnlock() throws -> SecAccessControl {
    guard let access = SecAccessControlCreateWithFlags(nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, [.privateKeyUsage], nil)
    else { throw Fault("key_store_failed", "no access control could be made") }
    return access
}

/// RFC 9180 §5.1, base mode, KEM 0x0050, KDF 0x0001, AEAD 0x0002. [HPKE-1]
private func keySchedule(_ shared: Data, _ info: Data) -> (key: Data, nonce: Data) {
    let suite = Data("HPKE".utf8) + Data([0x00, 0x50, 0x00, 0x01, 0x00, 0x02])
    let labelled = { (label: String) in Data("HPKE-v1".utf8) + suite + Data(label.utf8) }
    let extract = { (salt: Data, label: String, secret: Data) in
        Data(HMAC<SHA256>.authenticationCode(for: labelled(label) + secret, using: SymmetricKey(data: salt)))
    }
    let context = Data([0]) + extract(Data(), "psk_id_hash", Data()) + extract(Data(), "info_hash", info)
    let secret = SymmetricKey(data: extract(shared, "secret", Data()))
    let expand = { (label: String, count: Int) in
        let about = bigEndian(UInt64(count), 2) + labelled(label) + context
        return HKDF<SHA256>.expand(pseudoRandomKey: secret, info: about, outputByteCount: count).withUnsafeBytes { Data($0) }
    }
    return (expand("key", 32), expand("base_nonce", 12))
}

/// r ‖ s with the smaller s of the two: the other one would be a second form of the same signature.
func lowS(_ signature: Data) -> Data {
    let order: [UInt8] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ]
    let s = [UInt8](signature.suffix(32))
    var other = [UInt8](repeating: 0, count: 32)
    var borrow = 0
    for at in stride(from: 31, through: 0, by: -1) {
        let difference = Int(order[at]) - Int(s[at]) - borrow
        borrow = difference < 0 ? 1 : 0
        other[at] = UInt8(truncatingIfNeeded: difference)
    }
    return signature.prefix(32) + Data(other.lexicographicallyPrecedes(s) ? other : s)
}
