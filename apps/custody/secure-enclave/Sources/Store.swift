// NEVER COMPILED, NEVER RUN: see ../README.md.
// The folder of the Secure Enclave's keys: a header, and one sealed file a key. The store key comes of an agreement with a key of this Enclave, so a copy of the
// folder is worth nothing on another machine. Changes are all or nothing, and durable before they are answered. [CUSTODY-14]

import CryptoKit
import Foundation

struct StoredKey {
    let reference: Data
    let label: String
    let keys: EnclaveKeys
    var binding: Binding?

    var known: Known { Known(sign: keys.signPoint, seal: keys.sealKey, binding: binding) }
}

private let maxKeys = 64
private let headerName = "store"

final class Store {
    private let folder: URL
    private let id: Data
    private let storeKey: SymmetricKey
    private var keys: [Data: StoredKey] = [:]

    /// Opens what is there, or begins a new one where there is nothing at all.
    init(_ folder: URL) throws {
        guard SecureEnclave.isAvailable else { throw Fault("key_store_absent", "this machine has no Secure Enclave") }
        self.folder = folder
        try failing { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]) }
        let names = try failing { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
        for name in names where name.hasSuffix(".new") { unlink(folder.appendingPathComponent(name).path) } // never came to be
        let references = names.filter { $0.range(of: "\\A[0-9a-f]{32}\\z", options: .regularExpression) != nil }
        if !names.contains(headerName) {
            guard references.isEmpty else { throw Fault("store_failed", "the store has keys and lost its header") } // [CUSTODY-15]
            let (own, other) = (try inEnclave { try SecureEnclave.P256.KeyAgreement.PrivateKey(accessControl: usableAfterFirstUnlock()) }, P256.KeyAgreement.PrivateKey())
            let header: [String: Value] = [
                "v": .integer(1), "id": .bytes(random(16)), "enclave": .bytes(own.dataRepresentation),
                "ephemeral": .bytes(other.publicKey.x963Representation),
            ]
            try Store.write(encoded(.map(header)), headerName, in: folder)
        }
        var header = try Fields(decoded(try Store.read(headerName, in: folder), maxBytes: 4096))
        _ = try header.integer("v", 1...1)
        let name = try header.bytes("id", 16)
        let (enclave, ephemeral) = (try header.bytes("enclave", upTo: 2048), try header.bytes("ephemeral", 65))
        try header.end()
        guard let own = try? SecureEnclave.P256.KeyAgreement.PrivateKey(dataRepresentation: enclave)
        else { throw Fault("key_store_foreign", "these keys are of another Secure Enclave") }
        id = name
        storeKey = try inEnclave {
            try own.sharedSecretFromKeyAgreement(with: P256.KeyAgreement.PublicKey(x963Representation: ephemeral))
                .hkdfDerivedSymmetricKey(using: SHA256.self, salt: name, sharedInfo: Data("holdfast/v1 secure-enclave store\0".utf8), outputByteCount: 32)
        }
        for name in references {
            let key = try opened(name)
            keys[key.reference] = key
        }
    }

    var all: [StoredKey] { keys.values.sorted { $0.reference.lexicographicallyPrecedes($1.reference) } }

    func find(_ reference: Data) throws -> StoredKey {
        guard let key = keys[reference] else { throw Fault("key_unknown", "no such key") }
        return key
    }

    func create(_ label: String) throws -> StoredKey {
        guard keys.count < maxKeys else { throw refused("the key store is full: \(maxKeys) keys") }
        return try kept(StoredKey(reference: random(16), label: label, keys: try EnclaveKeys.make(), binding: nil))
    }

    /// Once; the same again is no change. [CUSTODY-6]
    func bind(_ reference: Data, _ binding: Binding) throws -> StoredKey {
        var key = try find(reference)
        if let own = key.binding {
            guard own == binding else { throw refused("key is bound to another agent") }
            return key
        }
        key.binding = binding
        return try kept(key)
    }

    func destroy(_ reference: Data) throws {
        _ = try find(reference)
        try failing {
            guard unlink(folder.appendingPathComponent(hex(reference)).path) == 0 else { throw Fault("store_failed", "the file stays") }
            try Store.syncFolder(folder)
        }
        keys[reference] = nil
    }

    /// A sign of life: an agreement by the Enclave. [CUSTODY-21]
    func probe() throws {
        guard let key = keys.values.first else {
            _ = try EnclaveKeys.make()
            return
        }
        _ = try inEnclave { try key.keys.agree.sharedSecretFromKeyAgreement(with: P256.KeyAgreement.PrivateKey().publicKey) }
    }

    private func kept(_ key: StoredKey) throws -> StoredKey {
        var fields: [String: Value] = [
            "v": .integer(1), "label": .text(key.label), "sign": .bytes(key.keys.sign.dataRepresentation),
            "agree": .bytes(key.keys.agree.dataRepresentation), "kem": .bytes(key.keys.kem.dataRepresentation),
        ]
        if let binding = key.binding { fields["binding"] = .map(["fleet": .bytes(binding.fleet), "agent": .bytes(binding.agent)]) }
        let sealed = try failing { try AES.GCM.seal(encoded(.map(fields)), using: storeKey, authenticating: id + key.reference) }
        guard let whole = sealed.combined else { throw Fault("store_failed", "the key could not be sealed") }
        try Store.write(whole, hex(key.reference), in: folder)
        keys[key.reference] = key
        return key
    }

    private func opened(_ name: String) throws -> StoredKey {
        let reference = Data(stride(from: 0, to: 32, by: 2).map { UInt8(name.dropFirst($0).prefix(2), radix: 16) ?? 0 })
        let sealed = try Store.read(name, in: folder)
        guard let box = try? AES.GCM.SealedBox(combined: sealed), let plain = try? AES.GCM.open(box, using: storeKey, authenticating: id + reference)
        else { throw Fault("store_failed", "a key's file was altered, or is of another store") }
        var fields = try Fields(decoded(plain, maxBytes: 64 * 1024))
        _ = try fields.integer("v", 1...1)
        let label = try fields.text("label", max: 64, scopeName)
        let keys = try EnclaveKeys.from(
            sign: try fields.bytes("sign", upTo: 16384), agree: try fields.bytes("agree", upTo: 16384), kem: try fields.bytes("kem", upTo: 16384))
        var binding: Binding?
        if fields.has("binding") {
            var bound = try fields.record("binding")
            binding = Binding(fleet: try bound.bytes("fleet", 32), agent: try bound.bytes("agent", 16))
            try bound.end()
        }
        try fields.end()
        return StoredKey(reference: reference, label: label, keys: keys, binding: binding)
    }

    // MARK: Files

    private static func read(_ name: String, in folder: URL) throws -> Data {
        try failing { try Data(contentsOf: folder.appendingPathComponent(name)) }
    }

    /// Beside its place, synced, then put in its place, and the folder synced.
    private static func write(_ data: Data, _ name: String, in folder: URL) throws {
        let (place, beside) = (folder.appendingPathComponent(name).path, folder.appendingPathComponent(name + ".new").path)
        let file = Darwin.open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Fault("store_failed", "the store cannot be written") }
        defer { close(file) }
        let written = data.withUnsafeBytes { Darwin.write(file, $0.baseAddress, $0.count) }
        guard written == data.count, fcntl(file, F_FULLFSYNC) == 0, rename(beside, place) == 0
        else { throw Fault("store_failed", "the store cannot be written") }
        try syncFolder(folder)
    }

    private static func syncFolder(_ folder: URL) throws {
        let descriptor = Darwin.open(folder.path, O_RDONLY)
        guard descriptor >= 0 else { throw Fault("store_failed", "the store's folder cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Fault("store_failed", "the store's folder cannot be synced") }
    }
}

private func random(_ count: Int) -> Data {
    SymmetricKey(size: .init(bitCount: 8 * count)).withUnsafeBytes { Data($0) }
}

private func failing<T>(_ act: () throws -> T) throws -> T {
    do { return try act() } catch let fault as Fault { throw fault } catch { throw Fault("store_failed", "the key store's files fail") }
}
