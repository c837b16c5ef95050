// NEVER COMPILED, NEVER RUN: see ../README.md.
// Custody in the Secure Enclave, spec/custody.md: `holdfast-custody FOLDER` reads requests on stdin, one after the other, and answers each on stdout.

import Foundation

private let maxFrameBytes = maxEntryBytes + 4096 // [CUSTODY-1]
private let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? "secure-enclave", isDirectory: true)

/// The state that `unlock` makes: a store, or why there is none. [CUSTODY-20]
private var unlocked: Result<Store, Fault>?

private func nowMs() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

private func answer(_ payload: Data) -> Data {
    var id: Int64 = 0
    do {
        var request = try Fields(decoded(payload, maxBytes: maxFrameBytes))
        let kind = try request.text("kind", max: 16)
        let asked = try request.integer("id", 1...Int64(maxSafeInteger))
        let act = try prepared(kind, &request) // a frame that is no request is answered under id 0 [CUSTODY-2]
        id = asked
        let (answered, fields) = try act()
        return encoded(.map(fields.merging(["kind": .text(answered), "id": .integer(id)]) { $1 }))
    } catch {
        let fault = error as? Fault ?? Fault("internal", "unexpected fault") // [CUSTODY-3]
        return encoded(.map(["kind": .text("error"), "id": .integer(id), "code": .text(fault.code), "message": .text(fault.message)]))
    }
}

private typealias Act = () throws -> (String, [String: Value])

/// Reads the rest of a request whole; what it returns performs it.
private func prepared(_ kind: String, _ request: inout Fields) throws -> Act {
    switch kind {
    case "unlock":
        if request.has("passphrase") { _ = try request.bytes("passphrase", upTo: 1024) } // it has no say here, as in a token
        if request.has("pin") { _ = try request.bytes("pin", upTo: 256) }
        try request.end()
        return unlock
    case "create":
        let label = try request.text("label", max: 64, scopeName)
        let wanted = request.has("level") ? try request.text("level", max: 64, levels) : level
        try request.end()
        return {
            let store = try opened()
            guard wanted == level else { throw Fault("key_store_absent", "this program has the Secure Enclave's keys only") } // [CUSTODY-19]
            return described(try store.create(label))
        }
    case "stores":
        try request.end()
        return { ("stores", ["stores": .list([try state()])]) }
    case "list":
        try request.end()
        return { ("keys", ["keys": .list(try opened().all.map(description))]) }
    default: break
    }
    let reference = try request.bytes("key", 16)
    switch kind {
    case "public":
        try request.end()
        return { described(try opened().find(reference)) }
    case "bind":
        var binding = try request.record("binding")
        let wanted = Binding(fleet: try binding.bytes("fleet", 32), agent: try binding.bytes("agent", 16))
        try binding.end()
        try request.end()
        return { described(try opened().bind(reference, wanted)) }
    case "sign":
        let domain = try request.text("domain", max: 16, "entry|pairing-offer|relay-auth|session-key") // [CUSTODY-5]
        let statement = try request.bytes("statement", upTo: maxEntryBytes)
        try request.end()
        return {
            let key = try opened().find(reference)
            try assertMaySign(key.known, domain, statement, nowMs: nowMs())
            let input = Data("holdfast/v1 \(domain)\0".utf8) + statement // [KEYS-3]
            return ("signature", ["signature": .bytes(try key.keys.signature(over: input))])
        }
    case "present":
        let (audience, nonce) = (try request.text("audience", max: 512, printable), try request.text("nonce", max: 256, "[\\x21-\\x7e]{16,}"))
        let credential = try request.text("credential", max: 32 * 1024, credentialForm)
        let harness = request.has("harness") ? try request.bytes("harness", 32) : nil
        try request.end()
        return {
            let key = try opened().find(reference)
            try assertMayPresent(key.known, credential)
            let token = try proof(key.keys, credential: credential, audience: audience, nonce: nonce, harness: harness, nowMs: nowMs())
            return ("bound", ["token": .text(token)])
        }
    case "delegate":
        let (credential, terms) = (try request.text("credential", max: 32 * 1024, credentialForm), try request.record("terms"))
        try request.end()
        return {
            let key = try opened().find(reference)
            try assertMayPresent(key.known, credential)
            return ("bound", ["token": .text(try delegation(key.keys, credential: credential, terms, nowMs: nowMs()))])
        }
    case "open":
        let purpose = try request.any("purpose")
        let encapsulated = try request.bytes("encapsulated", 1153)
        try request.end()
        return {
            let key = try opened().find(reference)
            let oneTime = try key.keys.open(encapsulated, info: try sealingInfo(key.known, purpose))
            return ("one-time-key", ["key": .bytes(oneTime.key), "nonce": .bytes(oneTime.nonce)])
        }
    case "evidence", "prove":
        if kind == "prove" { _ = (try request.bytes("offer", 32), try request.any("challenge")) }
        try request.end()
        return {
            guard try opened().find(reference).binding == nil else { throw refused("key is bound: what it proves was told") } // [CUSTODY-26]
            throw Fault("attestation_absent", "the Secure Enclave proves nothing to programs")
        }
    case "destroy":
        try request.end()
        return {
            try opened().destroy(reference)
            return ("done", [:])
        }
    default: throw Fault("codec_shape", "no such request")
    }
}

private func unlock() throws -> (String, [String: Value]) {
    guard unlocked == nil else { throw refused("it is unlocked already") } // [CUSTODY-4]
    do { unlocked = .success(try Store(folder)) } catch {
        unlocked = .failure(error as? Fault ?? Fault("internal", "unexpected fault"))
    }
    return ("unlocked", ["stores": .list([try state(probing: false)])])
}

private func opened() throws -> Store {
    guard let unlocked else { throw refused("the first request is unlock") } // [CUSTODY-4]
    return try unlocked.get()
}

private func state(probing: Bool = true) throws -> Value {
    guard let unlocked else { throw refused("the first request is unlock") }
    let began = DispatchTime.now().uptimeNanoseconds
    do {
        let store = try unlocked.get()
        if !probing { return .map(["level": .text(level)]) }
        try store.probe()
        let tookMs = Int64((DispatchTime.now().uptimeNanoseconds - began) / 1_000_000)
        return .map(["level": .text(level), "tookMs": .integer(tookMs)])
    } catch let fault as Fault {
        return .map(["level": .text(level), "code": .text(fault.code), "message": .text(fault.message)])
    }
}

private func described(_ key: StoredKey) -> (String, [String: Value]) { ("key", ["key": description(key)]) }

private func description(_ key: StoredKey) -> Value {
    let publicKeys: [String: Value] = ["sign": .bytes(key.keys.signPoint), "seal": .bytes(key.keys.sealKey)]
    var fields: [String: Value] = [
        "key": .bytes(key.reference), "label": .text(key.label), "custody": .text(level), "publicKeys": .map(publicKeys),
    ]
    if let binding = key.binding { fields["binding"] = .map(["fleet": .bytes(binding.fleet), "agent": .bytes(binding.agent)]) }
    return .map(fields)
}

// MARK: Frames

private func read(_ count: Int) -> Data? {
    var whole = Data()
    while whole.count < count {
        guard let piece = try? FileHandle.standardInput.read(upToCount: count - whole.count), !piece.isEmpty else { return nil }
        whole += piece
    }
    return whole
}

private func write(_ payload: Data) {
    do { try FileHandle.standardOutput.write(contentsOf: bigEndian(UInt64(payload.count), 4) + payload) } catch { exit(1) }
}

signal(SIGPIPE, SIG_IGN)
while let header = read(4) { // its end is ours [CUSTODY-16]
    let count = header.reduce(0) { $0 << 8 | Int($1) }
    guard count <= maxFrameBytes else {
        write(encoded(.map(["kind": .text("error"), "id": .integer(0), "code": .text("codec_limit"), "message": .text("the frame is too long")])))
        exit(1)
    }
    guard let payload = count == 0 ? Data() : read(count) else { exit(1) }
    write(answer(payload))
}
